"""Values with a form of their own, by the name the tables use for them (`Special`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import charsets, vocab
from .content import PROPERTY_NAME, dictionary_key, walk
from .found import Finder, Found, mismatch, quote, shift
from .properties import Special
from .selectors import SELECTOR
from .values import language_fault, register, remembering

Fault = Callable[[str], str | None]

_PLAIN_NAME = re.compile(r"[^\sA-Z_]+")
_PRODUCT = re.compile(r"[a-z0-9-]+")
_RELATIONSHIP_TYPE = re.compile(r"[a-z0-9-]+")
_MIME_TYPE = re.compile(r"[a-zA-Z0-9!#$&^_.+-]{1,127}/[a-zA-Z0-9!#$&^_.+-]{1,127}(?:;.*)?", re.DOTALL)
_ARTIFACT_MIME_TYPE = re.compile(
    r"(?:application|audio|font|image|message|model|multipart|text|video)/[a-zA-Z0-9.+_-]+(?:;.*)?", re.DOTALL
)
_PROTOCOL = re.compile(r"[a-z0-9](?:[a-z0-9._/+-]*[a-z0-9+])?")
_HIVE = re.compile(r"(?:HKLM|HKCC|HKCR|HKCU|HKU)(?:\\|\Z)", re.IGNORECASE)
_SOCKET_OPTION = re.compile(r"(?:SO|ICMP|ICMP6|IP|IPV6|MCAST|TCP|IRLMP)(?:_[A-Z0-9]+)+")
_EXIF_TAG = re.compile(r"[A-Z][a-zA-Z0-9_-]+")

# NISTIR 7695 section 6.2: eleven components after cpe:2.3, special characters escaped.
_CPE_PART = r"(?:[?]*|\*?)(?:[a-zA-Z0-9\-._]|\\[\\*?!\"#$%&'()+,/:;<=>@\[\]^`{|}~.\-_])+(?:[?]*|\*?)|[*\-]"
_CPE = re.compile(
    rf"cpe:2\.3:[aho*\-](?::(?:{_CPE_PART})){{5}}:(?:[a-zA-Z]{{2,3}}(?:-(?:[a-zA-Z]{{2}}|\d{{3}}))?|[*\-])(?::(?:{_CPE_PART})){{4}}"
)
_MAX_CPE = 1024


def _form(rule: str, wanted: str, fault: Fault) -> Callable[[str, str], Finder]:
    """A string that `fault` finds nothing wrong with."""
    return lambda path, section: remembering(rule, wanted, path, section, fault, mistyped="string")


def _matches(form: re.Pattern[str], message: str, limit: int = 4096) -> Fault:
    return lambda text: None if len(text) <= limit and form.fullmatch(text) else message


def _entries(member: Callable[[str, Any, list[Found]], None], wanted: str) -> Callable[[str, str], Finder]:
    """A non-empty dictionary whose entries `member` looks at, one by one."""

    def builder(path: str, section: str) -> Finder:
        def check(value: Any, found: list[Found]) -> None:
            if not isinstance(value, dict):
                found.append(mismatch("dictionary", wanted, value, path, section))
                return
            if not value:
                found.append(("dictionary-empty", path, "a dictionary has at least one entry", section))
            for key, entry in value.items():
                start = len(found)
                member(key, entry, found)
                if len(found) != start:
                    shift(found, start, f"{path}.{key}")

        return check

    return builder


def _text_or_integer(rule: str) -> Callable[[str, Any, list[Found]], None]:
    def member(key: str, value: Any, found: list[Found]) -> None:
        dictionary_key(key, found, lowercase=False)
        if value.__class__ not in (str, int):
            found.append(mismatch(rule, "a string or an integer", value, "", ""))

    return member


def _exif(key: str, value: Any, found: list[Found]) -> None:
    _text_or_integer("image-tag")(key, value, found)
    if not _EXIF_TAG.fullmatch(key):
        found.append(("image-tag", "", f"{quote(key)} does not begin with a capital", ""))


def _pdf_info(key: str, value: Any, found: list[Found]) -> None:
    dictionary_key(key, found, lowercase=False)
    if not isinstance(value, str):
        found.append(mismatch("string", "a string", value, "", ""))
    if key not in vocab.PDF_INFO:
        found.append(("pdf-info", "", f"{quote(key)} is no entry of a PDF document information dictionary", ""))


def _header(key: str, value: Any, found: list[Found]) -> None:
    dictionary_key(key, found, lowercase=False)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        found.append(mismatch("http-header", "a list of strings", value, "", ""))
    elif not value:
        found.append(("list-empty", "", "a list has at least one element, or is left out", ""))


_OWN_HEADERS = vocab.words(
    "date received_lines content_type from_ref sender_ref to_refs cc_refs bcc_refs subject message_id"
)
_FEWEST = 2


def _email_header(key: str, value: Any, found: list[Found]) -> None:
    dictionary_key(key, found, lowercase=False)
    if key.lower() in _OWN_HEADERS:
        found.append(("email-header-name", "", f"{key} has a property of its own", ""))
    if isinstance(value, list):
        if len(value) < _FEWEST or not all(isinstance(item, str) for item in value):
            found.append(("email-header-value", "", "expected a string, or a list of two or more strings", ""))
    elif not isinstance(value, str):
        found.append(mismatch("email-header-value", "a string, or a list of two or more strings", value, "", ""))


def _socket_option(key: str, value: Any, found: list[Found]) -> None:
    if not _SOCKET_OPTION.fullmatch(key):
        found.append(("socket-option", "", f"{quote(key)} is no socket option", ""))
    if value.__class__ is not int:
        found.append(mismatch("socket-option", "an integer", value, "", ""))


_STARTUP_TEXTS = vocab.words("lpDesktop lpTitle dwFillAttribute dwFlags wShowWindow hStdInput hStdOutput hStdError")
_STARTUP_NUMBERS = vocab.words("cb dwX dwY dwXSize dwYSize dwXCountChars dwYCountChars cbReserved2")


def _startup_info(key: str, value: Any, found: list[Found]) -> None:
    if key in _STARTUP_TEXTS:
        if not isinstance(value, str):
            found.append(mismatch("startup-info", "a string", value, "", ""))
    elif key in _STARTUP_NUMBERS:
        if value.__class__ is not int or (key == "cbReserved2" and value != 0):
            found.append(mismatch("startup-info", "an integer (cbReserved2: 0)", value, "", ""))
    else:  # lpReserved and lpReserved2 are null in the schema, and null is no value
        found.append(("startup-info", "", f"{quote(key)} is no field of STARTUPINFO that has a value", ""))


def _contents(key: str, value: Any, found: list[Found]) -> None:
    """One language of a language-content object (section 7.1)."""
    if (message := language_fault(key)) is not None:
        found.append(("language", "", f"{quote(key)}: {message}", "7.1"))
    if not isinstance(value, dict):
        found.append(mismatch("contents-property", "property names with their translations", value, "", "7.1"))
    elif not value:
        found.append(("dictionary-empty", "", "a dictionary has at least one entry", "7.1"))
    else:
        for name, text in value.items():
            start = len(found)
            if not PROPERTY_NAME.fullmatch(name):
                found.append(("contents-property", "", f"{quote(name)} is no property name", ""))
            walk(text, found)
            shift(found, start, name)


_SPECIAL: dict[str, Callable[[str, str], Finder]] = {
    "kill-chain-name": _form(
        "kill-chain-name", "a name", _matches(_PLAIN_NAME, "names of kill chains are lowercase, with hyphens")
    ),
    "analysis-product": _form(
        "malware-analysis-product", "a name", _matches(_PRODUCT, "a product is lowercase, with hyphens")
    ),
    "country": _form(
        "location-country",
        "a country code",
        lambda text: None if text.upper() in vocab.COUNTRIES else "a country is an ISO 3166-1 alpha-2 code",
    ),
    "relationship-type": _form(
        "relationship-type", "a relationship type", _matches(_RELATIONSHIP_TYPE, "only a-z, 0-9 and hyphen")
    ),
    "mime-type": _form("mime-type", "a MIME type", _matches(_MIME_TYPE, "a MIME type is written type/subtype")),
    "artifact-mime-type": _form(
        "artifact-mime-type", "a MIME type", _matches(_ARTIFACT_MIME_TYPE, "an IANA type, a slash and a subtype")
    ),
    "charset": _form(
        "charset",
        "a character set",
        lambda text: None if text.lower() in charsets.NAMES else "not in the IANA character set registry",
    ),
    "protocol": _form("traffic-protocol", "a protocol", _matches(_PROTOCOL, "protocols are lowercase IANA names")),
    "registry-key": _form(
        "registry-key", "a registry key", lambda text: "write the hive in full" if _HIVE.match(text) else None
    ),
    "cpe": _form("cpe", "a CPE", _matches(_CPE, "a CPE 2.3 formatted string is expected", _MAX_CPE)),
    "windows-priority": _form(
        "windows-priority", "a priority", lambda text: None if text.endswith("_CLASS") else "it should end in _CLASS"
    ),
    "property-name": _form("property-name", "a property name", _matches(PROPERTY_NAME, "no property name")),
    "extension-type": _form(
        "enum",
        "an extension type",
        lambda text: None if text in vocab.ENUMERATIONS["extension-type-enum"] else "not in extension-type-enum",
    ),
    "selector": _form("selector-syntax", "a selector", _matches(SELECTOR, "a path such as labels.[0] is expected")),
    "ipfix": _entries(_text_or_integer("traffic-ipfix"), "a dictionary"),
    "exif": _entries(_exif, "a dictionary"),
    "pdf-info": _entries(_pdf_info, "a dictionary"),
    "http-headers": _entries(_header, "a dictionary"),
    "email-headers": _entries(_email_header, "a dictionary"),
    "socket-options": _entries(_socket_option, "a dictionary"),
    "startup-info": _entries(_startup_info, "a dictionary"),
    "contents": _entries(_contents, "a dictionary by language"),
}


def add(name: str, builder: Callable[[str, str], Finder]) -> None:
    """Add a form that needs other parts of the language; called once, from `tables`."""
    _SPECIAL[name] = builder


def _build(kind: Special, path: str, section: str) -> Finder:
    return _SPECIAL[kind.name](path, section)


register(Special, _build)
