"""Tables of the eighteen cyber-observables, their extensions and embedded structures (section 6)."""

from __future__ import annotations

from .common import COMMON_SCO, META, REQUIRED_SCO, SDO, SRO
from .properties import (
    BOOLEAN,
    HASHES,
    HEX,
    INTEGER,
    NATURAL,
    TEXT,
    TEXTS,
    TIMESTAMP,
    URL,
    Binary,
    Dictionary,
    Enum,
    Extensions,
    Float,
    Integer,
    Kind,
    Language,
    ListOf,
    Open,
    Ref,
    Special,
    Struct,
    Table,
    Timestamp,
    ref,
    refs,
    table,
)
from .vocab import words

_ANY_SCO = ListOf(Ref(denied=SDO | SRO | META | {"bundle"}))
_PORT = Integer(0, 65535)
_CHARSET = Special("charset")
_TIMES: dict[str, Kind] = {"ctime": TIMESTAMP, "mtime": TIMESTAMP, "atime": TIMESTAMP}


def _texts(names: str) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), TEXT)


def _observable(
    section: str,
    properties: dict[str, Kind],
    *,
    required: str = "",
    rules: str = "",
    extensions: str = "",
    at_least_one: bool = False,
) -> Table:
    own = {"extensions": Extensions(frozenset(extensions.split())), **properties}
    options = (*properties, "extensions") if at_least_one else ()
    return Table(
        section,
        {**COMMON_SCO, **own},
        REQUIRED_SCO | frozenset(required.split()),
        ("sco-id", *rules.split()),
        options,
    )


