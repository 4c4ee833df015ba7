"""Traces: taken over exactly where the header is one, and one number for whoever asks."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.trace import Trace, current, enter, taken

ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STATED = f"00-{ID}-{SPAN}-01"


def test_what_the_caller_states_is_taken_over() -> None:
    trace = taken([(b"host", b"x"), (b"traceparent", STATED.encode())])
    assert (trace.id, trace.parent, trace.flags) == (ID, SPAN, "01")
    assert trace.span != SPAN
    assert trace.header == f"00-{ID}-{trace.span}-01".encode()


@pytest.mark.parametrize("stated", [f"cc-{ID}-{SPAN}-09-what-comes-later", f"cc-{ID}-{SPAN}-08"])
def test_a_later_version_is_read_as_far_as_it_is_known(stated: str) -> None:
    trace = taken([(b"traceparent", stated.encode())])
    assert (trace.id, trace.flags) == (ID, f"0{int(stated[53:55], 16) & 1}")


@pytest.mark.parametrize(
    "stated",
    [
        "", "x", f"ff-{ID}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{ID}-{'0' * 16}-01", f"00-{ID.upper()}-{SPAN}-01",
        f"00-{ID}-{SPAN}-01-more", f"00-{ID}-{SPAN}-1", f" {STATED}", f"{STATED}\n", f"00-{ID}-{SPAN}",
    ],
)  # fmt: skip
def test_what_is_no_traceparent_begins_anew(stated: str) -> None:
    trace = taken([(b"traceparent", stated.encode())])
    assert trace.parent is None
    assert trace.id != ID


def test_two_of_them_are_none() -> None:
    assert taken([(b"traceparent", STATED.encode())] * 2).parent is None


@given(st.binary(max_size=80))
def test_anything_is_read_without_an_error(stated: bytes) -> None:
    trace = taken([(b"traceparent", stated)])
    assert (len(trace.id), len(trace.span), int(trace.id, 16) >= 0) == (32, 16, True)


def test_everybody_is_told_the_same_number() -> None:
    for _ in range(50):
        trace, gate = Trace(), threading.Barrier(4)
        told: list[str] = []

        def ask(trace: Trace = trace, told: list[str] = told, gate: threading.Barrier = gate) -> None:
            gate.wait()
            told.append(trace.id + trace.span)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(told)) == 1


def test_what_is_entered_is_current() -> None:
    trace = Trace()
    enter(trace)
    assert current() is trace
