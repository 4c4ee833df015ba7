"""Cutting a part of an object costs no more than the object is large, and what stays is still selected by what selected it."""

from __future__ import annotations

from typing import Any

from kizuna.labels import Label, parse_label, redact
from kizuna.labels.marks import Marked
from kizuna.stix.selectors import resolve
from tests.builders import CLEAR, GREEN, RED, campaign
from tests.counting import lines_run

OPEN, CLOSED = (parse_label(text, originator="A") for text in ("TLP:CLEAR", "TLP:RED"))


def is_open(label: Label) -> bool:
    return label == OPEN


def marked_one_by_one(number: int) -> tuple[dict[str, Any], Marked]:
    """A list of which every second item is closed, each by a selector of its own, and the others marked open."""
    selectors = [f"aliases.[{i}]" for i in range(number)]
    marks = [{"marking_ref": RED, "selectors": selectors[::2]}, {"marking_ref": GREEN, "selectors": selectors[1::2]}]
    data = campaign("many", aliases=[f"a{i}" for i in range(number)], granular_markings=marks)
    return data, Marked(OPEN, tuple((s, OPEN if i % 2 else CLOSED) for i, s in enumerate(selectors)))


def test_twice_the_selectors_take_twice_the_work() -> None:
    def work(number: int) -> int:
        data, marked = marked_one_by_one(number)
        return lines_run(lambda: redact(data, marked, is_open))

    assert work(400) < 2.5 * work(200)


def test_every_selector_that_stays_selects_what_it_did() -> None:
    data, marked = marked_one_by_one(40)
    shown = redact(data, marked, is_open).data
    assert shown is not None
    (mark,) = shown["granular_markings"]
    assert [resolve(shown, selector) for selector in mark["selectors"]] == [f"a{i}" for i in range(1, 40, 2)]
    assert shown["aliases"] == [f"a{i}" for i in range(1, 40, 2)]


def test_what_is_emptied_goes_and_what_stood_behind_it_moves_up() -> None:
    marks = [
        {"marking_ref": RED, "selectors": ["x_deep.[0].inner.[0]", "x_deep.[0].inner.[1]", "x_deep.[2]"]},
        {"marking_ref": CLEAR, "selectors": ["x_deep.[0].inner", "x_deep.[1].inner.[1]", "x_deep.[2].inner"]},
    ]
    deep = [{"inner": ["a", "b"]}, {"inner": ["c", "d"]}, {"inner": ["e"]}]
    data = campaign("deep", x_deep=deep, granular_markings=marks)
    closed = tuple((selector, CLOSED) for selector in marks[0]["selectors"])
    shown = redact(data, Marked(OPEN, closed), is_open).data
    assert shown is not None
    assert shown["x_deep"] == [{"inner": ["c", "d"]}]
    assert shown["granular_markings"] == [{"marking_ref": CLEAR, "selectors": ["x_deep.[0].inner.[1]"]}]
