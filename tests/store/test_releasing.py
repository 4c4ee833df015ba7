"""What leaves by whose word: standing rules, proposals, approvals, stops and withdrawals; and what makes each of them void."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from kizuna.errors import Conflict, NotFound, Refused
from kizuna.labels import parse_label
from kizuna.settings import Settings
from kizuna.stix import iter_objects
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.epochs import open_epoch, resume
from kizuna.store.outbox import Item
from kizuna.store.purging import Purges
from kizuna.store.releasing import Acted, Releases, set_digest
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items, report, sdo

HOUR = 3_600_000_000
BRUSSELS = Partner(
    name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", receives=("TLP:CLEAR", "TLP:AMBER")
)
KYIV = Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR",))


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with two partners, three who release and one who operates; nothing leaves by its label alone."""
    store.put_partner(BRUSSELS)
    store.put_partner(KYIV)
    for name in ("aoki", "baba", "chiba"):
        Accounts(store).add_user(name, ("releaser",), by=name)
    Accounts(store).add_user("oda", ("operator",), by="oda")
    Rules(store).remove(FIRST, by="test")
    return store


def put(store: Store, *objects: dict[str, Any], **more: Any) -> None:
    outcomes = store.writer(store.own_source(), **more).add(items(*objects))
    assert {outcome.status for outcome in outcomes} <= {"imported", "unchanged"}


def fed(store: Store, partner: str = "Brussels") -> list[str]:
    """Names of what is in a feed; and the store is sound."""
    assert list(verify(store)) == []
    rows = store.feed(partner).read(Query(versions=("all",)), 0, 1_000).rows
    return [json.loads(row.raw).get("name", row.id) for row in rows if not row.id.startswith("note--")]  # but notices


def stands(store: Store, one: dict[str, Any], partner: str = "Brussels") -> Item:
    (item,) = Releases(store).items(partner, [one["id"]])
    return item


def approve(store: Store, by: str, *objects: dict[str, Any], partner: str = "Brussels") -> Acted:
    return Releases(store).approve(partner, [one["id"] for one in objects], by=by)


def rule(store: Store, *people: str, **said: Any) -> None:
    """Make a rule and have it granted."""
    one = msgspec.convert({"name": "some", "act": "send", **said}, Named)
    Rules(store).put([one], by="test")
    for by in people:
        Releases(store).grant(one.name, by=by)


def why(acted: Acted) -> list[str]:
    return [reason.code for _, reason in acted.failed]


def test_a_store_begins_with_a_rule_that_sends_what_labels_let(store: Store) -> None:
    store.put_partner(BRUSSELS)
    put(store, campaign("clear", object_marking_refs=[CLEAR]), campaign("red", object_marking_refs=[RED]))
    assert fed(store) == ["clear"]
    (first,) = Rules(store).listed()
    assert (first.name, first.version, first.counts(store.clock())) == (FIRST, 1, True)


def test_without_a_rule_all_waits_and_what_left_stays(store: Store) -> None:
    store.put_partner(BRUSSELS)
    put(store, campaign("before", object_marking_refs=[CLEAR]))
    Rules(store).remove(FIRST, by="test")
    put(store, after := campaign("after", object_marking_refs=[CLEAR]))
    assert fed(store) == ["before"]
    assert stands(store, after).state == "unproposed"


def test_one_person_lets_an_object_leave_to_one_partner(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), campaign("two", object_marking_refs=[CLEAR]))
    acted = approve(tokyo, "aoki", one)
    assert (acted.failed, acted.opened, [item.state for item in acted.items]) == ((), 1, ["offered"])
    assert (fed(tokyo), fed(tokyo, "Kyiv")) == (["one"], [])
    (happened,) = Releases(tokyo).history([one["id"]])
    assert (happened.act, happened.person, happened.partner) == ("approve", "aoki", "Brussels")


