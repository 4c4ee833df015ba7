"""Rules that bind several properties of a cyber-observable (sections 3.4 and 6)."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from kizuna.errors import InvalidInput

from .found import Found, quote
from .ids import CONTRIBUTING, sco_id
from .values import url_fault

_VERSION_FROM_END = -22  # the first digit of the third group of a UUID tells its version

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}(?:/(?:3[0-2]|[12]?\d))?", re.ASCII)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_CIDR_6 = re.compile(r"(?:12[0-8]|1[01]\d|[1-9]?\d)", re.ASCII)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)
_WIDE_LABEL = re.compile(r"(?![-.])[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f\s]{1,63}(?<!-)")
_ADDR_SPEC = re.compile(
    r'(?:"(?:[^"\\\r\n]|\\.){0,200}"|[^\s<>()\[\]\\,;:"@]{1,200})@(?:\[[^\[\]\s]{1,200}\]|[^\s<>()\[\]\\,;:"@]{1,255})'
)
_MAX_NAME = 253


def sco_identity(data: dict[str, Any], found: list[Found]) -> None:
    """The id of a cyber-observable follows from its content (section 3.4)."""
    identifier, kind = data.get("id"), data.get("type")
    if not isinstance(identifier, str) or not isinstance(kind, str) or len(identifier) != len(kind) + 38:
        return
    version = identifier[_VERSION_FROM_END]
    contributing = CONTRIBUTING.get(kind)
    if contributing is None:
        if version != "4":
            found.append(("process-id", "id", f"a {kind} should have a UUIDv4", ""))
    elif not any(name in data for name in contributing):
        if version != "4":
            found.append(("id-needs-uuid4", "id", f"without {' or '.join(contributing)} the id is a UUIDv4", ""))
    elif version != "5":
        found.append(("id-uuid5", "id", "the id of a cyber-observable should be a UUIDv5", ""))
    elif (expected := computed_id(data)) is not None and expected != identifier.lower():
        found.append(("sco-id", "id", f"from its properties the id would be {expected}", ""))


def computed_id(data: dict[str, Any]) -> str | None:
    """The deterministic id, or None when the content cannot be written as canonical JSON."""
    try:
        return sco_id(data)
    except InvalidInput:
        return None  # numbers out of range, lone surrogates: other rules report them


def _value(data: dict[str, Any]) -> str | None:
    """The value to look at; a defanged observable is made unreadable on purpose (section 3.2)."""
    value = data.get("value")
    return value if isinstance(value, str) and data.get("defanged") is not True else None


def artifact(data: dict[str, Any], found: list[Found]) -> None:
    """An artifact holds its bytes or says where they are."""
    url = "url" in data
    if url == ("payload_bin" in data):
        found.append(("artifact-content", "$", "either payload_bin or url is needed", ""))
    if url and "hashes" not in data:
        found.append(("artifact-hashes", "$", "an artifact with a url has hashes", ""))
    if "decryption_key" in data and "encryption_algorithm" not in data:
        found.append(("artifact-key", "decryption_key", "a decryption_key comes with an encryption_algorithm", ""))


def domain_name(data: dict[str, Any], found: list[Found]) -> None:
    """RFC 1034 names; labels may hold Unicode (RFC 5890 U-labels) and underscores, as in _dmarc."""
    value = _value(data)
    if value is None:
        return
    labels = value.removesuffix(".").split(".") if len(value) <= _MAX_NAME + 1 else [""]
    form = _LABEL if value.isascii() else _WIDE_LABEL
    if not all(form.fullmatch(label) for label in labels):
        found.append(("domain-name", "value", f"{quote(value)} is no domain name", ""))


def email_address(data: dict[str, Any], found: list[Found]) -> None:
    """An address alone, without the name of its owner."""
    value = _value(data)
    if value is not None and not (len(value) <= 512 and _ADDR_SPEC.fullmatch(value)):
        found.append(("email-address", "value", f"{quote(value)} is no address such as jane@example.com", ""))


def ipv4_address(data: dict[str, Any], found: list[Found]) -> None:
    """One address or a CIDR block."""
    value = _value(data)
    if value is not None and not _IPV4.fullmatch(value):
        found.append(("ipv4-address", "value", f"{quote(value)} is no IPv4 address or CIDR block", ""))


def ipv6_address(data: dict[str, Any], found: list[Found]) -> None:
    """One address, optionally with a zone, or a CIDR block."""
    value = _value(data)
    if value is None:
        return
    address, slash, length = value.partition("/")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        good = False
    else:
        good = not slash or _CIDR_6.fullmatch(length) is not None
    if not good:
        found.append(("ipv6-address", "value", f"{quote(value)} is no IPv6 address or CIDR block", ""))


def mac_address(data: dict[str, Any], found: list[Found]) -> None:
    """Lowercase, colon-separated."""
    value = _value(data)
    if value is not None and not _MAC.fullmatch(value):
        found.append(("mac-address", "value", f"{quote(value)} is no MAC address such as d2:fb:49:24:37:18", ""))


def url(data: dict[str, Any], found: list[Found]) -> None:
    """RFC 3986."""
    value = _value(data)
    if value is not None and (message := url_fault(value)) is not None:
        found.append(("url", "value", f"{quote(value)}: {message}", "6.15"))


def email_body(data: dict[str, Any], found: list[Found]) -> None:
    """One body or many parts, as is_multipart says."""
    multipart = data.get("is_multipart")
    if multipart is True and "body" in data:
        found.append(("email-body", "body", "a multipart message has body_multipart, not body", ""))
    if multipart is False and "body_multipart" in data:
        found.append(("email-body-multipart", "body_multipart", "the message is not multipart", ""))


def email_part(value: dict[str, Any], found: list[Found]) -> None:
    """A MIME part holds its body or refers to it."""
    if ("body" in value) == ("body_raw_ref" in value):
        found.append(("email-part", "", "either body or body_raw_ref is needed", ""))


def file_name_or_hashes(data: dict[str, Any], found: list[Found]) -> None:
    """A file is known by name or by content."""
    if "name" not in data and "hashes" not in data:
        found.append(("file-name-or-hashes", "$", "hashes or name is needed", ""))


_WITH_PORTS = frozenset(("tcp", "udp", "sctp", "dccp"))


def traffic(data: dict[str, Any], found: list[Found]) -> None:
    """Network traffic has an end point; what has ended is not active."""
    if "src_ref" not in data and "dst_ref" not in data:
        found.append(("traffic-endpoint", "$", "src_ref or dst_ref is needed", ""))
    if "end" in data and data.get("is_active") is True:
        found.append(("traffic-active", "is_active", "traffic with an end is not active", ""))
    protocols = data.get("protocols")
    if "src_port" not in data and "dst_port" not in data and isinstance(protocols, list):
        named = next((name for name in protocols if isinstance(name, str) and name in _WITH_PORTS), None)
        if named is not None:
            found.append(("traffic-ports", "$", f"src_port and dst_port should be given for {named}", ""))
