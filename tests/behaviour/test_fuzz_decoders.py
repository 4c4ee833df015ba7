"""Decoders at the edge of a node: files people edit, tokens they hand back, servers of somebody else. Only errors of ours."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kizuna import settings as node_settings
from kizuna.errors import InvalidInput, KizunaError, UsageError
from kizuna.exchange.taxii.client import poll, push
from kizuna.exchange.taxii.peer import Peer
from kizuna.formats.galaxy import decode_cluster
from kizuna.formats.json_patch import apply_patch, decode_patch
from kizuna.formats.pack import open_pack
from kizuna.formats.scenario import objects_by_area, read_scenario
from kizuna.labels import format_label, parse_label
from kizuna.settings import Limits, Settings
from kizuna.store import Partner, Store
from kizuna.store.cursors import Cursors
from kizuna.store.keys import make_key
from tests.behaviour.worlds import TAXII
from tests.builders import CLEAR, campaign, items

PACKS = Path(__file__).resolve().parents[2] / "packs"
WIDE: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "\0", "9" * 5_000])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
noise = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([
        b"\xff\xfe", b"\0", b"[" * 20_000, b"{" * 20_000, b'"', b"'", b": ", b"\n- ", b"&a [*a]", b"*a",
        b"!!python/object/new:os.system [x]", b"<<: *a",
        b"1" * 10_000, b"1e999", b"2026-99-99", b"\xed\xa0\x80", b"\\ud800", b"? ", b"%YAML 9.9\n---\n", b"\n...\n---\n", b"\t",
        b"null", b"-1", b"~",
    ]),
)  # fmt: skip


def spliced(data: bytes, at: int, length: int, piece: bytes) -> bytes:
    """The data with a piece in the place of some of it."""
    start = at % (len(data) + 1)
    return data[:start] + piece + data[start + length :]


splices = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 40), noise), min_size=1, max_size=3)


@settings(max_examples=150, **WIDE)
@given(st.binary(max_size=60) | values.map(lambda v: json.dumps(v).encode()) | noise)
def test_a_settings_file_that_is_none(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "node.json").write_bytes(data)
        with pytest.raises(InvalidInput):
            node_settings.load(Path(folder))


PLAIN: dict[str, Any] = {
    "name": "n",
    "organisation": "o",
    "country": "JPN",
    "identity": "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01",
}


@settings(max_examples=150, **WIDE)
@given(st.dictionaries(st.sampled_from([*Settings.__struct_fields__, "x"]), values, max_size=3),
       st.none() | st.dictionaries(st.sampled_from([*Limits.__struct_fields__, "x"]), values, max_size=3))  # fmt: skip
def test_a_settings_file_with_other_values(some: dict[str, Any], limits: dict[str, Any] | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = json.dumps(PLAIN | some | ({} if limits is None else {"limits": limits}))
        (folder / "node.json").write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = node_settings.load(folder)
        except InvalidInput:
            return
        assert 0 <= found.port <= 65_535
        assert (
            min(found.limits.body, found.limits.object, found.limits.depth, found.limits.page, found.limits.items) > 0
        )
        node_settings.save(folder, found)
        assert node_settings.load(folder) == found


@settings(max_examples=200, **WIDE)
@given(
    st.sampled_from(["groups", "regions", "programme", "scenario"]),
    st.sampled_from(["pack.yaml", "data"]),
    splices,
    st.booleans(),
)
@example("scenario", "data", [(0, 1 << 20, b"nodes: []\nloosen: {}\n")], False)
@example("groups", "data", [(0, 1 << 20, b"[" * 20_000)], False)
def test_a_damaged_pack(name: str, which: str, damage: list[tuple[int, int, bytes]], bundles: bool) -> None:
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / name
        shutil.copytree(PACKS / name, folder)
        files = [
            f
            for f in sorted(folder.glob("*.json" if bundles and name == "scenario" else "*.yaml"))
            if (f.name == "pack.yaml") == (which == "pack.yaml")
        ]
        for file in files:
            data = file.read_bytes()
            for splice in damage:
                data = spliced(data, *splice)
            file.write_bytes(data)
        _read_all(folder)


def _read_all(folder: Path) -> None:
    """Read a pack in every way there is; each ends well or in an error of ours."""
    try:
        pack = open_pack(folder)
    except KizunaError:
        return
    ways: list[Callable[[], object]] = [
        pack.groups, pack.regions, pack.programme, lambda: list(pack.objects()), lambda: pack.known_problems,
        lambda: [list(objects_by_area(pack, node)) for node in read_scenario(pack).nodes],
    ]  # fmt: skip
    for way in ways:
        with suppress(KizunaError):
            way()


CLUSTER = json.dumps({
    "name": "n", "type": "t", "uuid": "3f2b4c1e-0000-4000-8000-000000000001", "version": 1, "authors": ["a"], "source": "s",
    "description": "d",
    "category": "c", "values": [{"value": "v", "uuid": "3f2b4c1e-0000-4000-8000-000000000002", "description": "x",
    "meta": {"refs": ["http://a.example"],
    "external_id": "X1", "kill_chain": ["a:b"]}, "related": [{"dest-uuid": "3f2b4c1e-0000-4000-8000-000000000003", "type": "uses"}]}],
}).encode()  # fmt: skip


@settings(max_examples=150, **WIDE)
@given(splices)
def test_a_damaged_cluster_and_a_damaged_patch(damage: list[tuple[int, int, bytes]]) -> None:
    data, patch = (
        CLUSTER,
        b'[{"op":"add","path":"/a/-","value":1},{"op":"remove","path":"/b~1c/0"},{"op":"replace","path":"","value":{}}]',
    )
    for splice in damage:
        data, patch = spliced(data, *splice), spliced(patch, *splice)
    with suppress(KizunaError):
        decode_cluster(data, file="x")
    with suppress(KizunaError):
        apply_patch({"a": [], "b/c": [1, 2]}, decode_patch(patch, file="x"), file="x")


@pytest.fixture(scope="module")
def cursors(tmp_path_factory: pytest.TempPathFactory) -> Cursors:
    """A node's cursors."""
    folder = tmp_path_factory.mktemp("node")
    make_key(folder)
    return Cursors(folder, lambda: "")


