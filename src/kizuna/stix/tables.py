"""Tables compiled into checkers: one pass over the properties of an object, nothing built for what is right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import Any

from . import forms, object_rules, observable_rules
from .common import COMMON, COMMON_SCO, EVERY_COMMON, META_TABLES, REQUIRED, REQUIRED_SCO, RESERVED, STRUCTS, TYPES
from .content import own_property, verdict_on, walk
from .extensions import defines_properties, extensions_finder
from .found import Finder, Found, mismatch, quote, shift
from .ids import UUID
from .objects import DOMAIN, RELATIONSHIP
from .observables import OBSERVABLES, PREDEFINED, SCO_STRUCTS
from .properties import Extensions, Struct, Table, Text
from .selectors import SELECTOR, Unresolved, resolve
from .values import build, register, type_named

_RULES: dict[str, Finder] = {
    "modified-order": object_rules.order("created", "modified", "modified-before-created", ""),
    "valid-until-order": object_rules.order("valid_from", "valid_until", "valid-until-order", "", strict=True),
    "observed-order": object_rules.order("first_observed", "last_observed", "observed-order", ""),
    "stop-time-order": object_rules.order("start_time", "stop_time", "stop-time-order", "", strict=True),
    "traffic-order": object_rules.order("start", "end", "traffic-order", ""),
    "pattern": object_rules.pattern,
    "indicator-name": object_rules.indicator_name,
    "location": object_rules.location,
    "malware-family-name": object_rules.malware_family_name,
    "malware-analysis-result": object_rules.malware_analysis_result,
    "observed-content": object_rules.observed_content,
    "relationship": object_rules.relationship,
    "own-type": object_rules.own_type,
    "external-reference": object_rules.external_reference,
    "granular-marking": object_rules.granular_marking,
    "marking-definition": object_rules.marking_definition,
    "marking-self": object_rules.marking_self,
    "extension-definition": object_rules.extension_definition,
    "sco-id": observable_rules.sco_identity,
    "artifact": observable_rules.artifact,
    "domain-name": observable_rules.domain_name,
    "email-address": observable_rules.email_address,
    "email-body": observable_rules.email_body,
    "email-part": observable_rules.email_part,
    "file-name-or-hashes": observable_rules.file_name_or_hashes,
    "ipv4-address": observable_rules.ipv4_address,
    "ipv6-address": observable_rules.ipv6_address,
    "mac-address": observable_rules.mac_address,
    "traffic": observable_rules.traffic,
    "url": observable_rules.url,
}
_ELSEWHERE = RESERVED | EVERY_COMMON

_REMEMBERED = 4096
_plain: dict[str, Found] = {}
"""What to say of own property names seen lately that nothing else is to be said of."""

_TYPE_VOCABULARIES = {
    "4.7": ("indicator_types", "indicator-type-ov"),
    "4.8": ("infrastructure_types", "infrastructure-type-ov"),
    "4.11": ("malware_types", "malware-type-ov"),
    "4.16": ("report_types", "report-type-ov"),
    "4.17": ("threat_actor_types", "threat-actor-type-ov"),
    "4.18": ("tool_types", "tool-type-ov"),
}


def _rule(name: str, section: str) -> Finder:
    """The finder of a rule a table names; two of them depend on the table."""
    if name == "seen-order":
        return object_rules.order("first_seen", "last_seen", "seen-order", section)
    if name == "labels-as-type":
        return object_rules.labels_as_type(*_TYPE_VOCABULARIES[section])
    return _RULES[name]


def _finders(table: Table) -> dict[str, Finder | None]:
    """The checker of each property; None stands for any string, the most frequent kind, looked at without a call."""
    return {
        name: None if isinstance(kind, Text) else build(kind, name, table.section)
        for name, kind in table.properties.items()
    }


def _unknown(value: Any, found: list[Found]) -> None:
    """Stands for the checker of a property that a table does not have; never called."""


def _getter(required: Collection[str]) -> Callable[[Any], object]:
    """What raises KeyError when one of the properties is missing: one call for all of them."""
    return itemgetter(*required) if required else id


def compile_struct(table: Table) -> Finder:
    """The checker of an embedded object; paths are relative to it."""
    checks = _finders(table)
    rules = tuple(_rule(name, table.section) for name in table.rules)
    required, options, section = table.required, table.at_least_one, table.section
    have_all = _getter(required)

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, dict):
            found.append(mismatch("dictionary", "an object", value, "", section))
            return
        for name, member in value.items():
            finder = checks.get(name, _unknown)
            if finder is None:
                if member.__class__ is not str:
                    found.append(mismatch("string", "a string", member, name, section))
            elif finder is _unknown:
                own_property(name, member, found, defined=False)
            else:
                finder(member, found)
        try:
            have_all(value)
        except KeyError:
            found.extend(("required", name, f"{name} is required", section) for name in required if name not in value)
        if options and not any(name in value for name in options):
            found.append(("at-least-one", "", f"at least one of {', '.join(options)} is needed", section))
        for rule in rules:
            rule(value, found)

    return check


def compile_object(table: Table, kind: str, *, id_version: str = "") -> Finder:
    """The checker of a whole object, of own types when `kind` is empty; its id should have `id_version` of UUID."""
    section = table.section
    checks = {**_finders(table), "id": _id_finder(kind, id_version)}
    rules = tuple(_rule(name, section) for name in table.rules if name != "id-uuid4")
    required, options = tuple(sorted(table.required)), table.at_least_one
    have_all = _getter(required)

    def check(data: dict[str, Any], found: list[Found]) -> None:
        own: list[str] = []
        for name, value in data.items():
            finder = checks.get(name, _unknown)
            if finder is None:
                if value.__class__ is not str:
                    found.append(mismatch("string", "a string", value, name, section))
            elif finder is _unknown:
                own.append(name)
            else:
                finder(value, found)
        if own:
            _own_properties(data, own, section, found)
        try:
            have_all(data)
        except KeyError:
            found.extend(("required", name, f"{name} is required", section) for name in required if name not in data)
        if options and not any(name in data for name in options):
            found.append(("at-least-one", "$", f"at least one of {', '.join(options)} is needed", section))
        for rule in rules:
            rule(data, found)
        if "granular_markings" in data:
            _selectors(data, found)

    return check


def _own_properties(data: dict[str, Any], names: list[str], section: str, found: list[Found]) -> None:
    """Properties that the table does not have: reserved, of another kind of object, or the sender's own."""
    defined = "extensions" in data and defines_properties(data["extensions"])
    for name in names:
        if (
            not defined and (plain := _plain.get(name)) is not None
        ):  # most, without a call where the value is plain, too
            found.append(plain)
            kind = data[name].__class__
            if kind is not str and kind is not bool:
                start = len(found)
                walk(data[name], found)
                if len(found) != start:
                    shift(found, start, name)
            continue
        if name in RESERVED:
            found.append(("reserved", name, f"the property {name} is reserved", ""))
        elif name in EVERY_COMMON:
            found.append(("not-applicable", name, f"{name} does not apply to this type", section))
        else:
            verdict, formed = verdict_on(name)
            if not formed:
                if len(_plain) >= _REMEMBERED:
                    _plain.clear()
                _plain[name] = verdict
        own_property(name, data[name], found, defined=defined or name in _ELSEWHERE)


