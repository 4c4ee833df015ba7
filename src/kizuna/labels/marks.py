"""From STIX markings to labels, and back (STIX 2.1 section 7.2; TLP 2.0 and IEP 2.0 by their OASIS extensions)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from kizuna.errors import KizunaError
from kizuna.labels.join import join, join_all
from kizuna.labels.model import Category, Label, Part, moment
from kizuna.labels.persons import bound
from kizuna.labels.policies import GREEN, IEP, OWN, PUBLIC, TLP, TLP_ORDER, own_only
from kizuna.labels.width import MOST_TEXT, marked_too_much, nobody, text_of, text_of_categories
from kizuna.stix.builtin import IEP_2_EXTENSION, LABEL_EXTENSION, TLP_1, TLP_2, TLP_2_EXTENSION

Json = dict[str, Any]
Definitions = Callable[[str], Json | None]
_NAMESPACE = uuid.UUID("5d1f7a3e-9c0b-4e0e-8f7b-6b5a0a9c2e41")
_INDEX = re.compile(r"(?<!\.)\[")
_OWN = Part(OWN, OWN)


class Marked(msgspec.Struct, frozen=True):
    """An object's label and its granular ones, each by selector. `too_wide`: more was stated than is weighed, so it is for nobody."""

    label: Label
    granular: tuple[tuple[str, Label], ...] = ()
    too_wide: bool = False

    @property
    def whole(self) -> Label:
        """The join of everything: who may see all of it."""
        if not self.granular:  # by far the most; to join is to hash
            return self.label
        return join_all((self.label, *(label for _, label in self.granular)))

    def with_label(self, label: Label) -> Marked:
        """The same granular marks under another label of the object."""
        return Marked(label, self.granular)


class PropertyLabels:
    """The labels of the properties of one object: each the object's, joined with every granular one that selects the property,
    an ancestor, or a piece of it.
    """

    def __init__(self, marked: Marked) -> None:
        self._label = marked.label
        self._whole = marked.whole
        self._at: dict[str, dict[Label, None]] = {}
        self._in: dict[str, dict[Label, None]] = {}
        for selector, label in marked.granular:
            self._at.setdefault(selector, {})[label] = None
            for ancestor in _ancestors(selector):
                self._in.setdefault(ancestor, {})[label] = None
        self._joined: dict[tuple[Label, ...], Label] = {(): marked.label}

    def of(self, path: str) -> Label:
        """The label of a property by its path; `$` or nothing is the object with all its parts."""
        if path in ("", "$"):
            return self._whole
        asked = _INDEX.sub(".[", path)
        found = {**self._in.get(asked, {}), **self._at.get(asked, {})}
        for ancestor in _ancestors(asked) if self._at else ():
            found |= self._at.get(ancestor, {})
        key = tuple(found)
        if key not in self._joined:
            self._joined[key] = join_all((self._label, *key))
        return self._joined[key]


def _ancestors(selector: str) -> Iterator[str]:
    place = selector.find(".")
    while place >= 0:
        yield selector[:place]
        place = selector.find(".", place + 1)


def mark(
    data: Json,
    definitions: Definitions,
    *,
    originator: str,
    default: Label | None = None,
    community: str | None = None,
    joined: Label | None = None,
) -> Marked:
    """The labels of an object. A missing or unknown marking means own organisation only; none at all the default, else the same.

    `community` is what TLP:GREEN means when it names none; `joined` is joined with a stated label.
    """
    if marked_too_much(data):
        return _closed(data, originator)
    refs = data.get("object_marking_refs", [])
    parts = _parts(refs, definitions, community) if isinstance(refs, list) else [_OWN]
    granular = tuple(_granular(data, definitions, originator, community))
    stated = {part for _, label in granular for part in label.parts}
    if _text_together(parts) + text_of(stated) > MOST_TEXT or (default and text_of(default.parts) > MOST_TEXT):
        return _closed(data, originator)
    if parts:
        label = Label(originator, tuple(_together(parts)))
        if joined is not None:
            label = join(label, joined)
    else:
        label = default or own_only(originator)
    return Marked(label, granular)


