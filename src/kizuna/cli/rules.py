"""`kizuna release rules`: standing rules, in and out as YAML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kizuna.cli.folder import actor, node, trial
from kizuna.cli.output import emit, node_options, note, rows_option, say, table
from kizuna.cli.words import N_, _

if TYPE_CHECKING:
    from kizuna.store.releasing import Releases
    from kizuna.store.standing import Named, Rule

_LARGEST = 1 << 20


@click.group("rules", short_help="Standing rules of what is proposed and what leaves.")
def command() -> None:
    """Standing rules: what is proposed to whom, and what leaves by itself since people said so once.

    A rule is never edited: a change is its next version, which people approve anew with `kizuna release approve --rule`.
    """


@command.command("list", short_help="List the rules.")
@rows_option
@node_options
def list_(data: Path, as_json: bool) -> None:
    """List the newest version of every rule, and whether it counts now."""
    from kizuna.clock import to_text
    from kizuna.store.releasing import Releases
    from kizuna.store.standing import Rules

    with node(data) as store:
        releases, now = Releases(store), store.clock()
        rows = [
            {
                "rule": rule.name, "version": rule.version, "act": rule.terms.act, "counts": rule.counts(now),
                "state": _state(rule, now), "asked": releases.asked_for(rule) if rule.terms.act == "send" else 0,
                "partners": rule.terms.partners, "until": rule.terms.until, "hourly": rule.terms.hourly, "made_by": rule.made_by,
                "made": to_text(rule.made),
            }
            for rule in Rules(store).listed()
        ]  # fmt: skip
    table(
        rows,
        ("rule", "version", "act", "state", "asked", "partners", "until", "hourly", "made_by"),
        as_json=as_json,
        empty=N_("no rule"),
    )


@command.command("show", short_help="Write rules as YAML.")
@click.argument("names", nargs=-1, metavar="[RULE]...")
@node_options
def show(names: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Write rules as YAML, all of them without a name: what `kizuna release rules put` takes."""
    import msgspec
    import yaml

    from kizuna.store.standing import Rules

    with node(data) as store:
        rules = Rules(store)
        found = [rules.named(name) for name in names] if names else rules.listed()
    told = [{"name": rule.name, **msgspec.to_builtins(rule.terms)} for rule in found]
    if as_json:
        for one in told:
            emit(one)
    else:
        click.echo(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), nl=False)


@command.command("put", short_help="Make or change rules.")
@click.argument("file")
@click.option(
    "--dry-run", "dry", is_flag=True, help="Tell what they would propose and let leave now, and change nothing."
)
@node_options
def put(file: str, dry: bool, data: Path, as_json: bool) -> None:
    """Make the rules of a YAML file (- is standard input), or their next versions where they say something else by now.

    One that proposes counts at once. One that sends counts when as many releasers approved it as the strictest of its labels asks for.
    With `--dry-run` it is told how many objects, of all that is held here, each would propose and send to each partner.
    """
    from kizuna.store.releasing import Releases
    from kizuna.store.standing import Rules

    named = _read(file)
    with node(data) as store, trial(store, dry=dry):
        changed = Rules(store).put(named, by=actor())
        releases = Releases(store)
        rows = [_put(releases, rule, dry=dry) for rule in changed]
    if not as_json:
        for one in rows:
            say(str(one.pop("told")))
        if not rows:
            say(_("nothing changed"))
        return
    for one in rows:
        del one["told"]
        emit(one)


def _put(releases: Releases, rule: Rule, *, dry: bool) -> dict[str, object]:
    asked = releases.asked_for(rule) if rule.terms.act == "send" else 0
    row: dict[str, object] = {"rule": rule.name, "version": rule.version, "act": rule.terms.act, "asked": asked}
    if dry:
        row["objects"] = found = releases.would(rule)
        told = ", ".join(f"{partner}: {number:,}" for partner, number in found.items()) or _("no partner")
        word = _("rule {name} would send: {told}") if asked else _("rule {name} would propose: {told}")
        row["told"] = word.format(name=rule.name, told=told)
    elif asked:
        command = f"kizuna release approve --rule {rule.name} --by NAME"
        row["told"] = _(
            "rule {name} counts when {asked} people approved it: {command}",
            name=rule.name,
            asked=asked,
            command=command,
        )
    else:
        row["told"] = _("rule {name} counts from now on", name=rule.name)
    return row


@command.command("remove", short_help="Remove a rule.")
@click.argument("name", metavar="RULE")
@node_options
def remove(name: str, data: Path, as_json: bool) -> None:
    """Let nothing more leave or be proposed by a rule. What left stays with whom it went to."""
    from kizuna.store.standing import Rules

    with node(data) as store:
        rule = Rules(store).remove(name, by=actor())
        left = [one.name for one in Rules(store).listed() if one.counts(store.clock()) and one.terms.act == "send"]
    if as_json:
        emit({"rule": rule.name, "version": rule.version, "removed": True})
        return
    say(_("rule {name} is removed", name=rule.name))
    if not left:
        note(_("no rule sends anything now: whatever leaves waits for people"))


def _state(rule: Rule, now: int) -> str:
    if rule.stopped is not None:
        return "stopped"
    if rule.terms.ends is not None and now >= rule.terms.ends:
        return "expired"
    return "counts" if rule.counts(now) else "waits"


def _read(file: str) -> list[Named]:
    """Rules of a file. Raises InvalidInput."""
    from kizuna.errors import InvalidInput
    from kizuna.formats.plain_yaml import decode
    from kizuna.store.standing import Named

    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=file) from None
    found = decode(raw, list[Named], file=file)
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise InvalidInput("a name occurs twice", file=file)
    return found
