"""Consents to a whole label: what is an originator's own under it goes on, now and later, and nothing of anybody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kizuna.errors import NotFound, Refused, UsageError
from kizuna.labels import parse_label
from kizuna.stix.builtin import NOTICE_EXTENSION
from kizuna.store import Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.consents import Consents
from kizuna.store.epochs import open_epoch, resume
from kizuna.store.keys import public_key_of
from kizuna.store.notices import _signed, listed, verified
from kizuna.store.purging import Purges
from kizuna.store.recipients import Masks
from kizuna.store.releasing import Releases
from kizuna.store.seen_consents import SeenConsents
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, STRICT, campaign, items, named, report
from tests.conftest import Clock
from tests.store.test_notices import HOUR, Mesh

AMBERS = "TLP:AMBER"
COVERED = {"id": named("campaign", "x"), "digest": "ab" * 32}


@pytest.fixture
def mesh(make_store: Callable[..., Store], clock: Clock) -> Mesh:
    return Mesh(make_store, clock)


def amber(name: str, **more: Any) -> dict[str, Any]:
    return campaign(name, **{"object_marking_refs": [AMBER], **more})


def grant(mesh: Mesh, label: str = AMBERS, **more: Any) -> str:
    return Consents(mesh["Tokyo"]).grant_label("Brussels", label, "Kyiv", by="aoki", **more)


def release(mesh: Mesh, name: str, partner: str) -> None:
    """People let go whatever may leave."""
    ids = [row.id for row in mesh[name].custodian().read(Query(types=("campaign",)), 0, 100).rows]
    Releases(mesh[name]).approve(partner, ids, by="aoki")


SECRET = "what Riga told Tokyo and Brussels only"


def on(mesh: Mesh) -> set[str]:
    """What Kyiv gets at Brussels, after Tokyo's feed was read."""
    mesh.sync("Tokyo", "Brussels")
    return mesh.fed("Brussels", "Kyiv")


def test_what_is_under_a_label_goes_on_now_and_later(mesh: Mesh) -> None:
    one, strict = amber("one"), amber("strict", object_marking_refs=[STRICT])
    mesh["Tokyo"].put_partner(mesh.partner("Brussels", receives=("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT")))
    mesh["Brussels"].put_partner(mesh.partner("Kyiv", receives=("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT")))
    mesh.put("Tokyo", one, strict)
    assert on(mesh) == set()
    grant(mesh)
    assert on(mesh) == {one["id"]}
    mesh.put("Tokyo", two := amber("two"))
    assert on(mesh) == {one["id"], two["id"]}
    mesh.put("Tokyo", newer := amber("one", modified="2026-02-01T00:00:00.000Z"))
    assert on(mesh) == {one["id"], two["id"]}
    mesh.sync("Brussels", "Kyiv")
    found = mesh["Kyiv"].custodian().get(one["id"])
    assert found is not None
    assert json.loads(found.raw) == newer
    assert not mesh.holds("Kyiv", strict)


def test_it_is_taken_back_and_hides_what_rested_on_it_alone(mesh: Mesh) -> None:
    one, two, three = amber("one"), amber("two"), amber("three", object_marking_refs=[CLEAR])
    mesh.put("Tokyo", one, two, three)
    consents = Consents(mesh["Tokyo"])
    mesh.sync("Tokyo", "Brussels")
    consents.grant("Brussels", [two["id"]], "Kyiv", by="aoki")
    grant(mesh)
    assert on(mesh) == {one["id"], two["id"], three["id"]}
    mesh.clock.forward(1)
    consents.end_label("Brussels", AMBERS, "Kyiv", by="aoki")
    assert on(mesh) == {two["id"], three["id"]}
    mesh.put("Tokyo", later := amber("later"))
    assert on(mesh) == {two["id"], three["id"]}
    assert mesh.holds("Brussels", later)
    mesh.clock.forward(1)
    grant(mesh)  # once more, and what was there is told again
    assert on(mesh) == {one["id"], two["id"], three["id"], later["id"]}
    mesh.clock.forward(1)
    consents.end("Brussels", [two["id"]], "Kyiv", by="aoki")  # it is under the label still
    assert on(mesh) == {one["id"], two["id"], three["id"], later["id"]}


