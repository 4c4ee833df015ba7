"""Many messages encoded at once: as each by itself is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.remote_id import decode, encode, pack
from kizuna.formats.remote_id.blocks import encode_many, pack_many


@given(st.lists(st.tuples(st.floats(0, 359), st.floats(0, 250), st.floats(-90, 90)), min_size=1, max_size=20))
def test_many_are_encoded_as_each_is(rows: list[tuple[float, float, float]]) -> None:
    direction, speed, latitude = (np.array(column) for column in zip(*rows, strict=True))
    many = encode_many(
        "location", {"direction": direction, "speed": speed, "latitude": latitude, "status": 2}, len(rows)
    )
    each = [encode("location", {"direction": d, "speed": s, "latitude": p, "status": 2}) for d, s, p in rows]
    assert many.tobytes() == b"".join(each)
    assert pack_many([many, many])[0].tobytes() == pack([each[0], each[0]])


def test_one_value_stands_for_all_and_unknown_ones_are_among_them() -> None:
    many = encode_many("location", {"latitude": 1.0, "longitude": [2.0, 3.0, 4.0], "height": [5.0, np.nan, 6.0]}, 3)
    found = decode("location", many)
    assert found["latitude"].tolist() == pytest.approx([1.0] * 3)
    assert found["height"].tolist() == pytest.approx([5.0, np.nan, 6.0], nan_ok=True)
    assert np.isnan(found["speed"]).all()


def test_one_value_that_does_not_fit_refuses_all() -> None:
    with pytest.raises(InvalidInput, match="latitude of 300"):
        encode_many("location", {"latitude": [1.0, 300.0]}, 2)


def test_none_are_encoded_as_none() -> None:
    assert encode_many("system", {"area_count": 1}, 0).shape == (0, 25)