def test_an_approval_binds_the_bytes(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    item = stands(tokyo, one)
    (raw,) = tokyo.database.read().execute("select raw from body").fetchone()
    assert item.digest == hashlib.sha256(raw).digest()
    approve(tokyo, "aoki", one)
    put(tokyo, campaign("one", modified="2026-01-02T00:00:00.000Z", description="new", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == ["one"]
    assert stands(tokyo, one).state == "unproposed"
    assert stands(tokyo, one).approved == ()


def test_a_label_can_ask_for_two_people(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:AMBER": 2}))
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]))
    acted = approve(tokyo, "aoki", one)
    assert [(item.state, item.approved, item.asked) for item in acted.items] == [("unproposed", ("aoki",), 2)]
    assert why(approve(tokyo, "aoki", one)) == ["approved-already"]
    assert fed(tokyo) == []
    assert approve(tokyo, "baba", one).opened == 1
    assert fed(tokyo) == ["one"]
    assert why(approve(tokyo, "chiba", one)) == ["leaves-already"]


def test_red_asks_for_two_whatever_is_set() -> None:
    from kizuna.store.standing import asked_by

    told = Settings(name="n", organisation="o", country="JPN", identity="identity--1", approvers={"TLP:RED": 1})
    assert asked_by(told, ["TLP:RED"]) == 2
    assert asked_by(told, ["TLP:CLEAR", "PUBLIC"]) == 1
    assert asked_by(told, []) == 1


def test_two_people_are_two(tokyo: Store) -> None:
    """Whoever the first let in since, or somebody else did, is no second word."""
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:AMBER": 2}))
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]))
    approve(tokyo, "aoki", one)
    Accounts(tokyo).create_link("baba", by="aoki")
    assert why(approve(tokyo, "baba", one)) == ["let-in"]
    assert approve(tokyo, "chiba", one).opened == 1


def test_operators_do_not_approve(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    for name in ("oda", "nobody"):
        with pytest.raises(Refused, match="releaser"):
            approve(tokyo, name, one)
    rule(tokyo)
    with pytest.raises(Refused, match="releaser"):
        Releases(tokyo).grant("some", by="oda")
    assert fed(tokyo) == []


def test_a_relabel_between_two_words_voids_the_first(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:AMBER": 2}))
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]))
    approve(tokyo, "aoki", one)
    tokyo.relabel(one["id"], parse_label("TLP:AMBER to=BEL", originator=tokyo.organisation), by="test")
    assert stands(tokyo, one).approved == ()
    approve(tokyo, "baba", one)
    assert fed(tokyo) == []


def test_what_left_under_another_label_is_asked_about_anew(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]))
    approve(tokyo, "aoki", one)
    assert fed(tokyo) == ["one"]
    tokyo.relabel(one["id"], parse_label("TLP:CLEAR", originator=tokyo.organisation), by="test")
    assert fed(tokyo) == []
    approve(tokyo, "aoki", one)
    assert fed(tokyo) == ["one"]


def test_who_left_approves_no_more(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:AMBER": 2}))
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]))
    approve(tokyo, "aoki", one)
    Accounts(tokyo).remove_user("aoki", by="test")
    assert approve(tokyo, "baba", one).opened == 0
    Accounts(tokyo).set_roles("baba", ("analyst",), by="test")
    assert approve(tokyo, "chiba", one).opened == 0
    assert stands(tokyo, one).approved == ("chiba",)


def test_what_is_shown_is_what_is_approved(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), two := campaign("two", object_marking_refs=[CLEAR]))
    releases = Releases(tokyo)
    ids = [one["id"], two["id"]]
    shown = set_digest("Brussels", releases.items("Brussels", ids))
    assert shown == set_digest("Brussels", releases.items("Brussels", ids[::-1]))
    put(tokyo, campaign("two", modified="2026-01-02T00:00:00.000Z", object_marking_refs=[CLEAR]))
    with pytest.raises(Conflict, match="look again"):
        releases.approve("Brussels", ids, by="aoki", shown=shown)
    assert fed(tokyo) == []
    shown = set_digest("Brussels", releases.items("Brussels", ids))
    with pytest.raises(Conflict):
        releases.approve("Kyiv", ids, by="aoki", shown=shown)
    assert releases.approve("Brussels", ids, by="aoki", shown=shown).opened == 2


def test_what_the_label_withholds_nobody_approves(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[RED]))
    assert why(approve(tokyo, "aoki", one)) == ["object"]
    assert why(approve(tokyo, "aoki", campaign("unknown"))) == ["not-held"]
    assert why(Releases(tokyo).propose("Brussels", [one["id"]], by="test")) == ["object"]
    with pytest.raises(NotFound):
        approve(tokyo, "aoki", one, partner="Nobody")


