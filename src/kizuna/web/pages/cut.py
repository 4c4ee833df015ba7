"""Cutting an object for a partner: cuts are suggested, what would leave is shown beside the original, then the version is made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kizuna import deadline
from kizuna.errors import Conflict, KizunaError, UsageError
from kizuna.labels import Form, Label, format_label, parse_label
from kizuna.release.sanitising import Shown, Wish, apply, show, somebody, why_uncuttable
from kizuna.release.sensitive import selects
from kizuna.release.suggesting import nothing_without, shortened
from kizuna.stix.selectors import resolve
from kizuna.store import Store
from kizuna.store.caller import Caller
from kizuna.store.trying import Would, tried
from kizuna.store.view import View
from kizuna.web.api.model import FORMS
from kizuna.web.api.objects import absent
from kizuna.web.context import of
from kizuna.web.forms import MOST_BYTES, Fields, acts
from kizuna.web.i18n import Language
from kizuna.web.listing import address
from kizuna.web.naming import property_name, title_of, type_name
from kizuna.web.naming import shortened as short
from kizuna.web.pages.effects import effect, words
from kizuna.web.pages.named import Json, entitled, named
from kizuna.web.pages.object import PROPERTIES, ordered, refs_of, says
from kizuna.web.pages.release import Partner
from kizuna.web.pages.render import AnyRequest, asks, language_of, page, redirect
from kizuna.wording import worded

MOST = 300
"""Parts that can be chosen on the page, and that are cut from it at once."""
AROUND = 30
"""Objects that refer to it of which is told how they would leave then."""
STRICT = "OWN"
"""The label that is offered for what is cut where the present one would let the partner have it once it is addressed."""
_NEVER = frozenset(
    {"id", "type", "spec_version", "created", "modified", "lang", "object_marking_refs", "granular_markings"}
)
_TO = re.compile(r"(?<= to=)\S+")


@get("/objects/{id:str}/cut", sync_to_thread=True)
def show_cut(request: AnyRequest, id: FromPath[str], partner: Partner = None) -> Response[bytes]:
    """What may be too much for a partner, to choose from; nothing is changed. Raises NotFound, UsageError."""
    caller = asks(request)
    if not partner:
        raise UsageError("choose a partner", path="/query/as")
    store = of(request).store
    if store.view(caller.principal).get(id) is None:
        raise absent()
    return _page(request, caller, id, store.partner(partner).name, Fields([]))


@post("/objects/{id:str}/cut", status_code=200, request_max_body_size=MOST_BYTES)
async def cut(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
    """What would leave without what is cut, and, when it was shown, the new version itself."""
    return await acts(request, "write", lambda request, caller, form: _cut(request, caller, id, form))


def _cut(request: AnyRequest, caller: Caller, id: str, form: Fields) -> Response[bytes]:
    store = of(request).store
    if store.view(caller.principal).get(id) is None:
        raise absent()
    partner = store.partner(form.one("as")).name
    cuts = form.many("cut")
    if len(cuts) > MOST:
        raise UsageError(f"choose at most {MOST} parts")
    try:
        label, keep = (_label(store, form.one(name)) for name in ("label", "keep"))
    except KizunaError as error:
        return _page(request, caller, id, partner, form, wrong=error, status=error.status)
    if not cuts or label is None:
        wrong = UsageError("nothing" if not cuts else "no label")
        return _page(request, caller, id, partner, form, wrong=wrong, status=422)
    wish = Wish(tuple(cuts), label, keep)
    try:
        shown = _shown(store, caller, partner, id, wish)
        if not form.one("sure"):
            return _page(request, caller, id, partner, form, shown=shown)
        if _is_made(store.view(caller.principal), id, form.one("began"), cuts):
            return redirect(_then(partner, id))  # the same form once more
        if digest(shown) != form.one("shown"):
            raise Conflict("it is another by now than what was shown; look again")
        apply(store, shown, by=caller.name, principal=caller.principal, may_release=caller.may("release"))
    except Conflict as error:
        again = _shown(store, caller, partner, id, wish)
        return _page(request, caller, id, partner, form, shown=again, wrong=error, status=error.status)
    except KizunaError as error:
        return _page(request, caller, id, partner, form, wrong=error, status=error.status)
    return redirect(_then(partner, id))


def digest(shown: Shown) -> str:
    """What a person was shown of a cut, in hexadecimal: the same as long as nothing of it is another."""
    leaves = {} if shown.rendition is None else {k: v for k, v in shown.rendition.data.items() if k != "modified"}
    told = [
        shown.partner, shown.of.data, [cut.selector for cut in shown.cuts], leaves,
        [(one.partner, one.before.name, one.after.name) for one in shown.effects],
        None if shown.draft is None else [format_label(shown.draft.marked.label), format_label(shown.draft.keep)],
    ]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _then(partner: str, id: str) -> str:
    return address("/release/look", {"as": partner, "id": id})


def _label(store: Store, text: str) -> Label | None:
    text = text.strip()
    return parse_label(text, originator=store.organisation, community=store.settings.community) if text else None


def _shown(store: Store, caller: Caller, partner: str, id: str, wish: Wish) -> Shown:
    store.settle()  # as before a feed is read
    # A form is finished however long it takes; what only shows is not.
    with deadline.within(store.settings.limits.answer_seconds), store.database.snapshot() as reader:
        return show(store, reader, somebody(store, reader, caller.principal), partner, id, wish)


def _is_made(view: View, id: str, began: str, cuts: list[str]) -> bool:
    """Whether the version that this form asks for is the next one already."""
    versions = view.history(id, 2).items
    if len(versions) < 2 or str(versions[1].version) != began:
        return False
    now, before = (msgspec.json.decode(one.raw) for one in versions)
    marked = {one for mark in now.get("granular_markings", ()) for one in mark.get("selectors", ())}
    stated = ("modified", "object_marking_refs", "granular_markings")
    return marked >= set(cuts) and all(now.get(key) == before.get(key) for key in {*now, *before} - set(stated))


def _page(
    request: AnyRequest, caller: Caller, id: str, partner: str, form: Fields, *, shown: Shown | None = None,
    wrong: KizunaError | None = None, status: int = 200,
) -> Response[bytes]:  # fmt: skip
    store, language = of(request).store, language_of(request, caller)
    view = store.view(caller.principal)
    plain = _shown(store, caller, partner, id, Wish()) if shown is None else shown
    stored = view.get(id)
    if stored is None:
        raise absent()
    data, asked = plain.of.data, set(form.many("cut"))
    why = "part" if stored.cut else why_uncuttable(store, plain.of)
    would: list[Would] = []
    if shown is not None and shown.rendition is not None and not shown.told and why is None:
        try:
            would = _would(store, caller, view, shown)
        except KizunaError as error:
            wrong, status = wrong or error, max(status, error.status)
    names = named(view, [id, *refs_of(data), *(one for each in would for one in each.after)])
    names |= entitled(view, names.values())
    suggested = {one.selector: one for one in plain.suggestions}
    choices = [
        _choice(one, data, [worded(each.code, (), language.code) for each in plain.suggestions if each.selector == one], language,
                chosen=one in asked if asked or shown or wrong else not suggested[one].anyway and not suggested[one].all_of_it,
                anyway=suggested[one].anyway)
        for one in suggested
    ]  # fmt: skip
    others = [_choice(one, data, [], language, chosen=one in asked) for one in _others(data, suggested)]
    return page(
        request,
        "cut.html",
        status=status,
        caller=caller,
        place="objects",
        here=address(f"/objects/{id}/cut", {"as": partner}),
        shown=[stored.label],
        id=id,
        partner=partner,
        name=title_of(data, names) or id,
        kind=type_name(stored.type, language),
        label_now=stored.label,
        why_not=words(plain.why_not, language),
        why=why,
        form=FORMS[plain.form],
        remaining=[property_name(short(key, 250), language) for key in plain.remaining if key not in _NEVER],
        suggestions=choices[:MOST],
        others=others[: MOST - len(choices)],
        label=form.one("label") or _label_for(plain, store.partner(partner).country),
        keep=form.one("keep") or (format_label(plain.of.marked.label) if _is_for_others(plain) else STRICT),
        began=plain.of.row.version,
        result=None if shown is None else _result(shown, data, names, language),
        effects=[effect(one, id, language) for one in would],
        cascade=[_entry(one, each, names, language) for each in would if each.partner == partner for one in _changed(each, id)],
        digest="" if shown is None or not would else digest(shown),
        wrong=wrong,
    )  # fmt: skip


def _label_for(shown: Shown, country: str) -> str:
    """The label that is offered for the rest: the present one, with the partner among those it names if it is for somebody."""
    label = shown.of.marked.label
    text = format_label(label)
    if len(label.parts) == 1 and (label.parts[0].policy, label.parts[0].classification) in (
        ("TLP", "GREEN"),
        ("TLP", "AMBER"),
    ):
        named = _TO.search(text)
        if named is None:
            head, _, rest = text.partition(" ")
            return f"{head} to={country}{' ' if rest else ''}{rest}"
        return text if country in named[0].split(",") else _TO.sub(f"{named[0]},{country}", text)
    return f"TLP:AMBER to={country}" if shown.why_not else text


def _is_for_others(shown: Shown) -> bool:
    """Whether the present label itself keeps it from the partner, not only that nobody addressed it."""
    return any(reason.code != "not-receiving" for reason in shown.why_not)


def _others(data: Json, suggested: dict[str, Any]) -> Iterator[str]:
    """What else can be cut, in the order of the object: properties, and the entries of lists."""
    for key in ordered(data):
        if key in _NEVER or not selects(data, key):
            continue
        if key not in suggested and nothing_without(data, [key]) is None:
            yield key
        value = data[key]
        if isinstance(value, list) and len(value) > 1:
            yield from (one for n in range(min(len(value), 50)) if (one := f"{key}.[{n}]") not in suggested)


def _choice(
    selector: str, data: Json, why: list[str], language: Language, *, chosen: bool, anyway: bool = False
) -> dict[str, Any]:
    key, _, rest = selector.partition(".")
    return {
        "selector": selector, "title": property_name(short(key, 250), language), "rest": rest, "value": shortened(resolve(data, selector)),
        "why": why, "chosen": chosen, "anyway": anyway,
    }  # fmt: skip


def _result(shown: Shown, data: Json, names: dict[str, Json], language: Language) -> dict[str, Any]:
    """Original and what would leave, property by property."""
    made = None if shown.rendition is None else shown.rendition.data
    leaving: Json = data if shown.form is Form.WHOLE else made or {}
    keys = [key for key in dict.fromkeys([*ordered(data), *leaving]) if key not in ("spec_version",)][:PROPERTIES]
    left, right = ({one["key"]: one for one in says(some, names, language, keys)[0]} for some in (data, leaving))
    lines = [
        {"title": property_name(short(key, 250), language), "own": left.get(key), "theirs": right.get(key),
         "same": key in data and data[key] == leaving.get(key)}
        for key in keys
    ]  # fmt: skip
    return {
        "lines": lines,
        "form": FORMS[shown.form],
        "why": words(shown.reasons, language),
        "elsewhere": [cut.selector for cut in shown.cuts if cut.told_elsewhere],
        "told": shown.told,
        "keep": None if shown.draft is None else shown.draft.keep,
        "label": None if shown.draft is None else shown.draft.marked.label,
    }


def _would(store: Store, caller: Caller, view: View, shown: Shown) -> list[Would]:
    id, may = shown.of.row.id, caller.may("release")
    near = view.neighbours(id, 4 * AROUND)
    around = dict.fromkeys(
        one.via if one.via != id else one.id for one in near if one.via != id or one.direction == "in"
    )
    return tried(
        store,
        [id, *list(around)[:AROUND]],
        caller.principal,
        lambda: apply(store, shown, by=caller.name, principal=caller.principal, may_release=may),
        first=shown.partner,
    )


def _changed(would: Would, id: str) -> Iterator[str]:
    """Other objects that leave otherwise then, or in part, since what they refer to has another ID for the partner."""
    for one, after in would.after.items():
        before = would.before.get(one)
        if one != id and before is not None and (before.said.form, before.made and before.made.raw) != (
            after.said.form, after.made and after.made.raw
        ):  # fmt: skip
            yield one


def _entry(id: str, would: Would, names: dict[str, Json], language: Language) -> dict[str, Any]:
    return {
        "id": id, "name": title_of(names.get(id, {"id": id}), names), "kind": type_name(id.partition("--")[0], language),
        "before": FORMS[would.before[id].said.form], "after": FORMS[would.after[id].said.form],
    }  # fmt: skip


HANDLERS = (show_cut, cut)

__all__ = ["HANDLERS", "digest"]
