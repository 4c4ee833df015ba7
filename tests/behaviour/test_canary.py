"""A canary in every property of STIX 2.1 in turn: once its property is closed, no exit lets it sing."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.labels import Label, Principal, decide, mark, redact
from kizuna.settings import Settings
from kizuna.stix import BUILTIN, check, sco_id
from kizuna.stix.selectors import Unresolved, resolve
from kizuna.store import Page, Partner, Query, Store
from tests.behaviour.canaries import INDIVISIBLE, TABLES, WORD, Placed, can_sing, forms_of, placed, sings
from tests.builders import AMBER, CLEAR, RED, items
from tests.stix_examples import VALID
from tests.stores import Databases

NOW = 1_795_392_000_000_000
READER = Principal("A", "reader")
_OPEN = re.compile(r"openword\w+_")
_TOKENS = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9+/_-]{43,64}")


@pytest.fixture(scope="module")
def every() -> list[Placed]:
    """Every place of every property of every type."""
    return list(placed())


def allowed(label: Label) -> bool:
    """What a person of one's own organisation may see whom TLP:RED does not name."""
    return decide(label, READER, holder=READER, at=NOW).allowed


def served(data: dict[str, Any]) -> dict[str, Any] | None:
    """What is left of an object for that person."""
    return redact(data, mark(data, BUILTIN.get, originator="A"), allowed).data


def test_every_property_of_every_type_has_a_canary(every: list[Placed]) -> None:
    covered = defaultdict(set)
    for one in every:
        covered[one.type].add(one.property)
    assert covered == {t: set(table.properties) for t, table in TABLES.items()}
    assert all(len(names) >= 8 for names in covered.values())
    singing = Counter(one.type for one in every if can_sing(one.canary))
    assert all(singing[type] >= 4 for type in TABLES)
    assert (len(TABLES), len(every) > 1000) == (42, True)


def test_the_detector_hears_every_canary_that_nobody_closed(every: list[Placed]) -> None:
    for one in every:
        if one.property not in INDIVISIBLE:
            open_ = served(one.marked(None))
            assert open_ is not None
            if can_sing(one.canary):
                assert sings(json.dumps(open_).encode()), one


@pytest.mark.parametrize(
    "name", ["raw", "percent", "base64 0", "base64 1", "base64 2", "uuid", "sha256", "sha256 base64"]
)
def test_the_detector_hears_a_canary_in_disguise(every: list[Placed], name: str) -> None:
    one = next(p for p in every if (p.type, p.property) == ("domain-name", "value"))
    text = str(one.canary).encode()
    disguises = {
        "raw": text,
        "percent": "".join(f"%{octet:02X}" for octet in text).encode(),
        **{f"base64 {n}": base64.b64encode(b"xyz"[:n] + text + b"tail") for n in range(3)},
        "uuid": str(one.data["id"])[-36:].encode(),
        "sha256": hashlib.sha256(text).hexdigest().encode(),
        "sha256 base64": base64.b64encode(hashlib.sha256(text).digest()),
    }
    assert sings(b'{"id":"x","of":"' + disguises[name] + b'"}', forms_of(one))
    assert not sings(b'{"id":"x","of":"nothing"}', forms_of(one))


def test_no_closed_property_is_served(every: list[Placed]) -> None:
    left: Counter[bool] = Counter()
    for one in every:
        for selector in one.selectors():
            data = one.marked(selector)
            assert not [p for p in check(data) if p.severity == "error"], (one, selector)
            shown = served(data)
            left[shown is not None] += 1
            if one.property in INDIVISIBLE:
                assert shown is None, (one.type, selector)
            if shown is None:
                continue
            output = json.dumps(shown).encode()
            assert not sings(output, forms_of(one)), (one.type, selector, sings(output, forms_of(one)), shown)
            assert not _still_there(shown, one, selector), (one.type, selector)
            assert not [p for p in check(shown) if p.severity == "error"], (one.type, selector)
    assert left[True] > 1000  # most properties can be cut; a redaction that withholds everything proves nothing
    assert left[False] > 300


