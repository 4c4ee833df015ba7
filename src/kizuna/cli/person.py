"""Who speaks at this command line, where the system's user is not enough: a person, by their password or their token."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.output import F
from kizuna.cli.words import _
from kizuna.errors import InvalidInput, NotAuthenticated

if TYPE_CHECKING:
    from kizuna.store import Store

_LONGEST = 10_000


def person_options(function: F) -> F:
    """`--as NAME` and `--token-file FILE`."""
    options: list[Callable[[F], F]] = [
        click.option(
            "--as", "name", metavar="NAME", help="Who you are; your password is asked for, or read from standard input."
        ),
        click.option(
            "--token-file",
            "token",
            type=click.File(encoding="utf-8", lazy=True),
            help="Your token with the scope operate, instead of a password.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def person(store: Store, name: str | None, token: Any) -> str:
    """The name of the person whose word it is. Raises NotAuthenticated, InvalidInput."""
    if token is not None:
        return _by_token(store, name, _line(token))
    if name is None:
        raise click.UsageError(_("say who you are: --as NAME, or --token-file FILE"))
    return by_password(store, name)


def by_password(store: Store, name: str) -> str:
    """The name of a person who shows by their password who they are. Raises NotAuthenticated, InvalidInput."""
    from kizuna.store.accounts import Accounts

    user = Accounts(store).check_password(name, _password(name))
    if user is None:
        store.audit("", "login.failed", name[:80], {"remote": "cli"})
        raise NotAuthenticated("the name or the password is wrong")
    return user.name


def _by_token(store: Store, name: str | None, secret: str) -> str:
    from kizuna.store.accounts import Accounts

    found = Accounts(store).find("token", secret)
    known = found is not None and found.user is not None and "operate" in found.scopes
    if found is None or not known or (name is not None and name.casefold() != str(found.user).casefold()):
        raise NotAuthenticated("this is no living token of that person with the scope operate")
    return str(found.user)


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        return _line(sys.stdin)
    return str(click.prompt(_("Password of {name}", name=name), hide_input=True, err=True))


def _line(stream: Any) -> str:
    try:
        return str(stream.readline(_LONGEST)).rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidInput("holds no text in UTF-8", file=getattr(stream, "name", None)) from None
