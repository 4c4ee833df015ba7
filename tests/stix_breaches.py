"""One example for each rule that breaks it and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kizuna.stix.bundle import bundle_problems
from kizuna.stix.checker import check
from kizuna.stix.problem import Problem
from kizuna.stix.reader import ReadLimits, iter_objects
from kizuna.stix.validation import unreadable, validate
from kizuna.stix.versions import version_problems
from tests.stix_examples import CREATED, EARLY, EXTENSION, HASHES, TLP_GREEN, Object, changed, edited, minimal, ref

Breach = Callable[[], list[Problem]]


def _object(kind: str, **changes: Any) -> Breach:
    return lambda: check(changed(kind, **changes))


def _observable(kind: str, **changes: Any) -> Breach:
    return lambda: check(minimal(kind, **changes))


def _inside(kind: str, edit: Callable[[Object], Any]) -> Breach:
    return lambda: check(edited(kind, edit))


def _extension(kind: str, name: str, **changes: Any) -> Breach:
    return _inside(kind, lambda data: data["extensions"][name].update(changes))


def _reference(**reference: Any) -> Breach:
    return _object("campaign", external_references=[reference], granular_markings=...)


def _granular(**mark: Any) -> Breach:
    return _object("campaign", granular_markings=[mark])


def _own(kind: str = "x-own-type", **more: Any) -> Object:
    definition = {ref("extension-definition"): {"extension_type": "new-sdo"}}
    base = {"type": kind, "spec_version": "2.1", "id": ref(kind), "created": CREATED, "modified": CREATED}
    return {**base, "extensions": definition, **more}


def _versions(**changes: Any) -> Breach:
    before = changed("campaign")
    return lambda: version_problems(before, {**before, "modified": "2026-03-01T00:00:00.000Z", **changes})


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def _bundle(**changes: Any) -> Breach:
    data = {"type": "bundle", "id": ref("bundle"), "objects": [changed("campaign")], **changes}
    return lambda: bundle_problems(data)


def _two_versions() -> list[Problem]:
    one = changed("campaign")
    return validate({"type": "bundle", "id": ref("bundle"), "objects": [one, {**one, "name": "other"}]})


_TLP = {"type": "marking-definition", "spec_version": "2.1", "id": ref("marking-definition"), "created": CREATED}


def _text(text: bytes, **limits: int) -> Breach:
    return lambda: [one for item in iter_objects(text, limits=ReadLimits(**limits)) for one in item.problems]


_MUTEX = b'{"type":"mutex","id":"%b","name":' % ref("mutex").encode()

BREACHES: dict[str, Breach] = {
    # reading
    "unreadable": lambda: unreadable("no such file").problems,
    "json-syntax": _text(_MUTEX + b"x}"),
    "json-truncated": _text(_MUTEX + b'"a"'),
    "json-encoding": _text(_MUTEX + b'"\xff"}'),
    "json-bom": _text(b"\xef\xbb\xbf" + _MUTEX + b'"a"}'),
    "json-surrogate": _text(_MUTEX + b'"\\ud800"}'),
    "json-number": _text(_MUTEX + b'"a","x_n":9007199254740993}'),
    "json-duplicate-key": _text(_MUTEX + b'"a","name":"b"}'),
    "json-depth": _text(_MUTEX + b'"a","x_n":[[[["b"]]]]}', depth=4),
    "json-too-large": _text(_MUTEX + b'"a long name"}', object=40),
    # data types
    "not-an-object": lambda: check("indicator"),  # type: ignore[arg-type]
    "null-value": _object("campaign", objective=None),
    "too-deep": _extension("campaign", EXTENSION, rank=_nested(300)),
    "binary": _observable("artifact", url=..., payload_bin="a===", hashes=...),
    "boolean": _object("campaign", revoked="false"),
    "dictionary": _object("campaign", extensions=[]),
    "dictionary-empty": _object("language-content", contents={}),
    "dictionary-key": _object("marking-definition", definition={"statement": "s", "a b": "c"}),
    "enum": _object("opinion", opinion="maybe"),
    "external-reference-content": _reference(source_name="report"),
    "external-reference-cve": _reference(source_name="cve", external_id="2026-0001"),
    "external-reference-capec": _reference(source_name="capec", external_id="163"),
    "external-reference-source": _reference(source_name="nvd", external_id="CVE-2026-0001"),
    "url": _observable("url", value="https://example.com/日本"),
    "float": _object("location", latitude="35"),
    "number-range": _object("campaign", confidence=101),
    "hash-key": _observable("file", hashes={**HASHES, "md 5": "x"}),
    "hash-value": _observable("file", hashes={**HASHES, "SHA-1": "abc"}),
    "hex": _observable("file", magic_number_hex="4d5"),
    "identifier": _object("campaign", created_by_ref="identity--1"),
    "identifier-type": _object("campaign", id=ref("malware")),
    "reference-type": _object("campaign", created_by_ref=ref("malware")),
    "integer": _object("campaign", confidence=80.0),
    "integer-safe": _extension("campaign", EXTENSION, rank=2**53),
    "list": _object("campaign", aliases="a"),
    "list-empty": _object("campaign", aliases=[]),
    "string": _object("campaign", objective=1),
    "timestamp": _object("campaign", last_seen="2026-02-30T00:00:00Z"),
    "timestamp-precision": _object("campaign", created="2026-01-01T00:00:00Z"),
    "timestamp-whole-seconds": _extension("file", "windows-pebinary-ext", time_date_stamp="2025-03-01T10:00:00.0Z"),
    # all objects
    "type-name": lambda: check(_own("x_own")),
    "property-name": _object("campaign", Objective="x"),
    "required": _object("campaign", name=...),
    "spec-version": _object("campaign", spec_version="2.0"),
    "modified-before-created": _object("campaign", modified="2025-12-31T23:59:59.999Z"),
    "language": _object("campaign", lang="日本語"),
    "reserved": _object("campaign", severity="high"),
    "id-needs-uuid4": _object(
        "user-account",
        id="user-account--00000000-0000-5000-8000-000000000000",
        account_type=...,
        user_id=...,
        account_login=...,
    ),
    "at-least-one": lambda: check({"type": "process", "id": ref("process")}),
    # versions
    "version-id": _versions(id=ref("campaign", 2)),
    "version-created": _versions(created="2026-01-02T00:00:00.000Z"),
    "version-created-by": _versions(created_by_ref=ref("identity", 2)),
    "version-modified": _versions(modified=CREATED),
    "version-revoked": lambda: version_problems(
        changed("campaign", revoked=True), changed("campaign", modified="2026-03-01T00:00:00.000Z")
    ),
    "duplicate-version": _two_versions,
    # domain and relationship objects
    "derived-from-self": _object("relationship", relationship_type="derived-from", target_ref=ref("campaign")),
    "seen-order": _object("campaign", last_seen="2025-03-01T09:59:59.9Z"),
    "pattern-syntax": _object("indicator", pattern="[ipv4-addr:value = ]"),
    "valid-until-order": _object("indicator", valid_until="2025-03-01T10:00:00.000Z"),
    "location-place": _object("location", latitude=..., longitude=..., precision=..., region=..., country=...),
    "location-coordinates": _object("location", longitude=..., precision=...),
    "location-precision": _object("location", latitude=..., longitude=...),
    "malware-family-name": _object("malware", name=...),
    "malware-analysis-result": _object("malware-analysis", result=..., analysis_sco_refs=...),
    "observed-order": _object("observed-data", last_observed="2025-03-01T09:59:59Z"),
    "observed-content": _object("observed-data", object_refs=...),
    "observed-sco": _object("observed-data", object_refs=[ref("relationship")]),
    "relationship-type": _object("relationship", relationship_type="Uses", target_ref=ref("x-own-type")),
    "stop-time-order": _object("relationship", stop_time=EARLY),
    # cyber-observables
    "artifact-content": _observable("artifact", payload_bin="VGhlIHF1aWNr"),
    "artifact-hashes": _observable("artifact", hashes=...),
    "artifact-key": _observable("artifact", encryption_algorithm=...),
    "artifact-mime-type": _observable("artifact", mime_type="chemical/x-pdb"),
    "charset": _observable("directory", path_enc="wide"),
    "domain-name": _observable("domain-name", value="-a.example.com"),
    "email-address": _observable("email-addr", value="Jane <jane@example.com>"),
    "email-body": _observable("email-message", body="b"),
    "email-body-multipart": _observable("email-message", is_multipart=False),
    "email-header-name": _observable("email-message", additional_header_fields={"Subject": "s"}),
    "email-header-value": _observable("email-message", additional_header_fields={"Reply-To": ["a"]}),
    "email-part": _observable("email-message", body_multipart=[{"content_type": "text/plain"}]),
    "file-name-or-hashes": _observable("file", name=..., hashes=...),
    "image-tag": _extension("file", "raster-image-ext", exif_tags={"make": "Nikon"}),
    "ipv4-address": _observable("ipv4-addr", value="198.51.100.256"),
    "ipv6-address": _observable("ipv6-addr", value="2001:db8::g"),
    "mac-address": _observable("mac-addr", value="D2-FB-49-24-37-18"),
    "traffic-endpoint": _observable("network-traffic", src_ref=..., dst_ref=...),
    "traffic-active": _observable("network-traffic", is_active=True),
    "traffic-order": _observable("network-traffic", end="2024-01-01T00:00:00Z"),
    "traffic-ipfix": _observable("network-traffic", ipfix={"a": 1.5}),
    "http-header": _extension("network-traffic", "http-request-ext", request_header={"Host": "example.com"}),
    "socket-option": _extension("network-traffic", "socket-ext", options={"KEEPALIVE": 1}),
    "startup-info": _extension("process", "windows-process-ext", startup_info={"cb": "68"}),
    "cpe": _observable("software", cpe="cpe:/a:microsoft:word"),
    "registry-key": _observable("windows-registry-key", key="HKLM\\System"),
    # meta objects
    "contents-property": _object("language-content", contents={"de": {"Name": "x"}}),
    "marking-content": _object("marking-definition", definition_type=..., granular_markings=...),
    "marking-statement": _object("marking-definition", definition={"text": "c"}, granular_markings=...),
    "marking-tlp": lambda: check(
        {**_TLP, "definition_type": "tlp", "name": "TLP:GREEN", "definition": {"tlp": "green"}}
    ),
    "marking-self": _object("marking-definition", object_marking_refs=[ref("marking-definition")]),
    "granular-choice": _granular(selectors=["name"]),
    "selector-syntax": _granular(marking_ref=TLP_GREEN, selectors=["labels[0]"]),
    "selector-unresolved": _granular(marking_ref=TLP_GREEN, selectors=["labels.[1]"]),
    "extension-properties": _object("extension-definition", extension_types=["new-sdo"]),
    "extension-key": _object("campaign", extensions={"own": {"a_b": 1}}),
    "extension-object": _observable("mutex", extensions={"pdf-ext": {"version": "1.7"}}),
    "bundle-common": _bundle(spec_version="2.1"),
    "bundle-nested": lambda: check({"type": "bundle", "id": ref("bundle")}),
    # warnings
    "dictionary-key-case": _object("marking-definition", definition={"statement": "s", "Own": "c"}),
    "external-reference-hashes": _reference(source_name="report", url="https://cert.example/"),
    "hash-algorithm": _observable("file", hashes={**HASHES, "WHIRLPOOL": "ab"}),
    "id-uuid4": _object("campaign", id="campaign--00000000-0000-1000-8000-000000000000"),
    "id-uuid5": _object("mutex", id=ref("mutex")),
    "kill-chain-name": _object(
        "campaign",
        type="attack-pattern",
        id=ref("attack-pattern"),
        first_seen=...,
        last_seen=...,
        objective=...,
        kill_chain_phases=[{"kill_chain_name": "Own Chain", "phase_name": "delivery"}],
    ),
    "open-vocab": _object("identity", identity_class="alliance"),
    "not-applicable": _observable("mutex", labels=["a"]),
    "labels-as-type": _object("malware", labels=["wiper"]),
    "sco-id": _object("mutex", id="mutex--00000000-0000-5000-8000-000000000000"),
    "indicator-name": _object("indicator", description=...),
    "location-country": _object("location", country="XX"),
    "malware-analysis-product": _object("malware-analysis", product="Some Sandbox"),
    "observed-objects": _object(
        "observed-data", object_refs=..., objects={"0": {"type": "process", "id": ref("process"), "pid": 1}}
    ),
    "relationship-suggested": _object("relationship", relationship_type="beacons-to"),
    "mime-type": _observable("file", mime_type="exe"),
    "pdf-info": _extension("file", "pdf-ext", document_info_dict={"Own": "x"}),
    "traffic-protocol": _observable("network-traffic", protocols=["IPv4", "tcp"]),
    "traffic-ports": _observable("network-traffic", src_port=..., dst_port=...),
    "process-id": _object("process", id="process--00000000-0000-5000-8000-000000000000"),
    "windows-priority": _extension("process", "windows-process-ext", priority="HIGH"),
    "marking-type": _object("marking-definition", definition_type="own", definition={"a": "b"}, granular_markings=...),
    "extension-description": _object("extension-definition", description=...),
    "extension-version": _object("extension-definition", version="1"),
    "extension-properties-missing": _object("extension-definition", extension_properties=...),
    "custom-property": _object("campaign", x_own_rank=1),
    "custom-object": lambda: check(_own(extensions={EXTENSION: {"extension_type": "property-extension", "a_b": 1}})),
    "custom-extension": _object("campaign", extensions={"x-own-ext": {"a_b": 1}}),
}

COMPANIONS: dict[str, frozenset[str]] = {
    "type-name": frozenset(("identifier",)),
    "open-vocab-form": frozenset(("open-vocab",)),
    "observed-key": frozenset(("observed-objects",)),
}
"""Rules that cannot be broken without another: a bad type name makes a bad id, too."""

BREACHES["common-relationship"] = _object("relationship", relationship_type="duplicate-of")
BREACHES["open-vocab-form"] = _object("identity", identity_class="An Alliance")
BREACHES["observed-key"] = _object(
    "observed-data", object_refs=..., objects={"a": {"type": "process", "id": ref("process"), "pid": 1}}
)
