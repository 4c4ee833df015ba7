"""Distinguished names of an organisation and nothing else, `O=CERT Riga` (RFC 4514)."""

from __future__ import annotations

import re

_FIRST = r'[^"+,;<>\\#]|\\[ "#+,;<=>\\]|\\[0-9A-Fa-f]{2}'
_ORGANISATION = re.compile(rf"[Oo]=((?:{_FIRST})(?:{_FIRST}|#)*)")
_PIECE = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)|([^\\]+)", re.DOTALL)
_SPECIAL = '"+,;<>\\'


def organisation(text: str) -> str | None:
    """The name in a distinguished name of one `O=`; None for any other."""
    stated = _ORGANISATION.fullmatch(text)
    if stated is None:
        return None
    raw = b"".join(bytes.fromhex(m[1]) if m[1] else (m[2] or m[3]).encode() for m in _PIECE.finditer(stated[1]))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def of_organisation(name: str) -> str:
    """The distinguished name; what a carrier might change (controls, white space at an end) stands as its bytes."""
    return "O=" + "".join(_escaped(name, index) for index in range(len(name)))


def _escaped(name: str, index: int) -> str:
    character, last = name[index], len(name) - 1
    if character < " " or character in "\x7f\ufffe\uffff" or (character.isspace() and index in (0, last)):
        return "".join(f"\\{byte:02X}" for byte in character.encode())
    return f"\\{character}" if character in _SPECIAL or (index == 0 and character == "#") else character