def _still_there(shown: dict[str, Any], one: Placed, selector: str) -> bool:
    """Whether what was closed stands where it stood: for canaries too small to be told from other values."""
    try:
        return bool(resolve(shown, selector) == resolve(one.data, selector))
    except Unresolved:
        return False


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(VALID)), st.randoms(use_true_random=False), st.integers(1, 6))
def test_many_closed_places_at_once(kind: str, random: Random, most: int) -> None:
    data = {k: v for k, v in copy.deepcopy(VALID[kind]).items() if k not in INDIVISIBLE or k in ("type", "id")}
    places = [path for path in _paths(data) if path[0] not in INDIVISIBLE]
    closed = random.sample(places, min(most, len(places)))
    shared = random.sample(places, min(2, len(places)))
    _rename(data, (), closed)
    marks = [{"marking_ref": ref, "selectors": [_selector(path) for path in paths]}
             for ref, paths in ((RED, closed), (AMBER, shared))]  # fmt: skip
    shown = served({**data, "object_marking_refs": [CLEAR], "granular_markings": marks})
    if shown is None:
        return
    output = json.dumps(shown, ensure_ascii=False)
    assert WORD not in output
    # What nobody closed is all there, and the marks that remain stand where they stood.
    assert sorted(_OPEN.findall(output)) == sorted(set(_OPEN.findall(json.dumps(data))))
    for mark_ in shown.get("granular_markings", []):
        for selector in mark_["selectors"]:
            assert resolve(shown, selector) in [_at(data, path) for path in shared] or _pruned(data, shared)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place inside of a value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from _paths(member, (*path, key))


def _rename(value: Any, path: tuple[str | int, ...], closed: list[tuple[str | int, ...]]) -> None:
    """Give every text a word of its own: a canary where it is closed, an open word elsewhere."""
    for key, member in list(value.items() if isinstance(value, dict) else enumerate(value)):
        here = (*path, key)
        if isinstance(member, dict | list):
            _rename(member, here, closed)
        elif isinstance(member, str) and here not in (("type",), ("id",)):
            shut = any(here[: len(place)] == place for place in closed)
            value[key] = f"{WORD}1" if shut else re.sub(r"\W+", "_", f"openword.{_selector(here)}.")


def _selector(path: tuple[str | int, ...]) -> str:
    return ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)


