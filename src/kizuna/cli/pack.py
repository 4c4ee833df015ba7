"""`kizuna pack`: starter data that ships with Kizuna."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kizuna.cli.folder import actor, node
from kizuna.cli.output import emit, json_option, node_options, rows_option, say, table, trouble
from kizuna.cli.words import _

if TYPE_CHECKING:
    from kizuna.formats.pack import Pack
    from kizuna.labels import Group
    from kizuna.store import Outcome, Store

PARTLY = 6


@click.group(short_help="Starter data: frameworks, groups, programme.")
def command() -> None:
    """Starter data with its licences: frameworks, groups and their members, regions, the programme."""


@command.command("list", short_help="List the packs that ship.")
@rows_option
@json_option
def list_(as_json: bool) -> None:
    """List every pack with its licence and source."""
    from kizuna.cli.words import language
    from kizuna.formats.pack import available

    rows = [
        {
            "name": pack.name,
            "kind": pack.kind,
            "title": pack.manifest.title.ja if language() == "ja" else pack.manifest.title.en,
            "version": pack.manifest.version,
            "licence": pack.manifest.licence,
            "source": pack.manifest.source,
        }
        for pack in available()
    ]
    table(rows, ("name", "kind", "title", "version", "licence"), as_json=as_json)


@command.command("add", short_help="Load a pack into the node.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@node_options
@click.pass_context
def add(ctx: click.Context, names: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Load packs; one that is there already changes nothing."""
    from kizuna.formats.pack import load

    packs = [load(name) for name in names]
    failed = 0
    with node(data) as store:
        for pack in packs:
            counts = Counter(imported=0, unchanged=0, failed=0)
            for outcome in add_pack(store, pack):
                counts[outcome.status] += 1
                if outcome.status == "failed":
                    _tell(pack.name, outcome)
            store.audit(actor(), "pack", pack.name, {**counts, "version": pack.manifest.version})
            failed += counts["failed"]
            report: dict[str, Any] = {"pack": pack.name, **counts}
            if as_json:
                emit(report)
            else:
                say(f"{pack.name}: {_became(pack, counts)}")
                say(pack.manifest.notice)
    if failed:
        ctx.exit(PARTLY)


def add_pack(store: Store, pack: Pack) -> Iterator[Outcome]:
    """Load a pack: its groups, then its objects as the pack's own. Programme and regions are read where they lie."""
    from kizuna.labels import parse_label
    from kizuna.stix import iter_objects

    manifest = pack.manifest
    if pack.kind == "groups":
        for group in groups_of(pack):
            store.put_group(group)
    default = parse_label(manifest.label, originator=manifest.originator)
    source = store.pack_source(pack.name, manifest.originator, default)
    writer = store.writer(source, area=manifest.area, known_problems=pack.known_problems)
    if pack.kind == "stix":
        for bundle in pack.objects():
            yield from writer.add(iter_objects(bundle))


def groups_of(pack: Pack) -> Iterator[Group]:
    """The groups of a pack as labels decide by them."""
    from kizuna.labels import Group

    for entry in pack.groups():
        members = [(member.country or member.organisation, member.from_, member.until) for member in entry.members]
        named = tuple((name, start, end) for name, start, end in members if name)
        yield Group(entry.group, named, {"en": entry.name.en, "ja": entry.name.ja})


def _became(pack: Pack, counts: Counter[str]) -> str:
    if pack.kind == "groups":
        return _("{count:,} groups", count=sum(1 for one in groups_of(pack)))
    if pack.kind != "stix":
        return _("read where it lies")
    return _("{imported:,} imported, {unchanged:,} unchanged, {failed:,} failed", **counts)


def _tell(pack: str, outcome: Outcome) -> None:
    for problem in outcome.problems:
        if problem.severity == "error":
            trouble(_("{file}, item {item}", file=pack, item=outcome.index) + f", {problem.path}: {problem.message}")
