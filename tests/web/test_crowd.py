"""Who makes room when a node has as many connections as it takes."""

from __future__ import annotations

import msgspec

from kizuna.web.crowd import Crowd


class One(msgspec.Struct, eq=False):
    """A connection."""

    address: str
    idle_since: float | None
    gone: bool = False

    def leave(self) -> None:
        self.gone = True


def test_of_the_address_with_the_most_the_one_idle_for_longest_leaves() -> None:
    crowd = Crowd(4)
    single, busy = One("192.0.2.1", 0.0), One("192.0.2.2", None)
    many = [One("192.0.2.2", 5.0), One("192.0.2.2", 3.0)]
    for one in (single, busy, *many):
        crowd.enter(one)
    crowd.enter(newest := One("192.0.2.3", 9.0))
    assert [one.gone for one in (single, busy, *many, newest)] == [False, False, False, True, False]


def test_who_is_worked_for_stays() -> None:
    crowd = Crowd(1)
    crowd.enter(busy := One("192.0.2.1", None))
    crowd.enter(newest := One("192.0.2.1", 1.0))
    assert not busy.gone
    assert newest.gone
    busy.idle_since = 2.0
    crowd.enter(another := One("192.0.2.2", 3.0))
    assert busy.gone
    assert not another.gone


def test_who_left_takes_no_room() -> None:
    crowd = Crowd(1)
    first = One("192.0.2.1", 0.0)
    crowd.enter(first)
    crowd.leave(first)
    crowd.leave(first)
    crowd.enter(One("192.0.2.1", 1.0))
    assert not first.gone
