"""One normal form for each kind of observed value, so that the same thing written differently is found as the same.

No function here raises for any text: what is not of its kind keeps its own spelling, without surrounding space.
"""

from __future__ import annotations

import re
import socket
import unicodedata
from collections.abc import Callable

LONGEST = 4096
"""Characters of a value that is brought into normal form; nothing that is looked up is longer."""

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}(?:/(3[0-2]|[12]?[0-9]))?", re.ASCII)
_PREFIX = re.compile(r"[0-9]{1,3}", re.ASCII)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\]]*\]|[^@:]*)(?::([0-9]*))?", re.DOTALL)
# `|(?!)` ends each possessive group: before Python 3.11.5 such a group kept what a failed last turn had read (gh-106052).
_PLAIN_DOMAIN = re.compile(r"(?!xn--)[a-z0-9_-]++(?:\.(?!xn--)[a-z0-9_-]++|(?!))*+")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_NOT_HEX = re.compile(r"[-:.\s]")
_MAC = re.compile(r"[0-9a-f]{12}")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
_HIVES = {
    "hklm": "hkey_local_machine",
    "hkcu": "hkey_current_user",
    "hkcr": "hkey_classes_root",
    "hku": "hkey_users",
    "hkcc": "hkey_current_config",
}
_LONGEST_LABEL = 63
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}


def normalise_value(kind: str, value: str) -> str:
    """The normal form of a value of a kind such as `ipv4-addr`, `domain-name` or `file:sha256`."""
    normalise = _NORMALISERS.get(kind)
    return normalise(value) if normalise is not None and len(value) <= LONGEST else value.strip()


def hash_kind(algorithm: str, owner: str = "file") -> str:
    """The kind of a hash: `file:sha256` for SHA-256, the lower-case name for other algorithms."""
    return f"{owner}:{_HASHES.get(algorithm) or algorithm.lower()}"


def ipv4(value: str) -> str:
    """An address, or a network as `198.51.100.0/24`; `/32` is left out."""
    match = _IPV4.fullmatch(value) or _IPV4.fullmatch(value.strip())
    if match is None:
        return value.strip().lower()
    a, b, c, d, prefix = match.groups()
    if prefix is None or prefix == "32":
        return f"{a}.{b}.{c}.{d}"
    mask = (0xFFFFFFFF << (32 - int(prefix))) & 0xFFFFFFFF
    number = (int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)) & mask
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/{prefix}"


def ipv6(value: str) -> str:
    """The text of RFC 5952, a network with its prefix; `/128` and the zone are left out."""
    text, slash, prefix = value.strip().partition("/")
    try:
        packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return value.strip().lower()
    if not slash or prefix == "128":
        return _ipv6_text(packed)
    if not _PREFIX.fullmatch(prefix) or int(prefix) > 128:
        return value.strip().lower()
    mask = ((1 << 128) - 1) ^ ((1 << (128 - int(prefix))) - 1)
    return f"{_ipv6_text((int.from_bytes(packed) & mask).to_bytes(16))}/{int(prefix)}"


def _ipv6_text(packed: bytes) -> str:
    """RFC 5952 without the dotted form, which platforms use differently."""
    groups = [f"{packed[i] << 8 | packed[i + 1]:x}" for i in range(0, 16, 2)]
    start, length = 0, 1
    i = 0
    while i < 8:
        end = i
        while end < 8 and groups[end] == "0":
            end += 1
        if end - i > length:
            start, length = i, end - i
        i = end + 1
    if length == 1:
        return ":".join(groups)
    return f"{':'.join(groups[:start])}::{':'.join(groups[start + length :])}"


def domain(value: str) -> str:
    """Lower case without the final dot; labels in other scripts as punycode, however they were written."""
    text = value.strip().lower().rstrip(".")
    if _PLAIN_DOMAIN.fullmatch(text):
        return text
    return ".".join(map(_label, _DOTS.sub(".", text).rstrip(".").split(".")))


