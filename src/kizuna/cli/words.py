"""The command line in English and Japanese: the messages of `kizuna.messages`, chosen by LANGUAGE, LC_ALL, LC_MESSAGES or LANG."""

from __future__ import annotations

import gettext
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import click

from kizuna.messages import LOCALE, in_japanese

# click looks its own words up here, too.
gettext.bindtextdomain("messages", str(LOCALE))

# No line begins or ends with these (JIS X 4051).
_NOT_FIRST = "、。，．・：；？！）」』】ー々)]"
_NOT_LAST = "（「『【"
_EXTRA = re.compile(r"  \[[^\[\]]*\]$")
_NAMED_DEFAULT = re.compile(r"(?<=\()[^()]+(?=\))")


def _(message: str, **values: Any) -> str:
    """A message in the reader's language, with its values in their places."""
    found = gettext.gettext(message)
    return found.format(**values) if values else found


def N_(message: str) -> str:
    """Mark a message for translation where it is only written down."""
    return message


def told(message: str) -> str:
    """An error's message in the reader's language."""
    return message if language() == "en" else in_japanese(message) or message


def language() -> Literal["en", "ja"]:
    """`ja` when the environment asks for Japanese, else `en`, by the variable that gettext takes."""
    chosen = next((v for v in map(os.environ.get, ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")) if v), "")
    return "ja" if chosen.lower().startswith("ja") else "en"


def width(text: str) -> int:
    """Columns a text takes on a terminal; East Asian wide characters take two."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Formatter(click.HelpFormatter):
    """Help in the reader's language, with lines broken as it breaks them."""

    def write_text(self, text: str) -> None:
        """A text of one or several paragraphs."""
        found = _(text)
        if found == text:
            super().write_text(text)
            return
        indent = " " * self.current_indent
        paragraphs = (
            "\n".join(indent + line for line in wrapped(one, self.width - len(indent))) for one in found.split("\n\n")
        )
        self.write("\n\n".join(paragraphs) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """What stands on the left, and what it means."""
        told = [(first, _explained(second)) for first, second in rows]
        if language() == "en":
            super().write_dl(told, col_max, col_spacing)
            return
        left = min(max(width(first) for first, _meaning in told), col_max) + col_spacing
        for first, second in told:
            head = " " * self.current_indent + first
            gap = (
                "\n" + " " * (left + self.current_indent)
                if len(first) > left - col_spacing
                else " " * (left - len(first))
            )
            lines = list(wrapped(second, max(self.width - left - 2, 10))) or [""]
            self.write(head + gap + f"\n{' ' * (left + self.current_indent)}".join(lines) + "\n")


click.Context.formatter_class = Formatter


def _explained(text: str) -> str:
    """The help of an option; behind it click says its default."""
    found = _EXTRA.search(text)
    if found is None:
        return _(text) if text else text
    extra = _NAMED_DEFAULT.sub(lambda default: _(default[0]), found[0])
    return _(text[: found.start()]) + extra


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Lines of at most so many columns: broken at spaces, and between Japanese characters where that is allowed."""
    line = ""
    for piece in _pieces(text.replace("\n", "")):
        if line and width(line) + width(piece.rstrip()) > columns:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    if line:
        yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """What stays together."""
    piece = ""
    for character in text:
        wide = _columns(character) == 2
        between = bool(piece) and (wide or _columns(piece[-1]) == 2 or piece[-1] == " ")
        if between and character not in _NOT_FIRST and character != " " and piece[-1] not in _NOT_LAST:
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece
