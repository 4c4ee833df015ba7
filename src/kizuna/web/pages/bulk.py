"""What is done with several objects at once: a tag put on or taken off, and an export, each shown before it is done."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
from litestar import Response, post
from litestar.response import Stream

from kizuna.errors import UsageError
from kizuna.labels import format_label
from kizuna.store import Store, Stored, View
from kizuna.store.caller import Caller
from kizuna.store.keys import derived_key
from kizuna.store.tagging import MOST_TAG, Tagged, tag
from kizuna.web.api.answer import PRIVATE
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import N_
from kizuna.web.narrowing import Question, question_of
from kizuna.web.pages.facets import chosen_of
from kizuna.web.pages.named import entitled
from kizuna.web.pages.objects import MOST, entry
from kizuna.web.pages.render import AnyRequest, language_of, page

MOST_EXPORTED = 10_000
"""Objects of one export from a page; jobs export more."""
BUNDLE = "application/stix+json;version=2.1"
REASONS = {
    "foreign": N_("Another organisation brought it: only its owner makes new versions."),
    "part": N_("You see a part of it only, and a version has all of it."),
    "unversioned": N_("What is of this type has no versions."),
    "revoked": N_("It is revoked, and has no further versions."),
    "maker": N_("It names somebody else as its maker, who alone makes new versions."),
    "marked": N_("Its tags have markings of their own, which would come to stand on others."),
    "full": N_("It has as many tags as an object may have."),
    "refused": N_("The new version would break a rule."),
    "changed": N_("It changed meanwhile. Look again."),
}
_AT_ONCE = 200


@post("/objects/tag", status_code=200, request_max_body_size=MOST_BYTES)
async def tag_objects(request: AnyRequest) -> Response[bytes]:
    """A tag on several objects, or off them: first what it would change and who would get it, then, with `sure`, the change itself."""
    return await acts(request, "write", _tag)


@post("/objects/export", status_code=200, request_max_body_size=MOST_BYTES)
async def export_objects(request: AnyRequest) -> Response[Any]:
    """Several objects, or all that a search finds, as a STIX bundle: first what would be in it, then, with `sure`, the bundle."""
    return await acts(request, "read", _export)


def _tag(request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    store, ids, text, off = of(request).store, _ids(form), form.one("tag"), form.one("what") == "off"
    done, shown, wrong = None, "", None
    sure = other = False
    if ids and text.strip():
        act = partial(tag, store, ids, text, off=off, by=caller.name, principal=caller.principal)
        try:
            done = act(dry=True)
            shown = _digest(done, text, off=off)
            asked = bool(form.one("sure"))
            # Sent twice, the second time finds nothing left to do.
            sure = asked and (form.one("shown") == shown or not done.done)
            other = asked and not sure
            if sure and done.done:
                done = act()
        except UsageError as error:
            wrong = error
    view = store.view(caller.principal)
    stored = [one for id in ids if (one := view.get(id)) is not None]
    read = [msgspec.json.decode(one.raw) for one in stored]
    language, others = language_of(request, caller), entitled(view, read)
    objects = [entry(one, data, others, language) for one, data in zip(stored, read, strict=True)]
    return page(
        request,
        "tag.html",
        status=200 if wrong is None else 400,
        caller=caller,
        place="objects",
        here="/objects",
        shown=[one.label for one in stored],
        objects=objects,
        names={one["id"]: one["name"] for one in objects},
        tag=text.strip(),
        off=off,
        wrong=wrong is not None,
        most=MOST_TAG,
        done=done,
        digest=shown,
        sure=sure,
        other=other,
        reasons=REASONS,
    )


def _digest(done: Tagged, text: str, *, off: bool) -> str:
    """What a person is shown of a tag, in hexadecimal: only that is done."""
    told = [text.strip(), off, done.done, done.refused, sorted(done.gets.items()), sorted(done.changes.items())]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _export(request: AnyRequest, caller: Caller, form: Fields) -> Response[Any]:
    store = of(request).store
    ids, question = _ids(form), question_of(form.one, form.many)
    view = store.view(caller.principal)
    narrowed = question.narrowed(store)
    # What was chosen counts, else what was asked; who chose nothing and asks with no word gets what is newest.
    by_choice = bool(ids) or bool(form.one("chosen"))
    found = [one for id in ids if (one := view.get(id)) is not None] if by_choice else []
    facets = None if by_choice else view.facets(question.q, **narrowed)
    total = len(found) if facets is None else facets.objects
    labels = [one.label for one in found] if facets is None else [one.value for one in facets.labels]
    if form.one("sure") and total:
        objects = iter(found) if by_choice else _found(view, question, narrowed)
        store.audit(caller.name, "export", "", {"objects": min(total, MOST_EXPORTED)})
        headers = {**PRIVATE, "Content-Disposition": 'attachment; filename="objects.json"'}
        return Stream(_bundle(_bundle_id(store, caller), objects), media_type=BUNDLE, headers=headers)
    language = language_of(request, caller)
    return page(
        request,
        "export.html",
        caller=caller,
        place="objects",
        here="/objects",
        shown=[label for label in labels if question.label in (None, format_label(label))],
        ids=[one.id for one in found],
        by_choice=by_choice,
        cut=sum(bool(one.cut) for one in found),
        asked=question.asked,
        chosen=chosen_of(question, language),
        total=total,
        count=min(total, MOST_EXPORTED),
        most=MOST_EXPORTED,
    )


def _ids(form: Fields) -> list[str]:
    ids = form.many("id")
    if len(ids) > MOST:
        raise UsageError(f"choose at most {MOST} objects")
    return ids


def _found(view: View, question: Question, narrowed: dict[str, Any]) -> Iterator[Stored]:
    """What a search finds, newest first, as far as an export goes."""
    cursor, left = None, MOST_EXPORTED
    while left:
        some = view.search(question.q, **narrowed, limit=min(_AT_ONCE, left), cursor=cursor)
        yield from some.items
        cursor, left = some.cursor, left - len(some.items)
        if cursor is None:
            return


def _bundle(id: str, objects: Iterator[Stored]) -> Iterator[bytes]:
    """A STIX bundle of objects as their reader sees them; one of none has no list (STIX 2.1 section 8)."""
    yield b'{"type":"bundle","id":"%b"' % id.encode()
    some = False
    for one in objects:
        yield (b",\n" if some else b',"objects":[\n') + one.raw
        some = True
    yield b"]}\n" if some else b"}\n"


def _bundle_id(store: Store, caller: Caller) -> str:
    made = hmac.digest(derived_key(store.folder, "export"), f"{caller.name}\x1f{store.clock()}".encode(), "sha256")[:16]
    return f"bundle--{uuid.UUID(bytes=made, version=4)}"


__all__ = ["MOST_EXPORTED", "export_objects", "tag_objects"]
