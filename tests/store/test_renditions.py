"""What leaves in part: renditions, their ids and versions, what they refer to, and that they follow what they rest on."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from kizuna.errors import UsageError
from kizuna.labels import parse_label
from kizuna.stix import check, sco_id
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.outbox import Item
from kizuna.store.purging import Purges
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, RED, campaign, identity, items, relationship, report, sdo

PARTNERS = {
    "Brussels": ("BEL", ("TLP:CLEAR", "TLP:AMBER")),
    "Kyiv": ("UKR", ("TLP:CLEAR",)),
    "Seoul": ("KOR", ("TLP:CLEAR",)),
}


@pytest.fixture
def tokyo(store: Store) -> Store:
    """Tokyo with three partners and two who release; what labels let leave whole leaves."""
    for name, (country, receives) in PARTNERS.items():
        store.put_partner(
            Partner(name=name, organisation=f"CERT {name} (fictional)", country=country, receives=receives)
        )
    for name in ("aoki", "baba", "oda", "ono"):
        Accounts(store).add_user(name, ("releaser", "operator"), by=name)
    return store


def put(store: Store, *objects: dict[str, Any], **more: Any) -> list[str]:
    return [outcome.status for outcome in store.writer(store.own_source(), **more).add(items(*objects))]


def fed(store: Store, partner: str = "Kyiv") -> list[dict[str, Any]]:
    """What a partner has, each the newest version; the store is sound, and all of it is valid."""
    assert list(verify(store)) == []
    rows = store.feed(partner).read(Query(), 0, 1_000).rows
    found = [json.loads(row.raw) for row in rows if not row.id.startswith("note--")]  # but notices
    for one in found:
        assert [problem for problem in check(one) if problem.severity == "error"] == []
    return found


def one_of(store: Store, type: str, partner: str = "Kyiv") -> dict[str, Any]:
    (found,) = [one for one in fed(store, partner) if one["type"] == type]
    return found


def approve(store: Store, *objects: dict[str, Any], partner: str = "Kyiv", by: str = "aoki") -> list[str]:
    acted = Releases(store).approve(partner, [one["id"] for one in objects], by=by)
    return [reason.code for _, reason in acted.failed]


def stands(store: Store, one: dict[str, Any], partner: str = "Kyiv") -> Item:
    (item,) = Releases(store).items(partner, [one["id"]])
    return item


def sends_parts(store: Store, **said: Any) -> None:
    one = msgspec.convert({"name": "parts", "act": "send", "parts": True, "labels": ["TLP:CLEAR"], **said}, Named)
    Rules(store).put([one], by="test")
    Releases(store).grant("parts", by="aoki")


def marked(name: str, *selectors: str, **more: Any) -> dict[str, Any]:
    """A campaign that is CLEAR but for some of it, which is AMBER."""
    marks = [{"marking_ref": AMBER, "selectors": list(selectors or ("description",))}]
    return campaign(
        name, **{"description": "victim", "object_marking_refs": [CLEAR], "granular_markings": marks, **more}
    )


def relabel(store: Store, one: dict[str, Any], label: str) -> None:
    store.relabel(one["id"], parse_label(label, originator=store.organisation), by="test")


def test_nothing_leaves_in_part_without_a_word(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    assert fed(tokyo) == []
    item = stands(tokyo, one)
    assert (item.state, item.form, item.redacted) == ("unproposed", "rendition", ("description",))
    assert [o["id"] for o in fed(tokyo, "Brussels")] == [one["id"]]


def test_what_people_approve_leaves_in_part(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    before = stands(tokyo, one).digest
    assert approve(tokyo, one) == []
    sent = one_of(tokyo, "campaign")
    assert "description" not in sent
    assert sent["name"] == "one"
    assert sent["id"] != one["id"]
    assert re.fullmatch(r"campaign--[0-9a-f-]{13}-4[0-9a-f]{3}-[89ab].{16}", sent["id"])
    assert sent["created_by_ref"] == tokyo.settings.identity
    assert (sent["created"], sent["modified"]) == (one["created"], one["modified"])
    assert sent["object_marking_refs"] == [CLEAR]
    assert sent["extensions"][RENDITION_EXTENSION]["redacted"] == ["description"]
    assert "granular_markings" not in sent
    item = stands(tokyo, one)
    assert (item.state, item.digest) == ("offered", before)


def test_the_original_shows_nowhere_in_what_is_sent(tokyo: Store) -> None:
    one = marked("one")
    about = report("about", [one], object_marking_refs=[CLEAR])
    put(tokyo, one, about)
    approve(tokyo, one, about)
    text = json.dumps(fed(tokyo))
    assert len(fed(tokyo)) == 2
    for hidden in (one["id"], about["id"], "victim", one["id"].partition("--")[2]):
        assert hidden not in text


def test_references_lead_to_renditions(tokyo: Store) -> None:
    one, whole = marked("one"), campaign("whole", object_marking_refs=[CLEAR])
    link = relationship(one, "related-to", whole, object_marking_refs=[CLEAR])
    put(tokyo, one, whole, link)
    approve(tokyo, link)
    item = stands(tokyo, link)
    assert (item.state, item.waits_for) == ("waiting", one["id"])
    approve(tokyo, one)
    sent = {o["type"]: o for o in fed(tokyo) if o["id"] != whole["id"]}
    assert sent["relationship"]["source_ref"] == sent["campaign"]["id"]
    assert sent["relationship"]["target_ref"] == whole["id"]


def test_circles_of_renditions(tokyo: Store) -> None:
    one, two = marked("one", "objective", objective="x"), marked("two")
    reports = [
        report("first", [one], object_marking_refs=[CLEAR]),
        report("second", [two], object_marking_refs=[CLEAR]),
    ]
    for mine, other in zip(reports, reports[::-1], strict=True):
        mine["object_refs"].append(other["id"])
    put(tokyo, one, two, *reports)
    sends_parts(tokyo)
    sent = {o["id"]: o for o in fed(tokyo)}
    assert len(sent) == 4
    for o in sent.values():
        assert set(o.get("object_refs", ())) <= sent.keys()


def test_references_to_what_is_withheld_are_cut(tokyo: Store) -> None:
    hidden, shown = campaign("hidden", object_marking_refs=[RED]), campaign("shown", object_marking_refs=[CLEAR])
    about = report("about", [hidden, shown], object_marking_refs=[CLEAR])
    only = report("only", [hidden], object_marking_refs=[CLEAR])
    put(tokyo, hidden, shown, about, only)
    assert approve(tokyo, about, only) == ["object"] or stands(tokyo, only).state in ("withheld", "waiting")
    sent = one_of(tokyo, "report")
    assert (sent["name"], sent["object_refs"]) == ("about", [shown["id"]])
    assert sent["extensions"][RENDITION_EXTENSION]["redacted"] == ["object_refs"]


def test_who_may_see_as_much_has_the_same(tokyo: Store) -> None:
    put(tokyo, one := marked("one"), two := marked("two", "description", "objective", objective="y"))
    marks = [{"marking_ref": RED, "selectors": ["description"]}, {"marking_ref": AMBER, "selectors": ["objective"]}]
    put(
        tokyo,
        three := campaign(
            "three", description="x", objective="y", object_marking_refs=[CLEAR], granular_markings=marks
        ),
    )
    for partner in PARTNERS:
        approve(tokyo, one, two, three, partner=partner)
    kyiv, seoul, brussels = ({o["name"]: o for o in fed(tokyo, name)} for name in ("Kyiv", "Seoul", "Brussels"))
    assert kyiv == seoul
    assert brussels["one"] == one
    assert kyiv["three"]["id"] != brussels["three"]["id"]
    assert ("objective" in brussels["three"], "objective" in kyiv["three"]) == (True, False)


def test_later_versions_follow_where_what_is_seen_changes(tokyo: Store) -> None:
    sends_parts(tokyo)
    put(tokyo, marked("one"))
    first = one_of(tokyo, "campaign")
    put(tokyo, marked("one", modified="2026-01-02T00:00:00.000Z", description="another victim"))
    assert one_of(tokyo, "campaign") == first
    put(tokyo, marked("one", modified="2026-01-03T00:00:00.000Z", aliases=["new"]))
    sent = one_of(tokyo, "campaign")
    assert (sent["id"], sent["aliases"], sent["modified"]) == (first["id"], ["new"], "2026-01-03T00:00:00.000Z")


def test_an_approval_is_for_these_bytes_of_the_rendition(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    approve(tokyo, one)
    put(tokyo, marked("one", modified="2026-01-02T00:00:00.000Z", description="another victim"))
    assert stands(tokyo, one).state == "offered"  # not a byte of what leaves is another
    put(tokyo, marked("one", modified="2026-01-03T00:00:00.000Z", aliases=["new"]))
    assert fed(tokyo) == []
    item = stands(tokyo, one)
    assert (item.state, item.approved, item.form) == ("unproposed", (), "rendition")
    approve(tokyo, one, by="baba")
    assert one_of(tokyo, "campaign")["aliases"] == ["new"]


def test_a_label_for_two_people(tokyo: Store) -> None:
    object.__setattr__(tokyo, "settings", msgspec.structs.replace(tokyo.settings, approvers={"TLP:CLEAR": 2}))
    put(tokyo, one := marked("one"))
    approve(tokyo, one)
    assert fed(tokyo) == []
    assert stands(tokyo, one).approved == ("aoki",)
    approve(tokyo, one, by="baba")
    assert len(fed(tokyo)) == 1


def test_a_rule_sends_what_leaves_in_part_only_where_it_says_so(tokyo: Store) -> None:
    put(tokyo, marked("before"))
    sends_parts(tokyo, types=["campaign"])
    put(tokyo, marked("after"), campaign("whole", object_marking_refs=[CLEAR]))
    assert [o["name"] for o in fed(tokyo)] == ["whole", "before", "after"] or len(fed(tokyo)) == 3
    Rules(tokyo).stop("parts", by="test")
    put(tokyo, marked("late"))
    assert len(fed(tokyo)) == 3
    with pytest.raises(UsageError, match="words that are cut"):
        sends_parts(tokyo, query="victim")


def test_a_rule_may_ask_people_for_what_leaves_in_part(tokyo: Store) -> None:
    Rules(tokyo).remove(FIRST, by="test")
    Rules(tokyo).put([msgspec.convert({"name": "ask", "parts": True, "approvers": 2}, Named)], by="test")
    put(tokyo, one := marked("one"))
    (item,) = [i for i in Releases(tokyo).outbox("Kyiv")[0] if i.form == "rendition"]
    assert (item.id, item.state, item.by, item.asked) == (one["id"], "proposed", "ask", 2)


def test_when_more_may_be_seen_the_whole_takes_its_place(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    approve(tokyo, one)
    part = one_of(tokyo, "campaign")
    tokyo.put_partner(
        Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR", "TLP:AMBER"))
    )
    sent = {o["id"]: o for o in fed(tokyo)}
    assert sent[one["id"]] == one
    last = sent[part["id"]]
    assert last["revoked"] is True
    assert last["modified"] > part["modified"]
    assert last["extensions"] == {RENDITION_EXTENSION: {"extension_type": "property-extension", "successor": one["id"]}}
    tokyo.put_partner(
        Partner(name="Kyiv", organisation="CERT Kyiv (fictional)", country="UKR", receives=("TLP:CLEAR",))
    )
    assert [
        o for o in fed(tokyo) if not o.get("revoked")
    ] == []  # people approved other bytes: it comes back under a newer moment
    approve(tokyo, one, by="baba")
    (back,) = [o for o in fed(tokyo) if o["id"] == part["id"]]
    assert back["modified"] > last["modified"]
    assert "revoked" not in back


def test_when_less_may_be_seen_nothing_of_it_is_said_again(tokyo: Store) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    one = campaign("one", description="x", objective="y", object_marking_refs=[CLEAR], granular_markings=marks)
    put(tokyo, one)
    sends_parts(tokyo)
    part = one_of(tokyo, "campaign")
    assert part["objective"] == "y"
    more = [{"marking_ref": RED, "selectors": ["description", "objective"]}]
    put(tokyo, one | {"modified": "2026-01-02T00:00:00.000Z", "granular_markings": more})
    sent = {o["id"]: o for o in fed(tokyo)}
    last = sent.pop(part["id"])
    ((successor, new),) = sent.items()
    assert "objective" not in new
    assert "objective" not in last
    assert last["extensions"][RENDITION_EXTENSION]["successor"] == successor


def test_what_is_withheld_now_ends(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    sends_parts(tokyo)
    assert len(fed(tokyo)) == 1
    relabel(tokyo, one, "TLP:RED")
    assert fed(tokyo) == []
    assert stands(tokyo, one).state == "ended"
    relabel(tokyo, one, "TLP:CLEAR")
    assert len(fed(tokyo)) == 1
    tokyo.hide(one["id"], by="test")
    assert fed(tokyo) == []


def test_it_follows_what_it_refers_to(tokyo: Store) -> None:
    one, other = marked("one"), campaign("other", object_marking_refs=[CLEAR])
    about = report("about", [one, other], object_marking_refs=[CLEAR])
    put(tokyo, one, other, about)
    sends_parts(tokyo)
    assert len(one_of(tokyo, "report")["object_refs"]) == 2
    relabel(tokyo, other, "TLP:RED")
    reports = [o for o in fed(tokyo) if o["type"] == "report" and not o.get("revoked")]
    assert [len(o["object_refs"]) for o in reports] == [1]
    relabel(tokyo, other, "TLP:CLEAR")
    reports = [o for o in fed(tokyo) if o["type"] == "report" and not o.get("revoked")]
    assert [len(o["object_refs"]) for o in reports] == [2]
    relabel(tokyo, one, "TLP:RED")
    reports = [o for o in fed(tokyo) if o["type"] == "report" and not o.get("revoked")]
    assert [o["object_refs"] for o in reports] == [[other["id"]]]


def test_what_was_absent_comes_in(tokyo: Store) -> None:
    one, late = campaign("one", object_marking_refs=[CLEAR]), campaign("late", object_marking_refs=[CLEAR])
    about = report("about", [one, late], object_marking_refs=[CLEAR])
    put(tokyo, one, about)
    sends_parts(tokyo)
    part = one_of(tokyo, "report")
    assert part["object_refs"] == [one["id"]]
    put(tokyo, late)
    sent = {o["id"]: o for o in fed(tokyo) if o["type"] == "report"}
    assert sent[about["id"]] == about
    assert sent[part["id"]]["revoked"] is True


def test_stop_and_withdraw(tokyo: Store) -> None:
    put(tokyo, one := marked("one"), two := marked("two"))
    releases = Releases(tokyo)
    releases.stop("Kyiv", [two["id"]], by="test")
    sends_parts(tokyo)
    assert [o["name"] for o in fed(tokyo)] == ["one"]
    acted = releases.withdraw("Kyiv", [one["id"]], "told in error", by="aoki")
    assert (acted.ended, stands(tokyo, one).state, fed(tokyo), len(fed(tokyo, "Seoul"))) == (1, "withdrawn", [], 2)
    put(tokyo, marked("one", modified="2026-01-03T00:00:00.000Z", aliases=["new"]))
    assert fed(tokyo) == []
    approve(tokyo, one)
    assert [o["aliases"] for o in fed(tokyo)] == [["new"]]


def test_what_comes_back_is_no_object(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    approve(tokyo, one)
    part = one_of(tokyo, "campaign")
    changed = part | {"modified": "2026-02-01T00:00:00.000Z", "name": "changed"}
    for source in (tokyo.partner_source("Kyiv"), tokyo.own_source()):
        outcomes = tokyo.writer(source).add(items(part, changed))
        assert [outcome.status for outcome in outcomes] == ["unchanged", "unchanged"]
    assert tokyo.custodian().get(part["id"]) is None
    assert tokyo.custodian().stats().objects == 1
    assert one_of(tokyo, "campaign") == part


def test_nobody_of_ones_own_sees_renditions(tokyo: Store) -> None:
    put(tokyo, one := marked("one"), report("about", [one], object_marking_refs=[CLEAR]))
    approve(tokyo, one)
    view = tokyo.custodian()
    assert view.stats().objects == 2
    assert len(view.search("one").items) == 1
    assert [json.loads(raw)["name"] for raw in view.export()] == ["one", "about"]
    assert {n.type for n in view.neighbours(one["id"])} == {"report"}
    assert view.facets().objects == 2


def test_a_purge_takes_renditions_along(tokyo: Store) -> None:
    put(tokyo, one := marked("one"), about := report("about", [one], object_marking_refs=[CLEAR]))
    approve(tokyo, one, about)
    assert len(fed(tokyo)) == 2
    number = Purges(tokyo).propose(one["id"], "because", by="oda").number
    Purges(tokyo).confirm(number, by="ono")
    assert [o["type"] for o in fed(tokyo) if not o.get("revoked")] == []
    reader = tokyo.database.read()
    sql = "select count(*) from object where hidden=2 and type=(select n from term where name='campaign')"
    assert reader.execute(sql).fetchone() == (0,)


def test_an_observable_tells_no_value_that_is_cut(tokyo: Store) -> None:
    file = {"type": "file", "spec_version": "2.1", "name": "secret.txt", "size": 5, "object_marking_refs": [CLEAR]}
    file["id"] = sco_id(file)
    for selector in ("name", "size"):
        one = file | {"granular_markings": [{"marking_ref": AMBER, "selectors": [selector]}]}
        put(tokyo, one)
        approve(tokyo, one)
    sent = [o for o in fed(tokyo) if o["type"] == "file"]
    assert all("size" not in o for o in sent)
    assert all(o["id"] != file["id"] for o in sent)


def test_identities_leave_whole_or_not(tokyo: Store) -> None:
    marks = [{"marking_ref": AMBER, "selectors": ["description"]}]
    put(tokyo, one := identity("one", description="x", object_marking_refs=[CLEAR], granular_markings=marks))
    by = campaign("by", created_by_ref=one["id"], object_marking_refs=[CLEAR])
    put(tokyo, by)
    assert approve(tokyo, one) == ["object"]
    approve(tokyo, by)
    assert one_of(tokyo, "campaign")["created_by_ref"] == tokyo.settings.identity


def test_a_label_that_needs_a_definition_of_ours_comes_with_it(tokyo: Store) -> None:
    put(tokyo, one := marked("one", object_marking_refs=[CLEAR]))
    relabel(tokyo, one, "TLP:AMBER to=UKR")
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    put(tokyo, two := campaign("two", description="x", object_marking_refs=[AMBER], granular_markings=marks))
    relabel(tokyo, two, "TLP:AMBER to=UKR")
    assert approve(tokyo, two) == []
    sent = {o["type"]: o for o in fed(tokyo) if o.get("name") != "one"}
    assert sent["campaign"]["object_marking_refs"] == [sent["marking-definition"]["id"]]


def test_a_partner_that_goes_takes_its_parts_along(tokyo: Store) -> None:
    put(tokyo, one := marked("one"))
    approve(tokyo, one)
    tokyo.remove_partner("Kyiv")
    assert tokyo.database.read().execute("select count(*) from part").fetchone() == (0,)


def test_a_tool_in_part_keeps_what_must_stay(tokyo: Store) -> None:
    marks = [{"marking_ref": AMBER, "selectors": ["name"]}]
    put(tokyo, one := sdo("tool", "secret", object_marking_refs=[CLEAR], granular_markings=marks))
    assert approve(tokyo, one) == ["object"]
    assert fed(tokyo) == []


def test_a_last_version_goes_on_saying_nothing_that_is_closed_later(tokyo: Store) -> None:
    sends_parts(tokyo)
    for day, closed in enumerate(
        (["description"], ["description", "aliases"], ["description", "aliases", "objective"]), 1
    ):
        marks = [{"marking_ref": RED, "selectors": closed}]
        one = campaign("one", description="x", aliases=["a"], objective="closed later", modified=f"2026-01-0{day}T00:00:00.000Z",
                       object_marking_refs=[CLEAR], granular_markings=marks)  # fmt: skip
        put(tokyo, one)
    assert "closed later" not in json.dumps(fed(tokyo))
    assert len([o for o in fed(tokyo) if o.get("revoked")]) == 2
