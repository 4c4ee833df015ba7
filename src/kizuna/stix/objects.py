"""Tables of the nineteen domain objects and two relationship objects (sections 4 and 5)."""

from __future__ import annotations

from .common import (
    ANY_OBJECT,
    BUNDLE,
    COMMON,
    KILL_CHAIN_PHASES,
    META,
    REQUIRED,
    SCO,
    SDO,
    SRO,
)
from .properties import (
    BOOLEAN,
    TEXT,
    TEXTS,
    TIMESTAMP,
    Enum,
    Float,
    Integer,
    Kind,
    ListOf,
    Open,
    Ref,
    Special,
    Table,
    ref,
    refs,
    table,
)

_SCO_OR_OWN = Ref(denied=SDO | SRO | META | BUNDLE)
_SDO_OR_SCO = Ref(denied=SRO | META | BUNDLE)
_SDO_OR_OWN = Ref(denied=SCO | SRO | META | BUNDLE)
_SCO_OR_SRO = Ref(denied=SDO | META | BUNDLE)
_COUNT = 999_999_999

_SEEN: dict[str, Kind] = {"first_seen": TIMESTAMP, "last_seen": TIMESTAMP}
_MOTIVES = ListOf(Open("attack-motivation-ov"))


def _object(
    section: str, properties: dict[str, Kind], *, required: str = "", rules: str = "", own: str = "name description"
) -> Table:
    names = dict.fromkeys(own.split(), TEXT)
    base = table(section, {**COMMON, **names, **properties}, required=required, rules=rules)
    return Table(section, base.properties, base.required | REQUIRED, ("modified-order", "id-uuid4", *base.rules))


