"""Texts of others put into XML that we write: what XML 1.0 cannot hold is replaced, and a text has an end."""

from __future__ import annotations

import re

LENGTH = 1_000
"""Characters; a longer text ends in an ellipsis."""

# Beside those, the other control characters, and those that turn the direction of what follows.
_UNFIT = re.compile("[^\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = re.compile(r"[\t\n\r\u0085\u2028\u2029]+")


def one_line(text: str) -> str:
    """A text on one line, without the characters that XML 1.0 section 2.2 forbids; U+FFFD stands for each of them."""
    shown = _UNFIT.sub("\ufffd", _BREAKS.sub(" ", text[: LENGTH + 1]))
    return shown if len(shown) <= LENGTH else f"{shown[: LENGTH - 1]}…"


def without_markup(text: str) -> str:
    """The same with other brackets and ampersands: map programs and their popups take names for HTML, however well they are escaped."""
    return one_line(text).translate(_LOOK_ALIKES)


_LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", "&": "＆", '"': "”", "'": "’", "`": "‵"})
