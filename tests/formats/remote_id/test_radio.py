"""Which of many frames carry Remote ID: every carrier, as it is sent and as it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.remote_id import frames as made
from kizuna.formats.remote_id.messages import pack
from kizuna.formats.remote_id.radio import BEACON, BLUETOOTH, NAN, UNKNOWN, Search, search
from kizuna.formats.remote_id.radiotap import UNKNOWN_SIGNAL
from tests.formats.remote_id.tables import SENDER, messages, packs, row, table

PACKS = packs(messages(), messages(latitude=46.3))
AIRCRAFT = made.Transmitter(address=SENDER, ssid="RID-1", manner="access-point")
BARE = made.Transmitter(address=SENDER, ssid="", manner="bare")


def beacons(sender: made.Transmitter = AIRCRAFT) -> made.Bytes:
    return made.beacons(sender, PACKS, tsf=[5_000_000, (1 << 63) + 5], sequence=[4095, 4096], counter=[255, 0])


def said(found: Search, data: bytes) -> list[bytes]:
    return [data[at:end] for at, end in zip(found.heard.at.tolist(), found.heard.end.tolist(), strict=True)]


WANTED = [b"\xff" + PACKS[0].tobytes(), b"\0" + PACKS[1].tobytes()]


def test_beacons_have_a_sender_a_signal_a_clock_and_a_number() -> None:
    frames = table(*made.radiotap(beacons(), arrived=[1, 2], signal=[-40, -91]))
    found = search(frames)
    assert found.heard.carrier.tolist() == [BEACON, BEACON]
    assert found.heard.transmitter.tolist() == [0x903AE65BC8A8] * 2
    assert found.heard.signal.tolist() == [-40, -91]
    assert found.heard.clock[0] == 5_000_000
    assert found.heard.sequence.tolist() == [4095, 0]
    assert found.heard.rates.tolist() == [True, True]
    assert found.heard.time.tolist() == [0, 1]
    assert said(found, frames.data) == WANTED
    assert (found.beacons, found.unread, found.refused) == (2, 0, {})


@pytest.mark.parametrize(("manner", "rates"), [("access-point", True), ("module", True), ("bare", False)])
def test_beacons_name_rates_or_not(manner: made.Manner, rates: bool) -> None:
    frames = table(*beacons(made.Transmitter(address=SENDER, ssid="x", manner=manner)), link=105)
    found = search(frames)
    assert found.heard.rates.tolist() == [rates, rates]
    assert found.heard.signal.tolist() == [UNKNOWN_SIGNAL] * 2
    assert said(found, frames.data) == WANTED


@pytest.mark.parametrize("echo", [True, False])
def test_injected_frames_state_no_signal(echo: bool) -> None:
    found = search(table(*made.injected(beacons(BARE), echo=echo)))
    assert found.heard.signal.tolist() == [UNKNOWN_SIGNAL] * 2
    assert found.beacons == 2


def test_neighbour_awareness_has_no_clock() -> None:
    actions = made.nan_actions(SENDER, PACKS, sequence=[7, 8], counter=[255, 0])
    frames = table(*made.radiotap(actions, arrived=[1, 2], signal=[-50, -51]))
    found = search(frames)
    assert found.heard.carrier.tolist() == [NAN, NAN]
    assert found.heard.transmitter.tolist() == [0x903AE65BC8A8] * 2
    assert found.heard.signal.tolist() == [-50, -51]
    assert found.heard.clock.tolist() == [UNKNOWN] * 2
    assert found.heard.sequence.tolist() == [7, 8]
    assert said(found, frames.data) == WANTED
    assert found.beacons == 0


def test_bluetooth_of_both_kinds() -> None:
    message = messages()[1]
    legacy = made.legacy_advertisements(SENDER, row(message), counter=[9])
    extended = made.extended_advertisements(SENDER, PACKS, counter=[255, 0])
    frames = table(*legacy, *extended, link=251)
    found = search(frames)
    assert found.heard.carrier.tolist() == [BLUETOOTH] * 3
    assert found.heard.transmitter.tolist() == [0x903AE65BC8A8] * 3
    assert found.heard.clock.tolist() == found.heard.sequence.tolist() == [UNKNOWN] * 3
    assert said(found, frames.data) == [b"\x09" + message, *WANTED]


def test_all_carriers_in_one_table_come_in_order() -> None:
    beacon, action = beacons()[0], made.nan_actions(SENDER, PACKS, sequence=[7, 8], counter=0)[0]
    advertised = made.extended_advertisements(SENDER, PACKS, counter=0)[0]
    headed = made.radiotap(beacons(), arrived=[1, 2], signal=[-1, -2])[0]
    found = search(table(advertised, action, headed, beacon, advertised, link=[251, 105, 127, 105, 251]))
    assert found.heard.carrier.tolist() == [BLUETOOTH, NAN, BEACON, BEACON, BLUETOOTH]
    assert found.heard.frame.tolist() == [0, 1, 2, 3, 4]


def test_frames_of_other_link_types_are_counted() -> None:
    found = search(table(beacons()[0], beacons()[1], link=[1, 105]))
    assert (found.beacons, found.unread) == (1, 1)


@pytest.mark.parametrize("sign", ["fa0bbc0d", "8869199d9209", "16faff0d"])
def test_the_bytes_of_a_sign_elsewhere_are_nothing(sign: str) -> None:
    odd = bytes.fromhex(sign) * 8
    data = made.data(SENDER, SENDER, row(odd), sequence=[1])
    named = made.beacons(made.Transmitter(address=SENDER, ssid="x" * 8), None, tsf=[1], sequence=[1]).tobytes()
    named = named.replace(b"x" * 8, odd[:8])
    probe = made.probes(SENDER, "x" * 8, sequence=[1]).tobytes().replace(b"x" * 8, odd[:8])
    other = made.advertisements(SENDER, row(b"\x1f\xff" + odd[:29]))
    found = search(table(data, named, probe, other, odd, odd[:3], link=[105, 105, 105, 251, 251, 127]))
    assert len(found.heard.at) == 0
    assert found.beacons == 0


def test_a_sign_between_frames_or_across_two_is_nothing() -> None:
    foreign = made.probes(SENDER, "one", sequence=[1]).tobytes()
    found = search(table(foreign + b"\xfa\x0b", b"\xbc\x0d" + foreign, link=105))
    assert len(found.heard.at) == 0
    found = search(table(foreign, foreign, link=105, between=b"\xfa\x0b\xbc\x0d"))
    assert len(found.heard.at) == 0


def test_several_elements_in_one_beacon_are_several_transmissions() -> None:
    element = b"\xdd" + bytes((5 + PACKS.shape[1],)) + made.VENDOR + b"\x07" + PACKS[1].tobytes()
    one = beacons()[0].tobytes() + element + element
    found = search(table(one, link=105))
    assert found.beacons == 1
    assert found.heard.frame.tolist() == [0, 0, 0]
    assert said(found, one) == [WANTED[0], element[6:], element[6:]]


def test_a_checksum_is_no_element() -> None:
    frames = made.radiotap(beacons(), arrived=[1, 2], signal=[-40, -41])
    assert search(table(*frames)).refused == {}
    short = [frame.tobytes()[:-5] + bytes(4) for frame in frames]  # the last byte of the last element is missing
    found = search(table(*short))
    assert len(found.heard.at) == 0
    assert found.refused == {"element-too-long": 2}


@pytest.mark.parametrize("size", [0, 4, 255])
def test_an_element_of_a_wrong_length(size: int) -> None:
    frame = bytearray(beacons()[0].tobytes())
    at = bytes(frame).index(made.VENDOR) - 1
    frame[at] = size
    found = search(table(bytes(frame), link=105))
    assert len(found.heard.at) == 0


@pytest.mark.parametrize("length", range(24, 42))
def test_a_beacon_cut_short_is_nothing(length: int) -> None:
    frame = beacons(BARE)[0].tobytes()
    cut = frame[:length] + made.VENDOR  # a sign is in it all the same
    assert len(search(table(cut, link=105)).heard.at) == 0


@pytest.mark.parametrize(("at", "value"), [(24, 5), (25, 8), (29, 0x14), (30, 4), (33, 0)])
def test_an_action_that_is_another_is_nothing(at: int, value: int) -> None:
    frame = bytearray(made.nan_actions(SENDER, PACKS, sequence=[7, 8], counter=0)[0].tobytes())
    frame[at] = value
    assert len(search(table(bytes(frame), link=105)).heard.at) == 0


def test_a_descriptor_longer_than_its_frame_is_counted() -> None:
    frame = bytearray(made.nan_actions(SENDER, PACKS, sequence=[7, 8], counter=0)[0].tobytes())
    frame[32] = 9
    assert search(table(bytes(frame), link=105)).refused == {"element-too-long": 1}


def test_information_longer_than_its_descriptor_ends_with_it() -> None:
    frame = bytearray(made.nan_actions(SENDER, PACKS, sequence=[7, 8], counter=[255, 0])[0].tobytes())
    frame[42] = 255
    assert said(search(table(bytes(frame), link=105)), bytes(frame)) == [WANTED[0]]


def test_no_frames_are_searched() -> None:
    found = search(table())
    assert (len(found.heard.at), found.beacons, found.unread) == (0, 0, 0)


@given(st.data())
def test_whatever_is_changed_lies_within_its_frame(data: st.DataObject) -> None:
    kinds = [
        (beacons()[0].tobytes(), 105),
        (made.radiotap(beacons(), arrived=[1, 2], signal=[-1, -2])[0].tobytes(), 127),
        (made.nan_actions(SENDER, PACKS, sequence=[7, 8], counter=0)[0].tobytes(), 105),
        (made.legacy_advertisements(SENDER, row(messages()[0]), counter=[1]).tobytes(), 251),
        (made.extended_advertisements(SENDER, PACKS, counter=0)[0].tobytes(), 251),
        (bytes(10) + made.extended_advertisements(SENDER, PACKS, counter=0)[0].tobytes(), 256),
    ]
    rows, links = [], []
    for number in data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=5)):
        frame, link = bytearray(kinds[number][0]), kinds[number][1]
        for _ in range(data.draw(st.integers(0, 4))):
            frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
        rows.append(bytes(frame[: data.draw(st.integers(0, len(frame)))]))
        links.append(link)
    frames = table(*rows, link=links)
    heard = search(frames).heard
    assert (heard.at <= heard.end).all()
    assert (heard.at >= frames.start[heard.frame]).all()
    assert (heard.end <= frames.start[heard.frame] + frames.length[heard.frame]).all()
    assert (np.diff(heard.frame) >= 0).all()


def test_a_beacon_may_hold_elements_without_end() -> None:
    many = beacons()[0].tobytes() + b"\x00\x00" * 50_000
    found = search(table(many, link=105))
    assert said(found, many) == [WANTED[0]]
    filled = made.beacons(BARE, PACKS[:1], tsf=[1], sequence=[1]).tobytes()[:38] + b"\x00\x00" * 300 + many[38:]
    assert len(search(table(filled, link=105)).heard.at) == 0  # so far behind nothing is looked for


def test_a_pack_has_nine_messages_at_most_in_an_element() -> None:
    whole = packs(messages() * 4 + messages()[:1])
    frames = table(*made.beacons(AIRCRAFT, whole, tsf=[1], sequence=[1], counter=[1]), link=105)
    assert said(search(frames), frames.data) == [b"\x01" + pack(messages() * 4 + messages()[:1])]
