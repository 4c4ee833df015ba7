"""Acts that are done once: a repeated request with the same Idempotency-Key is answered as the first one was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar, cast

import msgspec
from litestar import Response
from litestar.params import HeaderParameter

from kizuna import deadline
from kizuna.store.answered import Answered
from kizuna.web.api.answer import PRIVATE, tag_of
from kizuna.web.context import Asked, of

T = TypeVar("T", bound=msgspec.Struct)
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key", max_length=255, description="A repeated request is answered alike for a day."
    ),
]


def once(request: Asked, key: str | None, asked: object, work: Callable[[], T]) -> Response[T]:
    """The answer to an act; `asked` is what its body says, without secrets. Raises Conflict when the key came with another request."""
    deadline.lift()  # what is begun is finished
    answered, caller = Answered(of(request).store), request.user.name
    text = f"{request.method} {request.url.path}\0".encode() + msgspec.json.encode(asked)
    digest = hashlib.sha256(text).digest()
    data = None if key is None else answered.find(caller, key, digest)
    if data is None:
        data = msgspec.json.encode(work())
        if key is not None:
            answered.remember(caller, key, digest, data)
    headers = {"ETag": tag_of(data), **PRIVATE}
    return cast("Response[T]", Response(data, status_code=200, media_type="application/json", headers=headers))
