"""An object without what a person cuts for a partner: shown exactly as it would leave, and only then made, as a new version.

A version that carries granular markings is all that is stored: no label of a part stands anywhere but in the bytes of an object, so
whoever reads them, here or elsewhere, is told the same. The maker of an object alone makes versions of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from kizuna import deadline
from kizuna.clock import to_text
from kizuna.errors import Conflict, InvalidInput, NodeBusy, Refused, UsageError
from kizuna.labels import (
    Form,
    Label,
    Marked,
    Part,
    Reason,
    format_label,
    join,
    join_all,
    own_label_of_definition,
    to_markings,
)
from kizuna.labels.persons import bound
from kizuna.labels.width import nobody
from kizuna.release.sensitive import selects
from kizuna.release.suggesting import Subject, Suggestion, nothing_without, shortened, subject, suggest, told_in
from kizuna.stix import BUILTIN, check, iter_objects
from kizuna.stix.selectors import SELECTOR, resolve
from kizuna.store.editing import next_version, unversionable
from kizuna.store.outgoing import Known, Outgoing, SeenOutgoing
from kizuna.store.plan import Plan
from kizuna.store.relabelling import marked_as_stored
from kizuna.store.renditions import Made
from kizuna.store.scan import Scan, withheld_texts
from kizuna.store.supposed import Supposed

if TYPE_CHECKING:
    from kizuna.labels import Principal
    from kizuna.store.database import Connection
    from kizuna.store.plan import Verdict
    from kizuna.store.store import Store

Json = dict[str, Any]
Look = Callable[[str], Outgoing]
"""The moment that is looked at, for a partner of this name."""
MOST_CUTS = 1_000


class Wish(NamedTuple):
    """What a person asks to see: `cuts` are selectors, None for what is suggested; `label` of the rest, `keep` of what is cut."""

    cuts: tuple[str, ...] | None = None
    label: Label | None = None
    keep: Label | None = None


class Cut(NamedTuple):
    """What is cut: as it was asked for, or since a text that is cut stands there as well."""

    selector: str
    told_elsewhere: bool
    value: str


class Effect(NamedTuple):
    """How the newest version leaves for a partner by its label, before and after."""

    partner: str
    before: Form
    after: Form


class Draft(NamedTuple):
    """A version that is not stored yet, the label of what it cuts, and the marking definitions of ours that word its labels."""

    data: Json
    version: int
    marked: Marked
    keep: Label
    definitions: tuple[Json, ...]


class Shown(NamedTuple):
    """What is told before anything is done. Without a label of the rest there is no draft, no rendition and no effect yet.

    `form`, `withheld`, `redacted` and `remaining` say what of the object leaves for the partner: as its label says if one is given,
    else as if the label of the rest let it leave. `told` are properties where something of what is cut stands still.
    """

    partner: str
    of: Subject
    why_not: tuple[Reason, ...]
    suggestions: list[Suggestion]
    cuts: list[Cut]
    form: Form
    reasons: tuple[Reason, ...]
    redacted: tuple[str, ...]
    remaining: tuple[str, ...]
    told: tuple[str, ...]
    draft: Draft | None
    rendition: Made | None
    effects: list[Effect]


def show(store: Store, connection: Connection, look: Look, partner: str, id: str, wish: Wish) -> Shown:
    """What may be cut from an object for a partner, and what is left of it then; nothing is stored.

    Raises NotFound, UsageError for a selector that selects nothing, and with a label Refused where nobody here may make a version.
    """
    outgoing = look(partner)
    of = subject(outgoing, id)
    suggestions = suggest(outgoing, of)
    asked = _asked(of.data, wish.cuts, suggestions)
    cuts = _everywhere(of.data, asked)
    draft = None if wish.label is None else _draft(store, connection, outgoing, of, cuts, wish.label, wish.keep)
    ground = _assumed(outgoing, of, cuts) if draft is None else _supposed(outgoing, of, draft)
    plan = Plan(ground, [of.row.ident])
    verdict = cast("Verdict", plan.verdict(id, of.row.ident))  # it is held
    rendition = store.maker.make(plan, [of.row.ident]).get(of.row.ident) if draft else None
    form, reasons = verdict.form, verdict.reasons
    if form is Form.RENDITION and draft is not None and rendition is None:
        form = Form.WITHHELD
        if plan.standing(id) is Form.RENDITION:
            reasons = (*reasons, Reason("tells-too-much"))
    remaining = _remaining(plan, of) if form is Form.RENDITION else None
    if form is Form.WITHHELD and (code := nothing_without(of.data, cuts)) is not None:
        reasons = (Reason(code), *(reason for reason in reasons if reason.code != code))
    left = of.data if form is Form.WHOLE else remaining if rendition is None else rendition.data
    partners = sorted(store.partners(), key=lambda one: one.name)
    return Shown(
        partner=outgoing.partner,
        of=of,
        why_not=() if of.row.whole else outgoing.why_not(of.row, whole=True),
        suggestions=suggestions,
        cuts=[Cut(one, one not in asked, shortened(resolve(of.data, one))) for one in cuts],
        form=form,
        reasons=reasons,
        redacted=verdict.redacted if form is Form.RENDITION else (),
        remaining=tuple(left or ()),
        told=_still(of.data, cuts, left),
        draft=draft,
        rendition=rendition,
        effects=[] if draft is None else [_effect(look(one.name), of, draft) for one in partners],
    )


def everybody(store: Store, connection: Connection) -> Look:
    """What the folder's keeper looks at: all there is."""
    known: Known = {}
    at = store.clock()
    return lambda name: Outgoing(store, connection, name, at=at, known=known)


