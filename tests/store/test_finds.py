"""What holds a text that is withheld from a partner waits until a person has looked; nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kizuna.errors import NotFound, Refused
from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.clearing import Clearing
from kizuna.store.explaining import explained
from kizuna.store.model import Source
from kizuna.store.purging import Purges
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, campaign, items, named, report, sdo

KYIV = Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR",))
LYON = Partner(name="Lyon", organisation="CERT Lyon (fictional)", country="FRA", receives=("TLP:CLEAR", "TLP:AMBER"))
NAME = "Kansai Grid Operator"


@pytest.fixture
def tokyo(store: Store) -> Store:
    store.put_partner(KYIV)
    store.put_partner(LYON)
    for name in ("aoki", "baba"):
        Accounts(store).add_user(name, ("releaser",), by=name)
        Accounts(store).add_user(f"{name}.operates", ("operator",), by=name)
    return store


def put(store: Store, *objects: dict[str, Any]) -> None:
    outcomes = store.writer(store.own_source()).add(items(*objects))
    assert {outcome.status for outcome in outcomes} <= {"imported", "unchanged"}


def fed(store: Store, partner: str = "Kyiv") -> list[str]:
    assert list(verify(store)) == []
    rows = store.feed(partner).read(Query(versions=("all",)), 0, 1_000).rows
    return sorted(json.loads(row.raw).get("name", row.id) for row in rows)


def stands(store: Store, one: dict[str, Any], partner: str = "Kyiv") -> str:
    (item,) = Releases(store).items(partner, [one["id"]])
    return item.state


def secret(**more: Any) -> dict[str, Any]:
    return sdo("identity", NAME, **{"object_marking_refs": [AMBER], **more})


def telling(name: str = "telling", text: str = f"seen at {NAME}", **more: Any) -> dict[str, Any]:
    return campaign(name, **{"description": text, "object_marking_refs": [CLEAR], **more})


def test_what_came_with_a_withheld_name_and_tells_it_waits(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling(), telling("silent", "seen somewhere"))
    assert fed(tokyo) == ["silent"]
    assert stands(tokyo, one) == "found"
    (found,) = Clearing(tokyo).found("Kyiv")
    assert (found.text, found.of, [(held.id, held.path) for held in found.held]) == (
        NAME, secret()["id"], [(one["id"], "description")],
    )  # fmt: skip


def test_whoever_gets_the_name_gets_what_tells_it(tokyo: Store) -> None:
    put(tokyo, secret(object_marking_refs=[CLEAR]), telling())
    assert fed(tokyo) == [NAME, "telling"]


def test_whoever_may_have_both_gets_both(tokyo: Store) -> None:
    put(tokyo, secret(), telling())
    assert fed(tokyo, "Lyon") == [NAME, "telling"]


def test_what_came_before_it_left_before_it(tokyo: Store) -> None:
    put(tokyo, telling())
    put(tokyo, secret())
    assert fed(tokyo) == ["telling"]


def test_what_refers_to_what_leaves_is_close_to_it(tokyo: Store) -> None:
    one = telling()
    put(tokyo, report("Outage", refs=[one["id"], secret()["id"]], object_marking_refs=[AMBER]), secret())
    put(tokyo, one)
    assert fed(tokyo) == []
    assert stands(tokyo, one) == "found"


def test_what_refers_to_what_is_held_waits_for_it(tokyo: Store) -> None:
    one = telling()
    put(tokyo, secret(), one, report("about it", refs=[one["id"]], object_marking_refs=[CLEAR]))
    assert fed(tokyo) == []
    Clearing(tokyo).clear("Kyiv", [Clearing(tokyo).found("Kyiv")[0].digest], by="aoki")
    assert fed(tokyo) == ["about it", "telling"]


def test_a_cleared_text_leaves_now_and_later_to_this_partner(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling())
    (found,) = Clearing(tokyo).found("Kyiv")
    done = Clearing(tokyo).clear("Kyiv", [found.digest[:12]], by="aoki")
    assert (done.let_go, done.still) == ((one["id"],), ())
    put(tokyo, telling("later"), secret(modified="2026-03-01T00:00:00.000Z"))
    assert fed(tokyo) == ["later", "telling"]
    told = "select actor, detail from audit where act='release.clear'"
    ((actor, detail),) = tokyo.database.read().execute(told).fetchall()
    assert actor == "aoki"
    assert NAME not in detail


def test_one_of_two_texts_does_not_do(tokyo: Store) -> None:
    other = sdo("identity", "Chubu Water Works", object_marking_refs=[AMBER])
    put(tokyo, secret(), other, one := telling(text=f"{NAME}, then Chubu Water Works"))
    first, second = (one.digest for one in Clearing(tokyo).found("Kyiv"))
    assert Clearing(tokyo).clear("Kyiv", [first], by="aoki").still == (one["id"],)
    assert fed(tokyo) == []
    assert [found.digest for found in Clearing(tokyo).found("Kyiv")] == [second]
    Clearing(tokyo).clear("Kyiv", [second], by="baba")
    assert fed(tokyo) == ["telling"]


def test_a_person_lets_one_object(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling(), telling("other"))
    acted = Releases(tokyo).approve("Kyiv", [one["id"]], by="aoki")
    assert [item.state for item in acted.items] == ["offered"]
    assert fed(tokyo) == ["telling"]
    put(tokyo, secret(modified="2026-03-01T00:00:00.000Z"))
    assert fed(tokyo) == ["telling"]


def test_what_people_approved_beforehand_leaves(tokyo: Store) -> None:
    Rules(tokyo).remove(FIRST, by="test")
    put(tokyo, secret(), one := telling())
    assert stands(tokyo, one) == "unproposed"
    Releases(tokyo).approve("Kyiv", [one["id"]], by="aoki")
    assert fed(tokyo) == ["telling"]


def test_a_new_version_is_looked_through_anew(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling())
    put(tokyo, telling(text="seen somewhere", modified="2026-03-01T00:00:00.000Z"))
    rows = tokyo.feed("Kyiv").read(Query(versions=("all",)), 0, 10).rows
    assert [json.loads(row.raw)["description"] for row in rows] == ["seen somewhere"]
    assert stands(tokyo, one) == "offered"
    assert [held.id for found in Clearing(tokyo).found("Kyiv") for held in found.held] == [one["id"]]


def test_it_is_let_go_when_the_text_is_withheld_no_more(tokyo: Store) -> None:
    put(tokyo, secret(), telling())
    assert fed(tokyo) == []
    tokyo.relabel(secret()["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="aoki")
    assert fed(tokyo) == [NAME, "telling"]
    assert Clearing(tokyo).found("Kyiv") == []


def test_it_is_let_go_when_what_it_was_withheld_with_is_deleted(tokyo: Store) -> None:
    put(tokyo, secret(), telling())
    tokyo.hide(secret()["id"], by="aoki")
    assert fed(tokyo) == ["telling"]


def test_a_purge_takes_its_texts_along(tokyo: Store) -> None:
    put(tokyo, secret(), telling())
    purges = Purges(tokyo)
    number = purges.propose(secret()["id"], "test", by="aoki.operates").number
    purges.confirm(number, by="baba.operates")
    assert fed(tokyo) == ["telling"]
    assert tokyo.database.read().execute("select count(*) from find").fetchone()[0] == 0


def test_stopped_is_stopped(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling())
    Releases(tokyo).stop("Kyiv", [one["id"]], by="aoki")
    assert (stands(tokyo, one), Clearing(tokyo).found("Kyiv")) == ("stopped", [])
    tokyo.hide(secret()["id"], by="aoki")
    assert fed(tokyo) == []


def test_what_is_cut_from_a_rendition_is_looked_for_in_others(tokyo: Store) -> None:
    Rules(tokyo).put([msgspec.convert({"name": "parts", "act": "send", "parts": True}, Named)], by="test")
    for by in ("aoki", "baba"):
        Releases(tokyo).grant("parts", by=by)
    marked = campaign(
        "marked", object_marking_refs=[CLEAR], description="It was first seen at the plant of Kansai Grid Operator in spring.",
        granular_markings=[{"marking_ref": AMBER, "selectors": ["description"]}],
    )  # fmt: skip
    put(tokyo, marked, telling(text=marked["description"] + " More."))
    assert fed(tokyo) == ["marked"]


def test_without_the_setting_nothing_is_looked_through(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, scan=False))
    put(tokyo, secret(), telling())
    assert fed(tokyo) == ["telling"]


def test_only_releasers_clear_what_is_found(tokyo: Store) -> None:
    put(tokyo, secret(), telling())
    (found,) = Clearing(tokyo).found("Kyiv")
    with pytest.raises(Refused):
        Clearing(tokyo).clear("Kyiv", [found.digest], by="aoki.operates")
    for unknown in ("0" * 64, found.digest[:11], ""):
        with pytest.raises(NotFound):
            Clearing(tokyo).clear("Kyiv", [unknown], by="aoki")


def test_what_was_taken_back_is_as_if_it_had_not_been_there(tokyo: Store) -> None:
    put(tokyo, secret(), one := telling())
    in_feeds = "select count(*) from feed f join object o on o.n=f.object join partner p on p.n=f.recipient where o.id=? and p.name='Kyiv'"
    assert tokyo.database.read().execute(in_feeds, (one["id"],)).fetchone()[0] == 0
    acted = Releases(tokyo).withdraw("Kyiv", [one["id"]], "test", by="aoki")
    assert [reason.code for _, reason in acted.failed] == ["did-not-leave"]


def test_a_name_that_nobody_can_write_stops_no_act(tokyo: Store) -> None:
    name = "xn--" + "harbour\ud800".encode("punycode").decode() + ".example"
    domain = {"type": "domain-name", "spec_version": "2.1", "value": name, "object_marking_refs": [AMBER]}
    domain["id"] = "domain-name--7b0b4b5c-5e9a-5f0e-8f3c-1d1f6c3c7a11"
    put(tokyo, domain, telling(text="Mail from harbour.example"), telling("innocent", "no word of it"))
    assert "innocent" in fed(tokyo)


def test_the_same_text_in_two_withheld_objects_is_withheld_while_one_is(tokyo: Store) -> None:
    other = sdo("identity", NAME, identity_class="group", object_marking_refs=[AMBER]) | {
        "id": named("identity", "other")
    }
    put(tokyo, secret(), other, telling())
    tokyo.hide(secret()["id"], by="aoki")
    assert fed(tokyo) == []
    tokyo.hide(other["id"], by="aoki")
    assert fed(tokyo) == ["telling"]


def test_what_the_partner_has_is_no_secret(tokyo: Store) -> None:
    sentence = "Phishing mails name the harbour authority and its director of operations"
    put(tokyo, telling(text=sentence))
    source = Source("partner:Lyon", "partner", LYON.organisation)
    note = report("quote", refs=[telling()["id"]], description=sentence, object_marking_refs=[AMBER])
    assert [o.status for o in tokyo.writer(source).add(items(note))] == ["imported"]
    put(tokyo, telling(text=sentence, modified="2026-03-01T00:00:00.000Z"))
    assert fed(tokyo) == ["telling", "telling"]


def test_a_version_that_left_stays_whatever_is_found_in_another(tokyo: Store) -> None:
    put(tokyo, telling(text="seen somewhere"))
    put(tokyo, secret(), telling(modified="2026-03-01T00:00:00.000Z"))
    assert fed(tokyo) == ["telling"]
    tokyo.relabel(telling()["id"], parse_label("PUBLIC", originator=tokyo.organisation), by="aoki")
    assert fed(tokyo) == ["telling"]


def test_it_is_let_go_when_the_partner_may_have_the_text(tokyo: Store) -> None:
    put(tokyo, secret(), telling())
    tokyo.put_partner(msgspec.structs.replace(KYIV, receives=("TLP:CLEAR", "TLP:AMBER")))
    assert fed(tokyo) == [NAME, "telling"]


def test_what_people_said_stands_while_a_machine_holds(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:CLEAR": 2}))
    Rules(tokyo).remove(FIRST, by="test")
    put(tokyo, secret(), one := telling())
    Releases(tokyo).approve("Kyiv", [one["id"]], by="aoki")
    Rules(tokyo).put([msgspec.convert({"name": "all", "act": "send"}, Named)], by="test")
    for by in ("aoki", "baba"):
        Releases(tokyo).grant("all", by=by)
    tokyo.relabel(secret()["id"], parse_label("TLP:AMBER", originator=tokyo.organisation), by="aoki")
    (item,) = Releases(tokyo).items("Kyiv", [one["id"]])
    assert item.approved == ("aoki",)


def test_of_many_texts_some_are_kept_and_all_hold(tokyo: Store) -> None:
    names = [f"Operator of harbour number {n}" for n in range(30)]
    many = sdo("intrusion-set", "many", aliases=names, object_marking_refs=[AMBER])
    put(tokyo, many, telling(text=", ".join(names)))
    assert fed(tokyo) == []
    found = Clearing(tokyo).found("Kyiv")
    assert len(found) == 5
    while found:
        Clearing(tokyo).clear("Kyiv", [one.digest for one in found], by="aoki")
        found = Clearing(tokyo).found("Kyiv")
    assert fed(tokyo) == ["telling"]


@pytest.mark.parametrize("then", ["stays", "rule ends"])
def test_who_does_not_see_the_text_is_told_as_if_there_were_none(make_store: Callable[..., Store], then: str) -> None:
    told = []
    for hidden in (False, True):
        store = make_store()
        store.put_partner(KYIV)
        for name in ("aoki", "owner"):
            Accounts(store).add_user(name, ("releaser",), by=name)
        one = telling()
        mine = sdo("identity", NAME, object_marking_refs=[AMBER])
        put(store, *([mine] if hidden else []), one)
        if hidden:
            store.relabel(mine["id"], parse_label("TLP:RED persons=owner", originator=store.organisation), by="owner")
            assert Clearing(store).found("Kyiv") != []
        if then == "rule ends":
            Rules(store).remove(FIRST, by="test")
        principal = store.principal_of_person("aoki")
        (item,) = Releases(store).items("Kyiv", [one["id"]], principal)
        with store.database.snapshot() as reader:
            told.append((item, explained(store, reader, ["Kyiv"], [one["id"]], principal)))
        assert item.state == "offered"
    assert told[0] == told[1]


def test_one_large_object_of_a_partner_hides_no_other(tokyo: Store) -> None:
    about = report("about", refs=[telling()["id"]], description="x " * (2 << 20), object_marking_refs=[AMBER])
    source = Source("partner:Lyon", "partner", LYON.organisation)
    assert [o.status for o in tokyo.writer(source).add(items(about))] == ["imported"]
    put(tokyo, secret(), telling())
    assert fed(tokyo) == []
    told = tokyo.database.read().execute("select subject from audit where act='scan.partial'").fetchall()
    assert ("Kyiv",) in told
