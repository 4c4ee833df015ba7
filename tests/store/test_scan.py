"""What is withheld is found in all that leaves, however it is written; what is not there is not found; hostile input stays bounded."""

from __future__ import annotations

import json
import unicodedata
from contextlib import suppress
from itertools import islice, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.store.scan import MOST_HITS, MOST_WORDS, Hit, Scan, withheld_texts
from tests.counting import lines_run

Json = dict[str, Any]
ID = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"


def hits(withheld: str | list[str], **data: Any) -> list[tuple[str, str]]:
    texts = [withheld] if isinstance(withheld, str) else withheld
    scan = Scan(texts)
    found = [(one.path, one.text) for one in scan.hits({0: data}).get(0, ())]
    if found:
        with suppress(RecursionError):  # what is too deep to be stored
            assert scan.may_hold(json.dumps(data).encode())
            assert scan.may_hold(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return found


FOUND = [
    ("Acme", "It hit Acme in May"),
    ("Acme", "ACME's network"),
    ("Acme", "Ａｃｍｅ"),
    ("Acme", "acme-owned hosts"),
    ("Acme", "[Acme](https://example.org)"),
    ("Acme", "Ac\u00adme"),
    ("Acme", "Ac\u200bme “reported”"),
    ("Acme", "A\u0301cme"),
    ("Acme", "「Acme社」が"),
    ("Müller AG", "MULLER—AG"),
    ("Muller", "M\u00fcller"),
    ("Straße", "STRASSE"),
    ("Łódź", "lodz"),
    ("Taro Yamada", "YAMADA, Taro Yamada."),
    ("Taro Yamada", "taro_yamada@example.org"),
    ("Taro Yamada", "Taro\u00a0\nYamada"),
    ("198.51.100.7", "beacon to 198[.]51[.]100[.]7:443"),
    ("evil.example/login", "hxxps://evil[.]example/login"),
    ("Київ", "кібератака на КИЇВ"),
    ("ΩΜΈΓΑ", "ωμεγα"),
    ("الكتروني", "هجوم إلكتروني على الشبكة"),
    ("김 철수", "피해자는 김철수입니다"),
    ("金山", "受害者是金山公司"),
    ("山田太郎", "被害者は山田太郎です"),
    ("山田太郎", "被害者は山田　太郎氏"),
    ("山田 太郎", "被害者は山田太郎氏"),
    ("山田太郎", "山田\n太郎"),
    ("ジョン・スミス", "ｼﾞｮﾝ ｽﾐｽ氏が"),
    ("ｷｽﾞﾅ", "株式会社キズナの"),
    ("株式会社絆製作所", "（株式会社「絆」製作所）"),
    ("ＡＰＴ９９の攻撃", "apt99の攻撃者"),
    ("葛\U000e0100城製作所", "葛城製作所"),
    ("葛城製作所", "葛\U000e0100城製作\U000e0101所"),
]

NOT_FOUND = [
    ("Acme", "AcmeCorp and Acmes"),  # inside a longer word: by design
    ("Acme", "Xacme"),
    ("Acme", "A c m e"),
    ("Acme Corp", "Acme is a corp"),
    ("Acme Corp", "Corp Acme"),
    ("198.51.100.7", "198.51.100.77 and 98.51.100.7"),
    ("山田太郎", "山田花子と鈴木太郎"),
    ("山田", "大山の田"),
    ("東都", "東京と京都"),
    ("京都", "東京。都庁は"),
    ("がく", "かく"),
    ("絆", "絆"),  # a single character: by design
]


@pytest.mark.parametrize(("withheld", "text"), FOUND)
def test_it_is_found_however_it_is_written(withheld: str, text: str) -> None:
    assert hits(withheld, description=text) == [("description", withheld)]


@pytest.mark.parametrize(("withheld", "text"), NOT_FOUND)
def test_what_is_not_written_is_not_found(withheld: str, text: str) -> None:
    assert hits(withheld, description=text) == []


STEPS = st.lists(st.integers(0, 2) | st.sampled_from(["name", "x_note", "labels", "extensions", "a.b"]), max_size=5)


def placed(steps: list[int | str], text: str) -> tuple[str, Any]:
    """An object that holds a text there, and the path to it."""
    value: Any = text
    for step in reversed(steps):
        value = [*["beside", 5, None][:step], value] if isinstance(step, int) else {"first": "beside", step: value}
    return "x" + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in steps), {"x": value}


