"""Values as the index keeps them: an entry of a tree is bounded, what somebody observed is not."""

from __future__ import annotations

import hashlib

LONGEST = 500
"""Characters of a value that is indexed as it is."""
_BEGINNING = 400


def keyed(value: str) -> str:
    """The key of a value: itself, but of a long one its beginning and its SHA-256, and no U+0000, which not every database keeps."""
    if len(value) <= LONGEST:
        return value.replace("\0", "␀") if "\0" in value else value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{value[:_BEGINNING]}…{digest}".replace("\0", "␀")
