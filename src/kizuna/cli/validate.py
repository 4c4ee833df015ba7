"""`kizuna validate`: everything that is wrong with STIX files, item by item."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.output import clean, json_option, say, table, write
from kizuna.cli.words import _, language, told
from kizuna.errors import InvalidInput, KizunaError, NotFound
from kizuna.messages import in_japanese

if TYPE_CHECKING:
    from kizuna.stix import Problem, Report
    from kizuna.stix.reader import Source

_GZIP = b"\x1f\x8b"
_RATIO = 100
_BLOCK = 1 << 16
_IN_ONE = 48 << 20


@click.command(short_help="Check STIX files against the specification.")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--rules", "only_rules", is_flag=True, help="List every rule, its section and the test that breaks it.")
@click.option("--warnings", is_flag=True, help="Show each warning, not only how many there are.")
@json_option
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], only_rules: bool, warnings: bool, as_json: bool) -> None:
    """Check STIX 2.1 bundles, lists, TAXII envelopes or single objects; `-` reads standard input.

    A broken MUST is an error, a missed SHOULD a warning. Exit 0 when all is valid, warnings or not, else 1.
    """
    if only_rules:
        _list_rules(as_json=as_json)
    elif not files:
        raise click.UsageError("Missing argument 'FILE...'.", ctx)
    else:
        tell = _tell_json if as_json else _Teller(warnings=warnings)
        valid = [tell(file) for file in files]
        ctx.exit(0 if all(valid) else 1)


def _list_rules(*, as_json: bool) -> None:
    from kizuna.stix import RULES

    columns = ("id", "severity", "section", "text", "test")
    rows = ({column: getattr(rule, column) for column in columns} for rule in RULES.values())
    if not as_json:
        rows = (row | {"text": told(row["text"])} for row in rows)
    table(rows, columns if as_json else columns[:4], as_json=as_json)


def _reports(file: str) -> Iterator[Report]:
    """The reports on one file; one that cannot be read has a single report without item."""
    from kizuna.stix.validation import reports, unreadable

    try:
        with _opened(file) as source:
            yield from reports(source)
    except (KizunaError, OSError) as error:
        yield unreadable(error.message if isinstance(error, KizunaError) else error.strerror or str(error))


@contextmanager
def _opened(file: str) -> Iterator[Source]:
    """What a name stands for; gzip is unpacked. Raises NotFound, InvalidInput, TooLarge or OSError."""
    if file == "-":
        yield sys.stdin.buffer
        return
    path = Path(file)
    if not path.exists():
        raise NotFound("no such file")
    if path.is_dir():
        raise InvalidInput("is a folder")
    with path.open("rb") as handle:
        if handle.peek(2)[:2] != _GZIP:
            yield handle
            return
        from kizuna.formats.stix import Unpacked

        with Unpacked(handle, file, _RATIO) as unpacked:
            yield io.BufferedReader(unpacked)


def _tell_json(file: str) -> bool:
    """A line of JSON for each report; whether all were valid."""
    from kizuna.cli.validate_halves import take_apart, tell_halves
    from kizuna.cli.validate_lines import Lines

    lines = Lines(file)
    parts = take_apart(_text(file))
    if parts is not None:
        return _write(tell_halves(parts, lines))
    return _write(lines(report) for report in _reports(file))


def _text(file: str) -> bytes:
    """The bytes of a plain file of moderate size; empty for any other, which is read piece by piece."""
    try:
        path = Path(file)
        return path.read_bytes() if file != "-" and path.is_file() and path.stat().st_size <= _IN_ONE else b""
    except OSError:
        return b""  # told as the report of the file


def _write(told: Iterable[tuple[bytes, bool]]) -> bool:
    """Write lines as they come; whether all were valid."""
    held: list[bytes] = []
    waiting, valid = 0, True
    for line, good in told:
        held.append(line)
        waiting += len(line)
        # An error is shown at once; what is well may wait for a full block.
        if waiting > _BLOCK or not good:
            write(b"".join(held))
            held, waiting = [], 0
            if not good and valid:
                sys.stdout.flush()
        valid = valid and good
    write(b"".join(held))
    return valid


class _Teller:
    """Tells people, file by file."""

    def __init__(self, *, warnings: bool) -> None:
        self._warnings = warnings

    def __call__(self, file: str) -> bool:
        """Errors one by one, warnings by rule, and a sum; whether all was valid."""
        items = faulty = 0
        warned: Counter[str] = Counter()
        for report in _reports(file):
            items += report.item is not None
            faulty += not report.valid
            warned.update(one.rule for one in report.problems if one.severity == "warning")
            shown = [one for one in report.problems if one.severity == "error" or self._warnings]
            if shown:
                self._show(file, report, shown)
        if not self._warnings:
            self._sum_up(warned)
        objects = _("1 object") if items == 1 else _("{count:,} objects", count=items)
        verdict = _("{count:,} not valid", count=faulty) if faulty else _("all valid")
        say(f"{file}: {objects}, {verdict}, " + _("{count:,} warnings", count=sum(warned.values())))
        return not faulty

    def _show(self, file: str, report: Report, problems: list[Problem]) -> None:
        place = _("the whole") if report.item is None else _("item {item}", item=report.item)
        say(" ".join(filter(None, (f"{file}: {place}", report.id))))
        for one in problems:
            section = _("section {section}", section=one.section)
            say(f"  {_(one.severity)}: {one.path}: {_rule_before(one)}{clean(told(one.message))} ({section})")

    def _sum_up(self, warned: Counter[str]) -> None:
        from kizuna.stix import RULES

        for rule, count in warned.most_common():
            say(f"  {count:,} × {rule}: {told(RULES[rule].text)}")


def _rule_before(one: Problem) -> str:
    """The rule in the reader's language, where there is only English of this very case; as pages tell it."""
    from kizuna.stix import RULES

    if language() == "en" or in_japanese(one.message) is not None:
        return ""
    return f"{told(RULES[one.rule].text)} " if one.rule in RULES else ""
