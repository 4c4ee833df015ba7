"""Identifiers `type--UUID` and the deterministic ids of cyber-observables (sections 2.9 and 3.4)."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from .canonical import canonical

SCO_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")

UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
_UUID_LENGTH = 36

TYPE_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?")
SHORTEST_TYPE, LONGEST_TYPE = 3, 250

_REMEMBERED = 1024
_type_names: set[str] = set()

_HASH_ORDER = ("MD5", "SHA-1", "SHA-256", "SHA-512")

CONTRIBUTING: dict[str, tuple[str, ...]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "parent_directory_ref", "extensions"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": ("start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}
"""The id-contributing properties of each cyber-observable; a process has none and takes a UUIDv4."""


def type_of(identifier: str) -> str | None:
    """The type an identifier names, or None when it is no identifier."""
    name = identifier[: -_UUID_LENGTH - 2]
    if identifier[len(name) : len(name) + 2] != "--" or not UUID.fullmatch(identifier, len(name) + 2):
        return None
    return name if name in _type_names or is_type_name(name) else None


def is_type_name(name: str) -> bool:
    """Whether this may be the name of a type of object (section 3.1)."""
    if not (SHORTEST_TYPE <= len(name) <= LONGEST_TYPE and TYPE_NAME.fullmatch(name)):
        return False
    if len(_type_names) >= _REMEMBERED:
        _type_names.clear()
    _type_names.add(name)
    return True


def sco_id(data: Mapping[str, Any]) -> str | None:
    """The UUIDv5 id a cyber-observable should have; None for other types or when nothing contributes.

    Raises InvalidInput for content that is no I-JSON.
    """
    kind = data.get("type")
    if not isinstance(kind, str):
        return None
    parts = {name: data[name] for name in CONTRIBUTING.get(kind, ()) if name in data}
    if "hashes" in parts:
        parts["hashes"] = _one_hash(parts["hashes"])
    if not parts:
        return None
    return f"{kind}--{_uuid5(canonical(parts))}"


def _uuid5(name: bytes) -> str:
    """RFC 9562 section 5.5, without the object that `uuid.uuid5` builds on the way."""
    octets = bytearray(hashlib.sha1(SCO_NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _one_hash(hashes: Any) -> Any:
    """One hash stands for all: the first of MD5, SHA-1, SHA-256, SHA-512, else the first by name."""
    if not isinstance(hashes, dict) or not hashes:
        return hashes
    chosen = next((name for name in _HASH_ORDER if name in hashes), min(hashes))
    return {chosen: hashes[chosen]}
