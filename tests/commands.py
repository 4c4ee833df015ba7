"""Running commands: in this process for what they say, in one of their own for what they are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.testing import CliRunner

from kizuna.cli import main


class Done(NamedTuple):
    """A command that has run."""

    code: int
    out: str
    err: str

    def lines(self) -> list[dict[str, Any]]:
        """Its output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def last(self) -> dict[str, Any]:
        """The last line."""
        return self.lines()[-1]


Kizuna = Callable[..., Done]
Bundle = Callable[..., bytes]


def kizuna(*arguments: str | Path, input: bytes = b"") -> Done:
    """Run a command in this process; an error that is not Kizuna's own is raised."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], input=input)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def groups_and_leaves() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group, the main one first, with the words that call it."""
    pending: list[tuple[tuple[str, ...], click.Command]] = [((), main)]
    while pending:
        words, command = pending.pop()
        yield words, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                pending.append(((*words, name), found))


LEAVES = {
    " ".join(words): command
    for words, command in sorted(groups_and_leaves(), key=lambda one: one[0])
    if not isinstance(command, click.Group)
}
"""Every command by the words that call it."""


def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "kizuna", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "KIZUNA_LOG": "off", **environment},
    )


def bundle(*objects: dict[str, Any]) -> bytes:
    """A bundle of these objects."""
    return json.dumps(
        {"type": "bundle", "id": "bundle--5b7cd0a4-7a35-4a0b-9a55-4c1b2a0a7d11", "objects": objects}
    ).encode()


def free_port(*, neighbours: int = 2, step: int = 100) -> int:
    """A port that is free, as are those at one and two hundred more."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port < 65_000 and all(_free(port + step * i) for i in range(1, neighbours + 1)):
                return port


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