def _id_finder(kind: str, version: str) -> Finder:
    """The id of an object: its own type, and the version of UUID that section 2.9 recommends."""

    prefix = f"{kind}--"
    length = len(prefix)

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, str):
            found.append(mismatch("identifier", "an identifier", value, "id", ""))
            return
        if kind and value[:length] == prefix and UUID.fullmatch(value, length):
            if version and value[-22] != version:
                found.append(("id-uuid4", "id", "the id should be a UUIDv4", ""))
            return
        named = type_named(value)
        if named is None:
            found.append(
                ("identifier", "id", f"{quote(value)} is no identifier such as {kind or 'identity'}--<UUID>", "")
            )
        elif named != kind and kind:
            found.append(("identifier-type", "id", f"the id of a {kind} begins with {kind}--, not {named}--", ""))

    return check


def _selectors(data: dict[str, Any], found: list[Found]) -> None:
    """Selectors name what is there (section 7.2.3.1)."""
    marks = data["granular_markings"]
    for index, mark in enumerate(marks if isinstance(marks, list) else ()):
        selectors = mark.get("selectors") if isinstance(mark, dict) else None
        for position, selector in enumerate(selectors if isinstance(selectors, list) else ()):
            if isinstance(selector, str) and SELECTOR.fullmatch(selector):
                try:
                    resolve(data, selector)
                except Unresolved as error:
                    place = f"granular_markings[{index}].selectors[{position}]"
                    found.append(("selector-unresolved", place, f"{quote(selector)}: {error}", ""))


