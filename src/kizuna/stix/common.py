"""The types of STIX 2.1, their common properties, and the structures many of them share (sections 2, 3 and 7)."""

from __future__ import annotations

from .properties import (
    BOOLEAN,
    HASHES,
    TEXT,
    TEXTS,
    URL,
    Dictionary,
    Extensions,
    Integer,
    Kind,
    Language,
    ListOf,
    Ref,
    Special,
    Struct,
    Table,
    Timestamp,
    ref,
    refs,
    table,
)
from .vocab import words

SDO = words(
    """attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set
    location malware malware-analysis note observed-data opinion report threat-actor tool vulnerability"""
)
SCO = words(
    """artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex
    network-traffic process software url user-account windows-registry-key x509-certificate"""
)
SRO = frozenset(("relationship", "sighting"))
META = frozenset(("marking-definition", "language-content", "extension-definition"))
BUNDLE = frozenset(("bundle",))
TYPES = SDO | SCO | SRO | META

ANY_OBJECT = Ref(denied=BUNDLE)
"""A reference to any STIX object; a bundle is none."""

_MILLISECONDS = Timestamp("milliseconds")
KILL_CHAIN_PHASES = ListOf(Struct("kill-chain-phase"))

# The type chooses the table, and its own checker looks at the id.
_IDENTITY: dict[str, Kind] = {"type": TEXT, "spec_version": Special("spec-version"), "id": TEXT}
_MARKS: dict[str, Kind] = {
    "object_marking_refs": refs("marking-definition"),
    "granular_markings": ListOf(Struct("granular-marking")),
    "extensions": Extensions(),
}
_PROVENANCE: dict[str, Kind] = {
    "created_by_ref": ref("identity"),
    "created": _MILLISECONDS,
    "modified": _MILLISECONDS,
    "revoked": BOOLEAN,
    "labels": TEXTS,
    "confidence": Integer(0, 100),
    "lang": Language(),
    "external_references": ListOf(Struct("external-reference")),
}

COMMON: dict[str, Kind] = {**_IDENTITY, **_PROVENANCE, **_MARKS}
"""Common properties of domain and relationship objects."""

COMMON_SCO: dict[str, Kind] = {**_IDENTITY, **_MARKS, "defanged": BOOLEAN}
"""Common properties of cyber-observables."""

EVERY_COMMON = frozenset((*COMMON, "defanged"))

REQUIRED = words("type spec_version id created modified")
REQUIRED_SCO = frozenset(("type", "id"))

RESERVED = words("severity username phone_numbers action")
RESERVED_TYPES = frozenset(("action",))


def without(properties: dict[str, Kind], names: str) -> dict[str, Kind]:
    """The properties less some that do not apply."""
    return {name: kind for name, kind in properties.items() if name not in names.split()}


META_TABLES: dict[str, Table] = {
    "marking-definition": table(
        "7.2.1",
        {
            **without(COMMON, "modified revoked labels confidence lang created"),
            "created": Timestamp(),  # no version, so no millisecond rule: the schema asks for none
            "name": TEXT,
            "definition_type": TEXT,
            "definition": Dictionary(),
        },
        required="type spec_version id created",
        rules="marking-definition marking-self",
    ),
    "language-content": table(
        "7.1",
        {
            **without(COMMON, "lang"),
            "object_ref": Ref(denied=BUNDLE | {"language-content"}),
            "object_modified": Timestamp(),
            "contents": Special("contents"),
        },
        required="type spec_version id created modified object_ref contents",
        rules="modified-order",
    ),
    "extension-definition": table(
        "7.3",
        {
            **without(COMMON, "lang confidence"),
            "name": TEXT,
            "description": TEXT,
            "schema": TEXT,
            "version": TEXT,
            "extension_types": ListOf(Special("extension-type")),
            "extension_properties": ListOf(Special("property-name")),
        },
        required="type spec_version id created_by_ref created modified name schema version extension_types",
        rules="modified-order extension-definition",
    ),
}

STRUCTS: dict[str, Table] = {
    "kill-chain-phase": table(
        "2.11",
        {"kill_chain_name": Special("kill-chain-name"), "phase_name": Special("kill-chain-name")},
        required="kill_chain_name phase_name",
    ),
    "external-reference": table(
        "2.5",
        {"source_name": TEXT, "description": TEXT, "url": URL, "hashes": HASHES, "external_id": TEXT},
        required="source_name",
        rules="external-reference",
    ),
    "granular-marking": table(
        "7.2.3",
        {"lang": Language(), "marking_ref": ref("marking-definition"), "selectors": ListOf(Special("selector"))},
        required="selectors",
        rules="granular-marking",
    ),
}
