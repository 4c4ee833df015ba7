"""How commands speak: data on stdout, progress and errors on stderr; colour and bars only on a terminal.

With `--json` every result is one line of JSON and a list is one line per entry; without it a table or a sentence. How
a command speaks (`--quiet`, `--verbose`, `--format`) is kept in click's context, so that what speaks need not be told.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import click

from kizuna.cli.words import N_, _, width
from kizuna.durable import whole
from kizuna.errors import InvalidInput

F = TypeVar("F", bound=Callable[..., Any])


def default_folder() -> Path:
    """Where a node lives when neither `--data` nor `KIZUNA_DATA` says: the user's data folder (XDG)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "kizuna"


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="KIZUNA_DATA",
    default=default_folder,
    show_default="the user's data folder",
    help="Folder of the node.",
)
_MANNER = "kizuna."
FORMATS = ("table", "json", "jsonl", "csv")


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    context.meta[f"{_MANNER}{parameter.name}"] = value


def json_option(function: F) -> F:
    """`--json`, and how much a command says besides its results: every command has these."""
    options = (
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one line each."),
        click.option(
            "-q", "--quiet", is_flag=True, expose_value=False, callback=_keep, help="Only results and errors."
        ),
        click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_keep, help="Say more on stderr."),
        click.option("--no-color", is_flag=True, expose_value=False, callback=_keep, help="No colours."),
    )
    for option in reversed(options):
        function = option(function)
    return function


dry_option = click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
rows_option = click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    expose_value=False,
    callback=_keep,
    help="How rows are written; --json is jsonl.",
)


def manner(name: str) -> Any:
    """What the running command was told of `quiet`, `verbose` or `format`; None outside of one."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(f"{_MANNER}{name}")


as_option = click.option("--as", "partner", metavar="PARTNER", help="Only what this partner may read here.")


class NumberRange(click.FloatRange):
    """A number between bounds. Click's own lets NaN through, which is neither below the one nor above the other."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


STORE = "KIZUNA_STORE"


def store_option(function: F) -> F:
    """`--store URL`: where the rows are, instead of where the settings say; processes of this one follow."""

    @wraps(function)
    def called(*args: Any, store: str | None, **more: Any) -> Any:
        before = os.environ.get(STORE)
        if store is not None:
            os.environ[STORE] = store
        try:
            return function(*args, **more)
        finally:
            os.environ.pop(STORE, None)
            if before is not None:
                os.environ[STORE] = before

    option = click.option(
        "--store", metavar="URL", help="sqlite:///FILE or postgresql://…; default: the setting, a file in --data."
    )
    return cast("F", option(called))


def node_options(function: F) -> F:
    """`--data` and `--json`, which every command on a node has."""
    return data_option(json_option(function))


def emit(data: Any) -> None:
    """Write one line of JSON (of a dict or a struct) to stdout and flush it."""
    import msgspec  # a third of the time of `kizuna --help`, which does not need it

    try:
        line = msgspec.json.encode(data)
    except UnicodeEncodeError:  # the name of a file need not be text
        import json

        line = json.dumps(msgspec.to_builtins(data), ensure_ascii=False).encode("utf-8", "replace")
    write(line + b"\n")
    sys.stdout.flush()


def write(data: bytes) -> None:
    """Write bytes to stdout, in order with what was printed."""
    sys.stdout.flush()
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(data.decode())
    else:
        stream.write(data)


def say(text: str) -> None:
    """Print a line for people."""
    click.echo(clean(text))


def note(text: str) -> None:
    """Print a remark on stderr, which `--quiet` leaves out."""
    if not manner("quiet"):
        click.echo(clean(text), err=True)


def detail(text: str) -> None:
    """Print on stderr what only `--verbose` asks for, and `--quiet` does not."""
    if manner("verbose") and not manner("quiet"):
        click.echo(clean(text), err=True)


def trouble(text: str) -> None:
    """Print on stderr what went wrong with one of many, however quiet."""
    click.echo(_line(text), err=True)


def fail(message: str, code: int) -> int:
    """Print an error on stderr and hand back the exit code."""
    coloured = colour()
    mark = click.style(_("error:"), fg="red", bold=True) if coloured else _("error:")
    click.echo(f"{mark} {_line(message)}", err=True, color=coloured)
    return code


def colour() -> bool:
    """Whether stderr takes colour: a terminal, and neither NO_COLOR (no-color.org) nor `--no-color` is set."""
    wanted = not (os.environ.get("NO_COLOR") or manner("no_color"))
    return wanted and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def clean(text: str) -> str:
    """Make text from outside safe for a terminal: control characters and lone surrogates become visible escapes."""
    return "".join(
        c if c in "\n\t" or (c.isprintable() and unicodedata.category(c) != "Cs") else _escape(c) for c in text
    )


def _line(text: str) -> str:
    """One line, whatever is named in it."""
    return clean(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(character: str) -> str:
    # Spaces of other scripts are not "printable" to Python, yet harmless.
    return character if unicodedata.category(character) == "Zs" else character.encode("unicode_escape").decode()


def table(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str = N_("nothing")
) -> int:
    """Show rows as aligned columns, or whole as `--json` or `--format` say; gives their number."""
    form = "jsonl" if as_json else manner("format") or "table"
    if form == "jsonl":
        count = 0
        for row in rows:
            emit(row)
            count += 1
        return count
    held = list(rows)
    if form == "json":
        emit(held)
    elif form == "csv":
        _csv(held, columns)
    elif held:
        _aligned([list(columns), *([clean(_cell(row.get(column))) for column in columns] for row in held)])
    else:
        say(_(empty))
    return len(held)


def plain_rows() -> bool:
    """Whether rows alone are wanted, for a program to read, and no sentence around them."""
    return manner("format") not in (None, "table")


def _aligned(lines: list[list[str]]) -> None:
    widths = [max(width(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(line)).rstrip())


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Whole rows after RFC 4180; a list is its members with commas, and what is not known is empty."""
    import csv
    import io

    names = list(rows[0]) if rows else list(columns)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: "" if row[name] is None else _listed(row[name]) for name in names} for row in rows)
    write(text.getvalue().encode("utf-8", "replace"))
    sys.stdout.flush()


def _cell(value: Any) -> str:
    return "-" if value is None else _listed(value).replace("\n", " ").replace("\t", " ")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int | None, *, unit_is_bytes: bool = False) -> Iterator[Advance]:
    """A bar on stderr while a terminal looks on; else silence. Hands out a function that moves it forward."""
    if not sys.stderr.isatty() or manner("quiet"):
        yield lambda _amount: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn() if unit_is_bytes else MofNCompleteColumn()
    console = Console(stderr=True, no_color=not colour())
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda step: bar.update(task, advance=step)


@contextmanager
def output_file(name: str) -> Iterator[Callable[[bytes], object]]:
    """A function that writes to the named file, whole or not at all; `-` is stdout, a device or pipe is written to."""
    try:
        target = Path(name).resolve()
    except (OSError, RuntimeError):  # the latter before Python 3.13
        raise InvalidInput("cannot be written: its links go round in a loop", file=name) from None
    if name == "-":
        yield write
    elif target.is_dir():
        raise InvalidInput("is a folder", file=name)
    elif target.exists() and not target.is_file():
        with target.open("wb") as handle:
            yield handle.write
    else:
        try:
            with _whole_file(target) as handle:
                yield handle.write
        except OSError as error:
            raise InvalidInput(f"cannot be written: {error.strerror}", file=name) from None


@contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    # What leaves a node may be restricted: only its owner reads it.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with whole(target, part, descriptor) as handle:
        yield handle
