"""The table of fields against the layout of ASTM F3411-22a, section 5.4.5 (tables 4 to 12), written down here a second time."""

from __future__ import annotations

import pytest

from kizuna.formats.remote_id import fields
from kizuna.formats.remote_id.fields import FIELDS, RESERVED, SIZE, TYPES, Field, Message

_BYTES = {"u8": 1, "i8": 1, "u16": 2, "i32": 4, "u32": 4}

LAYOUT: dict[Message, dict[int, str]] = {
    "basic-id": {1: "id_type aircraft", 2: "id"},
    "location": {
        1: "status height_reference west fast", 2: "direction_raw", 3: "speed_raw", 4: "vertical_speed", 5: "latitude",
        9: "longitude", 13: "pressure_altitude", 15: "geodetic_altitude", 17: "height",
        19: "vertical_accuracy horizontal_accuracy", 20: "pressure_accuracy speed_accuracy", 21: "second",
        23: "time_accuracy",
    },
    "authentication": {1: "authentication page", 2: "last_page", 3: "length", 4: "signed", 8: "data"},
    "self-id": {1: "description_type", 2: "description"},
    "system": {
        1: "classification operator_place", 2: "operator_latitude", 6: "operator_longitude", 10: "area_count",
        12: "area_radius", 13: "area_ceiling", 15: "area_floor", 17: "category class", 18: "operator_altitude", 20: "stated",
    },
    "operator-id": {1: "operator_id_type", 2: "operator_id"},
}  # fmt: skip


def bits(field: Field) -> set[int]:
    """Which bits of the message the field covers."""
    if field.kind == "bits":
        return {8 * field.at + field.shift + bit for bit in range(field.width)}
    return set(range(8 * field.at, 8 * (field.at + (field.size or _BYTES[field.kind]))))


def test_the_types_have_their_numbers() -> None:
    assert dict(enumerate(("basic-id", "location", "authentication", "self-id", "system", "operator-id"))) == TYPES
    assert fields.PACK == 15
    assert fields.MOST_PACKED == 9


@pytest.mark.parametrize("message", FIELDS)
def test_each_field_stands_at_its_byte(message: Message) -> None:
    found: dict[int, list[str]] = {}
    for field in FIELDS[message]:
        found.setdefault(field.at, []).append(field.name)
    assert {at: " ".join(names) for at, names in found.items()} == LAYOUT[message]


@pytest.mark.parametrize("message", FIELDS)
def test_no_field_lies_on_another_and_reserved_bytes_are_the_rest(message: Message) -> None:
    seen: set[int] = set()
    for field in FIELDS[message]:
        assert not seen & bits(field)
        seen |= bits(field)
    assert max(seen) < 8 * SIZE
    assert {at for at in range(1, SIZE) if not seen & set(range(8 * at, 8 * at + 8))} == set(RESERVED[message])


@pytest.mark.parametrize(
    ("codes", "meanings"),
    [(fields.HORIZONTAL, 13), (fields.VERTICAL, 7), (fields.SPEED, 5), (fields.AIRCRAFT, 16), (fields.ID_TYPES, 5)],
)
def test_there_are_as_many_codes_as_the_standard_has(codes: tuple[object, ...], meanings: int) -> None:
    assert len(codes) == meanings


def test_accuracies_are_the_standards() -> None:
    nautical = 1852.0
    miles = [10, 4, 2, 1, 0.5, 0.3, 0.1, 0.05]
    assert [round(value or 0, 6) for value in fields.HORIZONTAL[1:]] == [
        round(mile * nautical, 6) for mile in miles
    ] + [30, 10, 3, 1]
    assert fields.VERTICAL[1:] == (150, 45, 25, 10, 3, 1)
    assert fields.SPEED[1:] == (10, 3, 1, 0.3)


@pytest.mark.parametrize("message", FIELDS)
def test_codes_fit_their_bits(message: Message) -> None:
    for field in FIELDS[message]:
        if field.kind == "bits" and (field.names or field.meant):
            assert (len(field.names) or field.meant) <= 1 << field.width
