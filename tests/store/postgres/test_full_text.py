"""The words of PostgreSQL's index are those that FTS5 cuts: both find the same."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kizuna.store.postgres.full_text import LONGEST, words
from kizuna.store.words import index_text

TABLE = "create virtual table w using fts5(text, content='', columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")"
# What both know: FTS5's tables of letters are older than Python's, and end before the newest scripts.
LETTERS = st.characters(codec="utf-8", categories=["L", "N", "P", "Z"], max_codepoint=0x5FF)


@settings(deadline=None)
@given(st.text(LETTERS | st.sampled_from("東京都の脅威ｶﾅかな한국"), max_size=80))
def test_words_are_those_of_fts5(text: str) -> None:
    cut = index_text(text)
    index = sqlite3.connect(":memory:")
    index.execute(TABLE)
    index.execute("create virtual table seen using fts5vocab(w, instance)")
    index.execute("insert into w(rowid, text) values (1, ?)", (cut,))
    places = {offset: term for term, offset in index.execute("select term, offset from seen")}
    index.close()
    assert words(cut).split() == [places[n] for n in sorted(places)]


@settings(deadline=None)
@given(st.text(max_size=300))
def test_cutting_again_changes_nothing_and_no_word_is_long(text: str) -> None:
    once = words(index_text(text * 3))
    assert words(once) == once
    assert all(len(word) <= LONGEST for word in once.split())


def test_long_words_are_told_apart() -> None:
    one, other = words("a" * 5_000 + "b"), words("a" * 5_000 + "c")
    assert len(one) == LONGEST
    assert one != other


@pytest.mark.parametrize("before", [0, 1, LONGEST - 1, LONGEST])
@pytest.mark.parametrize("after", [0, 1, LONGEST])
def test_only_words_above_the_bound_are_shortened(before: int, after: int) -> None:
    around = [word for word in ("a" * before, "c" * after) if word]
    for size in (LONGEST - 1, LONGEST):
        text = " ".join([*around[:1], "b" * size, *around[1:]])
        assert words(text) == text
    text = " ".join([*around[:1], "b" * (LONGEST + 1), *around[1:]])
    assert words(text) != text
    assert all(len(word) <= LONGEST for word in words(text).split())
