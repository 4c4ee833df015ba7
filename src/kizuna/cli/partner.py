"""`kizuna partner`: the organisations this node exchanges with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.country import alpha3
from kizuna.cli.folder import actor, node, trial
from kizuna.cli.output import F, dry_option, emit, node_options, rows_option, say, table
from kizuna.cli.strangers import tell_of_unknown_areas
from kizuna.cli.words import N_, _
from kizuna.errors import Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from kizuna.store import Change, Partner, Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AREA = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
# RED is for named persons: no partner receives it, whatever its settings say.
LEVELS = ("PUBLIC", "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT")
CLEARED = ""
_TOLD = ("organisation", "public_key", "receives", "unstated", "default_label", "url", "quota_objects", "quota_bytes")


def settings_options(function: F) -> F:
    """The options that `add` and `set` share."""
    options: list[Callable[[F], F]] = [
        click.option("--key", metavar="KEY", help="Its Ed25519 public key, pinned: `ed25519:` and base64, or @FILE with that text."),
        click.option("--identity", metavar="ID", help="STIX id of its identity."),
        click.option("--receives", multiple=True, metavar="LEVEL|AREA", help="TLP levels and programme areas it gets; may be repeated."),
        click.option("--client", "clients", multiple=True, metavar="ORG", help="A client it may pass TLP:AMBER to; may be repeated."),
        click.option("--default-label", metavar="LABEL", help="Label of what it sends without one. Default: this organisation only."),
        click.option(
            "--unstated",
            type=click.Choice(["rendition", "whole"]),
            help="How it gets what states less than its label: as a rendition that states it, or whole, since it knows otherwise. "
            "A new partner gets renditions.",
        ),
        click.option("--url", help="Its TAXII discovery address; it is polled there."),
        click.option("--quota-objects", metavar="N", help="Objects it may send in an hour. Default: the node's setting."),
        click.option("--quota-bytes", metavar="N", help="Bytes it may send in an hour. Default: the node's setting."),
        click.option("--token-file", type=click.Path(path_type=Path), help="File with our token there; copied into the node."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@click.group(short_help="Organisations this node exchanges with.")
def command() -> None:
    """Partners. What each gets is decided by labels: those that name it, and the levels and areas it is set to receive."""


@command.command("add", short_help="Add a partner and pin its key.")
@click.argument("name")
@click.option("--org", "organisation", required=True, help="Name of the organisation.")
@click.option("--country", required=True, metavar="CC", help="Its country, ISO 3166-1, such as BEL or BE.")
@settings_options
@dry_option
@node_options
def add(name: str, organisation: str, country: str, dry_run: bool, data: Path, as_json: bool, **given: Any) -> None:
    """Add a partner; its feed is filled in the same act. Compare the key's text by another way than the one it came by."""
    from kizuna.store import Partner

    if not _NAME.fullmatch(name):
        raise UsageError(f"not a partner's name: {name[:80]!r}; letters, digits, '.', '_' and '-', at most 64")
    if not organisation.strip() or len(organisation) > 200 or not organisation.isprintable():
        raise UsageError("an organisation's name has 1 to 200 printable characters")
    with node(data) as store:
        if _known(store, name):
            raise Conflict(f"{name} is a partner already; change it with `kizuna partner set`")
        base = Partner(
            name=name,
            organisation=organisation.strip(),
            country=alpha3(country),
            added=store.clock(),
            unstated="rendition",
        )
        _put(store, _changed(store, base, given), given, "partner.add", dry=dry_run, as_json=as_json)


@command.command("set", short_help="Change a partner's settings.")
@click.argument("name")
@settings_options
@dry_option
@node_options
def set_(name: str, dry_run: bool, data: Path, as_json: bool, **given: Any) -> None:
    """Change what is given and keep the rest; an empty value clears. Its feed follows in the same act."""
    with node(data) as store:
        _put(store, _changed(store, store.partner(name), given), given, "partner.set", dry=dry_run, as_json=as_json)


@command.command("list", short_help="List partners.")
@rows_option
@node_options
def list_(data: Path, as_json: bool) -> None:
    """List partners and what each is set to receive."""
    with node(data) as store:
        rows = [_row(store, partner) for partner in store.partners()]
    table(
        rows,
        ("name", "organisation", "country", "receives", "url", "last_exchange", "stopped"),
        as_json=as_json,
        empty=N_("no partner"),
    )


@command.command("show", short_help="Show a partner's settings.")
@click.argument("name")
@node_options
def show(name: str, data: Path, as_json: bool) -> None:
    """Show everything set for a partner."""
    with node(data) as store:
        row = _row(store, store.partner(name))
    if as_json:
        emit(row)
        return
    for key, value in row.items():
        shown = ", ".join(value) if isinstance(value, tuple) else value
        say(f"{key:<14} {'-' if shown in (None, '') else shown}")


@command.command("remove", short_help="Remove a partner.")
@click.argument("name")
@node_options
def remove(name: str, data: Path, as_json: bool) -> None:
    """End a partner's feed and its tokens here. What it sent stays."""
    with node(data) as store:
        partner = store.partner(name)
        store.remove_partner(partner.name)
        store.audit(actor(), "partner.remove", partner.name)
        _token_path(store, partner).unlink(missing_ok=True)
    if as_json:
        emit({"name": partner.name})
    else:
        say(_("{name} is removed", name=partner.name))


