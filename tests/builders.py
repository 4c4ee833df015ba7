"""Builders of valid objects with short names; ids are made from the name, so tests can say what they mean."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from kizuna.stix import Item, iter_objects
from kizuna.stix.builtin import LABEL_EXTENSION

SPACE = uuid.UUID("7f3f4f0e-6a2b-4c57-9d0c-1f4c9a3a2b10")
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def named(type: str, name: str) -> str:
    """The id of the object of this name."""
    return f"{type}--{uuid.UUID(bytes=uuid.uuid5(SPACE, name).bytes, version=4)}"


def sdo(type: str, name: str, *, modified: str = "2026-01-01T00:00:00.000Z", **more: Any) -> dict[str, Any]:
    """A domain object."""
    return {
        "type": type, "spec_version": "2.1", "id": named(type, name), "created": "2026-01-01T00:00:00.000Z",
        "modified": modified, "name": name, **more,
    }  # fmt: skip


def identity(name: str, **more: Any) -> dict[str, Any]:
    """An organisation."""
    return sdo("identity", name, identity_class="organization", **more)


def campaign(name: str, **more: Any) -> dict[str, Any]:
    """A campaign: nothing but a name."""
    return sdo("campaign", name, **more)


def report(name: str, refs: Iterable[dict[str, Any] | str], **more: Any) -> dict[str, Any]:
    """A report of other objects."""
    ids = [ref if isinstance(ref, str) else ref["id"] for ref in refs]
    return sdo("report", name, published="2026-01-01T00:00:00Z", object_refs=ids, report_types=["campaign"], **more)


def relationship(source: dict[str, Any], kind: str, target: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A relationship."""
    made = sdo("relationship", f"{source['id']} {kind} {target['id']}", relationship_type=kind, **more)
    del made["name"]
    return {**made, "source_ref": source["id"], "target_ref": target["id"]}


def definition(name: str, **stated: Any) -> dict[str, Any]:
    """A marking definition of Kizuna's extension."""
    extension = {"extension_type": "property-extension", "policy": "TLP", "classification": "GREEN", **stated}
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": named("marking-definition", name),
        "created": "2026-01-01T00:00:00.000Z", "name": name, "extensions": {LABEL_EXTENSION: extension},
    }  # fmt: skip


def items(*objects: dict[str, Any]) -> list[Item]:
    """The objects as they would be read from a bundle."""
    return list(
        iter_objects(json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}).encode())
    )