LATIN = st.text("abcdefgxyzéñöšßłøđ", min_size=2, max_size=8)
SPACED = st.lists(LATIN | st.text("абвгдежё", min_size=2) | st.text("αβγδωέ", min_size=2), min_size=1, max_size=4)
WRITTEN = [str, str.upper, str.title]
BETWEEN = [" ", "-", ", ", "\u3000", "_", "…", "[.]", "・", "\n"]


def wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


def stressed(text: str) -> str:
    return "".join(one + "\u0301" if "a" <= one <= "z" else one for one in text)


@given(
    SPACED,
    st.sampled_from(WRITTEN),
    st.sampled_from([str, wide, stressed, lambda text: unicodedata.normalize("NFD", text)]),
    st.sampled_from(BETWEEN),
    st.sampled_from(["", "seen at ", "被害者は", "“", "1."]),
    st.sampled_from(["", " in May", "が見つかった", "'s", "—"]),
    STEPS,
)
def test_what_is_planted_anywhere_is_found(
    words: list[str], case: Any, form: Any, between: str, before: str, after: str, steps: list[int | str]
) -> None:
    withheld = " ".join(words)
    path, data = placed(steps, before + form(case(between.join(words))) + after)
    assert (path, withheld) in hits(withheld, **data)


KANJI = st.text("山田太郎鈴木花子絆製作所防衛省", min_size=2, max_size=8)
KANA = st.text("アイウカキサシスタツトヤマルン", min_size=2, max_size=8)
HALF = dict(zip("アイウカキサシスタツトヤマルン", "ｱｲｳｶｷｻｼｽﾀﾂﾄﾔﾏﾙﾝ", strict=True))


@given(
    KANJI | KANA, st.text("のはがを、。「は昨日", max_size=5), st.text("とはで。」氏様", max_size=5), st.data(), STEPS
)
def test_japanese_is_found_without_spaces_and_with_some(
    name: str, before: str, after: str, data: st.DataObject, steps: list[int | str]
) -> None:
    gap = st.sampled_from(["", "", " ", "\u3000", "・", "\n", "･"])
    spaced = "".join(one + data.draw(gap) for one in name[:-1]) + name[-1]
    narrow = "".join(HALF.get(one, one) for one in spaced)
    path, planted = placed(steps, before + data.draw(st.sampled_from([spaced, narrow])) + after)
    assert hits(name, **planted) == [(path, name)]
    assert hits(spaced, x=before + name + after) == [("x", spaced)]


ANYTHING = st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=30)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_any_text_is_found_in_what_holds_it(before: str, text: str, after: str) -> None:
    withheld = f"{text} end"
    assert hits(withheld, x=f"{before} {withheld} {after}") == [("x", withheld)]


FEW = st.lists(st.sampled_from(["ab", "Cd", "ef"]), min_size=1, max_size=6)


@given(st.lists(FEW, max_size=MOST_HITS), st.lists(FEW, max_size=4))
def test_exactly_what_is_there_is_found(withheld: list[list[str]], leaving: list[list[str]]) -> None:
    texts = {
        " ".join(words).lower(): " ".join(words) for words in reversed(withheld)
    }  # of equal ones the first is told
    expected = {
        (f"x[{n}]", text)
        for n, words in enumerate(leaving)
        for folded, text in texts.items()
        if f" {folded} " in f" {' '.join(words).lower()} "
    }
    found = hits([" ".join(words) for words in withheld], x=["; ".join(words) for words in leaving])
    assert set(found) == expected
    assert len(found) == len(expected)


@given(SPACED, st.lists(st.text("hijklmnopqrstuvw ", max_size=20), max_size=5))
def test_what_is_not_there_is_not_found(words: list[str], others: list[str]) -> None:
    assert hits(" ".join(words), x=others, y=dict.fromkeys(others, 1)) == []


def test_bytes_that_hold_none_of_it_are_not_read() -> None:
    scan = Scan(["Acme Corp", "198.51.100.7"])
    data = {"type": "campaign", "id": ID, "name": "Acme", "objective": "corp of 198.51.100.77", "x_acme": 1}
    assert not scan.may_hold(json.dumps(data).encode())
    for more in ({"description": "the acme-corp"}, {"x_acme_corp": 1}, {"type": "ipv4-addr"}, {"name": "\u00e9"}):
        assert scan.may_hold(json.dumps(data | more).encode()), more
        assert scan.may_hold(json.dumps(data | more, ensure_ascii=False).encode()), more


