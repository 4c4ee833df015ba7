"""Search text on a real FTS5 index: what is written in any language is found as it is typed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.store.sqlite.full_text import FullText
from kizuna.store.words import index_text, phrases, texts

TABLE = "create virtual table w using fts5(text, content='', columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")"


@pytest.fixture(name="index")
def _index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(TABLE)
    yield connection
    connection.close()


def query(question: str) -> str | None:
    """What FTS5 is asked."""
    found = phrases(question)
    return str(FullText().matching(found).parameters["match"]) if found else None


def finds(index: sqlite3.Connection, text: str, question: str) -> bool:
    expression = query(question)
    assert expression is not None
    index.execute("insert into w(rowid, text) values (1, ?)", (index_text(text),))
    return bool(index.execute("select rowid from w where w match ?", (expression,)).fetchall())


FOUND = [
    ("絆は共通の脅威に立ち向かう", "絆"),
    ("絆は共通の脅威に立ち向かう", "脅威"),
    ("絆は共通の脅威に立ち向かう", "共通の脅威"),
    ("絆は共通の脅威に立ち向かう", "脅威 絆"),
    ("ﾏﾙｳｪｱが見つかった", "マルウェア"),
    ("マルウェアが見つかった", "ﾏﾙｳｪｱ"),
    ("ﾌｨｯｼﾝｸﾞ", "フィッシング"),
    ("サーバー", "サーバー"),
    ("ＡＰＴ２８の攻撃", "apt28"),
    ("APT28による攻撃", "攻撃"),
    ("网络安全事件应急响应", "安全事件"),
    ("网络安全事件", "网"),
    ("사이버 위협을 공유한다", "위협"),
    ("사이버 위협을 공유한다", "사이버 위협"),
    ("사이버 위협", "위"),
    ("Кибератака на энергосеть", "кибератака"),
    ("всё ещё", "все"),
    ("Кібератака на Київ", "київ"),
    ("за́мок", "замок"),
    ("هجوم إلكتروني على الشبكة", "الكتروني"),
    ("مُحَمَّد", "محمد"),
    ("İstanbul'da saldırı", "istanbul"),
    ("ISPARTA", "ısparta"),
    ("Isparta", "ısparta"),
    ("ISTANBUL", "İSTANBUL"),
    ("saldırı", "saldiri"),
    ("Straße", "STRASSE"),
    ("STRASSE", "straße"),
    ("Müller", "muller"),
    ("Café", "cafe"),
    ("Cafe\u0301", "café"),
    ("Łódź", "lodz"),
    ("Ωμέγα", "ωμεγα"),
    ("दिल्ली", "दिल्ली"),
    ("ภัยคุกคามไซเบอร์", "คุกคาม"),
    ("198.51.100.7 was seen", "198.51.100.7"),
    ("mail from a.b@example.com", "a.b@example.com"),
    ("MALWARE", "malware"),
    ("co-operation", "co-operation"),
    ("\U00020b9f る", "\U00020b9f"),
]

NOT_FOUND = [
    ("東京と京都", "東都"),
    ("京 都", "京都"),
    ("共通の敵", "脅威"),
    ("98.51.100.7", "198.51.100.7"),
    ("198.51.7.100", "198.51.100.7"),
    ("malware", "mal"),
    ("사이버", "버이"),
    ("がく", "かく"),
    ("abc", "абс"),
]


@pytest.mark.parametrize(("text", "question"), FOUND)
def test_what_is_written_is_found_as_it_is_typed(index: sqlite3.Connection, text: str, question: str) -> None:
    assert finds(index, text, question)


@pytest.mark.parametrize(("text", "question"), NOT_FOUND)
def test_what_is_not_written_is_not_found(index: sqlite3.Connection, text: str, question: str) -> None:
    assert not finds(index, text, question)


@pytest.mark.parametrize("question", ["", "   ", "...", "?!", "“”", "\u0301", "*", '"', "☢", "\u3099", "-", "()"])
def test_without_a_letter_there_is_no_question(question: str) -> None:
    assert query(question) is None


@pytest.mark.parametrize(
    "question",
    [
        'x" OR "y',
        "NEAR(a b)",
        "a AND NOT b",
        "text:x",
        "{text}:x",
        "a*",
        "^a",
        "x\x00y",
        '"',
        "a + b",
        "-text : a",
        "'",
    ],
)
def test_a_question_is_never_syntax(index: sqlite3.Connection, question: str) -> None:
    expression = query(question + " zzz")
    assert expression is not None
    assert index.execute("select 1 from w where w match ?", (expression,)).fetchall() == []


LETTERS = st.characters(codec="utf-8", categories=["L", "N", "M", "P", "Z"], max_codepoint=0xD7FF)


@given(st.text(LETTERS, max_size=60))
def test_any_text_finds_itself(text: str) -> None:
    index = sqlite3.connect(":memory:")
    index.execute(TABLE)
    index.execute("insert into w(rowid, text) values (1, ?)", (index_text(text),))
    for word in text.split():
        expression = query(word)
        # SQLite's tables of letters are older than Python's: what it takes for no letter cannot be found by itself.
        if expression is not None and _known(expression):
            assert index.execute("select 1 from w where w match ?", (expression,)).fetchall(), (word, expression)
    index.close()


def _known(expression: str) -> bool:
    probe = sqlite3.connect(":memory:")
    probe.execute(TABLE)
    probe.execute("insert into w(rowid, text) values (1, ?)", (expression,))
    found = probe.execute("select 1 from w where w match ?", (expression,)).fetchall()
    probe.close()
    return bool(found)


def test_texts_are_what_people_write_with_their_places() -> None:
    data = {
        "type": "report",
        "spec_version": "2.1",
        "id": "report--00000000-0000-4000-8000-000000000000",
        "created": "2026-01-01T00:00:00.000Z",
        "created_by_ref": "identity--00000000-0000-4000-8000-000000000000",
        "name": "脅威",
        "labels": ["a", "b"],
        "published": "2026-01-01T00:00:00Z",
        "object_refs": ["indicator--00000000-0000-4000-8000-000000000000"],
        "object_marking_refs": ["marking-definition--00000000-0000-4000-8000-000000000000"],
        "external_references": [{"source_name": "mitre-attack", "external_id": "T1059", "hashes": {"MD5": "ff"}}],
        "granular_markings": [{"selectors": ["name"], "lang": "ja"}],
        "extensions": {"x": {"extension_type": "property-extension", "rank": 5, "note": "n"}},
        "confidence": 5,
        "description": "",
    }
    assert texts(data) == [
        ("name", "脅威"),
        ("labels[0]", "a"),
        ("labels[1]", "b"),
        ("external_references[0].source_name", "mitre-attack"),
        ("external_references[0].external_id", "T1059"),
        ("external_references[0].hashes.MD5", "ff"),
        ("extensions.x.note", "n"),
    ]


def test_depth_is_bounded() -> None:
    value: object = "deep"
    for _ in range(100):
        value = [value]
    assert [text for _, text in texts({"x": value})] == ["deep"]
    for _ in range(5_000):
        value = [value]
    assert texts({"x": value}) == []
