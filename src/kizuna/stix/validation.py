"""Everything that is wrong with a source: a bundle, one object, a list of objects or a TAXII envelope."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import Any

import msgspec

from .bundle import bundle_problems
from .checker import CLEAN, check
from .duplicates import Duplicates
from .found import joined
from .problem import WHOLE, Problem
from .reader import Container, Item, ReadLimits, Source, iter_objects
from .rules import problem

_LIMITS = ReadLimits()


class Report(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with one item. Of a container at fault `item` is None; of an unreadable source `id`, too."""

    item: int | None
    id: str | None
    problems: list[Problem]

    @property
    def valid(self) -> bool:
        """Whether there are no errors; warnings do not count."""
        return not any(one.severity == "error" for one in self.problems)


def reports(source: Source, *, limits: ReadLimits = _LIMITS) -> Iterator[Report]:
    """A report on each item, as it is read, and one on the container when it is at fault. Raises OSError."""
    containers: list[Container] = []
    judge = Judge()
    for item in iter_objects(source, limits=limits, on_container=containers.append):
        yield Report(item.index, identifier(item.data), judge(item))
    for container in containers:
        found = container_problems(container)
        if found:
            yield Report(None, identifier(container.header), found)


def unreadable(message: str) -> Report:
    """The report on a source that cannot be read at all."""
    return Report(None, None, [problem("unreadable", WHOLE, message)])


class Judge:
    """Finds all problems of the items of one source, one after the other."""

    def __init__(self) -> None:
        self._duplicates = Duplicates()
        self._conflicts = self._duplicates.conflicts

    @property
    def versions(self) -> Set[int] | None:
        """Numbers that stand for the versions seen, alike in all processes of one run; None when they are too many."""
        return self._duplicates.versions

    def __call__(self, item: Item) -> list[Problem]:
        """The problems of the next item."""
        data = item.data
        if data is None:
            return list(item.problems)
        found = check(data)
        if item.problems:
            found = [*item.problems, *found]
        if self._conflicts(data, item.raw):
            found = [*found, conflict()]
        return found


def conflict() -> Problem:
    """The problem of an object whose id and version came before with other content."""
    return problem("duplicate-version", "id", "an earlier object has this id and version, and other content")


def container_problems(container: Container) -> list[Problem]:
    """What is wrong with what the objects came in."""
    found = bundle_problems(container.header) if container.kind == "bundle" else CLEAN
    return [*container.problems, *found] if container.problems else found


def identifier(data: Any) -> str | None:
    """The id of a decoded object, if it has one."""
    value = data.get("id") if isinstance(data, dict) else None
    return value if isinstance(value, str) else None


def validate(data: bytes | dict[str, Any]) -> list[Problem]:
    """All problems of an object or a bundle; in a container each problem has its item, and paths begin with it."""
    if not isinstance(data, bytes):
        try:
            data = json.dumps(data).encode()
        except (TypeError, ValueError) as error:
            return [problem("not-an-object", WHOLE, f"this is no JSON: {error}")]
        except RecursionError:
            return [problem("too-deep", WHOLE, "nested deeper than this node reads")]
    judge = Judge()
    containers: list[Container] = []
    kept = [(item, judge(item)) for item in iter_objects(data, on_container=containers.append)]
    inside = next((container.kind for container in containers), None)
    found = [_placed(one, item, inside) for item, problems in kept for one in problems]
    for container in containers:
        name = identifier(container.header)
        found.extend(msgspec.structs.replace(one, id=name) for one in container_problems(container))
    return found


def _placed(one: Problem, item: Item, inside: str | None) -> Problem:
    """A problem of an item as a problem of the whole source."""
    path = one.path
    if inside is not None and item.index is not None:
        place = f"[{item.index}]" if inside == "list" else f"objects[{item.index}]"
        path = joined(place, "" if path == WHOLE else path)
    return msgspec.structs.replace(one, path=path, item=item.index, id=identifier(item.data))
