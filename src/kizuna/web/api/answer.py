"""Answers of the API: JSON bytes with an ETag, and 304 for who has them already (RFC 9110 section 13)."""

from __future__ import annotations

import hashlib
from typing import TypeVar, cast

import msgspec
from litestar import Response

from kizuna.web.context import Asked

T = TypeVar("T", bound=msgspec.Struct)
_encode = msgspec.json.Encoder().encode
# What one reader may see is nobody else's to keep.
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


def answer(request: Asked, body: T, *, etag: str | None = None) -> Response[T]:
    """The answer, or 304 when If-None-Match names it."""
    data = _encode(body)
    tag = etag or tag_of(data)
    headers = {"ETag": tag, **PRIVATE}
    if request.method == "GET" and matches(request.headers.get("if-none-match"), tag):
        return cast("Response[T]", Response(b"", status_code=304, headers=headers))
    return cast("Response[T]", Response(data, status_code=200, media_type="application/json", headers=headers))


def tag_of(data: bytes) -> str:
    """A strong entity tag of bytes."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def matches(header: str | None, tag: str) -> bool:
    """Whether an If-Match or If-None-Match header names a tag."""
    return header is not None and any(part.strip().removeprefix("W/") in (tag, "*") for part in header.split(","))