_STRUCT_TABLES: Mapping[str, Table] = {**STRUCTS, **SCO_STRUCTS}
_structs: dict[str, Finder] = {}


def _struct(kind: Struct, path: str, section: str) -> Finder:
    check_members = _structs.get(kind.name)
    if check_members is None:
        check_members = _structs[kind.name] = compile_struct(_STRUCT_TABLES[kind.name])
    if not path:
        return check_members

    def check(value: Any, found: list[Found]) -> None:
        start = len(found)
        check_members(value, found)
        if len(found) != start:
            shift(found, start, path)

    return check


def _spec_version(path: str, section: str) -> Finder:
    def check(value: Any, found: list[Found]) -> None:
        if value != "2.1":
            found.append(("spec-version", path, f"spec_version is 2.1, not {quote(value)}", ""))

    return check


def _observed_objects(path: str, section: str) -> Finder:
    """The deprecated embedded observables of observed data (section 4.14), each checked as an object."""

    def check(value: Any, found: list[Found]) -> None:
        if not isinstance(value, dict):
            found.append(mismatch("dictionary", "a dictionary of observables", value, path, section))
            return
        if not value:
            found.append(("dictionary-empty", path, "a dictionary has at least one entry", section))
        for key, member in value.items():
            start = len(found)
            if not key.isdecimal():
                found.append(("observed-key", "", f"the key {quote(key)} should be a whole number", ""))
            if not isinstance(member, dict):
                found.append(mismatch("not-an-object", "an observable", member, "", section))
            else:
                _embedded(member, value, found)
            if len(found) != start:
                shift(found, start, f"{path}.{key}")

    return check


def _embedded(member: dict[str, Any], objects: dict[str, Any], found: list[Found]) -> None:
    kind = member.get("type")
    resolved = {name: _resolved(name, value, objects) for name, value in member.items()}
    if isinstance(kind, str) and kind in OBSERVABLES:
        OBJECTS[kind](resolved, found)
    elif isinstance(kind, str) and kind in TYPES:
        found.append(("reference-type", "type", f"a cyber-observable is expected here, not {kind}", "4.14"))
    else:
        OWN_OBSERVABLE(resolved, found)


def _resolved(name: str, value: Any, objects: dict[str, Any]) -> Any:
    """A reference by key, as STIX 2.0 had them, stands for the id of the observable under that key."""
    if name.endswith("_refs") and isinstance(value, list):
        return [_resolved("_ref", one, objects) for one in value]
    if name.endswith("_ref") and isinstance(value, str):
        target = objects.get(value)
        if isinstance(target, dict) and isinstance(target.get("id"), str):
            return target["id"]
    return value


def _extensions(kind: Extensions, path: str, section: str) -> Finder:
    return extensions_finder(kind.predefined, _predefined, path)


register(Struct, _struct)
register(Extensions, _extensions)
forms.add("spec-version", _spec_version)
forms.add("observed-objects", _observed_objects)

_predefined: dict[str, Finder] = {}
_predefined.update({name: compile_struct(table) for name, table in PREDEFINED.items()})

OBJECTS: dict[str, Finder] = {
    **{kind: compile_object(table, kind) for kind, table in OBSERVABLES.items()},
    **{
        kind: compile_object(table, kind, id_version="4")
        for kind, table in {**DOMAIN, **RELATIONSHIP, **META_TABLES}.items()
    },
}
"""The checker of each type of the specification."""

OWN_OBJECT = compile_object(Table("11.2", COMMON, REQUIRED, ("modified-order", "own-type")), "")
"""The checker of domain and relationship objects of own types."""

OWN_OBSERVABLE = compile_object(Table("11.2", COMMON_SCO, REQUIRED_SCO, ("own-type",)), "")
"""The checker of cyber-observables of own types."""