DOMAIN: dict[str, Table] = {
    "attack-pattern": _object("4.1", {"aliases": TEXTS, "kill_chain_phases": KILL_CHAIN_PHASES}, required="name"),
    "campaign": _object("4.2", {"aliases": TEXTS, **_SEEN, "objective": TEXT}, required="name", rules="seen-order"),
    "course-of-action": _object("4.3", {}, required="name"),
    "grouping": _object(
        "4.4",
        {"context": Open("grouping-context-ov"), "object_refs": ListOf(ANY_OBJECT)},
        required="context object_refs",
    ),
    "identity": _object(
        "4.5",
        {
            "roles": TEXTS,
            "identity_class": Open("identity-class-ov"),
            "sectors": ListOf(Open("industry-sector-ov")),
            "contact_information": TEXT,
        },
        required="name",
    ),
    "incident": _object("4.6", {}, required="name"),
    "indicator": _object(
        "4.7",
        {
            "indicator_types": ListOf(Open("indicator-type-ov")),
            "pattern": TEXT,
            "pattern_type": Open("pattern-type-ov"),
            "pattern_version": TEXT,
            "valid_from": TIMESTAMP,
            "valid_until": TIMESTAMP,
            "kill_chain_phases": KILL_CHAIN_PHASES,
        },
        required="pattern pattern_type valid_from",
        rules="valid-until-order pattern indicator-name labels-as-type",
    ),
    "infrastructure": _object(
        "4.8",
        {
            "infrastructure_types": ListOf(Open("infrastructure-type-ov")),
            "aliases": TEXTS,
            "kill_chain_phases": KILL_CHAIN_PHASES,
            **_SEEN,
        },
        required="name",
        rules="seen-order labels-as-type",
    ),
    "intrusion-set": _object(
        "4.9",
        {
            "aliases": TEXTS,
            **_SEEN,
            "goals": TEXTS,
            "resource_level": Open("attack-resource-level-ov"),
            "primary_motivation": Open("attack-motivation-ov"),
            "secondary_motivations": _MOTIVES,
        },
        required="name",
        rules="seen-order",
    ),
    "location": _object(
        "4.10",
        {
            "latitude": Float(-90, 90),
            "longitude": Float(-180, 180),
            "precision": Float(0),
            "region": Open("region-ov"),
            "country": Special("country"),
            "administrative_area": TEXT,
            "city": TEXT,
            "street_address": TEXT,
            "postal_code": TEXT,
        },
        rules="location",
    ),
    "malware": _object(
        "4.11",
        {
            "malware_types": ListOf(Open("malware-type-ov")),
            "is_family": BOOLEAN,
            "aliases": TEXTS,
            "kill_chain_phases": KILL_CHAIN_PHASES,
            **_SEEN,
            "operating_system_refs": refs("software"),
            "architecture_execution_envs": ListOf(Open("processor-architecture-ov")),
            "implementation_languages": ListOf(Open("implementation-language-ov")),
            "capabilities": ListOf(Open("malware-capabilities-ov")),
            "sample_refs": refs("artifact", "file"),
        },
        required="is_family",
        rules="seen-order malware-family-name labels-as-type",
    ),
    "malware-analysis": _object(
        "4.12",
        {
            "product": Special("analysis-product"),
            "version": TEXT,
            "host_vm_ref": ref("software"),
            "operating_system_ref": ref("software"),
            "installed_software_refs": refs("software"),
            "configuration_version": TEXT,
            "modules": TEXTS,
            "analysis_engine_version": TEXT,
            "analysis_definition_version": TEXT,
            "submitted": TIMESTAMP,
            "analysis_started": TIMESTAMP,
            "analysis_ended": TIMESTAMP,
            "result_name": TEXT,
            "result": Open("malware-result-ov"),
            "analysis_sco_refs": ListOf(_SCO_OR_OWN),
            "sample_ref": ref("artifact", "file", "network-traffic"),
        },
        required="product",
        rules="malware-analysis-result",
        own="",
    ),
    "note": _object(
        "4.13",
        {"authors": TEXTS, "object_refs": ListOf(ANY_OBJECT)},
        required="content object_refs",
        own="abstract content",
    ),
    "observed-data": _object(
        "4.14",
        {
            "first_observed": TIMESTAMP,
            "last_observed": TIMESTAMP,
            "number_observed": Integer(1, _COUNT),
            "objects": Special("observed-objects"),
            "object_refs": ListOf(_SCO_OR_SRO),
        },
        required="first_observed last_observed number_observed",
        rules="observed-order observed-content",
        own="",
    ),
    "opinion": _object(
        "4.15",
        {"authors": TEXTS, "opinion": Enum("opinion-enum"), "object_refs": ListOf(ANY_OBJECT)},
        required="opinion object_refs",
        own="explanation",
    ),
    "report": _object(
        "4.16",
        {"report_types": ListOf(Open("report-type-ov")), "published": TIMESTAMP, "object_refs": ListOf(ANY_OBJECT)},
        required="name published object_refs",
        rules="labels-as-type",
    ),
    "threat-actor": _object(
        "4.17",
        {
            "threat_actor_types": ListOf(Open("threat-actor-type-ov")),
            "aliases": TEXTS,
            **_SEEN,
            "roles": ListOf(Open("threat-actor-role-ov")),
            "goals": TEXTS,
            "sophistication": Open("threat-actor-sophistication-ov"),
            "resource_level": Open("attack-resource-level-ov"),
            "primary_motivation": Open("attack-motivation-ov"),
            "secondary_motivations": _MOTIVES,
            "personal_motivations": _MOTIVES,
        },
        required="name",
        rules="seen-order labels-as-type",
    ),
    "tool": _object(
        "4.18",
        {
            "tool_types": ListOf(Open("tool-type-ov")),
            "aliases": TEXTS,
            "kill_chain_phases": KILL_CHAIN_PHASES,
            "tool_version": TEXT,
        },
        required="name",
        rules="labels-as-type",
    ),
    "vulnerability": _object("4.19", {}, required="name"),
}

RELATIONSHIP: dict[str, Table] = {
    "relationship": _object(
        "5.1",
        {
            "relationship_type": Special("relationship-type"),
            "source_ref": _SDO_OR_SCO,
            "target_ref": _SDO_OR_SCO,
            "start_time": TIMESTAMP,
            "stop_time": TIMESTAMP,
        },
        required="relationship_type source_ref target_ref",
        rules="stop-time-order relationship",
        own="description",
    ),
    "sighting": _object(
        "5.2",
        {
            **_SEEN,
            "count": Integer(0, _COUNT),
            "sighting_of_ref": _SDO_OR_OWN,
            "observed_data_refs": refs("observed-data"),
            "where_sighted_refs": refs("identity", "location"),
            "summary": BOOLEAN,
        },
        required="sighting_of_ref",
        rules="seen-order",
        own="description",
    ),
}
