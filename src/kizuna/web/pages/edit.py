"""Editing an object by form: what it would change is shown first, for whom too, and two editors see each other's changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from kizuna.errors import Conflict, KizunaError, NotFound, UsageError
from kizuna.formats.stix import bounds_of
from kizuna.labels import join
from kizuna.stix import Problem, iter_objects
from kizuna.store.caller import Caller
from kizuna.store.editing import Editable, Unfit, edit, editable
from kizuna.store.model import Stored
from kizuna.store.trying import Would, tried
from kizuna.web.api.objects import absent
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import N_
from kizuna.web.listing import address
from kizuna.web.naming import property_name, shortened, title_of, type_name
from kizuna.web.pages.edit_fields import Field, fields_of, typed
from kizuna.web.pages.effects import effect, left_out, told
from kizuna.web.pages.named import Json, entitled, named
from kizuna.web.pages.object import changes, printed
from kizuna.web.pages.render import AnyRequest, asks, language_of, page, redirect

MOST = 100_000
"""Bytes of an object that is edited by form: a form of ours holds five times as many."""
How = Annotated[Literal["fields", "json"], QueryParameter(description="Edit in fields, or all of it as JSON.")]
_FAULTS = {
    "number": N_("This is not a number."),
    "json": N_("This is not JSON."),
    "source": N_("One reference on each line: source | number there | address | description."),
}


class Draft(NamedTuple):
    """What somebody makes of a version: the version they began from, all of it as they want it, and what could not be read."""

    began: Stored
    data: Json
    wrong: dict[str, str]
    problems: tuple[Problem, ...]


class Merge(NamedTuple):
    """Two people's changes of one version: what both make of it, and per property what is chosen where they differ, if it is."""

    data: Json
    conflicts: dict[str, str]

    @property
    def open(self) -> list[str]:
        """Properties of which nobody has chosen yet."""
        return [key for key, choice in self.conflicts.items() if not choice]


STRICTER = Problem(
    "stricter-before", "error", "object_marking_refs",
    "what this version said was labelled more strictly than the object is now; give it that label first, or write it anew", "Kizuna",
)  # fmt: skip


@get("/objects/{id:str}/edit", sync_to_thread=True)
def show_edit(request: AnyRequest, id: FromPath[str], how: How = "fields") -> Response[bytes]:
    """The form of an object as it is. Raises NotFound."""
    caller = asks(request)
    found = _editable(request, caller, id)
    data: Json = msgspec.json.decode(found.stored.raw)
    return _page(request, caller, found, Draft(found.stored, data, {}, ()), how)