def test_it_ends_at_its_moment(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := amber("one"))
    grant(mesh, expires=mesh.clock.now + HOUR)
    assert on(mesh) == {one["id"]}
    mesh.clock.forward(3600)
    assert mesh.fed("Brussels", "Kyiv") == set()
    mesh.put("Tokyo", amber("later"))
    assert on(mesh) == set()
    grant(mesh, expires=mesh.clock.now + HOUR)
    assert len(on(mesh)) == 2
    mesh.clock.forward(1)
    grant(mesh, expires=mesh.clock.now)  # over already
    assert on(mesh) == set()
    mesh.clock.forward(1)
    grant(mesh)  # for ever now
    mesh.sync("Tokyo", "Brussels")
    mesh.clock.forward(7200)
    assert len(on(mesh)) == 2


def test_what_leaves_the_label_goes_on_no_more(mesh: Mesh) -> None:
    """Whether a stricter version comes, or people here label it anew, or it leaves the feed."""
    one, two, three = amber("one"), amber("two"), amber("three")
    mesh["Tokyo"].put_partner(mesh.partner("Brussels", receives=("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT")))
    mesh["Brussels"].put_partner(mesh.partner("Kyiv", receives=("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT")))
    mesh.put("Tokyo", one, two, three)
    grant(mesh)
    assert on(mesh) == {one["id"], two["id"], three["id"]}
    tokyo = mesh["Tokyo"]
    mesh.clock.forward(1)
    tokyo.relabel(two["id"], parse_label("TLP:AMBER+STRICT", originator=tokyo.organisation), by="test")
    stricter = amber("one", object_marking_refs=[STRICT], modified="2026-02-01T00:00:00.000Z")
    mesh.put("Tokyo", stricter)
    tokyo.relabel(three["id"], parse_label("PUBLIC", originator=tokyo.organisation), by="test")
    mesh.sync("Tokyo", "Brussels")
    versions = mesh["Brussels"].feed("Kyiv").read(Query(versions=("all",)), 0, 100).rows
    assert not any(b"2026-02-01" in row.raw for row in versions)
    told = [one for one in Consents(mesh["Brussels"]).held() if one.ended is None]
    # An older version that the partner has under the label stays under it: it was consented to as such.
    assert {one.subject for one in told} <= {one["id"]}


def test_what_another_gave_does_not_go_on_by_it(mesh: Mesh) -> None:
    """A level does not say whose it is: Tokyo's, that goes on to Kyiv by Tokyo's word, is no word of Brussels for others."""
    theirs, ours = amber("theirs"), amber("ours")
    mesh.put("Tokyo", theirs)
    mesh.put("Brussels", ours)
    grant(mesh)
    mesh.sync("Tokyo", "Brussels")
    brussels = Consents(mesh["Brussels"])
    brussels.grant_label("Kyiv", AMBERS, "CERT Riga", by="aoki")
    mesh.sync("Brussels", "Kyiv")
    assert mesh.holds("Kyiv", theirs)
    assert mesh.holds("Kyiv", ours)
    assert {one.subject for one in Consents(mesh["Kyiv"]).held()} == {ours["id"]}
    # Nor what Brussels says of it: a part of it is Tokyo's.
    label = parse_label(
        f'TLP:AMBER & TLP:AMBER "originator={mesh["Tokyo"].organisation}"', originator=mesh["Brussels"].organisation
    )
    store = mesh["Brussels"]
    own = campaign("remark", created_by_ref=store.settings.identity)
    list(store.writer(store.own_source(), label=label).add(items(own)))
    mesh.put("Brussels", more := amber("more"))
    mesh.sync("Brussels", "Kyiv")
    assert {one.subject for one in Consents(mesh["Kyiv"]).held()} == {ours["id"], more["id"]}


def test_a_rendition_of_ones_own_goes_on_and_one_of_anothers_does_not(mesh: Mesh) -> None:
    secret = {"description": "a secret", "granular_markings": [{"marking_ref": STRICT, "selectors": ["description"]}]}
    for name in ("Tokyo", "Brussels"):
        mesh.put(name, amber(f"of {name}", **secret))
    grant(mesh)
    release(mesh, "Tokyo", "Brussels")
    mesh.sync("Tokyo", "Brussels")
    Consents(mesh["Brussels"]).grant_label("Kyiv", AMBERS, "CERT Riga", by="aoki")
    release(mesh, "Brussels", "Kyiv")
    mesh.sync("Brussels", "Kyiv")
    names = {
        json.loads(row.raw)["name"]: row.id
        for row in mesh["Kyiv"].custodian().read(Query(types=("campaign",)), 0, 9).rows
    }
    assert names.keys() == {"of Brussels", "of Tokyo"}
    assert {one.subject for one in Consents(mesh["Kyiv"]).held()} == {names["of Brussels"]}


