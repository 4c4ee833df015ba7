"""How commands speak: data on stdout, progress and errors on stderr; colour and bars only on a terminal.

With `--json` every result is one line of JSON and a list is one line per entry; without it a table or a sentence.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

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
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, one line each.")
as_option = click.option("--as", "partner", metavar="PARTNER", help="Only what this partner may read here.")


class NumberRange(click.FloatRange):
    """A number between bounds. Click's own lets NaN through, which is neither below the one nor above the other."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


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
    """Print a remark on stderr."""
    click.echo(clean(text), err=True)


def fail(message: str, code: int) -> int:
    """Print an error on stderr and hand back the exit code."""
    mark = click.style("error:", fg="red", bold=True) if colour() else "error:"
    click.echo(f"{mark} {clean(message)}", err=True, color=colour())
    return code


def colour() -> bool:
    """Whether stderr takes colour: a terminal, and NO_COLOR is not set (no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def clean(text: str) -> str:
    """Make text from outside safe for a terminal: control characters and lone surrogates become visible escapes."""
    return "".join(
        c if c in "\n\t" or (c.isprintable() and unicodedata.category(c) != "Cs") else _escape(c) for c in text
    )


def _escape(character: str) -> str:
    # Spaces of other scripts are not "printable" to Python, yet harmless.
    return character if unicodedata.category(character) == "Zs" else character.encode("unicode_escape").decode()


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str = "nothing") -> int:
    """Show rows as aligned columns, or as JSON lines (whole rows); gives their number."""
    if as_json:
        count = 0
        for row in rows:
            emit(row)
            count += 1
        return count
    cells = [[clean(_cell(row.get(column))) for column in columns] for row in rows]
    if not cells:
        say(empty)
        return 0
    lines = [list(columns), *cells]
    widths = [max(width(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell + " " * (widths[i] - width(cell)) for i, cell in enumerate(line)).rstrip())
    return len(cells)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value).replace("\n", " ").replace("\t", " ")


def width(text: str) -> int:
    """Columns a text takes on a terminal; East Asian wide characters take two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def language() -> str:
    """`ja` when the environment asks for Japanese, else `en` (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    chosen = next((v for v in map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG")) if v), "")
    return "ja" if chosen.lower().startswith("ja") else "en"


Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int | None, *, unit_is_bytes: bool = False) -> Iterator[Advance]:
    """A bar on stderr while a terminal looks on; else silence. Hands out a function that moves it forward."""
    if not sys.stderr.isatty():
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
    target = Path(name).resolve()
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
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
