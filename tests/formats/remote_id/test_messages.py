"""Messages: each field by vectors worked out from ASTM F3411-22a, section 5.4.5, and properties of encoding and decoding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput
from kizuna.formats.remote_id import decode, encode, faults, pack, text
from kizuna.formats.remote_id.fields import FASTEST, FIELDS, SIZE, TYPES, Field, Message

NUMBER = {name: number for number, name in TYPES.items()}


def block(*messages: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.frombuffer(b"".join(messages), dtype=np.uint8).reshape(-1, SIZE)


def read(message: Message, raw: bytes) -> dict[str, Any]:
    return {name: column[0] for name, column in decode(message, block(raw)).items()}


def with_bytes(message: Message, at: int, part: str) -> bytes:
    """A message of zeros but for its type and these bytes."""
    raw = bytearray(SIZE)
    raw[0] = NUMBER[message] << 4 | 2
    data = bytes.fromhex(part)
    raw[at : at + len(data)] = data
    return bytes(raw)


VECTORS: list[tuple[Message, int, str, str, Any]] = [
    ("basic-id", 1, "12", "id_type", 1),
    ("basic-id", 1, "12", "aircraft", 2),
    ("basic-id", 1, "4f", "id_type", 4),
    ("basic-id", 1, "4f", "aircraft", 15),
    ("basic-id", 2, "314142434530343034343541433030343431380000", "id", b"1ABCE040445AC004418"),
    ("location", 1, "20", "status", 2),
    ("location", 1, "04", "height_reference", 1),
    ("location", 1, "08", "height_reference", 0),
    ("location", 1, "005a", "direction", 90.0),
    ("location", 1, "025a", "direction", 270.0),
    ("location", 1, "00b3", "direction", 179.0),
    ("location", 1, "0200", "direction", 180.0),
    ("location", 1, "02b3", "direction", 359.0),
    ("location", 1, "02b4", "direction", 0.0),
    ("location", 1, "02b5", "direction", math.nan),
    ("location", 1, "02ff", "direction", math.nan),
    ("location", 1, "000000", "speed", 0.0),
    ("location", 1, "000001", "speed", 0.25),
    ("location", 1, "0000ff", "speed", 63.75),
    ("location", 1, "010000", "speed", 63.75),
    ("location", 1, "010001", "speed", 64.5),
    ("location", 1, "0100fe", "speed", 254.25),
    ("location", 1, "0100ff", "speed", math.nan),
    ("location", 4, "7c", "vertical_speed", 62.0),
    ("location", 4, "84", "vertical_speed", -62.0),
    ("location", 4, "7e", "vertical_speed", math.nan),
    ("location", 4, "ff", "vertical_speed", -0.5),
    ("location", 5, "00e9a435", "latitude", 90.0),
    ("location", 5, "00175bca", "latitude", -90.0),
    ("location", 5, "9ff3211c", "latitude", 47.1987103),
    ("location", 9, "00d2496b", "longitude", 180.0),
    ("location", 9, "ffffffff", "longitude", -1e-7),
    ("location", 13, "0000", "pressure_altitude", math.nan),
    ("location", 13, "d007", "pressure_altitude", 0.0),
    ("location", 15, "0100", "geodetic_altitude", -999.5),
    ("location", 17, "ffff", "height", 31_767.5),
    ("location", 19, "6c", "vertical_accuracy", 6),
    ("location", 19, "6c", "horizontal_accuracy", 12),
    ("location", 20, "43", "pressure_accuracy", 4),
    ("location", 20, "43", "speed_accuracy", 3),
    ("location", 21, "4b24", "second", 929.1),
    ("location", 21, "a08c", "second", 3600.0),
    ("location", 21, "ffff", "second", math.nan),
    ("location", 23, "05", "time_accuracy", 0.5),
    ("location", 23, "f0", "time_accuracy", math.nan),
    ("authentication", 1, "3a", "authentication", 3),
    ("authentication", 1, "3a", "page", 10),
    ("authentication", 2, "0a", "last_page", 10),
    ("authentication", 3, "ff", "length", 255),
    ("authentication", 4, "00e1f505", "signed", 100_000_000),
    ("self-id", 1, "01", "description_type", 1),
    ("self-id", 2, "53757276657900", "description", b"Survey"),
    ("system", 1, "04", "classification", 1),
    ("system", 1, "1d", "classification", 7),
    ("system", 1, "02", "operator_place", 2),
    ("system", 2, "0080f0fa", "operator_latitude", -8.4901888),
    ("system", 6, "80969800", "operator_longitude", 1.0),
    ("system", 10, "e803", "area_count", 1000),
    ("system", 12, "ff", "area_radius", 2550.0),
    ("system", 13, "d107", "area_ceiling", 0.5),
    ("system", 15, "d007", "area_floor", 0.0),
    ("system", 17, "27", "category", 2),
    ("system", 17, "27", "class", 7),
    ("system", 18, "0000", "operator_altitude", math.nan),
    ("system", 18, "a00f", "operator_altitude", 1000.0),
    ("system", 20, "00000000", "stated", math.nan),
    ("system", 20, "80510100", "stated", 86_400.0),
    ("operator-id", 1, "00", "operator_id_type", 0),
    ("operator-id", 2, "46494e383761737472646765", "operator_id", b"FIN87astrdge"),
]


@pytest.mark.parametrize(("message", "at", "part", "name", "value"), VECTORS)
def test_a_field_reads_as_the_standard_says(message: Message, at: int, part: str, name: str, value: Any) -> None:
    found = read(message, with_bytes(message, at, part))[name]
    if isinstance(value, bytes):
        assert found == value
    else:
        assert found == pytest.approx(value, abs=1e-9, nan_ok=True)


def test_what_a_real_aircraft_sent_reads_whole() -> None:
    """A location message as a real aircraft on the ground sent it (protocol version 0)."""
    found = read("location", bytes.fromhex("10205400009af3211cde20340500000000d00700005f240000"))
    known = {name: value for name, value in found.items() if value == value}
    assert known == {
        "status": 2, "height_reference": 0, "direction": 84.0, "speed": 0.0, "vertical_speed": 0.0,
        "latitude": pytest.approx(47.1987098), "longitude": pytest.approx(8.7302366), "height": 0.0,
        "vertical_accuracy": 0, "horizontal_accuracy": 0, "pressure_accuracy": 0, "speed_accuracy": 0,
        "second": pytest.approx(931.1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "names"),
    [("location", ("latitude", "longitude")), ("system", ("operator_latitude", "operator_longitude"))],
)
def test_a_place_of_zero_by_zero_is_none(message: Message, names: tuple[str, str]) -> None:
    assert all(np.isnan(read(message, encode(message, {}))[name]) for name in names)
    on_the_equator = read(message, encode(message, dict(zip(names, (0.0, 9.0), strict=True))))
    assert [on_the_equator[name] for name in names] == [0.0, pytest.approx(9.0)]


@pytest.mark.parametrize("message", FIELDS)
def test_what_is_left_out_is_unknown(message: Message) -> None:
    for name, value in read(message, encode(message, {})).items():
        field = next((one for one in FIELDS[message] if one.name == name), None)
        if field is None or field.unknown is not None:
            assert np.isnan(value)


def numbers(field: Field) -> st.SearchStrategy[float]:
    """Values that the field can hold, known ones."""
    if field.kind == "bits":
        low, high = (1 if field.unknown == 0 else 0), (1 << field.width) - 1
        return st.integers(low, high).map(lambda raw: raw * field.scale + field.base)
    bits, signed = int(field.kind[1:]), field.kind[0] == "i"
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    raws = st.integers(low, high).filter(lambda raw: raw != field.unknown)
    values = raws.map(lambda raw: raw * field.scale + field.base)
    if field.low is None or field.high is None:
        return values
    return values | st.floats(field.low, field.high)


PLAIN = [
    (message, field)
    for message in FIELDS
    for field in FIELDS[message]
    if field.kind not in ("text", "bytes") and field.name not in ("west", "fast", "direction_raw", "speed_raw")
]


@pytest.mark.parametrize(("message", "field"), PLAIN, ids=lambda one: getattr(one, "name", one))
@given(data=st.data())
def test_a_number_comes_back_within_its_resolution(message: Message, field: Field, data: st.DataObject) -> None:
    value = data.draw(numbers(field))
    beside = {"latitude": 1.0, "longitude": 1.0, "operator_latitude": 1.0, "operator_longitude": 1.0}
    given_too = {one.name: beside[one.name] for one in FIELDS[message] if one.name in beside}
    found = read(message, encode(message, {**given_too, field.name: value}))[field.name]
    if field.unknown is not None and round((value - field.base) / field.scale) == field.unknown:
        assert np.isnan(found)
    else:
        assert abs(float(found) - value) <= field.scale / 2 + 1e-9


@given(st.floats(0, 360, exclude_max=True))
def test_a_direction_comes_back_within_half_a_degree(direction: float) -> None:
    found = read("location", encode("location", {"direction": direction}))["direction"]
    assert 0 <= found < 360
    assert abs((found - direction + 180) % 360 - 180) <= 0.5


@given(st.floats(0, FASTEST))
def test_a_speed_comes_back_within_its_step(speed: float) -> None:
    found = read("location", encode("location", {"speed": speed}))["speed"]
    assert abs(found - speed) <= (0.125 if speed <= 63.75 else 0.375)


@pytest.mark.parametrize(
    ("speed", "raw"),
    [(63.75, (0, 255)), (63.76, (1, 0)), (64.2, (1, 1)), (254.25, (1, 254)), (254.2, (1, 254)), (None, (1, 255))],
)
def test_fast_speeds_have_the_larger_step(speed: float | None, raw: tuple[int, int]) -> None:
    message = encode("location", {"speed": speed})
    assert (message[1] & 1, message[3]) == raw


@pytest.mark.parametrize(
    ("direction", "raw"),
    [(0, (0, 0)), (179.4, (0, 179)), (179.6, (1, 0)), (359.4, (1, 179)), (359.6, (0, 0)), (None, (1, 181))],
)
def test_west_is_a_bit_of_its_own(direction: float | None, raw: tuple[int, int]) -> None:
    message = encode("location", {"direction": direction})
    assert (message[1] >> 1 & 1, message[2]) == raw


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20))
def test_a_text_comes_back(name: str) -> None:
    assert text(read("basic-id", encode("basic-id", {"id": name}))["id"]) == name


@pytest.mark.parametrize(
    ("raw", "shown"), [(b"AB\0CD", "AB"), (b"AB  ", "AB"), (b"", ""), (b"a\xff\n", "a\\xff\\x0a"), (b"\0A", "")]
)
def test_a_text_is_shown_in_ascii(raw: bytes, shown: str) -> None:
    assert text(raw) == shown


def test_signatures_keep_their_last_zeros() -> None:
    data = bytes(range(1, 15)) + bytes(3)
    assert decode("authentication", block(encode("authentication", {"data": data})))["data"][0].tobytes() == data


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("location", {"speed": 254.3}),
        ("location", {"speed": -0.1}),
        ("location", {"vertical_speed": 64.0}),
        ("location", {"latitude": 215.0}),
        ("location", {"latitude": math.inf}),
        ("location", {"height": -1001.0}),
        ("location", {"status": 16}),
        ("location", {"altitude": 3.0}),
        ("basic-id", {"id": "x" * 21}),
        ("basic-id", {"id": "é"}),
        ("system", {"area_radius": 2556.0}),
        ("system", {"stated": -1}),
        ("system", {"operator_place": 4}),
    ],
)
def test_what_does_not_fit_is_refused(message: Message, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        encode(message, values)


@pytest.mark.parametrize("version", [-1, 16, 300])
def test_a_version_that_does_not_fit_is_refused(version: int) -> None:
    with pytest.raises(InvalidInput):
        encode("location", {}, version=version)


@pytest.mark.parametrize("message", FIELDS)
@given(raw=st.binary(min_size=4 * SIZE, max_size=4 * SIZE))
def test_any_bytes_are_read(message: Message, raw: bytes) -> None:
    columns = decode(message, np.frombuffer(raw, dtype=np.uint8).reshape(4, SIZE))
    assert all(len(column) == 4 for column in columns.values())
    assert all(wrong.shape == (4,) for wrong in faults(message, columns).values())
    if message == "location":
        known = columns["direction"][~np.isnan(columns["direction"])]
        assert ((known >= 0) & (known < 360)).all()


@pytest.mark.parametrize("message", FIELDS)
def test_no_messages_are_read_as_none(message: Message) -> None:
    columns = decode(message, np.zeros((0, SIZE), dtype=np.uint8))
    assert all(len(column) == 0 for column in columns.values())
    assert faults(message, columns) == {}


FAULTY: list[tuple[Message, int, str, str]] = [
    ("basic-id", 1, "50", "id_type"),
    ("location", 1, "50", "status"),
    ("location", 4, "7d", "vertical_speed"),
    ("location", 4, "80", "vertical_speed"),
    ("location", 5, "01e9a435", "latitude"),
    ("location", 9, "01d2496b", "longitude"),
    ("location", 19, "0d", "horizontal_accuracy"),
    ("location", 19, "70", "vertical_accuracy"),
    ("location", 20, "70", "pressure_accuracy"),
    ("location", 20, "05", "speed_accuracy"),
    ("location", 21, "a18c", "second"),
    ("authentication", 1, "60", "authentication"),
    ("self-id", 1, "03", "description_type"),
    ("system", 1, "08", "classification"),
    ("system", 1, "03", "operator_place"),
    ("system", 2, "01e9a435", "operator_latitude"),
    ("system", 17, "40", "category"),
    ("system", 17, "08", "class"),
    ("operator-id", 1, "01", "operator_id_type"),
]


@pytest.mark.parametrize(("message", "at", "part", "name"), FAULTY)
def test_what_the_standard_does_not_allow_is_named(message: Message, at: int, part: str, name: str) -> None:
    wrong = with_bytes(message, at, part)
    found = faults(message, decode(message, block(with_bytes(message, at, "00"), wrong)))
    assert {key: value.tolist() for key, value in found.items()} == {name: [False, True]}


@pytest.mark.parametrize(
    ("message", "part"),
    [("authentication", "a0"), ("authentication", "f0"), ("self-id", "c9"), ("self-id", "ff"), ("operator-id", "c9")],
)
def test_codes_for_private_use_are_allowed(message: Message, part: str) -> None:
    assert faults(message, decode(message, block(with_bytes(message, 1, part)))) == {}


def test_a_pack_has_a_head_of_three_bytes() -> None:
    messages = [encode("basic-id", {"id": "X"}), encode("location", {})]
    assert pack(messages, version=1) == bytes((0xF1, 25, 2)) + b"".join(messages)


@pytest.mark.parametrize("count", [0, 10])
def test_a_pack_holds_one_to_nine(count: int) -> None:
    with pytest.raises(InvalidInput):
        pack([encode("location", {})] * count)
    assert len(pack([encode("location", {})] * 9)) == 228
