"""What enters a partner's feed, what waits, what ends; and that nothing is repeated or lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kizuna.labels import Group, parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, identity, items, relationship, report, sdo
from tests.counting import database_steps
from tests.stores import SQLITE

BRUSSELS = Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:CLEAR",))


def put(store: Store, *objects: dict[str, Any], **more: Any) -> list[str]:
    """Import one's own objects; their outcomes."""
    return [outcome.status for outcome in store.writer(store.own_source(), **more).add(items(*objects))]


def names(store: Store, partner: str = "Brussels", after: int | None = None) -> list[str]:
    """What a partner reads, page by page of one."""
    found, position, more = [], 0, True
    while more:
        page = store.feed(partner).read(Query(after=after), position, 1)
        found += [json.loads(row.raw).get("name", row.id) for row in page.rows]
        position = page.rows[-1].position if page.rows else position
        more = page.more
    return found


def watermark(store: Store, partner: str = "Brussels") -> int:
    """The newest `added` a partner has seen."""
    rows = store.feed(partner).read(Query(), 0, 1000).rows
    return rows[-1].added if rows else 0


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with one partner that receives TLP:CLEAR."""
    store.put_partner(BRUSSELS)
    return store


def test_a_partner_reads_what_it_is_addressed_by_and_may_see(tokyo: Store) -> None:
    put(
        tokyo,
        campaign("clear", object_marking_refs=[CLEAR]),
        campaign("red", object_marking_refs=[RED]),
        campaign("unmarked"),
    )
    assert names(tokyo) == ["clear"]


def test_a_partner_that_receives_nothing_is_given_nothing(store: Store) -> None:
    store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR"))
    put(store, campaign("clear", object_marking_refs=[CLEAR]))
    assert names(store, "Kyiv") == []
    store.put_partner(
        Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR",))
    )
    assert names(store, "Kyiv") == ["clear"]


def test_a_row_waits_for_what_it_refers_to_and_enters_with_it(tokyo: Store) -> None:
    author = identity("author", object_marking_refs=[RED])
    put(tokyo, author, campaign("by author", object_marking_refs=[CLEAR], created_by_ref=author["id"]))
    assert names(tokyo) == []
    mark = watermark(tokyo)
    tokyo.relabel(author["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="test")
    assert sorted(names(tokyo, after=mark)) == ["author", "by author"]


def test_objects_that_refer_to_each_other_in_a_circle_enter_together(tokyo: Store) -> None:
    ring = [campaign(f"ring {i}", object_marking_refs=[CLEAR]) for i in range(4)]
    reports = [report(f"report {i}", [ring[i]], object_marking_refs=[CLEAR]) for i in range(4)]
    for i in range(4):
        reports[i]["object_refs"].append(reports[(i + 1) % 4]["id"])
    put(tokyo, *ring)
    for one in reports[:-1]:
        put(tokyo, one)
        assert not [name for name in names(tokyo) if name.startswith("report")]
    put(tokyo, reports[-1])
    assert sorted(name for name in names(tokyo) if name.startswith("report")) == [f"report {i}" for i in range(4)]


def test_a_dangling_reference_is_never_sent(tokyo: Store) -> None:
    absent = campaign("absent")
    put(tokyo, report("dangling", [absent], object_marking_refs=[CLEAR]))
    assert names(tokyo) == []


def test_tightening_ends_the_row_and_what_refers_to_it(tokyo: Store) -> None:
    target = campaign("target", object_marking_refs=[CLEAR])
    put(tokyo, target, report("about it", [target], object_marking_refs=[CLEAR]))
    assert names(tokyo) == ["target", "about it"]
    tokyo.relabel(target["id"], parse_label("TLP:RED", originator=tokyo.organisation), by="test")
    assert names(tokyo) == []
    mark = tokyo.clock()
    tokyo.relabel(target["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="test")
    assert sorted(names(tokyo, after=mark - 1)) == ["about it", "target"]


def test_each_id_and_version_stands_in_a_feed_once(tokyo: Store) -> None:
    first = campaign("one", object_marking_refs=[CLEAR])
    put(tokyo, first)
    assert put(tokyo, first) == ["unchanged"]
    put(tokyo, {**first, "description": "same version, other content"})
    second = {**first, "modified": "2026-02-01T00:00:00.000Z"}
    put(tokyo, second)
    every = tokyo.feed("Brussels").read(Query(versions=("all",)), 0, 100).rows
    assert len(every) == len({(row.id, row.version) for row in every}) == 2
    last = tokyo.feed("Brussels").read(Query(), 0, 100).rows
    assert [json.loads(row.raw)["modified"] for row in last] == [second["modified"]]


def test_a_member_that_joins_by_date_alone_gets_what_it_may_see(store: Store, clock: Any) -> None:
    joins = clock.now + 3_600_000_000
    members = (("JPN", None, None), ("BEL", joins, None))
    store.put_group(Group(name="ENTENTE", members=members))
    store.put_partner(
        Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:GREEN",))
    )
    label = parse_label("TLP:GREEN community=ENTENTE", originator=store.organisation)
    put(store, campaign("for members"), label=label)
    put(store, campaign("not for them"))
    assert names(store) == []
    mark = clock.now
    clock.forward(3599)
    assert names(store) == []
    clock.forward(1)
    assert names(store, after=mark) == ["for members"]
    clock.forward(3600)
    assert names(store, after=mark) == ["for members"]


def test_a_member_that_leaves_by_date_alone_reads_no_more(store: Store, clock: Any) -> None:
    store.put_group(Group(name="ENTENTE", members=(("BEL", None, clock.now + 10_000_000),)))
    store.put_partner(
        Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:GREEN",))
    )
    put(store, campaign("for members"), label=parse_label("TLP:GREEN community=ENTENTE", originator=store.organisation))
    assert names(store) == ["for members"]
    clock.forward(10)
    assert names(store) == []


def test_a_partner_is_not_given_back_what_it_sent(tokyo: Store) -> None:
    theirs = identity("their author", object_marking_refs=[CLEAR])
    list(tokyo.writer(tokyo.partner_source("Brussels")).add(items(theirs)))
    put(tokyo, campaign("ours about theirs", object_marking_refs=[CLEAR], created_by_ref=theirs["id"]))
    assert names(tokyo) == ["ours about theirs"]


def test_amber_does_not_pass_through_a_holder(make_store: Callable[..., Store]) -> None:
    brussels = make_store("Brussels", "CERT Brussels (fictional)", "BEL")
    brussels.put_partner(Partner(name="Tokyo", organisation="CERT Tokyo (fictional)", country="JPN"))
    brussels.put_partner(
        Partner(
            name="Kyiv",
            organisation="CERT Kyiv (fictional)",
            country="UKR",
            receives=("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER"),
        )
    )
    list(brussels.writer(brussels.partner_source("Tokyo")).add(items(campaign("amber", object_marking_refs=[AMBER]))))
    list(brussels.writer(brussels.partner_source("Tokyo")).add(items(campaign("green", object_marking_refs=[GREEN]))))
    assert names(brussels, "Kyiv") == []
    list(brussels.writer(brussels.partner_source("Tokyo")).add(items(campaign("clear", object_marking_refs=[CLEAR]))))
    assert names(brussels, "Kyiv") == ["clear"]


def test_an_object_seen_only_in_part_is_not_offered(tokyo: Store) -> None:
    marked = campaign(
        "partly red",
        description="the victim",
        object_marking_refs=[CLEAR],
        granular_markings=[{"marking_ref": RED, "selectors": ["description"]}],
    )
    put(tokyo, marked)
    assert names(tokyo) == []


def test_deleting_here_ends_the_row_in_every_feed(tokyo: Store) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    put(tokyo, one)
    tokyo.hide(one["id"], by="test")
    assert names(tokyo) == []
    put(tokyo, one)
    assert names(tokyo) == ["one"]


def test_relationships_need_both_ends(tokyo: Store) -> None:
    one, two = campaign("one", object_marking_refs=[CLEAR]), campaign("two", object_marking_refs=[RED])
    put(tokyo, one, two, relationship(one, "related-to", two, object_marking_refs=[CLEAR]))
    assert names(tokyo) == ["one"]


def test_what_waited_for_an_object_enters_when_the_partner_itself_sends_it(tokyo: Store) -> None:
    theirs = identity("their author", object_marking_refs=[CLEAR])
    put(tokyo, campaign("ours about theirs", object_marking_refs=[CLEAR], created_by_ref=theirs["id"]))
    assert names(tokyo) == []
    list(tokyo.writer(tokyo.partner_source("Brussels")).add(items(theirs)))
    assert names(tokyo) == ["ours about theirs"]


MENTIONS: list[Callable[[str], dict[str, Any]]] = [
    lambda id: {"description": f"see {id}"},
    lambda id: {"external_references": [{"source_name": "x", "external_id": id}]},
    lambda id: {"x_linked": id},
    lambda id: {"x_map": {id: "y"}},
    lambda id: {"x_some_refs": {"a": id}},
    lambda id: {"description": id.upper()},
]


@pytest.mark.parametrize("mention", MENTIONS)
def test_no_text_gives_away_the_id_of_what_is_withheld(tokyo: Store, mention: Callable[[str], dict[str, Any]]) -> None:
    secret = campaign("secret", object_marking_refs=[RED])
    put(tokyo, secret, campaign("tells", object_marking_refs=[CLEAR], **mention(secret["id"])))
    assert names(tokyo) == []
    tokyo.relabel(secret["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="test")
    assert sorted(names(tokyo)) == ["secret", "tells"]
    tokyo.relabel(secret["id"], parse_label("TLP:RED", originator=tokyo.organisation), by="test")
    assert names(tokyo) == []
    assert list(verify(tokyo)) == []


def test_an_id_that_nobody_holds_holds_nothing_back(tokyo: Store) -> None:
    unknown = campaign("unknown", object_marking_refs=[CLEAR])
    put(tokyo, campaign("tells", object_marking_refs=[CLEAR], description=f"see {unknown['id']}, {RED}"))
    assert names(tokyo) == ["tells"]
    assert list(verify(tokyo)) == []
    put(tokyo, unknown)
    assert names(tokyo) == ["tells", "unknown"]


def test_what_is_mentioned_and_comes_later_is_looked_at_then(tokyo: Store) -> None:
    secret = campaign("secret", object_marking_refs=[RED])
    tells = campaign("tells", object_marking_refs=[CLEAR], description=f"see {secret['id']}")
    put(tokyo, tells, report("about", [tells], object_marking_refs=[CLEAR]))
    assert names(tokyo) == ["tells", "about"]
    put(tokyo, secret)
    assert names(tokyo) == []
    assert list(verify(tokyo)) == []
    mark = watermark(tokyo)
    tokyo.relabel(secret["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="test")
    assert sorted(names(tokyo, after=mark)) == ["about", "secret", "tells"]


@SQLITE
def test_what_waits_for_many_is_not_read_again_for_each(tokyo: Store) -> None:
    def work(number: int) -> int:
        awaited = [campaign(f"awaited {i} of {number}", object_marking_refs=[CLEAR]) for i in range(number)]
        by_id = {one["id"]: one for one in awaited}
        put(tokyo, report(f"waits for {number}", awaited, object_marking_refs=[CLEAR]))
        with tokyo.act() as act:
            connection = act.connection
        steps = 0
        for _ in range(5):
            ((id,),) = connection.execute("select i.id from waiting w join ident i on i.n=w.target").fetchall()
            arrives = by_id.pop(id)
            steps += database_steps(connection, lambda one=arrives: put(tokyo, one))  # type: ignore[misc]
        assert f"waits for {number}" not in names(tokyo)
        put(tokyo, *by_id.values())
        assert f"waits for {number}" in names(tokyo)
        return steps

    assert work(900) < 1.5 * work(300)
    assert list(verify(tokyo)) == []


@pytest.mark.parametrize("before", ["\n", "\t", "\\"])
def test_an_id_of_an_own_type_behind_an_escape_is_a_mention(tokyo: Store, before: str) -> None:
    hidden = sdo("x-foo", "hidden", object_marking_refs=[RED])
    put(tokyo, hidden, campaign("telling", description=f"iocs:{before}{hidden['id']}", object_marking_refs=[CLEAR]))
    assert names(tokyo) == []


@SQLITE
def test_a_relabel_works_as_much_in_a_long_feed_as_in_a_short_one(tokyo: Store) -> None:
    clear, red = (parse_label(f"TLP:{level}", originator=tokyo.organisation) for level in ("CLEAR", "RED"))

    def work(objects: int) -> int:
        put(tokyo, *(campaign(f"{objects} {i}", object_marking_refs=[CLEAR]) for i in range(objects)))
        id = campaign(f"{objects} 7")["id"]
        with tokyo.database.write() as connection:  # opened before, so that the act is counted alone
            pass
        steps = database_steps(connection, lambda: tokyo.relabel(id, red, by="test"))
        return steps + database_steps(connection, lambda: tokyo.relabel(id, clear, by="test"))

    work(50)  # what is asked for the first time
    assert work(3_000) < 1.5 * work(300)
