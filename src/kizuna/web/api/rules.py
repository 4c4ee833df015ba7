"""Standing rules: what is proposed to whom, and what leaves by itself since people said so once. They tell of no object."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, HeaderParameter, JSONBody

from kizuna.clock import to_text
from kizuna.errors import InvalidInput
from kizuna.store.releasing import Releases
from kizuna.store.standing import Named, Rule, Rules
from kizuna.web.again import show_again
from kizuna.web.api.answer import answer, matches, tag_of
from kizuna.web.api.model import time_text
from kizuna.web.api.once import Key, once
from kizuna.web.api.releasing import Password
from kizuna.web.context import Asked, of
from kizuna.web.problems import Changed

IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", description="ETag of the rules that you read; else 412.")
]


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a rule: what it says, whether it counts now, and who approved it, of the `asked` people; none for one that proposes.

    `state` is counts, waits (for people), stopped, expired or ended.
    """

    rule: str
    version: int
    act: str
    counts: bool
    state: str
    asked: int
    approved: tuple[str, ...]
    partners: tuple[str, ...]
    until: str | None
    hourly: int | None
    made: str
    made_by: str
    granted: str | None
    stopped: str | None
    ended: str | None
    says: Named


class RuleViews(msgspec.Struct, frozen=True):
    """Rules, in the order they were first made."""

    items: list[RuleView]
    next: None = None


class RuleVersions(msgspec.Struct, frozen=True):
    """Every version of a rule, newest first."""

    items: list[RuleView]
    next: None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your own password, and which version of the rule you were shown: another one is not approved."""

    password: Password
    version: int | None = None


@get("/release/rules", opt={"right": "read"}, sync_to_thread=True)
def read_rules(request: Asked) -> Response[RuleViews]:
    """The newest version of every rule, and whether it counts now. The ETag is for If-Match."""
    return answer(request, _listed(request))


@put("/release/rules", opt={"right": "release"}, sync_to_thread=True)
def put_rules(request: Asked, data: JSONBody[list[Named]], if_match: IfMatch = None) -> Response[RuleViews]:
    """Make rules, or their next versions where they say something else by now, all of them or none; answers with those that changed.

    Other rules stay. One that proposes counts at once, one that sends when as many people approved it as the strictest of its labels
    asks for.
    """
    store = of(request).store
    names = [one.name for one in data]
    if len(set(names)) < len(names):
        raise InvalidInput("a name occurs twice")
    with store.act():
        if if_match is not None and not matches(if_match, _tag(_listed(request))):
            raise Changed("the rules say something else by now")
        changed = Rules(store).put(data, by=request.user.name)
    return answer(request, RuleViews([_view(request, rule) for rule in changed]), etag=_tag(_listed(request)))


@get("/release/rules/{rule:str}", opt={"right": "read"}, sync_to_thread=True)
def read_rule_versions(request: Asked, rule: FromPath[str]) -> Response[RuleVersions]:
    """Every version there was of a rule."""
    found = Rules(of(request).store).history(rule)
    return answer(request, RuleVersions([_view(request, one) for one in reversed(found)]))


@delete("/release/rules/{rule:str}", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def remove_rule(request: Asked, rule: FromPath[str]) -> Response[RuleView]:
    """Let nothing more leave or be proposed by a rule. What left stays with whom it went to."""
    return answer(request, _view(request, Rules(of(request).store).remove(rule, by=request.user.name)))


@post("/release/rules/{rule:str}/approve", opt={"right": "release", "person": True}, status_code=200)
async def approve_rule(
    request: Asked, rule: FromPath[str], data: JSONBody[Grant], key: Key = None
) -> Response[RuleView]:
    """Say as a releaser that what a rule is about may leave by it; it counts from when as many said so as it asks for.

    Who is logged in approves, by their password once more; tokens do not.
    """
    await show_again(request, data.password)
    return await anyio.to_thread.run_sync(partial(_grant, request, rule, data.version, key))


def _grant(request: Asked, name: str, version: int | None, key: str | None) -> Response[RuleView]:
    def work() -> RuleView:
        store = of(request).store
        Releases(store).grant(name, by=request.user.name, version=version)
        return _view(request, Rules(store).named(name))

    return once(request, key, version, work)


@post("/release/rules/{rule:str}/stop", opt={"right": "release"}, status_code=200, sync_to_thread=True)
def stop_rule(request: Asked, rule: FromPath[str], key: Key = None) -> Response[RuleView]:
    """Let nothing more leave by a rule until it is approved anew."""
    return once(request, key, None, lambda: _view(request, Rules(of(request).store).stop(rule, by=request.user.name)))


def _listed(request: Asked) -> RuleViews:
    return RuleViews([_view(request, rule) for rule in Rules(of(request).store).listed()])


def _tag(rules: RuleViews) -> str:
    return tag_of(msgspec.json.encode(rules))


def _view(request: Asked, rule: Rule) -> RuleView:
    store = of(request).store
    releases, terms, now = Releases(store), rule.terms, store.clock()
    sends = terms.act == "send"
    return RuleView(
        rule=rule.name, version=rule.version, act=terms.act, counts=rule.counts(now), state=state_of(rule, now),
        asked=releases.asked_for(rule) if sends else 0, approved=releases.granted_by(rule) if sends else (),
        partners=terms.partners, until=terms.until, hourly=terms.hourly, made=to_text(rule.made), made_by=rule.made_by,
        granted=time_text(rule.granted), stopped=time_text(rule.stopped), ended=time_text(rule.ended),
        says=Named(name=rule.name, **{name: getattr(terms, name) for name in terms.__struct_fields__}),
    )  # fmt: skip


def state_of(rule: Rule, now: int) -> str:
    """Whether a rule counts, and why not."""
    if rule.ended is not None:
        return "ended"
    if rule.stopped is not None:
        return "stopped"
    if rule.terms.ends is not None and now >= rule.terms.ends:
        return "expired"
    return "counts" if rule.counts(now) else "waits"
