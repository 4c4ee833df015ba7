"""Import: STIX objects in the body, an outcome for each of them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import IO, Annotated, BinaryIO, cast

import anyio.to_thread
import msgspec
from litestar import Response, post
from litestar.params import QueryParameter

from kizuna import deadline
from kizuna.errors import TooLarge
from kizuna.formats.stix import bounds_of
from kizuna.labels import parse_label
from kizuna.stix import Container, iter_objects
from kizuna.store.answered import Answered
from kizuna.store.room import must_have_room
from kizuna.store.told import as_told
from kizuna.web.api.model import Fault, Import, Taken, taken_of
from kizuna.web.api.once import Key
from kizuna.web.context import Asked, of
from kizuna.web.problems import UnsupportedMediaType

READ = {"application/json", "application/stix+json", "application/taxii+json"}
IN_MEMORY = 1 << 20
LISTED = 10_000
_DIGITS = 18

LabelOption = Annotated[
    str | None,
    QueryParameter(max_length=2000, description="Label of objects that state none; a stated one is joined with it."),
]
AreaOption = Annotated[str | None, QueryParameter(max_length=100, description="Programme area that the objects serve.")]


# The bound is the node's setting (`receive`), not what the other requests are held to.
@post("/import", opt={"right": "write"}, status_code=200, request_max_body_size=None)
async def import_objects(
    request: Asked, label: LabelOption = None, area: AreaOption = None, key: Key = None
) -> Response[Import]:
    """Store the objects of a bundle, a list, a TAXII envelope, or one object. What is wrong with one stops no other."""
    must_be_readable(request)
    must_have_room(of(request).store)
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(of(request).store.folder)) as body:
        digest = await receive(request, body)
        digest.update(f"\0{label}\0{area}".encode("utf-8", "replace"))
        work = partial(_answer, request, cast("IO[bytes]", body), label, area, key, digest.digest())
        answer = await anyio.to_thread.run_sync(work)
    return cast("Response[Import]", Response(answer, status_code=200, media_type="application/json"))


def must_be_readable(request: Asked) -> None:
    """Raise UnsupportedMediaType for a body that is not STIX as it says."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type not in READ or "content-encoding" in request.headers:
        raise UnsupportedMediaType(f"send {', '.join(sorted(READ))}, not compressed")


async def receive(request: Asked, body: tempfile.SpooledTemporaryFile[bytes]) -> hashlib._Hash:
    """Write the body down, within the node's bound, without holding it in memory."""
    limit, size, digest = of(request).store.settings.limits.body, 0, hashlib.sha256()
    too_large = TooLarge(f"the body is larger than {limit} bytes")
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and (len(stated) > _DIGITS or int(stated) > limit):
        raise too_large
    async for block in request.stream():
        size += len(block)
        if size > limit:
            raise too_large
        digest.update(block)
        body.write(block)
    body.seek(0)
    return digest


def _answer(
    request: Asked, body: IO[bytes], label: str | None, area: str | None, key: str | None, digest: bytes
) -> bytes:
    deadline.lift()
    store, caller = of(request).store, request.user
    answered = Answered(store)
    if key is not None and (before := answered.find(caller.name, key, digest)) is not None:
        return before
    stated = (
        None if label is None else parse_label(label, originator=store.organisation, community=store.settings.community)
    )
    limits = store.settings.limits
    bounds = bounds_of(limits)
    writer = store.writer(store.own_source(), label=stated, area=area, may_release=caller.may("release"))
    view = store.view(caller.principal)
    containers: list[Container] = []
    items = iter_objects(cast("BinaryIO", body), limits=bounds, on_container=containers.append)
    told = (as_told(outcome, lambda id: view.get(id) is not None) for outcome in writer.add(items))
    report = _report(chain(map(taken_of, told), _of_container(containers)))
    store.audit(
        caller.name, "import", "api", {name: getattr(report, name) for name in ("imported", "unchanged", "failed")}
    )
    answer = msgspec.json.encode(report)
    if key is not None:
        answered.remember(caller.name, key, digest, answer)
    return answer


def _of_container(containers: list[Container]) -> Iterator[Taken]:
    """What is wrong with the container itself; known when the last object has been read."""
    for container in containers:
        errors = [Fault(p.path, p.message, p.section) for p in container.problems if p.severity == "error"]
        if not isinstance(container.header.get("objects", []), list):
            errors.append(Fault("objects", "expected a list of objects", "8"))
        if errors:
            yield Taken(item=None, id=None, status="failed", errors=tuple(errors))


def _report(taken: Iterator[Taken]) -> Import:
    counts = {"imported": 0, "unchanged": 0, "failed": 0}
    failed: list[Taken] = []
    others: list[Taken] = []
    for item in taken:
        counts[item.status] += 1
        kept = failed if item.status == "failed" else others
        if len(kept) < LISTED:
            kept.append(item)
    items = sorted((failed + others)[:LISTED], key=lambda item: (item.item is None, item.item or 0))
    return Import(**counts, complete=len(items) == sum(counts.values()), items=items)
