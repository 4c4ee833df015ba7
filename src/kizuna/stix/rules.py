"""Every rule the language checks: a MUST of STIX 2.1 is an error, a SHOULD a warning.

Where OASIS's JSON schemas are stricter than the text, the stricter reading is an error too (marked "schema").
Sections are those of the OASIS standard STIX 2.1. The one schema rule left out: `granular-marking.json` asks for
`marking_ref` always, which would forbid the language markings that section 7.2.3 defines.
"""

from __future__ import annotations

import msgspec

from .i_json import RULES as READING
from .problem import Problem, Severity

_TEST = "tests/stix/test_rules.py::test_example_breaks_exactly_its_rule"


class Rule(msgspec.Struct, frozen=True):
    """One rule; `section` is where the specification states it (a problem may name its object's own section)."""

    id: str
    severity: Severity
    section: str
    text: str

    @property
    def test(self) -> str:
        """The node id of the test that breaks this rule."""
        return f"{_TEST}[{self.id}]"


_ERRORS: dict[str, tuple[str, str]] = {
    "unreadable": ("1", "A source can be opened and read."),
    # data types
    "not-an-object": ("3.2", "A STIX object is a JSON object."),
    "null-value": ("2", "A property without a value is left out; null is no value."),
    "too-deep": ("2", "Content is nested deeper than this node reads."),
    "binary": ("2.1", "Binary content is base64 (RFC 4648 section 4) with padding."),
    "boolean": ("2.2", "A boolean is true or false."),
    "dictionary": ("2.3", "A dictionary is a JSON object."),
    "dictionary-empty": ("2.3", "A dictionary has at least one entry."),
    "dictionary-key": ("2.3", "A dictionary key is at most 250 of a-z, A-Z, 0-9, hyphen and underscore."),
    "enum": ("2.4", "The value of an enumeration is one of those listed."),
    "external-reference-content": ("2.5", "An external reference has a description, a url or an external_id."),
    "external-reference-cve": ("2.5", "A reference to cve has an external_id such as CVE-2026-0001 (schema)."),
    "external-reference-capec": ("2.5", "A reference to capec has an external_id such as CAPEC-163 (schema)."),
    "external-reference-source": (
        "2.5",
        "An external_id in the form of CVE or CAPEC names cve or capec as its source (schema).",
    ),
    "url": ("2.5", "A URL conforms to RFC 3986."),
    "float": ("2.6", "A float is a finite JSON number."),
    "number-range": ("2.10", "A number lies within the range of its property."),
    "hash-key": ("2.7", "The name of a hash algorithm is 3 to 250 of a-z, A-Z, 0-9, hyphen and underscore."),
    "hash-value": ("2.7", "A hash has the length and characters of its algorithm (schema)."),
    "hex": ("2.8", "Hexadecimal content is an even number of hexadecimal digits, at least two."),
    "identifier": ("2.9", "An identifier is a type name, two hyphens and an RFC 4122 UUID."),
    "identifier-type": ("2.9", "The type named in an object's id is the object's type."),
    "reference-type": ("2.9", "A reference points at an object of a type its property allows."),
    "integer": ("2.10", "An integer is a JSON number without fraction or exponent."),
    "integer-safe": ("2.10", "An integer lies within ±(2⁵³−1)."),
    "list": ("2.12", "A list is a JSON array."),
    "list-empty": ("2.12", "A list has at least one element."),
    "string": ("2.14", "A string is a JSON string."),
    "timestamp": ("2.15", "A timestamp is RFC 3339 in UTC, with capital T and Z, and exists in the calendar."),
    "timestamp-precision": ("3.2", "The times created and modified are precise to the millisecond."),
    "timestamp-whole-seconds": ("6.7.6", "The time stamp of a Windows executable has no sub-second digits (schema)."),
    # all objects
    "type-name": ("3.1", "A type name is 3 to 250 of a-z, 0-9 and single hyphens, and begins with a letter."),
    "property-name": ("3.1", "A property name is 3 to 250 of a-z, 0-9 and underscore, and begins with a letter."),
    "required": ("3.2", "A required property is present."),
    "spec-version": ("3.2", "The value of spec_version is 2.1."),
    "modified-before-created": ("3.2", "The time modified is not before created."),
    "language": ("3.2", "A language is given as an RFC 5646 tag."),
    "reserved": ("3.8", "Reserved names are not used."),
    "id-needs-uuid4": ("3.4", "A cyber-observable without any id-contributing property has a UUIDv4."),
    "at-least-one": ("6", "At least one of the listed properties is present."),
    # versions
    "version-id": ("3.6", "A new version has the id of the one before."),
    "version-created": ("3.6", "A new version has the created time of the one before."),
    "version-created-by": ("3.6", "A new version has the creator of the one before."),
    "version-modified": ("3.6", "A changed version has a later modified time than the one before."),
    "version-revoked": ("3.6", "A revoked object has no further versions."),
    "duplicate-version": ("3.6", "Objects with the same id and the same version are the same."),
    # domain and relationship objects
    "derived-from-self": ("3.7", "The relationship derived-from does not stand in for versioning."),
    "seen-order": ("4", "The time last_seen is not before first_seen."),
    "pattern-syntax": ("4.7", "The pattern of an indicator is valid in its pattern language."),
    "valid-until-order": ("4.7", "The time valid_until is later than valid_from."),
    "location-place": ("4.10", "A location has a region, a country, or latitude and longitude."),
    "location-coordinates": ("4.10", "Latitude and longitude come together."),
    "location-precision": ("4.10", "A precision comes with latitude and longitude."),
    "malware-family-name": ("4.11", "A malware family has a name."),
    "malware-analysis-result": ("4.12", "A malware analysis has a result or analysis_sco_refs."),
    "observed-order": ("4.14", "The time last_observed is not before first_observed."),
    "observed-content": ("4.14", "Observed data has object_refs or the deprecated objects, and not both."),
    "observed-sco": ("4.14", "The object_refs of observed data name at least one cyber-observable."),
    "relationship-type": ("5.1", "A relationship_type is made of a-z, 0-9 and hyphen."),
    "stop-time-order": ("5.1", "The stop_time is later than the start_time."),
    # cyber-observables
    "artifact-content": ("6.1", "An artifact has payload_bin or url, and not both."),
    "artifact-hashes": ("6.1", "An artifact with a url has hashes."),
    "artifact-key": ("6.1", "A decryption_key comes with an encryption_algorithm."),
    "artifact-mime-type": ("6.1", "The mime_type of an artifact is an IANA type and a subtype (schema)."),
    "charset": ("6.3", "An observed encoding is a name of the IANA character set registry."),
    "domain-name": ("6.4", "A domain name conforms to RFC 1034, each of its labels to RFC 5890."),
    "email-address": ("6.5", "An e-mail address is an RFC 5322 addr-spec, without display name."),
    "email-body": ("6.6", "A multipart message has no body."),
    "email-body-multipart": ("6.6", "A message that is not multipart has no body_multipart."),
    "email-header-name": ("6.6", "Headers with a property of their own are not repeated in additional_header_fields."),
    "email-header-value": ("6.6", "An additional header is a string, or a list of two or more strings (schema)."),
    "email-part": ("6.6.2", "A MIME part has body or body_raw_ref, and not both."),
    "file-name-or-hashes": ("6.7", "A file has hashes or a name."),
    "image-tag": (
        "6.7.5",
        "EXIF tags have names that begin with a capital, and strings or integers as values (schema).",
    ),
    "ipv4-address": ("6.8", "An IPv4 address is dotted decimal, optionally with a CIDR suffix."),
    "ipv6-address": ("6.9", "An IPv6 address conforms to RFC 4291, optionally with a CIDR suffix."),
    "mac-address": ("6.10", "A MAC address is six colon-separated pairs of lowercase hexadecimal digits."),
    "traffic-endpoint": ("6.12", "Network traffic has a src_ref or a dst_ref."),
    "traffic-active": ("6.12", "Network traffic that has ended is not active."),
    "traffic-order": ("6.12", "The end of network traffic is not before its start."),
    "traffic-ipfix": ("6.12", "IPFIX values are strings or integers."),
    "http-header": ("6.12.2", "Each HTTP request header is a list of strings."),
    "socket-option": ("6.12.4", "Socket options have names such as SO_KEEPALIVE and integers as values."),
    "startup-info": ("6.13.2", "The startup_info of a process has the fields of STARTUPINFO (schema)."),
    "cpe": ("6.14", "A cpe is a CPE 2.3 formatted string."),
    "registry-key": ("6.17", "The hive of a registry key is written in full, not as HKLM or the like."),
    # meta objects
    "contents-property": ("7.1", "Translated content is given by property name."),
    "marking-content": ("7.2.1", "A marking definition has definition_type and definition, or extensions."),
    "marking-statement": ("7.2.1.3", "A statement marking has a statement."),
    "marking-tlp": ("7.2.1.4", "A TLP marking is exactly one of the four that the standard gives."),
    "marking-self": ("7.2.1", "A marking definition does not mark itself."),
    "granular-choice": ("7.2.3", "A granular marking has either marking_ref or lang."),
    "selector-syntax": ("7.2.3", "A selector is a path of property names, dictionary keys and [n]."),
    "selector-unresolved": ("7.2.3", "A selector names something that is in the object."),
    "extension-properties": ("7.3", "Only an extension of top-level properties lists extension_properties."),
    "extension-key": ("7.3", "An extension is keyed by the id of its definition, or by a name that ends in -ext."),
    "extension-object": ("7.3", "A predefined extension is used on its own type of object."),
    "bundle-common": ("8", "A bundle has none of the common properties but type and id."),
    "bundle-nested": ("8", "A bundle holds STIX objects, not bundles."),
}