def _label(label: str) -> str:
    """One label as an A-label. Both spellings pass through the same Unicode form, so they end alike."""
    if len(label) > _LONGEST_LABEL:  # Python's punycode takes quadratic time, and no name has longer labels
        return label
    try:
        plain = label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label
        plain = unicodedata.normalize("NFKC", plain).lower()
        return plain or label if plain.isascii() else "xn--" + plain.encode("punycode").decode("ascii")
    except (UnicodeError, ValueError, OverflowError):
        return label


def url(value: str) -> str:
    """Scheme and host in normal form, no default port, `/` for an empty path; the rest untouched."""
    match = _URL.fullmatch(value.strip())
    authority = _AUTHORITY.fullmatch(match[2]) if match else None
    if match is None or authority is None:
        return value.strip()
    scheme = match[1].lower()
    user, host, port = authority.groups()
    host = f"[{ipv6(host[1:-1])}]" if host[:1] == "[" else domain(host)
    place = host if not port or port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"
    if user is not None:
        place = f"{user}@{place}"
    rest = match[3]
    return f"{scheme}://{place}{rest if rest[:1] == '/' else '/' + rest}"


def email(value: str) -> str:
    """The domain in normal form; before the @ capitals may matter."""
    local, at, host = value.strip().rpartition("@")
    return f"{local}@{domain(host)}" if at else value.strip()


def mac(value: str) -> str:
    """Six lower-case octets with colons."""
    text = value.strip().lower()
    digits = _NOT_HEX.sub("", text)
    if not _MAC.fullmatch(digits):
        return text
    return ":".join((digits[0:2], digits[2:4], digits[4:6], digits[6:8], digits[8:10], digits[10:12]))


def number(value: str) -> str:
    """A number of an autonomous system: `AS64500` and `64500` are the same."""
    text = value.strip()
    digits = text[2:] if text[:2].lower() == "as" else text
    return digits.lstrip("0") or "0" if digits.isascii() and digits.isdigit() else text


def registry_key(value: str) -> str:
    """Lower case, the hive spelled out, no final backslash: Windows does not tell capitals apart."""
    hive, slash, rest = value.strip().lower().rstrip("\\").partition("\\")
    return _HIVES.get(hive, hive) + slash + rest


def serial(value: str) -> str:
    """A serial number of a certificate in lower-case hexadecimal digits without separators."""
    text = _NOT_HEX.sub("", value.lower())
    return text.removeprefix("0x").lstrip("0") or text


def path(value: str) -> str:
    """A directory without its final separator; Windows paths in lower case."""
    text = value.strip()
    if "\\" in text or text[1:2] == ":":
        return text.lower().rstrip("\\/") or text.lower()
    return text.rstrip("/") or text


def lower(value: str) -> str:
    """Lower case, for what does not tell capitals apart."""
    return value.strip().lower()


def upper(value: str) -> str:
    """A name that is written in capitals, whoever typed it."""
    return value.strip().upper()


def every_form(value: str) -> set[str]:
    """The forms a text may be stored in as a value of any kind; its own is among them."""
    return {value.strip(), *(normalise_value(kind, value) for kind in _NORMALISERS)}


_NORMALISERS: dict[str, Callable[[str], str]] = {
    "ipv4-addr": ipv4,
    "ipv6-addr": ipv6,
    "domain-name": domain,
    "url": url,
    "email-addr": email,
    "mac-addr": mac,
    "autonomous-system": number,
    "windows-registry-key": registry_key,
    "directory": path,
    "software:cpe": lower,
    "aircraft:serial": upper,
    "aircraft:registration": upper,
    "aircraft:operator": upper,
    "x509-certificate:serial": serial,
    **{
        f"{owner}:{name}": lower
        for owner in ("file", "x509-certificate")
        for name in ("md5", "sha1", "sha256", "sha512", "sha3-256", "sha3-512", "imphash")
    },
}
"""Kinds that have a normal form of their own; others keep their text."""
