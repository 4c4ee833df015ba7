"""What by its form tells of a sensor, a person or a network, in one object: pure, a look at texts and names of properties.

A place is meant for a person to look at: what is not found here may be too much for a partner all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kizuna.stix import BUILTIN
from kizuna.stix.common import EVERY_COMMON, META_TABLES
from kizuna.stix.objects import DOMAIN, RELATIONSHIP
from kizuna.stix.observables import OBSERVABLES
from kizuna.stix.selectors import SELECTOR, Unresolved, resolve
from kizuna.store.words import texts

Json = dict[str, Any]


class Place(NamedTuple):
    """A selector, and why a person should look at what it selects."""

    selector: str
    code: str


_INDEX = re.compile(r"(?<!\.)\[")
_STATED = frozenset(
    {"id", "type", "spec_version", "created", "modified", "lang", "object_marking_refs", "granular_markings"}
)
_DEFINED = {
    kind: EVERY_COMMON | frozenset(table.properties)
    for kind, table in {**DOMAIN, **RELATIONSHIP, **META_TABLES, **OBSERVABLES}.items()
}
_POSITIONS = frozenset(
    {"latitude", "longitude", "precision", "altitude", "lat", "lon", "lng", "geo", "geometry", "coordinates", "mgrs"}
)  # fmt: skip
_ADDRESSES = frozenset({"street_address", "postal_code"})
_WITHIN = frozenset({"internal-host", "internal-address"})
_SOURCE = "external_references["
_DEPTH = 20

_DOT, _AT = r"\[?\.\]?", r"(?:@|\[@\]|\[at\])"
_EMAIL = re.compile(rf"[\w.+-]{{1,64}}{_AT}\w[\w-]{{0,62}}(?:{_DOT}\w[\w-]{{0,62}}){{1,8}}", re.IGNORECASE)
_ACCOUNT = re.compile(
    r"(?<![\\\w])(?!HK)[A-Z][A-Z0-9-]{1,14}\\{1,2}[\w$][\w.$-]{0,63}(?![\w\\])|\\users\\{1,2}[^\\/:*?\"<>|\s']{1,64}"
    r"|/(?:home|Users)/[\w.-]{1,64}|\b(?:account_login|user_id)\b",
)
_PROFILE = re.compile(r"\\users\\{1,2}[^\\/:*?\"<>|\s']{1,64}", re.IGNORECASE)
_IPV4 = re.compile(rf"(?<![\w.])\d{{1,3}}(?:{_DOT}\d{{1,3}}){{3}}(?![\w])", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE | re.ASCII)
_HOST = re.compile(
    rf"(?<![\w.-])(?:[a-z0-9][a-z0-9_-]{{0,62}}{_DOT}){{1,8}}"
    r"(?:local|internal|intranet|lan|corp|home|private|localdomain|home\.arpa)(?![\w-])",
    re.IGNORECASE | re.ASCII,
)
_POINT = re.compile(
    r"(?<![\d.])[-+]?\d{1,2}\.\d{3,10}\s?°?\s?[NS北南]?\s?[,;、/ ]\s?[-+]?[東西EW]?\d{1,3}\.\d{3,10}(?![\d.])"
    r"|\d{1,3}\s?[°度]\s?\d{1,2}\s?['′分]"
)
_INTERNAL = tuple(
    ip_network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)  # fmt: skip


def selector_of(data: Json, path: str) -> str | None:
    """The selector of what stands at a path, or of the least around it that a selector reaches; None for what is never cut.

    Where something was read goes as one: most of what is cut into would be no reference any more.
    """
    selector = _INDEX.sub(".[", path.partition("]")[0] + "]" if path.startswith(_SOURCE) else path)
    while selector:
        if selector.partition(".")[0] in _STATED:
            return None
        if SELECTOR.fullmatch(selector) and selects(data, selector):
            return selector
        selector = selector.rpartition(".")[0]
    return None


def selects(data: Json, selector: str) -> bool:
    """Whether a selector selects something in an object."""
    try:
        resolve(data, selector)
    except Unresolved:
        return False
    return True


def places_of(data: Json) -> Iterator[Place]:
    """Places of an object that tell something by what they are, whatever else is known."""
    for path, code in _paths(data):
        if (selector := selector_of(data, path)) is not None:
            yield Place(selector, code)


def _paths(data: Json) -> Iterator[tuple[str, str]]:
    for path, text in texts(data):
        codes = dict.fromkeys(codes_of(text))
        if path.startswith(_SOURCE) and (codes.keys() & _WITHIN or _is_internal(text)):
            codes = {code: None for code in codes if code not in _WITHIN} | {"internal-source": None}
        yield from ((path, code) for code in codes)
    yield from _positions(data, "", _DEPTH)
    kind = str(data.get("type"))
    if "contact_information" in data:
        yield "contact_information", "contact"
    if kind == "identity" and data.get("identity_class") == "individual":
        yield "name", "person"
    if kind == "user-account":
        yield from ((name, "account") for name in ("account_login", "user_id", "display_name") if name in data)
    yield from (
        (name, "custom-property") for name in data if name.startswith("x_") or name not in _DEFINED.get(kind, data)
    )
    extensions = data.get("extensions")
    for key in extensions if isinstance(extensions, dict) else ():
        if key not in BUILTIN and key.startswith(("extension-definition--", "x-")):
            yield f"extensions.{key}", "custom-property"


def _positions(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, member in value.items():
            here = f"{path}.{key}" if path else key
            if key in _ADDRESSES or key.lower().rpartition("_")[2] in _POSITIONS:
                yield here, "position"
            elif depth:
                yield from _positions(member, here, depth - 1)
    elif isinstance(value, list) and depth:
        for index, member in enumerate(value):
            yield from _positions(member, f"{path}[{index}]", depth - 1)


def codes_of(text: str) -> Iterator[str]:
    """What a text tells by its form: addresses of people, accounts, positions, and what is within a network."""
    if _EMAIL.search(text):
        yield "email"
    if _ACCOUNT.search(text) or _PROFILE.search(text):
        yield "account"
    if any(_within(found[0]) for pattern in (_IPV4, _IPV6) for found in pattern.finditer(text)):
        yield "internal-address"
    if _HOST.search(text):
        yield "internal-host"
    if _POINT.search(text):
        yield "position"


def _within(text: str) -> bool:
    try:
        address = ip_address(text.replace("[", "").replace("]", ""))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in block for block in _INTERNAL)


def _is_internal(text: str) -> bool:
    """Whether a text is an address on a network of one's own: of a host without a domain."""
    try:
        host = urlsplit(text).hostname if "://" in text else None
    except ValueError:
        return False
    return bool(host) and "." not in str(host) and ":" not in str(host)
