"""Approvals in any order with what makes them void: nothing is in a feed whose bytes and label nobody let out to that partner.

What is let out is known here from the acts alone, by a model of a few lines: who approved which bytes under which label, which rules
counted when, and what was held since.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kizuna.errors import Conflict, KizunaError, Refused
from kizuna.labels import Group, parse_label
from kizuna.settings import Settings, save
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.epochs import open_epoch, resume
from kizuna.store.keys import make_key
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, campaign, items, named, report
from tests.conftest import Clock
from tests.stores import Databases

START = 1_795_392_000_000_000
ORGANISATION = "CERT Tokyo (fictional)"
PARTNERS = ("Brussels", "Kyiv")
PEOPLE = ("aoki", "baba", "chiba")
NAMES = ("one", "two")
IDS = [named("campaign", name) for name in NAMES] + [named("report", "about")]
MARKS = (CLEAR, CLEAR, CLEAR, AMBER, GREEN, RED)
LABELS = ("TLP:CLEAR", "TLP:CLEAR", "TLP:AMBER", "TLP:AMBER", "TLP:GREEN community=ENTENTE", "TLP:RED")
RULES: tuple[dict[str, Any], ...] = (
    {"act": "send", "labels": ["TLP:CLEAR"]}, {"act": "send", "labels": ["TLP:CLEAR", "TLP:AMBER"], "partners": ["Kyiv"]},
    {"act": "send", "labels": ["TLP:CLEAR"], "types": ["campaign"], "parts": True}, {"act": "propose", "approvers": 2},
    {"act": "send", "labels": ["TLP:CLEAR"], "hourly": 1}, {"act": "send", "labels": ["TLP:CLEAR"], "parts": True},
)  # fmt: skip

partners = st.sampled_from(PARTNERS)
people = st.sampled_from(PEOPLE)
ids = st.sampled_from(IDS)
Sent = tuple[str, bytes]
"""A partner, and the SHA-256 of bytes in its feed."""


class Race(RuleBasedStateMachine):
    """A node on which nothing leaves by its label alone, and what its people let out."""

    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock(START)
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        told = Settings(
            name="Tokyo", organisation=ORGANISATION, country="JPN", identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
            store=self.stack.enter_context(self.databases()), approvers={"TLP:AMBER": 2},
        )  # fmt: skip
        save(folder, told)
        make_key(folder)
        self.store = Store(folder, told, self.clock)
        for name in PEOPLE:
            Accounts(self.store).add_user(name, ("releaser",), by=name)
        Accounts(self.store).add_user("oda", ("operator",), by="oda")
        for name, country in zip(PARTNERS, ("BEL", "UKR"), strict=True):
            partner = Partner(
                name=name, organisation=f"CERT {name} (fictional)", country=country,
                receives=("TLP:CLEAR", "TLP:AMBER", "TLP:GREEN"),
            )  # fmt: skip
            self.store.put_partner(partner)
        Rules(self.store).remove(FIRST, by="test")
        self.version = 1
        self.words: dict[tuple[str, bytes, str], set[str]] = {}
        self.asked: dict[tuple[str, bytes, str], int] = {}
        self.held: set[tuple[str, str]] = set()
        self.sent: dict[Sent, str] = {}
        self.gone: set[str] = set()

    def teardown(self) -> None:
        try:
            assert list(verify(self.store)) == []
        finally:
            self.store.close()
            self.stack.close()

    @initialize()
    def begin(self) -> None:
        one, two = (campaign(name, object_marking_refs=[CLEAR], description="x") for name in NAMES)
        two["granular_markings"] = [{"marking_ref": RED, "selectors": ["description"]}]
        self.bring(one, two, report("about", [one, two], object_marking_refs=[CLEAR]))

    def bring(self, *objects: dict[str, Any]) -> None:
        self.clock.forward(1)
        list(self.store.writer(self.store.own_source()).add(items(*objects)))

    @rule(name=st.sampled_from(NAMES), mark=st.sampled_from(MARKS), part=st.booleans(), same=st.booleans())
    def new_version(self, name: str, mark: str, part: bool, same: bool) -> None:
        self.version += 1
        more: dict[str, Any] = {
            "object_marking_refs": [mark],
            "modified": f"2026-01-01T00:{self.version // 60:02}:{self.version % 60:02}.000Z",
        }
        if part:
            more["granular_markings"] = [{"marking_ref": RED, "selectors": ["description"]}]
        more["description"] = "x" if same else str(self.version)
        self.bring(campaign(name, **more))

    @rule(id=ids, label=st.sampled_from(LABELS))
    def relabel(self, id: str, label: str) -> None:
        self.clock.forward(1)
        self.store.relabel(id, parse_label(label, originator=ORGANISATION), by="test")

    @rule(
        partner=partners,
        which=st.lists(ids, min_size=1, max_size=3, unique=True),
        by=st.permutations(PEOPLE),
        two=st.booleans(),
    )
    def approve(self, partner: str, which: list[str], by: list[str], two: bool) -> None:
        for person in by[: 2 if two else 1]:
            self.approve_once(partner, which, person)

    def approve_once(self, partner: str, which: list[str], by: str) -> None:
        """One person's word."""
        self.clock.forward(1)
        releases = Releases(self.store)
        before = {item.id: item for item in releases.items(partner, which)}
        try:
            acted = releases.approve(partner, which, by=by)
        except Refused:
            assert by in self.gone
            return
        failed = {id for id, _ in acted.failed}
        for id, item in before.items():
            if id not in failed:
                key = (partner, item.digest, self.whole(item.digest))
                self.words.setdefault(key, set()).add(by)
                self.asked[key] = max(item.asked, self.asked.get(key, 1))
                if len(self.words[key] - self.gone) >= self.asked[key]:
                    self.held.discard((partner, id))

    @rule(partner=partners, id=ids, what=st.sampled_from(["stop", "withdraw", "propose"]))
    def act(self, partner: str, id: str, what: str) -> None:
        self.clock.forward(1)
        releases = Releases(self.store)
        if what == "propose":
            releases.propose(partner, [id], by="test")
            return
        acted = (
            releases.stop(partner, [id], by="x") if what == "stop" else releases.withdraw(partner, [id], "x", by="x")
        )
        if not acted.failed:
            self.held.add((partner, id))
            for key in self.words:  # whatever was said of it is void
                if key[0] == partner and key[1] in self.digests(id):
                    self.words[key] = set()

    @rule(said=st.sampled_from(RULES), granted=st.integers(0, 2))
    def put_rule(self, said: dict[str, Any], granted: int) -> None:
        self.clock.forward(1)
        Rules(self.store).put([msgspec.convert({"name": "some", **said}, Named)], by="test")
        for by in PEOPLE[:granted]:
            with suppress(Conflict, Refused):
                Releases(self.store).grant("some", by=by)

    @rule(what=st.sampled_from(["stop", "remove"]))
    def end_rule(self, what: str) -> None:
        self.clock.forward(1)
        with suppress(KizunaError):
            getattr(Rules(self.store), what)("some", by="test")

    @rule(by=people)
    def leaves(self, by: str) -> None:
        if by not in self.gone and len(self.gone) < 1:
            Accounts(self.store).set_roles(by, ("analyst",), by="test")
            self.gone.add(by)

    @rule(member=st.sampled_from(["BEL", "UKR", None]), lasts=st.none() | st.integers(1, 3))
    def group(self, member: str | None, lasts: int | None) -> None:
        self.clock.forward(1)
        until = None if lasts is None else self.clock.now + lasts * 1_000_000
        members = () if member is None else ((member, None, until),)
        self.store.put_group(Group(name="ENTENTE", members=members))

    @rule(seconds=st.sampled_from([1, 3, 3600]))
    def time(self, seconds: int) -> None:
        self.clock.forward(seconds)
        self.store.settle()

    @rule()
    def restored(self) -> None:
        """Another life of the store, confirmed for both partners."""
        self.clock.forward(1)
        open_epoch(self.store, by="test")
        self.words.clear()
        for name in PARTNERS:
            resume(self.store, name, by="test")

    def whole(self, digest: bytes) -> str:
        """The label of all of the row that these bytes are, or were made of."""
        sql = (
            "select b.raw, coalesce(x.whole, o.whole) from object o join body b on b.n=o.n left join rendition m on m.row=o.n "
            "left join object x on x.n=m.original"
        )
        rows = self.store.database.read().execute(sql).fetchall()
        return str(next(whole for raw, whole in rows if hashlib.sha256(raw).digest() == digest))

    def digests(self, id: str) -> set[bytes]:
        """Of all bytes that ever left of an object, or may."""
        sql = (
            "select b.raw from object o join body b on b.n=o.n where o.id=? union all select b.raw from rendition m "
            "join object o on o.n=m.original join body b on b.n=m.row where o.id=?"
        )
        return {hashlib.sha256(raw).digest() for (raw,) in self.store.database.read().execute(sql, (id, id))}

    @invariant()
    def nothing_leaves_that_nobody_let_out(self) -> None:
        sending = [one for one in Rules(self.store).listed() if one.counts(self.clock.now) and one.terms.act == "send"]
        reader = self.store.database.read()
        now: dict[Sent, str] = {}
        for partner in PARTNERS:
            for row in self.store.feed(partner).read(Query(versions=("all",)), 0, 1_000).rows:
                digest = hashlib.sha256(row.raw).digest()
                ((id, whole, hidden, original),) = self.exactly(row.id, row.raw)
                data = json.loads(row.raw)
                if hidden:
                    if original is None or "successor" in json.dumps(data.get("extensions", {})):
                        continue  # a definition, or the last of what another takes the place of
                    id, whole = reader.execute("select o.id, o.whole from object o where o.n=?", (original,)).fetchone()
                assert (partner, id) not in self.held, f"{id} is held back from {partner}"
                now[partner, digest] = str(whole)
                if self.sent.get((partner, digest)) == str(whole):
                    continue  # it left under this label already
                key = (partner, digest, str(whole))
                approved = self.words.get(key, set()) - self.gone
                by_people = len(approved) >= self.asked.get(key, 9)
                by_rule = any(one.is_for(partner) and (not hidden or one.terms.parts) for one in sending)
                assert by_people or by_rule, f"nobody let {id} out to {partner}"
        self.sent = now

    def exactly(self, id: str, raw: bytes) -> list[Any]:
        sql = (
            "select o.id, o.whole, o.hidden, m.original from object o left join rendition m on m.row=o.n join body b on b.n=o.n "
            "where o.id=? and b.raw=?"
        )
        return self.store.database.read().execute(sql, (id, raw)).fetchall()[:1]


def run(databases: Databases, examples: int, steps: int) -> None:
    """Try so many histories of so many acts."""
    machine = type("RaceOnAStore", (Race,), {"databases": staticmethod(databases)})
    shrinking = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, phases=shrinking,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        ),
    )  # fmt: skip


def test_the_approval_race(databases: Databases) -> None:
    run(databases, 20 if databases is nullcontext else 5, 30)


@pytest.mark.soak
def test_the_approval_race_at_length(databases: Databases) -> None:
    run(databases, 1_000, 60)
