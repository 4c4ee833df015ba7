"""One clean example of each type with every property the specification gives it, and one breach of each rule."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from kizuna.stix.ids import sco_id

Object = dict[str, Any]

CREATED = "2026-01-01T00:00:00.000Z"
MODIFIED = "2026-02-01T00:00:00.000Z"
EARLY, LATE = "2025-03-01T10:00:00Z", "2025-04-01T10:00:00.5Z"
HASHES = {"MD5": "d41d8cd98f00b204e9800998ecf8427e", "SHA-256": "e3b0c442" * 8}
SSDEEP_AND_TLSH = {"SSDEEP": "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "TLSH": "6FF02BEF" + "0" * 62}


def ref(kind: str, number: int = 1) -> str:
    """An id of a type."""
    return f"{kind}--{number:08x}-0000-4000-8000-000000000000"


TLP_GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
EXTENSION = ref("extension-definition", 7)

REFERENCES = [
    {"source_name": "cve", "external_id": "CVE-2026-0001"},
    {"source_name": "capec", "external_id": "CAPEC-163"},
    {
        "source_name": "report",
        "description": "a report",
        "url": "https://cert.example/reports/1?lang=ja#top",
        "hashes": HASHES,
        "external_id": "R-1",
    },
]
PHASES = [{"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": "delivery"}]


def _sdo(kind: str, **own: Any) -> Object:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": ref(kind),
        "created_by_ref": ref("identity"),
        "created": CREATED,
        "modified": MODIFIED,
        "revoked": False,
        "labels": ["観測"],
        "confidence": 80,
        "lang": "ja",
        "external_references": REFERENCES,
        "object_marking_refs": [TLP_GREEN],
        "granular_markings": [
            {"marking_ref": TLP_GREEN, "selectors": ["labels.[0]", "id", "external_references.[2].url"]},
            {"lang": "en-GB", "selectors": ["labels"]},
        ],
        "extensions": {EXTENSION: {"extension_type": "property-extension", "rank": 5, "toxicity": [1.5, 2]}},
        **own,
    }


def _sco(kind: str, **own: Any) -> Object:
    made: Object = {
        "type": kind,
        "spec_version": "2.1",
        "id": ref(kind),
        "object_marking_refs": [TLP_GREEN],
        "granular_markings": [{"marking_ref": TLP_GREEN, "selectors": ["spec_version"]}],
        "defanged": False,
        **own,
    }
    made["id"] = sco_id(made) or made["id"]
    return made


_NAMED = {"name": "名前", "description": "what it is"}
_SEEN = {"first_seen": EARLY, "last_seen": LATE}

DOMAIN: dict[str, Object] = {
    "attack-pattern": _sdo("attack-pattern", **_NAMED, aliases=["a"], kill_chain_phases=PHASES),
    "campaign": _sdo("campaign", **_NAMED, aliases=["a"], **_SEEN, objective="money"),
    "course-of-action": _sdo("course-of-action", **_NAMED),
    "grouping": _sdo("grouping", **_NAMED, context="unspecified", object_refs=[ref("indicator"), ref("x-own-type")]),
    "identity": _sdo(
        "identity",
        **_NAMED,
        roles=["analyst"],
        identity_class="organization",
        sectors=["government"],
        contact_information="+81 3",
    ),
    "incident": _sdo("incident", **_NAMED),
    "indicator": _sdo(
        "indicator",
        **_NAMED,
        indicator_types=["malicious-activity"],
        pattern="[ipv4-addr:value = '198.51.100.1']",
        pattern_type="stix",
        pattern_version="2.1",
        valid_from=EARLY,
        valid_until=LATE,
        kill_chain_phases=PHASES,
    ),
    "infrastructure": _sdo(
        "infrastructure",
        **_NAMED,
        infrastructure_types=["botnet"],
        aliases=["a"],
        kill_chain_phases=PHASES,
        **_SEEN,
    ),
    "intrusion-set": _sdo(
        "intrusion-set",
        **_NAMED,
        aliases=["a"],
        **_SEEN,
        goals=["g"],
        resource_level="team",
        primary_motivation="ideology",
        secondary_motivations=["revenge"],
    ),
    "location": _sdo(
        "location",
        **_NAMED,
        latitude=35.68,
        longitude=139,
        precision=100.5,
        region="eastern-asia",
        country="JP",
        administrative_area="JP-13",
        city="東京",
        street_address="1-1",
        postal_code="100-0001",
    ),
    "malware": _sdo(
        "malware",
        **_NAMED,
        malware_types=["wiper"],
        is_family=True,
        aliases=["a"],
        kill_chain_phases=PHASES,
        **_SEEN,
        operating_system_refs=[ref("software")],
        architecture_execution_envs=["x86-64"],
        implementation_languages=["go"],
        capabilities=["evades-av"],
        sample_refs=[ref("file"), ref("artifact")],
    ),
    "malware-analysis": _sdo(
        "malware-analysis",
        product="some-sandbox",
        version="1",
        host_vm_ref=ref("software"),
        operating_system_ref=ref("software"),
        installed_software_refs=[ref("software")],
        configuration_version="2",
        modules=["m"],
        analysis_engine_version="3",
        analysis_definition_version="4",
        submitted=EARLY,
        analysis_started=EARLY,
        analysis_ended=LATE,
        result_name="r",
        result="malicious",
        analysis_sco_refs=[ref("file")],
        sample_ref=ref("file"),
    ),
    "note": _sdo("note", abstract="a", content="c", authors=["x"], object_refs=[ref("campaign")]),
    "observed-data": _sdo(
        "observed-data",
        first_observed=EARLY,
        last_observed=LATE,
        number_observed=3,
        object_refs=[ref("ipv4-addr"), ref("relationship")],
    ),
    "opinion": _sdo("opinion", explanation="e", authors=["x"], opinion="agree", object_refs=[ref("relationship")]),
    "report": _sdo("report", **_NAMED, report_types=["campaign"], published=EARLY, object_refs=[ref("campaign")]),
    "threat-actor": _sdo(
        "threat-actor",
        **_NAMED,
        threat_actor_types=["criminal"],
        aliases=["a"],
        **_SEEN,
        roles=["sponsor"],
        goals=["g"],
        sophistication="expert",
        resource_level="club",
        primary_motivation="dominance",
        secondary_motivations=["revenge"],
        personal_motivations=["notoriety"],
    ),
    "tool": _sdo(
        "tool", **_NAMED, tool_types=["exploitation"], aliases=["a"], kill_chain_phases=PHASES, tool_version="1.2"
    ),
    "vulnerability": _sdo("vulnerability", **_NAMED),
}

RELATIONSHIP: dict[str, Object] = {
    "relationship": _sdo(
        "relationship",
        relationship_type="uses",
        description="d",
        source_ref=ref("campaign"),
        target_ref=ref("malware"),
        start_time=EARLY,
        stop_time=LATE,
    ),
    "sighting": _sdo(
        "sighting",
        description="d",
        **_SEEN,
        count=0,
        sighting_of_ref=ref("indicator"),
        observed_data_refs=[ref("observed-data")],
        where_sighted_refs=[ref("identity"), ref("location")],
        summary=False,
    ),
}


def _less(data: Object, *names: str) -> Object:
    return {name: value for name, value in data.items() if name not in names}


META: dict[str, Object] = {
    "marking-definition": {
        **_less(_sdo("marking-definition"), "modified", "revoked", "labels", "confidence", "lang"),
        "name": "copyright",
        "definition_type": "statement",
        "definition": {"statement": "© 2026"},
        "granular_markings": [{"marking_ref": TLP_GREEN, "selectors": ["definition.statement"]}],
    },
    "language-content": {
        **_less(_sdo("language-content"), "lang"),
        "object_ref": ref("campaign"),
        "object_modified": MODIFIED,
        "contents": {"de": {"name": "Bank", "goals": ["Geld"]}, "uk-UA": {"name": "Банк"}},
    },
    "extension-definition": {
        **_less(_sdo("extension-definition"), "lang", "confidence"),
        "name": "own",
        "description": "d",
        "schema": "https://cert.example/schema.json",
        "version": "1.0.0",
        "extension_types": ["new-sdo", "toplevel-property-extension"],
        "extension_properties": ["toxicity", "rank"],
    },
}

_PE_HEADER = {
    "magic_hex": "010b",
    "major_linker_version": 2,
    "size_of_code": 512,
    "image_base": 4194304,
    "loader_flags_hex": "abdbffde",
    "hashes": HASHES,
}

OBSERVABLES: dict[str, Object] = {
    "artifact": _sco(
        "artifact",
        mime_type="application/zip",
        url="https://example.com/a.zip",
        hashes={**HASHES, "SHA-1": "a" * 40, "SHA-512": "b" * 128, "SHA3-256": "c" * 64, "SHA3-512": "d" * 128},
        encryption_algorithm="mime-type-indicated",
        decryption_key="infected",
    ),
    "autonomous-system": _sco("autonomous-system", number=64512, name="Own", rir="APNIC"),
    "directory": _sco(
        "directory",
        path="C:\\Windows",
        path_enc="shift_jis",
        ctime=EARLY,
        mtime=EARLY,
        atime=LATE,
        contains_refs=[ref("file"), ref("directory")],
    ),
    "domain-name": _sco(
        "domain-name",
        value="例え.example.com",
        resolves_to_refs=[ref("ipv4-addr"), ref("ipv6-addr"), ref("domain-name")],
    ),
    "email-addr": _sco(
        "email-addr", value="jane.doe@example.com", display_name="Jane", belongs_to_ref=ref("user-account")
    ),
    "email-message": _sco(
        "email-message",
        is_multipart=True,
        date=EARLY,
        content_type="multipart/mixed",
        from_ref=ref("email-addr"),
        sender_ref=ref("email-addr"),
        to_refs=[ref("email-addr")],
        cc_refs=[ref("email-addr")],
        bcc_refs=[ref("email-addr")],
        message_id="<1@example.com>",
        subject="s",
        received_lines=["from a by b"],
        additional_header_fields={"Reply-To": ["a@example.com", "b@example.com"], "X-Mailer": "m"},
        body_multipart=[
            {"body": "b", "content_type": "text/plain", "content_disposition": "inline"},
            {"body_raw_ref": ref("artifact"), "content_type": "image/png"},
        ],
        raw_email_ref=ref("artifact"),
    ),
    "file": _sco(
        "file",
        extensions={
            "archive-ext": {"contains_refs": [ref("file"), ref("directory")], "comment": "c"},
            "ntfs-ext": {"sid": "1", "alternate_data_streams": [{"name": "s", "hashes": HASHES, "size": 1}]},
            "pdf-ext": {
                "version": "1.7",
                "is_optimized": False,
                "document_info_dict": {"Title": "t", "CreationDate": "d"},
                "pdfid0": "0",
                "pdfid1": "1",
            },
            "raster-image-ext": {
                "image_height": 1,
                "image_width": 2,
                "bits_per_pixel": 8,
                "exif_tags": {"Make": "Nikon", "XResolution": 4928},
            },
            "windows-pebinary-ext": {
                "pe_type": "exe",
                "imphash": "x",
                "machine_hex": "014c",
                "number_of_sections": 4,
                "time_date_stamp": EARLY,
                "pointer_to_symbol_table_hex": "74726144",
                "number_of_symbols": 0,
                "size_of_optional_header": 224,
                "characteristics_hex": "818f",
                "file_header_hashes": HASHES,
                "optional_header": _PE_HEADER,
                "sections": [{"name": "CODE", "size": 1, "entropy": 0.061089, "hashes": HASHES}],
            },
        },
        hashes={**HASHES, **SSDEEP_AND_TLSH},
        size=0,
        name="a.exe",
        name_enc="UTF-8",
        magic_number_hex="4D5A",
        mime_type="application/octet-stream",
        ctime=EARLY,
        mtime=EARLY,
        atime=LATE,
        parent_directory_ref=ref("directory"),
        contains_refs=[ref("ipv4-addr"), ref("x-own-observable")],
        content_ref=ref("artifact"),
    ),
    "ipv4-addr": _sco(
        "ipv4-addr",
        value="198.51.100.0/24",
        resolves_to_refs=[ref("mac-addr")],
        belongs_to_refs=[ref("autonomous-system")],
    ),
    "ipv6-addr": _sco(
        "ipv6-addr",
        value="2001:db8::ffff:192.0.2.1/96",
        resolves_to_refs=[ref("mac-addr")],
        belongs_to_refs=[ref("autonomous-system")],
    ),
    "mac-addr": _sco("mac-addr", value="d2:fb:49:24:37:18"),
    "mutex": _sco("mutex", name="__CLEANSWEEP__"),
    "network-traffic": _sco(
        "network-traffic",
        extensions={
            "http-request-ext": {
                "request_method": "get",
                "request_value": "/",
                "request_version": "http/1.1",
                "request_header": {"Accept-Encoding": ["gzip", "deflate"]},
                "message_body_length": 1,
                "message_body_data_ref": ref("artifact"),
            },
            "icmp-ext": {"icmp_type_hex": "08", "icmp_code_hex": "00"},
            "socket-ext": {
                "address_family": "AF_INET",
                "is_blocking": True,
                "is_listening": False,
                "options": {"SO_KEEPALIVE": 1, "ICMP6_FILTER": 2},
                "socket_type": "SOCK_STREAM",
                "socket_descriptor": 3,
                "socket_handle": 4,
            },
            "tcp-ext": {"src_flags_hex": "00000002", "dst_flags_hex": "12"},
        },
        start=EARLY,
        end=LATE,
        is_active=False,
        src_ref=ref("ipv4-addr"),
        dst_ref=ref("domain-name"),
        src_port=2487,
        dst_port=1723,
        protocols=["ipv4", "tcp"],
        src_byte_count=147600,
        dst_byte_count=100,
        src_packets=1,
        dst_packets=2,
        ipfix={"minimumIpTotalLength": 32, "applicationName": "x"},
        src_payload_ref=ref("artifact"),
        dst_payload_ref=ref("artifact"),
        encapsulates_refs=[ref("network-traffic")],
        encapsulated_by_ref=ref("network-traffic", 2),
    ),
    "process": _sco(
        "process",
        extensions={
            "windows-process-ext": {
                "aslr_enabled": True,
                "dep_enabled": True,
                "priority": "HIGH_PRIORITY_CLASS",
                "owner_sid": "S-1-5",
                "window_title": "t",
                "startup_info": {"lpDesktop": "d", "cb": 68, "cbReserved2": 0},
                "integrity_level": "high",
            },
            "windows-service-ext": {
                "service_name": "s",
                "descriptions": ["d"],
                "display_name": "n",
                "group_name": "g",
                "start_type": "SERVICE_AUTO_START",
                "service_dll_refs": [ref("file")],
                "service_type": "SERVICE_WIN32_OWN_PROCESS",
                "service_status": "SERVICE_RUNNING",
            },
        },
        is_hidden=False,
        pid=314,
        created_time=EARLY,
        cwd="/",
        command_line="a -b",
        environment_variables={"PATH": "/bin"},
        opened_connection_refs=[ref("network-traffic")],
        creator_user_ref=ref("user-account"),
        image_ref=ref("file"),
        parent_ref=ref("process", 2),
        child_refs=[ref("process", 3)],
    ),
    "software": _sco(
        "software",
        name="Word",
        cpe="cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*",
        swid="s",
        languages=["en", "ja-JP"],
        vendor="Microsoft",
        version="2002",
    ),
    "url": _sco("url", value="https://user@example.com:8443/a/%E6%97%A5?x=[1]".replace("[1]", "1") + "#f"),
    "user-account": _sco(
        "user-account",
        extensions={"unix-account-ext": {"gid": 1001, "groups": ["wheel"], "home_dir": "/h", "shell": "/bin/sh"}},
        user_id="1001",
        credential="c",
        account_login="jdoe",
        account_type="unix",
        display_name="J",
        is_service_account=False,
        is_privileged=False,
        can_escalate_privs=True,
        is_disabled=False,
        account_created=EARLY,
        account_expires=LATE,
        credential_last_changed=EARLY,
        account_first_login=EARLY,
        account_last_login=LATE,
    ),
    "windows-registry-key": _sco(
        "windows-registry-key",
        key="HKEY_LOCAL_MACHINE\\System\\Foo",
        values=[{"name": "n", "data": "d", "data_type": "REG_SZ"}, {"name": "only"}],
        modified_time=EARLY,
        creator_user_ref=ref("user-account"),
        number_of_subkeys=2,
    ),
    "x509-certificate": _sco(
        "x509-certificate",
        is_self_signed=False,
        hashes=HASHES,
        version="3",
        serial_number="36:f7",
        signature_algorithm="sha256",
        issuer="C=JP",
        validity_not_before=EARLY,
        validity_not_after=LATE,
        subject="CN=x",
        subject_public_key_algorithm="rsa",
        subject_public_key_modulus="00",
        subject_public_key_exponent=65537,
        x509_v3_extensions={"basic_constraints": "CA:TRUE", "private_key_usage_period_not_before": EARLY},
    ),
}

VALID: dict[str, Object] = {**DOMAIN, **RELATIONSHIP, **META, **OBSERVABLES}


def changed(kind: str, **changes: Any) -> Object:
    """An example with properties set, or taken away (`...`)."""
    data = copy.deepcopy(VALID[kind])
    for name, value in changes.items():
        if value is ...:
            del data[name]
        else:
            data[name] = value
    return data


def minimal(kind: str, **changes: Any) -> Object:
    """An example of a cyber-observable with a fitting id, after changes."""
    data = changed(kind, **changes)
    data["id"] = sco_id(data) or ref(kind)
    return data


def edited(kind: str, edit: Callable[[Object], Any]) -> Object:
    """An example after an edit of its inside; a cyber-observable gets its fitting id again."""
    data = copy.deepcopy(VALID[kind])
    edit(data)
    if kind in OBSERVABLES:
        data["id"] = sco_id(data) or ref(kind)
    return data
