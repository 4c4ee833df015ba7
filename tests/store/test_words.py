"""Search text in every language, on a real FTS5 index."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.store.words import index_text, query, texts

DOCUMENTS = (
    "東京の発電所に対する攻撃", "北京的网络安全", "서울의 발전소 공격", "Атака на електростанцію Київ", "Мой компьютер",
    "هجوم على مَحَطَّة", "İstanbul ılık saldırı", "Straße Größe", "ｶﾞｲﾀﾞﾝｽ", "café Attack T1059.001", "サイバー防衛",
)  # fmt: skip


def index(*documents: str) -> sqlite3.Connection:
    """An index as the store makes it."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "create virtual table words using fts5(text, content='', columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")"
    )
    for n, document in enumerate(documents):
        connection.execute("insert into words(rowid, text) values (?,?)", (n, index_text(document)))
    return connection


def find(connection: sqlite3.Connection, text: str, *, prefix: bool = False) -> list[int]:
    """Which documents match."""
    expression = query(text, prefix=prefix)
    if expression is None:
        return []
    return [
        n for (n,) in connection.execute("select rowid from words where words match ? order by rowid", (expression,))
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("東", 0), ("東京", 0), ("発電所", 0), ("発電所 攻撃", 0), ("网", 1), ("网络", 1), ("발", 2), ("발전소", 2), ("київ", 3),
        ("мой", 4), ("محطة", 5), ("مَحَطَّة", 5), ("istanbul", 6), ("ISTANBUL", 6), ("ILIK", 6), ("ılık", 6), ("strasse", 7),
        ("STRASSE", 7), ("größe", 7), ("grosse", 7), ("ガイダンス", 8), ("ガ", 8), ("ｶﾞｲﾀﾞﾝｽ", 8), ("cafe", 9), ("t1059.001", 9),
        ("防衛", 10), ("ｻｲﾊﾞｰ", 10),
    ],
)  # fmt: skip
def test_each_language_is_found(asked: str, found: int) -> None:
    assert find(index(*DOCUMENTS), asked) == [found]


@pytest.mark.parametrize("asked", ["京発", "がい", "мои", "電発", "attac"])
def test_what_does_not_stand_there_is_not_found(asked: str) -> None:
    assert find(index(*DOCUMENTS), asked) == []


def test_the_last_word_may_go_on() -> None:
    assert find(index(*DOCUMENTS), "café attac", prefix=True) == [9]


@pytest.mark.parametrize("asked", ["", " ", "*", '"', "()", "-", "：。"])
def test_a_query_without_words_is_none(asked: str) -> None:
    assert query(asked) is None


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_query_is_syntax(document: str, asked: str) -> None:
    find(index(document), asked)
    find(index(document), f'{asked}" OR NEAR(* ^', prefix=True)


@given(st.text(alphabet=st.characters(categories=["L", "N"], max_codepoint=0xD7FF), min_size=1, max_size=20))
def test_a_text_is_found_by_itself(document: str) -> None:
    if query(document) is not None:
        assert find(index(document, "something else"), document) == [0]


def test_ids_references_and_times_are_no_text() -> None:
    data = {
        "type": "report", "id": "report--1", "name": "N", "created": "2026-01-01T00:00:00Z", "object_refs": ["a--1"], "published": "2026-01-01T00:00:00Z",
        "external_references": [{"source_name": "S", "url": "https://example.com"}], "extensions": {"x": {"deep_ref": "a--1", "number": 7}},
    }  # fmt: skip
    assert texts(data) == [
        ("name", "N"),
        ("external_references[0].source_name", "S"),
        ("external_references[0].url", "https://example.com"),
        ("extensions.x.number", "7"),
    ]