def _closed(data: Json, originator: str) -> Marked:
    """For nobody, and so is each part that was marked by itself, whatever the object is labelled later."""
    label = nobody(originator)
    granular = data.get("granular_markings")
    marks = [one.get("selectors") for one in (granular if isinstance(granular, list) else ()) if isinstance(one, dict)]
    selectors = [s for selected in marks if isinstance(selected, list) for s in selected if isinstance(s, str)]
    return Marked(label, tuple((selector, label) for selector in selectors), too_wide=True)


def own_label_of_definition(data: Json, *, originator: str, community: str | None = None) -> Label | None:
    """The label a marking definition stands for, None when it stands for none."""
    part = _part(data, community)
    return None if part is None else Label(originator, (part,))


def property_label(marked: Marked, path: str) -> Label:
    """The label of a property: the object's joined with every granular one that selects it, an ancestor, or a piece of it."""
    return PropertyLabels(marked).of(path) if marked.granular else marked.label


def translated(data: Json, marked: Marked, targets: Iterable[Marked]) -> Marked:
    """The labels of a language content when each translation has those of the property it translates as well (section 7.1)."""
    found = dict[str, Label]()
    contents = data.get("contents")  # an object that a pack keeps with its problems may lack it
    for labels in [PropertyLabels(target) for target in dict.fromkeys(targets)]:
        for language, texts in contents.items() if isinstance(contents, dict) else ():
            for name in texts if isinstance(texts, dict) else ():
                label = labels.of(name)
                if join(marked.label, label) != marked.label:
                    selector = f"contents.{language}.{name}"
                    found[selector] = join(found[selector], label) if selector in found else label
    return Marked(marked.label, (*marked.granular, *found.items())) if found else marked


def to_markings(label: Label) -> list[Json]:
    """Marking definitions that state a label: the OASIS ones of TLP 2.0 where they say all, else ours with an id of its own content."""
    return [_definition(bound(part, part.originator or label.originator), label.originator) for part in label.parts]


def _granular(
    data: Json, definitions: Definitions, originator: str, community: str | None
) -> Iterable[tuple[str, Label]]:
    granular = data.get("granular_markings")
    for one in granular if isinstance(granular, list) else ():
        ref = one.get("marking_ref") if isinstance(one, dict) else None
        if not isinstance(ref, str):
            continue  # a language mark is no label
        parts = _parts([ref], definitions, community)
        if parts:
            label = Label(originator, tuple(parts))
            selectors = one.get("selectors")
            yield from ((s, label) for s in (selectors if isinstance(selectors, list) else ()) if isinstance(s, str))


def _parts(refs: Iterable[Any], definitions: Definitions, community: str | None) -> list[Part]:
    found = []
    for ref in refs:
        definition = definitions(ref) if isinstance(ref, str) else None
        part = _OWN if definition is None else _part(definition, community)
        if part is not None:
            found.append(part)
    return found


def _text_together(parts: list[Part]) -> int:
    """What the parts would take once each carries the categories and persons of all; known before any is made."""
    persons = sum(len(person) + 1 for part in parts for person in part.persons)
    return text_of(parts) + len(parts) * (text_of_categories({c for p in parts for c in p.categories}) + persons)


def _together(parts: list[Part]) -> list[Part]:
    """Markings of one list speak of one label: an addressee or a person named by one of them belongs to the TLP of the others."""
    tlp = [p for p in parts if p.policy in (TLP, IEP)]
    categories = tuple({c for p in parts if p.policy in (TLP, IEP, PUBLIC) for c in p.categories})
    persons = {level: tuple(n for p in tlp if p.classification == level for n in p.persons) for level in TLP_ORDER}
    communities = {
        level: next((p.community for p in tlp if p.classification == level and p.community), None)
        for level in TLP_ORDER
    }
    merged = [
        Part(p.policy, p.classification, categories, p.community or communities.get(p.classification),
             persons.get(p.classification, p.persons), p.originator, p.starts, p.ends)
        for p in tlp
    ]  # fmt: skip
    others = [p for p in parts if p.policy not in (TLP, IEP) and (p.policy, p.classification) != (PUBLIC, PUBLIC)]
    others = others if tlp else [p for p in parts if p.policy not in (TLP, IEP)]
    return merged + others


