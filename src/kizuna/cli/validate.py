"""`kizuna validate`: everything that is wrong with STIX files, item by item."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

import click

from kizuna.cli.output import clean, json_option, say, write

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kizuna.stix import Problem, Report

_BLOCK = 1 << 16
_SHOWN_PER_FILE = 1000


@click.command(short_help="Check STIX files against the specification.")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--rules", "list_rules", is_flag=True, help="List every rule, with its section and the test that breaks it.")
@click.option("--warnings", is_flag=True, help="Show each warning, not only how many there are.")
@json_option
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], list_rules: bool, warnings: bool, as_json: bool) -> None:
    """Check STIX 2.1 bundles, lists, TAXII envelopes or single objects; `-` reads standard input.

    A broken MUST is an error, a SHOULD a warning. Exit 0 when everything is valid, warnings or not, else 1.
    """
