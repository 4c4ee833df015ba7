"""Messages out of transmissions: single ones, packs, and packs that are cut short or lie about their length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.remote_id.fields import MOST_PACKED, SIZE
from kizuna.formats.remote_id.messages import Unpacked, pack, unpack
from tests.formats.remote_id.tables import messages

NAME, PLACE = messages()


def read(*said: bytes) -> Unpacked:
    data, at, end = b"\xee" * 3, [], []
    for one in said:
        at.append(len(data))
        data += one
        end.append(len(data))
    return unpack(data, np.array(at, np.int64), np.array(end, np.int64))


def test_one_message_or_a_pack_behind_a_counter() -> None:
    found = read(b"\x07" + NAME, b"\x08" + pack([NAME, PLACE]), b"\x09" + PLACE)
    assert [bytes(one) for one in found.block] == [NAME, NAME, PLACE, PLACE]
    assert found.owner.tolist() == [0, 1, 1, 2]
    assert found.counter.tolist() == [7, 8, 9]
    assert not found.refused.any()
    assert not found.lost.any()


@pytest.mark.parametrize("room", range(SIZE + 1))
def test_what_is_shorter_than_a_message_is_refused(room: int) -> None:
    found = read((b"\x07" + PLACE)[:room], b"\x08" + NAME)
    assert found.refused.tolist() == [True, False]
    assert found.owner.tolist() == [1]


@pytest.mark.parametrize(("at", "value"), [(1, 24), (1, 26), (1, 0), (2, 0), (2, 10), (2, 255)])
def test_a_pack_that_cannot_be_is_refused(at: int, value: int) -> None:
    said = bytearray(pack([NAME, PLACE]))
    said[at] = value
    found = read(b"\x07" + bytes(said))
    assert found.refused.tolist() == [True]
    assert len(found.block) == 0


def test_a_pack_cut_short_gives_what_is_there() -> None:
    said = b"\x07" + pack([NAME, PLACE, NAME])
    found = read(said[:-1], said[:-25], said[:-26])
    assert found.lost.tolist() == [1, 1, 2]
    assert found.owner.tolist() == [0, 0, 1, 1, 2]


def test_what_stands_behind_a_pack_is_no_message_of_it() -> None:
    found = read(b"\x07" + pack([NAME]) + PLACE)
    assert [bytes(one) for one in found.block] == [NAME]


@given(
    st.lists(
        st.binary(max_size=300) | st.builds(lambda rest: b"\0\xf2\x19" + rest, st.binary(max_size=260)),
        min_size=1,
        max_size=6,
    )
)
def test_any_bytes_give_whole_messages(said: list[bytes]) -> None:
    found = read(*said)
    assert found.block.shape == (len(found.owner), SIZE)
    count = np.bincount(found.owner, minlength=len(said))
    assert (count <= MOST_PACKED).all()
    assert (count * SIZE <= [len(one) for one in said]).all()
    assert (count[found.refused] == 0).all()
    assert ((found.lost >= 0) & (found.lost <= MOST_PACKED)).all()