OBSERVABLES: dict[str, Table] = {
    "artifact": _observable(
        "6.1",
        {
            "mime_type": Special("artifact-mime-type"),
            "payload_bin": Binary(),
            "url": URL,
            "hashes": HASHES,
            "encryption_algorithm": Enum("encryption-algorithm-enum"),
            "decryption_key": TEXT,
        },
        rules="artifact",
    ),
    "autonomous-system": _observable("6.2", {"number": INTEGER, **_texts("name rir")}, required="number"),
    "directory": _observable(
        "6.3",
        {"path": TEXT, "path_enc": _CHARSET, **_TIMES, "contains_refs": refs("file", "directory")},
        required="path",
    ),
    "domain-name": _observable(
        "6.4",
        {"value": TEXT, "resolves_to_refs": refs("ipv4-addr", "ipv6-addr", "domain-name")},
        required="value",
        rules="domain-name",
    ),
    "email-addr": _observable(
        "6.5",
        {"value": TEXT, "display_name": TEXT, "belongs_to_ref": ref("user-account")},
        required="value",
        rules="email-address",
    ),
    "email-message": _observable(
        "6.6",
        {
            "is_multipart": BOOLEAN,
            "date": TIMESTAMP,
            "content_type": TEXT,
            "from_ref": ref("email-addr"),
            "sender_ref": ref("email-addr"),
            "to_refs": refs("email-addr"),
            "cc_refs": refs("email-addr"),
            "bcc_refs": refs("email-addr"),
            "message_id": TEXT,
            "subject": TEXT,
            "received_lines": TEXTS,
            "additional_header_fields": Special("email-headers"),
            "body": TEXT,
            "body_multipart": ListOf(Struct("email-mime-part")),
            "raw_email_ref": ref("artifact"),
        },
        required="is_multipart",
        rules="email-body",
    ),
    "file": _observable(
        "6.7",
        {
            "hashes": HASHES,
            "size": NATURAL,
            "name": TEXT,
            "name_enc": _CHARSET,
            "magic_number_hex": HEX,
            "mime_type": Special("mime-type"),
            **_TIMES,
            "parent_directory_ref": ref("directory"),
            "contains_refs": _ANY_SCO,
            "content_ref": ref("artifact"),
        },
        rules="file-name-or-hashes",
        extensions="archive-ext ntfs-ext pdf-ext raster-image-ext windows-pebinary-ext",
    ),
    "ipv4-addr": _observable(
        "6.8",
        {"value": TEXT, "resolves_to_refs": refs("mac-addr"), "belongs_to_refs": refs("autonomous-system")},
        required="value",
        rules="ipv4-address",
    ),
    "ipv6-addr": _observable(
        "6.9",
        {"value": TEXT, "resolves_to_refs": refs("mac-addr"), "belongs_to_refs": refs("autonomous-system")},
        required="value",
        rules="ipv6-address",
    ),
    "mac-addr": _observable("6.10", {"value": TEXT}, required="value", rules="mac-address"),
    "mutex": _observable("6.11", {"name": TEXT}, required="name"),
    "network-traffic": _observable(
        "6.12",
        {
            "start": TIMESTAMP,
            "end": TIMESTAMP,
            "is_active": BOOLEAN,
            "src_ref": ref("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
            "dst_ref": ref("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
            "src_port": _PORT,
            "dst_port": _PORT,
            "protocols": ListOf(Special("protocol")),
            **dict.fromkeys(["src_byte_count", "dst_byte_count", "src_packets", "dst_packets"], NATURAL),
            "ipfix": Special("ipfix"),
            "src_payload_ref": ref("artifact"),
            "dst_payload_ref": ref("artifact"),
            "encapsulates_refs": refs("network-traffic"),
            "encapsulated_by_ref": ref("network-traffic"),
        },
        required="protocols",
        rules="traffic traffic-order",
        extensions="http-request-ext icmp-ext socket-ext tcp-ext",
    ),
    "process": _observable(
        "6.13",
        {
            "is_hidden": BOOLEAN,
            "pid": INTEGER,
            "created_time": TIMESTAMP,
            "cwd": TEXT,
            "command_line": TEXT,
            "environment_variables": Dictionary(lowercase=False),
            "opened_connection_refs": refs("network-traffic"),
            "creator_user_ref": ref("user-account"),
            "image_ref": ref("file"),
            "parent_ref": ref("process"),
            "child_refs": refs("process"),
        },
        extensions="windows-process-ext windows-service-ext",
        at_least_one=True,
    ),
    "software": _observable(
        "6.14",
        {"name": TEXT, "cpe": Special("cpe"), **_texts("swid vendor version"), "languages": ListOf(Language())},
        required="name",
    ),
    "url": _observable("6.15", {"value": TEXT}, required="value", rules="url"),
    "user-account": _observable(
        "6.16",
        {
            **_texts("user_id credential account_login display_name"),
            "account_type": Open("account-type-ov"),
            **dict.fromkeys(["is_service_account", "is_privileged", "can_escalate_privs", "is_disabled"], BOOLEAN),
            "account_created": TIMESTAMP,
            "account_expires": TIMESTAMP,
            "credential_last_changed": TIMESTAMP,
            "account_first_login": TIMESTAMP,
            "account_last_login": TIMESTAMP,
        },
        extensions="unix-account-ext",
        at_least_one=True,
    ),
    "windows-registry-key": _observable(
        "6.17",
        {
            "key": Special("registry-key"),
            "values": ListOf(Struct("windows-registry-value")),
            "modified_time": TIMESTAMP,
            "creator_user_ref": ref("user-account"),
            "number_of_subkeys": NATURAL,
        },
        at_least_one=True,
    ),
    "x509-certificate": _observable(
        "6.18",
        {
            "is_self_signed": BOOLEAN,
            "hashes": HASHES,
            **_texts("version serial_number signature_algorithm issuer subject"),
            **_texts("subject_public_key_algorithm subject_public_key_modulus"),
            "validity_not_before": TIMESTAMP,
            "validity_not_after": TIMESTAMP,
            "subject_public_key_exponent": INTEGER,
            "x509_v3_extensions": Struct("x509-v3-extensions"),
        },
        at_least_one=True,
    ),
}


def _some(section: str, properties: dict[str, Kind], *, required: str = "") -> Table:
    """A structure that needs at least one of its properties."""
    return table(section, properties, required=required, at_least_one=" ".join(properties))


_PE_INTEGERS = words("""major_linker_version minor_linker_version address_of_entry_point base_of_code base_of_data
    image_base section_alignment file_alignment major_os_version minor_os_version major_image_version
    minor_image_version major_subsystem_version minor_subsystem_version number_of_rva_and_sizes""")
_PE_SIZES = words("""size_of_code size_of_initialized_data size_of_uninitialized_data size_of_image size_of_headers
    size_of_stack_reserve size_of_stack_commit size_of_heap_reserve size_of_heap_commit""")
_PE_HEX = words("""magic_hex win32_version_value_hex checksum_hex subsystem_hex dll_characteristics_hex
    loader_flags_hex""")

PREDEFINED: dict[str, Table] = {
    "archive-ext": table(
        "6.7.2", {"contains_refs": refs("file", "directory"), "comment": TEXT}, required="contains_refs"
    ),
    "ntfs-ext": _some("6.7.3", {"sid": TEXT, "alternate_data_streams": ListOf(Struct("alternate-data-stream"))}),
    "pdf-ext": _some(
        "6.7.4",
        {"is_optimized": BOOLEAN, **_texts("version pdfid0 pdfid1"), "document_info_dict": Special("pdf-info")},
    ),
    "raster-image-ext": _some(
        "6.7.5",
        {"image_height": INTEGER, "image_width": INTEGER, "bits_per_pixel": INTEGER, "exif_tags": Special("exif")},
    ),
    "windows-pebinary-ext": table(
        "6.7.6",
        {
            "pe_type": Open("windows-pebinary-type-ov"),
            "imphash": TEXT,
            "time_date_stamp": Timestamp("seconds"),
            **dict.fromkeys(["machine_hex", "pointer_to_symbol_table_hex", "characteristics_hex"], HEX),
            **dict.fromkeys(["number_of_sections", "number_of_symbols", "size_of_optional_header"], NATURAL),
            "file_header_hashes": HASHES,
            "optional_header": Struct("windows-pe-optional-header"),
            "sections": ListOf(Struct("windows-pe-section")),
        },
        required="pe_type",
    ),
    "http-request-ext": table(
        "6.12.2",
        {
            **_texts("request_method request_value request_version"),
            "request_header": Special("http-headers"),
            "message_body_length": INTEGER,
            "message_body_data_ref": ref("artifact"),
        },
        required="request_method request_value",
    ),
    "icmp-ext": table("6.12.3", {"icmp_type_hex": HEX, "icmp_code_hex": HEX}, required="icmp_type_hex icmp_code_hex"),
    "socket-ext": table(
        "6.12.4",
        {
            "address_family": Enum("network-socket-address-family-enum"),
            "is_blocking": BOOLEAN,
            "is_listening": BOOLEAN,
            "options": Special("socket-options"),
            "socket_type": Enum("network-socket-type-enum"),
            "socket_descriptor": NATURAL,
            "socket_handle": INTEGER,
        },
        required="address_family",
    ),
    "tcp-ext": _some("6.12.5", {"src_flags_hex": HEX, "dst_flags_hex": HEX}),
    "windows-process-ext": _some(
        "6.13.2",
        {
            "aslr_enabled": BOOLEAN,
            "dep_enabled": BOOLEAN,
            "priority": Special("windows-priority"),
            **_texts("owner_sid window_title"),
            "startup_info": Special("startup-info"),
            "integrity_level": Enum("windows-integrity-level-enum"),
        },
    ),
    "windows-service-ext": _some(
        "6.13.3",
        {
            **_texts("service_name display_name group_name"),
            "descriptions": TEXTS,
            "start_type": Enum("windows-service-start-type-enum"),
            "service_dll_refs": refs("file"),
            "service_type": Enum("windows-service-type-enum"),
            "service_status": Enum("windows-service-status-enum"),
        },
    ),
    "unix-account-ext": _some("6.16.2", {"gid": INTEGER, "groups": TEXTS, **_texts("home_dir shell")}),
}
"""The extensions that section 6 itself defines."""

SCO_STRUCTS: dict[str, Table] = {
    "email-mime-part": table(
        "6.6.2",
        {
            "body": TEXT,
            "body_raw_ref": ref("artifact", "file"),
            **_texts("content_type content_disposition"),
        },
        rules="email-part",
    ),
    "alternate-data-stream": table("6.7.3", {"name": TEXT, "hashes": HASHES, "size": NATURAL}, required="name"),
    "windows-pe-optional-header": _some(
        "6.7.6",
        {
            **dict.fromkeys(_PE_INTEGERS, INTEGER),
            **dict.fromkeys(_PE_SIZES, NATURAL),
            **dict.fromkeys(_PE_HEX, HEX),
            "hashes": HASHES,
        },
    ),
    "windows-pe-section": table(
        "6.7.6", {"name": TEXT, "size": NATURAL, "entropy": Float(), "hashes": HASHES}, required="name"
    ),
    "windows-registry-value": _some(
        "6.17.2", {"name": TEXT, "data": TEXT, "data_type": Enum("windows-registry-datatype-enum")}
    ),
    "x509-v3-extensions": _some(
        "6.18.2",
        {
            **_texts("basic_constraints name_constraints policy_constraints key_usage extended_key_usage"),
            **_texts("subject_key_identifier authority_key_identifier subject_alternative_name"),
            **_texts("issuer_alternative_name subject_directory_attributes crl_distribution_points"),
            **_texts("inhibit_any_policy certificate_policies policy_mappings"),
            "private_key_usage_period_not_before": TIMESTAMP,
            "private_key_usage_period_not_after": TIMESTAMP,
        },
    ),
}