def test_what_refers_to_what_waits_for_people_waits_with_it(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    put(tokyo, about := report("about", [one], object_marking_refs=[CLEAR]))
    acted = approve(tokyo, "aoki", about)
    assert [(item.state, item.waits_for) for item in acted.items] == [("waiting", one["id"])]
    assert fed(tokyo) == []
    approve(tokyo, "baba", one)
    assert sorted(fed(tokyo)) == ["about", "one"]


def test_proposing_asks_people(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), campaign("two", object_marking_refs=[CLEAR]))
    releases = Releases(tokyo)
    (item,) = releases.propose("Brussels", [one["id"]], by="cli:somebody").items
    assert (item.state, item.by) == ("proposed", "cli:somebody")
    assert ([i.id for i in releases.outbox("Brussels")[0]], releases.outbox("Kyiv")[0]) == ([one["id"]], [])
    approve(tokyo, "aoki", one)
    assert why(releases.propose("Brussels", [one["id"]], by="test")) == ["leaves-already"]
    assert releases.outbox("Brussels")[0] == []
    assert [i.id for i in releases.outbox("Brussels", ("offered",))[0]] == [one["id"]]
    assert len(releases.outbox("Brussels", ("unproposed", "offered"))[0]) == 2
    assert [len(releases.outbox("Brussels", ("unproposed", "offered"), limit=1)[0]), 1] == [1, 1]


def test_a_rule_proposes_and_asks_for_more_people(tokyo: Store) -> None:
    rule(tokyo, act="propose", types=["campaign"], approvers=2)
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), sdo("tool", "tool", object_marking_refs=[CLEAR]))
    (item,) = Releases(tokyo).outbox("Brussels")[0]
    assert (item.id, item.by, item.asked, item.state) == (one["id"], "some", 2, "proposed")
    assert approve(tokyo, "aoki", one).opened == 0
    # What asked for two goes on asking for two, though the rule is gone.
    Rules(tokyo).remove("some", by="test")
    assert approve(tokyo, "aoki", one).opened == 0
    assert approve(tokyo, "baba", one).opened == 1


def test_a_rule_sends_from_when_people_granted_it(tokyo: Store) -> None:
    put(tokyo, campaign("before", object_marking_refs=[CLEAR]))
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    assert fed(tokyo) == ["before"]
    put(tokyo, campaign("after", object_marking_refs=[CLEAR]), campaign("amber", object_marking_refs=[AMBER]))
    assert fed(tokyo) == ["before", "after"]
    assert fed(tokyo, "Kyiv") == ["before", "after"]


def test_a_rule_for_any_label_asks_for_two(tokyo: Store) -> None:
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    rule(tokyo, "aoki")
    assert fed(tokyo) == []
    with pytest.raises(Conflict):
        Releases(tokyo).grant("some", by="aoki")
    Releases(tokyo).grant("some", by="baba")
    assert fed(tokyo) == ["one"]
    with pytest.raises(Conflict):
        Releases(tokyo).grant("some", by="chiba")