def test_no_text_reaches_over_two_properties() -> None:
    assert hits("Taro Yamada", given="Taro", family="Yamada", aliases=["Taro", "Yamada"]) == []


def test_every_property_that_holds_some_is_told_with_a_bounded_number_of_texts() -> None:
    names = [f"name{n}" for n in range(2 * MOST_HITS)]
    found = hits(names, a=" ".join(names), b=["nothing", names[-1]], c={"d": names[0]})
    assert [path for path, _ in found] == ["a"] * MOST_HITS + ["b[1]", "c.d"]


def test_of_a_long_text_only_the_beginning_counts() -> None:
    words = [f"w{n}" for n in range(2 * MOST_WORDS)]
    assert hits(" ".join(words), x=" ".join([*words[:MOST_WORDS], "other"])) == [("x", " ".join(words))]
    assert hits(" ".join(words), x=" ".join(words[1:])) == []


def test_nothing_that_leaves_is_passed_over_but_what_says_nothing() -> None:
    data = {
        "type": "x-acme", "id": "x-acme--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01", "lang": "acme", "schema": "acme",
        "object_marking_refs": ["acme"], "x_ref": "acme", "x_refs": ["acme"], "extensions": {"acme": {"x": 1}},
        "environment_variables": {"ACME_HOME": "/srv"}, "granular_markings": [{"selectors": ["x_acme"]}], "x_at": "acme Z",
    }  # fmt: skip
    assert dict(hits("Acme", **data)).keys() == {
        "type", "id", "lang", "schema", "object_marking_refs[0]", "x_ref", "x_refs[0]", "extensions.acme",
        "environment_variables.ACME_HOME", "granular_markings[0].selectors[0]", "x_at",
    }  # fmt: skip
    silent = {
        "type": "identity", "id": ID, "created": "2026-01-01T00:00:00.000Z", "created_by_ref": ID, "payload_bin": "Acme+2026",
        "description": "other", "confidence": 2026, "sectors": [None, True, 4.5],
    }  # fmt: skip
    assert hits(["Acme", "2026", "8f9c5f4c", "description", "sectors"], **silent) == []
    assert hits("identity", id=ID, created_by_ref=ID, x_note=f"see {ID}") == [("x_note", "identity")]


@pytest.mark.parametrize(
    ("withheld", "leaving"),
    [
        ({"type": "ipv6-addr", "value": "2001:db8::7"}, {"type": "ipv6-addr", "value": "2001:0DB8:0:0:0:0:0:7"}),
        ({"type": "ipv6-addr", "value": "2001:0DB8:0:0::7"}, {"type": "x", "value": "to 2001:db8::7"}),
        ({"type": "mac-addr", "value": "00:00:5e:00:53:01"}, {"type": "mac-addr", "value": "0000.5E00.5301"}),
        ({"type": "mac-addr", "value": "00:00:5e:00:53:01"}, {"type": "mac-addr", "value": "00-00-5E-00-53-01"}),
        ({"type": "autonomous-system", "number": 64500}, {"type": "x", "value": "announced by AS64500"}),
        ({"type": "autonomous-system", "number": 64500}, {"type": "x", "value": "announced by AS 64500"}),
        ({"type": "autonomous-system", "number": 64500}, {"type": "autonomous-system", "number": 64500}),
        ({"type": "domain-name", "value": "例え.example"}, {"type": "x", "value": "see xn--r8jz45g.example"}),
        ({"type": "domain-name", "value": "xn--r8jz45g.example"}, {"type": "x", "value": "ｓｅｅ 例え。example"}),
        ({"type": "url", "value": "https://evil.example/a?b=1"}, {"type": "x", "value": "hxxp://evil[.]example/a?b=1"}),
        ({"type": "file", "hashes": {"MD5": "D41D8CD98F00B204E9800998ECF8427E"}},
         {"type": "x", "value": "d41d8cd98f00b204e9800998ecf8427e"}),
        ({"type": "indicator", "pattern": "[ipv4-addr:value IN ('198.51.100.7', '203.0.113.9')]"},
         {"type": "x", "value": "C2: 203.0.113.9"}),
        ({"type": "x", "value": "C2: 203.0.113.9"}, {"type": "indicator", "pattern": "[ipv4-addr:value = '203.0.113.9']"}),
        ({"type": "windows-registry-key", "key": "HKLM\\Software\\Acme"},
         {"type": "windows-registry-key", "key": "hkey_local_machine\\software\\acme"}),
    ],
)  # fmt: skip
def test_observed_values_are_found_in_any_spelling(withheld: Json, leaving: Json) -> None:
    found = hits(withheld_texts(withheld, None), **leaving)
    assert {path for path, _ in found} == {next(key for key in leaving if key != "type")}
    assert len(set(found)) == len(found)


