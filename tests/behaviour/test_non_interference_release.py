"""The same with rules, approvals, renditions, relabels and withdrawals: what a partner reads tells nothing of what is hidden from it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.errors import KizunaError
from kizuna.labels import parse_label
from kizuna.store import Store
from kizuna.store.accounts import Accounts
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
from tests.builders import AMBER, CLEAR, RED, items, named
from tests.stores import Databases

Act = tuple[Any, ...]
RULES: tuple[dict[str, Any], ...] = (
    {"act": "send", "labels": ["TLP:CLEAR"]}, {"act": "send", "labels": ["TLP:CLEAR"], "parts": True},
    {"act": "send", "labels": ["TLP:CLEAR"], "parts": True, "types": ["report", "relationship"]},
    {"act": "send", "labels": ["TLP:CLEAR"], "hourly": 2}, {"act": "propose"},
)  # fmt: skip

some = st.lists(st.tuples(st.sampled_from(["campaign", "report"]), names), min_size=1, max_size=3)
acts = st.one_of(
    visible,
    visible.map(lambda act: ("part", *act[1:])),
    hidden,
    st.tuples(
        st.just("relabel"), st.sampled_from(["campaign", "report"]), names, st.sampled_from(["TLP:CLEAR", "TLP:RED"])
    ),
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
                one |= {"granular_markings": [{"marking_ref": AMBER, "selectors": ["description"]}]}
            list(store.writer(store.own_source(), area="cyber-defence").add(items(one)))
        elif act[0] == "time":
            clock.now += act[1] * 1_000_000
            store.settle()
        elif act[0] == "rule":
            Rules(store).put([msgspec.convert({"name": "some", **act[1]}, Named)], by="t")
            with suppress(KizunaError):
                releases.grant("some", by="aoki")
        elif act[0] == "relabel":
            with suppress(KizunaError):
                store.relabel(named(act[1], act[2]), parse_label(act[3], originator=store.organisation), by="t")
        else:
            ids = [named(kind, name) for kind, name in act[1]]
            more: dict[str, Any] = {"by": "aoki"}
            if act[0] == "withdraw":
                more["reason"] = "told in error"
            getattr(releases, act[0])("Brussels", ids, **more)


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