def somebody(store: Store, connection: Connection, principal: Principal) -> Look:
    """What one of one's own people looks at: what they see."""
    return lambda name: SeenOutgoing(store, connection, name, principal)


def apply(store: Store, shown: Shown, *, by: str, principal: Principal | None = None, may_release: bool = True) -> None:
    """Store the version that was shown; exactly that leaves, or nothing is done.

    With a principal all of it is as far as they see, and `may_release` says whether the version may be labelled looser than the one
    before. Raises Refused where it would not serve the partner, and Conflict where something of it is another by now.
    """
    draft, made, of = shown.draft, shown.rendition, shown.of
    if draft is None or made is None:
        raise Refused(f"nothing of it would leave in part for {shown.partner}")
    if shown.told:
        raise Refused(f"what is cut stands in what would leave: {', '.join(shown.told)}")
    with store.act() as act:

        def looks() -> Look:
            here = act.connection
            return everybody(store, here) if principal is None else somebody(store, here, principal)

        look = looks()
        now = subject(look(shown.partner), of.row.id)
        if (now.row.n, now.marked) != (of.row.n, of.marked):
            raise Conflict("it is another by now than what was shown; look again")
        # What leaves of other objects may rest on it, but of its own nothing may be another than what was shown.
        before = [_form(look(effect.partner), of) for effect in shown.effects]
        if principal is not None and not store.view(principal).uncut([now.row.n]):
            raise Refused("a part of it is not for you, and a new version would be without it")
        _store(store, draft, may_release=may_release)
        plan = Plan(looks()(shown.partner), [of.row.ident])
        leaves = store.maker.make(plan, [of.row.ident]).get(of.row.ident)
        look = looks()
        after = [_form(look(effect.partner), of) for effect in shown.effects]
        told = [(effect.before, effect.after) for effect in shown.effects]
        if leaves is None or leaves.raw != made.raw or list(zip(before, after, strict=True)) != told:
            raise Conflict("it is another by now than what was shown; look again")
        detail = {
            "partner": shown.partner,
            "label": format_label(draft.marked.label),
            "cut": [cut.selector for cut in shown.cuts],
            "version": to_text(draft.version),
        }
        store.record(act.connection, by, "sanitise", of.row.id, detail)


