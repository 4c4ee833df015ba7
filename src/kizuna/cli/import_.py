"""`kizuna import`: STIX objects from files into the node, whatever else is wrong in the files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.job import background_option, put
from kizuna.cli.output import Advance, emit, node_options, progress, say, store_option, trouble
from kizuna.cli.strangers import tell_of_strangers, tell_of_unknown_areas
from kizuna.cli.words import _, told
from kizuna.errors import KizunaError

if TYPE_CHECKING:
    from kizuna.settings import Limits
    from kizuna.stix import Problem
    from kizuna.store import Outcome, Store, Writer

PARTLY = 6


@click.command(short_help="Store STIX objects from files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--label", metavar="LABEL", help="Label of objects that state none; a stated one is joined with it.")
@click.option("--area", help="Programme area the objects serve.")
@background_option
@store_option
@node_options
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    label: str | None,
    area: str | None,
    as_job: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Store the objects of STIX bundles, lists, TAXII envelopes or single objects; `-` reads standard input.

    Files ending in .gz are unpacked. A LABEL is such as "TLP:GREEN community=EU" or "TLP:AMBER to=JPN". What is wrong
    is reported item by item and stops nothing else: exit 6 when some items failed, 1 when all did. With --job each file,
    of at most 64 MiB, is kept for the served node to import.
    """
    if as_job:
        with node(data) as store:
            _leave(store, files, label, area, as_json=as_json)
        return
    began = time.monotonic()
    with node(data) as store:
        counts = _import(store, files, label, area, as_json=as_json)
        store.audit(actor(), "import", ", ".join(files)[:500], counts)
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        emit({**counts, "seconds": seconds})
    else:
        say(
            _(
                "{imported:,} imported, {unchanged:,} unchanged, {failed:,} failed in {seconds:.1f} s",
                seconds=seconds,
                **counts,
            )
        )
    if counts["failed"]:
        ctx.exit(PARTLY if counts["imported"] or counts["unchanged"] else 1)


def _import(
    store: Store, files: Iterable[str], label: str | None, area: str | None, *, as_json: bool
) -> dict[str, int]:
    from kizuna.labels import parse_label

    organisation, community = store.organisation, store.settings.community
    stated = parse_label(label, originator=organisation, community=community) if label is not None else None
    if stated is not None:
        tell_of_strangers(stated, store)
    tell_of_unknown_areas([area] if area else [])
    writer = store.writer(store.own_source(), label=stated, area=area)
    counts = Counter(imported=0, unchanged=0, failed=0)
    names = tuple(files)
    with progress(_("importing"), _size(names), unit_is_bytes=True) as advance:
        for file in names:
            for report in _outcomes(writer, file, store.settings.limits, advance):
                counts[report["status"]] += 1
                if report["status"] == "failed":
                    _tell(report, as_json=as_json)
    return dict(counts)


def _leave(store: Store, files: Iterable[str], label: str | None, area: str | None, *, as_json: bool) -> None:
    from kizuna.errors import TooLarge
    from kizuna.labels import parse_label

    if label is not None:
        tell_of_strangers(parse_label(label, originator=store.organisation, community=store.settings.community), store)
    tell_of_unknown_areas([area] if area else [])
    most = store.settings.limits.split_above
    for file in files:
        with click.open_file(file, "rb") as handle:
            text = handle.read(most + 1)
        if len(text) > most:
            raise TooLarge(f"is larger than {most} bytes, which no job takes; import it without --job", file=file)
        stated = {"label": label, "area": area, "file": file}
        put(store, "import", {key: value for key, value in stated.items() if value is not None}, text, as_json=as_json)


def _outcomes(writer: Writer, file: str, limits: Limits, advance: Advance) -> Iterator[dict[str, Any]]:
    from kizuna.formats.stix import bring_in

    seen = writer.taken
    try:
        for outcome in bring_in(writer, file, limits):
            if writer.taken != seen:
                advance(writer.taken - seen)
                seen = writer.taken
            yield {"status": outcome.status, "file": file, **_failure(outcome)}
    except (KizunaError, OSError) as error:
        # Given up on this file; what was acknowledged before stays.
        message = error.message if isinstance(error, KizunaError) else error.strerror or str(error)
        place = error.path if isinstance(error, KizunaError) else None
        problem = {"path": place or "$", "message": message, "section": ""}
        yield {"status": "failed", "file": file, "item": None, "id": None, "errors": [problem]}


def _failure(outcome: Outcome) -> dict[str, Any]:
    if outcome.status != "failed":
        return {}
    errors = [_problem(problem) for problem in outcome.problems if problem.severity == "error"]
    return {"item": outcome.index, "id": outcome.id, "errors": errors}


def _problem(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "message": problem.message, "section": problem.section}


def _tell(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit({key: report[key] for key in ("file", "item", "id", "errors")})
        return
    place = report["file"]
    if report["item"] is not None:
        place = _("{file}, item {item}", file=place, item=report["item"])
    for error in report["errors"]:
        section = f" ({_('section {section}', section=error['section'])})" if error["section"] else ""
        trouble(f"{place}, {error['path']}: {told(error['message'])}{section}")


def _size(files: Iterable[str]) -> int | None:
    paths = [Path(file) for file in files]
    if any(str(path) == "-" or path.suffix == ".gz" or not path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)
