"""What was observed or is looked for: the normalised values of cyber-observables and of indicators' patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .builtin import AIRCRAFT_EXTENSION
from .normal import LONGEST, hash_kind, normalise_value
from .pattern import PatternError, Step, equalities, parse_latest


class ObservedValue(NamedTuple):
    """One value in normal form; `kind` such as `ipv4-addr` or `file:sha256`, `path` the property it came from."""

    kind: str
    value: str
    path: str


Json = dict[str, Any]
Reader = Callable[[Json], Iterable[ObservedValue]]


def observed_values(data: Json) -> list[ObservedValue]:
    """The observed values of a cyber-observable, or those an indicator's pattern compares with by `=` and `IN`.

    Other objects have none. Each (kind, value, path) comes once; values beyond 4,096 characters are left to search.
    """
    kind = data.get("type")
    read = _READERS.get(kind) if type(kind) is str else None
    if read is None:
        return []
    found = [one for one in read(data) if 0 < len(one.value) <= LONGEST]
    return found if len(found) < 2 else list(dict.fromkeys(found))


def observes(kind: str) -> bool:
    """Whether objects of a type have observed values."""
    return kind in _READERS


def _simple(kind: str, name: str = "value") -> Reader:
    """The reader of a type whose one property is the value."""

    def read(data: Json) -> list[ObservedValue]:
        value = data.get(name)
        return [ObservedValue(kind, normalise_value(kind, value), name)] if type(value) is str else []

    return read


def _several(*properties: tuple[str, str]) -> Reader:
    """The reader of a type with several values: pairs of property and kind."""

    def read(data: Json) -> list[ObservedValue]:
        return [
            ObservedValue(kind, normalise_value(kind, data[name]), name)
            for name, kind in properties
            if type(data.get(name)) is str
        ]

    return read


def _hashes(hashes: Any, path: str, owner: str = "file") -> list[ObservedValue]:
    if type(hashes) is not dict:
        return []
    return [
        ObservedValue(kind := hash_kind(name, owner), normalise_value(kind, value), f"{path}.{name}")
        for name, value in hashes.items()
        if type(value) is str
    ]


def _file(data: Json) -> Iterable[ObservedValue]:
    found = _hashes(data.get("hashes"), "hashes")
    found += _FILE_NAME(data)
    extensions = data.get("extensions")
    if type(extensions) is not dict:
        return found
    streams = _member(extensions, "ntfs-ext", "alternate_data_streams")
    for index, stream in enumerate(streams if type(streams) is list else ()):
        if type(stream) is dict:
            place = f"extensions.ntfs-ext.alternate_data_streams[{index}].hashes"
            found += _hashes(stream.get("hashes"), place)
    imphash = _member(extensions, "windows-pebinary-ext", "imphash")
    if type(imphash) is str:
        value = normalise_value("file:imphash", imphash)
        found.append(ObservedValue("file:imphash", value, "extensions.windows-pebinary-ext.imphash"))
    return found


def _member(data: Json, *names: str) -> Any:
    value: Any = data
    for name in names:
        value = value.get(name) if type(value) is dict else None
    return value


def _artifact(data: Json) -> Iterable[ObservedValue]:
    # The content of an artifact is the content of a file: their hashes are the same values.
    return _hashes(data.get("hashes"), "hashes") + list(_ARTIFACT_URL(data))


def _certificate(data: Json) -> Iterable[ObservedValue]:
    return _hashes(data.get("hashes"), "hashes", "x509-certificate") + list(_CERTIFICATE_TEXTS(data))


def _autonomous_system(data: Json) -> Iterable[ObservedValue]:
    number = data.get("number")
    return [ObservedValue("autonomous-system", str(number), "number")] if type(number) is int else []


def _traffic(data: Json) -> Iterable[ObservedValue]:
    headers = _member(data, "extensions", "http-request-ext", "request_header")
    if type(headers) is not dict:
        return []
    place = "extensions.http-request-ext.request_header"
    found = []
    for name, texts in headers.items():
        kind = _HEADERS.get(name.lower())
        for index, text in enumerate(texts if type(texts) is list else ()):
            if kind and type(text) is str:
                value = text.rpartition(":")[0] if kind == "domain-name" and ":" in text else text
                found.append(ObservedValue(kind, normalise_value(kind, value), f"{place}.{name}[{index}]"))
    return found


def _aircraft(data: Json) -> Iterable[ObservedValue]:
    """The names of an unmanned aircraft, or of its operator, on the identity that it is."""
    found = []
    for name, kind in _AIRCRAFT_NAMES:
        value = _member(data, "extensions", AIRCRAFT_EXTENSION, name)
        if type(value) is str:
            found.append(ObservedValue(kind, normalise_value(kind, value), f"extensions.{AIRCRAFT_EXTENSION}.{name}"))
    return found


def _indicator(data: Json) -> Iterable[ObservedValue]:
    pattern = data.get("pattern")
    if type(pattern) is not str or data.get("pattern_type", "stix") != "stix":
        return []
    try:
        tree = parse_latest(pattern)
    except PatternError:
        return []  # the check reports it
    found = []
    for type_name, path, value in equalities(tree):
        kind = pattern_kind(type_name, path)
        if kind is not None:
            found.append(ObservedValue(kind, normalise_value(kind, str(value)), "pattern"))
    return found


def pattern_kind(type_name: str, path: tuple[Step, ...]) -> str | None:
    """The kind of value a pattern's object path names, such as `file:sha256` for `file:hashes.'SHA-256'`."""
    if len(path) == 2 and path[0] == "hashes" and type(path[1]) is str:
        owner = _HASH_OWNERS.get(type_name)
        return hash_kind(path[1], owner) if owner else None
    if path == ("extensions", "windows-pebinary-ext", "imphash") and type_name == "file":
        return "file:imphash"
    return _PATTERN_KINDS.get((type_name, path[0])) if len(path) == 1 and type(path[0]) is str else None