def test_a_changed_rule_is_granted_anew(tokyo: Store) -> None:
    rule(tokyo, "aoki", labels=["TLP:CLEAR"], types=["tool"])
    rule(tokyo, labels=["TLP:CLEAR"], types=["campaign"])
    put(tokyo, sdo("tool", "tool", object_marking_refs=[CLEAR]), campaign("one", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == []
    Releases(tokyo).grant("some", by="baba")
    assert fed(tokyo) == ["one"]
    assert [(one.version, one.ended is None) for one in Rules(tokyo).history("some")] == [(1, False), (2, True)]
    same = msgspec.convert({"name": "some", "act": "send", "labels": ["TLP:CLEAR"], "types": ["campaign"]}, Named)
    assert Rules(tokyo).put([same], by="test") == []


def test_a_stopped_rule_lets_nothing_more_leave_until_it_is_granted_anew(tokyo: Store) -> None:
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    Rules(tokyo).stop("some", by="test")
    put(tokyo, campaign("two", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == ["one"]
    Releases(tokyo).grant("some", by="baba")
    assert fed(tokyo) == ["one", "two"]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({"types": ["tool"]}, {"tool"}),
        ({"areas": ["space-security"]}, {"orbit"}),
        ({"labels": ["TLP:CLEAR", "PUBLIC"]}, {"plain", "tool", "orbit", "sure", "tagged", "灯台", "theirs"}),
        ({"labels": ["TLP:GREEN"]}, set()),
        ({"tags": ["phishing", "other"]}, {"tagged"}),
        ({"confidence": 70}, {"sure"}),
        ({"sources": ["partner:Kyiv"]}, {"theirs"}),
        ({"query": "灯台"}, {"灯台"}),
        ({"query": "灯台 nowhere"}, set()),
        ({"partners": ["kyiv"]}, set()),
        ({"partners": ["Brussels"], "types": ["campaign"], "confidence": 10}, {"sure", "amber"}),
    ],
)
def test_what_a_rule_is_about(tokyo: Store, said: dict[str, Any], left: set[str]) -> None:
    clear: dict[str, Any] = {"object_marking_refs": [CLEAR]}
    rule(tokyo, "aoki", "baba", **said) if "labels" not in said else rule(tokyo, "aoki", **said)
    put(
        tokyo, campaign("plain", **clear), sdo("tool", "tool", **clear), campaign("sure", confidence=80, **clear),
        campaign("tagged", labels=["phishing"], **clear), campaign("灯台", **clear),
        campaign("amber", confidence=20, object_marking_refs=[AMBER]),
    )  # fmt: skip
    put(tokyo, campaign("orbit", **clear), area="space-security")
    list(tokyo.writer(tokyo.partner_source("Kyiv")).add(items(campaign("theirs", **clear))))
    assert set(fed(tokyo)) == left
    assert Releases(tokyo).would(Rules(tokyo).named("some")).get("Brussels", 0) == len(left)


def test_a_rule_ends_by_date(tokyo: Store, clock: Any) -> None:
    from kizuna.clock import to_text

    rule(tokyo, "aoki", labels=["TLP:CLEAR"], until=to_text(clock.now + HOUR))
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    clock.forward(3600)
    put(tokyo, campaign("two", object_marking_refs=[CLEAR]))
    assert fed(tokyo) == ["one"]


def test_a_rule_lets_out_so_many_in_an_hour(tokyo: Store, clock: Any) -> None:
    rule(tokyo, "aoki", labels=["TLP:CLEAR"], hourly=2)
    put(tokyo, *(campaign(f"{i}", object_marking_refs=[CLEAR]) for i in range(5)))
    assert (len(fed(tokyo)), len(fed(tokyo, "Kyiv"))) == (2, 2)
    put(tokyo, late := campaign("late", object_marking_refs=[CLEAR]))
    assert (len(fed(tokyo)), stands(tokyo, late).state) == (2, "waiting")
    approve(tokyo, "aoki", late)
    assert len(fed(tokyo)) == 3
    clock.forward(3600)
    assert len(fed(tokyo)) == 5
    clock.forward(3600)
    assert len(fed(tokyo)) == 6


def test_a_chain_that_arrives_at_once_is_within_the_number_too(tokyo: Store) -> None:
    rule(tokyo, "aoki", labels=["TLP:CLEAR"], types=["report"], hourly=2)
    first = campaign("first", object_marking_refs=[CLEAR])
    chain = [first]
    for i in range(8):
        chain.append(report(f"{i}", [chain[-1]], object_marking_refs=[CLEAR]))
    put(tokyo, *chain[1:])
    put(tokyo, first)
    approve(tokyo, "aoki", first)
    assert len(fed(tokyo)) == 3


def test_who_stopped_a_rule_of_two_people_is_not_overruled_by_one(tokyo: Store) -> None:
    rule(tokyo, "aoki", "baba", labels=["TLP:RED", "TLP:CLEAR"])
    Rules(tokyo).stop("some", by="test")
    put(tokyo, campaign("one", object_marking_refs=[CLEAR]))
    _, people, asked = Releases(tokyo).grant("some", by="chiba")
    assert (people, asked, fed(tokyo)) == (("chiba",), 2, [])
    Releases(tokyo).grant("some", by="aoki")
    assert fed(tokyo) == ["one"]


def test_who_releases_no_more_grants_no_rule(tokyo: Store) -> None:
    rule(tokyo, "aoki", labels=["TLP:RED"])
    Accounts(tokyo).set_roles("aoki", ("analyst",), by="test")
    assert Releases(tokyo).grant("some", by="baba")[1] == ("baba",)


def test_what_was_let_out_within_the_hours_number_stays_when_it_is_relabelled(tokyo: Store) -> None:
    rule(tokyo, "aoki", "baba", hourly=1)
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    tokyo.relabel(one["id"], parse_label("TLP:AMBER", originator=tokyo.organisation), by="test")
    assert fed(tokyo) == ["one"]


def test_a_stop_holds_back_whatever_rules_say(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    assert Releases(tokyo).stop("Brussels", [one["id"]], by="test").failed == ()
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    put(tokyo, campaign("one", modified="2026-01-02T00:00:00.000Z", object_marking_refs=[CLEAR]))
    assert (fed(tokyo), fed(tokyo, "Kyiv")) == ([], ["one", "one"])
    assert stands(tokyo, one).state == "stopped"
    assert why(Releases(tokyo).stop("Kyiv", [one["id"]], by="test")) == ["left-already"]
    approve(tokyo, "aoki", one)
    assert "one" in fed(tokyo)


def test_what_is_withdrawn_does_not_leave_again(tokyo: Store) -> None:
    rule(tokyo, "aoki", labels=["TLP:CLEAR"])
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), report("about", [one], object_marking_refs=[CLEAR]))
    assert len(fed(tokyo)) == 2
    acted = Releases(tokyo).withdraw("Brussels", [one["id"]], "told in error", by="aoki")
    assert (acted.ended, fed(tokyo), len(fed(tokyo, "Kyiv"))) == (2, [], 2)
    assert stands(tokyo, one).state == "withdrawn"
    put(tokyo, campaign("one", modified="2026-01-02T00:00:00.000Z", object_marking_refs=[CLEAR]))
    rule(tokyo, "aoki", labels=["TLP:CLEAR"], types=["campaign", "report"])
    assert fed(tokyo) == []
    assert why(Releases(tokyo).withdraw("Brussels", [campaign("two")["id"]], "x", by="aoki")) == ["not-held"]
    (happened, *_) = Releases(tokyo).history([one["id"]], "Brussels")
    assert (happened.act, happened.detail) == ("withdraw", {"reason": "told in error"})


def test_what_never_left_is_not_withdrawn(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    assert why(Releases(tokyo).withdraw("Brussels", [one["id"]], "x", by="aoki")) == ["did-not-leave"]


def test_an_approval_from_before_a_withdrawal_is_void(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    approve(tokyo, "aoki", one)
    Releases(tokyo).withdraw("Brussels", [one["id"]], "x", by="baba")
    assert stands(tokyo, one).approved == ()
    approve(tokyo, "aoki", one)
    assert fed(tokyo) == ["one"]


def test_what_a_raised_label_ends_is_told_as_such(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    approve(tokyo, "aoki", one)
    tokyo.relabel(one["id"], parse_label("TLP:RED", originator=tokyo.organisation), by="test")
    assert (stands(tokyo, one).state, fed(tokyo)) == ("ended", [])
    assert [i.id for i in Releases(tokyo).outbox("Brussels", ("ended",))[0]] == [one["id"]]
    Releases(tokyo).withdraw("Brussels", [one["id"]], "raised", by="aoki")
    assert stands(tokyo, one).state == "withdrawn"


def test_a_restored_store_knows_no_approval_and_no_granted_rule(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[AMBER]), two := campaign("two", object_marking_refs=[CLEAR]))
    put(tokyo, about := report("about", [two], object_marking_refs=[CLEAR]))
    approve(tokyo, "aoki", one, about)  # the second waits
    rule(tokyo, "aoki", labels=["TLP:CLEAR"], types=["tool"])
    open_epoch(tokyo, by="test")
    for name in ("Brussels", "Kyiv"):
        resume(tokyo, name, by="test")
    put(tokyo, sdo("tool", "tool", object_marking_refs=[CLEAR]))
    approve(tokyo, "baba", two)
    assert fed(tokyo) == ["one", "two"]


def test_a_partner_that_comes_again_gets_nothing_by_old_words(tokyo: Store) -> None:
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]))
    approve(tokyo, "aoki", one)
    tokyo.remove_partner("Brussels")
    tokyo.put_partner(BRUSSELS)
    assert fed(tokyo) == []
    assert Releases(tokyo).history([one["id"]]) == []


