"""What an act would change for partners: it is done, looked at as one of one's own people sees it, and taken back again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from kizuna.labels import Principal
from kizuna.store.database import Connection
from kizuna.store.explaining import Looked, looked_at

if TYPE_CHECKING:
    from kizuna.store.store import Store

PATIENCE = 10.0
"""Seconds after which no further partner is looked at: others wait for their turn to write meanwhile."""


class Would(NamedTuple):
    """How objects leave for a partner before and after an act, by id."""

    partner: str
    before: dict[str, Looked]
    after: dict[str, Looked]


def tried(
    store: Store, ids: Sequence[str], principal: Principal, work: Callable[[], None], *, first: str | None = None
) -> list[Would]:
    """What `work` would change about these objects, for each partner as far as somebody sees, `first` of all for one of them.

    Partners for whom it takes too long are left out. Raises what `work` does; then nothing was done either.
    """
    began = monotonic()
    names = sorted((partner.name for partner in store.partners()), key=lambda name: name != first)
    with store.trial() as act:
        before = _looked(store, act.connection, names, ids, principal, began + PATIENCE)
        work()
        after = _looked(store, act.connection, list(before), ids, principal, began + 2 * PATIENCE)
    return [Would(name, before[name], after[name]) for name in after]


def _looked(
    store: Store, connection: Connection, names: Sequence[str], ids: Sequence[str], principal: Principal, until: float
) -> dict[str, dict[str, Looked]]:
    found: dict[str, dict[str, Looked]] = {}
    for name in names:
        if found and monotonic() > until:
            break
        found[name] = looked_at(store, connection, name, ids, principal)
    return found


__all__ = ["Would", "tried"]
