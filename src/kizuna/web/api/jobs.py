"""Jobs: imports, exports and polls that go on when the request has been answered, and when the node is restarted."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import Annotated, Any, Literal

import anyio.to_thread
from litestar import Response, delete, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.labels import parse_label
from kizuna.store.exported import bundle_of
from kizuna.store.jobs import RIGHTS, Job, Jobs, Kind
from kizuna.web.api.answer import PRIVATE, answer
from kizuna.web.api.imports import IN_MEMORY, LabelOption, must_be_readable, receive
from kizuna.web.api.model import JobView, JobViews, job_of
from kizuna.web.api.objects import Cursor, Limit
from kizuna.web.context import Asked, of
from kizuna.web.narrowing import Types

KindOption = Annotated[
    Literal["import", "export", "poll"],
    QueryParameter(description="What to do: import the body, export what you may see, poll a partner."),
]
AreaOfJob = Annotated[
    str | None,
    QueryParameter(max_length=100, description="Of an import: the programme area that the objects serve."),
]
Polled = Annotated[str | None, QueryParameter(max_length=200, description="Of a poll: the partner.")]
BUNDLE = "application/stix+json;version=2.1"


# The bound is the node's setting, as of an import.
@post("/jobs", opt={"right": "read"}, status_code=202, request_max_body_size=None)
async def ask_job(
    request: Asked,
    kind: KindOption,
    label: LabelOption = None,
    area: AreaOfJob = None,
    types: Types = None,
    partner: Polled = None,
) -> Response[JobView]:
    """Ask for something that takes long. An import needs the right to write, an export to read, a poll to operate."""
    right = RIGHTS[kind]
    if not request.user.may(right):
        raise Refused(f"this needs the right to {right}")
    given = {"label": label, "area": area, "types": types, "partner": partner}
    work = partial(_ask, request, kind, {name: value for name, value in given.items() if value is not None})
    if kind != "import":
        return await anyio.to_thread.run_sync(work)
    must_be_readable(request)
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(of(request).store.folder)) as body:
        await receive(request, body)
        return await anyio.to_thread.run_sync(lambda: work(body.read()))


def _ask(request: Asked, kind: Kind, given: dict[str, Any], text: bytes = b"") -> Response[JobView]:
    store, caller = of(request).store, request.user
    _must_fit(request, kind, given)
    arguments = {**given, "scopes": caller.scopes} if kind == "import" else given
    job = Jobs(store).ask(kind, caller.name, arguments, text)
    headers = {**PRIVATE, "Location": f"/api/v1/jobs/{job.id}"}
    return Response(job_of(job, caller.name), status_code=202, media_type="application/json", headers=headers)


_FITTING: dict[Kind, frozenset[str]] = {
    "import": frozenset({"label", "area"}),
    "export": frozenset({"types"}),
    "poll": frozenset({"partner"}),
}


def _must_fit(request: Asked, kind: Kind, given: dict[str, Any]) -> None:
    """What would only fail when the job is done is refused now. Raises UsageError, NotFound, InvalidInput."""
    store = of(request).store
    if more := sorted(given.keys() - _FITTING[kind]):
        name = {"types": "type"}.get(more[0], more[0])
        raise UsageError(f"{name} is no matter of an {kind}" if kind != "poll" else f"{name} is no matter of a poll")
    if "label" in given:
        parse_label(given["label"], originator=store.organisation, community=store.settings.community)
    if kind == "poll":
        if "partner" not in given:
            raise UsageError("say which partner", path="/query/partner")
        if store.partner(given["partner"]).url is None:
            raise UsageError("this partner has no TAXII address", path="/query/partner")


@get("/jobs", opt={"right": "read"}, sync_to_thread=True)
def list_jobs(request: Asked, limit: Limit = 50, cursor: Cursor = None) -> Response[JobViews]:
    """Your jobs, newest first; an operator sees everybody's, but of others' neither figures nor results."""
    context, caller = of(request), request.user
    bound = ("jobs", caller.name)
    position = context.cursors.open(cursor, *bound)
    asked = None if caller.may("operate") else caller.name
    found = Jobs(context.store).listed(limit + 1, asked=asked, before=position)
    items = [job_of(job, caller.name) for job in found[:limit]]
    following = context.cursors.seal(found[limit - 1].n, *bound) if len(found) > limit else None
    return answer(request, JobViews(items, following))


@get("/jobs/{job:str}", opt={"right": "read"}, sync_to_thread=True)
def read_job(request: Asked, job: FromPath[str]) -> Response[JobView]:
    """How a job stands."""
    return answer(request, job_of(_seen(request, job), request.user.name))


@get("/jobs/{job:str}/result", opt={"right": "read"}, sync_to_thread=True, media_type=BUNDLE)
def read_result(request: Asked, job: FromPath[str]) -> Stream:
    """The bundle that an export of yours made, while you may see all of it; 410 afterwards."""
    store = of(request).store
    found = Jobs(store).find(job, asked=request.user.name)
    if found.kind != "export":
        raise NotFound("only an export has a result to take away")
    if found.state != "done":
        raise Conflict(f"this export is {found.state}")
    pieces = bundle_of(store, found, request.user.principal)
    name = f'attachment; filename="export-{found.id}.json"'
    return Stream(pieces, media_type=BUNDLE, headers={**PRIVATE, "Content-Disposition": name})


@delete("/jobs/{job:str}", opt={"right": "read"}, sync_to_thread=True, status_code=204)
def cancel_job(request: Asked, job: FromPath[str]) -> None:
    """Cancel a job of yours, or as an operator anybody's. What an import has stored stays."""
    Jobs(of(request).store).cancel(_seen(request, job).id, by=request.user.name)


def _seen(request: Asked, id: str) -> Job:
    """A job as far as the caller may know of it. Raises NotFound, for another's as for none."""
    caller = request.user
    return Jobs(of(request).store).find(id, asked=None if caller.may("operate") else caller.name)
