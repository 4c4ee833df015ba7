"""A to B to C, in any order of acts: whatever B's people click, C never holds a byte of A's that A's label and consents do not grant."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from kizuna.errors import KizunaError
from kizuna.labels import parse_label
from kizuna.store import Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.consents import Consents
from kizuna.store.releasing import Releases
from kizuna.store.verify import verify
from tests.builders import AMBER, CLEAR, GREEN, RED, STRICT, campaign, report
from tests.conftest import Clock
from tests.store.test_notices import Mesh

LABELS = ("TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:AMBER to=BEL", "TLP:GREEN community=BEL", "TLP:RED")
MARKS = (CLEAR, CLEAR, AMBER, GREEN, STRICT, RED)
SECRET = "canary-{}"


class Meshes(Mesh):
    """The mesh, and what A's label and consents grant to C."""

    def __init__(self, make: Callable[..., Store], clock: Clock, seed: int) -> None:
        super().__init__(make, clock)
        self.random = random.Random(seed)
        self.seed = seed
        self.words = 0
        self.objects: list[dict[str, Any]] = []
        self.consented: set[str] = set()
        self.labels: set[str] = set()  # marks of labels that may go on as a whole now
        self.given: dict[str, set[str]] = {}  # canary → what Tokyo's label of it was when it was there for Brussels
        for store in self.nodes.values():
            for name in ("baba", "chiba"):
                Accounts(store).add_user(name, ("releaser",), by=name)
        everything = (*("TLP:CLEAR", "TLP:AMBER", "TLP:GREEN"), "TLP:AMBER+STRICT")
        for name, store in self.nodes.items():
            for other in self.nodes.keys() - {name}:
                store.put_partner(self.partner(other, receives=everything))

    def bring(self) -> None:
        """Tokyo brings something in which each part that is marked by itself has a canary of its own."""
        self.words += 1
        mark = self.random.choice(MARKS)
        word = SECRET.format(self.words)
        more: dict[str, Any] = {"object_marking_refs": [mark], "description": f"{word} described"}
        if self.random.random() < 0.4:
            more["granular_markings"] = [{"marking_ref": self.random.choice(MARKS), "selectors": ["description"]}]
        one = campaign(f"n{self.words}", **more)
        if self.objects and self.random.random() < 0.4:
            one = report(f"n{self.words}", [self.random.choice(self.objects)], **more)
        self.objects.append(one)
        self.put("Tokyo", one)

    def click(self) -> None:
        """People of all three release, withdraw and relabel whatever they see."""
        name = self.random.choice(("Tokyo", "Brussels", "Brussels"))
        partner = "Brussels" if name == "Tokyo" else "Kyiv"
        ids = [one["id"] for one in self.objects] + self._parts(name)
        releases = Releases(self[name])
        act = self.random.choice(("approve", "approve", "relabel", "withdraw"))
        if act == "approve":
            for by in ("aoki", "baba"):
                releases.approve(partner, ids, by=by)
        elif act == "withdraw":
            releases.withdraw(partner, self.random.sample(ids, 1), "x", by="aoki")
        else:
            label = parse_label(self.random.choice(LABELS), originator=self[name].organisation)
            self[name].relabel_many(self.random.sample(ids, 1), label, by="x")

    def consent(self) -> None:
        """Tokyo consents to something that Brussels has."""
        for one in self.random.sample(self.objects, len(self.objects)):
            try:
                Consents(self["Tokyo"]).grant("Brussels", [one["id"]], "Kyiv", by="aoki")
            except KizunaError:  # it never left
                continue
            self.consented.add(one["id"])
            return

    def consent_to_all(self) -> None:
        """Tokyo consents to a whole label, or takes that back; Brussels hears of it."""
        mark, text = self.random.choice(((AMBER, "TLP:AMBER"), (STRICT, "TLP:AMBER+STRICT")))
        if mark in self.labels:
            Consents(self["Tokyo"]).end_label("Brussels", text, "Kyiv", by="aoki")
            self.labels.remove(mark)
        else:
            Consents(self["Tokyo"]).grant_label("Brussels", text, "Kyiv", by="aoki")
            self.labels.add(mark)
        self.sync("Tokyo", "Brussels")

    def _parts(self, name: str) -> list[str]:
        known = {one["id"] for one in self.objects}
        return [row.id for row in self[name].custodian().read(Query(), 0, 1_000).rows if row.id not in known]

    def check(self) -> None:
        """Every canary that Kyiv reads at Brussels is one that Tokyo's label lets any holder pass on, or that it consented to."""
        text = b"\n".join(
            row.raw for row in self["Brussels"].feed("Kyiv").read(Query(versions=("all",)), 0, 1_000).rows
        )
        for i, one in enumerate(self.objects, 1):
            word = SECRET.format(i).encode() + b" "
            marks = {*one["object_marking_refs"], *(m["marking_ref"] for m in one.get("granular_markings", ()))}
            if word in text:
                assert one["id"] in self.consented or marks <= {CLEAR} or self._is_loose(word), (self.seed, one)
        for store in self.nodes.values():
            assert list(verify(store)) == [], self.seed

    def _is_loose(self, word: bytes) -> bool:
        """Whether something that Brussels was sent of it says CLEAR, or a label that may go on: Kyiv is in no community."""
        rows = self["Brussels"].custodian().read(Query(versions=("all",)), 0, 1_000).rows
        found = [json.loads(row.raw) for row in rows if word in row.raw]
        return any(
            {*one["object_marking_refs"], *(m["marking_ref"] for m in one.get("granular_markings", ()))}
            <= {CLEAR} | self.labels
            for one in found
        )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("labels", [False, True])
def test_what_a_does_not_grant_c_never_gets(
    make_store: Callable[..., Store], clock: Clock, seed: int, labels: bool
) -> None:
    mesh = Meshes(make_store, clock, seed)
    acts = (mesh.bring, mesh.click, mesh.click, mesh.consent_to_all if labels else mesh.consent)
    for _ in range(3):
        mesh.bring()
    for _ in range(14):
        clock.forward(1)
        mesh.random.choice(acts)()
        mesh.sync(
            *mesh.random.choice((("Tokyo", "Brussels"), ("Tokyo", "Brussels", "Kyiv"), ("Kyiv", "Brussels", "Tokyo")))
        )
        mesh.check()


def test_the_mesh_passes_a_label_on(make_store: Callable[..., Store], clock: Clock) -> None:
    mesh = Meshes(make_store, clock, 0)
    for n in (1, 2):
        mesh.put(
            "Tokyo", one := campaign(f"n{n}", description=f"canary-{n} x", object_marking_refs=[(AMBER, STRICT)[n - 1]])
        )
        mesh.objects.append(one)
    while mesh.labels != {STRICT}:
        clock.forward(1)
        mesh.consent_to_all()
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    mesh.check()
    assert [mesh.holds("Kyiv", one) for one in mesh.objects] == [False, True]


def test_the_mesh_passes_something_on(make_store: Callable[..., Store], clock: Clock) -> None:
    """Else the test above would say nothing."""
    mesh = Meshes(make_store, clock, 0)
    mesh.put("Tokyo", one := campaign("one", description="canary-1 x", object_marking_refs=[AMBER]))
    mesh.objects.append(one)
    mesh.sync("Tokyo", "Brussels")
    mesh.consent()
    mesh.sync("Tokyo", "Brussels", "Kyiv")
    assert mesh.holds("Kyiv", one)
