"""Rules that bind several properties of a domain, relationship or meta object (sections 3, 4, 5 and 7)."""

from __future__ import annotations

import re
from typing import Any

from . import timestamps, vocab
from .builtin import TLP_1
from .common import RESERVED_TYPES
from .extensions import new_type
from .found import Finder, Found, quote
from .ids import is_type_name
from .pattern import PatternError, parse_latest
from .relationships import SAME_TYPE, doubt
from .values import TYPES_NAMED, type_named

_CVE = re.compile(r"CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,})", re.ASCII)
_CAPEC = re.compile(r"CAPEC-\d+", re.ASCII)
_SEMANTIC_VERSION = re.compile(
    r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
_HASHES_MISSING = ("external-reference-hashes", "hashes", "hashes of what the url leads to should be given", "")
_PATTERNS = 4096
_LONGEST_PATTERN = 2048
_patterns: set[str] = set()
_RELATIONSHIPS = 4096
_LONGEST_REMEMBERED = 256
_joined: dict[tuple[str, str, str], tuple[Found, ...]] = {}


def order(earlier: str, later: str, rule: str, section: str, *, strict: bool = False) -> Finder:
    """The finder of two times in the wrong order; `strict` when they may not be equal."""

    def check(data: dict[str, Any], found: list[Found]) -> None:
        if later not in data or earlier not in data:
            return
        first, second = data[earlier], data[later]
        if not (isinstance(first, str) and isinstance(second, str)):
            return
        # Of texts of one length their order decides; only others need the exact comparison.
        if len(first) == len(second) and (second > first or (second == first and not strict)):
            return
        if timestamps.fault(first) or timestamps.fault(second):
            return
        wrong = not timestamps.is_before(first, second) if strict else timestamps.is_before(second, first)
        if wrong:
            relation = "not later than" if strict else "before"
            found.append((rule, later, f"{later} ({second}) is {relation} {earlier} ({first})", section))

    return check


def labels_as_type(property_name: str, vocabulary: str) -> Finder:
    """The finder of labels that say what the object's own type property is for."""
    values = vocab.VOCABULARIES[vocabulary]

    def check(data: dict[str, Any], found: list[Found]) -> None:
        labels = data.get("labels")
        if labels is None or not isinstance(labels, list):
            return
        for index, label in enumerate(labels):
            if isinstance(label, str) and label in values:
                found.append(("labels-as-type", f"labels[{index}]", f"{label} belongs into {property_name}", ""))

    return check


def pattern(data: dict[str, Any], found: list[Found]) -> None:
    """The pattern of an indicator, where its language is STIX's own (section 9)."""
    text = data.get("pattern")
    if data.get("pattern_type") != "stix" or not isinstance(text, str) or text in _patterns:
        return
    try:
        parse_latest(text)
    except PatternError as error:
        found.append(("pattern-syntax", "pattern", f"at character {error.position}: {error.message}", ""))
        return
    if len(text) <= _LONGEST_PATTERN:
        if len(_patterns) >= _PATTERNS:
            _patterns.clear()
        _patterns.add(text)


def indicator_name(data: dict[str, Any], found: list[Found]) -> None:
    """An indicator should say what it looks for."""
    missing = [name for name in ("name", "description") if name not in data]
    if missing:
        found.append(("indicator-name", "$", f"an indicator should have {' and '.join(missing)}", ""))


def location(data: dict[str, Any], found: list[Found]) -> None:
    """A location needs a place that can be found."""
    latitude, longitude = "latitude" in data, "longitude" in data
    if latitude != longitude:
        missing = "latitude" if longitude else "longitude"
        found.append(("location-coordinates", "$", f"{missing} is missing", ""))
    if "precision" in data and not (latitude and longitude):
        found.append(("location-precision", "precision", "a precision comes with latitude and longitude", ""))
    if not ("region" in data or "country" in data or latitude or longitude):
        found.append(("location-place", "$", "a region, a country, or latitude and longitude is needed", ""))


def malware_family_name(data: dict[str, Any], found: list[Found]) -> None:
    """A family is known by its name."""
    if data.get("is_family") is True and "name" not in data:
        found.append(("malware-family-name", "$", "a malware family has a name", ""))


def malware_analysis_result(data: dict[str, Any], found: list[Found]) -> None:
    """An analysis without result says nothing."""
    if "result" not in data and "analysis_sco_refs" not in data:
        found.append(("malware-analysis-result", "$", "result or analysis_sco_refs is needed", ""))


def observed_content(data: dict[str, Any], found: list[Found]) -> None:
    """Observed data refers to observables, or still embeds them, and never both."""
    references = data.get("object_refs")
    if ("objects" in data) == (references is not None):
        found.append(("observed-content", "$", "either object_refs or the deprecated objects is needed", ""))
    if "objects" in data:
        found.append(("observed-objects", "objects", "objects is deprecated; use object_refs", ""))
    if isinstance(references, list) and references:
        types = {type_named(one) for one in references if isinstance(one, str)}
        if types and types <= {"relationship", "sighting"}:
            found.append(("observed-sco", "object_refs", "at least one cyber-observable is needed", ""))


def relationship(data: dict[str, Any], found: list[Found]) -> None:
    """Suggested relationships, and those between an object and itself."""
    kind, source, target = data.get("relationship_type"), data.get("source_ref"), data.get("target_ref")
    if not (kind.__class__ is str and source.__class__ is str and target.__class__ is str):
        return
    source_type = TYPES_NAMED.get(source) or type_named(source)
    target_type = TYPES_NAMED.get(target) or type_named(target)
    if source_type is None or target_type is None:
        return
    joined = (source_type, kind, target_type)
    verdict = _joined.get(joined)
    found.extend(_verdict_on(joined) if verdict is None else verdict)
    if kind == "derived-from" and source == target:
        found.append(("derived-from-self", "target_ref", "an object is not derived from itself", ""))


def _verdict_on(joined: tuple[str, str, str]) -> tuple[Found, ...]:
    """What to say of a relationship by its type and those of its ends; the last ones are remembered."""
    source, kind, target = joined
    verdict: list[Found] = []
    message = doubt(source, kind, target)
    if message is not None:
        verdict.append(("relationship-suggested", "relationship_type", message, ""))
    if kind in SAME_TYPE and source != target:
        verdict.append(("common-relationship", "target_ref", f"{kind} joins two objects of one type", ""))
    if len(_joined) >= _RELATIONSHIPS:
        _joined.clear()
    if len(kind) <= _LONGEST_REMEMBERED:
        _joined[joined] = tuple(verdict)
    return tuple(verdict)


def external_reference(value: dict[str, Any], found: list[Found]) -> None:
    """One external reference: where it leads, and the two numbering schemes the schemas know."""
    source, number = value.get("source_name"), value.get("external_id")
    if "url" in value:
        if "hashes" not in value:
            found.append(_HASHES_MISSING)
    elif number is None and "description" not in value:
        found.append(("external-reference-content", "", "description, url or external_id is needed", ""))
    if source == "cve" or source == "capec":
        form = _CVE if source == "cve" else _CAPEC
        if not (isinstance(number, str) and form.fullmatch(number)):
            message = f"{source} needs an external_id such as {'CVE-2026-0001' if source == 'cve' else 'CAPEC-163'}"
            found.append((f"external-reference-{source}", "external_id", message, ""))
    elif isinstance(number, str) and number[:1] == "C" and (_CVE.fullmatch(number) or _CAPEC.fullmatch(number)):
        name = "cve" if number.startswith("CVE") else "capec"
        found.append(("external-reference-source", "source_name", f"{number} has the source {name}", ""))


def granular_marking(value: dict[str, Any], found: list[Found]) -> None:
    """A granular marking gives a marking or a language."""
    if ("lang" in value) == ("marking_ref" in value):
        found.append(("granular-choice", "", "either marking_ref or lang is needed", ""))


def marking_definition(data: dict[str, Any], found: list[Found]) -> None:
    """The definition of a marking: by extension, or by the two old types."""
    kind, definition, identifier = data.get("definition_type"), data.get("definition"), data.get("id")
    if "extensions" not in data or kind is not None or definition is not None:
        for name in ("definition_type", "definition"):
            if name not in data:
                found.append(("marking-content", "$", f"{name} is missing, and no extension takes its place", ""))
    if kind == "statement":
        if isinstance(definition, dict) and not isinstance(definition.get("statement"), str):
            found.append(("marking-statement", "definition", "a statement marking has a statement", ""))
    elif kind == "tlp" or (isinstance(identifier, str) and identifier in TLP_1):
        _tlp(data, found)
    elif isinstance(kind, str):
        found.append(("marking-type", "definition_type", f"{quote(kind)}: use an extension for new markings", ""))


def _tlp(data: dict[str, Any], found: list[Found]) -> None:
    identifier = data.get("id")
    expected = TLP_1.get(identifier) if isinstance(identifier, str) else None
    if data != expected:
        found.append(("marking-tlp", "$", "this is none of the four TLP markings of the standard", ""))


def marking_self(data: dict[str, Any], found: list[Found]) -> None:
    """A marking definition is not marked by itself."""
    identifier, references = data.get("id"), data.get("object_marking_refs")
    if isinstance(references, list) and identifier in references:
        place = f"object_marking_refs[{references.index(identifier)}]"
        found.append(("marking-self", place, "a marking definition does not mark itself", ""))
    granular = data.get("granular_markings")
    for index, mark in enumerate(granular if isinstance(granular, list) else ()):
        if isinstance(mark, dict) and isinstance(identifier, str) and mark.get("marking_ref") == identifier:
            place = f"granular_markings[{index}].marking_ref"
            found.append(("marking-self", place, "a marking definition does not mark itself", ""))


def extension_definition(data: dict[str, Any], found: list[Found]) -> None:
    """What an extension definition tells about itself."""
    types = data.get("extension_types")
    top_level = isinstance(types, list) and "toplevel-property-extension" in types
    if "extension_properties" in data and not top_level:
        message = "only an extension of top-level properties lists them"
        found.append(("extension-properties", "extension_properties", message, ""))
    if top_level and "extension_properties" not in data:
        found.append(("extension-properties-missing", "$", "extension_properties should list the properties", ""))
    if "description" not in data:
        found.append(("extension-description", "$", "an extension definition should have a description", ""))
    version = data.get("version")
    if isinstance(version, str) and not (len(version) <= 256 and _SEMANTIC_VERSION.fullmatch(version)):
        found.append(("extension-version", "version", f"{quote(version)} is no semantic version", ""))


def own_type(data: dict[str, Any], found: list[Found]) -> None:
    """A type the specification does not have: its name, its id, and whether an extension defines it."""
    kind, identifier = data.get("type"), data.get("id")
    if not isinstance(kind, str):
        return
    if kind in RESERVED_TYPES:
        found.append(("reserved", "type", f"the type {kind} is reserved", ""))
    if not is_type_name(kind):
        message = f"{quote(kind)} is no type name: 3 to 250 of a-z, 0-9 and single hyphens"
        found.append(("type-name", "type", message, ""))
    named = type_named(identifier) if isinstance(identifier, str) else None
    if named is not None and named != kind:
        found.append(("identifier-type", "id", f"the id of a {quote(kind)} does not begin with {named}--", ""))
    if new_type(data.get("extensions")) is None:
        found.append(("custom-object", "type", f"the type {quote(kind)} should be defined by an extension", ""))
