"""`kizuna user`: the node's own people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import NumberRange, emit, node_options, rows_option, say, table
from kizuna.cli.words import N_, _
from kizuna.errors import InvalidInput

if TYPE_CHECKING:
    from kizuna.store.accounts import User

ROLES = ["reader", "analyst", "releaser", "programme-officer", "operator"]


@click.group(short_help="People of this node.")
def command() -> None:
    """The node's own people. Roles say what somebody may do; labels alone say what they may see."""


@command.command("add", short_help="Add a person.")
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="What they may do; may be repeated.")
@click.option("--partner", help="They are of this partner: they read what it was given, and nothing else.")
@click.option("--display", help="Full name, as pages show it.")
@click.option("--language", type=click.Choice(["en", "ja"]), help="Language of their pages.")
@click.option(
    "--clearance", "clearances", multiple=True, metavar="POLICY:LEVEL", help="A clearance they hold; may be repeated."
)
@node_options
def add(
    name: str,
    roles: tuple[str, ...],
    partner: str | None,
    display: str | None,
    language: str | None,
    clearances: tuple[str, ...],
    data: Path,
    as_json: bool,
) -> None:
    """Add a person, without a password: `kizuna user link NAME` lets them in. Names are never used again.

    One of the node's own people has roles. With --partner it is somebody of that partner: they log in and read what this node gave to
    it, on pages of their own, and may nothing else. They come in no more when the partner is removed or the exchange with it is stopped.
    """
    from kizuna.store.accounts import Accounts

    held = [_clearance(text) for text in clearances]
    if partner is None and not roles:
        raise click.MissingParameter(param_hint="'--role'", param_type="option")
    if partner is not None and (roles or clearances):
        raise click.UsageError(_("people of a partner have neither roles nor clearances"))
    with node(data) as store:
        accounts = Accounts(store)
        if partner is None:
            added = accounts.add_user(name, roles, by=actor(), display=display, language=language, clearances=held)
        else:
            added = accounts.add_person_of(partner, name, by=actor(), display=display, language=language)
    if as_json:
        emit(_row(added))
    else:
        if added.partner is not None:
            say(_("{name} of {partner} is added", name=added.name, partner=added.partner))
            say(_("Let them in once: {command}", command=f"kizuna user link {added.name} --data {data}"))
            return
        say(_("{name} is added ({roles})", name=added.name, roles=", ".join(added.roles)))
        say(_("Let them in once: {command}", command=f"kizuna user link {added.name} --data {data}"))


@command.command("list", short_help="List people.")
@rows_option
@node_options
def list_(data: Path, as_json: bool) -> None:
    """List people with their roles, and people of partners with their partner."""
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        accounts = Accounts(store)
        rows = [_row(user) for user in (*accounts.users(), *accounts.people_of_partners())]
    table(rows, ("name", "display", "roles", "partner", "password", "created"), as_json=as_json, empty=N_("nobody"))


@command.command("link", short_help="Make a link that logs somebody in once.")
@click.argument("name")
@click.option("--hours", type=NumberRange(0.01, 168), default=1.0, show_default=True, help="How long it may be used.")
@click.option("--url", help="Address of the node as they reach it. Default: from the settings.")
@node_options
def link(name: str, hours: float, url: str | None, data: Path, as_json: bool) -> None:
    """Make a link that logs NAME in once. Whoever has it is NAME: hand it over with care."""
    from kizuna.store.accounts import HOUR, Accounts

    with node(data) as store:
        settings = store.settings
        scheme = "https" if settings.tls_certificate else "http"
        base = (url or settings.public_url or f"{scheme}://{settings.listen}:{settings.port}").rstrip("/")
        secret = Accounts(store).create_link(name, by=actor(), lasts=int(hours * HOUR))
    if as_json:
        emit({"name": name, "login_url": f"{base}/login/{secret}"})
    else:
        say(f"{base}/login/{secret}")


@command.command("roles", short_help="Change what somebody may do.")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(ROLES),
    help="All they may do from now on; may be repeated.",
)
@node_options
def roles_(name: str, roles: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Give NAME exactly these roles. The last operator stays one (exit 4)."""
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        changed = Accounts(store).set_roles(name, roles, by=actor())
    if as_json:
        emit(_row(changed))
    else:
        say(f"{changed.name}: {', '.join(changed.roles)}")


@command.command("password", short_help="Set somebody's password.")
@click.argument("name")
@click.option(
    "--file",
    "file",
    type=click.File(encoding="utf-8", lazy=True),
    help="Read it from the first line of a file, '-' for standard input.",
)
@node_options
def password(name: str, file: Any, data: Path, as_json: bool) -> None:
    """Set the password of NAME, asked for when no file is given. All their sessions end."""
    from kizuna.store.accounts import Accounts

    if file is not None:
        try:
            chosen = file.readline(10_000).rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidInput("holds no text in UTF-8", file=getattr(file, "name", None)) from None
    elif sys.stdin.isatty():
        chosen = str(click.prompt(_("New password"), hide_input=True, confirmation_prompt=True, err=True))
    else:
        raise click.MissingParameter(param_hint="'--file'", param_type="option")
    with node(data) as store:
        Accounts(store).set_password(name, chosen, by=actor())
    _done(name, _("the password of {name} is set", name=name), as_json=as_json)


@command.command("sessions", short_help="List or end somebody's sessions.")
@click.argument("name")
@click.option("--end", "number", type=int, metavar="NUMBER", help="End this one.")
@node_options
def sessions(name: str, number: int | None, data: Path, as_json: bool) -> None:
    """List the sessions of NAME, or end one of them at once."""
    from kizuna.cli.token import credential_row
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        accounts = Accounts(store)
        name = accounts.user(name).name
        if number is not None:
            accounts.end("session", number, by=actor(), user=name)
        rows = [credential_row(session) for session in accounts.listed("session", user=name)]
    table(rows, ("number", "note", "created", "expires", "ended"), as_json=as_json, empty=N_("no session"))


@command.command("remove", short_help="Remove a person.")
@click.argument("name")
@node_options
def remove(name: str, data: Path, as_json: bool) -> None:
    """Remove NAME with every token, session and link. The last operator stays (exit 4)."""
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        Accounts(store).remove_user(name, by=actor())
    _done(name, _("{name} is removed", name=name), as_json=as_json)


def _clearance(text: str) -> tuple[str, str]:
    policy, colon, level = text.partition(":")
    if not (policy and colon and level):
        raise click.BadParameter(_("{text!r}: expected POLICY:LEVEL", text=text), param_hint="--clearance")
    return policy, level


def _row(user: User) -> dict[str, Any]:
    from kizuna.clock import to_text

    return {
        "name": user.name,
        "display": user.display,
        "roles": user.roles,
        "partner": user.partner,
        "clearances": [f"{policy}:{level}" for policy, level in user.clearances],
        "language": user.language,
        "password": user.has_password,
        "created": to_text(user.created),
    }


def _done(name: str, text: str, *, as_json: bool) -> None:
    if as_json:
        emit({"name": name})
    else:
        say(text)
