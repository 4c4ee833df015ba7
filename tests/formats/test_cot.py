"""Cursor on Target, and what PyTAK, a client library of TAK, makes of it: as XML, as protobuf, and over a connection."""

from __future__ import annotations

import asyncio
import re
import warnings
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import takproto
from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.cot import TYPES, UNKNOWN, events, write_cot
from kizuna.formats.remote_id.fields import AIRCRAFT
from kizuna.formats.track import Track
from tests.tracks import FLIGHT, START, point, track, tracks

with warnings.catch_warnings(action="ignore", category=UserWarning):
    import pytak  # would like aiohttp for servers reached by HTTP, none of which is here

flown = tracks().filter(lambda one: bool(one.points))


def parsed(one: Track) -> list[Element]:
    return [ElementTree.fromstring(line) for line in events(one)]


@given(flown)
def test_each_event_is_one_line_of_xml_whatever_things_are_called(one: Track) -> None:
    lines = write_cot([one]).split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == 1 + (one.operator is not None)
    for line in lines:
        event = ElementTree.fromstring(line)
        assert (event.tag, event.get("version"), event.get("how")) == ("event", "2.0", "m-g")
        assert [child.tag for child in event] == ["point", "detail"]
        assert line.count(b"</event>") == 1  # what PyTAK reads until
    # The same split that PyTAK makes of an answer of many events.
    assert len(re.findall(r"<event\b[^>]*>.*?</event>", write_cot([one]).decode(), re.DOTALL)) == len(lines)


@given(flown)
def test_whatever_is_found_it_is_never_hostile(one: Track) -> None:
    assert {event.get("type", "")[:4] for event in parsed(one)} == {"a-u-"}


@given(flown)
def test_pytak_reads_the_same_from_it_as_protobuf(one: Track) -> None:
    for line in events(one):
        event = ElementTree.fromstring(line)
        for version in (takproto.TAKProtoVer.MESH, takproto.TAKProtoVer.STREAM):
            cot = takproto.parse_proto(takproto.xml2proto(line, version)).cotEvent
            place = event.find("point")
            assert place is not None
            assert [cot.lat, cot.lon, cot.hae] == [float(place.get(key, "")) for key in ("lat", "lon", "hae")]
            assert (cot.uid, cot.type, cot.how) == tuple(event.get(key) for key in ("uid", "type", "how"))
            assert cot.sendTime == cot.startTime == one.points[-1].time // 1_000
            assert cot.staleTime - cot.startTime == 60_000
            assert cot.detail.contact.callsign == event.find("detail/contact").get("callsign")  # type: ignore[union-attr]


def test_pytak_makes_the_event_again_from_protobuf() -> None:
    line, operator = events(FLIGHT)
    message = takproto.parse_proto(takproto.xml2proto(line))
    again = ElementTree.fromstring(pytak.classes._takmsg2xml(message))
    first = ElementTree.fromstring(line)
    assert {key: again.get(key) for key in first.attrib} == first.attrib
    assert again.findtext("detail/remarks") == first.findtext("detail/remarks")
    # It writes places with four decimals, 11 m; the protobuf itself has all of them.
    assert again.find("point").get("lat") == "47.1981"  # type: ignore[union-attr]
    xml_detail = takproto.parse_proto(takproto.xml2proto(operator)).cotEvent.detail.xmlDetail
    assert ElementTree.fromstring(f"<x>{xml_detail}</x>").find("link").get("uid") == first.get("uid")  # type: ignore[union-attr]


