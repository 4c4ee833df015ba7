"""How much a partner may send within an hour of the clock, counted by all processes of a node together.

What is begun while the hour's share is not used up is taken whole, so that nothing is torn and nothing is too large for ever; what goes
beyond is counted against the hours that follow. So one hour may exceed its share by one request or page of each process, and the
average does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kizuna.errors import QuotaReached
from kizuna.store.database import Connection
from kizuna.store.model import Partner

if TYPE_CHECKING:
    from kizuna.store.store import Store

HOUR = 3600


class Used(NamedTuple):
    """What counts against an hour, in hours since 1970."""

    hour: int
    objects: int
    bytes: int


def quota_of(store: Store, partner: Partner) -> tuple[int | None, int | None]:
    """Objects and bytes that a partner may send in an hour; None is as many as it likes."""
    limits = store.settings.limits
    return partner.quota_objects or limits.quota_objects, partner.quota_bytes or limits.quota_bytes


def pause(store: Store, name: str) -> int:
    """Seconds until a partner may send more, 0 where it may now. Raises NotFound."""
    partner = store.partner(name)
    quota = quota_of(store, partner)
    used = _used(store, store.database.read(), partner.name, quota)
    hours = max(_hours(used.objects, quota[0]), _hours(used.bytes, quota[1]))
    return (used.hour + hours) * HOUR - store.clock() // 1_000_000 if hours else 0


def may_send(store: Store, name: str) -> None:
    """Raise QuotaReached where a partner has sent as much as it may for now."""
    if seconds := pause(store, name):
        raise QuotaReached(f"as much came as may within an hour; send the rest in {seconds} s", seconds=seconds)


def count(store: Store, name: str, objects: int, size: int) -> None:
    """Count what a partner sent. Raises NotFound."""
    partner = store.partner(name)
    quota = quota_of(store, partner)
    if quota == (None, None):
        return
    with store.database.write(durable=False) as connection:
        used = _used(store, connection, partner.name, quota)
        connection.execute(
            "insert into sent values (?,?,?,?) on conflict(partner) do update "
            "set hour=excluded.hour, objects=excluded.objects, bytes=excluded.bytes",
            (partner.name, used.hour, used.objects + objects, used.bytes + size),
        )


def _used(store: Store, connection: Connection, name: str, quota: tuple[int | None, int | None]) -> Used:
    """What counts against this hour: what was sent in it, and what earlier hours had too much."""
    now = store.clock() // 1_000_000 // HOUR
    row = connection.execute("select hour, objects, bytes from sent where partner=?", (name,)).fetchone()
    if row is None:
        return Used(now, 0, 0)
    before = Used._make(row)
    passed = max(0, now - before.hour)  # a clock that goes back gives nothing
    # Clocks of two machines may be an hour apart by a second; one that went back further holds nobody up until it is there again.
    newest = before.hour if before.hour == now + 1 else now
    left = [
        0 if share is None else max(0, value - passed * share) for value, share in zip(before[1:], quota, strict=True)
    ]
    return Used(newest, left[0], left[1])


def _hours(used: int, share: int | None) -> int:
    return 0 if share is None else used // share
