"""Two stores that differ only in what somebody may not see give that somebody the same bytes (invariant 1)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kizuna.errors import KizunaError
from kizuna.labels import parse_label
from kizuna.settings import Settings
from kizuna.store import Partner, Query, Store
from tests.builders import CLEAR, RED, campaign, items, named, relationship, report, sdo
from tests.stores import Databases

Act = tuple[Any, ...]
NAMES = tuple(f"n{i}" for i in range(6))
SECRET = "zzsecretzz"


class Ticking:
    """A clock that goes one second further at each act, and stands still between."""

    def __init__(self) -> None:
        self.now = 1_795_392_000_000_000

    def __call__(self) -> int:
        return self.now


def new_store(folder: Path, clock: Ticking, url: str | None) -> Store:
    """Tokyo with Brussels, which receives TLP:CLEAR."""
    told = Settings(
        name="T", organisation="CERT Tokyo (fictional)", country="JPN", identity=named("identity", "tokyo"), store=url
    )
    store = Store(folder, told, clock)
    store.put_partner(
        Partner(
            name="Brussels",
            organisation="CERT Brussels (fictional)",
            country="BEL",
            receives=("TLP:CLEAR", "TLP:GREEN"),
        )
    )
    return store


def made(kind: str, name: str, refs: list[str], text: str, version: int, marking: str) -> dict[str, Any]:
    """An object of the script. Hidden ones have names of their own: the same id is never both."""
    more: dict[str, Any] = {"object_marking_refs": [marking], "modified": f"2026-01-{version + 1:02}T00:00:00.000Z"}
    if kind == "report":
        return report(
            name, [named("campaign", ref) for ref in refs] or [named("campaign", name)], description=text, **more
        )
    if kind == "relationship":
        ends = [*refs, name, name][:2]
        return relationship(campaign(ends[0]), "related-to", campaign(ends[1]), description=text, **more)
    if kind == "ipv4-addr":
        return sdo("campaign", name, description=f"198.51.100.7 {text}", **more)
    return campaign(name, description=text, **more)


# A hidden object refers to anything; a visible one may refer to hidden ids too, which nobody must notice.
names = st.sampled_from(NAMES)
visible = st.tuples(
    st.just("put"),
    st.sampled_from(["campaign", "report", "relationship", "ipv4-addr"]),
    names,
    st.lists(names | names.map(lambda n: f"hidden {n}"), max_size=3),
    st.sampled_from(["power plant", "発電所", "напад"]),
    st.integers(0, 3),
)
hidden = st.tuples(
    st.just("hide"),
    st.sampled_from(["campaign", "report", "relationship", "ipv4-addr"]),
    names.map(lambda n: f"hidden {n}"),
    st.lists(names, max_size=3),
    st.just(f"power plant 発電所 {SECRET}"),
    st.integers(0, 3),
)
acts = st.one_of(
    visible,
    hidden,
    st.tuples(st.just("raise"), st.sampled_from(["campaign", "report"]), names),
    st.tuples(st.just("delete"), st.sampled_from(["campaign", "report"]), names),
)


def perform(store: Store, clock: Ticking, script: list[Act], *, with_hidden: bool) -> None:
    """Do the acts; the store without hidden objects does nothing where one is put."""
    for act in script:
        clock.now += 1_000_000
        if act[0] == "hide" and not with_hidden:
            continue
        if act[0] in ("put", "hide"):
            kind, name, refs, text, version = act[1:]
            one = made(kind, name, refs, text, version, CLEAR if act[0] == "put" else RED)
            list(store.writer(store.own_source(), area="cyber-defence").add(items(one)))
            continue
        try:
            if act[0] == "raise":
                store.relabel(named(act[1], act[2]), parse_label("TLP:RED", originator=store.organisation), by="t")
            else:
                store.hide(named(act[1], act[2]), by="t")
        except KizunaError:
            pass


def what_brussels_gets(store: Store) -> bytes:
    """Everything a partner can ask of its feed."""
    feed = store.feed("Brussels")
    asked: list[Any] = []
    for query in (Query(), Query(versions=("all",)), Query(versions=("first",)), Query(types=("report",))):
        for limit in (1, 3, 100):
            asked.append(pages(feed.read, query, limit))
    for kind in ("campaign", "report"):
        for name in (*NAMES, *(f"hidden {n}" for n in NAMES)):
            asked.append(feed.versions(named(kind, name), Query(), 0, 10))
    return msgspec.json.encode([asked, feed.count()])


def what_a_reader_gets(store: Store) -> bytes:
    """Everything one's own person can ask, for whom TLP:RED is hidden."""
    view = store.view(store.principal_of_person("reader"))
    asked: list[Any] = [view.stats(), view.traffic(), list(view.export())]
    for query in (Query(), Query(versions=("all",)), Query(versions=("first",))):
        asked.append([[(r.added, r.id, r.version, r.raw) for r in page.rows] for page in pages(view.read, query, 2)])
    for text in (None, "power", "発電所", "напад", SECRET):
        asked.append(view.search(text, limit=100).items)
    for kind in ("campaign", "report"):
        for name in (*NAMES, *(f"hidden {n}" for n in NAMES)):
            id = named(kind, name)
            asked.append(
                [
                    view.get(id),
                    view.history(id).items,
                    view.neighbours(id),
                    view.explain(id, store.principal_of_partner("Brussels")),
                ]
            )
    asked.append(view.search(value="198.51.100.7").items)
    return msgspec.json.encode(asked)


def pages(read: Callable[..., Any], query: Query, limit: int) -> list[Any]:
    """All pages of a shelf."""
    found, position, more = [], 0, True
    while more:
        page = read(query, position, limit)
        found.append(page)
        more = page.more
        position = page.rows[-1].position if page.rows else position
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(acts, min_size=2, max_size=14))
def test_hidden_answers_as_absent(script: list[Act], databases: Databases) -> None:
    with ExitStack() as stack:
        clocks = Ticking(), Ticking()
        full, bare = (
            new_store(Path(stack.enter_context(tempfile.TemporaryDirectory())), clock, stack.enter_context(databases()))
            for clock in clocks
        )
        try:
            perform(full, clocks[0], script, with_hidden=True)
            perform(bare, clocks[1], script, with_hidden=False)
            assert what_brussels_gets(full) == what_brussels_gets(bare)
            assert what_a_reader_gets(full) == what_a_reader_gets(bare)
            assert SECRET.encode() not in what_brussels_gets(full) + what_a_reader_gets(full)
        finally:
            full.close()
            bare.close()
