"""`kizuna consent`: what originators let holders pass on, asked for and answered by signed notices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, rows_option, say, table
from kizuna.cli.person import by_password
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store import Store

_until = click.option("--until", metavar="TIME", help="Until this time, RFC 3339; for ever without it.")
_ids = click.argument("ids", nargs=-1, metavar="[ID...]")
_label = click.option(
    "--label",
    metavar="LABEL",
    help="All that is its originator's own under this label, TLP:AMBER or TLP:AMBER+STRICT, now and later, instead of objects.",
)
_for = click.option(
    "--for",
    "third_party",
    metavar="ORG",
    required=True,
    help="To whom it may go on: an organisation, or a partner's name.",
)


@click.group(short_help="Ask originators, and answer, what may be passed on.")
def command() -> None:
    """Consents: what partners received under TLP:AMBER, AMBER+STRICT or RED they pass on only with its originator's consent.

    Requests and consents travel as signed notes in the feeds of the two nodes, and count with the key that is pinned for their sender.
    """


@command.command("request", short_help="Ask an originator.")
@_ids
@click.option("--from", "originator", metavar="PARTNER", required=True, help="Whose objects they are.")
@_label
@_for
@_until
@click.option("--reason", required=True, help="Why; the originator reads it.")
@node_options
def request(
    ids: tuple[str, ...],
    originator: str,
    label: str | None,
    third_party: str,
    until: str | None,
    reason: str,
    data: Path,
    as_json: bool,
) -> None:
    """Ask a partner whether its objects may be passed on to an organisation. It has the question with its next poll."""
    from kizuna.store.consents import Consents

    _one_of(ids, label)
    with node(data) as store:
        consents, more = Consents(store), {"by": actor(), "reason": reason}
        if label is None:
            note = consents.request(originator, ids, third_party, **more, expires=_moment(until))
        else:
            note = consents.request_label(originator, label, third_party, **more, expires=_moment(until))
        _told(store, note, "request", originator, len(ids), label, as_json=as_json)


@command.command("grant", short_help="Let a partner pass objects on.")
@_ids
@click.option("--to", "holder", metavar="PARTNER", required=True, help="The partner that has them.")
@_label
@_for
@_until
@click.option(
    "--by",
    "name",
    metavar="NAME",
    required=True,
    help="Who you are: a releaser. Your password is asked for, or read from standard input.",
)
@node_options
def grant(
    ids: tuple[str, ...],
    holder: str,
    label: str | None,
    third_party: str,
    until: str | None,
    name: str,
    data: Path,
    as_json: bool,
) -> None:
    """Let a partner pass objects of one's own on to an organisation, as a releaser. Its rules and people say whether it does.

    With a label it is about all that rests on your word alone and is, or comes, under it: the partner is told of each such object.
    """
    from kizuna.store.consents import Consents

    _one_of(ids, label)
    with node(data) as store:
        consents, expires = Consents(store), _moment(until)
        by = by_password(store, name)
        if label is None:
            note = consents.grant(holder, ids, third_party, by=by, expires=expires)
        else:
            note = consents.grant_label(holder, label, third_party, by=by, expires=expires)
        _told(store, note, "consent", holder, len(ids), label, as_json=as_json)


@command.command("end", short_help="Take a consent back.")
@_ids
@click.option("--to", "holder", metavar="PARTNER", required=True, help="The partner that has them.")
@_label
@_for
@node_options
def end(ids: tuple[str, ...], holder: str, label: str | None, third_party: str, data: Path, as_json: bool) -> None:
    """Take a consent back: the partner passes the objects on no more. What went on before is asked back with `kizuna release withdraw`.

    A consent to a label is taken back as such; what is consented to by itself stays so.
    """
    from kizuna.store.consents import Consents

    _one_of(ids, label)
    with node(data) as store:
        consents = Consents(store)
        if label is None:
            note = consents.end(holder, ids, third_party, by=actor())
        else:
            note = consents.end_label(holder, label, third_party, by=actor())
        _told(store, note, "consent-end", holder, len(ids), label, as_json=as_json)


@command.command("list", short_help="List requests and consents.")
@rows_option
@node_options
def list_(data: Path, as_json: bool) -> None:
    """List what was asked for and consented to, by this node and by partners, newest first. What is settled was answered."""
    from kizuna.clock import to_text
    from kizuna.store.consents import Consents

    def told(us: int | None) -> str | None:
        return None if us is None else to_text(us)

    with node(data) as store:
        rows = [
            {
                "at": to_text(one.at), "kind": one.kind, "way": "sent" if one.sent else "received", "partner": one.partner,
                "third_party": one.third_party, "expires": told(one.expires), "settled": told(one.settled), "reason": one.reason,
                "label": one.label, "ids": one.about, "note": one.note,
            }
            for one in Consents(store).notices()
        ]  # fmt: skip
    columns = ("at", "kind", "way", "partner", "third_party", "expires", "settled", "reason", "label", "ids")
    table(rows, columns, as_json=as_json, empty=N_("no request and no consent"))


def _moment(text: str | None) -> int | None:
    from kizuna.clock import from_text

    try:
        return None if text is None else from_text(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _one_of(ids: tuple[str, ...], label: str | None) -> None:
    if bool(ids) == (label is not None):
        raise click.UsageError(_("name objects, or a label with --label"))


def _told(store: Store, note: str, kind: str, partner: str, objects: int, label: str | None, *, as_json: bool) -> None:
    if as_json:
        about = {"objects": objects} if label is None else {"label": label}
        emit({"note": note, "kind": kind, "partner": store.partner(partner).name, **about})
    else:
        say(_("{partner} has it with its next poll: {note}", partner=store.partner(partner).name, note=note))
