"""What commands and errors say, in Japanese: `locale/`, which both windows read. English is in the source.

`messages.po` is what people edit, `messages.mo` is made of it (see CONTRIBUTING.md).
"""

from __future__ import annotations

import gettext
import re
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).with_name("locale")
LONGEST = 500
"""Characters of a message in which names are looked for: what one quotes may be long."""
_PLACE = re.compile(r"\{(\d)\}")


def in_japanese(message: str) -> str | None:
    """An error's message, which may name what differs: `{1}`, `{2}` … in the catalogue stand for it; None for one it does not have."""
    if not message:  # gettext's own header
        return None
    found = _japanese().gettext(message)
    if found != message:
        return found
    if len(message) <= LONGEST:
        for pattern, translation in _errors_that_name():
            match = pattern.fullmatch(message)
            if match is not None:
                return _filled(translation, [_named(value) for value in match.groups()])
    return None


def _named(value: str) -> str:
    """What a message names: words of ours in Japanese, and what is quoted, which is somebody's, as it is."""
    return value if value.startswith(("'", '"')) else in_japanese(value) or value


def _filled(text: str, values: list[str]) -> str:
    return _PLACE.sub(lambda place: values[int(place[1]) - 1], text)


@cache
def _japanese() -> gettext.NullTranslations:
    return gettext.translation("messages", LOCALE, ["ja"])


@cache
def _errors_that_name() -> list[tuple[re.Pattern[str], str]]:
    """What to look for and what to say instead: what begins with words before what begins with a name, the longest first."""
    from babel.messages.mofile import read_mo

    with (LOCALE / "ja" / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        messages = [(m.id, m.string) for m in read_mo(file) if isinstance(m.id, str) and isinstance(m.string, str)]
    return [
        (re.compile("(.*)".join(map(re.escape, _PLACE.split(id)[::2])), re.DOTALL), string)
        for id, string in sorted(messages, key=lambda one: (one[0].startswith("{1}"), -len(one[0])))
        if "{1}" in id
    ]


__all__ = ["LOCALE", "in_japanese"]