def test_pytak_sends_and_receives_them() -> None:
    """Its queue, its sender, a TCP connection, its receiver, its queue."""

    async def run() -> list[bytes]:
        received: asyncio.Queue[bytes] = asyncio.Queue()
        reading: list[asyncio.Task[None]] = []
        connections: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(writer)
            reading.append(asyncio.ensure_future(pytak.RXWorker(received, {}, reader).run()))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sender = await pytak.txworker_factory(asyncio.Queue(), {"COT_URL": f"tcp://127.0.0.1:{port}"})
        for line in sent:
            await sender.handle_data(line)
        got = [await asyncio.wait_for(received.get(), 10) for _ in sent]
        sender.writer.close()
        await sender.writer.wait_closed()
        for task in reading:
            task.cancel()
        for connection in connections:
            connection.close()
            await connection.wait_closed()
        server.close()
        await server.wait_closed()
        return got

    sent = [line for one in (FLIGHT, track(serial="</event>\n<event>")) for line in events(one)]
    got = asyncio.run(run())
    assert [line.strip() for line in got] == [line.strip() for line in sent]


def test_a_flight_and_its_operator() -> None:
    flight, operator = parsed(FLIGHT)
    assert flight.attrib == {
        "version": "2.0",
        "uid": flight.get("uid"),
        "type": "a-u-A-M-H-Q",
        "how": "m-g",
        "time": "2026-11-23T00:00:02.000Z",
        "start": "2026-11-23T00:00:02.000Z",
        "stale": "2026-11-23T00:01:02.000Z",
    }
    assert flight.find("point").attrib == {  # type: ignore[union-attr]
        "lat": "47.1981000", "lon": "8.7302000", "hae": "456.50", "ce": UNKNOWN, "le": UNKNOWN,
    }  # fmt: skip
    assert flight.findtext("detail/remarks") == (
        "doubt 1.25: same-id-two-places (1), jumps (0.25); aircraft helicopter-or-multirotor, status airborne; "
        "11 m above-take-off; 440 m by pressure; serial 1588E040445AC0044181; operator_id CHE-demo"
    )
    assert flight.find("detail/track") is None  # its newest position has neither course nor speed
    link = operator.find("detail/link")
    assert link is not None
    assert link.attrib == {"uid": flight.get("uid"), "type": "a-u-A-M-H-Q", "relation": "p-p"}
    assert operator.find("point").get("hae") == "409.00"  # type: ignore[union-attr]
    assert operator.get("uid") != flight.get("uid")


def test_course_and_speed_as_far_as_they_are_known() -> None:
    (both,) = parsed(track(point(speed=5.25, direction=90.0)))
    (one,) = parsed(track(point(speed=5.25)))
    assert [event.find("detail/track").attrib for event in (both, one)] == [  # type: ignore[union-attr]
        {"course": "90.00", "speed": "5.25"},
        {"speed": "5.25"},
    ]


def test_ids_stay_and_differ_by_track() -> None:
    one, other = track(id="a"), track(id="b")
    later = track(point(5), id="a", serial="other")
    ids = [parsed(each)[0].get("uid") for each in (one, other, later)]
    assert ids[0] == ids[2] != ids[1]
    assert re.fullmatch(r"kizuna-[0-9a-f-]{36}", ids[0] or "")


def test_when_it_is_made_may_be_later_than_when_it_was_measured() -> None:
    (line,) = events(track(), at=START + 1_500_000, stale=5)
    event = ElementTree.fromstring(line)
    assert [event.get(key) for key in ("time", "start", "stale")] == [
        "2026-11-23T00:00:01.500Z", "2026-11-23T00:00:00.000Z", "2026-11-23T00:00:05.000Z",
    ]  # fmt: skip


@given(st.floats() | st.none())
def test_what_is_not_known_is_the_number_for_it(altitude: float | None) -> None:
    (event,) = parsed(track(point(altitude=altitude)))
    hae = event.find("point").get("hae")  # type: ignore[union-attr]
    assert (hae == UNKNOWN) == (altitude is None or altitude - altitude != 0 or f"{altitude:.1f}" == UNKNOWN)


def test_nothing_is_said_of_a_track_without_a_position() -> None:
    assert list(events(track(point(0, float("nan"))))) == []
    assert list(events(Track(id="a", points=()))) == []


def test_types_are_of_kinds_that_there_are() -> None:
    assert set(TYPES) <= set(AIRCRAFT)