def test_what_is_stricter_in_part_goes_on_without_that(mesh: Mesh) -> None:
    """The holder cuts what the label does not cover, though it has it by another word."""
    everything = ("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT")
    mesh["Tokyo"].put_partner(mesh.partner("Brussels", receives=everything))
    mesh["Brussels"].put_partner(mesh.partner("Kyiv", receives=everything))
    secret = {"description": "a secret", "granular_markings": [{"marking_ref": STRICT, "selectors": ["description"]}]}
    mesh.put("Tokyo", one := amber("one", **secret))
    grant(mesh)
    mesh.sync("Tokyo", "Brussels")
    assert b"a secret" in bytes(mesh["Brussels"].custodian().get(one["id"]).raw)  # type: ignore[union-attr]
    release(mesh, "Brussels", "Kyiv")
    mesh.sync("Brussels", "Kyiv")
    text = b"".join(row.raw for row in mesh["Brussels"].feed("Kyiv").read(Query(versions=("all",)), 0, 100).rows)
    assert b'"one"' in text
    assert b"a secret" not in text
    grant(mesh, "TLP:AMBER+STRICT")
    assert one["id"] in on(mesh)


def test_a_request_is_answered_and_addresses_whom_it_names(mesh: Mesh) -> None:
    mesh["Brussels"].put_partner(mesh.partner("Kyiv", receives=("TLP:CLEAR",)))
    mesh.put("Tokyo", one := amber("one"))
    grant(mesh)
    assert on(mesh) == set()  # nobody asked, and its settings do not address it
    Consents(mesh["Brussels"]).request_label("Tokyo", AMBERS, "Kyiv", by="aoki", reason="they are hit")
    mesh.sync("Brussels", "Tokyo")
    (asked,) = [n for n in Consents(mesh["Tokyo"]).notices() if n.kind == "request"]
    assert (asked.label, asked.about, asked.third_party, asked.settled) == (AMBERS, (), "CERT Kyiv (fictional)", None)
    mesh.put("Tokyo", two := amber("two"))
    mesh.sync("Tokyo", "Brussels")  # what came under it meanwhile answers nobody
    assert [n.settled for n in Consents(mesh["Brussels"]).notices() if n.kind == "request"] == [None]
    mesh.clock.forward(1)
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki")  # nor does one to an object
    mesh.sync("Tokyo", "Brussels")
    for name in ("Tokyo", "Brussels"):
        assert [n.settled for n in Consents(mesh[name]).notices() if n.kind == "request"] == [None]
    grant(mesh)
    assert on(mesh) == {one["id"], two["id"]}
    for name in ("Tokyo", "Brussels"):
        (asked,) = [n for n in Consents(mesh[name]).notices() if n.kind == "request"]
        assert asked.settled is not None


@pytest.mark.parametrize(
    "label",
    [
        "TLP:GREEN",
        "TLP:RED",
        "PUBLIC",
        "TLP:AMBER & TLP:AMBER+STRICT",
        "nothing",
        "TLP:AMBER originator=Riga",
        "x" * 600,
    ],
)
def test_what_no_consent_is_given_to(mesh: Mesh, label: str) -> None:
    consents = Consents(mesh["Tokyo"])
    with pytest.raises(UsageError):
        consents.grant_label("Brussels", label, "Kyiv", by="aoki")
    with pytest.raises(UsageError):
        consents.request_label("Brussels", label, "Kyiv", by="aoki", reason="x")
    with pytest.raises(NotFound):
        consents.grant_label("Nobody", AMBERS, "Kyiv", by="aoki")
    Accounts(mesh["Tokyo"]).add_user("oda", ("operator",), by="oda")
    with pytest.raises(Refused):
        consents.grant_label("Brussels", AMBERS, "Kyiv", by="oda")
    assert listed(mesh["Tokyo"].database.read()) == []


