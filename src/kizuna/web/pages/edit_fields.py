"""What of an object is edited in fields of a form: texts, times, numbers, and lists with one entry on each line. All else is JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from kizuna.stix.common import META_TABLES
from kizuna.stix.objects import DOMAIN, RELATIONSHIP
from kizuna.stix.properties import (
    Boolean,
    Enum,
    Float,
    Integer,
    Kind,
    Language,
    ListOf,
    Open,
    Ref,
    Special,
    Struct,
    Text,
    Timestamp,
    Url,
)
from kizuna.store.editing import counted
from kizuna.web.forms import Fields

Json = dict[str, Any]
Form = Literal["line", "text", "lines", "sources", "truth"]
LEFT_OUT = frozenset(
    {"type", "id", "spec_version", "created", "modified", "created_by_ref", "revoked", "object_marking_refs", "granular_markings",
     "extensions"}
)  # fmt: skip
"""Properties that say what it is, or who may see it: there are other acts for these, or the JSON."""
_FIRST = ("name", "description", "aliases", "labels", "confidence", "valid_from", "valid_until")
_LAST = ("external_references", "lang")
_LONG = frozenset({"description", "content", "explanation", "abstract", "objective", "pattern", "contact_information"})
_LINE = (Text, Open, Enum, Language, Url, Ref, Timestamp, Integer, Float)
_SPECIAL = frozenset({"country", "analysis-product", "relationship-type"})
_PARTS = ("source_name", "external_id", "url", "description")
_BAR = " | "


class Field(msgspec.Struct, frozen=True):
    """One field: its property, what kind of field it is, and what stands in it."""

    key: str
    form: Form
    value: str


def fields_of(data: Json) -> list[Field]:
    """The fields of an object, with what it says; not where marks of parts reach into a property."""
    marked = counted(data)
    return [
        Field(key, form, text)
        for key, form in _forms(str(data.get("type")))
        if key not in marked and (text := _written(data.get(key), form)) is not None
    ]


def typed(form: Fields, began: Json) -> tuple[Json, dict[str, str]]:
    """What an object is with what stands in the fields, and by property what cannot be read, as a code.

    What stands as it stood is as it was, however it is written; what is emptied is no more.
    """
    data, wrong = dict(began), {}
    for field in fields_of(began):
        name = f"p.{field.key}"
        if not form.has(name):
            continue
        text = form.one(name).replace("\r\n", "\n")
        if text == field.value.replace("\r\n", "\n").replace("\r", "\n"):
            continue
        try:
            value = _read(text, field, began.get(field.key))
        except ValueError as error:
            wrong[field.key] = str(error)
            continue
        if value is None:
            data.pop(field.key, None)
        else:
            data[field.key] = value
    return data, wrong


def _forms(type: str) -> Iterator[tuple[str, Form]]:
    table = {**DOMAIN, **RELATIONSHIP, **META_TABLES}.get(type)
    kinds: Mapping[str, Kind] = {} if table is None else table.properties
    keys = [key for key in kinds if key not in LEFT_OUT]
    order = {key: place for place, key in enumerate(_FIRST)} | {key: 200 + place for place, key in enumerate(_LAST)}
    for key in sorted(keys, key=lambda key: order.get(key, 100)):
        if (form := _form(key, kinds[key])) is not None:
            yield key, form


def _form(key: str, kind: Kind) -> Form | None:
    if key in _LONG:
        return "text"
    if isinstance(kind, Boolean):
        return "truth"
    if isinstance(kind, _LINE) or (isinstance(kind, Special) and kind.name in _SPECIAL):
        return "line"
    if isinstance(kind, ListOf):
        if kind.item == Struct("external-reference"):
            return "sources"
        return "lines" if isinstance(kind.item, Text | Open | Enum | Ref) else None
    return None


def _written(value: Any, form: Form) -> str | None:
    """A value as it stands in a field; None where the field could not give it back."""
    if value is None:
        return ""
    if form == "truth":
        return msgspec.json.encode(value).decode() if isinstance(value, bool) else None
    if form == "sources":
        lines = [_source(one) for one in value] if isinstance(value, list) else [None]
        return None if None in lines else "\n".join(str(line) for line in lines)
    if form == "lines":
        plain = isinstance(value, list) and all(isinstance(one, str) and one and one == one.strip() for one in value)
        return "\n".join(value) if plain and not any(one.splitlines() != [one] for one in value) else None
    if isinstance(value, str):
        return value if form == "text" or (value.splitlines() or [value]) == [value] else None
    return (
        msgspec.json.encode(value).decode() if isinstance(value, int | float) and not isinstance(value, bool) else None
    )


def _source(one: Any) -> str | None:
    """An external reference on one line: name, number there, address, description; as JSON where it has more to say."""
    if not isinstance(one, dict):
        return None
    texts = [one.get(part, "") for part in _PARTS]
    plain = not one.keys() - set(_PARTS) and all(
        isinstance(text, str) and "|" not in text and text == " ".join(text.split()) and not text.startswith("{") for text in texts
    )  # fmt: skip
    if plain and "" not in one.values():
        return _BAR.join(texts).rstrip(" |")
    return msgspec.json.encode(one).decode()


def _read(text: str, field: Field, before: Any) -> Any:
    """What stands in a field; None where nothing does. Raises ValueError with a code."""
    if field.form == "sources":
        kept = {_source(one): one for one in before or ()}
        return [kept.get(line) or _source_of(line) for line in _lines(text)] or None
    if field.form == "lines":
        return _lines(text) or None
    if field.form == "truth":
        return {"true": True, "false": False}.get(text)
    if not text.strip():
        return None
    if field.key in _NUMBERS:
        return _number(text.strip())
    return text if field.form == "text" else text.strip()


def _number(text: str) -> int | float:
    try:
        return int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else _finite(float(text))
    except ValueError:
        raise ValueError("number") from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("number")
    return number


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _source_of(line: str) -> Json:
    if line.startswith("{"):
        try:
            read: Json = msgspec.json.decode(line.encode(), type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            raise ValueError("json") from None
        return read
    texts = [part.strip() for part in line.split("|")]
    if len(texts) > len(_PARTS):
        raise ValueError("source")
    return {part: text for part, text in zip(_PARTS, texts, strict=False) if text}


_NUMBERS = frozenset(
    key
    for table in (*DOMAIN.values(), *RELATIONSHIP.values(), *META_TABLES.values())
    for key, kind in table.properties.items()
    if isinstance(kind, Integer | Float)
)

__all__ = ["Field", "fields_of", "typed"]
