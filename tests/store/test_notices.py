"""Notices between nodes: what is withdrawn is hidden where it went, consents let it be passed on, and nobody can forge either."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from kizuna.clock import to_text
from kizuna.errors import NotFound, Refused
from kizuna.labels import parse_label
from kizuna.stix import check, iter_objects, sco_id
from kizuna.stix.builtin import NOTICE_EXTENSION
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.consents import Consents
from kizuna.store.epochs import open_epoch, resume
from kizuna.store.keys import public_key_of
from kizuna.store.notices import _signed, listed, send, verified
from kizuna.store.purging import Purges
from kizuna.store.releasing import Releases
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, RED, campaign, identity, items, named, report
from tests.conftest import Clock

HOUR = 3_600_000_000
COUNTRIES = {"Tokyo": "JPN", "Brussels": "BEL", "Kyiv": "UKR"}
RECEIVES = ("TLP:CLEAR", "TLP:AMBER")


class Mesh:
    """Three nodes that know each other's keys; `sync` is what a poll brings."""

    def __init__(self, make: Callable[..., Store], clock: Clock) -> None:
        self.clock = clock
        self.nodes = {
            name: make(
                name=name, organisation=f"CERT {name} (fictional)", country=country, identity=named("identity", name)
            )
            for name, country in COUNTRIES.items()
        }
        for name, store in self.nodes.items():
            Accounts(store).add_user("aoki", ("releaser",), by="aoki")
            for other in self.nodes.keys() - {name}:
                store.put_partner(self.partner(other))
            self.put(name, identity(name, object_marking_refs=[CLEAR]))

    def partner(self, name: str, **more: Any) -> Partner:
        of = self.nodes[name]
        said = {"receives": RECEIVES, "public_key": public_key_of(of.folder), "identity": of.settings.identity, **more}
        return Partner(name=name, organisation=of.organisation, country=COUNTRIES[name], **said)

    def __getitem__(self, name: str) -> Store:
        return self.nodes[name]

    def put(self, name: str, *objects: dict[str, Any]) -> None:
        store = self[name]
        assert {o.status for o in store.writer(store.own_source()).add(items(*objects))} <= {"imported", "unchanged"}

    def sync(self, *names: str) -> None:
        """From each to the one after it."""
        for sender, receiver in pairwise(names):
            self.clock.forward(1)
            rows = self[sender].feed(receiver).read(Query(versions=("all",)), 0, 1_000).rows
            raw = b'{"type":"bundle","id":"bundle--0","objects":[' + b",".join(row.raw for row in rows) + b"]}"
            store = self[receiver]
            list(store.writer(store.partner_source(sender)).add(iter_objects(raw)))
            for one in (self[sender], store):
                assert list(verify(one)) == []

    def fed(self, name: str, partner: str) -> set[str]:
        rows = self[name].feed(partner).read(Query(), 0, 1_000).rows
        found = [json.loads(row.raw) for row in rows]
        return {one["id"] for one in found if one["type"] not in ("note", "identity")}

    def holds(self, name: str, one: dict[str, Any]) -> bool:
        return self[name].custodian().get(one["id"]) is not None


@pytest.fixture
def mesh(make_store: Callable[..., Store], clock: Clock) -> Mesh:
    return Mesh(make_store, clock)


def test_what_is_withdrawn_is_hidden_where_it_went_and_confirmed(mesh: Mesh) -> None:
    one, other = campaign("one", object_marking_refs=[CLEAR]), campaign("other", object_marking_refs=[CLEAR])
    mesh.put("Tokyo", one, other)
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert mesh.holds("Kyiv", one)
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "told in error", by="aoki")
    (notice,) = listed(mesh["Tokyo"].database.read())
    assert (notice.kind, notice.about, notice.reason, notice.settled) == (
        "withdrawal",
        (one["id"],),
        "told in error",
        None,
    )
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    for name in ("Brussels", "Kyiv"):
        assert (mesh.holds(name, one), mesh.holds(name, other)) == (False, True)
    mesh.sync("Brussels", "Tokyo")
    (notice,) = listed(mesh["Tokyo"].database.read(), ("withdrawal",))
    assert notice.settled is not None
    assert mesh.holds("Tokyo", one)
    mesh.sync("Tokyo", "Brussels", "Kyiv")  # once more changes nothing
    assert not mesh.holds("Kyiv", one)
    # Tokyo's own partner Kyiv still gets it, by Tokyo's word.
    mesh.sync("Tokyo", "Kyiv")
    assert mesh.holds("Kyiv", one)