def _part(definition: Json, community: str | None) -> Part | None:
    """What one marking definition says of who may see; None for a statement, which says nothing of it."""
    extensions = definition.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    id = str(definition.get("id"))
    known = TLP_1.get(id) or TLP_2.get(id)
    if known is not None:  # by its id, whatever the text at hand says
        return _tlp(TLP, str(known["name"]).partition(":")[2], community)
    stated = [e for e in (TLP_2_EXTENSION, LABEL_EXTENSION, IEP_2_EXTENSION) if e in extensions]
    if len(stated) > 1 or (stated and not isinstance(extensions[stated[0]], dict)):
        return _OWN
    if TLP_2_EXTENSION in extensions:
        return _tlp(TLP, extensions[TLP_2_EXTENSION].get("tlp_2_0"), community)
    if LABEL_EXTENSION in extensions:
        return _own(extensions[LABEL_EXTENSION], community)
    if IEP_2_EXTENSION in extensions:
        return _iep(extensions[IEP_2_EXTENSION], community)
    return None if definition.get("definition_type") == "statement" else _OWN


def _tlp(policy: str, level: object, community: str | None, starts: object = None, ends: object = None) -> Part:
    name = str(level).upper()
    name = "CLEAR" if name == "WHITE" else name
    if name not in TLP_ORDER:
        return _OWN
    try:
        dates = [_date(d) for d in (starts, ends)]
    except (ValueError, TypeError, KizunaError):
        return _OWN
    return Part(policy, name, (), community if name == GREEN else None, (), None, *dates)


def _date(value: object) -> int | None:
    if value is None or isinstance(value, str):
        return moment(value)
    raise TypeError(f"not a date: {value!r}")


def _iep(stated: Any, community: str | None) -> Part:
    if not isinstance(stated, dict):
        return _OWN
    return _tlp(IEP, stated.get("tlp"), community, stated.get("start_date"), stated.get("end_date"))


def _own(stated: Any, community: str | None) -> Part:
    """Kizuna's extension; what is malformed means own organisation only."""
    try:
        policy, classification = str(stated["policy"]), str(stated["classification"])
        categories = tuple(
            Category(str(c["name"]), c["kind"], tuple(str(v) for v in c["values"]))
            for c in stated.get("categories") or ()
        )
        persons = tuple(stated.get("persons") or ())
        if isinstance(stated.get("persons"), str) or not all(isinstance(p, str) for p in persons):
            return _OWN
        if any(c.kind not in ("permissive", "restrictive", "informative") for c in categories):
            return _OWN
    except (KeyError, TypeError, AttributeError):
        return _OWN
    if policy.upper() in (TLP, PUBLIC):
        policy, classification = policy.upper(), classification.upper()
    named = stated.get("community")
    if not isinstance(named, str):
        named = community if (policy, classification) == (TLP, GREEN) else None
    starts, ends = (stated.get(key) for key in ("from", "until"))
    if any(d is not None and type(d) is not int for d in (starts, ends)):
        return _OWN
    return Part(policy, classification, categories, named, persons, None, starts, ends)


def _definition(part: Part, originator: str) -> Json:
    if part.policy == TLP and msgspec.structs.replace(part, originator=None) == Part(TLP, part.classification):
        for definition in TLP_2.values():
            if definition["name"] == f"TLP:{part.classification}":
                return definition
    stated = {
        "policy": part.policy,
        "classification": part.classification,
        "categories": [{"name": c.name, "kind": c.kind, "values": list(c.values)} for c in part.categories],
        **({"community": part.community} if part.community else {}),
        **({"persons": list(part.persons)} if part.persons else {}),
        **({"from": part.starts} if part.starts is not None else {}),
        **({"until": part.ends} if part.ends is not None else {}),
    }
    if not stated["categories"]:
        del stated["categories"]
    name = msgspec.json.encode([originator, stated], order="sorted").decode()
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid5(_NAMESPACE, name)}",
        "created": "2026-01-01T00:00:00.000Z",
        "extensions": {LABEL_EXTENSION: {"extension_type": "property-extension", **stated}},
    }