@pytest.mark.parametrize(
    "said",
    [
        {"label": "TLP:GREEN"}, {"label": " TLP:AMBER"}, {"label": "tlp:amber"}, {"about": [named("campaign", "x")]}, {"third_party": None},
        {"label": None, "covers": [COVERED]}, {"covers": {}}, {"covers": [COVERED | {"digest": 1}]},
        {"covers": [COVERED | {"id": "TLP:RED"}]}, {"covers": [COVERED | {"digest": "AB" * 32}]},
        {"covers": [COVERED | {"digest": "ab" * 31}]}, {"covers": [{"id": COVERED["id"]}]},
        {"label": "TLP:AMBER 'restrictive:Cleared=a\u202eb'"},
    ],
)  # fmt: skip
def test_notices_of_labels_that_hold_what_none_holds_say_nothing(mesh: Mesh, said: dict[str, Any]) -> None:
    good = {
        "kind": "consent",
        "label": AMBERS,
        "third_party": "CERT Kyiv (fictional)",
        "covers": [COVERED],
    }
    tokyo, key = mesh["Tokyo"], public_key_of(mesh["Tokyo"].folder)
    for more, sound in (({}, True), (said, False)):
        full = {key: value for key, value in (good | more).items() if value is not None}
        note = _signed(tokyo, {"recipient": "CERT Brussels (fictional)", **full}, mesh.clock.now)
        assert (verified(note, key, "CERT Brussels (fictional)") is not None) == sound


def test_who_knows_nothing_of_labels_is_told_nothing(mesh: Mesh) -> None:
    """A node of an older release takes a notice that is about no object for none."""
    mesh.put("Tokyo", amber("one"))
    grant(mesh)
    rows = mesh["Tokyo"].feed("Brussels").read(Query(types=("note",)), 0, 100).rows
    said = [json.loads(row.raw)["extensions"][NOTICE_EXTENSION] for row in rows]
    assert [("about" in one, len(one.get("covers", ()))) for one in said] == [(False, 0), (False, 1)]


def test_after_a_restore_nobody_is_told_more(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := amber("one"))
    grant(mesh)
    assert on(mesh) == {one["id"]}
    open_epoch(mesh["Tokyo"], by="test")
    for name in ("Brussels", "Kyiv"):
        resume(mesh["Tokyo"], name, by="test")
    mesh.put("Tokyo", two := amber("two"))
    assert on(mesh) == {one["id"]}
    assert mesh.holds("Brussels", two)
    Consents(mesh["Tokyo"]).end_label(
        "Brussels", AMBERS, "Kyiv", by="aoki"
    )  # though it is not known here that it counts
    assert on(mesh) == set()


def riga_adds(mesh: Mesh, one: dict[str, Any]) -> None:
    """A later version at Tokyo that holds what Riga told Tokyo and Brussels only; Riga let what was there before go on to Kyiv."""
    with mesh["Brussels"].act() as act:
        act.connection.execute(
            "insert into consent(partner,originator,subject,third_party,expires,received,asked) values (?,?,?,?,null,0,0)",
            ("Riga", "CERT Riga (fictional)", one["id"], "CERT Kyiv (fictional)"),
        )
    with mesh["Tokyo"].act() as act:  # and to Brussels all of it
        act.connection.execute(
            "insert into consent(partner,originator,subject,third_party,expires,received,asked) values (?,?,?,?,null,0,0)",
            ("Riga", "CERT Riga (fictional)", one["id"], mesh["Brussels"].organisation),
        )
    tokyo = mesh["Tokyo"]
    label = parse_label('TLP:AMBER & TLP:AMBER "originator=CERT Riga (fictional)"', originator=tokyo.organisation)
    mesh.clock.forward(1)
    newer = one | {"modified": "2026-02-01T00:00:00.000Z", "description": SECRET}
    list(tokyo.writer(tokyo.own_source(), label=label).add(items(newer)))


def read_page(mesh: Mesh, n: int) -> None:
    """Brussels takes in the first rows of Tokyo's feed, all but the last n."""
    mesh.clock.forward(1)
    rows = mesh["Tokyo"].feed("Brussels").read(Query(versions=("all",)), 0, 1000).rows
    brussels = mesh["Brussels"]
    found = items(*(json.loads(row.raw) for row in rows[: len(rows) - n]))
    list(brussels.writer(brussels.partner_source("Tokyo")).add(found))


