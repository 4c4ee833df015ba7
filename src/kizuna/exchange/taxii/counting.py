"""How many objects an envelope holds, found without holding them: 64 MiB may be thirty million of two bytes."""

from __future__ import annotations

import msgspec

from kizuna.stix.scanner import Fault, Scanner, Text

_SIZE = 16 << 20
_DEPTH = 100


class _Envelope(msgspec.Struct):
    objects: msgspec.Raw


_envelope = msgspec.json.Decoder(_Envelope).decode


def holds_more(envelope: bytes, most: int) -> bool:
    """Whether an envelope lists more than `most` objects. What is no envelope holds none that could be counted."""
    try:
        listed = bytes(_envelope(envelope).objects)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    # An element takes two bytes at least, and all but one have a comma.
    if len(listed) <= 2 * most or listed.count(b",") < most or not listed.startswith(b"["):
        return False
    text, count = Text(listed), 0
    text.position = 1
    for piece in Scanner(text, _SIZE, _DEPTH).elements():
        count += 1 if isinstance(piece, Fault) else len(piece)
        if count > most:
            return True
    return False
