"""The same with rules, approvals, renditions, relabels and withdrawals: what a partner reads tells nothing of what is hidden from it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kizuna.errors import KizunaError
from kizuna.labels import parse_label
from kizuna.store import Store
from kizuna.store.accounts import Accounts
from kizuna.store.consents import Consents
from kizuna.store.keys import make_key
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Named, Rules
from kizuna.store.verify import verify
from tests.behaviour.test_non_interference import (
    SECRET,
    Ticking,
    hidden,
    made,
    names,
    new_store,
    visible,
    what_brussels_gets,
)
from tests.builders import CLEAR, RED, STRICT, items, named
from tests.stores import Databases

Act = tuple[Any, ...]
RULES: tuple[dict[str, Any], ...] = (
    {"act": "send", "labels": ["TLP:CLEAR"]}, {"act": "send", "labels": ["TLP:CLEAR"], "parts": True},
    {"act": "send", "labels": ["TLP:CLEAR"], "parts": True, "types": ["report", "relationship"]},
    {"act": "send", "labels": ["TLP:CLEAR"], "hourly": 2}, {"act": "propose"},
    {"act": "send", "labels": ["TLP:CLEAR", "TLP:AMBER"], "parts": True},
)  # fmt: skip

some = st.lists(st.tuples(st.sampled_from(["campaign", "report"]), names), min_size=1, max_size=3)
acts = st.one_of(
    visible,
    visible.map(lambda act: ("part", *act[1:])),
    hidden,
    st.tuples(
        st.just("relabel"),
        st.sampled_from(["campaign", "report"]),
        names,
        st.sampled_from(["TLP:CLEAR", "TLP:AMBER", "TLP:RED"]),
    ),
    st.tuples(st.just("consent"), st.sampled_from(["grant_label", "grant_label", "end_label"])),
    st.tuples(st.sampled_from(["approve", "approve", "stop", "withdraw", "propose"]), some),
    st.tuples(st.just("rule"), st.sampled_from(RULES)),
    st.tuples(st.just("time"), st.sampled_from([1, 3600])),
)


def begin(folder: Path, clock: Ticking, url: str | None, key: Path) -> Store:
    """Tokyo, with people who release; nothing leaves by its label alone. Both worlds have one key."""
    shutil.copy2(key, folder / key.name)
    store = new_store(folder, clock, url)
    Accounts(store).add_user("aoki", ("releaser",), by="aoki")
    Rules(store).remove(FIRST, by="t")
    partner = store.partner("Brussels")
    store.put_partner(msgspec.structs.replace(partner, receives=(*partner.receives, "TLP:AMBER")))
    return store


def perform(store: Store, clock: Ticking, script: list[Act], *, with_hidden: bool) -> None:
    """Do the acts; the store without hidden objects does nothing where one is put."""
    releases = Releases(store)
    for act in script:
        clock.now += 1_000_000
        if act[0] in ("put", "part", "hide"):
            if act[0] == "hide" and not with_hidden:
                continue
            kind, name, refs, text, version = act[1:]
            one = made(kind, name, refs, text, version, RED if act[0] == "hide" else CLEAR)
            if act[0] == "part":
                one |= {"description": f"{text} {SECRET}"}
                one |= {"granular_markings": [{"marking_ref": STRICT, "selectors": ["description"]}]}
            list(store.writer(store.own_source(), area="cyber-defence").add(items(one)))
        elif act[0] == "time":
            clock.now += act[1] * 1_000_000
            store.settle()
        elif act[0] == "rule":
            Rules(store).put([msgspec.convert({"name": "some", **act[1]}, Named)], by="t")
            with suppress(KizunaError):
                releases.grant("some", by="aoki")
        elif act[0] == "consent":
            getattr(Consents(store), act[1])("Brussels", "TLP:AMBER", "CERT Riga", by="aoki")
        elif act[0] == "relabel":
            with suppress(KizunaError):
                store.relabel(named(act[1], act[2]), parse_label(act[3], originator=store.organisation), by="t")
        else:
            ids = [named(kind, name) for kind, name in act[1]]
            more: dict[str, Any] = {"by": "aoki"}
            if act[0] == "withdraw":
                more["reason"] = "told in error"
            getattr(releases, act[0])("Brussels", ids, **more)


TOLD: list[Act] = [
    ("rule", RULES[-1]), ("put", "campaign", "a", [], "power plant", 1), ("hide", "campaign", "hidden a", [], "power plant", 1),
    ("part", "campaign", "b", [], "power plant", 1), ("relabel", "campaign", "a", "TLP:AMBER"), ("consent", "grant_label"),
    ("relabel", "campaign", "b", "TLP:AMBER"), ("hide", "report", "hidden b", ["a"], "power plant", 1),
    ("relabel", "campaign", "a", "TLP:CLEAR"), ("consent", "end_label"),
]  # fmt: skip


def test_the_scripts_tell_of_what_comes_under_a_label(databases: Databases, tmp_path: Path) -> None:
    make_key(tmp_path)
    (tmp_path / "node").mkdir()
    with databases() as url:
        store = begin(tmp_path / "node", clock := Ticking(), url, tmp_path / "node.key")
        perform(store, clock, TOLD, with_hidden=True)
        told = (
            store.database.read()
            .execute("select kind, about from notice where label is not null order by n")
            .fetchall()
        )
        store.close()
    kinds = [(kind, about.count("campaign--")) for kind, about in told]
    # Of the second the rendition before and the one that takes its place.
    assert kinds == [("consent", 0), ("consent", 1), ("consent", 2), ("consent-end", 1), ("consent-end", 0)]


@example(script=TOLD)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(acts, min_size=3, max_size=14))
def test_hidden_answers_as_absent_whatever_people_release(script: list[Act], databases: Databases) -> None:
    with ExitStack() as stack:
        key = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_key(key)
        clocks = Ticking(), Ticking()
        full, bare = (
            begin(
                Path(stack.enter_context(tempfile.TemporaryDirectory())),
                clock,
                stack.enter_context(databases()),
                key / "node.key",
            )
            for clock in clocks
        )
        try:
            perform(full, clocks[0], script, with_hidden=True)
            perform(bare, clocks[1], script, with_hidden=False)
            assert what_brussels_gets(full) == what_brussels_gets(bare)
            assert SECRET.encode() not in what_brussels_gets(full)
            for store in (full, bare):
                assert list(verify(store)) == []
        finally:
            full.close()
            bare.close()
