"""The join of labels: allowed by the join exactly when allowed by each."""

from __future__ import annotations

from collections.abc import Iterable

from kizuna.labels.model import Label, Part
from kizuna.labels.policies import PUBLIC, TLP

_PUBLIC = Part(PUBLIC, PUBLIC)
_OPEN = (_PUBLIC, Part(TLP, "CLEAR"))


def join(a: Label, b: Label) -> Label:
    """The weakest label at least as strict as both.

    Every part of both stands, so permissive categories intersect by both having to allow: where nobody satisfies both, the
    label is for nobody, which is not the same as unrestricted. A set intersection of the names would be wrong: somebody in
    {NATO} and {JPN} at once satisfies both though the sets share no name.
    """
    return a if a == b else join_all((a, b))


def join_all(labels: Iterable[Label]) -> Label:
    """The join of labels, at least one, in one step: pair by pair, many would be copied many times."""
    distinct = list(dict.fromkeys(labels))
    if len(distinct) == 1:
        return distinct[0]
    parts = {_with(p, p.originator or label.originator) for label in distinct for p in label.parts if p != _PUBLIC}
    if not parts:  # PUBLIC restricts nothing
        return max(distinct, key=lambda label: label.originator)
    first = min(p.originator or "" for p in parts)
    return Label(first, tuple(_with(p, None) if p.originator == first else p for p in parts))


def restricts(label: Label) -> bool:
    """Whether a label keeps anything from anybody, whoever holds it."""
    return any(_with(part, None) not in _OPEN for part in label.parts)


def _with(part: Part, originator: str | None) -> Part:
    if part.originator == originator:
        return part
    return Part(
        part.policy,
        part.classification,
        part.categories,
        part.community,
        part.persons,
        originator,
        part.starts,
        part.ends,
    )
