"""`kizuna release sanitise`: what to cut so that a partner may have the rest, shown before anything is done."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, note, say
from kizuna.cli.strangers import tell_of_strangers
from kizuna.cli.wording import worded
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.labels import Reason
    from kizuna.release.sanitising import Draft, Shown
    from kizuna.release.suggesting import Suggestion

_FORMS = {"WHOLE": N_("whole"), "RENDITION": N_("in part"), "WITHHELD": N_("withheld")}


@click.command("sanitise", short_help="Cut an object for a partner.")
@click.argument("id")
@click.option("--as", "partner", metavar="PARTNER", required=True, help="For this partner.")
@click.option(
    "--cut", "cuts", multiple=True, metavar="SELECTOR", help="Cut this part, such as labels.[0]; may be repeated."
)
@click.option("--cut-suggested", is_flag=True, help="Cut all that is suggested.")
@click.option("--label", metavar="LABEL", help="The label of the rest.")
@click.option("--keep", metavar="LABEL", help="The label of what is cut; default the object's present one.")
@click.option("--apply", "do", is_flag=True, help="Make the new version that was shown, after asking.")
@click.option("--yes", is_flag=True, help="With --apply: do not ask.")
@node_options
def sanitise(
    id: str, partner: str, cuts: tuple[str, ...], cut_suggested: bool, label: str | None, keep: str | None, do: bool, yes: bool,
    data: Path, as_json: bool,
) -> None:  # fmt: skip
    """Suggest what to cut from an object so that a partner may have the rest, and show what would leave.

    Nothing is stored without --apply. A suggestion is for people to judge, and so is the label of the rest: it opens the rest for
    all whom it allows. What is cut is cut wherever it stands in the object. What is made is a new version that marks these parts, so
    only of objects of one's own; whether it leaves is for rules and people to say.
    """
    from kizuna.labels import parse_label
    from kizuna.release.sanitising import Wish, apply, everybody, show
    from kizuna.release.suggesting import subject, suggest

    if do and (label is None or not (cuts or cut_suggested)):
        raise click.UsageError(
            _("to make a version say what is cut, --cut or --cut-suggested, and the label of the rest, --label")
        )
    if yes and not do:
        raise click.UsageError(_("--yes goes with --apply"))
    if keep is not None and label is None:
        raise click.UsageError(_("--keep goes with --label"))
    with node(data) as store:
        of, community = store.organisation, store.settings.community
        wanted, kept = (
            None if one is None else parse_label(one, originator=of, community=community) for one in (label, keep)
        )
        store.settle()  # as before a feed is read
        with store.database.snapshot() as reader:
            look = everybody(store, reader)
            if cuts and cut_suggested:
                outgoing = look(partner)
                found = suggest(outgoing, subject(outgoing, id))
                cuts = (*cuts, *(one.selector for one in found if not one.anyway))
            shown = show(store, reader, look, partner, id, Wish(cuts or None, wanted, kept))
        for one in (wanted, kept):
            if one is not None:
                tell_of_strangers(one, store)
        if not as_json:
            _tell(shown)
        if do:
            if not yes:
                if not sys.stdin.isatty():
                    raise click.UsageError(_("nobody can be asked here; look at what is shown, then say --yes"))
                click.confirm(_("Make this version?"), abort=True, err=True)
            apply(store, shown, by=actor())
    if as_json:
        emit({**_as_json(shown), "stored": do})
    elif do:
        say(
            _(
                "{id} has this new version; whether it leaves is for rules and people: see `kizuna release outbox`",
                id=id,
            )
        )
    else:
        note(_("nothing was stored"))


def _tell(shown: Shown) -> None:
    from kizuna.labels import Form, format_label

    id, label = shown.of.row.id, format_label(shown.of.marked.label)
    if shown.why_not:
        say(
            _(
                "{id}: {label}; {partner} does not get it whole ({reason})",
                id=id,
                label=label,
                partner=shown.partner,
                reason=_why(shown.why_not),
            )
        )
    else:
        say(_("{id}: {label}; {partner} may have it whole", id=id, label=label, partner=shown.partner))
    for _selector, alike in groupby(shown.suggestions, key=lambda one: one.selector):
        say(_line(list(alike)))
    for elsewhere, message in (
        (False, N_("cut: {properties}")), (True, N_("cut as well, since what is cut stands there: {properties}")),
    ):  # fmt: skip
        if selectors := [cut.selector for cut in shown.cuts if cut.told_elsewhere is elsewhere]:
            say(_(message, properties=", ".join(selectors)))
    if shown.told:
        say(
            _(
                "what is cut stands there still, and no selector reaches it: {properties}",
                properties=", ".join(shown.told),
            )
        )
    form = _(_FORMS[shown.form.name])
    line = (
        _("then it leaves: {form}", form=form)
        if shown.draft
        else _("then, if a label lets the rest leave: {form}", form=form)
    )
    if shown.form is Form.WITHHELD and shown.reasons:
        line += f" ({_why(shown.reasons)})"
    if shown.remaining:
        line += _("; what remains: {properties}", properties=", ".join(shown.remaining))
    say(line)
    if shown.rendition is not None:
        import msgspec

        say(msgspec.json.format(shown.rendition.raw, indent=2).decode())
    if shown.draft is None:
        say(_("which label is enough for the rest, people say: give it with --label"))
        return
    _tell_effects(shown, shown.draft)


def _tell_effects(shown: Shown, draft: Draft) -> None:
    from kizuna.labels import format_label

    more = sum(effect.after > effect.before for effect in shown.effects)
    less = sum(effect.after < effect.before for effect in shown.effects)
    label, keep = format_label(draft.marked.label), format_label(draft.keep)
    say(_("the rest would be {label}, what is cut {keep}", label=label, keep=keep))
    said = _(
        "{label} opens the rest for all whom it allows; partners who may have more than before: {more:,}, less: {less:,}"
    )
    say(said.format(label=label, more=more, less=less))
    for effect in shown.effects:
        if effect.before != effect.after:
            before, after = (_(_FORMS[form.name]) for form in (effect.before, effect.after))
            say(_("{partner}: {before}, then {after}", partner=effect.partner, before=before, after=after))


def _line(alike: list[Suggestion]) -> str:
    one = alike[0]
    line = f"  {one.selector}: {one.value} ({'; '.join(worded(each.code) for each in alike)})"
    if one.anyway:
        line += _("; it does not leave anyway")
    elif one.all_of_it:
        line += _("; nothing is left without it")
    return line


def _why(reasons: tuple[Reason, ...]) -> str:
    return "; ".join(worded(reason.code, reason.parameters) for reason in reasons)


def _as_json(shown: Shown) -> dict[str, object]:
    from kizuna.labels import format_label

    def coded(reasons: tuple[Reason, ...]) -> list[dict[str, object]]:
        return [{"code": reason.code, "parameters": list(reason.parameters)} for reason in reasons]

    return {
        "id": shown.of.row.id,
        "partner": shown.partner,
        "label": format_label(shown.of.marked.label),
        "why_not": coded(shown.why_not),
        "suggestions": shown.suggestions,
        "cuts": [cut._asdict() for cut in shown.cuts],
        "verdict": shown.form.name.lower(),
        "reasons": coded(shown.reasons),
        "redacted": shown.redacted,
        "remaining": shown.remaining,
        "told": shown.told,
        "rendition": None if shown.rendition is None else shown.rendition.data,
        "effects": [
            {"partner": one.partner, "before": one.before.name.lower(), "after": one.after.name.lower()}
            for one in shown.effects
        ],
    }
