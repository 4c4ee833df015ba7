"""A TAXII server of somebody else: it says what the test tells it to, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from tests.serving import running

TAXII = "application/taxii+json;version=2.1"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


class Asked(msgspec.Struct):
    """What was asked: method, path, query text and body."""

    method: str
    path: str
    query: str
    body: bytes = b""
    token: str = ""


class Said(msgspec.Struct):
    """What is answered."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = {}
    type: str = TAXII

    @staticmethod
    def json(resource: object, **headers: str) -> Said:
        """A resource."""
        return Said(json.dumps(resource).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


Answer = Callable[[Asked], Said]


def absent(_: Asked) -> Said:
    """Nothing there."""
    return Said(b"{}", status=404)


class Foreign:
    """An ASGI application with one readable and writable collection; `objects` and `post` answer for it."""

    def __init__(self, objects: Answer, post: Answer | None = None, **others: Answer) -> None:
        reply: Answer = post or objects
        self.asked: list[Asked] = []
        self._answers: dict[str, Answer] = {
            "/taxii2/": lambda _: Said.json({"title": "Foreign", "api_roots": ["/root/"]}),
            "/root/collections/": lambda _: Said.json(
                {"collections": [{"id": COLLECTION, "title": "All", "can_read": True, "can_write": post is not None}]}
            ),
            f"/root/collections/{COLLECTION}/objects/": lambda asked: (
                reply(asked) if asked.method == "POST" else objects(asked)
            ),
            **others,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        token = dict(scope["headers"]).get(b"authorization", b"").decode()
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode(), body, token)
        self.asked.append(asked)
        answer = self._answers.get(asked.path, absent)(asked)
        headers = [(b"content-type", answer.type.encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


@contextmanager
def serving(app: Foreign) -> Iterator[str]:
    """The discovery address of a server while the context lasts."""
    with running(app, lifespan="off") as (host, port):
        yield f"http://{host}:{port}/taxii2/"
