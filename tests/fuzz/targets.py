"""One target for each decoder at the edge of a node: bytes go in, and nothing comes out but answers and errors of ours.

Nothing of a test runner is imported here: the fuzzer has an environment of its own (requirements/fuzz.in).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import msgspec

from kizuna import settings as node_settings
from kizuna.errors import InvalidInput, KizunaError, UsageError
from kizuna.exchange.handshake import group_of
from kizuna.exchange.taxii import peer as peers
from kizuna.exchange.taxii.media import accepts_taxii, is_taxii
from kizuna.exchange.taxii.packing import Unpacker
from kizuna.exchange.taxii.request import Request
from kizuna.formats import plain_yaml
from kizuna.formats.ed269 import read_zones
from kizuna.formats.galaxy import Conversion, convert, decode_cluster
from kizuna.formats.geojson import write_geojson
from kizuna.formats.json_patch import apply_patch, decode_patch
from kizuna.formats.kml import write_kml
from kizuna.formats.pack import open_pack
from kizuna.formats.scenario import objects_by_area, read_scenario
from kizuna.formats.stanag4774 import read_label, write_label
from kizuna.formats.zone import from_json, to_json
from kizuna.labels import format_label, parse_label
from kizuna.stix import ReadLimits, canonical, iter_objects, marking_definitions, reports
from kizuna.stix.pattern import PatternError
from kizuna.stix.pattern import canonical as canonical_pattern
from kizuna.stix.pattern import parse as parse_pattern
from kizuna.store.archive import DIGEST, FIRST, MANIFEST, Archive, Listed, check
from kizuna.store.cursors import Cursors
from kizuna.store.keys import make_key
from kizuna.store.prepare import Labelling, definitions_from, prepare
from kizuna.store.restore import restore
from kizuna.store.words import index_text, phrases

Target = Callable[[bytes], None]
NOW = 1_795_392_000_000_000
MEMBER = b"\n== "
"""What parts an input into named members: a line of its own with the name behind it."""
ANSWER = b"\n--\n"
"""What parts an input into the answers of a server."""

_CONVERSION = Conversion(
    name="FUZZ",
    types={"t": "attack-pattern", "m": "course-of-action", "g": "grouping"},
    identity={"id": "identity--00000000-0000-4000-8000-000000000001"},
    marking={"id": "marking-definition--00000000-0000-4000-8000-000000000001"},
    created="2026-01-01T00:00:00.000Z",
    linked=r"https://a\.example/(X\d+)",
)
_LIMITS = ReadLimits(object=1 << 16, split_above=1 << 12, depth=32)


def stix(data: bytes) -> None:
    """A container of objects, read as a whole and piece by piece alike, and each object as far as the store's door."""
    found = list(iter_objects(data, limits=_LIMITS))
    pieces = list(iter_objects(Dripping(data), limits=_LIMITS))
    if len(data) <= _LIMITS.split_above:
        assert [(i.index, i.raw, i.data, i.problems) for i in found] == [
            (i.index, i.raw, i.data, i.problems) for i in pieces
        ]
    known = {str(one.get("id")): one for one in marking_definitions(data) or ()}
    labelling = Labelling("A", definitions_from(known, lambda _: None), default=None, joined=None, community=None)
    for item in found:
        list(prepare(item, labelling, {}, str))
        if item.data is not None and not item.problems:
            assert msgspec.json.decode(canonical(item.data)) == item.data
    list(reports(data))


def pattern(data: bytes) -> None:
    """A pattern; what is written of it is read as the same."""
    with suppress(PatternError):
        tree = parse_pattern(data.decode(errors="replace"))
        assert parse_pattern(canonical_pattern(tree)) == tree


def json_patch(data: bytes) -> None:
    """A patch, behind a line with the document that it is for."""
    first, _, rest = data.partition(b"\n")
    with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
        document = msgspec.json.decode(first)
        with suppress(KizunaError):
            apply_patch(document, decode_patch(rest, file="patch"), file="patch")


def stanag4774(data: bytes) -> None:
    """A label in XML; what is written of it is read as the same."""
    with suppress(KizunaError):
        read = read_label(data, originator="A", community="EU")
        with suppress(KizunaError):  # not every label can be said in XML
            written = write_label(read.label, created=NOW, review=NOW + 1_000_000)
            assert read_label(written, originator="A", community="EU").label == read.label