def passed_on(mesh: Mesh, text: str = SECRET) -> bool:
    """Whether Kyiv gets at Brussels anything with a text in it, and Brussels has it."""
    assert any(
        text.encode() in row.raw for row in mesh["Brussels"].custodian().read(Query(versions=("all",)), 0, 100).rows
    )
    rows = mesh["Brussels"].feed("Kyiv").read(Query(versions=("all",)), 0, 100).rows
    return any(text.encode() in row.raw for row in rows)


@pytest.mark.parametrize("how", ["restore", "removal"])
def test_what_is_not_known_to_be_told_any_more_passes_no_later_version_on(mesh: Mesh, how: str) -> None:
    one = amber("one")
    mesh.put("Tokyo", one)
    grant(mesh)
    assert on(mesh) == {one["id"]}
    tokyo = mesh["Tokyo"]
    if how == "restore":
        open_epoch(tokyo, by="test")
        for name in ("Brussels", "Kyiv"):
            resume(tokyo, name, by="test")
    else:
        tokyo.remove_partner("Brussels")
        tokyo.put_partner(mesh.partner("Brussels"))
    riga_adds(mesh, one)
    assert on(mesh) == {one["id"]}
    assert not passed_on(mesh)
    mesh.put("Tokyo", amber("one", modified="2026-03-01T00:00:00.000Z", description="later still"))
    assert on(mesh) == {one["id"]}
    assert not passed_on(mesh, "later still")
    assert list(verify(mesh["Brussels"])) == []
    Consents(tokyo).end_label("Brussels", AMBERS, "Kyiv", by="aoki")
    assert on(mesh) == set()


def test_a_version_goes_on_when_it_is_told_and_not_before(mesh: Mesh) -> None:
    """A page of the feed may end between a version and what is said of it."""
    mesh.put("Tokyo", one := amber("one"))
    grant(mesh)
    assert on(mesh) == {one["id"]}
    mesh.put("Tokyo", amber("one", modified="2026-01-15T00:00:00.000Z", description="a remark"))
    read_page(mesh, 1)
    assert mesh.fed("Brussels", "Kyiv") == {one["id"]}
    assert not passed_on(mesh, "a remark")
    assert list(verify(mesh["Brussels"])) == []
    mesh.sync("Tokyo", "Brussels")
    assert passed_on(mesh, "a remark")
    riga_adds(mesh, one)
    read_page(mesh, 1)
    assert passed_on(mesh, "a remark")
    assert not passed_on(mesh)
    mesh.sync("Tokyo", "Brussels")
    assert not passed_on(mesh)
    assert on(mesh) == set()  # what was told is no more Tokyo's alone


def test_what_has_no_versions_goes_on_with_the_content_that_was_told(mesh: Mesh) -> None:
    """Both nodes know an observable, too, by the same digest, and another with its id and more in it by another."""
    url = {"type": "url", "spec_version": "2.1", "value": "http://a.example/", "object_marking_refs": [AMBER]}
    url["id"] = named("url", "http://a.example/")
    mesh.put("Tokyo", url)
    grant(mesh)
    assert on(mesh) == {url["id"]}
    with_more = url | {"defanged": False}
    mesh.put("Tokyo", with_more)
    read_page(mesh, 1)
    assert mesh.fed("Brussels", "Kyiv") == {url["id"]}
    assert not passed_on(mesh, "defanged")
    mesh.sync("Tokyo", "Brussels")
    assert passed_on(mesh, "defanged")


def test_what_is_purged_is_told_of_no_more(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := amber("one"), amber("two"))
    grant(mesh)
    tokyo = mesh["Tokyo"]
    for name in ("oda", "ono"):
        Accounts(tokyo).add_user(name, ("operator",), by=name)
    Purges(tokyo).confirm(Purges(tokyo).propose(one["id"], "because", by="oda").number, by="ono")
    reader = tokyo.database.read()
    assert reader.execute("select count(*) from consent_told").fetchone() == (1,)
    assert not any(one["id"] in about for (about,) in reader.execute("select about from notice").fetchall())
    assert list(verify(tokyo)) == []


