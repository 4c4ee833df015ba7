"""Statements in PostgreSQL's spelling: each rule, and nothing else."""

from __future__ import annotations

import pytest

from kizuna.store.postgres.translated import translated

RULES = {
    "select 1 from a where b=? and c>?": "select 1 from a where b=%s and c>%s",
    "select 1 from a where b=:one and c=:two_2": "select 1 from a where b=%(one)s and c=%(two_2)s",
    "select '?', ':x', 'it''s ?' from a where b=?": "select '?', ':x', 'it''s ?' from a where b=%s",
    "select '{1,2}'::bigint[]": "select '{1,2}'::bigint[]",
    "select a % 2, '50%'": "select a %% 2, '50%%'",
    "n in (select value from json_each(?))": "n in (select value from json_numbers(%s))",
    "id in (select atom from json_each(:ids))": "id in (select atom from json_texts(%(ids)s))",
    "from json_each(?) j cross join feed f indexed by feed_ident on f.n=j.value": "from json_numbers(%s) j join feed f on f.n=j.value",
}


@pytest.mark.parametrize("sql", RULES)
def test_each_rule(sql: str) -> None:
    assert translated(sql) == RULES[sql]