def label(data: bytes) -> None:
    """A label in words; what is written of it is read as the same."""
    with suppress(UsageError):
        found = parse_label(data.decode("utf-8", "surrogateescape"), originator="A")
        assert parse_label(format_label(found), originator="A") == found


def galaxy(data: bytes) -> None:
    """A MISP galaxy's cluster, and what is made of it."""
    with suppress(KizunaError):
        cluster = decode_cluster(data, file="cluster")
        for one in convert([cluster], _CONVERSION):
            msgspec.json.encode(one)


def ed269(data: bytes) -> None:
    """A file of zones; each that is read can be kept and shown."""
    with suppress(KizunaError):
        found = read_zones(data, file="zones").zones
        for zone in found:
            assert from_json(to_json(zone)) == zone
        write_geojson((), found)
        write_kml((), found)


def yaml(data: bytes) -> None:
    """YAML without its traps: what is read could have been JSON."""
    with suppress(InvalidInput):
        msgspec.json.encode(plain_yaml.decode(data, Any, file="x.yaml"))


def pack(data: bytes) -> None:
    """A pack of several files."""
    with _folder() as folder:
        for name, content in members(data):
            if name.replace(".", "").replace("-", "").isalnum() and len(name) < 60:
                (folder / name).write_bytes(content)
        with suppress(KizunaError):
            found = open_pack(folder)
            ways: list[Callable[[], object]] = [
                found.groups, found.regions, found.programme, lambda: list(found.objects()), lambda: found.known_problems,
                lambda: [list(objects_by_area(found, node)) for node in read_scenario(found).nodes],
            ]  # fmt: skip
            for way in ways:
                with suppress(KizunaError):
                    way()


def settings(data: bytes) -> None:
    """The file of a node's settings; what was read is written and read as the same."""
    with _folder() as folder:
        (folder / "node.json").write_bytes(data)
        with suppress(InvalidInput):
            found = node_settings.load(folder)
            node_settings.save(folder, found)
            assert node_settings.load(folder) == found


def cursor(data: bytes) -> None:
    """A token: one that somebody made up opens nothing."""
    token, _, bound = data.decode("utf-8", "surrogateescape").partition("\n")
    cursors = _cursors()
    with suppress(UsageError):
        raise AssertionError(f"opened as {cursors.open(token, bound)}")
    assert cursors.open(cursors.seal(len(data), bound), bound) == len(data)


def archive(data: bytes) -> None:
    """The file of a backup."""
    with _folder() as folder:
        (folder / "backup").write_bytes(data)
        with suppress(InvalidInput):
            check(folder / "backup")


def backup(data: bytes) -> None:
    """A backup whose digests agree, with whatever in it: restored whole or not at all."""
    with _folder() as folder:
        with suppress(KizunaError, ValueError):  # of names that no archive takes
            (folder / "backup").write_bytes(packed(data))
            with suppress(KizunaError):
                restore(folder / "backup", folder / "node", url=None, by="fuzz")
                assert (folder / "node" / "node.json").exists()
                return
        assert not (folder / "node" / "node.json").exists()


def taxii_answer(data: bytes) -> None:
    """What a partner's server answers: to the question for its collections, for a page, and to what is sent."""
    _server.says(data.split(ANSWER))
    peer = _server.peer()
    found: list[dict[str, Any]] = [{"url": f"{_server.ADDRESS}a/", "root": _server.ADDRESS}]
    with suppress(KizunaError):
        found += peer.collections()
    for one in found[:2]:
        with suppress(KizunaError):
            for page in peer.pages(one["url"], None):
                list(iter_objects(page.envelope, limits=_LIMITS))
    with suppress(KizunaError):
        peer.post(found[-1], b"{}")


def taxii_question(data: bytes) -> None:
    """The query and headers of a TAXII request."""
    query, *lines = data.split(b"\n")
    pairs = [line.partition(b":")[::2] for line in lines[:20]]
    scope = {"method": "GET", "path": "/taxii2/real/", "root_path": "", "headers": pairs, "query_string": query}
    with suppress(KizunaError):
        request = Request.of(scope, None)
        for way in (request.filter, lambda: request.limit(100), request.next, request.heavy):
            with suppress(KizunaError):
                way()
        accepts_taxii(request.headers.get("accept"))
        is_taxii(request.headers.get("content-type"))


