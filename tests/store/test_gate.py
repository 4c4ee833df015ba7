"""Which rows rules and people let out: by the edges of what rules ask, in the order they are asked, each counted once."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.database import Connection
from kizuna.store.gate import Gate
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Named, Rules, read_rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, RED, campaign, items, report, sdo

BRUSSELS = Partner(
    name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:CLEAR", "TLP:AMBER")
)


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with one partner and three who release; nothing leaves by its label alone."""
    store.put_partner(BRUSSELS)
    for name in ("aoki", "baba", "chiba"):
        Accounts(store).add_user(name, ("releaser",), by=name)
    Rules(store).remove(FIRST, by="test")
    return store


def put(store: Store, *objects: dict[str, Any], **more: Any) -> None:
    outcomes = store.writer(store.own_source(), **more).add(items(*objects))
    assert {outcome.status for outcome in outcomes} <= {"imported", "unchanged"}


def clear(name: str, **more: Any) -> dict[str, Any]:
    return campaign(name, **{"object_marking_refs": [CLEAR], **more})


def fed(store: Store) -> list[str]:
    """Names of what is in the feed; and the store is sound."""
    assert list(verify(store)) == []
    rows = store.feed("Brussels").read(Query(versions=("all",)), 0, 1_000).rows
    return [json.loads(row.raw).get("name", row.id) for row in rows if not row.id.startswith("note--")]  # but notices


def rule(store: Store, name: str = "some", **said: Any) -> None:
    """Make a rule and have it granted by as many as it asks for."""
    one = msgspec.convert({"name": name, "act": "send", "labels": ["TLP:CLEAR"], **said}, Named)
    Rules(store).put([one], by="test")
    if one.act == "send":
        Releases(store).grant(name, by="aoki")


