"""Whether a flight keeps to the form."""

from __future__ import annotations

import pytest

from kizuna.domains.air.reports import QUIRKS
from kizuna.domains.air.truth import WEIGHTS
from kizuna.domains.air.truth.form import well_formed
from tests.domains.air.given import flying, heard, named, reasons, weight


@pytest.mark.parametrize("serial", ["1581A0123456789", "ABCD1Z", "0000F000000000000000", "1596C123456789ABC"])
def test_serial_numbers_of_the_standard(serial: str) -> None:
    assert well_formed(serial)


@pytest.mark.parametrize(
    "serial",
    [
        "",
        "1581",
        "1581A012345678",
        "1581A01234567890",
        "1581a0123456789",
        "1581O1",
        "15811I",
        "15810",
        "1581G123",
        "1581A01234 6789",
        "1581A0123456789\n",
    ],
)  # fmt: skip
def test_serial_numbers_that_are_none(serial: str) -> None:
    assert not well_formed(serial)


def test_a_serial_number_that_is_none_is_named() -> None:
    reports = [one._replace(names=named("oi!")) for one in flying(20)]
    assert reasons(*reports, name="oi!") == {"serial-form": {"serial": "oi!"}}
    session = [one._replace(names=named("oi!", 4)) for one in flying(20)]
    assert heard(*session)["oi!"].findings == {}


@pytest.mark.parametrize(
    ("quirk", "code"),
    [
        ("version", "unknown-version"), ("range", "impossible-value"), ("code", "unknown-code"), ("reserved", "reserved-bits"),
        ("pack-cut-short", "pack-cut-short"), ("no-rates", "no-rates"),
    ],
)  # fmt: skip
def test_each_quirk_has_a_reason(quirk: str, code: str) -> None:
    reports = list(flying(10))
    odd = [one._replace(quirks=1 << QUIRKS.index(quirk)) for one in reports]
    assert reasons(*reports) == {}
    assert weight(code, *odd) == WEIGHTS[code]


def test_values_that_cannot_be_again_and_again_are_enough() -> None:
    odd = [one._replace(quirks=1 << QUIRKS.index("range")) for one in flying(30)]
    assert weight("impossible-value", *odd[:19]) == 0.5
    assert weight("impossible-value", *odd[:20]) == 1.0