def _store(store: Store, draft: Draft, *, may_release: bool) -> None:
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [*draft.definitions, draft.data]}
    writer = store.writer(store.own_source(), may_release=may_release)
    for outcome in writer.add(iter_objects(msgspec.json.encode(bundle))):
        if outcome.status == "failed":
            raise Refused(f"it is not taken in: {'; '.join(problem.message for problem in outcome.problems)}")


def _asked(data: Json, cuts: Sequence[str] | None, suggestions: Iterable[Suggestion]) -> list[str]:
    if cuts is None:
        return list(dict.fromkeys(one.selector for one in suggestions if not one.anyway))
    if len(cuts) > MOST_CUTS:
        raise UsageError(f"more than {MOST_CUTS} selectors")
    for one in cuts:
        if not SELECTOR.fullmatch(one) or not selects(data, one):
            raise UsageError(f"the object has nothing that {one[:80]!r} selects")
    return list(dict.fromkeys(cuts))


def _everywhere(data: Json, cuts: Sequence[str]) -> list[str]:
    """The cuts, and every place where a text that is cut stands as well: else the cut would be for show."""
    found = dict.fromkeys(cuts)
    while more := [one for one in told_in(data, _texts(data, found)) if not _is_in(one, found)]:
        found |= dict.fromkeys(more)
        if len(found) > MOST_CUTS:
            raise UsageError(f"what is cut stands in more than {MOST_CUTS} places; cut the properties that hold it")
        if deadline.passed():
            raise NodeBusy("the answer took too long to find; cut less")
    return list(found)


def _texts(data: Json, cuts: Collection[str]) -> list[str]:
    """The texts of what is cut, as far as they tell something."""
    cuts = dict.fromkeys(cuts)
    kind = {name: data[name] for name in ("type", "id")}
    alone: Json = {}
    for one in cuts:
        top, _, below = one.partition(".")
        if not below:
            alone[top] = data[top]
        elif top not in cuts:
            alone.setdefault(top, []).append(resolve(data, one))
    return withheld_texts({**alone, **kind}, kind)


def _is_in(selector: str, cuts: Collection[str]) -> bool:
    steps = selector.split(".")
    return any(".".join(steps[:count]) in cuts for count in range(1, len(steps) + 1))


def _still(data: Json, cuts: Sequence[str], left: Json | None) -> tuple[str, ...]:
    """Where in what would leave something of what is cut stands: in a place that no selector reaches."""
    if left is None or not cuts:
        return ()
    found = Scan(_texts(data, cuts)).hits({0: left}).values()
    return tuple(dict.fromkeys(hit.path for hits in found for hit in hits))


def _assumed(outgoing: Outgoing, of: Subject, cuts: Iterable[str]) -> Supposed:
    """As if the object bore a label that lets it leave, and its cut parts one that lets nobody have them."""
    originator = of.marked.label.originator
    shut = nobody(originator)
    marked = Marked(
        Label(originator, (Part("ASSUMED", "ASSUMED"),)), (*of.marked.granular, *((cut, shut) for cut in cuts))
    )
    return Supposed(outgoing, of.row, of.row.version, of.data, marked, assumed=True)


def _supposed(outgoing: Outgoing, of: Subject, draft: Draft) -> Supposed:
    return Supposed(outgoing, of.row, draft.version, draft.data, draft.marked, draft.definitions)


def _remaining(plan: Plan, of: Subject) -> Json | None:
    row = plan.in_part_of(of.row.ident)
    return None if row is None else plan.rendered(row)[2].data


def _effect(outgoing: Outgoing, of: Subject, draft: Draft) -> Effect:
    before = _form(outgoing, of)
    verdict = Plan(_supposed(outgoing, of, draft), [of.row.ident]).verdict(of.row.id, of.row.ident)
    return Effect(outgoing.partner, before, Form.WITHHELD if verdict is None else verdict.form)


def _form(outgoing: Outgoing, of: Subject) -> Form:
    verdict = Plan(outgoing, [of.row.ident]).verdict(of.row.id, of.row.ident)
    return Form.WITHHELD if verdict is None else verdict.form


