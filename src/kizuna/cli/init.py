"""`kizuna init`: make a node."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.country import alpha3
from kizuna.cli.folder import actor
from kizuna.cli.output import emit, node_options, say
from kizuna.cli.words import _
from kizuna.errors import Conflict

if TYPE_CHECKING:
    from kizuna.settings import Settings
    from kizuna.store import Store


@click.command(short_help="Make a node.")
@click.option("--name", help="Short name of the node.")
@click.option("--org", "organisation", help="Name of the organisation.")
@click.option("--country", metavar="CC", help="Country of the organisation, ISO 3166-1, such as JPN or JP.")
@click.option("--community", help="What GREEN without a named community means; default nobody.")
@click.option("--language", type=click.Choice(["en", "ja"]), help="Language of the pages when the reader states none.")
@click.option("--port", type=click.IntRange(1, 65535), default=8700, show_default=True, help="Port to serve on.")
@click.option("--store", metavar="URL", help="sqlite:///FILE or postgresql://…; default: a file in --data.")
@node_options
def command(
    name: str | None,
    organisation: str | None,
    country: str | None,
    community: str | None,
    language: str | None,
    port: int,
    store: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Make a node in --data: its settings, empty store, Ed25519 key and owner. It asks only for what no flag says.

    The owner has no password: `kizuna up` prints a one-time link. No data is loaded; see `kizuna pack`.
    """
    from kizuna.settings import Settings

    settings = Settings(
        name=_answer("name", "--name", name),
        organisation=_answer("organisation", "--org", organisation),
        country=alpha3(_answer("country", "--country", country)),
        identity=f"identity--{uuid.uuid4()}",
        community=community,
        language=language,
        port=port,
        store=store or os.environ.get("KIZUNA_STORE"),
    )
    make_node(data, settings).close()
    if as_json:
        emit({"name": settings.name, "organisation": settings.organisation, "data": str(data)})
    else:
        say(
            _(
                "{name} ({organisation}) is ready in {folder}",
                name=settings.name,
                organisation=settings.organisation,
                folder=data,
            )
        )
        say(_("Serve it: {command}", command=f"kizuna up --data {data}"))


def make_node(folder: Path, settings: Settings) -> Store:
    """Make a node's folder with store, key and owner. Raises Conflict where a node is already."""
    from kizuna.durable import make_folder
    from kizuna.settings import save
    from kizuna.store import create_store
    from kizuna.store.accounts import Accounts
    from kizuna.store.database import is_postgres, store_file
    from kizuna.store.keys import make_key
    from kizuna.store.sqlite.begun import is_begun

    file = None if is_postgres(settings.store) else store_file(folder, settings.store)
    settled = (folder / "node.json").exists()
    if not settled and file is not None and file.parent == folder and file.exists() and is_begun(file):
        for path in _made(folder, file):  # cut off before it was a node; elsewhere it may be another's
            path.unlink(missing_ok=True)
    if settled or (file is not None and file.exists()):
        raise Conflict("there is a node here already; nothing was changed", file=str(folder))
    with _none_by_halves(folder, file):
        make_folder(folder)
        store = create_store(folder, settings)
        make_key(folder)
        Accounts(store).owner(by=actor())
        save(folder, settings)  # last: with its settings there it is a node
    return store


@contextmanager
def _none_by_halves(folder: Path, file: Path | None) -> Iterator[None]:
    """Take away what was made where the rest could not be, so that it can be tried again."""
    there = set(folder.iterdir()) if folder.exists() else None
    try:
        yield
    except BaseException:
        for path in _made(folder, file):
            if there is None or path not in there:
                path.unlink(missing_ok=True)
        if there is None:
            with suppress(OSError):
                folder.rmdir()
        raise


def _made(folder: Path, file: Path | None) -> list[Path]:
    """What a node begins with, its store last."""
    of_store = [] if file is None else [file.with_name(file.name + ending) for ending in ("-wal", "-shm", "")]
    return [folder / "node.json", folder / "node.key", *of_store]


def _answer(what: str, flag: str, given: str | None) -> str:
    if given is None and sys.stdin.isatty() and sys.stderr.isatty():
        given = str(click.prompt(f"Its {what}", err=True))
    if given is None:
        raise click.UsageError(f"Missing option '{flag}'.")
    text = given.strip()
    if not text or len(text) > 200 or not text.isprintable():
        raise click.BadParameter("must be 1 to 200 printable characters", param_hint=flag)
    return text