def test_a_partner_that_is_gone_passes_nothing_on(mesh: Mesh) -> None:
    mesh.put("Tokyo", amber("one"))
    grant(mesh)
    mesh["Tokyo"].remove_partner("Brussels")
    reader = mesh["Tokyo"].database.read()
    for table in ("consent_given", "consent_told"):
        assert reader.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_it_is_for_the_organisation_that_the_partner_is(mesh: Mesh) -> None:
    mesh.put("Tokyo", amber("one"))
    grant(mesh)
    tokyo = mesh["Tokyo"]
    told = "select count(*) from notice where label is not null"
    before = tokyo.database.read().execute(told).fetchone()
    tokyo.put_partner(msgspec.structs.replace(mesh.partner("Brussels"), organisation="CERT Other (fictional)"))
    mesh.put("Tokyo", amber("two"))
    assert tokyo.database.read().execute(told).fetchone() == before


def test_nobody_consents_to_what_they_do_not_see(mesh: Mesh) -> None:
    mesh.put("Tokyo", amber("one"))
    tokyo = mesh["Tokyo"]
    closed = "TLP:AMBER restrictive:Cleared=NUCLEAR"
    consents = SeenConsents(tokyo, tokyo.principal_of_person("aoki"), by="aoki")
    with pytest.raises(Refused):
        consents.grant_label("Brussels", closed, "Kyiv")
    Consents(tokyo).grant_label("Brussels", closed, "Kyiv", by="aoki")
    assert consents.entries(10) == ([], None)
    mesh.clock.forward(1)
    said = consents.grant_label("Brussels", AMBERS, "Kyiv")
    assert (said.kind, said.label, said.done) == ("consent", AMBERS, ())
    entries, _ = consents.entries(10)
    assert [(one.kind, one.sent, one.label, one.ids) for one in entries] == [("consent", True, AMBERS, ())]
    mesh.sync("Tokyo", "Brussels")
    brussels = mesh["Brussels"]
    other = SeenConsents(brussels, brussels.principal_of_person("aoki"), by="aoki")
    entries, _ = other.entries(10)
    assert [(one.kind, one.sent, one.label, one.ids) for one in entries] == [("consent", False, AMBERS, ())]
    mesh.clock.forward(1)
    consents.end_label("Brussels", AMBERS, "Kyiv")
    assert on(mesh) == set()
    other.request_label("Tokyo", AMBERS, "Kyiv", reason="x")
    entries, _ = other.entries(10)
    assert [(one.kind, one.sent) for one in entries] == [("request", True), ("consent-end", False), ("consent", False)]


def test_what_is_told_rests_on_what_the_partner_has(mesh: Mesh, make_store: Callable[..., Store], clock: Clock) -> None:
    """Two nodes that differ in what it may not have tell it the same."""
    other = Mesh(make_store, clock)
    hidden = {"description": "hidden", "granular_markings": [{"marking_ref": STRICT, "selectors": ["description"]}]}
    for one, texts in ((mesh, ("first",)), (other, ("first", "second"))):
        one.put("Tokyo", amber("one"), amber("part", **hidden))
        for text in texts:
            one.put("Tokyo", amber(f"closed {text}", object_marking_refs=[STRICT]), amber(f"open {text}"[:4]))
        grant(one)
        release(one, "Tokyo", "Brussels")
        one.put("Tokyo", amber("later"))
    told = []
    for one in (mesh, other):
        rows = one["Tokyo"].feed("Brussels").read(Query(types=("note",), versions=("all",)), 0, 100).rows
        said = [json.loads(row.raw)["extensions"][NOTICE_EXTENSION] for row in rows]
        told.append([(s["kind"], s["label"], len(s.get("covers", ()))) for s in said])
    assert told[0] == told[1] == [("consent", AMBERS, n) for n in (0, 2, 1, 1)]


def test_many_consents_are_asked_for_one_by_one(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kizuna.store.recipients.MANY", 2)
    mesh.put("Tokyo", *(every := [amber(f"n{i}") for i in range(5)]))
    about = report("about", every[:2], object_marking_refs=[AMBER])
    grant(mesh)
    assert on(mesh) == {one["id"] for one in every}
    mesh.put("Tokyo", about)
    assert on(mesh) == {one["id"] for one in (*every, about)}
    store = mesh["Brussels"]
    kyiv = next(r for r in store.recipients() if r.partner.name == "Kyiv")
    masks = Masks(store.database.read(), store.interned, store.holder(), kyiv, mesh.clock.now)
    assert len(masks.consented()) == 6
    mesh.clock.forward(1)
    Consents(mesh["Tokyo"]).end_label("Brussels", AMBERS, "Kyiv", by="aoki")
    assert on(mesh) == set()
