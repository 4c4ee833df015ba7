"""The server at its edges: large bodies, packed answers, HEAD, a clock that stands still, and a slow transaction."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest
from taxii2client.v21 import Server, as_pages

from kizuna.exchange.taxii import server as module
from kizuna.exchange.taxii import taxii_app
from kizuna.settings import Limits
from kizuna.store import Outcome, Page, Partner, Query, Store
from kizuna.store.accounts import Accounts
from kizuna.store.feed import Feed
from kizuna.store.writer import Writer
from tests.builders import CLEAR, campaign, items
from tests.serving import served

from .conftest import Node

TAXII = "application/taxii+json;version=2.1"


def put(store: Store, *objects: dict[str, Any]) -> None:
    """One's own import."""
    assert all(o.status == "imported" for o in store.writer(store.own_source()).add(items(*objects)))


def get(node: Node, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """One request of the partner."""
    return httpx.request(
        method, node.taxii + path, headers={"Authorization": f"Bearer {node.partner}", "Accept": TAXII, **headers}
    )


def feed(node: Node) -> Any:
    """The partner's feed through the peer's client."""
    server = Server(node.taxii, user="token", password=node.partner)
    return next(c for c in server.api_roots[0].collections if c.can_read)


def by_object(collection: Any, after: str) -> list[str]:
    """Names read in pages of one object from a watermark."""
    pages = as_pages(collection.get_objects, per_request=1, added_after=after)
    return [one["name"] for page in pages for one in page.get("objects", [])]


def by_manifest(collection: Any, after: str) -> list[str]:
    """Names of what the manifest lists from a watermark, page by page of one, each fetched by its id."""
    pages = as_pages(collection.get_manifest, per_request=1, added_after=after)
    ids = [entry["id"] for page in pages for entry in page.get("objects", [])]
    return [collection.get_object(id)["objects"][0]["name"] for id in ids]


def test_a_slow_transaction_that_commits_late_arrives_once(node: Node) -> None:
    """It began before the watermark was taken and commits after: it must lie behind the watermark."""
    put(node.store, campaign("early", object_marking_refs=[CLEAR]))
    late = campaign("late", object_marking_refs=[CLEAR])
    began, may_end = threading.Event(), threading.Event()
    # Another process' hold on the same file: its own connection, its own caches.
    other = Store(node.store.folder, node.store.settings, node.store.clock)

    def slowly() -> None:
        with other.act():
            began.set()
            may_end.wait(30)
            put(other, late)

    writing = threading.Thread(target=slowly)
    writing.start()
    assert began.wait(30)
    answer = get(node, "real/collections/feed/objects/")
    assert [one["name"] for one in answer.json()["objects"]] == ["early"]
    mark = answer.headers["x-taxii-date-added-last"]
    may_end.set()
    writing.join(30)
    other.close()
    put(node.store, campaign("after", object_marking_refs=[CLEAR]))
    assert by_object(feed(node), mark) == ["late", "after"]
    assert by_manifest(feed(node), mark) == ["late", "after"]


def test_paging_by_the_last_moment_alone_reads_each_object_once(node: Node) -> None:
    names = [f"c{i}" for i in range(7)]
    put(node.store, *(campaign(name, object_marking_refs=[CLEAR]) for name in names))
    found, after, more = [], "2000-01-01T00:00:00Z", True
    while more:
        answer = get(node, f"real/collections/feed/objects/?limit=2&added_after={after}")
        found += [one["name"] for one in answer.json()["objects"]]
        after, more = answer.headers["x-taxii-date-added-last"], answer.json()["more"]
    assert sorted(found) == names


def test_objects_that_arrive_while_somebody_pages_are_read_once(node: Node) -> None:
    put(node.store, *(campaign(f"a{i}", object_marking_refs=[CLEAR]) for i in range(3)))
    found = []
    for number, page in enumerate(as_pages(feed(node).get_objects, per_request=1)):
        found += [one["name"] for one in page["objects"]]
        if number < 3:
            put(node.store, campaign(f"b{number}", object_marking_refs=[CLEAR]))
    assert sorted(found) == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_head_has_the_headers_alone(node: Node) -> None:
    put(node.store, campaign("one", object_marking_refs=[CLEAR]))
    for path in ("", "real/", "real/collections/feed/objects/", "real/collections/feed/manifest/"):
        whole, head = get(node, path), get(node, path, "HEAD")
        assert head.content == b""
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.status_code == whole.status_code == 200
    assert get(node, "nowhere/", "HEAD").status_code == 404


def test_dates_have_six_decimals(node: Node) -> None:
    put(node.store, campaign("one", object_marking_refs=[CLEAR]), campaign("two", object_marking_refs=[CLEAR]))
    answer = get(node, "real/collections/feed/manifest/")
    dates = [entry["date_added"] for entry in answer.json()["objects"]]
    assert dates == [answer.headers["x-taxii-date-added-first"], answer.headers["x-taxii-date-added-last"]]
    assert all(len(date) == 27 and date.endswith("Z") for date in dates)
    assert {entry["media_type"] for entry in answer.json()["objects"]} == {"application/stix+json;version=2.1"}


def test_an_answer_is_packed_when_asked_for_and_set(make_store: Callable[..., Store]) -> None:
    store = make_store(compress="always")
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL", receives=("TLP:CLEAR",)))
    put(store, *(campaign(f"c{i}", object_marking_refs=[CLEAR]) for i in range(20)))
    token, _ = Accounts(store).create_token(by="test", partner="Brussels", scopes=("read",))
    with served(store) as url:
        path = f"{url}/taxii2/real/collections/feed/objects/"
        headers = {"Authorization": f"Bearer {token}", "Accept": TAXII}
        packed = httpx.get(path, headers={**headers, "Accept-Encoding": "gzip"})
        plain = httpx.get(path, headers={**headers, "Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


def test_a_body_announced_too_large_is_refused_unread(node: Node) -> None:
    connection = http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", "/taxii2/real/collections/inbox/objects/")
    for name, value in {"Authorization": f"Bearer {node.partner}", "Content-Type": TAXII}.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(2 << 30))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["http_status"]) == (413, "413")
    connection.close()


def test_a_body_that_grows_too_large_is_refused(make_store: Callable[..., Store]) -> None:
    store = make_store(limits=Limits(body=100_000))
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL"))
    token, _ = Accounts(store).create_token(by="test", partner="Brussels", scopes=("read", "write"))
    headers = {"Authorization": f"Bearer {token}", "Accept": TAXII, "Content-Type": TAXII}
    with served(store) as url:
        path = f"{url}/taxii2/real/collections/inbox/objects/"
        answer = httpx.post(path, headers=headers, content=iter([b" " * 60_000] * 2))
        assert answer.status_code == 413
        assert httpx.get(f"{url}/taxii2/real/", headers=headers).json()["max_content_length"] == 100_000


def test_the_good_objects_of_a_broken_body_are_kept(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    good = campaign("good")
    body = b'{"objects":[' + json.dumps(good).encode() + b',{"type":"campaign"'
    headers = {"Authorization": f"Bearer {node.partner}", "Accept": TAXII, "Content-Type": TAXII}
    path = f"{node.taxii}real/collections/inbox/objects/"
    status = httpx.post(path, headers=headers, content=body).json()
    assert (status["success_count"], status["successes"][0]["id"]) == (1, good["id"])
    assert status["failure_count"] >= 1
    monkeypatch.setattr(module, "_WHOLE", 100)
    many = {"objects": [campaign(f"c{i}") for i in range(20)]}
    assert httpx.post(path, headers=headers, content=json.dumps(many)).json()["success_count"] == 20


def test_a_single_object_is_no_envelope(node: Node) -> None:
    headers = {"Authorization": f"Bearer {node.partner}", "Accept": TAXII, "Content-Type": TAXII}
    path = f"{node.taxii}real/collections/inbox/objects/"
    for body in (campaign("alone"), {}, {"objects": None}, {"more": False}):
        assert httpx.post(path, headers=headers, content=json.dumps(body)).status_code == 422


def test_an_accident_tells_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def broken(authorization: str | None, remote: str = "") -> None:
        raise RuntimeError("the secret reason")

    app = taxii_app(store, broken)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/taxii2/", "headers": [], "query_string": b"", "scheme": "http"}
    asyncio.run(_call(app, scope, receive, send))
    assert sent[0]["status"] == 500
    assert b"secret reason" not in sent[1]["body"]
    assert "secret reason" in caplog.text


def test_served_alone_it_starts_and_stops(store: Store) -> None:
    app = taxii_app(store, lambda authorization, remote="": None)
    sent: list[str] = []
    messages = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(messages)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    asyncio.run(_call(app, {"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def _call(app: Any, *arguments: Any) -> None:
    await app(*arguments)


def test_a_packed_body_is_read(node: Node) -> None:
    headers = {
        "Authorization": f"Bearer {node.partner}",
        "Accept": TAXII,
        "Content-Type": TAXII,
        "Content-Encoding": "gzip",
    }
    body = gzip.compress(json.dumps({"objects": [campaign("packed")]}).encode())
    path = f"{node.taxii}real/collections/inbox/objects/"
    assert httpx.post(path, headers=headers, content=body).json()["success_count"] == 1
    assert httpx.post(path, headers=headers, content=body + b"more").status_code == 422


def test_small_answers_do_not_wait_for_pages(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that takes long, and one object asked for meanwhile: the object comes first."""
    one = campaign("one", object_marking_refs=[CLEAR])
    put(node.store, one)
    reading, may_end = threading.Event(), threading.Event()
    read = Feed.read

    def slow(self: Feed, query: Query, position: int, limit: int) -> Page:
        if not query.ids:
            reading.set()
            may_end.wait(30)
        return read(self, query, position, limit)

    monkeypatch.setattr(Feed, "read", slow)
    pages = [threading.Thread(target=get, args=(node, "real/collections/feed/objects/")) for _ in range(2)]
    for page in pages:
        page.start()
    assert reading.wait(30)
    assert get(node, f"real/collections/feed/objects/{one['id']}/").json()["objects"] == [one]
    assert all(page.is_alive() for page in pages)
    may_end.set()
    for page in pages:
        page.join(30)


def post(url: str, token: str, content: bytes | Iterable[bytes]) -> httpx.Response:
    """One POST to the inbox."""
    headers = {"Authorization": f"Bearer {token}", "Accept": TAXII, "Content-Type": TAXII}
    return httpx.post(f"{url}/taxii2/real/collections/inbox/objects/", headers=headers, content=content, timeout=30)


@pytest.fixture
def two(make_store: Callable[..., Store]) -> Iterator[tuple[Store, str, str, str]]:
    """A served node that takes five objects at once, and the tokens of Alpha and Bravo."""
    store = make_store(limits=Limits(items=5))
    tokens = []
    for name in ("Alpha", "Bravo"):
        store.put_partner(Partner(name=name, organisation=name, country="BEL", receives=("TLP:CLEAR",)))
        tokens.append(Accounts(store).create_token(by="test", partner=name, scopes=("read", "write"))[0])
    with served(store) as url:
        yield store, url, tokens[0], tokens[1]


def test_a_body_that_drips_holds_nobody_else(two: tuple[Store, str, str, str]) -> None:
    _, url, alpha, bravo = two
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(
            b"POST /taxii2/real/collections/inbox/objects/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            + f"Authorization: Bearer {alpha}\r\nAccept: {TAXII}\r\nContent-Type: {TAXII}\r\n".encode()
            + b"Expect: 100-continue\r\n\r\n1\r\n{\r\n"
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 100")  # its body is being read
        assert post(url, bravo, iter([b'{"objects":[', b"]}"])).status_code == 202
        rest = b'"objects":[]}'
        slow.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(rest), rest))
        assert slow.recv(100).startswith(b"HTTP/1.1 202")


def test_one_callers_many_writes_hold_nobody_else(
    two: tuple[Store, str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, url, alpha, bravo = two
    writing, may_end = threading.Event(), threading.Event()
    add = Writer.add

    def slow(self: Writer, *arguments: Any, **named: Any) -> Iterator[Outcome]:
        items = list(arguments[0])
        if items and items[0].data["name"] == "slow":
            writing.set()
            may_end.wait(30)
        yield from add(self, items, *arguments[1:], **named)

    monkeypatch.setattr(Writer, "add", slow)
    body = json.dumps({"objects": [campaign("slow")]}).encode()
    many = [threading.Thread(target=post, args=(url, alpha, body)) for _ in range(40)]
    for one in many:
        one.start()
    assert writing.wait(30)
    headers = {"Authorization": f"Bearer {bravo}", "Accept": TAXII}
    for _ in range(5):
        answer = httpx.get(f"{url}/taxii2/real/collections/feed/objects/", headers=headers, timeout=20)
        assert answer.status_code == 200
        assert post(url, bravo, b'{"objects":[]}').status_code == 202
    assert not may_end.is_set()
    may_end.set()
    for one in many:
        one.join(30)
    assert store.custodian().get(campaign("slow")["id"]) is not None


def test_objects_of_one_request_are_counted_first(two: tuple[Store, str, str, str]) -> None:
    store, url, alpha, _ = two
    objects = [campaign(f"c{i}") for i in range(6)]
    answer = post(url, alpha, json.dumps({"objects": objects}).encode())
    assert (answer.status_code, "more than 5 objects" in answer.json()["description"]) == (413, True)
    assert not store.custodian().read(Query(), 0, 10).rows
    assert post(url, alpha, b'{"objects":[' + b"{}," * 9 + b"{}]}").status_code == 413
    assert post(url, alpha, b'{"objects":[' + b'{"a":1},' * 9).status_code == 413
    assert post(url, alpha, json.dumps({"objects": objects[:5]}).encode()).json()["success_count"] == 5


def test_one_object_is_bound_as_the_settings_say(make_store: Callable[..., Store]) -> None:
    store = make_store(limits=Limits(object=2_000, depth=10))
    store.put_partner(Partner(name="Brussels", organisation="B", country="BEL"))
    token, _ = Accounts(store).create_token(by="test", partner="Brussels", scopes=("read", "write"))
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    large = campaign("large", description="x" * 3_000)
    objects = [campaign("good"), large, campaign("deep", aliases=deep)]
    with served(store) as url:
        status = post(url, token, json.dumps({"objects": objects}).encode()).json()
    assert [one["id"] for one in status["successes"]] == [objects[0]["id"]]
    assert status["failure_count"] == 2
