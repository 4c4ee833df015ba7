"""From STIX 2.0 to 2.1 (STIX 2.1 appendix C, differences from earlier versions). The 2.0 text is kept beside by the store.

What 2.1 has no property for is dropped or named `x_…`, and each cyber-observable inside of an observed-data becomes an
object of its own that carries every mark which covered it there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

from .ids import sco_id
from .selectors import Unresolved, resolve
from .vocab import VOCABULARIES, words

Json = dict[str, Any]

_TYPES_20 = words(
    """attack-pattern campaign course-of-action identity indicator intrusion-set malware marking-definition observed-data
    relationship report sighting threat-actor tool vulnerability"""
)
# In 2.0 the labels of these types came from a vocabulary; 2.1 moved that into a property of its own (sections 4.*).
_TYPED_LABELS = {
    "indicator": ("indicator_types", "indicator-type-ov"),
    "malware": ("malware_types", "malware-type-ov"),
    "report": ("report_types", "report-type-ov"),
    "threat-actor": ("threat_actor_types", "threat-actor-type-ov"),
    "tool": ("tool_types", "tool-type-ov"),
}
_FILE_TIMES = {"created": "ctime", "modified": "mtime", "accessed": "atime"}
_RENAMED: dict[str, dict[str, str]] = {
    "file": {
        **_FILE_TIMES,
        "is_encrypted": "x_is_encrypted",
        "encryption_algorithm": "x_encryption_algorithm",
        "decryption_key": "x_decryption_key",
    },
    "directory": _FILE_TIMES,
    "process": {"created": "created_time", "binary_ref": "image_ref", "name": "x_name", "arguments": "x_arguments"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
# Marks times observables inside, and selectors: beyond it all stays inside, as 2.1 still allows, and does not grow a thousandfold.
_MOST_MARKS = 100_000
_MOST_SELECTORS = 1_000
# Properties of predefined extensions that 2.1 left out, and one that it respelled.
_EXTENSIONS_WITHOUT = {
    "archive-ext": ("version",),
    "raster-image-ext": ("image_compression_algorithm",),
    "socket-ext": ("protocol_family",),
}


def is_20(data: Json) -> bool:
    """Whether an object is STIX 2.0: it says so, or is of a 2.0 type and says nothing (section 3.2, spec_version)."""
    kind = data.get("type")
    if not isinstance(kind, str):
        return False
    version = data.get("spec_version")
    if version is not None:
        return bool(version == "2.0")
    return kind in _TYPES_20 or (kind[:2] == "x-" and "created" in data)


def lift(data: Json) -> Json:
    """The 2.1 form of a 2.0 object, without the cyber-observables that were inside of it; see `lift_all`."""
    return lift_all(data)[0]


def lift_all(data: Json) -> list[Json]:
    """The 2.1 form of a 2.0 object, then the cyber-observables that were inside of it. `data` is not changed.

    What is not understood stays as it is, for the check to complain about.
    """
    kind = data.get("type")
    lifted = {"type": kind, "spec_version": "2.1"} | {
        k: v for k, v in data.items() if k not in ("type", "spec_version")
    }
    if not isinstance(kind, str):
        return [lifted]
    if kind in _TYPED_LABELS:
        _move_labels(lifted, *_TYPED_LABELS[kind])
    if kind == "identity" and "labels" in lifted and "roles" not in lifted:
        lifted["roles"] = lifted.pop("labels")
    elif kind == "indicator":
        lifted.setdefault("pattern_type", "stix")
        if lifted["pattern_type"] == "stix":
            lifted.setdefault("pattern_version", "2.0")
    elif kind == "malware":
        # 2.0 described samples and families alike; a sample would be a claim that nobody made.
        lifted.setdefault("is_family", True)
    elif kind == "marking-definition":
        _name_tlp(lifted)
    elif kind == "observed-data" and _has_observables(data) and _bearable(data):
        return _lift_observed_data(lifted)
    return [lifted]


def _move_labels(lifted: Json, name: str, vocabulary: str) -> None:
    labels = lifted.get("labels")
    if name in lifted or not isinstance(labels, list):
        return
    known = [one for one in labels if isinstance(one, str) and one in VOCABULARIES[vocabulary]]
    if not known:
        return
    lifted[name] = known
    rest = [one for one in labels if one not in known]
    if rest:
        lifted["labels"] = rest
    else:
        del lifted["labels"]


def _name_tlp(lifted: Json) -> None:
    definition = lifted.get("definition")
    level = definition.get("tlp") if isinstance(definition, dict) else None
    if lifted.get("definition_type") == "tlp" and isinstance(level, str):
        lifted.setdefault("name", f"TLP:{level.upper()}")


def _has_observables(data: Json) -> bool:
    objects = data.get("objects")
    return (
        isinstance(objects, dict)
        and bool(objects)
        and all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in objects.values())
    )


def _bearable(data: Json) -> bool:
    whole, granular = data.get("object_marking_refs"), data.get("granular_markings")
    marks = [one.get("selectors") for one in (granular if isinstance(granular, list) else ()) if isinstance(one, dict)]
    selectors = [selector for selected in marks if isinstance(selected, list) for selector in selected]
    each = (len(whole) if isinstance(whole, list) else 0) + selectors.count("objects")
    return each * len(data["objects"]) <= _MOST_MARKS and len(selectors) <= _MOST_SELECTORS


def _lift_observed_data(lifted: Json) -> list[Json]:
    objects: dict[str, Json] = lifted.pop("objects")
    observables = _Observables(str(lifted.get("id")), objects).lifted()
    keys = list(objects)
    lifted["object_refs"] = list(dict.fromkeys(observables[key]["id"] for key in keys))
    _hand_on_marks(lifted, objects, observables)
    return [lifted, *{one["id"]: one for one in observables.values()}.values()]


class _Observables:
    """The cyber-observables of one observed-data; each gets its id after those it points at."""

    def __init__(self, owner: str, objects: dict[str, Json]) -> None:
        self._owner = owner
        self._objects = objects
        self._done: dict[str, Json] = {}

    def lifted(self) -> dict[str, Json]:
        """The 2.1 objects by their keys in the 2.0 one. An own stack: hostile chains cost no frames."""
        entered: set[str] = set()
        ids: dict[str, str] = {}
        for first in self._objects:
            stack = [] if first in entered else [self._enter(first, entered)]
            while stack:
                key, targets = stack[-1]
                target = next((one for one in targets if one not in entered), None)
                if target is not None:
                    stack.append(self._enter(target, entered))
                    continue
                stack.pop()
                self._done[key] = self._lift(key, ids)
                ids[key] = self._done[key]["id"]
        for key, one in self._done.items():
            # A reference that closes a cycle was not known above: it is filled in now and does not count for the id.
            self._done[key] = _with_ids(one, ids)
        return {key: self._done[key] for key in self._objects}

    def _enter(self, key: str, entered: set[str]) -> tuple[str, Iterator[str]]:
        """A frame of the stack: what is still to be looked at from here, each once however often it is named."""
        entered.add(key)
        targets = [one for one in _targets(self._objects[key]) if one in self._objects]
        return key, iter(dict.fromkeys(reversed(targets)))

    def _lift(self, key: str, ids: dict[str, str]) -> Json:
        body: Json = _with_ids(_rename(self._objects[key]), ids)
        closed = not any(target in self._objects for target in _targets(body))
        identifier = sco_id(body) if closed else None
        head = {"type": body["type"], "spec_version": "2.1", "id": identifier or self._own_id(key, body["type"])}
        return body | head

    def _own_id(self, key: str, kind: str) -> str:
        """The same id at each import, in the shape of a UUIDv4: nothing in the object determines one."""
        seed = hashlib.sha256(f"{self._owner}\n{key}".encode()).digest()
        return f"{kind}--{uuid.UUID(bytes=seed[:16], version=4)}"


def _targets(value: Any) -> Iterator[str]:
    """The keys that the references in an observable name."""
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value.items())
        elif isinstance(value, list):
            stack.extend((name, one) for one in value)
        elif isinstance(value, str) and name.endswith(("_ref", "_refs")):
            yield value


def _with_ids(value: Any, ids: dict[str, str], name: str = "") -> Any:
    """A copy in which references name ids instead of keys."""
    if isinstance(value, dict):
        return {key: _with_ids(member, ids, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_ids(member, ids, name) for member in value]
    if isinstance(value, str) and name.endswith(("_ref", "_refs")):
        return ids.get(value, value)
    return value


def _rename(observable: Json) -> Json:
    kind = observable["type"]
    names = _RENAMED.get(kind, {})
    lifted = {names.get(key, key): value for key, value in observable.items()}
    if isinstance(lifted.get("hashes"), dict):
        lifted["hashes"] = {_HASHES.get(key, key): value for key, value in lifted["hashes"].items()}
    if isinstance(lifted.get("extensions"), dict):
        lifted["extensions"] = {key: _rename_extension(key, value) for key, value in lifted["extensions"].items()}
    return lifted


_HASHES = {"ssdeep": "SSDEEP"}


def _rename_extension(name: str, extension: Any) -> Any:
    if not isinstance(extension, dict):
        return extension
    lifted = {key: value for key, value in extension.items() if key not in _EXTENSIONS_WITHOUT.get(name, ())}
    if name == "http-request-ext" and "request_header" in lifted:
        lifted["request_header"] = _listed(lifted["request_header"])
    if name == "windows-process-ext" and "windows_title" in lifted:
        lifted["window_title"] = lifted.pop("windows_title")
    return lifted


def _listed(fields: Any) -> Any:
    """Header fields, which 2.1 gives as lists of texts."""
    if not isinstance(fields, dict):
        return fields
    return {key: [value] if isinstance(value, str) else value for key, value in fields.items()}


def _hand_on_marks(lifted: Json, objects: dict[str, Json], observables: dict[str, Json]) -> None:
    """Marks of the observed-data cover what was inside of it, and so does each granular mark that selected it there."""
    whole = lifted.get("object_marking_refs")
    for observable in observables.values():
        if isinstance(whole, list):
            own = observable.get("object_marking_refs", [])
            observable["object_marking_refs"] = whole + own if isinstance(own, list) else own
    marks = lifted.get("granular_markings")
    if not isinstance(marks, list):
        return
    places = {id: place for place, id in enumerate(lifted["object_refs"])}
    kept = []
    for mark in marks:
        selectors = mark.get("selectors") if isinstance(mark, dict) else None
        if not isinstance(selectors, list):
            kept.append(mark)
            continue
        own = []
        for selector in selectors:
            own.extend(_hand_on(mark, selector, objects, observables, places))
        if own:
            kept.append({**mark, "selectors": own})
    if kept:
        lifted["granular_markings"] = kept
    else:
        del lifted["granular_markings"]


def _hand_on(
    mark: Json, selector: Any, objects: dict[str, Json], observables: dict[str, Json], places: dict[str, int]
) -> list[Any]:
    """Put a mark on the observables that its selector names; the selectors that stay on the observed-data."""
    first, _, rest = selector.partition(".") if isinstance(selector, str) else ("", "", "")
    if first != "objects":
        return [selector]
    if not rest:
        for observable in observables.values():
            _mark_whole(observable, mark)
        return ["object_refs"]
    key, _, inner = rest.partition(".")
    if key not in observables:
        return ["object_refs"]  # it names nothing: everything is the safe reading
    if not inner:
        _mark_whole(observables[key], mark)
        return [f"object_refs.[{places[observables[key]['id']]}]"]
    name, dot, deeper = inner.partition(".")
    name = _RENAMED.get(objects[key]["type"], {}).get(name, name)
    _mark_part(observables[key], mark, f"{name}{dot}{deeper}")
    return []


def _mark_whole(observable: Json, mark: Json) -> None:
    ref, refs = mark.get("marking_ref"), observable.setdefault("object_marking_refs", [])
    if isinstance(ref, str) and isinstance(refs, list) and ref not in refs:
        refs.append(ref)


def _mark_part(observable: Json, mark: Json, selector: str) -> None:
    try:
        resolve(observable, selector)
    except Unresolved:
        _mark_whole(observable, mark)  # renamed on the way: the whole object is the safe reading
        return
    marks = observable.setdefault("granular_markings", [])
    if isinstance(marks, list):
        marks.append({**mark, "selectors": [selector]})
