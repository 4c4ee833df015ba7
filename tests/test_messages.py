"""What is wrong with an object, in Japanese: each kind of message that people who edit by form meet, as the checker gives it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from babel.messages.pofile import read_po

from kizuna.messages import LOCALE, LONGEST, in_japanese
from kizuna.stix import Problem
from kizuna.stix.checker import check
from tests.cli.test_words import named
from tests.stix_breaches import BREACHES
from tests.stix_examples import changed, ref

_PLACE = re.compile(r"\{(\d)\}")
_URL = "https://example.com/日本"

RULES_BROKEN = {
    "null-value": "値のないプロパティは書きません。null は使えません",
    "boolean": "true か false が必要です(実際: 文字列 'false')",
    "dictionary-empty": "辞書には少なくとも一つの項目が必要です",
    "dictionary-key": "'a b' は辞書のキーとして使えません。a-z、A-Z、0-9、ハイフン、下線の 250 文字以内です",
    "dictionary-key-case": "辞書のキー 'Own' は小文字にしてください",
    "enum": "'maybe' は次のいずれでもありません: agree, disagree, neutral, strongly-agree, strongly-disagree",
    "external-reference-content": "description、url、external_id のいずれかが必要です",
    "external-reference-cve": "cve には CVE-2026-0001 のような external_id が必要です",
    "external-reference-capec": "capec には CAPEC-163 のような external_id が必要です",
    "external-reference-source": "CVE-2026-0001 の出典(source_name)は cve です",
    "url": f"'{_URL}': URL にはスキームが必要で、使えるのは RFC 3986 の文字だけです",
    "float": "数が必要です(実際: 文字列 '35')",
    "number-range": "101 は 0 から 100 の範囲外です",
    "hash-algorithm": "WHIRLPOOL は hash-algorithm-ov にありません",
    "identifier": "'identity--1' は identity--<UUID> のような識別子ではありません",
    "identifier-type": "campaign の id は campaign-- で始まります。malware-- ではありません",
    "id-uuid4": "id は UUIDv4 にしてください",
    "reference-type": "ここには identity への参照が必要です。malware は指せません",
    "integer": "整数が必要です(実際: 小数 80.0)",
    "integer-safe": "整数は ±(2⁵³−1) 以内です",
    "list": "リストが必要です(実際: 文字列 'a')",
    "list-empty": "リストには少なくとも一つの要素が必要です。なければリストを書きません",
    "string": "文字列が必要です(実際: 整数 1)",
    "timestamp": "'2026-02-30T00:00:00Z': この日付は暦にありません",
    "timestamp-precision": "2026-01-01T00:00:00Z には秒の小数が少なくとも 3 桁必要です",
    "property-name": "'Objective' はプロパティの名前として使えません。a-z、0-9、下線の 3 から 250 文字です",
    "required": "name は必須です",
    "spec-version": "spec_version は 2.1 です。'2.0' ではありません",
    "language": "'日本語': 言語は en、ja、uk-UA のような RFC 5646 のタグです",
    "reserved": "プロパティ severity は予約されています",
    "not-applicable": "labels はこの型には当てはまりません",
    "custom-property": "プロパティ x_own_rank は拡張で定義します",
    "open-vocab": "'alliance' は identity-class-ov にありません",
    "kill-chain-name": "'Own Chain': キルチェーンの名前は小文字とハイフンで書きます",
    "modified-before-created": "modified(2025-12-31T23:59:59.999Z)が created(2026-01-01T00:00:00.000Z)より前です",
    "seen-order": "last_seen(2025-03-01T09:59:59.9Z)が first_seen(2025-03-01T10:00:00Z)より前です",
    "observed-order": "last_observed(2025-03-01T09:59:59Z)が first_observed(2025-03-01T10:00:00Z)より前です",
    "traffic-order": "end(2024-01-01T00:00:00Z)が start(2025-03-01T10:00:00Z)より前です",
    "valid-until-order": "valid_until(2025-03-01T10:00:00.000Z)が valid_from(2025-03-01T10:00:00Z)より後ではありません",
    "stop-time-order": "stop_time(2025-03-01T10:00:00Z)が start_time(2025-03-01T10:00:00Z)より後ではありません",
    "version-id": "新しい版の id は変えられません",
    "version-created": "新しい版の created は変えられません",
    "version-created-by": "新しい版を作れるのは作成者だけです",
    "version-modified": "2026-01-01T00:00:00.000Z は前の版の 2026-02-01T00:00:00.000Z より後ではありません",
    "version-revoked": "無効になった(revoked)オブジェクトには、それより後の版がありえません",
    "duplicate-version": "この id と版のオブジェクトがすでにあり、内容が違います",
    "derived-from-self": "オブジェクトをそれ自身の派生とすることはできません",
    "location-place": "region、country、または緯度と経度が必要です",
    "location-coordinates": "longitude がありません",
    "location-precision": "precision は緯度と経度とともに記します",
    "location-country": "'XX': 国は ISO 3166-1 alpha-2 のコードで書きます",
    "malware-family-name": "マルウェアのファミリーには name が必要です",
    "malware-analysis-result": "result か analysis_sco_refs が必要です",
    "malware-analysis-product": "'Some Sandbox': product は小文字とハイフンで書きます",
    "observed-content": "object_refs か非推奨の objects の、どちらか一方が必要です",
    "observed-sco": "少なくとも一つの観測値(SCO)が必要です",
    "relationship-type": "'Uses': 使えるのは a-z、0-9、ハイフンだけです",
    "marking-tlp": "標準の四つの TLP マーキングのいずれでもありません",
    "granular-choice": "marking_ref か lang の、どちらか一方が必要です",
}
"""By rule, what is said of the example that breaks it."""

BESIDE: list[tuple[str, dict[str, Any], str]] = [
    ("campaign", {"name": True}, "文字列が必要です(実際: 真偽値 True)"),
    ("campaign", {"name": 2**700}, "文字列が必要です(実際: 701 ビットの整数)"),
    ("campaign", {"name": {"a": 1}}, "文字列が必要です(実際: オブジェクト)"),
    ("campaign", {"name": ["a"]}, "文字列が必要です(実際: リスト)"),
    ("campaign", {"first_seen": 5}, "時刻が必要です(実際: 整数 5)"),
    ("campaign", {"first_seen": "x"}, "'x': 2026-11-23T09:24:00.000Z のような時刻が必要です"),
    ("campaign", {"first_seen": "2026-01-01T25:00:00Z"}, "'2026-01-01T25:00:00Z': この時刻はありません"),
    (
        "campaign",
        {"first_seen": "2026-01-01T23:59:60Z"},
        "'2026-01-01T23:59:60Z': うるう秒は 6 月 30 日か 12 月 31 日の 23:59:60 だけです",
    ),
    ("campaign", {"created_by_ref": 5}, "識別子が必要です(実際: 整数 5)"),
    ("campaign", {"lang": "xx"}, "'xx': この 2 文字のコードの言語はありません"),
    ("campaign", {"external_references": ["x"]}, "オブジェクトが必要です(実際: 文字列 'x')"),
    (
        "campaign",
        {"external_references": [{"source_name": "x", "external_id": "CAPEC-1"}]},
        "CAPEC-1 の出典(source_name)は capec です",
    ),
    ("campaign", {"own_rank": 1}, "プロパティ own_rank は拡張で定義し、x_ で始めます"),
    ("identity", {"identity_class": 5}, "identity-class-ov の値が必要です(実際: 整数 5)"),
    ("identity", {"identity_class": "An Alliance"}, "'An Alliance' は小文字とハイフンで書かれていません"),
    ("location", {"latitude": ...}, "latitude がありません"),
    ("location", {"latitude": 91.5}, "91.5 は -90 から 90 の範囲外です"),
    ("location", {"latitude": float("inf")}, "無限大と非数(NaN)は JSON の数ではありません"),
    ("marking-definition", {"definition": 5}, "辞書が必要です(実際: 整数 5)"),
    (
        "relationship",
        {"source_ref": ref("bundle")},
        "ここには別の型のオブジェクトへの参照が必要です。bundle は指せません",
    ),
]
"""What else is said where the same rules are broken otherwise: a type, its changes, and the words."""

COVERED = frozenset({"at-least-one", "open-vocab-form", "type-name", "unreadable"})
"""Rules whose examples break one of those above, too, or say what commands say."""

AT_LEAST_ONE = "次のうち少なくとも一つが必要です: is_hidden, pid, "


def said(problems: list[Problem]) -> dict[str, str | None]:
    """Messages, and their Japanese."""
    return {problem.message: in_japanese(problem.message) for problem in problems}


@pytest.mark.parametrize(("rule", "words"), RULES_BROKEN.items(), ids=RULES_BROKEN)
def test_what_breaks_a_rule_is_said_in_japanese(rule: str, words: str) -> None:
    assert words in said(BREACHES[rule]()).values()


@pytest.mark.parametrize(("kind", "changes", "words"), BESIDE)
def test_so_is_what_breaks_it_otherwise(kind: str, changes: dict[str, Any], words: str) -> None:
    assert words in said(check(changed(kind, **changes))).values()


def test_what_is_listed_stays_as_it_is_written() -> None:
    (words,) = said(BREACHES["at-least-one"]()).values()
    assert words is not None
    assert words.startswith(AT_LEAST_ONE)


def test_no_message_is_taken_for_another() -> None:
    """What has no Japanese has none, and no pattern takes it."""
    for rule, breach in BREACHES.items():
        if rule not in RULES_BROKEN and rule not in COVERED:
            assert set(said(breach()).values()) == {None}, rule


def catalogue() -> dict[str, str]:
    """The messages that name something."""
    with (LOCALE / "ja" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return {m.id: str(m.string) for m in read_po(file, locale="ja") if isinstance(m.id, str) and "{1}" in m.id}


def filled(text: str, name: Callable[[str], str]) -> str:
    """A message that names this."""
    return _PLACE.sub(lambda place: name(place[1]), text)


def test_each_pattern_is_found_behind_all_that_are_longer() -> None:
    for pattern, translation in catalogue().items():
        assert in_japanese(filled(pattern, "⟨{}⟩".format)) == filled(translation, "⟨{}⟩".format), pattern


def test_nothing_is_translated_that_nobody_says() -> None:
    examples = [message for breach in BREACHES.values() for message in said(breach())]
    examples += [message for kind, changes, _ in BESIDE for message in said(check(changed(kind, **changes)))]
    got = [part for message in examples for _, word, part in [message.partition(", got ")] if word]
    unsaid = catalogue().keys() - set(named())
    assert len(unsaid) > 40
    for pattern in unsaid:
        form = re.compile("(.*)".join(map(re.escape, _PLACE.split(pattern)[::2])), re.DOTALL)
        assert any(form.fullmatch(one) for one in (*examples, *got)), pattern


@pytest.mark.parametrize("quoted", ["x is required", "a list", "the string 'a'", "a list' is none of a", "it's a list"])
def test_what_is_quoted_is_somebodys_and_stays(quoted: str) -> None:
    for changes in ({"first_seen": quoted}, {"confidence": quoted}, {"created_by_ref": quoted}):
        (problem,) = check(changed("campaign", last_seen=..., granular_markings=..., **changes))
        words = in_japanese(problem.message)
        assert words is not None
        assert repr(quoted) in words


def test_long_messages_cost_little() -> None:
    began = time.perf_counter()
    for part in (
        "the string ",
        " is required",
        "a list",
        ", got ",
        " is none of ",
        "modified (",
        ") is before created (",
    ):
        in_japanese((part * LONGEST)[: LONGEST - 1] + "\0")
    assert time.perf_counter() - began < 5
