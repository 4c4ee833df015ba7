"""Other people's servers: every way of paging, and nothing they send costs more than a sentence."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from kizuna.errors import InvalidInput, PeerFailed
from kizuna.exchange.taxii import peer as module
from kizuna.exchange.taxii.peer import PageTooLarge, Peer, PeerRefused, ahead_of, read_token
from tests.builders import campaign

from .foreign import COLLECTION, Asked, Foreign, Said, serving

OBJECTS = [campaign(f"c{i}") for i in range(5)]
DATES = [f"2026-11-0{i + 1}T00:00:00.000000Z" for i in range(5)]


def read(app: Foreign, after: str | None = None) -> list[str]:
    """The names in every page of the foreign collection."""
    with serving(app) as url, Peer(url, "secret") as peer:
        (collection,) = peer.collections()
        pages = list(peer.pages(collection["url"], after))
    return [one["name"] for page in pages for one in json.loads(page.envelope).get("objects", [])]


def page(start: int, end: int, **more: object) -> Said:
    """Some of the objects with the headers that go with them."""
    return Said.json({"objects": OBJECTS[start:end], **more}, X_TAXII_Date_Added_Last=DATES[end - 1])


def test_pages_by_next() -> None:
    def objects(asked: Asked) -> Said:
        at = int(parse_qs(asked.query).get("next", ["0"])[0])
        return page(at, at + 2, more=True, next=str(at + 2)) if at < 4 else page(4, 5, more=False)

    app = Foreign(objects)
    assert read(app, after="2026-01-01T00:00:00Z") == ["c0", "c1", "c2", "c3", "c4"]
    asked = [one for one in app.asked if one.path.endswith("objects/")]
    assert all("added_after=2026-01-01" in one.query for one in asked)
    assert {one.token for one in app.asked} == {"Bearer secret"}


def test_pages_by_the_moment_of_the_last_object_when_there_is_no_next() -> None:
    def objects(asked: Asked) -> Said:
        after = parse_qs(asked.query).get("added_after", [""])[0]
        at = DATES.index(after) + 1 if after else 0
        return page(at, at + 1, more=at < 4)

    assert read(Foreign(objects)) == ["c0", "c1", "c2", "c3", "c4"]


def test_the_moment_to_go_on_from_lies_before_the_last_object_while_more_follow() -> None:
    def objects(asked: Asked) -> Said:
        return page(1, 2, more=False) if "next" in asked.query else page(0, 1, more=True, next="n")

    with serving(Foreign(objects)) as url, Peer(url, "secret") as peer:
        marks = [p.mark for p in peer.pages(peer.collections()[0]["url"], None)]
    assert marks == ["2026-10-31T23:59:59.999999Z", "2026-11-02T00:00:00.000000Z"]


def test_an_empty_envelope_is_an_empty_page() -> None:
    assert read(Foreign(lambda _: Said(b"{}"))) == []


def test_a_page_too_large_is_asked_for_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_BYTES", 1_000)

    def objects(asked: Asked) -> Said:
        asked_for = parse_qs(asked.query)
        at = int(asked_for.get("next", ["0"])[0])
        end = min(5, at + int(asked_for.get("limit", ["5"])[0]))
        return page(at, end, more=end < 5, next=str(end))

    assert read(Foreign(objects)) == ["c0", "c1", "c2", "c3", "c4"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said.json({"more": True, "next": "same", "objects": [OBJECTS[0]]}), "no progress"),
        (Said.json({"more": True, "objects": [OBJECTS[0]]}), "no progress"),
        (Said.json({"more": True, "next": "1", "objects": []}), "no progress"),
        (Said(b"<html>", type="text/html"), "not TAXII"),
        (Said(b"not json"), "no envelope"),
        (Said(b"[" * 100_000), "no envelope"),
        (Said(b'{"objects": 5}'), "no envelope"),
        (Said(b"", status=302, headers={"Location": "http://127.0.0.1:9/"}), "answered 302"),
        (Said(b'{"title": "Not you"}', status=403), "403: Not you"),
        (Said(b"x", status=500), "no explanation"),
        (Said(gzip.compress(b" " * (80 << 20)), headers={"Content-Encoding": "gzip"}), "too much"),
        (Said(gzip.compress(gzip.compress(b"{}")), headers={"Content-Encoding": "gzip, gzip"}), "did not ask for"),
        (Said(b"{}", headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
        (Said(gzip.compress(b"{}")[:-4], headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
        (Said(gzip.compress(b"{}") + b"more", headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
        (Said(b"{}", headers={"X-TAXII-Date-Added-Last": "soon"}), "no timestamp"),
        (Said(b'{"more":true}', headers={"X-TAXII-Date-Added-Last": "0001-01-01T00:00:00Z"}), "no timestamp"),
        (Said(b'{"more":true}', headers={"X-TAXII-Date-Added-Last": "0001-01-01T00:00:00+23:59"}), "no timestamp"),
        (Said(b'{"more":true}', headers={"X-TAXII-Date-Added-Last": "9999-12-31T23:59:60Z"}), "no timestamp"),
    ],
)
def test_what_is_odd_fails_with_a_sentence(said: Said, why: str) -> None:
    with pytest.raises(PeerFailed, match=why):
        read(Foreign(lambda _: said))


def test_endless_pages_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGES", 20)
    count = iter(range(1_000))
    with pytest.raises(PeerFailed, match="more than 20 pages"):
        read(Foreign(lambda _: Said.json({"more": True, "next": str(next(count)), "objects": OBJECTS})))


@contextmanager
def dripping(beginning: bytes, drop: bytes) -> Iterator[str]:
    """The address of a server that says the beginning, and then drop after drop for ever."""
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(beginning)
            while not ended.wait(0.02):
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/taxii2/"
        ended.set()
        thread.join(10)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/taxii+json;version=2.1\r\n"


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"Content-Length: 1000000\r\n\r\n{", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
@pytest.mark.parametrize(("bound", "why"), [("ANSWER_SECONDS", "for one answer"), ("TURN_SECONDS", "next time")])
def test_an_answer_that_drips_ends(
    monkeypatch: pytest.MonkeyPatch, bound: str, why: str, beginning: bytes, drop: bytes
) -> None:
    monkeypatch.setattr(module, bound, 0.3)
    with dripping(beginning, drop) as url, Peer(url, "secret") as peer, pytest.raises(PeerFailed, match=why):
        peer.collections()


@pytest.mark.parametrize("bound", ["ANSWER_SECONDS", "TURN_SECONDS"])
def test_nothing_is_asked_when_no_time_is_left(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(module, bound, -1.0)
    app = Foreign(lambda _: page(0, 1))
    with pytest.raises(PeerFailed, match=r"takes|took"):
        read(app)
    assert not app.asked


def test_a_directory_is_bounded_and_nothing_of_it_twice() -> None:
    many = [{"id": f"c{i}", "can_read": True, "title": "t" * 500, "junk": [[]] * 99} for i in range(60)]
    roots = [f"/root{i}/" for i in range(50)]
    answers = {f"/root{i}/collections/": lambda _: Said.json({"collections": many * 2}) for i in range(50)}
    answers["/taxii2/"] = lambda _: Said.json({"api_roots": ["/root0/", "/root0", *roots, 5, None]})
    app = Foreign(lambda _: page(0, 1), **answers)
    with serving(app) as url, Peer(url, "secret") as peer:
        found = peer.collections()
    assert [one["id"] for one in found] == [f"c{i}" for i in (*range(60), *range(40))]
    assert set(found[0]) == {"id", "title", "can_read", "can_write", "url", "root"}
    assert len(found[0]["title"]) == 200
    assert [asked.path for asked in app.asked] == ["/taxii2/", *(f"/root{i}/collections/" for i in range(10))]


def test_a_page_of_too_many_objects_is_asked_for_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_OBJECTS", 3)

    def objects(asked: Asked) -> Said:
        limit = int(parse_qs(asked.query).get("limit", ["5"])[0])
        return page(0, 3) if limit == 10 else page(0, 5)

    assert read(Foreign(objects)) == ["c0", "c1", "c2"]
    with pytest.raises(PageTooLarge, match="more than 3 objects"):
        read(Foreign(lambda _: page(0, 5)))


@pytest.mark.parametrize(
    "root", ["http://127.0.0.1:9/root/", "https://[::1]/root/", "//example.org/root/", "http://[/"]
)
def test_our_token_stays_with_its_host(root: str) -> None:
    app = Foreign(lambda _: page(0, 1), **{"/taxii2/": lambda _: Said.json({"api_roots": [root]})})
    with (
        serving(app) as url,
        Peer(url, "secret") as peer,
        pytest.raises(PeerFailed, match="another host"),
    ):
        peer.collections()


def test_a_collection_named_like_a_path_stays_below_its_root() -> None:
    listed = Said.json({"collections": [{"id": "../../else", "can_read": True}, {"id": 5}, "odd"]})
    with (
        serving(Foreign(lambda _: page(0, 1), **{"/root/collections/": lambda _: listed})) as url,
        Peer(url, "t") as peer,
    ):
        assert [one["url"].rpartition("/root/")[2] for one in peer.collections()] == ["collections/..%2F..%2Felse/"]


def test_the_address_of_an_api_root_will_do() -> None:
    app = Foreign(lambda _: page(0, 2), **{"/root/": lambda _: Said.json({"title": "R", "versions": []})})
    with serving(app) as url, Peer(url.replace("/taxii2/", "/root"), "secret") as peer:
        assert [one["id"] for one in peer.collections()] == [COLLECTION]


def test_a_pending_status_is_waited_for() -> None:
    states = iter(["pending", "complete"])

    def status(_: Asked) -> Said:
        return Said.json({"id": "s", "status": next(states), "success_count": 1})

    app = Foreign(lambda _: page(0, 1), post=lambda _: Said.json({"id": "s", "status": "pending"}))
    app._answers["/root/status/s/"] = status
    with serving(app) as url, Peer(url, "secret") as peer:
        assert peer.post(peer.collections()[0], b'{"objects":[]}')["status"] == "complete"


def test_a_refusal_tells_its_code() -> None:
    app = Foreign(lambda _: page(0, 1), post=lambda _: Said(b"{}", status=422))
    with serving(app) as url, Peer(url, "secret") as peer, pytest.raises(PeerRefused) as caught:
        peer.post(peer.collections()[0], b"{}")
    assert caught.value.code == 422


def test_nobody_there() -> None:
    with Peer("http://127.0.0.1:9/taxii2/", "secret") as peer, pytest.raises(PeerFailed, match="cannot be reached"):
        peer.collections()


@pytest.mark.parametrize("url", ["", "ftp://a/", "file:///etc/passwd", "http://", "http://[", "http://a:99999/", "a/b"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidInput):
        Peer(url, "secret")


def test_a_certificate_file_that_is_none(tmp_path: Path) -> None:
    for text in (None, "no certificate"):
        file = tmp_path / "ca.pem"
        if text is not None:
            file.write_text(text)
        with pytest.raises(InvalidInput):
            Peer("https://localhost/", "secret", ca_file=str(file))


@pytest.mark.parametrize("text", ["", " \n", "two words", "ü", "a\x00b"])
def test_a_token_file_that_holds_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(InvalidInput):
        read_token(tmp_path, "t")
    with pytest.raises(InvalidInput):
        read_token(tmp_path, "absent")


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Mon, 23 Nov 2026 00:00:10 GMT", 0), ("Mon, 23 Nov 2026 00:00:09 GMT", 0), ("Mon, 23 Nov 2026 00:00:12 GMT", 0),
        ("Mon, 23 Nov 2026 00:01:13 GMT", 60), ("Sun, 22 Nov 2026 23:59:10 GMT", -59), ("now", None), ("", None), (None, None),
        ("Mon, 23 Nov 99999999 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_another_clock_is_known_as_far_as_the_time_between_question_and_answer(
    date: str | None, ahead: int | None
) -> None:
    asked = 1_795_392_010.5
    assert ahead_of(date, asked, asked + 2.0) == ahead
