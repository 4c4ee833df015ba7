"""The same thing written differently is the same observed value."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix.normal import normalise_value
from kizuna.stix.observed import observed_values

SHA = "A" * 64

NORMAL = [
    ("ipv4-addr", " 198.51.100.1/32 ", "198.51.100.1"),
    ("ipv4-addr", "198.51.100.77/24", "198.51.100.0/24"),
    ("ipv4-addr", "198.51.100.077", "198.51.100.077"),
    ("ipv4-addr", "1.2.3.4/0", "0.0.0.0/0"),
    ("ipv6-addr", "2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"),
    ("ipv6-addr", "2001:db8::1/64", "2001:db8::/64"),
    ("ipv6-addr", "fe80::1%eth0", "fe80::1"),
    ("ipv6-addr", "no address", "no address"),
    ("domain-name", "WWW.Example.COM.", "www.example.com"),
    ("domain-name", "BÜCHER.example", "xn--bcher-kva.example"),
    ("domain-name", "XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ("domain-name", "例え。テスト", "xn--r8jz45g.xn--zckzah"),
    ("domain-name", "straße.example", "xn--strae-oqa.example"),
    ("domain-name", "xn--", "xn--"),
    ("domain-name", "_dmarc.example.com", "_dmarc.example.com"),
    ("url", "HTTPS://Example.COM:443/A?b=C#D", "https://example.com/A?b=C#D"),
    ("url", "http://example.com", "http://example.com/"),
    ("url", "http://u:P@[2001:DB8::1]:8080/", "http://u:P@[2001:db8::1]:8080/"),
    ("url", "http://bücher.example/ü", "http://xn--bcher-kva.example/ü"),
    ("url", "not a url", "not a url"),
    ("email-addr", "J.Doe@EXAMPLE.com", "J.Doe@example.com"),
    ("mac-addr", "D2-FB-49-24-37-18", "d2:fb:49:24:37:18"),
    ("mac-addr", "d2fb.4924.3718", "d2:fb:49:24:37:18"),
    ("autonomous-system", "AS0064500", "64500"),
    ("windows-registry-key", "HKLM\\Software\\Foo\\", "hkey_local_machine\\software\\foo"),
    ("x509-certificate:serial", "0x04:C0:0B", "4c00b"),
    ("directory", "C:\\Windows\\", "c:\\windows"),
    ("directory", "/usr/Lib/", "/usr/Lib"),
    ("directory", "/", "/"),
    ("file:sha256", SHA, "a" * 64),
    ("file:name", " A.exe ", "A.exe"),
    ("mutex", "Foo", "Foo"),
]


@pytest.mark.parametrize(("kind", "written", "normal"), NORMAL)
def test_normal_forms(kind: str, written: str, normal: str) -> None:
    assert normalise_value(kind, written) == normal


KINDS = sorted({kind for kind, _, _ in NORMAL} | {"software:cpe", "unheard-of"})


@given(st.sampled_from(KINDS), st.text() | st.text("0123456789./:abx-@[]%", max_size=30))
def test_a_normal_form_is_its_own_normal_form(kind: str, value: str) -> None:
    once = normalise_value(kind, value)
    assert normalise_value(kind, once) == once


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_ipv4_is_what_the_standard_library_says(address: ipaddress.IPv4Address, prefix: int) -> None:
    network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    assert normalise_value("ipv4-addr", f"{address}/{prefix}") == str(network).removesuffix("/32")


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_ipv6_is_the_same_number_in_one_form(address: ipaddress.IPv6Address, prefix: int) -> None:
    assert ipaddress.ip_address(normalise_value("ipv6-addr", address.exploded)) == address
    assert normalise_value("ipv6-addr", address.exploded.upper()) == normalise_value("ipv6-addr", str(address))
    network = normalise_value("ipv6-addr", f"{address}/{prefix}")
    assert ipaddress.ip_network(network) == ipaddress.ip_network(f"{address}/{prefix}", strict=False)


def values(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.value, one.path) for one in observed_values(data)]


OBSERVED = [
    ({"type": "ipv4-addr", "value": "198.51.100.1"}, [("ipv4-addr", "198.51.100.1", "value")]),
    ({"type": "domain-name", "value": "A.example"}, [("domain-name", "a.example", "value")]),
    (
        {"type": "file", "name": "a.exe", "hashes": {"SHA-256": SHA, "MD5": "B" * 32}},
        [
            ("file:sha256", "a" * 64, "hashes.SHA-256"),
            ("file:md5", "b" * 32, "hashes.MD5"),
            ("file:name", "a.exe", "name"),
        ],
    ),
    (
        {
            "type": "file",
            "extensions": {
                "ntfs-ext": {"alternate_data_streams": [{"name": "s", "hashes": {"SHA-1": "C" * 40}}]},
                "windows-pebinary-ext": {"imphash": "D" * 32},
            },
        },
        [
            ("file:sha1", "c" * 40, "extensions.ntfs-ext.alternate_data_streams[0].hashes.SHA-1"),
            ("file:imphash", "d" * 32, "extensions.windows-pebinary-ext.imphash"),
        ],
    ),
    (
        {"type": "artifact", "url": "HTTP://a.example/", "hashes": {"SSDEEP": "3:aB:c"}},
        [("file:ssdeep", "3:aB:c", "hashes.SSDEEP"), ("url", "http://a.example/", "url")],
    ),
    ({"type": "autonomous-system", "number": 64500}, [("autonomous-system", "64500", "number")]),
    ({"type": "process", "command_line": "a -b"}, [("process:command_line", "a -b", "command_line")]),
    (
        {"type": "x509-certificate", "serial_number": "4C:0B", "hashes": {"SHA-256": SHA}},
        [("x509-certificate:sha256", "a" * 64, "hashes.SHA-256"), ("x509-certificate:serial", "4c0b", "serial_number")],
    ),
    (
        {
            "type": "network-traffic",
            "extensions": {"http-request-ext": {"request_header": {"Host": ["A.example:80"], "User-Agent": ["U"]}}},
        },
        [
            ("domain-name", "a.example", "extensions.http-request-ext.request_header.Host[0]"),
            ("user-agent", "U", "extensions.http-request-ext.request_header.User-Agent[0]"),
        ],
    ),
    (
        {
            "type": "indicator",
            "pattern": f"[file:hashes.'SHA-256' = '{SHA}' OR file:name NOT != 'x'] FOLLOWEDBY "
            "[ipv4-addr:value IN ('198.51.100.9/32', '198.51.100.1') OR url:value != 'http://no.example/'] AND "
            "[domain-name:value LIKE '%.example' OR autonomous-system:number = 64500 OR domain-name:value NOT = 'n.example']",
        },
        [
            ("file:sha256", "a" * 64, "pattern"),
            ("file:name", "x", "pattern"),
            ("ipv4-addr", "198.51.100.9", "pattern"),
            ("ipv4-addr", "198.51.100.1", "pattern"),
            ("autonomous-system", "64500", "pattern"),
        ],
    ),
    ({"type": "indicator", "pattern": "[", "pattern_type": "stix"}, []),
    ({"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.1']", "pattern_type": "snort"}, []),
    ({"type": "campaign", "name": "198.51.100.1"}, []),
    ({"type": "ipv4-addr", "value": ""}, []),
    ({"type": "ipv4-addr", "value": 5}, []),
    ({"type": ["ipv4-addr"], "value": "198.51.100.1"}, []),
    ({}, []),
]


@pytest.mark.parametrize(("data", "expected"), OBSERVED)
def test_observed_values(data: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert values(data) == expected


def test_a_value_in_an_object_and_in_a_pattern_is_the_same() -> None:
    for kind, written in (("ipv4-addr", "198.51.100.1/32"), ("domain-name", "A.example."), ("url", "HTTP://a.example")):
        (sco,) = observed_values({"type": kind, "value": written})
        (indicator,) = observed_values({"type": "indicator", "pattern": f"[{kind}:value = '{written}']"})
        assert sco[:2] == indicator[:2]


KEYS = st.sampled_from(
    "type value hashes name extensions ntfs-ext alternate_data_streams url number pattern MD5 serial_number".split()  # noqa: SIM905
)
TYPES = st.sampled_from(
    ["file", "artifact", "ipv4-addr", "network-traffic", "indicator", "x509-certificate", "software"]
)
ANY = st.recursive(
    st.none() | st.integers() | TYPES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(KEYS, ANY), TYPES | ANY)
def test_nothing_raises_whatever_comes(data: dict[str, Any], kind: Any) -> None:
    assert all(isinstance(part, str) for one in observed_values({**data, "type": kind}) for part in one)
