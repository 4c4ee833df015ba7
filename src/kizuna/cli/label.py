"""`kizuna label`: read and set who may see an object; labels in and out of STANAG 4774 XML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import actor, node, trial
from kizuna.cli.output import dry_option, emit, json_option, node_options, output_file, say, trouble
from kizuna.cli.strangers import tell_of_strangers
from kizuna.cli.words import _
from kizuna.errors import InvalidInput, NotFound, UsageError

if TYPE_CHECKING:
    from kizuna.labels import Label
    from kizuna.store import Store, Stored

_YEAR = 365 * 86_400_000_000  # microseconds


@click.group(short_help="Read and set the label of an object.")
def command() -> None:
    """Read and set the label of an object.

    A label is text such as PUBLIC, TLP:CLEAR, "TLP:GREEN community=EU", "TLP:AMBER to=JPN,NATO", TLP:AMBER+STRICT or
    "TLP:RED persons=a.sato"; parts joined by " & " must all allow. See docs/guide/labels.md.
    """


@command.command("show", short_help="Show the label of an object.")
@click.argument("id")
@node_options
def show(id: str, data: Path, as_json: bool) -> None:
    """Show the label of an object, and whose it is."""
    from kizuna.labels import format_label

    with node(data) as store:
        label = _stored(store, id).label
    if as_json:
        emit({"id": id, "label": format_label(label), "originator": label.originator})
    else:
        say(_("{label}  (originator: {originator})", label=format_label(label), originator=label.originator or "-"))


@command.command("set", short_help="Set the label of an object.")
@click.argument("id")
@click.argument("label")
@dry_option
@node_options
def set_(id: str, label: str, dry_run: bool, data: Path, as_json: bool) -> None:
    """Set the label of all versions of an object; feeds follow in the same act.

    The owner's node may loosen or tighten, every other node only tighten: else refused, exit 4.
    """
    from kizuna.labels import format_label, join, parse_label

    with node(data) as store, trial(store, dry=dry_run):
        before = _stored(store, id)
        originator = before.label.originator or store.organisation
        wanted = parse_label(label, originator=originator, community=store.settings.community)
        change = store.relabel(id, wanted, by=actor())
        # What another organisation owns keeps its own label too: both must allow.
        after = join(before.label, wanted) if before.source.startswith("partner:") else wanted
        now = format_label(after if dry_run else _stored(store, id).label)
        tell_of_strangers(wanted, store)
    if as_json:
        emit(
            {
                "id": id,
                "label": now,
                "touched": change.touched,
                "opened": change.opened,
                "ended": change.ended,
            }
        )
        return
    became = _("{id} would be {label} (rows: {rows})") if dry_run else _("{id} is now {label} (rows: {rows})")
    say(became.format(id=id, label=now, rows=change.touched))
    for message, effect in (
        (_("newly offered to {partner}: {rows}"), change.opened),
        (_("no longer offered to {partner}: {rows}"), change.ended),
    ):
        for partner, rows in effect.items():
            if rows:
                say(message.format(partner=partner, rows=rows))


@command.command("read", short_help="Read a STANAG 4774 label.")
@click.argument("file")
@click.option("--originator", metavar="ORG", default="", help="Whose label it is, if the file names nobody.")
@json_option
def read(file: str, originator: str, as_json: bool) -> None:
    """Read a STANAG 4774 confidentiality label (XML, - is standard input) as the text that other commands take.

    What may restrict and is not understood is refused; what only informs is named on standard error.
    """
    from kizuna.clock import to_text
    from kizuna.formats.stanag4774 import read_label
    from kizuna.labels import format_label

    found = read_label(_content(file), originator=originator, file=file)
    moments = {"created": found.created, "review": found.review}
    told = {
        "label": format_label(_whoever_sets_it(found.label)),
        "originator": found.label.originator or None,
        **{name: None if us is None else to_text(us) for name, us in moments.items()},
        "left_out": [{"path": loss.path, "what": loss.what} for loss in found.losses],
    }
    if as_json:
        emit(told)
        return
    for loss in found.losses:
        trouble(_("not kept: {path}: {what}", path=loss.path, what=loss.what))
    say(str(told["label"]))


@command.command("write", short_help="Write a STANAG 4774 label.")
@click.argument("label")
@click.option("--originator", metavar="ORG", default="", help="Whose label it is; default what LABEL says.")
@click.option("--review", metavar="DATE", help="When it is to be reviewed; default a year from now.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is standard output.")
@json_option
def write(label: str, originator: str, review: str | None, output: str, as_json: bool) -> None:
    """Write LABEL as a STANAG 4774 confidentiality label (XML), exactly or not at all.

    Refused are OWN, labels of several parts, and whatever a reader could take for something else.
    """
    from kizuna.clock import now_us
    from kizuna.formats.stanag4774 import write_label

    now = now_us()
    reviewed = now + _YEAR if review is None else _moment(review)
    data = write_label(_worded(label, originator), created=now, review=reviewed)
    if as_json and output == "-":
        emit({"xml": data.decode()})
        return
    with output_file(output) as put:
        put(data)
    if as_json:
        emit({"file": output, "bytes": len(data)})


def _whoever_sets_it(label: Label) -> Label:
    """The label with its originator in each part: its text means the same to whoever takes it over."""
    from kizuna.labels import PUBLIC_LABEL, Label, Part
    from kizuna.labels.persons import bound

    def named(part: Part) -> Part:
        originator = part.originator or label.originator
        fields = (part.policy, part.classification, part.categories, part.community)
        if not originator or (part,) == PUBLIC_LABEL.parts:
            return part
        return Part(*fields, bound(part, originator).persons, originator, part.starts, part.ends)

    return Label(label.originator, tuple(map(named, label.parts)))


def _worded(text: str, originator: str) -> Label:
    """The label as typed; the originator that a single part names is the label's."""
    from msgspec.structs import replace

    from kizuna.labels import Label, parse_label

    label = parse_label(text, originator=originator)
    named = {part.originator for part in label.parts} - {None, originator}
    if len(label.parts) != 1 or (originator and named):
        return label
    return Label(named.pop() or "" if named else originator, (replace(label.parts[0], originator=None),))


def _moment(text: str) -> int:
    from kizuna.labels.model import moment

    try:
        found = moment(text)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise UsageError(f"--review: not a date such as 2027-11-23: {text[:40]!r}")
    return found


def _content(file: str) -> bytes:
    from kizuna.formats.plain_xml import SIZE

    if file == "-":
        return sys.stdin.buffer.read(SIZE + 1)
    path = Path(file)
    try:
        with path.open("rb") as handle:
            return handle.read(SIZE + 1)
    except FileNotFoundError:
        raise NotFound("no such file", file=file) from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot be read: {getattr(error, 'strerror', None) or error}", file=file) from None


def _stored(store: Store, id: str) -> Stored:
    stored = store.custodian().get(id)
    if stored is None:
        raise NotFound(f"no such object: {id}")
    return stored
