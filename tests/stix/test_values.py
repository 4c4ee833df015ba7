"""Forms of single values, at their edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.stix.checker import check
from kizuna.stix.found import describe
from kizuna.stix.values import language_fault, url_fault
from tests.stix_examples import changed, minimal, ref


def rules(data: Any) -> set[str]:
    """The rules that an object breaks."""
    return {problem.rule for problem in check(data)}


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/",
        "HTTP://user:pass@example.com:80/a;b=c/%E6%97%A5?q=1&r[]=2#top".replace("[]", "%5B%5D"),
        "ftp://[2001:db8::1]:21/a",
        "mailto:jane@example.com",
        "urn:isbn:0451450523",
        "file:///etc/passwd",
        "https://example.com?x",
        "https://example.com/a//b",
    ],
)
def test_url(url: str) -> None:
    assert url_fault(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "1http://example.com",
        "https://example.com/a b",
        "https://exämple.com",
        "https://example.com/%zz",
        "https://example.com/[1]",
        "https://example.com:port/",
        "https://example.com/#a#b",
        "https://example.com/<x>",
        "https://example.com\n",
        "https://example.com/\x00",
    ],
)
def test_no_url(url: str) -> None:
    assert url_fault(url) is not None


@given(st.text(alphabet=":/?#[]@%a1é ", max_size=200))
def test_any_text_is_answered(text: str) -> None:
    assert url_fault(text) is None or isinstance(url_fault(text), str)


@pytest.mark.parametrize("hostile", ["a:" + "%" * 100_000, "a://" + "a" * 100_000 + "@", "a:" + "/" * 100_000 + " "])
def test_hostile_urls_take_no_time(hostile: str) -> None:
    assert isinstance(url_fault(hostile), str) or hostile.endswith("@")


@pytest.mark.parametrize(
    "tag", ["en", "ja", "zh-Hant-TW", "de-CH-1996", "sl-rozaj-biske", "x-own", "i-klingon", "en-a-bbb-x-c"]
)
def test_language(tag: str) -> None:
    assert language_fault(tag) is None


@pytest.mark.parametrize(
    "tag", ["", "e", "jp", "xx-XX", "日本語", "en_US", "en-", "-en", "123", "en--US", "x", "a" * 200]
)
def test_no_language(tag: str) -> None:
    assert language_fault(tag) is not None


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("0.0.0.0", True),
        ("255.255.255.255/32", True),
        ("10.0.0.0/0", True),
        ("10.0.0.1/33", False),
        ("10.0.0.01", False),
        ("10.0.0", False),
        ("10.0.0.1\n", False),
        ("١٠.0.0.1", False),
    ],
)
def test_ipv4(value: str, good: bool) -> None:
    assert ("ipv4-address" not in rules(minimal("ipv4-addr", value=value))) is good


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("::", True),
        ("2001:DB8::1", True),
        ("fe80::1%eth0", True),
        ("2001:db8::/128", True),
        ("2001:db8::/129", False),
        ("2001:db8::/", False),
        ("2001:db8:::1", False),
        ("1.2.3.4", False),
    ],
)
def test_ipv6(value: str, good: bool) -> None:
    assert ("ipv6-address" not in rules(minimal("ipv6-addr", value=value))) is good


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("example.com", True),
        ("example.com.", True),
        ("_dmarc.example.com", True),
        ("xn--r8jz45g.jp", True),
        ("例え.テスト", True),
        ("localhost", True),
        ("", False),
        ("a..b", False),
        ("example[.]com", False),
        ("exa mple.com", False),
        ("a-.example.com", False),
        ("a" * 64 + ".com", False),
        (".".join(["abcdefgh"] * 40), False),
        ("http://example.com", False),
    ],
)
def test_domain_name(value: str, good: bool) -> None:
    assert ("domain-name" not in rules(minimal("domain-name", value=value))) is good


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("jane.doe+x@example.com", True),
        ('"jane doe"@example.com', True),
        ("花子@example.jp", True),
        ("jane@[192.0.2.1]", True),
        ("jane", False),
        ("jane@", False),
        ("jane doe@example.com", False),
        ("<jane@example.com>", False),
        ("a@b@example.com", False),
    ],
)
def test_email_address(value: str, good: bool) -> None:
    assert ("email-address" not in rules(minimal("email-addr", value=value))) is good


@pytest.mark.parametrize("kind", ["ipv4-addr", "ipv6-addr", "domain-name", "email-addr", "mac-addr", "url"])
def test_what_is_defanged_need_not_be_readable(kind: str) -> None:
    assert rules(minimal(kind, value="hxxp://evil[.]example[.]com")) != set()
    assert rules(minimal(kind, value="hxxp://evil[.]example[.]com", defanged=True)) == set()


@pytest.mark.parametrize(
    ("key", "good"), [("HKEY_USERS\\S", True), ("hklm\\System", False), ("HKU", False), ("HKLMX", True)]
)
def test_registry_key(key: str, good: bool) -> None:
    assert ("registry-key" not in rules(minimal("windows-registry-key", key=key))) is good


@pytest.mark.parametrize(
    ("cpe", "good"),
    [
        ("cpe:2.3:o:microsoft:windows_10:1607:*:*:*:*:*:x64:*", True),
        ("cpe:2.3:a:foo\\\\bar:big\\$money:2010:*:*:ja-JP:special:ipod_touch:80gb:*", True),
        (
            "cpe:2.3:a:foo\\\\bar:big\\$money:2010:*:*:*:ja-jp:special:ipod_touch:80gb".replace(
                ":ja-jp:special", ":special"
            ),
            False,
        ),
        ("cpe:2.3:a:a:b:c:*:*:*:*:*:*", False),
        ("cpe:2.3:x:a:b:c:*:*:*:*:*:*:*", False),
    ],
)
def test_cpe(cpe: str, good: bool) -> None:
    assert ("cpe" not in rules(minimal("software", cpe=cpe))) is good


@pytest.mark.parametrize("name", ["x_acme_hex", "x_acme_bin"])
def test_names_demand_forms_of_own_values(name: str) -> None:
    assert rules(changed("campaign", **{name: "AAAA"})) == {"custom-property"}
    assert rules(changed("campaign", **{name: "AAA"})) == {
        "custom-property",
        name[-3:] if name.endswith("hex") else "binary",
    }


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**400])
def test_numbers_beyond_safety(number: int) -> None:
    assert rules(changed("autonomous-system", number=number)) == {"integer-safe"}
    assert "integer-safe" in rules(changed("campaign", x_n=number, confidence=number))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none(number: float) -> None:
    assert "float" in rules(changed("location", latitude=number))
    assert "float" in rules(changed("campaign", x_n=[number]))


def test_messages_stay_short() -> None:
    assert len(describe("x" * 10_000)) < 100
    assert describe(10**5000).endswith("bits")
    assert "null" in next(one.message for one in check(changed("campaign", name=None)))


def test_known_values_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    good = [changed("campaign", created_by_ref=ref("identity", number)) for number in range(20, 30)]
    bad = changed("campaign", created_by_ref="identity--20")
    monkeypatch.setattr("kizuna.stix.values.REMEMBERED", 4)
    for _ in range(2):
        assert all(rules(one) == set() for one in good)
        assert rules(bad) == {"identifier"}
