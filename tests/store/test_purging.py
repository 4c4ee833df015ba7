"""Purging: two people's word, nothing left in any table or file, and the rest as if it had never been."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import psycopg
import pytest

from kizuna.errors import Conflict, DiskNearlyFull, NotFound, Refused, UsageError
from kizuna.labels import parse_label
from kizuna.stix import iter_objects
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import DAY, ROLES, Accounts
from kizuna.store.answered import Answered
from kizuna.store.database import open_database
from kizuna.store.purging import Purges
from kizuna.store.transfer import copy_store
from kizuna.store.verify import verify
from tests.builders import CLEAR, RED, campaign, definition, items, named, relationship, report, sdo
from tests.conftest import Clock
from tests.stores import POSTGRES, SQLITE

CANARY = "zzcanaryzz"


@pytest.fixture
def people(store: Store, clock: Clock) -> Store:
    """A store with three operators, a reader, and a partner that receives CLEAR."""
    founded(store)
    clock.forward(1)
    return store


def founded(store: Store) -> None:
    """Three operators, a reader, and a partner that receives CLEAR."""
    accounts = Accounts(store)
    for name in ("first", "second", "third"):
        accounts.add_user(name, ROLES, by="test")
    accounts.add_user("reader", ["reader"], by="test")
    store.put_partner(
        Partner(
            name="Brussels",
            organisation="CERT Brussels (fictional)",
            country="BEL",
            receives=("TLP:CLEAR",),
            default_label="TLP:CLEAR",
        )
    )


def put(store: Store, *objects: dict[str, Any], partner: str | None = None, **more: Any) -> list[str]:
    """Take objects in; what became of each."""
    source = store.own_source() if partner is None else store.partner_source(partner)
    return [outcome.status for outcome in store.writer(source, **more).add(items(*objects))]


def purge(store: Store, id: str) -> None:
    """By the word of two operators."""
    purges = Purges(store)
    purges.confirm(purges.propose(id, "by order of the court", by="first").number, by="second")


def clear(name: str, **more: Any) -> dict[str, Any]:
    """A campaign that Brussels may have."""
    return campaign(name, object_marking_refs=[CLEAR], **more)


def fed(store: Store, position: int = 0) -> list[str]:
    """What Brussels has, in order."""
    return [row.id for row in store.feed("Brussels").read(Query(versions=("all",)), position, 1000).rows]


def dump(store: Store) -> bytes:
    """Every table as it is, the bytes of bodies too."""
    reader = store.database.read()
    tables = store.database.tables()
    return b"\n".join(
        repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)).encode()
        for table in tables
        for row in reader.execute(f"select {', '.join(tables[table])} from {table}").fetchall()
    )


class TestTheWordOfTwo:
    def test_one_is_not_enough(self, people: Store) -> None:
        put(people, one := clear("a"))
        purges = Purges(people)
        proposed = purges.propose(one["id"], "why", by="first")
        with pytest.raises(Refused, match="another operator"):
            purges.confirm(proposed.number, by="FIRST")
        assert people.custodian().get(one["id"]) is not None

    @pytest.mark.parametrize("name", ["reader", "nobody", "cli:root", ""])
    def test_only_operators_have_a_word(self, people: Store, name: str) -> None:
        purges = Purges(people)
        with pytest.raises(Refused, match="operator"):
            purges.propose(named("campaign", "a"), "why", by=name)
        number = purges.propose(named("campaign", "a"), "why", by="first").number
        for act in (purges.confirm, purges.cancel, purges.lift):
            with pytest.raises(Refused, match="operator"):
                act(number, by=name)

    def test_who_proposed_must_still_be_an_operator(self, people: Store) -> None:
        number = Purges(people).propose(named("campaign", "a"), "why", by="first").number
        Accounts(people).set_roles("first", ["reader"], by="third")
        with pytest.raises(Refused):
            Purges(people).confirm(number, by="second")

    @pytest.mark.parametrize("way", ["password", "token", "link", "roles"])
    def test_whoever_was_let_in_since_does_not_confirm(self, people: Store, way: str) -> None:
        accounts = Accounts(people)
        number = Purges(people).propose(named("campaign", "a"), "why", by="first").number
        ways: dict[str, Callable[[], object]] = {
            "password": lambda: accounts.set_password("second", "a long password", by="cli:keeper"),
            "token": lambda: accounts.create_token(user="second", scopes=("operate",), by="first"),
            "link": lambda: accounts.create_link("second", by="first"),
            "roles": lambda: accounts.set_roles("second", ROLES, by="first"),
        }
        ways[way]()
        with pytest.raises(Refused, match="let second in"):
            Purges(people).confirm(number, by="second")
        Purges(people).confirm(number, by="third")

    def test_a_proposal_ends_after_a_week(self, people: Store, clock: Clock) -> None:
        purges = Purges(people)
        number = purges.propose(id := named("campaign", "a"), "why", by="first").number
        clock.forward(8 * DAY / 1_000_000)
        assert purges.listed()[0].state == "expired"
        assert purges.listed()[0].id is None
        with pytest.raises(Conflict, match="expired"):
            purges.confirm(number, by="second")
        purges.confirm(purges.propose(id, "again", by="first").number, by="second")

    def test_what_is_cancelled_is_not_confirmed(self, people: Store) -> None:
        purges = Purges(people)
        number = purges.propose(named("campaign", "a"), "why", by="first").number
        purges.cancel(number, by="first")
        with pytest.raises(Conflict, match="cancelled"):
            purges.confirm(number, by="second")
        with pytest.raises(NotFound):
            purges.confirm(77, by="second")

    @pytest.mark.parametrize(
        "id", ["", "x", "campaign--1", "campaign--" + "g" * 36, "Campaign--" + "0" * 36, "a\0b", "🙂"]
    )
    def test_what_is_no_id_is_refused(self, people: Store, id: str) -> None:
        with pytest.raises(UsageError):
            Purges(people).propose(id, "why", by="first")

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x1bb"])
    def test_a_reason_is_a_sentence(self, people: Store, reason: str) -> None:
        with pytest.raises(UsageError, match="reason"):
            Purges(people).propose(named("campaign", "a"), reason, by="first")

    def test_a_definition_of_the_standard_stays(self, people: Store) -> None:
        with pytest.raises(Refused, match="standard"):
            Purges(people).propose(CLEAR, "why", by="first")

    def test_the_trail_tells_who_and_why_and_not_what(self, people: Store) -> None:
        put(people, one := clear("a"))
        purge(people, one["id"])
        trail = people.audit_trail(2)
        assert [(entry["act"], entry["actor"]) for entry in trail] == [
            ("purge.confirm", "second"),
            ("purge.propose", "first"),
        ]
        assert trail[0]["detail"]["proposed_by"] == "first"
        assert one["id"] not in json.dumps(trail)


class TestNothingIsLeft:
    def test_in_any_table(self, people: Store) -> None:
        one = clear("a", description=f"{CANARY} 198.51.100.9 発電所")
        put(people, one, clear("b"), relationship(one, "related-to", campaign("b"), object_marking_refs=[CLEAR]))
        put(
            people,
            {**one, "description": f"{CANARY} again", "modified": "2026-02-01T00:00:00.000Z"},
            partner="Brussels",
        )
        put(people, {**one, "name": 7, "description": CANARY}, partner="Brussels")  # refused, and kept
        Answered(people).remember("first", "key", b"x", json.dumps({"id": one["id"], "told": CANARY}).encode())
        people.put_status("s", "person:first", json.dumps({"id": one["id"], "told": CANARY}).encode())
        people.relabel(one["id"], parse_label("TLP:RED", originator=people.organisation), by="t")
        assert CANARY.encode() in dump(people)
        purge(people, one["id"])
        assert CANARY.encode() not in dump(people)
        assert list(verify(people)) == []
        assert people.custodian().search(CANARY).items == []

    @pytest.mark.parametrize("raw", [b'{"id": "ID", "type": ', b'{"type":"campaign","id":"ID","id":"ID"}'])
    def test_in_what_could_not_be_read(self, people: Store, raw: bytes) -> None:
        id = named("campaign", "a")
        broken = b'{"type":"bundle","id":"bundle--5b7cd0a4-7a35-4a0b-9a55-4c1b2a0a7d11","objects":[%b]}'
        list(people.writer(people.own_source()).add(iter_objects(broken % raw.replace(b"ID", id.encode()))))
        purge(people, id)
        held = people.database.read().execute("select raw from quarantine").fetchall()
        assert not [row for row in held if id.encode() in bytes(row[0])]

    def test_in_the_text_of_stix_20_that_it_was_lifted_from(self, people: Store) -> None:
        old = {
            "type": "observed-data", "id": named("observed-data", "o"), "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z", "first_observed": "2026-01-01T00:00:00Z",
            "last_observed": "2026-01-01T00:00:00Z", "number_observed": 1,
            "objects": {"0": {"type": "domain-name", "value": f"{CANARY}.example"},
                        "1": {"type": "domain-name", "value": "other.example"}},
        }  # fmt: skip
        put(people, old)
        found = people.custodian().search(value=f"{CANARY}.example", types=["domain-name"]).items
        purge(people, found[0].id)
        assert CANARY.encode() not in dump(people)
        assert len(people.custodian().search(value="other.example", types=["domain-name"]).items) == 1
        assert list(verify(people)) == []

    @SQLITE
    @pytest.mark.parametrize("relabelled", [False, True])
    def test_in_any_file(self, people: Store, relabelled: bool) -> None:
        canaries = [f"zzcanary{n}zz" for n in range(40)]
        many = [clear(f"c{n}", description=f"beacon {canary} " * 60) for n, canary in enumerate(canaries)]
        for start in range(0, 40, 8):
            put(people, *many[start : start + 8])
            put(people, *[clear(f"other {start} {n}", description="relay station " * 90) for n in range(20)])
        if relabelled:
            for one in many:
                people.relabel(one["id"], parse_label("TLP:GREEN", originator=people.organisation), by="t")
        for one in many[::2]:
            purge(people, one["id"])
        people.database.scrub()
        held = b"".join(file.read_bytes() for file in people.folder.iterdir() if file.is_file())
        assert [canary for canary in canaries[::2] if canary.encode() in held] == []
        assert [c for c in canaries[1::2] if people.custodian().search(c).items == []] == []
        assert list(verify(people)) == []

    @SQLITE
    def test_in_the_body_before_anything_is_scrubbed(self, people: Store) -> None:
        put(people, one := clear("a", description=f"{CANARY} " * 2_000))
        purge(people, one["id"])
        assert b"zzcanaryzz zzcanaryzz" not in Path(people.database.place).read_bytes()
        assert Path(f"{people.database.place}-wal").stat().st_size == 0

    @POSTGRES
    def test_dead_rows_are_cleared_away(self, people: Store) -> None:
        put(people, one := clear("a"))
        purge(people, one["id"])
        people.database.scrub()
        with psycopg.connect(str(people.settings.store)) as raw:
            (dead,) = raw.execute("select pg_stat_get_dead_tuples('kizuna.body'::regclass)").fetchone() or (None,)
        assert dead == 0


class TestTheRest:
    def test_what_refers_to_it_leaves_feeds_and_waits(self, people: Store) -> None:
        put(people, one := clear("a"), clear("b"), report("r", [one], object_marking_refs=[CLEAR]))
        assert len(fed(people)) == 3
        purge(people, one["id"])
        assert fed(people) == [named("campaign", "b")]
        assert people.feed("Brussels").waiting() == [(named("report", "r"), one["id"])]
        assert list(verify(people)) == []

    def test_what_only_mentions_it_may_enter(self, people: Store) -> None:
        one = campaign("a", object_marking_refs=[RED])
        put(people, clear("m", description=f"see {one['id']}"))
        put(people, one)
        assert fed(people) == []
        purge(people, one["id"])
        assert fed(people) == [named("campaign", "m")]
        assert list(verify(people)) == []

    def test_what_a_partner_sent_itself_is_not_counted_as_its_own_any_more(self, people: Store) -> None:
        put(people, one := clear("a"), partner="Brussels")
        put(people, report("r", [one], object_marking_refs=[CLEAR]))
        assert fed(people) == [named("report", "r")]
        purge(people, one["id"])
        assert fed(people) == []
        assert list(verify(people)) == []

    def test_a_partner_who_pages_sees_neither_gap_nor_repeat(self, people: Store, clock: Clock) -> None:
        names = [f"c{n}" for n in range(12)]
        put(people, *map(clear, names))
        feed, seen, position = people.feed("Brussels"), [], 0
        for turn in range(20):
            page = feed.read(Query(versions=("all",)), position, 2)
            seen += [row.id for row in page.rows]
            position = page.rows[-1].position if page.rows else position
            if turn < 4:
                for name in (names[2 * turn], names[11 - turn]):  # one that was read, one that comes
                    purge(people, named("campaign", name))
            clock.now -= 3  # a clock that goes back makes no moment twice
            if turn == 5:
                put(people, *map(clear, ("late", "later")))
        assert seen == [named("campaign", name) for name in (*names[:8], "late", "later")]

    def test_the_newest_row_s_number_is_not_given_again(self, people: Store) -> None:
        put(people, clear("a"), clear("b"))
        view = people.custodian()
        position = view.read(Query(), 0, 10).rows[-1].position
        purge(people, named("campaign", "b"))
        put(people, clear("c"))
        assert [row.id for row in view.read(Query(), position, 10).rows] == [named("campaign", "c")]

    def test_a_translation_stays_as_closed_as_what_it_translated(self, people: Store) -> None:
        one = campaign("a", object_marking_refs=[RED])
        translation = sdo(
            "language-content", "t", object_ref=one["id"], contents={"ja": {"name": "ひみつ"}},
            object_marking_refs=[CLEAR],
        )  # fmt: skip
        del translation["name"]
        put(people, one, translation)
        purge(people, one["id"])
        assert people.view(people.principal_of_person("reader")).get(translation["id"]) is None
        assert people.custodian().get(translation["id"]) is not None
        assert list(verify(people)) == []

    def test_what_a_definition_labelled_keeps_its_label(self, people: Store) -> None:
        made = definition("d", classification="GREEN")
        put(people, made, one := campaign("a", object_marking_refs=[made["id"]]))
        before = people.custodian().get(one["id"])
        purge(people, made["id"])
        after = people.custodian().get(one["id"])
        assert before is not None
        assert after is not None
        assert after.label == before.label
        assert list(verify(people)) == []


class TestItDoesNotComeBack:
    @pytest.mark.parametrize("partner", [None, "Brussels"])
    def test_from_anybody(self, people: Store, partner: str | None) -> None:
        put(people, one := clear("a"))
        purge(people, one["id"])
        source = people.own_source() if partner is None else people.partner_source(partner)
        newer = {**one, "modified": "2026-05-01T00:00:00.000Z"}
        broken = {**one, "name": 7}
        shouted = {**one, "id": one["id"][:10] + one["id"][10:].upper()}
        outcomes = list(people.writer(source).add(items(one, newer, broken, shouted, clear("b"))))
        assert [o.status for o in outcomes] == ["failed"] * 4 + ["imported"]
        assert {o.problems[0].rule for o in outcomes[:4]} == {"purged"}
        assert people.database.read().execute("select count(*) from quarantine").fetchone()[0] == 0
        assert people.custodian().stats().objects == 1

    def test_until_an_operator_lifts_it(self, people: Store) -> None:
        put(people, one := clear("a"))
        purge(people, one["id"])
        purges = Purges(people)
        with pytest.raises(Conflict, match="already"):
            purges.propose(one["id"], "why", by="first")
        purges.lift(purges.of(one["id"]).number, by="third")
        assert put(people, one) == ["imported"]
        assert fed(people) == [one["id"]]

    def test_the_store_alone_does_not_tell_what_it_was(self, people: Store) -> None:
        purge(people, id := named("campaign", "a"))
        assert id.encode() not in dump(people)

    def test_what_was_never_here_can_be_purged_beforehand(self, people: Store) -> None:
        purge(people, named("campaign", "a"))
        assert put(people, clear("a")) == ["failed"]


def test_a_store_that_moves_refuses_it_still(
    people: Store, make_database: Callable[[], str], clock: Clock, tmp_path: Path
) -> None:
    put(people, one := clear("a"), clear("b"))
    purge(people, one["id"])
    Purges(people).propose(named("campaign", "b"), "why", by="first")
    settings = msgspec.structs.replace(people.settings, store=make_database())
    target = open_database(people.folder, settings)
    copy_store(people, target)
    target.close()
    there = Store(people.folder, settings, clock)
    try:
        assert put(there, one) == ["failed"]
        Purges(there).confirm(2, by="second")
        assert there.custodian().stats().objects == 0
    finally:
        there.close()


def test_scrubbing_says_so_where_there_is_no_room(people: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if people.settings.store is not None:
        people.database.scrub()  # the server's disk is not ours to look at
        return
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(DiskNearlyFull, match="bytes"):
        people.database.scrub()
    assert sqlite3.connect(people.database.place).execute("pragma integrity_check").fetchone() == ("ok",)
