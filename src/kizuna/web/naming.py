"""What STIX calls things, in the reader's language; what has no entry is told as STIX writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kizuna.labels import Label
from kizuna.labels.model import Part
from kizuna.labels.policies import OWN, PUBLIC, TLP, TLP_ORDER
from kizuna.stix import name_of
from kizuna.web.i18n import N_, Language

TYPES = {
    "artifact": N_("Artifact"), "attack-pattern": N_("Attack pattern"), "autonomous-system": N_("Autonomous system"),
    "campaign": N_("Campaign"), "course-of-action": N_("Course of action"), "directory": N_("Directory"),
    "domain-name": N_("Domain name"), "email-addr": N_("E-mail address"), "email-message": N_("E-mail message"),
    "extension-definition": N_("Extension definition"), "file": N_("File"), "grouping": N_("Grouping"),
    "identity": N_("Identity"), "incident": N_("Incident"), "indicator": N_("Indicator"),
    "infrastructure": N_("Infrastructure"), "intrusion-set": N_("Intrusion set"), "ipv4-addr": N_("IPv4 address"),
    "ipv6-addr": N_("IPv6 address"), "language-content": N_("Translation"), "location": N_("Location"),
    "mac-addr": N_("MAC address"), "malware": N_("Malware"), "malware-analysis": N_("Malware analysis"),
    "marking-definition": N_("Marking definition"), "mutex": N_("Mutex"), "network-traffic": N_("Network traffic"),
    "note": N_("Note"), "observed-data": N_("Observed data"), "opinion": N_("Opinion"), "process": N_("Process"),
    "relationship": N_("Relationship"), "report": N_("Report"), "sighting": N_("Sighting"), "software": N_("Software"),
    "threat-actor": N_("Threat actor"), "tool": N_("Tool"), "url": N_("URL"), "user-account": N_("User account"),
    "vulnerability": N_("Vulnerability"), "windows-registry-key": N_("Windows registry key"),
    "x509-certificate": N_("X.509 certificate"),
}  # fmt: skip

PROPERTIES = {
    "abstract": N_("Abstract"), "aliases": N_("Aliases"), "authors": N_("Authors"), "confidence": N_("Confidence"),
    "contact_information": N_("Contact"), "content": N_("Content"), "country": N_("Country"), "created": N_("Created"),
    "created_by_ref": N_("Created by"), "description": N_("Description"), "explanation": N_("Explanation"),
    "extensions": N_("Extensions"), "external_references": N_("External references"), "first_observed": N_("First observed"),
    "first_seen": N_("First seen"), "goals": N_("Goals"), "granular_markings": N_("Markings of parts"), "hashes": N_("Hashes"),
    "id": N_("ID"), "identity_class": N_("Kind of identity"), "indicator_types": N_("Kinds of indicator"),
    "is_family": N_("Is a family"), "kill_chain_phases": N_("Kill chain phases"), "labels": N_("Tags"), "lang": N_("Language"),
    "last_observed": N_("Last observed"), "last_seen": N_("Last seen"), "latitude": N_("Latitude"),
    "longitude": N_("Longitude"), "malware_types": N_("Kinds of malware"), "modified": N_("Modified"), "name": N_("Name"),
    "number_observed": N_("Times observed"), "object_marking_refs": N_("Markings"), "object_refs": N_("About"),
    "objective": N_("Objective"), "observed_data_refs": N_("Observed data"), "pattern": N_("Pattern"),
    "pattern_type": N_("Language of the pattern"), "primary_motivation": N_("Main motivation"), "published": N_("Published"),
    "region": N_("Region"), "relationship_type": N_("Kind of relationship"), "report_types": N_("Kinds of report"),
    "resource_level": N_("Resources"), "revoked": N_("Revoked"), "roles": N_("Roles"), "sectors": N_("Sectors"),
    "sighting_of_ref": N_("Sighting of"), "source_ref": N_("From"), "spec_version": N_("STIX version"),
    "target_ref": N_("To"), "threat_actor_types": N_("Kinds of threat actor"), "type": N_("Type"),
    "valid_from": N_("Valid from"), "valid_until": N_("Valid until"), "value": N_("Value"),
    "where_sighted_refs": N_("Seen by"),
}  # fmt: skip

STATES = {
    "withheld": N_("withheld"), "unproposed": N_("not proposed"), "proposed": N_("waits for people"), "waiting": N_("waits"),
    "offered": N_("in the feed"), "found": N_("withheld text found"), "stopped": N_("stopped"),
    "withdrawn": N_("withdrawn"), "ended": N_("no longer in the feed"),
}  # fmt: skip

ROLES = {
    "reader": N_("reader"), "analyst": N_("analyst"), "releaser": N_("releaser"),
    "programme-officer": N_("programme officer"), "operator": N_("operator"),
}  # fmt: skip

OWN_SOURCE = N_("this organisation")
FORMS = {"whole": N_("whole"), "rendition": N_("in part"), "withheld": N_("withheld")}

_TEXTS, _SHORT, _NAME = ("abstract", "content", "explanation", "opinion", "description"), 100, 200
_STRICTNESS = {name: place for place, name in enumerate((PUBLIC, *(f"{TLP}:{level}" for level in TLP_ORDER)))} | {
    OWN: 4.5
}
_ABOUT = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "language-content": ("object_ref",),
}
_KANA = re.compile("[\u3041-\u30ff]")
_LIVE = re.compile(r"\b(h)tt(ps?://)|\b(f)t(ps?://)", re.IGNORECASE)
_HOST = re.compile(r"://[^\s/?#]*|@[^\s/?#]*")


def type_name(type: str, language: Language) -> str:
    """What a STIX type is called."""
    return language(TYPES[type]) if type in TYPES else type


def source_name(source: str, language: Language) -> str:
    """What a source is called: this organisation, else the partner or the pack."""
    return language(OWN_SOURCE) if source == "own" else source.partition(":")[2] or source


def property_name(key: str, language: Language) -> str:
    """What a property is called."""
    return language(PROPERTIES[key]) if key in PROPERTIES else key


def title_of(data: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str:
    """What an object is called in a list: its name, else whose relationship or sighting it is, else how its text begins, else its ID.

    `others` are objects by ID, of which these two are named if they are there.
    """
    kind, id = str(data.get("type")), str(data.get("id"))
    ends = [shortened(name_of(others[ref]) or "", _SHORT) for ref in refs_in_title(data) if ref in others]
    if kind == "relationship" and len(ends) == len(_ABOUT[kind]) and all(ends):
        return f"{ends[0]} → {shortened(str(data.get('relationship_type')), _SHORT)} → {ends[1]}"
    if kind in ("sighting",) and ends and ends[0]:
        return ends[0]
    named = name_of(data)
    if named is not None:
        return shortened(named, _NAME)
    return shortened(next((one for key in _TEXTS if isinstance(one := data.get(key), str) and one), id), _SHORT)


def shortened(text: str, most: int) -> str:
    """The beginning of a text: a name may be of megabytes, and stand on a page hundreds of times."""
    return text if len(text) <= most else f"{text[:most]}…"


def refs_in_title(data: Mapping[str, Any]) -> Iterator[str]:
    """The IDs that what an object is called rests on."""
    for key in _ABOUT.get(str(data.get("type")), ()):
        if isinstance(ref := data.get(key), str):
            yield ref


def tongue(text: str) -> str:
    """The language of data, for the fonts that show it: Japanese where there is kana, else not known."""
    return "ja" if _KANA.search(text) else ""


def defanged(text: str) -> str:
    """A text in which no address can be followed by accident: hxxp for http, and the dots of hosts in brackets."""
    if "://" not in text:
        return text
    changed = _LIVE.sub(lambda m: f"{m[1]}xx{m[2]}" if m[1] else f"{m[3]}x{m[4]}", text)
    return _HOST.sub(lambda found: found[0].replace(".", "[.]"), changed)


def level(label: Label) -> str:
    """The strictest level of a label by itself, such as `TLP:GREEN`; `PUBLIC` and `OWN` have no policy before them."""
    return max((_level(part) for part in label.parts), key=_strictness)


def highest(labels: Iterable[Label]) -> str | None:
    """The strictest level of all that is shown on a page; None of nothing."""
    return max((level(label) for label in labels), key=_strictness, default=None)


def _level(part: Part) -> str:
    return part.classification if part.policy in (OWN, PUBLIC) else f"{part.policy}:{part.classification}"


def _strictness(level: str) -> float:
    """PUBLIC, then TLP's own order; one's own organisation only stands beside AMBER+STRICT, and a level of another policy above it."""
    return _STRICTNESS.get(level, len(TLP_ORDER) - 1.25)


__all__ = [
    "FORMS", "PROPERTIES", "ROLES", "STATES", "TYPES", "defanged", "highest", "level", "property_name", "refs_in_title",
    "source_name", "title_of", "tongue", "type_name",
]  # fmt: skip