@post("/objects/{id:str}/edit", status_code=200, request_max_body_size=MOST_BYTES)
async def edit_object(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """What a form would make of an object, for whom it would change what, and, when that was shown, the new version itself."""
    return await acts(request, "write", lambda request, caller, form: _edit(request, caller, id, form))


def merged(began: Json, now: Json, mine: Json, choices: Mapping[str, str]) -> Merge:
    """Both sides' changes of one version, property by property; of those that both changed otherwise, `choices` says whose: mine or now."""
    data, conflicts = {}, {}
    for key in dict.fromkeys([*now, *mine]):
        sides = [side.get(key) for side in (began, now, mine)]
        if key == "modified" or sides[2] == sides[0] or sides[2] == sides[1]:
            value = sides[1]
        elif sides[1] == sides[0]:
            value = sides[2]
        else:
            conflicts[key] = choices.get(key, "")
            value = sides[2] if conflicts[key] == "mine" else sides[1]
        if value is not None:
            data[key] = value
    return Merge(data, conflicts)


def _editable(request: AnyRequest, caller: Caller, id: str) -> Editable:
    store = of(request).store
    try:
        with store.database.snapshot() as reader:
            return editable(store, reader, id, caller.principal)
    except NotFound:
        raise absent() from None


def _edit(request: AnyRequest, caller: Caller, id: str, form: Fields) -> Response[bytes]:
    found = _editable(request, caller, id)
    how: Literal["fields", "json"] = "json" if form.has("json") or form.has("again") else "fields"
    if found.why is not None:
        data: Json = msgspec.json.decode(found.stored.raw)
        return _page(request, caller, found, Draft(found.stored, data, {}, ()), how, status=403)
    draft = _draft(request, caller, found, form)
    if draft.wrong or draft.problems:
        return _page(request, caller, found, draft, how, form=form, status=422)
    now: Json = msgspec.json.decode(found.stored.raw)
    if draft.data == now | {"modified": draft.data.get("modified")}:
        if form.one("sure"):
            return redirect(_then(id))  # the same form once more
        return _page(request, caller, found, draft, how, form=form, said="nothing")
    merge = None
    if draft.began.version != found.stored.version:
        began: Json = msgspec.json.decode(draft.began.raw)
        shown = form.one("now") == str(found.stored.version)
        choices = {key: form.one(f"choose.{key}") for key in {**now, **draft.data}} if shown else {}
        merge = merged(began, now, draft.data, choices)
        if merge.open or not shown:
            return _page(request, caller, found, draft, how, form=form, merge=merge, status=409)
        draft = Draft(found.stored, merge.data, {}, ())
    return _look(request, caller, found, draft, how, form)


def _look(
    request: AnyRequest, caller: Caller, found: Editable, draft: Draft, how: Literal["fields", "json"], form: Fields
) -> Response[bytes]:
    """What it would change; and, when exactly that was shown, the change."""
    store, id, began = of(request).store, found.stored.id, found.stored.version or 0

    def work() -> None:
        may = caller.may("release")
        edit(store, id, draft.data, began=began, by=caller.name, principal=caller.principal, may_release=may)

    try:
        would = tried(store, [id], caller.principal, work)
        shown = _digest(draft.data, would, id)
        if form.one("sure") and form.one("shown") == shown:
            work()
            return redirect(_then(id))
    except Unfit as error:
        return _page(request, caller, found, draft._replace(problems=error.problems), how, form=form, status=422)
    except Conflict:
        return _edit(request, caller, id, form)  # somebody was faster: with what is there by now
    except KizunaError as error:
        return _page(request, caller, found, draft, how, wrong=error, status=error.status)
    said = "other" if form.one("sure") else ""
    return _page(request, caller, found, draft, how, would=would, shown=shown, said=said)


def _draft(request: AnyRequest, caller: Caller, found: Editable, form: Fields) -> Draft:
    """What a form asks for. Raises UsageError where it does not say of which version."""
    view = of(request).store.view(caller.principal)
    again = _version(form.one("again")) if form.has("again") else None
    if again is not None:  # what an earlier version said, once more
        earlier = view.get(found.stored.id, again)
        if earlier is None or earlier.cut:
            raise absent()
        now: Json = msgspec.json.decode(found.stored.raw)
        kept = {key: now[key] for key in ("modified", "object_marking_refs", "granular_markings") if key in now}
        old: Json = msgspec.json.decode(earlier.raw)
        marks = old.pop("granular_markings", [])
        old.pop("object_marking_refs", None)
        # What stood under a stricter label, or marked by itself, would come to stand under the present one.
        tight = join(earlier.label, found.stored.label) == found.stored.label
        loose = () if tight and all(one in now.get("granular_markings", []) for one in marks) else (STRICTER,)
        return Draft(found.stored, old | kept, {}, loose)
    began = view.get(found.stored.id, _version(form.one("began")))
    if began is None or began.cut:
        raise UsageError("the form does not say which version it began from; open it again")
    before: Json = msgspec.json.decode(began.raw)
    if not form.has("json"):
        return Draft(began, *typed(form, before), ())
    read = list(iter_objects(form.one("json").encode(), limits=bounds_of(of(request).store.settings.limits)))
    problems = tuple(problem for item in read for problem in item.problems if problem.severity == "error")
    if problems or len(read) != 1 or not isinstance(read[0].data, dict):
        problems = problems or (Problem("json-syntax", "error", "$", "this is not one object", "Kizuna"),)
        return Draft(began, before, {}, problems)
    data: Json = read[0].data
    problems = tuple(
        Problem("edited-identity", "error", key, f"`{key}` says which object it is, and stays", "Kizuna")
        for key in ("id", "type", "created", "created_by_ref")
        if data.get(key) != before.get(key)
    )
    return Draft(began, data | {"modified": before.get("modified")}, {}, problems)


def _version(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise UsageError("the form does not say which version it began from; open it again")
    return int(text)


def _digest(data: Json, would: Sequence[Would], id: str) -> str:
    return hashlib.sha256(msgspec.json.encode([data, told(would, [id])])).hexdigest()


def _then(id: str) -> str:
    return address(f"/objects/{id}", {"done": "saved"})


def _page(
    request: AnyRequest, caller: Caller, found: Editable, draft: Draft, how: Literal["fields", "json"], *, form: Fields | None = None,
    would: Sequence[Would] = (), shown: str = "", merge: Merge | None = None, said: str = "", wrong: KizunaError | None = None,
    status: int = 200,
) -> Response[bytes]:  # fmt: skip
    store, language, stored = of(request).store, language_of(request, caller), found.stored
    view = store.view(caller.principal)
    now: Json = msgspec.json.decode(stored.raw)
    names = named(view, [stored.id]) | entitled(view, [now])
    problems: dict[str, list[Problem]] = {}
    for problem in draft.problems:
        problems.setdefault(problem.path.partition(".")[0].partition("[")[0], []).append(problem)
    fields = fields_of(draft.data) if how == "fields" else []
    by_key = {field.key for field in fields}
    large = len(stored.raw) > MOST
    return page(
        request,
        "edit.html",
        status=status,
        caller=caller,
        place="objects",
        here=address(f"/objects/{stored.id}/edit", {"how": None if how == "fields" else how}),
        shown=[stored.label],
        id=stored.id,
        name=title_of(now, names) or stored.id,
        kind=type_name(stored.type, language),
        label=stored.label,
        why="large" if large and found.why is None else found.why,
        how=how,
        fields=[_field(one, form if draft.wrong else None, language, draft.wrong, problems) for one in fields],
        elsewhere=[property_name(shortened(key, 250), language) for key in draft.data if how == "fields" and key not in by_key],
        problems=[problem for key, some in problems.items() if key not in by_key for problem in some],
        json=form.one("json") if form is not None and draft.problems and how == "json" else printed(draft.data),
        began=draft.began.version,
        now=stored.version,
        changes=list(changes(now, draft.data, language)) if shown else [],
        effects=[effect(one, stored.id, language) for one in would],
        left_out=left_out(store, would) if would else [],
        digest=shown,
        merge=None if merge is None else _sides(merge, msgspec.json.decode(draft.began.raw), now, draft.data, language),
        said=said,
        wrong=wrong,
    )  # fmt: skip


def _field(
    one: Field, form: Fields | None, language: Any, wrong: dict[str, str], problems: dict[str, list[Problem]]
) -> dict[str, Any]:
    value = one.value if form is None or not form.has(f"p.{one.key}") else form.one(f"p.{one.key}")
    faults = [language(_FAULTS[wrong[one.key]])] if one.key in wrong else []
    return {
        "key": one.key, "form": one.form, "value": value, "title": property_name(one.key, language), "faults": faults,
        "problems": problems.get(one.key, []), "rows": min(12, max(3, value.count("\n") + 2)) if one.form != "text" else 6,
    }  # fmt: skip


def _sides(merge: Merge, began: Json, now: Json, mine: Json, language: Any) -> list[dict[str, Any]]:
    """What the two made of one version, for each property that either changed."""
    return [
        {"key": key, "title": property_name(shortened(key, 250), language), "conflict": key in merge.conflicts,
         "chosen": merge.conflicts.get(key, ""), "takes": "mine" if merge.data.get(key) == mine.get(key) else "now",
         "sides": [_side(side.get(key)) for side in (began, now, mine)]}
        for key in dict.fromkeys([*began, *now, *mine])
        if key != "modified" and not (began.get(key) == now.get(key) == mine.get(key))
    ]  # fmt: skip


def _side(value: Any) -> str:
    return "" if value is None else shortened(value if isinstance(value, str) else printed(value), 2_000)


HANDLERS = (show_edit, edit_object)

__all__ = ["HANDLERS", "merged"]