def test_what_is_purged_leaves_nothing_in_the_outbox(tokyo: Store) -> None:
    Accounts(tokyo).add_user("ono", ("operator",), by="ono")
    put(tokyo, one := campaign("one", object_marking_refs=[CLEAR]), two := campaign("two", object_marking_refs=[CLEAR]))
    approve(tokyo, "aoki", one)
    Releases(tokyo).propose("Kyiv", [one["id"]], by="aoki")
    Releases(tokyo).stop("Kyiv", [one["id"]], by="aoki")
    number = Purges(tokyo).propose(one["id"], "because", by="oda").number
    Purges(tokyo).confirm(number, by="ono")
    reader = tokyo.database.read()
    for table in ("approval", "proposal", "hold", "outbox", "feed"):
        assert reader.execute(f"select count(*) from {table}").fetchone() == (0,), table
    approve(tokyo, "aoki", two)
    assert fed(tokyo) == ["two"]


def test_many_are_relabelled_in_one_act(tokyo: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    whole = campaign("whole", object_marking_refs=[AMBER])
    part = campaign("part", description="x", object_marking_refs=[AMBER], granular_markings=marks)
    # The same with its key in escapes.
    text = json.dumps(campaign("escaped", description="x", object_marking_refs=[AMBER], granular_markings=marks))
    raw = text.replace("granular_markings", "granular\\u005fmarkings").encode()
    put(tokyo, whole, part)
    (outcome,) = tokyo.writer(tokyo.own_source()).add(iter_objects(raw))
    assert outcome.status == "imported"
    theirs = campaign("theirs", object_marking_refs=[AMBER])
    list(tokyo.writer(tokyo.partner_source("Kyiv")).add(items(theirs)))
    rule(tokyo, "aoki", "baba", labels=["TLP:CLEAR", "TLP:AMBER", "TLP:RED"])
    clear = parse_label("TLP:CLEAR", originator=tokyo.organisation)
    ids = [whole["id"], part["id"], json.loads(raw)["id"], theirs["id"], campaign("unknown")["id"]]
    change, done, refused = tokyo.relabel_many(ids, clear, by="test")
    assert (set(done), refused, change.touched) == (set(ids[:3]), [theirs["id"]], 3)
    assert (fed(tokyo), fed(tokyo, "Kyiv")) == (["whole"], ["whole"])
    labels = tokyo.database.read().execute("select o.id, o.whole=o.label from object o").fetchall()
    assert {id for id, alike in labels if not alike} == {ids[1], ids[2]}


def test_a_rule_for_a_partner_nobody_knows_is_refused(tokyo: Store) -> None:
    with pytest.raises(NotFound):
        rule(tokyo, partners=["Nobody"])
    for name in ("nothing", FIRST):
        with pytest.raises(NotFound):
            Rules(tokyo).stop(name, by="test")


@pytest.mark.parametrize(
    "said",
    [
        {"act": "destroy"}, {"name": "With Space"}, {"hourly": 0}, {"approvers": 0}, {"confidence": 101}, {"until": "tomorrow"},
        {"until": "2026-01-01"}, {"type": ["tool"]}, {"types": [""]}, {"types": "tool"},
    ],
)  # fmt: skip
def test_rules_that_are_none(said: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "some", **said}, Named)


def test_many_are_refused_at_once(tokyo: Store) -> None:
    with pytest.raises(Refused, match="at once"):
        Releases(tokyo).propose("Brussels", [f"campaign--{i}" for i in range(10_001)], by="test")


def test_green_goes_by_rule_and_amber_waits(tokyo: Store) -> None:
    """What a new organisation is told to set up first."""
    rule(tokyo, "aoki", labels=["PUBLIC", "TLP:CLEAR", "TLP:GREEN"])
    Rules(tokyo).put([msgspec.convert({"name": "ask"}, Named)], by="test")
    put(tokyo, campaign("clear", object_marking_refs=[CLEAR]), campaign("green", object_marking_refs=[GREEN]))
    put(tokyo, amber := campaign("amber", object_marking_refs=[AMBER]))
    assert fed(tokyo) == ["clear"]
    assert [(i.id, i.by) for i in Releases(tokyo).outbox("Brussels")[0]] == [(amber["id"], "ask")]
