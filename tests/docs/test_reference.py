"""The reference of the commands is generated; `KIZUNA_WRITE_DOCS=1 python -m pytest tests/docs` writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from kizuna.cli import main

FILE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"
HEAD = """# Commands

Generated from the commands themselves; `kizuna COMMAND --help` says the same. Data goes to standard output, progress and errors to
standard error; with `--json` a result is one line of JSON and a list one line per entry. Exit codes: [exit-codes.md](exit-codes.md).
"""


def test_the_reference_is_generated() -> None:
    wanted = HEAD + "".join(_pages(main, "kizuna"))
    if os.environ.get("KIZUNA_WRITE_DOCS"):
        FILE.write_text(wanted, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == wanted


def _pages(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    settings = {**command.context_settings, "max_content_width": 100, "terminal_width": 100}
    with click.Context(command, parent=parent, info_name=name, **settings) as context:
        if isinstance(command, click.Group):
            for verb in command.list_commands(context):
                inner = command.get_command(context, verb)
                assert inner is not None
                yield from _pages(inner, verb, context)
        else:
            yield f"\n## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
