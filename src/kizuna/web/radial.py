"""Where the objects around one are drawn: in rings by their distance, each within the sector of the object that leads to it.

The same graph always lies the same way; nothing moves. A ring that cannot hold its objects becomes a band, filled evenly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
HALF = 10_000
"""Coordinates are whole numbers between minus this and this."""
_GAP = 4.0  # between rings, where two objects on a ring are 1 apart
_GOLDEN = (5**0.5 - 1) / 2


def radial(steps: NDArray[Any], links: NDArray[Any]) -> tuple[Whole, Whole]:
    """x and y of objects that are so many steps away, the nearest first; `links` are pairs of their places."""
    far, parents = steps.astype(np.int64), _parents(steps, links)
    levels = [np.flatnonzero(far == step) for step in range(int(far.max(initial=0)) + 1)]
    weights = np.ones(len(far))
    for level in reversed(levels[1:]):
        inner = np.zeros(len(far))
        np.add.at(inner, parents[level], weights[level])
        weights = np.maximum(weights, inner)
    begin, width, radius = np.zeros(len(far)), np.zeros(len(far)), np.zeros(len(far))
    width[0], edge = 2 * np.pi, 0.0
    for level in levels[1:]:
        around = level[np.lexsort((level, parents[level], begin[parents[level]]))]
        _share(around, parents, weights, begin, width)
        edge = _fill(around, edge + _GAP, radius)
    angles = begin + width / 2
    scale = HALF / max(float(radius.max(initial=0)), 1.0)
    return np.rint(radius * np.cos(angles) * scale).astype(np.int64), np.rint(radius * np.sin(angles) * scale).astype(
        np.int64
    )


def _parents(steps: NDArray[Any], links: NDArray[Any]) -> Whole:
    """Of each object the first that leads to it: one step nearer; the first of all where what leads to it is not drawn."""
    none = len(steps)
    parents = np.full(none, none, np.int64)
    for near, other in ((links[:, 0], links[:, 1]), (links[:, 1], links[:, 0])):
        leads = steps[near] + 1 == steps[other]
        np.minimum.at(parents, other[leads], near[leads])
    return np.where(parents == none, 0, parents)


def _share(around: Whole, parents: Whole, weights: Real, begin: Real, width: Real) -> None:
    """Divide the sector of each parent among its children, by what hangs on them."""
    own, of = weights[around], parents[around]
    before = np.cumsum(own) - own
    first = np.r_[True, of[1:] != of[:-1]] if len(of) else np.zeros(0, np.bool_)
    group = np.cumsum(first) - 1
    whole = np.bincount(group, own)[group] if len(of) else own
    begin[around] = begin[of] + width[of] * (before - before[first][group]) / whole
    width[around] = width[of] * own / whole


def _fill(around: Whole, inner: float, radius: Real) -> float:
    """Set the radius of objects in the order of their angles; gives where the next ring may begin."""
    if len(around) <= 2 * np.pi * inner:
        radius[around] = inner
        return inner
    outer = (inner**2 + 2 * len(around) / np.pi) ** 0.5
    filled = (np.arange(len(around)) * _GOLDEN) % 1
    radius[around] = np.sqrt(inner**2 + filled * (outer**2 - inner**2))
    return float(outer)


__all__ = ["HALF", "radial"]
