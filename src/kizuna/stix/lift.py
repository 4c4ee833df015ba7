"""STIX 2.0 to 2.1: what was renamed, split or made required between the two (STIX 2.1 appendix "Migration" notes, section 1.6)."""

from __future__ import annotations

import uuid
from typing import Any

from .ids import sco_id

Json = dict[str, Any]

_VERSIONED = frozenset(
    {
        "attack-pattern", "campaign", "course-of-action", "identity", "indicator", "intrusion-set", "malware", "observed-data",
        "report", "threat-actor", "tool", "vulnerability", "relationship", "sighting",
    }
)  # fmt: skip
# In 2.0 the open vocabulary stood in `labels`; 2.1 gave it a property of its own.
_TYPES = {
    "indicator": "indicator_types",
    "malware": "malware_types",
    "report": "report_types",
    "threat-actor": "threat_actor_types",
    "tool": "tool_types",
}
_NAMESPACE = uuid.UUID("2c5d2a35-7f0e-4f6b-8f4f-0d6a4d2b6a7c")


def is_20(data: Json) -> bool:
    """Whether an object is of STIX 2.0: a versioned one without `spec_version`, which 2.1 requires."""
    if "spec_version" in data:
        return False
    return data.get("type") in _VERSIONED or (
        data.get("type") == "marking-definition" and ("definition" in data or "definition_type" in data)
    )


def lift(data: Json) -> Json:
    """The same object in 2.1. `observed-data` keeps its `objects` here; `lift_all` makes observables of them."""
    kind = data.get("type")
    lifted: Json = {"type": kind, "spec_version": "2.1"} | data
    types = _TYPES.get(str(kind))
    if types is not None and isinstance(data.get("labels"), list):
        lifted.setdefault(types, data["labels"])
        del lifted["labels"]
    if kind == "indicator":
        lifted.setdefault("pattern_type", "stix")
    elif kind == "malware":
        lifted.setdefault("is_family", False)  # 2.0 did not tell families from instances
    elif kind == "identity" and "labels" in lifted:
        lifted.setdefault("roles", lifted.pop("labels"))
    return lifted


def lift_all(data: Json) -> list[Json]:
    """The same object in 2.1, with the cyber-observables of an `observed-data` as objects of their own before it."""
    lifted = lift(data)
    objects = data.get("objects")
    if data.get("type") != "observed-data" or not isinstance(objects, dict):
        return [lifted]
    ids = _ids(objects, str(data.get("id")))
    observables = [_observable(member, ids) for member in objects.values() if isinstance(member, dict)]
    for observable, key in zip(observables, [k for k, v in objects.items() if isinstance(v, dict)], strict=True):
        observable["id"] = ids[key]
    del lifted["objects"]
    lifted["object_refs"] = [ids[key] for key in objects if key in ids] or lifted.get("object_refs", [])
    marks = {key: data[key] for key in ("object_marking_refs",) if key in data}
    unique = {observable["id"]: observable | marks for observable in observables}
    return [*unique.values(), lifted]


def _ids(objects: Json, owner: str) -> dict[str, str]:
    """Ids for the members of an `objects` dictionary; members may refer to one another, in a circle at worst."""
    ids: dict[str, str] = {}
    pending = [key for key, member in objects.items() if isinstance(member, dict)]
    # Deterministic ids rest on the ids of what is referred to: first the members without references, then theirs.
    for _ in range(len(pending) + 1):
        later = []
        for key in pending:
            if _ready(objects[key], ids, objects):
                observable = _observable(objects[key], ids)
                ids[key] = sco_id(observable) or _own_id(observable, owner, key)
            else:
                later.append(key)
        if not later or len(later) == len(pending):
            break
        pending = later
    for key in pending:
        if key not in ids:
            ids[key] = _own_id(objects[key], owner, key)
    return ids


def _ready(member: Json, ids: dict[str, str], objects: Json) -> bool:
    return all(target in ids or target not in objects for target in _targets(member))


def _targets(value: Any) -> list[str]:
    found: list[str] = []
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        if isinstance(key, str) and key.endswith("_ref") and isinstance(member, str):
            found.append(member)
        elif isinstance(key, str) and key.endswith("_refs") and isinstance(member, list):
            found += [target for target in member if isinstance(target, str)]
        elif isinstance(member, (dict, list)):
            found += _targets(member)
    return found


def _own_id(member: Json, owner: str, key: str) -> str:
    return f"{member.get('type')}--{uuid.UUID(bytes=uuid.uuid5(_NAMESPACE, f'{owner} {key}').bytes, version=4)}"


def _observable(member: Json, ids: dict[str, str]) -> Json:
    """A member as an observable of 2.1: keys become ids; e-mail and file properties that were renamed follow."""
    made: Json = {"type": member.get("type"), "spec_version": "2.1", "id": ""} | _referring(member, ids)
    del made["id"]
    kind = member.get("type")
    if kind == "file":
        for old in ("is_encrypted", "encryption_algorithm", "decryption_key"):
            made.pop(old, None)  # gone in 2.1, without a successor on files
        for old, new in (("created", "ctime"), ("modified", "mtime"), ("accessed", "atime")):
            if old in made:
                made[new] = made.pop(old)
    elif kind == "directory":
        for old, new in (("created", "ctime"), ("modified", "mtime"), ("accessed", "atime")):
            if old in made:
                made[new] = made.pop(old)
    elif kind == "process":
        if "created" in made:
            made["created_time"] = made.pop("created")
        for old in ("name", "arguments", "binary_ref"):
            if old == "binary_ref" and old in made:
                made["image_ref"] = made.pop(old)
            else:
                made.pop(old, None)
    elif kind == "windows-registry-key" and "modified" in made:
        made["modified_time"] = made.pop("modified")
    elif kind == "user-account" and "password_last_changed" in made:
        made["credential_last_changed"] = made.pop("password_last_changed")
    return made


def _referring(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_referring(member, ids) for member in value]
    if not isinstance(value, dict):
        return value
    made: Json = {}
    for key, member in value.items():
        if key.endswith("_ref") and isinstance(member, str):
            made[key] = ids.get(member, member)
        elif key.endswith("_refs") and isinstance(member, list):
            made[key] = [ids.get(target, target) if isinstance(target, str) else target for target in member]
        else:
            made[key] = _referring(member, ids)
    return made
