"""What the API answers with: one envelope for lists (`items`, `next`), plain structs for the rest."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from kizuna.clock import to_text
from kizuna.labels import Decision, Label, format_label
from kizuna.release import Form, Verdict
from kizuna.stix import name_of
from kizuna.store import Count, Facets, Neighbour, Outcome, Stored
from kizuna.store.explaining import Explained
from kizuna.store.jobs import Job
from kizuna.store.model import Unstated
from kizuna.web.narrowing import CAME
from kizuna.web.regions import by_region

MOST_COUNTED = 1000
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class LabelText(msgspec.Struct, frozen=True):
    """A label in its text form, such as `TLP:AMBER to=JPN,NATO`, and who made it."""

    text: str
    originator: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """An object in a list. Times are RFC 3339 UTC; `version` is null for types without versions."""

    id: str
    type: str
    name: str | None
    version: str | None
    added: str
    label: LabelText
    source: str
    area: str | None


class Object(Summary, frozen=True, kw_only=True):
    """One object: its bytes as they came under `object`, without the parts named in `cut`, which you may not see."""

    cut: tuple[str, ...]
    problems: tuple[str, ...]
    object: dict[str, Any]


class Objects(msgspec.Struct, frozen=True):
    """A page; `next` is the cursor of the next one, null at the end."""

    items: list[Summary]
    next: str | None = None


class Counted(msgspec.Struct, frozen=True):
    """How many of the objects that were found have this."""

    value: str
    count: int


class CountedLabel(msgspec.Struct, frozen=True):
    """How many of the objects that were found have this label."""

    value: LabelText
    count: int


class FacetsView(msgspec.Struct, frozen=True, kw_only=True):
    """How many objects a search finds that you may see, and how many of them by each field; the most first.

    Each is counted whatever it is narrowed to itself. Each list is cut at 1,000 entries. Regions are those of the organisations whose
    word objects are; confidence is told in the bands of STIX.
    """

    objects: int
    types: list[Counted]
    areas: list[Counted]
    sources: list[Counted]
    labels: list[CountedLabel]
    domains: list[Counted]
    regions: list[Counted]
    confidences: list[Counted]
    came: list[Counted]


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """An object one step away: by which property or kind of relationship, in which direction, through which object."""

    id: str
    type: str
    via: str
    path: str
    direction: str


class Neighbours(msgspec.Struct, frozen=True):
    """Objects one step away."""

    items: list[Near]
    next: None = None


FormName = Literal["whole", "rendition", "withheld"]


class Reason(msgspec.Struct, frozen=True):
    """Why: a code and its parameters."""

    code: str
    parameters: tuple[str, ...]


class Visibility(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a partner may have all of an object, and why; `in_feed` is whether it is there for it to read.

    Allowed and not in its feed: nothing addresses the partner, or the object refers to what is not in its feed. None
    where the object names an id of which you see nothing: the answer would tell whether it is there.
    """

    id: str
    partner: str
    allowed: bool
    in_feed: bool | None
    reasons: tuple[Reason, ...]


class Visibilities(msgspec.Struct, frozen=True):
    """The verdict for each partner."""

    items: list[Visibility]
    next: None = None


class Previewed(msgspec.Struct, frozen=True, kw_only=True):
    """How an object leaves for the partner, and why not whole; a rendition is a part of it, under an id of its own.

    `redacted` are properties of which something is cut; `cascade` is how many others of the same answer do not leave whole
    since this one does not, though their labels would let them.
    """

    id: str
    verdict: FormName
    reasons: tuple[Reason, ...]
    redacted: tuple[str, ...]
    cascade: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what may leave for a partner; `next` is the cursor of the next one, null at the end.

    Ids of which you see nothing are left out. `stopped` is since when nothing is exchanged with the partner until an operator confirms it.
    """

    partner: str
    stopped: str | None
    items: list[Previewed]
    next: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How an object may leave for a partner, whether it is in its feed, and why not whole, or not there.

    `allowed` is whether the label of all of it allows it. `in_feed` is what the outbox tells as offered.
    """

    id: str
    partner: str
    verdict: Literal["whole", "rendition", "withheld"]
    allowed: bool
    in_feed: bool
    reasons: tuple[Reason, ...]


class Explanations(msgspec.Struct, frozen=True):
    """A page of objects, each for every partner that was asked about; `next` is the cursor of the next one, null at the end.

    Ids of which you see nothing are left out.
    """

    items: list[Explanation]
    next: str | None = None


class NewLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The label to set, in its text form."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A label that was set, and by partner how many versions of the object entered its feed or left it.

    Nothing is counted where the object names an id of which you see nothing.
    """

    id: str
    label: LabelText
    opened: dict[str, int]
    ended: dict[str, int]


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with an item, where (a JSON path), and the section of the specification that says so."""

    path: str
    message: str
    section: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one item of an import: imported, unchanged or failed."""

    item: int | None
    id: str | None
    status: str
    errors: tuple[Fault, ...] = ()


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an import. `items` is cut at 10,000 entries, failed ones first to stay; then `complete` is false."""

    imported: int
    unchanged: int
    failed: int
    complete: bool
    items: list[Taken]


class PartnerView(msgspec.Struct, frozen=True, kw_only=True):
    """A partner. `given` and `got` count objects that you may see too; `stopped` is since when an operator has to confirm it.

    `unstated` is how it gets what states less than its label: as a rendition that states it, or whole.
    """

    name: str
    organisation: str
    country: str
    public_key: str | None
    receives: tuple[str, ...]
    unstated: Unstated
    default_label: str | None
    url: str | None
    added: str
    last_exchange: str | None
    stopped: str | None
    given: int
    got: int