def test_what_a_rule_without_a_number_lets_out_spends_no_number_of_another(tokyo: Store) -> None:
    rule(tokyo, "counted", types=["campaign", "tool"], hourly=1)
    rule(tokyo, "free", types=["campaign"])
    put(tokyo, clear("one"), clear("two"))
    put(tokyo, sdo("tool", "three", object_marking_refs=[CLEAR]), sdo("tool", "four", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == ["one", "two", "three"]


def test_every_object_of_an_hour_counts_once_whenever_it_comes(tokyo: Store, clock: Any) -> None:
    rule(tokyo, hourly=3)
    for i in range(5):
        put(tokyo, clear(f"{i}"))
        assert len(fed(tokyo)) == min(3, i + 1)
    clock.forward(3600)
    put(tokyo, clear("next"))  # behind the two that waited
    put(tokyo, clear("last"))
    assert sorted(fed(tokyo)) == ["0", "1", "2", "3", "4", "next"]


def test_two_rules_let_out_as_many_as_both_numbers(tokyo: Store) -> None:
    rule(tokyo, "first", hourly=2)
    rule(tokyo, "second", hourly=1)
    for number in (0, 3):
        put(tokyo, *(clear(f"{i}") for i in range(number, number + 3)))
        assert len(fed(tokyo)) == 3


def test_what_waits_for_another_reason_spends_nothing(tokyo: Store) -> None:
    rule(tokyo, types=["campaign", "report"], hourly=1)
    missing = clear("missing")
    put(tokyo, report("waits", [missing], object_marking_refs=[CLEAR]))
    put(tokyo, clear("one"))
    put(tokyo, clear("two"))
    assert fed(tokyo) == ["one"]


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_of_rules_that_propose_the_one_that_asks_for_most_counts(tokyo: Store, numbers: tuple[int, int]) -> None:
    for name, approvers in zip(("first", "second"), numbers, strict=True):
        rule(tokyo, name, act="propose", approvers=approvers)
    put(tokyo, one := clear("one"))
    (item,) = Releases(tokyo).items("Brussels", [one["id"]])
    assert (item.state, item.by, item.asked) == ("proposed", "first" if numbers[0] == 2 else "second", 2)


@pytest.mark.parametrize(("confidence", "left"), [(69, False), (70, True), (71, True), (None, False)])
def test_a_rule_asks_for_so_much_confidence_or_more(tokyo: Store, confidence: int | None, *, left: bool) -> None:
    rule(tokyo, confidence=70)
    put(tokyo, clear("one", **({} if confidence is None else {"confidence": confidence})))
    assert fed(tokyo) == (["one"] if left else [])


def test_a_rule_that_asks_for_several_things_asks_for_all(tokyo: Store) -> None:
    rule(tokyo, confidence=70, tags=["sure", "said"], query="orbit", types=["campaign"])
    put(
        tokyo,
        clear("orbit all", confidence=90, labels=["said", "other"]),
        clear("orbit unsure", confidence=50, labels=["said"]),
        clear("orbit untagged", confidence=90),
        clear("orbit tagged otherwise", confidence=90, labels=["other"]),
        clear("words lack", confidence=90, labels=["sure"]),
        sdo("tool", "orbit tool", confidence=90, labels=["sure"], object_marking_refs=[CLEAR]),
        clear("orbit last", confidence=70, labels=["sure"]),
    )
    assert fed(tokyo) == ["orbit all", "orbit last"]


def test_words_are_looked_for_in_each_object_and_no_other(tokyo: Store) -> None:
    """First and last of what comes at once, and beside what is there already."""
    put(tokyo, clear("orbit before"))
    rule(tokyo, query="orbit decay", types=["campaign"])
    put(tokyo, clear("orbit decay one"), clear("orbit"), clear("decay"), clear("decay of an orbit"))
    put(tokyo, clear("decay orbit alone"))
    assert fed(tokyo) == ["orbit decay one", "decay of an orbit", "decay orbit alone"]
    rule(tokyo, query="!!!")
    put(tokyo, clear("orbit decay after"))
    assert "orbit decay after" not in fed(tokyo)


@pytest.mark.parametrize(
    "said", [{"tags": ["sure"]}, {"confidence": 70}, {"query": "orbit", "confidence": 70, "tags": ["sure"]}]
)
def test_what_a_pack_keeps_with_its_problems_says_nothing(tokyo: Store, said: dict[str, Any]) -> None:
    rule(tokyo, **said)
    odd = [
        clear("orbit odd", confidence="high", labels="sure"),
        clear("orbit odder", confidence=90, labels=[{"a": "sure"}]),
        clear("orbit oddest", confidence=[90], labels=["sure"]),
    ]
    put(tokyo, *odd, clear("orbit", confidence=90, labels=["sure"]), known_problems={one["id"]: "" for one in odd})
    assert fed(tokyo) == ["orbit"]
    rule(tokyo, "unasking")  # it asks nothing of what they say
    assert len(fed(tokyo)) == 4


def test_an_area_that_is_asked_for_is_not_no_area(tokyo: Store) -> None:
    rule(tokyo, areas=["space-security"])
    put(tokyo, clear("nowhere"))
    put(tokyo, clear("sea"), area="maritime-security")
    put(tokyo, clear("orbit"), area="space-security")
    assert fed(tokyo) == ["orbit"]


def test_every_part_of_a_label_is_among_those_of_the_rule(tokyo: Store) -> None:
    put(tokyo, one := clear("one"), two := clear("two"))
    for each, label in ((one, "TLP:CLEAR & TLP:AMBER"), (two, "TLP:CLEAR & PUBLIC")):
        tokyo.relabel(each["id"], parse_label(label, originator=tokyo.organisation), by="test")
    rule(tokyo, labels=["TLP:CLEAR", "PUBLIC"])
    assert fed(tokyo) == ["two"]


def test_people_let_out_each_object_that_enough_of_them_approved(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:AMBER": 2}))
    amber, light = campaign("amber", object_marking_refs=[AMBER]), clear("light")
    put(tokyo, amber, light)
    ids = [amber["id"], light["id"]]
    assert Releases(tokyo).approve("Brussels", ids, by="aoki").opened == 1
    assert fed(tokyo) == ["light"]
    assert Releases(tokyo).approve("Brussels", [amber["id"]], by="baba").opened == 1
    assert sorted(fed(tokyo)) == ["amber", "light"]


def test_one_person_is_one_however_often_it_is_recorded(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:AMBER": 2}))
    put(tokyo, amber := campaign("amber", object_marking_refs=[AMBER]), clear("light"))
    Releases(tokyo).approve("Brussels", [amber["id"]], by="aoki")
    columns = "recipient, object, digest, label, asked, person, at"
    with tokyo.database.write() as connection:
        connection.execute(f"insert into approval({columns}) select {columns} from approval")
        rows = rows_of(tokyo, amber, clear("light"))
        assert gate_of(tokyo, connection).approvals(rows) == {rows[0]: (["aoki"], 2)}
        assert gate_of(tokyo, connection).covered(rows) == set()


def test_a_stop_holds_back_the_one_and_no_other(tokyo: Store) -> None:
    put(tokyo, one := clear("one"), clear("two"))
    Releases(tokyo).stop("Brussels", [one["id"]], by="test")
    Rules(tokyo).put([msgspec.convert({"name": "all", "act": "send"}, Named)], by="test")
    for by in ("aoki", "baba"):
        Releases(tokyo).grant("all", by=by)
    put(tokyo, clear("three"))
    assert fed(tokyo) == ["two", "three"]


def gate_of(store: Store, connection: Connection) -> Gate:
    (recipient,) = store.recipients(connection)
    return Gate(store, connection, recipient, read_rules(connection), store.clock())


def rows_of(store: Store, *objects: dict[str, Any]) -> list[int]:
    """The rows of these objects."""
    found = dict(store.database.read().execute("select id, n from object").fetchall())
    return [found[one["id"]] for one in objects]


def test_what_leaves_for_certain_is_what_no_number_holds_back(tokyo: Store) -> None:
    tools = [sdo("tool", name, object_marking_refs=[CLEAR]) for name in ("first", "second")]
    put(
        tokyo,
        free := clear("free"),
        other := sdo("malware", "other", is_family=False, object_marking_refs=[CLEAR]),
        *tools,
    )
    rule(tokyo, "counted", types=["tool"], hourly=3)
    rule(tokyo, "free", types=["campaign"])
    campaign_row, malware, *tool_rows = rows_of(tokyo, free, other, *tools)
    rows = [campaign_row, malware, *tool_rows]
    with tokyo.database.write() as connection:
        gate = gate_of(tokyo, connection)
        assert gate.certain(rows) == {campaign_row}
        assert gate.covered(rows) == {campaign_row, *tool_rows}
        gate = gate_of(tokyo, connection)  # in the hour two left by that rule already, as it was granted
        assert gate.passing(rows) == {campaign_row, tool_rows[0]}
        assert gate.over == {tool_rows[1]}
        assert gate.certain([]) == gate.covered([]) == gate.passing([]) == set()


def test_an_hours_number_is_spent_by_what_enters_and_held_by_what_passes(tokyo: Store) -> None:
    rule(tokyo, hourly=4)
    put(tokyo, *(one := [clear(f"{i}") for i in range(6)])[:1])
    Rules(tokyo).stop("some", by="test")
    put(tokyo, *one[1:])
    _, *rows = rows_of(tokyo, *one)
    Releases(tokyo).grant("some", by="baba")  # lets out three more, which are taken back here
    with tokyo.database.write() as connection:
        connection.execute("update spent set objects=1")
        gate = gate_of(tokyo, connection)
        assert gate.passing(rows[:2]) == set(rows[:2])
        assert gate.passing(rows[:2]) == set(rows[:2])  # asked again, they take the same places
        assert gate.passing(rows[2:4]) == {rows[2]}
        gate.begin()
        assert gate.passing(rows[2:4]) == set(rows[2:4])
        gate.entered([rows[2]])
        gate.begin()
        assert gate.passing(rows[3:]) == set(rows[3:])
        gate.entered(rows[3:])
        gate.begin()
        assert gate.passing(rows[:1]) == set()
        assert connection.execute("select objects from spent").fetchall() == [(4,)]
        again = gate_of(tokyo, connection)
        assert again.passing(rows[:1]) == set()


def test_what_rules_ask_for_in_part_is_asked_for_whatever_it_is_labelled(tokyo: Store) -> None:
    rule(tokyo, "sent", types=["campaign"], parts=True, labels=["TLP:GREEN"])
    rule(tokyo, "asked", types=["tool"], parts=True, act="propose")
    rule(tokyo, "whole", types=["malware"])
    objects = [
        clear("one"),
        sdo("tool", "two", object_marking_refs=[CLEAR]),
        sdo("malware", "three", is_family=False, object_marking_refs=[CLEAR]),
    ]
    put(tokyo, *objects)
    reader = tokyo.database.read()
    idents = dict(reader.execute("select n, ident from object").fetchall())
    rows = rows_of(tokyo, *objects)
    gate = gate_of(tokyo, reader)
    assert gate.parting_from(rows) == {idents[row] for row in rows[:2]}
    assert gate.covered(rows) == {rows[2]}  # what was found without its label is not let out without it
    assert gate_of(tokyo, reader).parting_from(rows[1:]) == {idents[rows[1]]}


@pytest.mark.parametrize("everything", [False, True])
def test_wholes_and_parts_are_let_out_beside_each_other(tokyo: Store, *, everything: bool) -> None:
    """Each by the rules that are about it, whatever else is asked about at once."""
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = clear("part", description="d", granular_markings=marks)
    objects = [part, sdo("tool", "tool", object_marking_refs=[CLEAR]), clear("whole")]
    rule(tokyo, "parts", types=["campaign"], parts=True)
    put(tokyo, *objects)
    if everything:
        Rules(tokyo).put([msgspec.convert({"name": "all", "act": "send"}, Named)], by="test")
        for by in ("aoki", "baba"):
            Releases(tokyo).grant("all", by=by)
    _, tool, whole = rows_of(tokyo, *objects)
    reader = tokyo.database.read()
    made = [row for (row,) in reader.execute("select row from part where ident<>0").fetchall()]
    assert len(made) == 1
    let_out = {whole, *made} | ({tool} if everything else set())
    assert gate_of(tokyo, reader).covered([tool, whole, *made]) == let_out
    assert gate_of(tokyo, reader).covered(made) == set(made)
    assert sorted(fed(tokyo)) == sorted(["part", "whole"] + (["tool"] if everything else []))
    # What is withdrawn is held back in part as well.
    assert Releases(tokyo).withdraw("Brussels", [part["id"], objects[2]["id"]], "x", by="aoki").failed == ()
    assert gate_of(tokyo, reader).covered([tool, whole, *made]) == let_out & {tool}


def test_the_definition_of_a_label_spends_no_number(tokyo: Store) -> None:
    """It goes along with what it is for, whatever rules are about."""
    rule(tokyo, "parts", parts=True, hourly=1)
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    put(tokyo, part := clear("part", description="d", granular_markings=marks))
    tokyo.relabel(part["id"], parse_label("TLP:CLEAR to=BEL", originator=tokyo.organisation), by="test")
    with tokyo.database.write() as connection:
        connection.execute("delete from spent")
        rows = dict(connection.execute("select row, ident from part order by row").fetchall())
        assert sorted(ident == 0 for ident in rows.values()) == [False, True, True]  # and who states that
        gate = gate_of(tokyo, connection)
        assert gate.passing(list(rows)) == set(rows)
        assert gate.over == set()
        gate.entered(rows)
        assert connection.execute("select objects from spent").fetchall() == [(1,)]