def test_what_leaves_again_is_there_again(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    releases = Releases(mesh["Tokyo"])
    releases.withdraw("Brussels", [one["id"]], "x", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    mesh.clock.forward(1)
    assert releases.approve("Brussels", [one["id"]], by="aoki").failed == ()
    mesh.sync("Tokyo", "Brussels")
    assert mesh.holds("Brussels", one)
    mesh.sync("Tokyo", "Brussels")
    assert mesh.holds("Brussels", one)


def test_what_was_deleted_there_for_other_reasons_stays_so(mesh: Mesh) -> None:
    mesh.put(
        "Tokyo",
        one := campaign("one", object_marking_refs=[CLEAR]),
        two := campaign("two", object_marking_refs=[CLEAR]),
    )
    mesh.sync("Tokyo", "Brussels")
    mesh["Brussels"].hide(two["id"], by="test")
    releases = Releases(mesh["Tokyo"])
    releases.withdraw("Brussels", [one["id"]], "x", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    mesh.clock.forward(1)
    releases.approve("Brussels", [one["id"]], by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert (mesh.holds("Brussels", one), mesh.holds("Brussels", two)) == (True, False)


def test_a_rendition_is_withdrawn_by_the_id_it_had(mesh: Mesh) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    one = campaign("one", description="victim", object_marking_refs=[CLEAR], granular_markings=marks)
    mesh.put("Tokyo", one)
    releases = Releases(mesh["Tokyo"])
    releases.approve("Brussels", [one["id"]], by="aoki")
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    (there,) = mesh.fed("Brussels", "Kyiv")
    assert there != one["id"]
    releases.withdraw("Brussels", [one["id"]], "x", by="aoki")
    (notice,) = listed(mesh["Tokyo"].database.read())
    assert notice.about == (there,)
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert mesh["Kyiv"].custodian().get(there) is None
    text = json.dumps([json.loads(row.raw) for row in mesh["Tokyo"].feed("Brussels").read(Query(), 0, 100).rows])
    assert one["id"] not in text


def test_a_restored_node_withdraws_again_what_partners_say_it_did(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    tokyo = mesh["Tokyo"]
    Releases(tokyo).withdraw("Brussels", [one["id"]], "x", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    # Yesterday's backup: of the withdrawal nothing is known.
    with tokyo.database.write() as connection:
        for table in ("hold", "notice", "outbox"):
            connection.execute(f"delete from {table}")
        connection.execute("update feed set live=1, last=1")
        connection.execute("delete from feed where object in (select n from object where hidden=2)")
        connection.execute("delete from part")
    open_epoch(tokyo, by="test")
    mesh.sync("Brussels", "Tokyo")
    resume(tokyo, "Brussels", by="test")
    resume(tokyo, "Kyiv", by="test")
    assert one["id"] not in mesh.fed("Tokyo", "Brussels")
    assert one["id"] in mesh.fed("Tokyo", "Kyiv")
    (item,) = Releases(tokyo).items("Brussels", [one["id"]])
    assert item.state == "withdrawn"


def test_amber_is_passed_on_only_with_consent(mesh: Mesh) -> None:
    one, two = campaign("one", object_marking_refs=[AMBER]), campaign("two", object_marking_refs=[AMBER])
    mesh.put("Tokyo", one, two)
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == set()
    assert Releases(mesh["Brussels"]).approve("Kyiv", [one["id"]], by="aoki").failed[0][1].code == "object"
    Consents(mesh["Brussels"]).request("Tokyo", [one["id"]], "Kyiv", by="aoki", reason="they are hit as well")
    mesh.sync("Brussels", "Tokyo")
    (asked,) = Consents(mesh["Tokyo"]).notices()
    assert (asked.kind, asked.about, asked.third_party, asked.settled) == (
        "request",
        (one["id"],),
        "CERT Kyiv (fictional)",
        None,
    )
    until = mesh.clock.now + HOUR
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki", expires=until)
    assert all(n.settled for n in Consents(mesh["Tokyo"]).notices() if n.kind == "request")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == {one["id"]}
    (held,) = Consents(mesh["Brussels"]).held()
    assert (held.subject, held.third_party, held.expires) == (one["id"], "CERT Kyiv (fictional)", until)
    assert all(n.settled for n in Consents(mesh["Brussels"]).notices() if n.kind == "request")
    mesh.sync("Brussels", "Kyiv")
    assert mesh.holds("Kyiv", one)
    assert not mesh.holds("Kyiv", two)
    mesh.clock.forward(3600)
    assert mesh.fed("Brussels", "Kyiv") == set()
    assert list(verify(mesh["Brussels"])) == []


def test_a_consent_is_taken_back(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[AMBER]))
    mesh.sync("Tokyo", "Brussels")
    consents = Consents(mesh["Tokyo"])
    consents.grant("Brussels", [one["id"]], "CERT Kyiv (fictional)", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == {one["id"]}
    mesh.clock.forward(1)
    consents.end("Brussels", [one["id"]], "Kyiv", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == set()


def test_after_a_withdrawal_a_consent_helps_nobody(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[AMBER]))
    mesh.sync("Tokyo", "Brussels")
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki")
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert mesh.holds("Kyiv", one)
    mesh.clock.forward(1)
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "x", by="aoki")
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert not mesh.holds("Kyiv", one)


def test_nobody_consents_for_others(mesh: Mesh) -> None:
    mesh.put(
        "Tokyo",
        one := campaign("one", object_marking_refs=[AMBER]),
        mine := campaign("mine", object_marking_refs=[RED]),
    )
    mesh.sync("Tokyo", "Brussels")
    with pytest.raises(NotFound):
        Consents(mesh["Brussels"]).grant("Kyiv", [one["id"]], "Tokyo", by="aoki")
    with pytest.raises(Refused):
        Consents(mesh["Tokyo"]).grant("Brussels", [mine["id"]], "Kyiv", by="aoki")  # it never left
    with pytest.raises(NotFound):
        Consents(mesh["Brussels"]).request("Kyiv", [one["id"]], "Tokyo", by="aoki", reason="x")
    Accounts(mesh["Tokyo"]).add_user("oda", ("operator",), by="oda")
    with pytest.raises(Refused):
        Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="oda")


def _notices(mesh: Mesh, sender: str, receiver: str) -> list[dict[str, Any]]:
    rows = mesh[sender].feed(receiver).read(Query(), 0, 1_000).rows
    return [one for row in rows if NOTICE_EXTENSION in (one := json.loads(row.raw)).get("extensions", {})]


def test_a_notice_is_a_valid_note_for_one_partner_alone(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "x", by="aoki")
    (note,) = _notices(mesh, "Tokyo", "Brussels")
    assert [problem for problem in check(note) if problem.severity == "error"] == []
    assert _notices(mesh, "Tokyo", "Kyiv") == []
    assert mesh["Tokyo"].custodian().get(note["id"]) is None
    key = public_key_of(mesh["Tokyo"].folder)
    assert verified(note, key, "CERT Brussels (fictional)") is not None
    for organisation, pinned in (("CERT Kyiv (fictional)", key), ("CERT Brussels (fictional)", None),
                                 ("CERT Brussels (fictional)", public_key_of(mesh["Kyiv"].folder))):  # fmt: skip
        assert verified(note, pinned, organisation) is None


@pytest.mark.parametrize(
    "forged", ["about", "kind", "reason", "content", "signature", "nothing", "garbage", "sender", "to"]
)
def test_forged_notices_say_nothing(mesh: Mesh, forged: str) -> None:
    mesh.put(
        "Tokyo",
        one := campaign("one", object_marking_refs=[CLEAR]),
        two := campaign("two", object_marking_refs=[CLEAR]),
    )
    mesh.sync("Tokyo", "Brussels")
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "x", by="aoki")
    (note,) = _notices(mesh, "Tokyo", "Brussels")
    said = note["extensions"][NOTICE_EXTENSION]
    source, receiver = "Tokyo", "Brussels"
    if forged == "about":
        said["about"].append(two["id"])
    elif forged == "kind":
        said["kind"] = "confirmation"
    elif forged == "reason":
        said["reason"] = "another"
    elif forged == "content":
        note["content"] = "another"
    elif forged == "signature":
        said["signature"] = base64.b64encode(b"x" * 64).decode()
    elif forged == "nothing":
        del said["signature"]
    elif forged == "garbage":
        said |= {"about": "all", "expires": "never", "signature": 5}
    elif forged == "sender":
        source = "Kyiv"
    else:  # for somebody else
        receiver = "Kyiv"
        mesh.sync("Tokyo", "Kyiv")
    store = mesh[receiver]
    list(store.writer(store.partner_source(source)).add(items(note)))
    assert mesh.holds(receiver, one)
    assert mesh.holds(receiver, two)
    assert [n for n in listed(store.database.read()) if not n.sent] == []
    acts = [entry["act"] for entry in store.audit_trail()]
    assert "notice.refused" in acts


def test_a_withdrawal_reaches_only_what_its_sender_gave(mesh: Mesh) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    mesh.put("Tokyo", one)
    mesh.sync("Tokyo", "Brussels", "Kyiv", "Brussels")
    mesh.put("Brussels", own := campaign("own", object_marking_refs=[CLEAR]))
    mesh.sync("Brussels", "Tokyo")
    with mesh["Tokyo"].act() as act:
        brussels = next(r for r in act.recipients if r.partner.name == "Brussels")
        send(
            mesh["Tokyo"], act, brussels, "withdrawal", [own["id"], named("campaign", "nothing"), one["id"]], by="test"
        )
    mesh.sync("Tokyo", "Brussels")
    assert mesh.holds("Brussels", own)
    row = mesh["Brussels"].custodian().get(one["id"])
    assert row is None or row.source == "partner:Kyiv"


def test_a_report_that_refers_to_it_waits_where_it_is_hidden(mesh: Mesh) -> None:
    one = campaign("one", object_marking_refs=[CLEAR])
    about = report("about", [one], object_marking_refs=[CLEAR])
    mesh.put("Tokyo", one, about)
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == {one["id"], about["id"]}
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "x", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == set()


def test_dates_of_consents_are_told_in_full(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[AMBER]))
    mesh.sync("Tokyo", "Brussels")
    mesh["Tokyo"].relabel(one["id"], parse_label("TLP:AMBER", originator=mesh["Tokyo"].organisation), by="test")
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki", expires=mesh.clock.now + HOUR)
    (note,) = _notices(mesh, "Tokyo", "Brussels")
    assert note["extensions"][NOTICE_EXTENSION]["expires"] == to_text(mesh.clock.now + HOUR)


def test_a_return_shows_nothing_that_people_deleted_here(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    mesh["Brussels"].hide(one["id"], by="test")
    tell(mesh, "Tokyo", "Brussels", "withdrawal", one["id"])
    tell(mesh, "Tokyo", "Brussels", "return", one["id"])
    assert not mesh.holds("Brussels", one)
    assert mesh.fed("Brussels", "Kyiv") == set()


def test_what_others_gave_stays_where_it_was_passed_on(mesh: Mesh) -> None:
    """A withdrawal asks back what its sender gave; whoever has it from here still, by another, is told nothing."""
    address: dict[str, Any] = {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "value": "198.51.100.7",
        "object_marking_refs": [CLEAR],
    }
    address["id"] = str(sco_id(address))
    for name in ("Tokyo", "Kyiv"):
        mesh.put(name, address)
    mesh.sync("Tokyo", "Brussels")
    mesh.sync("Kyiv", "Brussels")
    mesh["Brussels"].put_partner(mesh.partner("Kyiv", receives=()))  # else Kyiv gets what it gave itself
    mesh["Brussels"].put_partner(mesh.partner("Kyiv"))
    Releases(mesh["Tokyo"]).withdraw("Brussels", [address["id"]], "x", by="aoki")
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert mesh.holds("Kyiv", address)
    assert mesh.holds("Brussels", address)


def test_a_reason_goes_no_further_than_to_whom_it_was_given(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "our source was burnt", by="aoki")
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert not mesh.holds("Kyiv", one)
    assert b"burnt" not in b"".join(row.raw for row in mesh["Brussels"].feed("Kyiv").read(Query(), 0, 100).rows)


def test_what_is_passed_on_by_consent_ends_with_who_it_was_for(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[AMBER]))
    mesh.sync("Tokyo", "Brussels")
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == {one["id"]}
    other = msgspec.structs.replace(mesh.partner("Kyiv"), organisation="CERT Other (fictional)")
    mesh["Brussels"].put_partner(other)
    assert mesh.fed("Brussels", "Kyiv") == set()
    assert list(verify(mesh["Brussels"])) == []


def test_what_is_passed_on_by_consent_ends_with_who_gave_it(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[AMBER]))
    mesh.sync("Tokyo", "Brussels")
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == {one["id"]}
    mesh["Brussels"].remove_partner("Tokyo")
    assert mesh.fed("Brussels", "Kyiv") == set()
    assert list(verify(mesh["Brussels"])) == []


def test_a_consent_nobody_asked_for_addresses_nobody(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[AMBER]))
    mesh["Brussels"].put_partner(mesh.partner("Kyiv", receives=("TLP:CLEAR",)))
    mesh.sync("Tokyo", "Brussels")
    tell(mesh, "Tokyo", "Brussels", "consent", "TLP:AMBER", third_party="CERT Kyiv (fictional)")
    tell(mesh, "Tokyo", "Brussels", "consent", one["id"], third_party="CERT Kyiv (fictional)")
    assert mesh.fed("Brussels", "Kyiv") == set()
    Consents(mesh["Brussels"]).request("Tokyo", [one["id"]], "Kyiv", by="aoki", reason="x")
    mesh.sync("Brussels", "Tokyo")
    Consents(mesh["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki")
    mesh.sync("Tokyo", "Brussels")
    assert mesh.fed("Brussels", "Kyiv") == {one["id"]}


def test_a_purge_takes_what_was_told_of_it(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    tokyo = mesh["Tokyo"]
    Releases(tokyo).withdraw("Brussels", [one["id"]], "x", by="aoki")
    for name in ("oda", "ono"):
        Accounts(tokyo).add_user(name, ("operator",), by=name)
    Purges(tokyo).confirm(Purges(tokyo).propose(one["id"], "because", by="oda").number, by="ono")
    reader = tokyo.database.read()
    for table, column in (("body", "raw"), ("notice", "about"), ("ident", "id"), ("object", "id")):
        told = reader.execute(f"select {column} from {table}").fetchall()
        assert not any(one["id"] in (t if isinstance(t, str) else bytes(t).decode()) for (t,) in told), table
    assert list(verify(tokyo)) == []


@pytest.mark.parametrize(
    "said", [{"reason": "a\u0000b"}, {"reason": "x" * 501}, {"third_party": "a\nb"}, {"about": ["TLP:RED"]}]
)
def test_notices_that_hold_what_none_holds_say_nothing(mesh: Mesh, said: dict[str, Any]) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    more: dict[str, Any] = {"about": [one["id"]]} | said
    note = _signed(
        mesh["Tokyo"], {"kind": "withdrawal", "recipient": "CERT Brussels (fictional)", **more}, mesh.clock.now
    )
    brussels = mesh["Brussels"]
    list(brussels.writer(brussels.partner_source("Tokyo")).add(items(note)))
    assert mesh.holds("Brussels", one)


def test_what_is_withdrawn_is_hidden_though_the_key_is_gone(mesh: Mesh) -> None:
    mesh.put("Tokyo", one := campaign("one", object_marking_refs=[CLEAR]))
    mesh.sync("Tokyo", "Brussels")
    Releases(mesh["Tokyo"]).withdraw("Brussels", [one["id"]], "x", by="aoki")
    (mesh["Brussels"].folder / "node.key").unlink()
    mesh.sync("Tokyo", "Brussels")
    assert not mesh.holds("Brussels", one)


def tell(mesh: Mesh, sender: str, receiver: str, kind: Any, *about: str, **more: Any) -> None:
    """A signed notice, whatever it says, and its arrival."""
    mesh.clock.forward(1)
    with mesh[sender].act() as act:
        recipient = next(r for r in act.recipients if r.partner.name == receiver)
        send(mesh[sender], act, recipient, kind, about, by="test", **more)
    mesh.sync(sender, receiver)
