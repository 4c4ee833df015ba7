"""Definitions built into Kizuna: both TLP families, IEP 2.0 and the extension that carries Kizuna's own labels.

Identifiers and content of the OASIS ones are those of section 7.2.1.4 and of OASIS's STIX common objects (TLP 2.0,
IEP 2.0); references to them always resolve.
"""

from __future__ import annotations

from typing import Any

Definition = dict[str, Any]

TLP_2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
IEP_2_EXTENSION = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
LABEL_EXTENSION = "extension-definition--5d1f7a3e-9c0b-4e0e-8f7b-6b5a0a9c2e41"
"""Kizuna's own: `policy`, `classification`, `categories` ([{name, kind, values}]), `community` and `persons` (`person@organisation`;
a bare name is a person of the organisation whose object it marks)."""

RENDITION_EXTENSION = "extension-definition--b0f6d5c2-2c8e-4c0a-9f35-7d9e1b0c4a63"
"""Kizuna's own, on what is sent in part: `redacted` (top-level properties of which something was cut) and, on its last version,
`successor` (the id that takes its place)."""

NOTICE_EXTENSION = "extension-definition--0a7d2f9b-6f0e-4d57-8a8e-2f4f6c1b9d35"
"""Kizuna's own, on a note from one node to another: `kind`, `recipient` (an organisation), `about` (ids), perhaps `third_party`,
`expires` and `reason`, and `signature` (Ed25519 over the canonical JSON of the note without it, base64)."""

AIRCRAFT_EXTENSION = "extension-definition--6c1e0b7a-95d4-4f0e-8a53-1f2a7d90c6e1"
"""Kizuna's own, on an identity that is an unmanned aircraft or its operator's station: `serial`, `registration`, `operator_id`, `kind`."""

TRACK_EXTENSION = "extension-definition--2d8f4c15-7b3a-4e69-b1c2-90e5d7a8f3b4"
"""Kizuna's own, on observed data: where an aircraft was and when (`geometry`, GeoJSON; `times`; heights by their reference), what it
states of itself and of its operator, the `findings` that speak against it, and of whom it was heard (`receiver`)."""

SENSOR_EXTENSION = "extension-definition--e3a9d0c8-41f6-4b27-9d5e-7c60b2f184a5"
"""Kizuna's own, on an identity that is a receiver: place, accuracy, reach, field of view, and the labels of what it sees."""

ZONE_EXTENSION = "extension-definition--9b7c52e4-0d1f-4a86-8e3b-5f4d16a7c2d9"
"""Kizuna's own, on a location that is a zone for unmanned aircraft: outlines, heights with their reference, times."""

DOUBT_EXTENSION = "extension-definition--74f0a6d3-c25b-4d98-a7e1-3b8c9f05e216"
"""Kizuna's own, on an incident: `doubt` and the `findings` it adds up from, each with `code`, `weight`, `since` and `values`."""

OASIS = "identity--b3bca3c2-1f3d-4b54-b44f-dac42c3a8f01"
KIZUNA = "identity--2f0c0f5e-7d1b-4d0a-9b4f-3c8f1f6f2a10"

_TLP_1 = {
    "white": "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
_TLP_2 = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def _tlp_1(level: str, uuid: str) -> Definition:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid}",
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{level.upper()}",
        "definition": {"tlp": level},
    }


def _tlp_2(level: str, uuid: str) -> Definition:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid}",
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{level.upper()}",
        "extensions": {TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}},
    }


def _extension(identifier: str, creator: str, created: str, name: str, description: str, schema: str) -> Definition:
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": identifier,
        "created_by_ref": creator,
        "created": created,
        "modified": created,
        "name": name,
        "description": description,
        "schema": schema,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


_OASIS_SCHEMAS = "https://github.com/oasis-open/cti-stix-common-objects/tree/main/extension-definition-specifications/"

TLP_1: dict[str, Definition] = {
    definition["id"]: definition for definition in (_tlp_1(level, uuid) for level, uuid in _TLP_1.items())
}
"""The four TLP markings of the standard, by id."""