def _draft(
    store: Store,
    connection: Connection,
    outgoing: Outgoing,
    of: Subject,
    cuts: Sequence[str],
    label: Label,
    keep: Label | None,
) -> Draft:
    """The version that a person asks for. Raises Refused, UsageError and InvalidInput."""
    _must_be_ours(store, of)
    label, keep = _bound(label), _bound(of.marked.label if keep is None else keep)
    if not cuts:
        raise UsageError("nothing is cut; to set the label of all of it there is `kizuna label set`")
    if outgoing.allows(join(label, keep), of.row):
        raise UsageError(
            f"{format_label(keep)}, the label of what is cut, lets {outgoing.partner} have it; give a stricter one"
        )
    stated, kept = to_markings(label), to_markings(keep)
    version = next_version(store, of.row.version)
    marks = [{"marking_ref": one["id"], "selectors": sorted(cuts)} for one in kept]
    refs = dict.fromkeys([*(one["id"] for one in stated), *_statements(outgoing, of)])
    data = {
        **of.data,
        "modified": to_text(version),
        "object_marking_refs": list(refs),
        "granular_markings": [*of.data.get("granular_markings", ()), *marks],
    }
    definitions = {one["id"]: one for one in (*stated, *kept) if one["id"] not in BUILTIN}
    marked = marked_as_stored(store, connection, data, store.organisation, store.own_source().name, definitions)
    if (errors := _errors(data)) and errors - _errors(of.data):
        raise InvalidInput("; ".join(sorted(message for _, _, message in errors - _errors(of.data))))
    if marked.label != label or any(_joined(marked, cut, len(kept)) != keep for cut in cuts):
        raise Refused("markings cannot state this label exactly; name another")
    return Draft(data, version, marked, keep, tuple(definitions.values()))


def _joined(marked: Marked, selector: str, count: int) -> Label:
    """The labels that so many last marks give a selector, joined."""
    return join_all([label for one, label in marked.granular if one == selector][-count:] or [marked.label])


def _bound(label: Label) -> Label:
    """A label as markings state it: whose people persons are is named, and the originator of parts where it is another."""
    parts = (bound(part, part.originator or label.originator) for part in label.parts)
    own = (msgspec.structs.replace(p, originator=None) if p.originator == label.originator else p for p in parts)
    return Label(label.originator, tuple(own))


_NOT_OURS = {
    "foreign": "only its owner makes new versions; ask for its consent (see `kizuna consent request`)",
    "maker": "only its maker makes new versions, and created_by_ref is not this node",
    "unversioned": "it has no versions, so none with marks on its parts can be made",
    "revoked": "it is revoked, so there are no more versions",
    "translation": "translations are as closed as what they translate; mark that",
}


def why_uncuttable(store: Store, of: Subject) -> str | None:
    """Why nobody here may make a version that is cut, as a code; None where somebody may."""
    return unversionable(store, of.data, own=of.own) or (
        "translation" if of.data.get("type") == "language-content" else None
    )


def _must_be_ours(store: Store, of: Subject) -> None:
    """Whether somebody here may make a version of it. Raises Refused."""
    if (code := why_uncuttable(store, of)) is not None:
        raise Refused(_NOT_OURS[code])


def _statements(outgoing: Outgoing, of: Subject) -> list[str]:
    """Its markings that say nothing of who may see it, such as a copyright: these stay."""
    refs = [ref for ref in of.data.get("object_marking_refs", ()) if ref not in BUILTIN]
    rows = {row.id: row for row in reversed(outgoing.rows(outgoing.idents(refs).values())) if not row.hidden}
    return [ref for ref in refs if ref in rows and _says_nothing(outgoing.read(rows[ref])[0])]


def _says_nothing(definition: Json) -> bool:
    return own_label_of_definition(definition, originator="") is None


def _errors(data: Json) -> set[tuple[str, str, str]]:
    return {(problem.rule, problem.path, problem.message) for problem in check(data) if problem.severity == "error"}
