"""What of an object may be too much for a partner: by its form, by what it refers to, and by what stands in its texts.

Suggestions are for a person, who decides; what they rest on is what the asker sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from kizuna.errors import NotFound
from kizuna.labels import PUBLIC_LABEL, Form, Marked, redact
from kizuna.labels.width import nobody
from kizuna.release.sensitive import Place, places_of, selector_of, selects
from kizuna.stix import BUILTIN, edges
from kizuna.stix.ids import type_of
from kizuna.stix.selectors import resolve
from kizuna.store.outgoing import Held, Outgoing
from kizuna.store.plan import Plan
from kizuna.store.scan import Scan, withheld_texts

Json = dict[str, Any]
AROUND = 500
"""Objects around one that are looked at: what it refers to, and as many that relate to it."""
_SHOWN = 60
_SUFFERING = frozenset({"identity", "location", "infrastructure"})
_DEFINITIONS = frozenset({"marking-definition", "extension-definition"})
_SHUT = nobody("")


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A part that may be too much for the partner: why, by a code, and its value, shortened.

    `anyway`: the partner does not get it, whatever is cut; `all_of_it`: without it nothing of the object is left.
    """

    selector: str
    code: str
    value: str
    anyway: bool
    all_of_it: bool


class Subject(NamedTuple):
    """The newest version of an object that is seen, with its JSON and marks; `own` is whether it was made and brought in here."""

    row: Held
    data: Json
    marked: Marked
    own: bool


def subject(outgoing: Outgoing, id: str) -> Subject:
    """The object of an id. Raises NotFound."""
    ident = outgoing.idents([id]).get(id) if type_of(id) is not None else None
    rows = [] if ident is None else [row for row in outgoing.rows([ident]) if not row.hidden]
    if not rows:
        raise NotFound(f"no object {id}")
    newest, own = _newest(rows), outgoing.of_own(rows)
    return Subject(newest, *outgoing.read(newest), {newest.n, min(row.n for row in rows)} <= own)


def _newest(rows: Sequence[Held]) -> Held:
    return max(rows, key=lambda row: (row.version is not None, row.version or 0, -row.n))


def suggest(outgoing: Outgoing, of: Subject) -> list[Suggestion]:
    """What a person should look at before the partner may have the rest, in the order of the object."""
    around = _Around(outgoing, of)
    plan = Plan(outgoing, {of.row.ident, *around.found})
    places: dict[Place, bool] = dict.fromkeys(places_of(of.data), False)
    for place, anyway in (*around.references(plan), *around.named(plan), *_marked(outgoing, of)):
        places[place] = anyway or places.get(place, False)
    shut = {place.selector for place, anyway in places.items() if anyway}
    order = {name: number for number, name in enumerate(of.data)}
    return [
        Suggestion(
            selector=place.selector,
            code=place.code,
            value=shortened(resolve(of.data, place.selector)),
            anyway=place.selector in shut,
            all_of_it=nothing_without(of.data, [place.selector]) is not None,
        )
        for place in sorted(places, key=lambda place: (order[place.selector.partition(".")[0]], place))
    ]


def nothing_without(data: Json, selectors: Iterable[str]) -> str | None:
    """Why nothing of an object is left without these, as a code; None where something is."""
    marked = Marked(PUBLIC_LABEL, tuple((selector, _SHUT) for selector in selectors))
    return redact(data, marked, lambda label: label != _SHUT).withheld


