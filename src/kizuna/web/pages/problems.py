"""The pages that problem types point at, and the page shown when something went wrong."""

from __future__ import annotations

from functools import partial

from litestar import Response, get
from litestar.params import FromPath

from kizuna.errors import KizunaError, NotFound
from kizuna.web.pages.render import AnyRequest, anybody, page
from kizuna.web.problems import KINDS, Problem

UNAVAILABLE = 503


@get("/problems", sync_to_thread=True)
def list_problems(request: AnyRequest) -> Response[bytes]:
    """Every kind of problem this node speaks of."""
    return page(request, "problems.html", caller=anybody(request), kinds=KINDS)


@get("/problems/{slug:str}", sync_to_thread=True)
def show_problem(request: AnyRequest, slug: FromPath[str]) -> Response[bytes]:
    """What a kind of problem means. Raises NotFound."""
    if slug not in KINDS:
        raise NotFound("no such kind of problem")
    return page(request, "problem.html", caller=anybody(request), kind=KINDS[slug], trace=None, happened=False)


def problem_page(request: AnyRequest, problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    """A problem as a page. It repeats nothing of the request: what is hidden and what is absent look alike."""
    show = partial(
        page,
        request,
        "problem.html",
        status=problem.status,
        headers=headers,
        here=request.scope["path"] if request.method == "GET" else "/",
        kind=KINDS[problem.type.rpartition("/")[2]],
        trace=problem.trace_id,
        happened=True,
    )
    if problem.status == UNAVAILABLE:  # a database that does not answer is not asked a second time, for who reads this
        return show()
    try:
        return show(caller=anybody(request))
    except KizunaError:
        return show()
