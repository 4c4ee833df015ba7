"""`kizuna token`: tokens of people, programs and partners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, node_options, note, rows_option, say, table
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store.accounts import Credential

SCOPES = ["read", "write", "release", "operate"]
_UNITS = {"h": 3600, "d": 86_400, "w": 604_800}


class Lasting(click.ParamType[int]):
    """A length of time such as 12h, 30d or 8w, in microseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; click calls this."""
        match = re.fullmatch(r"(\d{1,5})([hdw])", str(value))
        if match is None:
            self.fail(f"{value!r} is no length of time; try 12h, 30d or 8w", param, ctx)
        return int(match[1]) * _UNITS[match[2]] * 1_000_000


@click.group(short_help="Tokens of people and programs.")
def command() -> None:
    """Tokens: `Authorization: Bearer kzn_…`, or the password of the HTTP Basic user `token`."""


@command.command("create", short_help="Make a token.")
@click.option("--user", metavar="NAME", help="Whose it is: a person, also for their programs.")
@click.option("--partner", metavar="NAME", help="Whose it is: a partner, to read its feed and write to its inbox.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do; may be repeated. Default: read.",
)
@click.option("--expires", type=Lasting(), default="90d", show_default=True, help="How long it is valid: 12h, 30d, 8w.")
@click.option("--note", "remark", default="", help="What it is for.")
@node_options
def create(
    user: str | None, partner: str | None, scopes: tuple[str, ...], expires: int, remark: str, data: Path, as_json: bool
) -> None:
    """Make a token of a person or of a partner. It is shown this once and kept only as a hash."""
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        secret, made = Accounts(store).create_token(
            user=user, partner=partner, scopes=scopes or ("read",), lasts=expires, note=remark, by=actor()
        )
    if as_json:
        emit({"token": secret, **credential_row(made)})
    else:
        say(secret)
        note(
            _(
                "token {number} of {name}: {scopes}; shown this once",
                number=made.number,
                name=made.user or made.partner,
                scopes=", ".join(made.scopes),
            )
        )


@command.command("list", short_help="List tokens.")
@rows_option
@click.option("--user", metavar="NAME", help="Only this person's.")
@click.option("--partner", metavar="NAME", help="Only this partner's.")
@node_options
def list_(user: str | None, partner: str | None, data: Path, as_json: bool) -> None:
    """List tokens, ended ones too for a while; never the secrets."""
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        rows = [credential_row(token) for token in Accounts(store).listed("token", user=user, partner=partner)]
    columns = ("number", "user", "partner", "scopes", "note", "created", "expires", "ended")
    table(rows, columns, as_json=as_json, empty=N_("no token"))


@command.command("revoke", short_help="End a token.")
@click.argument("number", type=click.IntRange(1, 2**53))
@node_options
def revoke(number: int, data: Path, as_json: bool) -> None:
    """End the token with this NUMBER (see `token list`); it counts at once, also where the node is being served."""
    from kizuna.store.accounts import Accounts

    with node(data) as store:
        Accounts(store).end("token", number, by=actor())
    if as_json:
        emit({"number": number})
    else:
        say(_("token {number} is revoked", number=number))


def credential_row(found: Credential) -> dict[str, Any]:
    """A token or session as it is listed."""
    from kizuna.clock import to_text

    return {
        "number": found.number,
        "user": found.user,
        "partner": found.partner,
        "scopes": found.scopes,
        "note": found.note,
        "created": to_text(found.created),
        "expires": to_text(found.expires),
        "ended": None if found.ended is None else to_text(found.ended),
    }