def shortened(value: Any) -> str:
    """A value in one short line."""
    text = " ".join((value if isinstance(value, str) else msgspec.json.encode(value).decode()).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _marked(outgoing: Outgoing, of: Subject) -> Iterator[tuple[Place, bool]]:
    for selector, label in of.marked.granular:
        if not outgoing.allows(label, of.row) and selects(of.data, selector):
            yield Place(selector, "marked-stricter"), True


class _Around:
    """What an object refers to and what relates to it, as far as it is seen."""

    def __init__(self, outgoing: Outgoing, of: Subject) -> None:
        self._of = of
        self._outgoing = outgoing
        self.found: dict[int, Json] = {}
        self._read(outgoing.references([of.row.n]).get(of.row.n, []))
        self._read_linking()
        links = [data for data in self.found.values() if data.get("type") in ("relationship", "sighting")]
        links.append(of.data)
        self._read(outgoing.idents(id for id in self._others(links)).values())
        self._victims = set(self._hit(links))
        self._observers = {ref for link in links for ref in _listed(link, "where_sighted_refs")}

    def _read_linking(self) -> None:
        """Relationships and sightings of the object, the first ones that are seen."""
        left, after = AROUND, ""
        while left > 0 and (some := self._outgoing.linking(self._of.row.ident, after, AROUND)):
            left -= self._read((ident for _, ident in some), left, linking=True)
            after = some[-1][0]

    def _read(self, idents: Iterable[int], most: int = AROUND, *, linking: bool = False) -> int:
        """Read the first of these by their ids, so that who names them first decides nothing; how many those are."""
        by_id: dict[str, list[Held]] = {}
        for row in self._outgoing.rows(set(idents) - self.found.keys() - {self._of.row.ident}):
            if not row.hidden:
                by_id.setdefault(row.id, []).append(row)
        taken = 0
        for id in sorted(by_id):
            newest = _newest(by_id[id])
            data = self._outgoing.read(newest)[0]
            # What names the object in a part that is not seen does not name it.
            if not linking or any(target == self._of.row.id for _, target in edges(data)):
                self.found[newest.ident] = data
                taken += 1
            if taken == most:
                break
        return taken

    def _others(self, links: Iterable[Json]) -> Iterator[str]:
        """What is at the ends of these links, but for the object: of relationships as far as they tell of a victim or a place."""
        for link in links:
            if link.get("relationship_type") in ("targets", "located-at"):
                yield str(link.get("target_ref"))
            yield from _listed(link, "where_sighted_refs")

    def _hit(self, links: Iterable[Json]) -> Iterator[str]:
        for link in links:
            target = str(link.get("target_ref"))
            if link.get("relationship_type") == "targets" and target.partition("--")[0] in _SUFFERING:
                yield target
        for data in (*self.found.values(), self._of.data):
            if any("victim" in role.lower() for role in _listed(data, "roles")):
                yield str(data["id"])

    def references(self, plan: Plan) -> Iterator[tuple[Place, bool]]:
        """Places that refer to somebody or something that may be too much, and whether they are cut anyway."""
        data = self._of.data
        persons = {one["id"] for one in self.found.values() if one.get("identity_class") == "individual"}
        placing = data.get("type") in ("sighting", "observed-data") or data.get("relationship_type") == "located-at"
        for path, target in edges(data):
            selector = selector_of(data, path)
            if selector is None or target in BUILTIN:
                continue
            withheld = not plan.standing(target)
            maker = path == "created_by_ref"
            codes = {
                "maker-withheld": maker and withheld,
                "withheld-reference": withheld and not maker,
                "victim": target in self._victims,
                "observer": target in self._observers,
                "position": placing and target.startswith("location--"),
                "person": target in persons and not maker,
            }
            yield from ((Place(selector, code), withheld) for code, so in codes.items() if so)

    def named(self, plan: Plan) -> Iterator[tuple[Place, bool]]:
        """Places whose text names somebody, or holds what is withheld from the partner elsewhere."""
        names: dict[str, list[str]] = {"victim": [], "observer": [], "person": []}
        withheld: list[str] = []
        for one in (*self.found.values(), self._of.data):
            id, name = str(one["id"]), one.get("name")
            if isinstance(name, str):
                individual = one.get("type") == "identity" and one.get("identity_class") == "individual"
                for code, so in (
                    ("victim", id in self._victims),
                    ("observer", id in self._observers),
                    ("person", individual),
                ):
                    names[code] += [name] * so
            if one is not self._of.data and one.get("type") not in _DEFINITIONS and plan.standing(id) is Form.WITHHELD:
                withheld += withheld_texts(one, None)
        for code, sought in (*names.items(), ("withheld-text", withheld)):
            yield from ((Place(selector, code), False) for selector in told_in(self._of.data, sought))


def told_in(data: Json, sought: Iterable[str]) -> Iterator[str]:
    """Selectors of what holds any of these texts, as far as it can be cut."""
    for hits in Scan(sought).hits({0: data}).values():
        found = (selector_of(data, hit.path) for hit in hits)
        yield from dict.fromkeys(selector for selector in found if selector is not None)


def _listed(data: Json, name: str) -> list[str]:
    value = data.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