def _same_beginning(n: int) -> tuple[list[str], list[str]]:
    return [f"the same beginning of {i}" for i in range(n)], ["the same beginning of x " * n]


def _one_word(n: int) -> tuple[list[str], list[str]]:
    return ["a " * k for k in range(1, 2 * MOST_WORDS)], ["a " * n]


def _few_words(n: int) -> tuple[list[str], list[str]]:
    orders = [" ".join(one) for one in islice(permutations("abcdefgh", 7), n)]
    return orders, ["a b c d e f g h " * 5] * (n // 5)


def _long(n: int) -> tuple[list[str], list[str]]:
    text = " ".join(f"w{i % 7}" for i in range(n))
    return [text, text[1:], "w0 " * n], [text + " end", "w0 " * n]


def _names(n: int) -> tuple[list[str], list[str]]:
    return [f"name{i}" for i in range(n)], [" ".join(f"name{i}" for i in range(n))]


@pytest.mark.parametrize("hostile", [_same_beginning, _one_word, _few_words, _long, _names])
def test_work_grows_with_the_words_and_no_faster(hostile: Any) -> None:
    def work(n: int) -> int:
        withheld, texts = hostile(n)
        return lines_run(lambda: Scan(withheld).hits({key: {"x": text} for key, text in enumerate(texts)}))

    small, large = work(200), work(400)
    assert large < 2.2 * small
    assert small < 200 * 50 * MOST_WORDS


def test_depth_and_long_names_are_bounded() -> None:
    def nested(depth: int) -> Any:
        value: Any = "Acme"
        for _ in range(depth):
            value = [value]
        return value

    assert len(hits("Acme", x=nested(50_000))[0][0]) == 1 + 3 * 50_000
    wide = {"y" * 1_000_000: {f"k{n}": "nothing" for n in range(3_000)}}  # 3 GB, were each path written down
    assert hits("Acme", x=wide) == []


NAMES = {
    "Acme Corporation": ["Acme Corporation", "Acme"],
    "株式会社絆製作所（Kizuna Works Co., Ltd.）": [
        "株式会社絆製作所（Kizuna Works Co., Ltd.）", "株式会社絆製作所", "絆製作所", "Kizuna Works Co., Ltd.", "Kizuna Works",
    ],
    "Fancy Group (aka Other Name)": ["Fancy Group (aka Other Name)", "Fancy Group"],
    "山田 太郎": ["山田 太郎"],
    "NTT": ["NTT"],
    "トヨタ": ["トヨタ"],
    "김구": ["김구"],
    "Net": [],
    "IT部": [],
    "ゆき": [],
    "Malware": [],
    "threat-actor": [],
    "description": [],
    "2026": [],
    "64500": [],
    "3.2.0": [],
    "03-1234-5678": ["03-1234-5678"],
    "8.8.4.4": ["8.8.4.4"],
    "1-2-3-4": ["1-2-3-4"],
    "": [],
    "★": [],
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_names_that_tell_something(name: str, expected: list[str]) -> None:
    assert withheld_texts({"type": "identity", "id": ID, "name": name}, None) == expected


REPORT: Json = {
    "type": "intrusion-set", "id": ID.replace("identity", "intrusion-set"), "name": "Black Crane", "aliases": ["黒鶴", "Crane99"],
    "description": "They moved from Acme to 198.51.100.7. A mail server was taken over in spring! Soon. (Source: A longer vendor report)",
    "labels": ["x-priority-one", "nation-state"], "resource_level": "government", "x_victim": "Acme", "x_aim": "金銭を要求した模様",
    "external_references": [{"source_name": "Vendor report 17", "url": "https://vendor.example/reports/of/2026/17"}],
    "x_code": "some-hyphenated-codesareverylong",
}  # fmt: skip


def test_of_what_is_withheld_whole_names_and_sentences_count_and_codes_do_not() -> None:
    assert withheld_texts(REPORT, None) == [
        "Black Crane", "黒鶴", "Crane99", "198.51.100.7", "They moved from Acme to 198.51.100.7.",
        "A mail server was taken over in spring!",
    ]  # fmt: skip


def test_of_what_is_cut_every_text_counts_that_does_not_leave_as_such() -> None:
    remaining = {**REPORT, "labels": ["nation-state"], "name": "ＣＲＡＮＥ９９", "aliases": ["Crane99"]}
    del remaining["x_victim"], remaining["external_references"]
    withheld = withheld_texts(REPORT, remaining)
    assert withheld == [
        "Black Crane", "黒鶴", "x-priority-one", "Acme", "Vendor report 17", "vendor.example/reports/of/2026/17",
    ]  # fmt: skip
    assert withheld_texts(REPORT, REPORT) == []
    # That the rest of the same object tells it is a hit, too.
    assert Scan(withheld).hits({ID: remaining}) == {ID: (Hit("description", "Acme"),)}


def test_of_what_is_cut_values_that_leave_are_not_withheld_and_long_texts_by_their_sentences() -> None:
    sentence = "Seen by the sensor of our station in the harbour"
    data = {
        "type": "indicator",
        "pattern": "[ipv6-addr:value = '2001:db8::7']",
        "description": f"{sentence}. " * 3 + "No",
    }
    assert withheld_texts(data, {"type": "indicator", "pattern": data["pattern"]}) == [f"{sentence}."]
    assert withheld_texts({"type": "indicator", "pattern": data["pattern"]}, {"pattern": data["pattern"]})


def test_a_victim_cut_from_one_object_stops_what_names_it_in_another() -> None:
    cut = {"type": "campaign", "name": "Spring", "x_victim": "山田 太郎"}
    withheld = withheld_texts(cut, {"type": "campaign", "name": "Spring"})
    leaving: dict[str, Json] = {
        "report": {"type": "report", "name": "Spring", "description": "被害者は山田太郎氏と確認された。"},
        "note": {"type": "note", "content": "no one"},
        "translation": {"type": "language-content", "contents": {"ja": {"name": "春", "abstract": "山田・太郎"}}},
    }
    assert Scan(withheld).hits(leaving) == {
        "report": (Hit("description", "山田 太郎"),),
        "translation": (Hit("contents.ja.abstract", "山田 太郎"),),
    }


def test_translations_of_names_are_names() -> None:
    data = {"type": "language-content", "object_ref": ID, "contents": {"ja": {"name": "黒鶴", "goals": ["金銭"]}}}
    assert withheld_texts(data, None) == ["黒鶴"]


def test_software_is_no_secret_by_itself() -> None:
    software = {"type": "software", "cpe": "cpe:2.3:a:vendor:office:16", "vendor": "Vendor"}
    assert withheld_texts({**software, "name": "net"}, None) == []


def test_people_and_addresses_in_long_texts() -> None:
    text = (
        "連絡先は soc@kizuna.example です。通信先 198[.]51[.]100[.]9 を遮断した。\n"
        + "d41d8cd98f00b204e9800998ecf8427e"
    )
    found = withheld_texts({"type": "note", "content": text}, None)
    assert {"soc@kizuna.example", "198[.]51[.]100[.]9", "d41d8cd98f00b204e9800998ecf8427e"} <= set(found)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([ID, "2026-01-01T00:00:00Z", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from("type name aliases value pattern hashes number contents external_references x".split())  # noqa: SIM905
TYPES = st.sampled_from("file indicator autonomous-system language-content url x".split())  # noqa: SIM905


@given(st.dictionaries(KEYS, JUNK, max_size=6), TYPES, st.dictionaries(KEYS, JUNK, max_size=6) | st.none())
def test_whatever_is_given_something_is_answered(data: Json, kind: str, remaining: Json | None) -> None:
    for one in (data, {**data, "type": kind}):
        withheld = withheld_texts(one, remaining)
        found = Scan([*withheld, "\ud800", ""]).hits({0: one, 1: remaining or {}})
        assert all(one.text in withheld for hits in found.values() for one in hits)