class Partners(msgspec.Struct, frozen=True):
    """Every partner."""

    items: list[PartnerView]
    next: None = None


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Objects of a programme area: held here, given to partners, got from partners."""

    area: str
    held: int
    given: int
    got: int
    last: str | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What you may see, counted."""

    objects: int
    versions: int
    by_type: dict[str, int]
    areas: list[Area]


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One act: when, by whom, what, on whom or what, and its particulars."""

    at: str
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]


class Entries(msgspec.Struct, frozen=True):
    """A page of the audit trail; `next` is the cursor of the next one, null at the end."""

    items: list[EntryView]
    next: str | None = None


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `done` of `total` are bytes of an import, or objects of an export; `result` counts, and names at most 1,000 items that failed.

    What it came to is told to whoever asked for it; of a poll, and of others' jobs, only how it stands.
    """

    id: str
    kind: str
    state: str
    asked: str
    made: str
    started: str | None
    ended: str | None
    attempt: int
    done: int | None
    total: int | None
    result: dict[str, Any] | None
    error: str | None
    reason: str | None


class JobViews(msgspec.Struct, frozen=True):
    """A page of jobs; `next` is the cursor of the next one, null at the end."""

    items: list[JobView]
    next: str | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who you are here."""

    name: str
    organisation: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    csrf_token: str | None


def time_text(us: int | None) -> str | None:
    """RFC 3339, null for none."""
    return None if us is None else to_text(us)


def facets_of(facets: Facets) -> FacetsView:
    """Facets as they are told."""
    return FacetsView(
        objects=facets.objects,
        types=_counted(facets.types),
        areas=_counted(facets.areas),
        sources=_counted(facets.sources),
        labels=[CountedLabel(label_text(one.value), one.count) for one in facets.labels[:MOST_COUNTED]],
        domains=_counted(facets.domains),
        regions=_counted(by_region(facets.countries)),
        confidences=_counted(facets.confidences),
        came=[Counted(name, count) for name, count in zip(CAME, facets.spans, strict=True)],
    )


def _counted(counts: list[Count[str]]) -> list[Counted]:
    return [Counted(one.value, one.count) for one in counts[:MOST_COUNTED]]


def label_text(label: Label) -> LabelText:
    """A label as it is shown."""
    return LabelText(format_label(label), label.originator)


def _facts(stored: Stored) -> dict[str, Any]:
    data = _decode(stored.raw)
    return {
        "id": stored.id,
        "type": stored.type,
        "name": name_of(data),
        "version": time_text(stored.version),
        "added": to_text(stored.added),
        "label": label_text(stored.label),
        "source": stored.source,
        "area": stored.area,
    }


def summary_of(stored: Stored) -> Summary:
    """An object as a list shows it."""
    return Summary(**_facts(stored))


def object_of(stored: Stored) -> Object:
    """An object as it is shown alone; its bytes are spliced in as they came."""
    raw: Any = msgspec.Raw(stored.raw)
    return Object(**_facts(stored), cut=stored.cut, problems=stored.problems, object=raw)


def job_of(job: Job, caller: str) -> JobView:
    """A job as somebody is shown it: how many objects or bytes there are of another's tells what they see."""
    mine = job.asked == caller
    counted = mine and job.kind != "poll"
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        asked=job.asked,
        made=to_text(job.made),
        started=time_text(job.started),
        ended=time_text(job.ended),
        attempt=job.attempt,
        done=job.done if counted else None,
        total=job.total if counted else None,
        result=job.result if counted else None,
        error=job.error if mine else None,
        reason=job.reason if mine else None,
    )


def near_of(neighbour: Neighbour) -> Near:
    """A neighbour as it is shown."""
    return Near(
        id=neighbour.id, type=neighbour.type, via=neighbour.via, path=neighbour.path, direction=neighbour.direction
    )


def visibility_of(id: str, partner: str, decision: Decision, *, in_feed: bool | None) -> Visibility:
    """A verdict as it is shown."""
    reasons = tuple(Reason(reason.code, reason.parameters) for reason in decision.reasons)
    return Visibility(id=id, partner=partner, allowed=decision.allowed, in_feed=in_feed, reasons=reasons)


FORMS: dict[Form, FormName] = {
    Form.WHOLE: "whole", Form.RENDITION: "rendition", Form.WITHHELD: "withheld",
}  # fmt: skip


def preview_of(verdict: Verdict) -> Previewed:
    """A verdict of a release plan as it is shown."""
    reasons = tuple(Reason(reason.code, reason.parameters) for reason in verdict.reasons)
    return Previewed(
        id=verdict.id,
        verdict=FORMS[verdict.form],
        reasons=reasons,
        redacted=verdict.redacted,
        cascade=verdict.cascade,
    )


def explanation_of(one: Explained) -> Explanation:
    """What is said of an object and a partner, as it is shown."""
    reasons = tuple(Reason(reason.code, reason.parameters) for reason in one.reasons)
    return Explanation(
        id=one.id, partner=one.partner, verdict=FORMS[one.form], allowed=one.allowed, in_feed=one.in_feed, reasons=reasons
    )  # fmt: skip


def taken_of(outcome: Outcome) -> Taken:
    """An outcome as it is shown."""
    errors = tuple(Fault(p.path, p.message, p.section) for p in outcome.problems if p.severity == "error")
    return Taken(
        item=outcome.index, id=outcome.id, status=outcome.status, errors=errors if outcome.status == "failed" else ()
    )