@settings(max_examples=300, **WIDE)
@given(
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.text(max_size=5), max_size=3),
    st.text(max_size=60),
    st.integers(0, 400),
)
def test_a_cursor_is_ours_or_none(cursors: Cursors, position: int, bound: list[str], text: str, bit: int) -> None:
    token = cursors.seal(position, *bound)
    assert cursors.open(token, *bound) == position
    at, mask = bit // 8 % len(token), 1 << (bit % 6)
    changed = f"{token[:at]}{chr(ord(token[at]) ^ mask)}{token[at + 1 :]}"
    for other in (text, changed, token[:-1], token + "A", token * 2, f" {token}", token[1:]):
        # The last character of base64 may hold bits that mean nothing.
        with suppress(UsageError):
            assert cursors.open(other, *bound) == position
    for others in ([*bound, ""], ["x", *bound], [*bound, "x"]):
        with pytest.raises(UsageError):
            cursors.open(token, *others)


words = st.sampled_from(["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", "PUBLIC", "to=", "community=",
"persons=", "&", ",", "=",
                         '"', "a@b", "JPN", "NATO", " ", "\u3000", "IEP:", "\\", "not=", "TLP:amber", "OWN", "\0", "\ud800"])  # fmt: skip


@settings(max_examples=400, **WIDE)
@given(st.lists(words | st.text(max_size=3), max_size=9).map("".join))
def test_words_of_labels_in_any_order(text: str) -> None:
    try:
        label = parse_label(text, originator="A")
    except UsageError:
        return
    assert parse_label(format_label(label), originator="A") == label


# A TAXII server of somebody else, which answers whatever it likes


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives these bytes to one request after the other, over and over, and hangs up; its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(0.05)
        ended = threading.Event()

        def serve() -> None:
            turn = 0
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    connection.recv(65_536)
                    connection.sendall(answers[turn % len(answers)])
                    turn += 1

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/taxii2/"
        finally:
            ended.set()
            thread.join(10)


def said(
    body: bytes, *more: bytes, status: bytes = b"200 OK", type: bytes = TAXII.encode(), length: int | None = None
) -> bytes:
    """An HTTP answer; its length may be a lie."""
    size = len(body) if length is None else length
    head = [b"HTTP/1.1 " + status, b"content-type: " + type, b"content-length: %d" % size, b"connection: close", *more]
    return b"\r\n".join([*head, b"", body])


DISCOVERY = {"title": "x", "api_roots": ["/root/"]}
LISTED = {"collections": [{"id": "a", "title": "x", "can_read": True, "can_write": True}]}
PAGE = {"more": False, "objects": [campaign("a", object_marking_refs=[CLEAR])]}
_GOOD = tuple(said(json.dumps(resource).encode()) for resource in (DISCOVERY, LISTED))