_WARNINGS: dict[str, tuple[str, str]] = {
    "dictionary-key-case": ("2.3", "A dictionary key is lowercase."),
    "external-reference-hashes": ("2.5", "A reference with a url gives the hashes of what is there."),
    "hash-algorithm": ("2.7", "The name of a hash algorithm comes from hash-algorithm-ov."),
    "id-uuid4": ("2.9", "Objects other than cyber-observables have UUIDv4 ids."),
    "id-uuid5": ("2.9", "Cyber-observables have UUIDv5 ids."),
    "kill-chain-name": ("2.11", "Names of kill chains and phases are lowercase, with hyphens."),
    "open-vocab": ("2.13", "The value of an open vocabulary comes from it."),
    "open-vocab-form": ("2.13", "Other values of an open vocabulary are lowercase, with hyphens."),
    "not-applicable": ("3.2", "A common property that does not apply to a type is not used on it."),
    "labels-as-type": ("3.2", "What an object's own type property can say is not said in labels."),
    "sco-id": ("3.4", "The UUIDv5 of a cyber-observable is computed from its id-contributing properties."),
    "common-relationship": ("3.7", "The relationships derived-from and duplicate-of join objects of one type."),
    "indicator-name": ("4.7", "An indicator has a name and a description."),
    "location-country": ("4.10", "A country is an ISO 3166-1 alpha-2 code."),
    "malware-analysis-product": ("4.12", "The product of an analysis is lowercase, with hyphens."),
    "observed-objects": ("4.14", "Observed data uses object_refs; objects is deprecated."),
    "observed-key": ("4.14", "Keys of embedded observables are whole numbers."),
    "relationship-suggested": ("5.1", "A relationship is one that the specification suggests for its two types."),
    "mime-type": ("6.7", "A MIME type is written type/subtype."),
    "pdf-info": ("6.7.4", "Entries of document_info_dict are those of PDF."),
    "traffic-protocol": ("6.12", "A protocol is named as in the IANA service registry, in lowercase."),
    "traffic-ports": ("6.12", "Network traffic names its ports where its protocol has them."),
    "process-id": ("6.13", "A process has a UUIDv4."),
    "windows-priority": ("6.13.2", "The priority of a Windows process ends in _CLASS."),
    "marking-type": ("7.2.1", "New kinds of marking are defined by an extension."),
    "extension-description": ("7.3", "An extension definition has a description."),
    "extension-version": ("7.3", "The version of an extension is a semantic version."),
    "extension-properties-missing": ("7.3", "An extension of top-level properties lists them."),
    "custom-property": ("11.1", "Own properties are defined by an extension, and begin with x_."),
    "custom-object": ("11.2", "Own types of object are defined by an extension."),
    "custom-extension": ("11.3", "Own extensions are keyed by an extension definition."),
}

RULES: dict[str, Rule] = {
    **{name: Rule(name, "error", section, text) for name, (section, text) in READING.items()},
    **{name: Rule(name, "error", section, text) for name, (section, text) in _ERRORS.items()},
    **{name: Rule(name, "warning", section, text) for name, (section, text) in _WARNINGS.items()},
}


def problem(rule: str, path: str, message: str, section: str = "") -> Problem:
    """A problem of a registered rule; KeyError for any other."""
    known = RULES[rule]
    return Problem(rule, known.severity, path, message, section or known.section)
