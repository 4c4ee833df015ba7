"""What to cut from an object so that a partner may have the rest: suggested and shown, as far as the asker sees; nothing is stored."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import JSONBody

from kizuna.labels import format_label, parse_label
from kizuna.release.sanitising import MOST_CUTS, Shown, Wish, show
from kizuna.release.suggesting import Suggestion
from kizuna.store.outgoing import SeenOutgoing
from kizuna.web.api.answer import answer
from kizuna.web.api.model import FORMS, FormName, Reason
from kizuna.web.api.releasing import Id
from kizuna.web.context import Asked, of

LabelName = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
Selector = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Sanitising(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object and a partner. `cuts` are selectors, null for all that is suggested; `label` is that of the rest, `keep` of what is cut.

    Without `label` what is shown is as if the rest might leave; without `keep` what is cut keeps the label of the object.
    """

    id: Id
    partner: Annotated[str, msgspec.Meta(max_length=200)]
    cuts: Annotated[tuple[Selector, ...], msgspec.Meta(min_length=1, max_length=MOST_CUTS)] | None = None
    label: LabelName | None = None
    keep: LabelName | None = None


class CutPart(msgspec.Struct, frozen=True):
    """What is cut, and its value, shortened; `told_elsewhere` where it is since a text that is cut stands there as well."""

    selector: str
    told_elsewhere: bool
    value: str


class Effect(msgspec.Struct, frozen=True):
    """How the newest version leaves for a partner by its label, before and after."""

    partner: str
    before: FormName
    after: FormName


class Sanitised(msgspec.Struct, frozen=True, kw_only=True):
    """What would be cut and what would leave. `why_not` says why the partner does not get all of it now, under its present `label`.

    `remaining` are the properties of what leaves, `told` where something of what is cut stands still, since no selector reaches it. With a
    label, `rendition` is what would leave, and `effects` say it of every partner: a label opens the rest for all whom it allows.
    """

    id: str
    partner: str
    label: str
    why_not: tuple[Reason, ...]
    suggestions: list[Suggestion]
    cuts: list[CutPart]
    verdict: FormName
    reasons: tuple[Reason, ...]
    redacted: tuple[str, ...]
    remaining: tuple[str, ...]
    told: tuple[str, ...]
    rendition: dict[str, Any] | None
    effects: list[Effect]


@post("/release/sanitise", opt={"right": "read"}, status_code=200, sync_to_thread=True)
def sanitise_object(request: Asked, data: JSONBody[Sanitising]) -> Response[Sanitised]:
    """Suggest what to cut from an object so that a partner may have the rest, and show what would leave; nothing is stored.

    It is said as far as you can see: what you may not see is taken as not being here, so in truth it may be more, or less. Suggestions
    are for people to judge, and so is the label of the rest. What is cut is cut wherever it stands in the object.
    """
    # Nothing but the asker's view is looked at, for this partner and for the others.
    store, principal = of(request).store, request.user.principal
    label, keep = (
        None if text is None else parse_label(text, originator=store.organisation, community=store.settings.community)
        for text in (data.label, data.keep)
    )
    store.settle()  # as before a feed is read
    with store.database.snapshot() as reader:
        shown = show(
            store,
            reader,
            lambda name: SeenOutgoing(store, reader, name, principal),
            data.partner,
            data.id,
            Wish(data.cuts, label, keep),
        )
    return answer(request, _told(shown))


def _told(shown: Shown) -> Sanitised:
    return Sanitised(
        id=shown.of.row.id,
        partner=shown.partner,
        label=format_label(shown.of.marked.label),
        why_not=tuple(Reason(one.code, one.parameters) for one in shown.why_not),
        suggestions=shown.suggestions,
        cuts=[CutPart(*cut) for cut in shown.cuts],
        verdict=FORMS[shown.form],
        reasons=tuple(Reason(one.code, one.parameters) for one in shown.reasons),
        redacted=shown.redacted,
        remaining=shown.remaining,
        told=shown.told,
        rendition=None if shown.rendition is None else shown.rendition.data,
        effects=[Effect(one.partner, FORMS[one.before], FORMS[one.after]) for one in shown.effects],
    )
