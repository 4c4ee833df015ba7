"""`kizuna demo`: three partner nodes on this machine, each a process with a folder of its own, exchanging real data."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from kizuna.cli.demo_children import NODES, STEP, Children, notes
from kizuna.cli.demo_text import closing, introduction, ready_text
from kizuna.cli.output import NumberRange, emit, json_option, say
from kizuna.errors import NodeBusy


@click.command(short_help="Show three partner nodes exchanging real data.")
@click.option("--port", type=click.IntRange(1, 65535 - 2 * STEP), default=8700, show_default=True, help="Tokyo's port.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the three nodes; goes on where it stopped. Default: a fresh one.",
)
@click.option(
    "--store",
    metavar="URL",
    envvar="KIZUNA_STORE",
    help="postgresql://… of a server: a database for each node, dropped at the end unless --data keeps the nodes.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option("--for", "seconds", type=NumberRange(min=0), metavar="SECONDS", help="Stop after so long.")
@json_option
def command(
    port: int, data: Path | None, store: str | None, no_browser: bool, seconds: float | None, as_json: bool
) -> None:
    """Start three fictional CERTs, in Tokyo, Brussels and Kyiv, with starter data and a fictional scenario.

    Brussels listens at PORT+100, Kyiv at PORT+200. They pin each other's keys, poll each other, and each sees only what
    it may. With --json a node that is ready is one line of JSON. Stop with Ctrl-C.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    _need_free(port + STEP * i for i in range(3))
    folder = (data or Path(tempfile.mkdtemp(prefix="kizuna-demo-"))).absolute()
    if not as_json:
        say(introduction(folder))
    with (
        stop_signals() as stopped,
        _databases(folder, store, keep=data is not None) as stores,
        Children(folder, port, stores) as children,
    ):
        for ready in children.ready(ends, stopped):
            _show(ready, as_json=as_json, browser=not no_browser)
        if not (as_json or stopped):
            told = notes(folder)
            say(closing(folder, told["loosen"], told["story"]))
        children.watch(ends, stopped)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """SIGINT, SIGTERM and SIGHUP put their number on the list instead of ending this process."""
    stopped: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kept = {number: signal.signal(number, note) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def _databases(folder: Path, store: str | None, *, keep: bool) -> Iterator[dict[str, str]]:
    """The address of each node's store by its name; databases that are made here go at the end, unless the nodes stay."""
    from kizuna.store.database import is_postgres

    os.environ.pop("KIZUNA_STORE", None)  # each node has its own
    if not is_postgres(store):
        yield {} if store is None else dict.fromkeys(NODES, store)
        return
    from kizuna.store.postgres.databases import drop_database, make_database

    server = str(store)
    made = {name: make_database(server, name) for name in NODES if not (folder / name.lower() / "node.json").exists()}
    try:
        yield made
    finally:
        for url in () if keep else made.values():
            drop_database(server, url)


def _need_free(ports: Iterator[int] | Any) -> None:
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise NodeBusy(f"port {port} is in use; choose others with --port") from None


def _show(ready: dict[str, Any], *, as_json: bool, browser: bool) -> None:
    if as_json:
        emit(ready)
        return
    say(ready_text(ready))
    if browser and ready["node"] == "Tokyo" and _has_display():
        import webbrowser

        webbrowser.open(ready["login_url"])


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