TLP_2: dict[str, Definition] = {
    definition["id"]: definition for definition in (_tlp_2(level, uuid) for level, uuid in _TLP_2.items())
}
"""The five TLP 2.0 markings of OASIS, by id."""

EXTENSIONS: dict[str, Definition] = {
    TLP_2_EXTENSION: _extension(
        TLP_2_EXTENSION,
        OASIS,
        "2022-10-01T00:00:00.000Z",
        "TLP 2.0",
        "This schema adds TLP 2.0 markings to STIX.",
        _OASIS_SCHEMAS + "tlp-2.0",
    ),
    IEP_2_EXTENSION: _extension(
        IEP_2_EXTENSION,
        OASIS,
        "2022-12-19T00:00:00.000Z",
        "IEP 2.0",
        "This defines IEP 2.0 as a STIX extension",
        _OASIS_SCHEMAS + "iep-marking-definition-762",
    ),
    LABEL_EXTENSION: _extension(
        LABEL_EXTENSION,
        KIZUNA,
        "2026-11-23T00:00:00.000Z",
        "Kizuna label",
        "A label of any policy on a marking definition: policy, classification, categories, community and persons.",
        "https://kizuna.example/schemas/label-1.0.json",
    ),
    RENDITION_EXTENSION: _extension(
        RENDITION_EXTENSION,
        KIZUNA,
        "2026-11-27T00:00:00.000Z",
        "Kizuna rendition",
        "What was cut from an object that is sent in part, and what takes its place later.",
        "https://kizuna.example/schemas/rendition-1.0.json",
    ),
    NOTICE_EXTENSION: _extension(
        NOTICE_EXTENSION,
        KIZUNA,
        "2026-11-27T00:00:00.000Z",
        "Kizuna notice",
        "What one node tells another of objects it sent: withdrawals, requests for consent and consents, signed.",
        "https://kizuna.example/schemas/notice-1.0.json",
    ),
    AIRCRAFT_EXTENSION: _extension(
        AIRCRAFT_EXTENSION,
        KIZUNA,
        "2026-11-28T00:00:00.000Z",
        "Kizuna aircraft",
        "An unmanned aircraft or its operator's station by the names it gives itself.",
        "https://kizuna.example/schemas/aircraft-1.0.json",
    ),
    TRACK_EXTENSION: _extension(
        TRACK_EXTENSION,
        KIZUNA,
        "2026-11-28T00:00:00.000Z",
        "Kizuna track",
        "Where an aircraft was and when, what it states, what speaks against it, and who heard it.",
        "https://kizuna.example/schemas/track-1.0.json",
    ),
    SENSOR_EXTENSION: _extension(
        SENSOR_EXTENSION,
        KIZUNA,
        "2026-11-28T00:00:00.000Z",
        "Kizuna sensor",
        "A receiver: its place, accuracy, reach, field of view, and the labels of what it sees.",
        "https://kizuna.example/schemas/sensor-1.0.json",
    ),
    ZONE_EXTENSION: _extension(
        ZONE_EXTENSION,
        KIZUNA,
        "2026-11-28T00:00:00.000Z",
        "Kizuna zone",
        "A zone for unmanned aircraft: outlines, heights with their reference, times.",
        "https://kizuna.example/schemas/zone-1.0.json",
    ),
    DOUBT_EXTENSION: _extension(
        DOUBT_EXTENSION,
        KIZUNA,
        "2026-11-28T00:00:00.000Z",
        "Kizuna doubt",
        "Why something observed is taken for false: findings with their weights.",
        "https://kizuna.example/schemas/doubt-1.0.json",
    ),
}
"""The extension definitions behind the markings, on renditions, notices and what is seen in the air, by id."""

BUILTIN: dict[str, Definition] = {**TLP_1, **TLP_2, **EXTENSIONS}
"""Every definition built in, by id; not to be changed."""