def gzip(data: bytes) -> None:
    """A packed body: unpacked within its bounds, in whatever pieces it comes."""
    taken = []
    for size in (len(data) or 1, 7):
        unpacker = Unpacker(1 << 20, 100, packed=True)
        found = b""
        try:
            for at in range(0, len(data), size):
                found += b"".join(unpacker.feed(data[at : at + size]))
            unpacker.finish()
            taken.append(found)
        except KizunaError as error:
            taken.append(type(error).__name__.encode())
        assert len(found) <= 1 << 20
    assert taken[0] == taken[1] or b"TooLarge" in taken


def tls(data: bytes) -> None:
    """What a server says before anything is encrypted."""
    group_of(data)


def words(data: bytes) -> None:
    """What somebody looks for, and what is indexed."""
    text = data.decode("utf-8", "surrogateescape")
    for way in (phrases, index_text):
        with suppress(KizunaError):
            way(text)


TARGETS: dict[str, Target] = {
    target.__name__.replace("_", "-"): target
    for target in (
        stix, pattern, json_patch, stanag4774, label, galaxy, ed269, yaml, pack, settings, cursor, archive, backup, taxii_answer,
        taxii_question, gzip, tls, words,
    )
}  # fmt: skip


class Dripping(BytesIO):
    """A source that gives little at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most seven bytes."""
        return super().read(7 if size is None or size < 0 else min(size, 7))


class Server:
    """A partner's server that gives its answers over and over: a status, lines of headers, and behind an empty one a body."""

    ADDRESS = "http://partner.example/taxii2/"

    def __init__(self) -> None:
        self._answers: list[bytes] = []
        self._turn = 0
        self._peer: peers.Peer | None = None

    def says(self, answers: list[bytes]) -> None:
        """Begin anew with other answers."""
        self._answers, self._turn = answers, 0

    def peer(self) -> peers.Peer:
        """Who asks it, and waits for nothing; one for all, since a client takes long to make."""
        if self._peer is None:
            peers.PENDING_SECONDS = 0.0
            self._peer = peers.Peer(self.ADDRESS, "token")
            headers = self._peer._client.headers
            self._peer._client = httpx.Client(transport=httpx.MockTransport(self._answer), headers=headers)
        self._peer._began = time.monotonic()
        return self._peer

    def _answer(self, _: httpx.Request) -> httpx.Response:
        head, _empty, body = self._answers[self._turn % len(self._answers)].partition(b"\n\n")
        self._turn += 1
        status, *lines = head.split(b"\n")
        pairs = [line.partition(b":")[::2] for line in lines]
        code = int(status) if status.isdigit() and len(status) == 3 else 200
        return httpx.Response(code, headers=[(n, v.strip()) for n, v in pairs], stream=httpx.ByteStream(body))


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The named parts of an input."""
    for part in (b"\n" + data).split(MEMBER)[1:]:
        name, _, content = part.partition(b"\n")
        yield name.decode("utf-8", "replace"), content


def joined(parts: dict[str, bytes]) -> bytes:
    """The input that has these parts."""
    return b"".join(MEMBER + name.encode() + b"\n" + content for name, content in parts.items()).removeprefix(b"\n")


def packed(data: bytes) -> bytes:
    """An archive of the parts of an input, its manifest in agreement with them. Raises ValueError where there can be none."""
    out = BytesIO()
    made = Archive(out.write)
    told: dict[str, Any] = {}
    for name, content in members(data):
        if name == MANIFEST:
            with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
                told = msgspec.json.decode(content, type=dict[str, Any])
        elif name not in (FIRST, DIGEST):
            made.add(name, content)
    whole: dict[str, Any] = told | {"members": msgspec.to_builtins(made._listed)}
    text = json.dumps(whole).encode()
    listed: Listed = made._member(MANIFEST, text)
    made._member(DIGEST, listed.sha256.encode() + b"\n")
    return out.getvalue() + bytes(1024)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=_MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _cursors() -> Cursors:
    if not _made:
        folder = Path(tempfile.mkdtemp())
        make_key(folder)
        _made.append(Cursors(folder, lambda: ""))
        _made[0].seal(0)  # which reads the key
        shutil.rmtree(folder)
    return _made[0]


_made: list[Cursors] = []
_server = Server()
_MEMORY = "/dev/shm" if sys.platform == "linux" and Path("/dev/shm").is_dir() else None
