"""Rows in the binary format of COPY arrive as they were."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.store.postgres.copying import block, storable
from tests.postgres import Cluster

integers = st.none() | st.integers(-(2**63), 2**63 - 1)
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]))
small = st.integers(-(2**31), 2**31 - 1)
rows = st.lists(
    st.tuples(integers, st.none() | small, texts, st.none() | st.binary(), small, st.integers(-(2**63), 2**63 - 1))
)


@pytest.fixture(scope="module")
def connection(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    with cluster.database() as url, psycopg.connect(url, autocommit=True) as made:
        made.execute(
            "create table t(i bigint generated always as identity, a bigint, b integer, c text, d bytea, e integer, f bigint)"
        )
        yield made


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=rows)
def test_what_is_sent_is_what_is_read(sent: list[tuple[Any, ...]], connection: psycopg.Connection[Any]) -> None:
    connection.execute("truncate t")
    types = ["bigint", "integer", "text", "bytea", "integer", "bigint"]
    with connection.cursor() as cursor, cursor.copy("copy t(a,b,c,d,e,f) from stdin (format binary)") as copy:
        copy.write(block(list(chain.from_iterable(sent)), types))
    kept = [(a, b, None if c is None else storable(c), *rest) for a, b, c, *rest in sent]
    assert connection.execute("select a, b, c, d, e, f from t order by i", binary=True).fetchall() == kept