def _at(data: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    return resolve(data, _selector(path))


def _pruned(data: dict[str, Any], shared: list[tuple[str | int, ...]]) -> bool:
    """Whether something shared has an inside, of which part may be closed."""
    return any(isinstance(_at(data, path), dict | list) for path in shared)


def test_an_observable_whose_id_tells_the_value_is_withheld_whole(every: list[Placed]) -> None:
    tested = 0
    for one in every:
        opened = one.marked(None)
        without = {name: value for name, value in opened.items() if name != one.property}
        if sco_id(opened) is not None and sco_id(opened) != sco_id(without):
            assert served(one.marked(one.property)) is None, one
            tested += 1
    assert tested > 60


def new_store(folder: Path, url: str | None = None) -> Store:
    """An empty store in the moment of the tests."""
    told = Settings(
        name="T",
        organisation="A",
        country="JPN",
        identity="identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
        store=url,
    )
    return Store(folder, told, lambda: NOW)


class Node:
    """A store that holds an object for every canary, each with one closed selector, and what two readers are given."""

    def __init__(self, store: Store, every: list[Placed]) -> None:
        store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
        self.store = store
        self.every = [(one, _told_apart(one, n)) for n, one in enumerate(every) if one.property not in INDIVISIBLE]
        self.ids = sorted({data["id"] for _, data in self.every})
        outcomes = store.writer(store.own_source()).add(items(*(data for _, data in self.every)))
        failed = [outcome for outcome in outcomes if outcome.status == "failed"]
        assert not failed, failed[:3]

    def of_reader(self) -> bytes:
        """All that a reader of one's own can ask for without knowing a canary."""
        view = self.store.view(self.store.principal_of_person("reader"))
        found: list[object] = [view.stats(), view.traffic(), *view.export(), *view.export(types=["file", "report"])]
        found += pages(view.read, Query(versions=("all",)), 400) + pages(view.read, Query(), 400)
        found += view.search(limit=2000).items
        brussels = self.store.principal_of_partner("Brussels")
        for id in self.ids:
            found += [view.get(id), view.history(id).items, view.neighbours(id), view.versions(id, Query(), 0, 10)]
            found += [view.explain(id, brussels)]
        return repr(found).encode()

    def of_partner(self) -> bytes:
        """All that a partner can ask of its feed."""
        feed = self.store.feed("Brussels")
        found: list[object] = [feed.count(), *pages(feed.read, Query(versions=("all",)), 400)]
        found += [feed.versions(id, Query(), 0, 10) for id in self.ids]
        return repr(found).encode()


def _told_apart(one: Placed, n: int) -> dict[str, Any]:
    """The object closed at one of its selectors, under an id of its own; where the value makes the id, that stays."""
    selectors = one.selectors()
    data = one.marked(selectors[n % len(selectors)])
    if sco_id(data) is None or sco_id(data) == sco_id({k: v for k, v in data.items() if k != one.property}):
        data["id"] = f"{one.type}--{n:08x}-0000-4000-8000-000000000000"
    return data


@pytest.fixture(scope="module")
def node(every: list[Placed], tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Node]:
    """A node in the clock's own moment."""
    with databases() as url:
        store = new_store(tmp_path_factory.mktemp("canaries"), url)
        yield Node(store, every)
        store.close()


def test_no_exit_of_the_store_lets_a_canary_sing(node: Node) -> None:
    forms = {form for one, _ in node.every if can_sing(one.canary) for form in forms_of(one)}
    keeper = node.store.custodian()
    for one, data in node.every:
        if can_sing(one.canary):
            kept = [row.raw for row in keeper.read(Query(ids=(data["id"],), versions=("all",)), 0, 20).rows]
            assert any(sings(raw) for raw in kept), one  # the canaries are there
    for output in (node.of_reader(), node.of_partner()):
        assert sings(output) is None, output[max(output.find(sings(output) or b"") - 300, 0) :][:600]
        words = set(_TOKENS.findall(output))
        assert not words & forms
    assert len(node.of_reader()) > 1_000_000


def test_asking_for_a_canary_answers_as_for_an_unknown_value(node: Node) -> None:
    view = node.store.view(node.store.principal_of_person("reader"))
    keeper = node.store.custodian()
    asked = heard = 0
    for one, _ in node.every:
        if not can_sing(one.canary) or not isinstance(one.canary, str):
            continue
        asked += 1
        assert view.search(one.canary) == view.search("zzunknownzz"), one
        assert view.search(value=one.canary) == view.search(value="zzunknownzz"), one
        assert view.get(one.canary) is None
        heard += bool(keeper.search(one.canary).items or keeper.search(value=one.canary).items)
    assert (asked > 700, heard > 350) == (True, True)


def test_a_closed_reference_joins_nothing(every: list[Placed], tmp_path: Path) -> None:
    store = new_store(tmp_path)
    refs = [
        one for one in every if isinstance(one.canary, str) and re.fullmatch(r"[a-z0-9-]+--c0ffee00-\S+", one.canary)
    ]
    objects = {}
    for n, one in enumerate(refs):
        objects[one.canary] = {**VALID[one.canary.partition("--")[0]], "id": one.canary, "object_marking_refs": [CLEAR]}
        objects[one.canary].pop("granular_markings", None)
        objects[f"closed {n}"] = {
            **one.marked(one.selectors()[-1]),
            "id": f"{one.type}--{n:08x}-0000-4000-8000-000000000000",
        }
    outcomes = list(store.writer(store.own_source()).add(items(*objects.values())))
    assert {outcome.status for outcome in outcomes} == {"imported"}
    view, keeper = store.view(store.principal_of_person("reader")), store.custodian()
    joined = 0
    for n, one in enumerate(refs):
        id = objects[f"closed {n}"]["id"]
        assert view.get(one.canary) is not None
        assert all(near.id != id and near.via != id for near in view.neighbours(one.canary)), one
        assert all(near.id != one.canary for near in view.neighbours(id)), one
        joined += any(id in (near.id, near.via) for near in keeper.neighbours(one.canary))
    store.close()
    assert joined > 60


def test_what_is_counted_is_what_is_shown(node: Node) -> None:
    view = node.store.view(node.store.principal_of_person("reader"))
    rows = [row for page in pages(view.read, Query(versions=("all",)), 400) for row in page.rows]
    counted = view.stats()
    assert counted.by_type == dict(sorted(Counter(id.partition("--")[0] for id in {row.id for row in rows}).items()))
    assert sum(area.held for area in view.traffic()) == counted.objects


def pages(read: Any, query: Query, limit: int) -> list[Page]:
    """All pages of a shelf."""
    found: list[Page] = []
    position, more = 0, True
    while more:
        page = read(query, position, limit)
        found.append(page)
        more = page.more
        position = page.rows[-1].position if page.rows else position
    return found