resources = st.one_of(
    st.sampled_from([DISCOVERY, LISTED, PAGE, {"more": True, "next": "same", "objects": []}, {"more": True, "next": "same",
    "objects": [{}]},
                     {"id": "x", "status": "complete", "success_count": 9**20, "failure_count": -5, "failures": "x"}]),
    st.dictionaries(st.sampled_from(["api_roots", "collections", "objects", "more", "next", "title", "versions", "id", "status",
    "failures", "http_status",
                    "failure_count", "description", "can_read", "can_write"]), values, max_size=5),
    values,
).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))  # fmt: skip
bodies = st.one_of(
    resources,
    resources.flatmap(lambda data: splices.map(lambda damage: spliced(data, *damage[0]))),
    st.sampled_from([b"", b"[" * 100_000, b'{"objects":' * 30_000, b"\xff", b"1" * 10_000, b'{"objects":[' + b"{}," * 20_000 + b"{}]}",
                     json.dumps({"api_roots": ["http://other.example/", "//other.example/", "http://[", "file:///etc/passwd",
                     "\ud800", "", "../..", 5]}).encode(),
                     json.dumps({"collections": [{"id": id, "can_read": True} for id in ("", "..", "a/b", "\ud800", "\0",
                     "é" * 3000)]}).encode(),
                     gzip.compress(b'{"objects":[]}'), gzip.compress(bytes(30_000_000))]),
)  # fmt: skip
answers = st.one_of(
    st.builds(
        said,
        bodies,
        st.sampled_from([b"x: y", b"content-encoding: gzip", b"content-encoding: br", b"content-encoding: gzip, gzip",
        b"x-taxii-date-added-last: yesterday",
                         b"x-taxii-date-added-last: 9999-12-31T23:59:59.999999Z",
                         b"x-taxii-date-added-last: 0001-01-01T00:00:00Z", b"content-length: 7",
                         b"transfer-encoding: chunked", b"location: http://other.example/", b"x: \xff\xfe", b"broken", b": ",
                         b"x: " + b"y" * 70_000]),
        status=st.sampled_from([b"200 OK"] * 6 + [b"301 Moved", b"302 Found", b"307 x", b"401 x", b"404 Not Found", b"500 x",
        b"204 No Content", b"100 x", b"999", b"x",
                                b"200", b"206 Partial", b"304 x"]),
        type=st.sampled_from([TAXII.encode()] * 5 + [b"text/html", b"application/json", b"", b"application/taxii+json;version=9", b"\xff"]),
        length=st.sampled_from([None, None, None, 0, 1, 10**6, 10**18]),
    ),
    st.binary(max_size=60),
    st.sampled_from([b"", b"HTTP/1.1", b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def brussels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A node that has something for its partner."""
    folder = tmp_path_factory.mktemp("brussels")
    store = Store(folder, Settings(**PLAIN))
    make_key(folder)
    store.put_partner(
        Partner(
            name="Odd",
            organisation="Odd (fictional)",
            country="BEL",
            receives=("TLP:CLEAR",),
            token="odd.token",
            added=1,
        )
    )
    (folder / "odd.token").write_text("secret")
    list(store.writer(store.own_source()).add(items(campaign("ours", object_marking_refs=[CLEAR]))))
    yield store
    store.close()


def hostile(store: Store, *replies: bytes) -> None:
    """Poll and push at a server of these answers: whatever it says, it ends, well or in an error of ours."""
    with answering(*replies) as url:
        store.put_partner(
            Partner(
                name="Odd",
                organisation="Odd (fictional)",
                country="BEL",
                receives=("TLP:CLEAR",),
                token="odd.token",
                added=1,
                url=url,
            )
        )
        for act in (poll, push):
            with suppress(KizunaError):
                act(store, "Odd")


@settings(max_examples=120, **WIDE)
@example([said(b'{"api_roots":[],"\x80":1}')], 0)
@given(st.lists(answers, min_size=1, max_size=2), st.integers(0, 2))
def test_a_hostile_server_costs_a_sentence(brussels: Store, found: list[bytes], good: int) -> None:
    hostile(brussels, *_GOOD[:good], *found)


@pytest.mark.soak
@settings(max_examples=10_000, **WIDE)
@given(st.lists(answers, min_size=1, max_size=3), st.integers(0, 2))
def test_a_hostile_server_at_length(brussels: Store, found: list[bytes], good: int) -> None:
    hostile(brussels, *_GOOD[:good], *found)


@pytest.mark.parametrize(
    "page",
    [
        {"more": True, "next": "same", "objects": [campaign("a")]},
        {"more": True, "next": "same", "objects": []},
        {"more": True, "objects": [campaign("a")]},
        {"more": True, "next": "", "objects": [campaign("a")]},
    ],
)
def test_pages_without_end_end(page: dict[str, Any]) -> None:
    with (
        answering(said(json.dumps(page).encode())) as url,
        Peer(url, "secret") as peer,
        pytest.raises(KizunaError, match="no progress"),
    ):
        list(peer.pages(url, None))


def test_no_answer_leads_our_token_elsewhere() -> None:
    reached = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.3)
        there = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        for reply in (
            said(b"{}", f"location: {there}".encode(), status=b"302 Found"),
            said(json.dumps({"api_roots": [there]}).encode()),
            said(json.dumps({"api_roots": [there.removeprefix("http:")]}).encode()),
        ):
            with answering(reply) as url, Peer(url, "secret") as peer, pytest.raises(KizunaError):
                peer.collections()
        with suppress(TimeoutError):
            elsewhere.accept()
            reached.set()
    assert not reached.is_set()