@command.command("resume", short_help="Confirm a partner after a restore.")
@click.argument("name")
@click.option(
    "--keep-positions",
    is_flag=True,
    help="Go on where the feed stood. Default: all of it is offered once more, in order, under new dates.",
)
@node_options
def resume(name: str, keep_positions: bool, data: Path, as_json: bool) -> None:
    """Let the exchange with a partner go on that a restore has stopped.

    Look first at what it would get: `kizuna export --as NAME`. What was relabelled or deleted since the backup is as it was.
    """
    with node(data) as store:
        from kizuna.store.epochs import resume

        partner = store.partner(name).name
        rows = resume(store, partner, by=actor(), again=not keep_positions)
    if as_json:
        emit({"name": partner, "offered": rows})
    else:
        say(_("the exchange with {name} goes on; offered once more: {rows:,}", name=partner, rows=rows))


def _known(store: Store, name: str) -> bool:
    try:
        store.partner(name)
    except NotFound:
        return False
    return True


def _changed(store: Store, partner: Partner, given: dict[str, Any]) -> Partner:
    """The partner with the settings that were given, each checked."""
    import msgspec

    checks: dict[str, Callable[[str], str | int]] = {
        "key": _key,
        "identity": _identity,
        "default_label": lambda text: _label(text, partner.organisation),
        "url": _url,
        "quota_objects": _amount,
        "quota_bytes": _amount,
    }
    values: dict[str, Any] = {}
    for option, check in checks.items():
        text = given[option]
        if text is not None:
            values["public_key" if option == "key" else option] = None if text == CLEARED else check(text)
    if given["receives"]:
        values["receives"] = tuple(_received(text) for text in given["receives"] if text != CLEARED)
        tell_of_unknown_areas(text for text in values["receives"] if text not in LEVELS)
    if given["unstated"] is not None:
        values["unstated"] = given["unstated"]
    if given["clients"]:
        values["clients"] = tuple(text for text in given["clients"] if text != CLEARED)
    return msgspec.structs.replace(partner, **values)


def _put(store: Store, partner: Partner, given: dict[str, Any], act: str, *, dry: bool, as_json: bool) -> None:
    from kizuna.settings import write_private

    token = None if given["token_file"] is None else _token(given["token_file"])
    row = _row(store, partner) | ({} if token is None else {"token": True})
    with trial(store, dry=dry):
        change = store.put_partner(partner)
        told = {key: row[key] for key in _TOLD}
        store.audit(actor(), act, partner.name, told)
    if token is not None and not dry:
        write_private(_token_path(store, partner), token)
    if as_json:
        emit({**row, "opened": change.opened.get(partner.name, 0), "ended": change.ended.get(partner.name, 0)})
    else:
        _tell(partner, change)


def _tell(partner: Partner, change: Change) -> None:
    receives = ", ".join(partner.receives) or _("only what names it")
    say(
        _(
            "{name} ({organisation}) receives {what}",
            name=partner.name,
            organisation=partner.organisation,
            what=receives,
        )
    )
    for message, rows in (
        (_("newly in its feed: {rows:,}"), change.opened),
        (_("no longer in its feed: {rows:,}"), change.ended),
    ):
        if rows.get(partner.name):
            say(message.format(rows=rows[partner.name]))


def _row(store: Store, partner: Partner) -> dict[str, Any]:
    from kizuna.clock import to_text
    from kizuna.store.epochs import stopped_partners

    last = store.last_exchange(partner.name) if _known(store, partner.name) else None
    stopped = stopped_partners(store.database.read()).get(partner.name)
    return {
        "name": partner.name,
        "organisation": partner.organisation,
        "country": partner.country,
        "public_key": partner.public_key,
        "identity": partner.identity,
        "receives": partner.receives,
        "clients": partner.clients,
        "unstated": partner.unstated,
        "default_label": partner.default_label,
        "url": partner.url,
        "quota_objects": partner.quota_objects,
        "quota_bytes": partner.quota_bytes,
        "token": _token_path(store, partner).is_file(),
        "added": to_text(partner.added),
        "last_exchange": None if last is None else to_text(last),
        "stopped": None if stopped is None else to_text(stopped),
    }


def _key(text: str) -> str:
    from kizuna.store.keys import public_text, read_public

    if text.startswith("@"):
        text = _text_of(Path(text[1:]))
    return public_text(read_public(text))


def _identity(text: str) -> str:
    if not re.fullmatch(r"identity--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        raise UsageError(f"not the STIX id of an identity: {text[:80]!r}")
    return text


def _label(text: str, organisation: str) -> str:
    from kizuna.labels import format_label, parse_label

    return format_label(parse_label(text, originator=organisation))


def _received(text: str) -> str:
    level = text.upper()
    if level in LEVELS:
        return level
    if level.startswith("TLP:") or not _AREA.fullmatch(text):
        raise UsageError(f"{text[:80]!r} is neither a level ({', '.join(LEVELS)}) nor an area such as cyber-defence")
    return text


def _amount(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:16]) < 1 << 50 or len(text) > 15:
        raise UsageError(
            f"not an amount of an hour: {text[:80]!r}; a number above 0, or nothing for the node's setting"
        )
    return int(text)


def _url(text: str) -> str:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host = None
    if (
        not host
        or parts.scheme not in ("http", "https")
        or parts.username
        or not text.isprintable()
        or len(text) > 2000
    ):
        raise UsageError(f"not an address: {text[:80]!r}; expected http(s)://HOST/… without credentials")
    return text


def _token(file: Path) -> bytes:
    token = _text_of(file)
    if not re.fullmatch(r"[\x21-\x7e]{1,1000}", token):
        raise UsageError("holds no token", file=str(file))
    return token.encode()


def _text_of(file: Path) -> str:
    try:
        with file.open(encoding="ascii") as handle:
            return handle.read(10_000).strip()
    except FileNotFoundError:
        raise NotFound("no such file", file=str(file)) from None
    except UnicodeDecodeError:
        raise UsageError("is not plain text", file=str(file)) from None


def _token_path(store: Store, partner: Partner) -> Path:
    return store.folder / (partner.token or f"{partner.name.lower()}.token")
