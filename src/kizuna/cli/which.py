"""Which objects a command is about: IDs, or what a search finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from kizuna.cli.output import F
from kizuna.cli.words import _


def which(most: int = 100_000) -> Callable[[F], F]:
    """The arguments and options by which objects are named or looked for."""
    options: list[Callable[[F], F]] = [
        click.argument("ids", nargs=-1, metavar="[ID]..."),
        click.option("--search", "text", metavar="TEXT", help="What holds all the words of TEXT, newest first."),
        click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type; may be repeated."),
        click.option("--area", help="Only this programme area."),
        click.option(
            "--limit", type=click.IntRange(1, most), default=1_000, show_default=True, help="At most so many."
        ),
    ]

    def decorated(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


def is_search(ids: tuple[str, ...], *, must: bool, **search: Any) -> bool:
    """Whether a search is asked for, and not IDs; with `must` one of the two is. Raises click.UsageError when both are."""
    limited = click.get_current_context().get_parameter_source("limit") is not ParameterSource.DEFAULT
    said = limited or any(value not in (None, ()) for value in search.values())
    if (ids and said) or (must and not ids and not said):
        raise click.UsageError(_("give IDs, or say what to look for"))
    return not ids