_FILE_NAME = _simple("file:name", "name")
_ARTIFACT_URL = _simple("url", "url")
_CERTIFICATE_TEXTS = _several(
    ("serial_number", "x509-certificate:serial"),
    ("subject", "x509-certificate:subject"),
    ("issuer", "x509-certificate:issuer"),
)
_HEADERS = {"user-agent": "user-agent", "host": "domain-name"}
_AIRCRAFT_NAMES = (
    ("serial", "aircraft:serial"),
    ("registration", "aircraft:registration"),
    ("operator_id", "aircraft:operator"),
)
_HASH_OWNERS = {"file": "file", "artifact": "file", "x509-certificate": "x509-certificate"}

_VALUES = ("ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "mac-addr")

_READERS: dict[str, Reader] = {
    **{name: _simple(name) for name in _VALUES},
    "artifact": _artifact,
    "autonomous-system": _autonomous_system,
    "directory": _simple("directory", "path"),
    "email-message": _several(("message_id", "email-message:message_id"), ("subject", "email-message:subject")),
    "file": _file,
    "identity": _aircraft,
    "indicator": _indicator,
    "mutex": _simple("mutex", "name"),
    "network-traffic": _traffic,
    "process": _simple("process:command_line", "command_line"),
    "software": _several(("name", "software"), ("cpe", "software:cpe")),
    "user-account": _several(("user_id", "user-account"), ("account_login", "user-account")),
    "windows-registry-key": _simple("windows-registry-key", "key"),
    "x509-certificate": _certificate,
}

_PATTERN_KINDS: dict[tuple[str, str], str] = {
    **{(name, "value"): name for name in _VALUES},
    ("artifact", "url"): "url",
    ("autonomous-system", "number"): "autonomous-system",
    ("directory", "path"): "directory",
    ("email-message", "message_id"): "email-message:message_id",
    ("email-message", "subject"): "email-message:subject",
    ("file", "name"): "file:name",
    ("mutex", "name"): "mutex",
    ("process", "command_line"): "process:command_line",
    ("software", "name"): "software",
    ("software", "cpe"): "software:cpe",
    ("user-account", "user_id"): "user-account",
    ("user-account", "account_login"): "user-account",
    ("windows-registry-key", "key"): "windows-registry-key",
    ("x509-certificate", "serial_number"): "x509-certificate:serial",
    ("x509-certificate", "subject"): "x509-certificate:subject",
    ("x509-certificate", "issuer"): "x509-certificate:issuer",
}
