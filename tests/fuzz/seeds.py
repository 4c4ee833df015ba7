"""What the corpus grew from: examples of the tests, a folder for each target. `python -m tests.fuzz.seeds FOLDER`."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kizuna.settings import Limits, Settings, save
from kizuna.store import Partner, Store
from kizuna.store.archive import DIGEST, FIRST, MANIFEST
from kizuna.store.archive import check as checked
from kizuna.store.backup import back_up
from kizuna.store.keys import make_key
from tests.behaviour.test_fuzz_decoders import CLUSTER, DISCOVERY, LISTED, PACKS, PAGE, PLAIN
from tests.behaviour.worlds import TAXII
from tests.builders import AMBER, CLEAR, RED, campaign, definition, items, relationship, report
from tests.commands import bundle
from tests.formats.test_ed269 import FEATURE, geometry
from tests.formats.test_ed269 import document as zone_document
from tests.formats.test_stanag4774 import DATES, OURS, category, document, information
from tests.fuzz.targets import ANSWER, joined, packed
from tests.postgres import Cluster
from tests.stix.pattern.test_parser import TREES
from tests.stix_examples import VALID
from tests.tracks import square


def stix() -> Iterator[bytes]:
    """One object of each type, and containers of every kind."""
    for one in VALID.values():
        yield json.dumps(one, ensure_ascii=False).encode()
    some = [campaign("a", object_marking_refs=[CLEAR]), report("r", [campaign("a")], description="see [a:b = 1]")]
    marked = campaign("m", description="x", granular_markings=[{"marking_ref": AMBER, "selectors": ["description"]}])
    worded = definition("d", classification="RED", persons=["a"])
    yield bundle(*some, relationship(some[0], "related-to", some[0]), marked, worded)
    yield json.dumps({"objects": some, "more": False}).encode()
    yield json.dumps(some).encode()
    old = {k: v for k, v in campaign("o", object_marking_refs=[RED]).items() if k != "spec_version"}
    seen: dict[str, Any] = {"type": "observed-data", "objects": {"0": {"type": "file", "name": "x", "parent_directory_ref": "1"},
                                                 "1": {"type": "directory", "path": "/x"}}}  # fmt: skip
    seen |= {"first_observed": "2015-12-21T19:00:00Z", "last_observed": "2015-12-21T19:00:00Z", "number_observed": 1}
    times = {"created": "2016-04-06T19:58:16.000Z", "modified": "2016-04-06T19:58:16.000Z"}
    seen |= {"id": "observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf", **times}
    yield json.dumps({"type": "bundle", "spec_version": "2.0", "id": old["id"], "objects": [old, seen]}).encode()


def patterns() -> Iterator[bytes]:
    """Every form that the parser's tests know."""
    yield from (text.encode() for text, _ in TREES)


def patches() -> Iterator[bytes]:
    """A document and corrections of it."""
    yield (
        b'{"a":[],"b/c":[1,2]}\n[{"op":"add","path":"/a/-","value":1},{"op":"remove","path":"/b~1c/0"},'
        b'{"op":"test","path":"/b~1c/0","value":2},{"op":"replace","path":"/a/0","value":{}}]'
    )


def labels_in_xml() -> Iterator[bytes]:
    """Labels as others write them and as we do."""
    yield document(information("TLP", "AMBER"), DATES)
    yield document(information("TLP", "GREEN", category("PERMISSIVE", "Releasable to", "JPN", "NATO")), DATES)
    yield document(information("TLP", "RED", category("INFORMATIVE", "persons", "a", uri=f'{OURS}1"')), DATES)
    yield document(information("EXAMPLE", "SECRET", category("RESTRICTIVE", "Special Handling", "ALPHA")))
    yield (
        document("<slab:PolicyIdentifier/>", root="alternativeConfidentialityLabel", attributes=' Id="x"')
        .decode()
        .encode("utf-16")
    )


def labels() -> Iterator[bytes]:
    """Labels in words."""
    for text in ("TLP:CLEAR", "TLP:AMBER+STRICT to=JPN,NATO", "TLP:RED persons=a@b & PUBLIC", "TLP:GREEN community='E U'",
                 "IEP:AMBER from=2026-01-01T00:00:00Z until=2027-01-01T00:00:00Z", "OWN", "X:SECRET need=A,B originator=C"):  # fmt: skip
        yield text.encode()


def clusters() -> Iterator[bytes]:
    """A cluster with everything."""
    yield CLUSTER
    yield (
        CLUSTER.replace(b'"X1"', b'"X1.001"')
        .replace(b'"uses"', b'"subtechnique-of"')
        .replace(b"http://a.example", b"https://a.example/X1")
    )


def zones() -> Iterator[bytes]:
    """Zones with everything, with holes over the antimeridian, and with faults."""
    yield zone_document(FEATURE)
    rings = [[[x, y] for x, y in square(170, -10, -170, 10)], [[x, y, 5] for x, y in square(175, -5, -175, 5)]]
    shape = {"type": "Polygon", "coordinates": rings}
    yield zone_document(geometry(horizontalProjection=shape), FEATURE | {"applicability": [{"permanent": "YES"}]}, 7)
    yield zone_document(FEATURE).replace(b'"country": "CHE"', b'"country": "CHE", "country": NaN')


def yamls() -> Iterator[bytes]:
    """Plain YAML and each of its traps."""
    yield b"a: [1, -2, true, null, 'x', \"y\\n\"]\nb:\n  - {c: d}\n  - |\n    text\n  - >-\n    folded\n# said\n"
    yield b"NO: 2023-04-04\nx: &a 1\ny: *a\nz: !!int '1'\n<<: {}\n? k\n: v\n--- \n...\n"


def packs() -> Iterator[bytes]:
    """The first lines of what ships."""
    for name in ("groups", "regions", "programme", "scenario"):
        parts = {f.name: f.read_bytes() for f in sorted((PACKS / name).glob("*.yaml"))}
        parts |= {f.name: bundle(campaign("a")) for f in (PACKS / name).glob("*.json")}
        yield joined({file: content[:2_500] for file, content in parts.items()})


def settings() -> Iterator[bytes]:
    """A node's settings, plain and with everything."""
    yield json.dumps(PLAIN).encode()
    yield json.dumps(PLAIN | {"port": 1, "store": "sqlite:///x", "community": "EU", "ceiling": "TLP:AMBER",
                              "limits": {"body": 1, "page": 5}}).encode()  # fmt: skip
    yield msgspec.json.encode(Settings(**PLAIN, limits=Limits()))


def cursors() -> Iterator[bytes]:
    """What might be taken for a token."""
    yield b"A" * 48 + b"\nbound"
    yield b"_-_-" * 12


def node(folder: Path, address: str | None) -> Store:
    """A node with little in it."""
    told = Settings(**PLAIN, store=address)
    save(folder, told)
    make_key(folder)
    store = Store(folder, told)
    store.put_partner(Partner(name="B", organisation="B (fictional)", country="BEL", receives=("TLP:CLEAR",)))
    one = campaign("one", object_marking_refs=[CLEAR], description="灯台")
    list(store.writer(store.own_source()).add(items(one, report("r", [one]))))
    return store


def archives() -> Iterator[bytes]:
    """A small archive of two files."""
    told = {"format": 1, "kizuna": "1", "made": "2026-01-01T00:00:00Z", "kind": "sqlite", "schema": 1, "epoch": 1, "node": "n",
            "name": "n", "organisation": "o", "tables": {"object": 1}}  # fmt: skip
    yield packed(joined({MANIFEST: json.dumps(told).encode(), "node/node.json": b"{}", "node/node.key": b"x"}))


def backups() -> Iterator[bytes]:
    """The members of an archive of rows, its manifest first."""
    cluster = Cluster()
    try:
        cluster.start()
        with cluster.database() as address, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "node").mkdir()
            store = node(folder / "node", address)
            back_up(store, folder / "archive", by="seeds")
            store.close()
            whole = checked(folder / "archive")
            parts = {MANIFEST: whole.read(MANIFEST)} | {member: whole.read(member) for member in whole.members}
            told = json.loads(parts[MANIFEST])
            del told["members"]
            parts[MANIFEST] = json.dumps(told).encode()
            yield joined({member: data for member, data in parts.items() if member not in (FIRST, DIGEST)})
    finally:
        cluster.remove()


def answers() -> Iterator[bytes]:
    """Conversations with a partner's server."""

    def said(body: Any, *more: str, status: int = 200) -> bytes:
        return "\n".join([str(status), f"content-type: {TAXII}", *more, "", ""]).encode() + json.dumps(body).encode()

    status = {"id": "x", "status": "complete", "success_count": 1, "failure_count": 0, "total_count": 1}
    more = PAGE | {"more": True, "next": "x"}
    dated = "x-taxii-date-added-last: 2026-01-01T00:00:00Z"
    yield ANSWER.join(
        [
            said(DISCOVERY),
            said(LISTED),
            said(more),
            said(PAGE, dated),
            said(status),
        ]
    )
    yield ANSWER.join([said(DISCOVERY), said(LISTED), said({"title": "no", "description": "none"}, status=404)])
    packed = (
        said({}).partition(b"\n\n")[0]
        + b"\ncontent-encoding: gzip\n\n"
        + gzip.compress(json.dumps(DISCOVERY).encode(), mtime=0)
    )
    yield ANSWER.join([packed, said(LISTED), said({**PAGE, "more": True})])


def questions() -> Iterator[bytes]:
    """Queries with every filter, and headers."""
    yield (
        b"match[id]=campaign--1,x&match[type]=report&match[version]=all,2026-01-01T00:00:00Z&match[spec_version]=2.1"
        b"&added_after=2026-01-01T00:00:00.5Z&limit=5&next=abc\naccept: application/taxii+json;version=2.1, */*;q=0.1\nhost: a.example:80"
        b"\ncontent-type: application/taxii+json; version=2.1\ncontent-length: 12\ncontent-encoding: gzip"
    )
    yield b"limit=0&limit=1&added_after=9999-12-31T23:59:60Z"


def gzips() -> Iterator[bytes]:
    """Packed text, one stream and two, cut and damaged."""
    one = gzip.compress(b'{"objects":[]}' * 9, mtime=0)
    yield from (one, one + one, one[:-4], one[:20] + b"x" + one[21:])


def hellos() -> Iterator[bytes]:
    """A ServerHello with a key share, and a key exchange of TLS 1.2."""
    share = struct.pack(">HHHH", 51, 4, 0x11EC, 0)
    hello = b"\x03\x03" + bytes(32) + b"\0" + b"\x13\x01\0" + struct.pack(">H", len(share)) + share

    def record(kind: int, body: bytes) -> bytes:
        message = bytes([kind]) + len(body).to_bytes(3, "big") + body
        return b"\x16\x03\x03" + struct.pack(">H", len(message)) + message

    yield record(2, hello)
    yield record(2, hello) + record(12, b"\x03\x00\x1d\x20" + bytes(32))


def words() -> Iterator[bytes]:
    """Scripts that are cut in different ways."""
    for text in (
        "power plant 198.51.100.7",
        "東京で発電所",
        "напад на Київ",
        "ＡＢＣ ｶﾀｶﾅ x" + "\u0301" * 3,
        "a.b-c_d@e",
        "한국어 中文",
    ):
        yield text.encode()


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "stix": stix, "pattern": patterns, "json-patch": patches, "stanag4774": labels_in_xml, "label": labels, "galaxy": clusters,
    "ed269": zones,
    "yaml": yamls, "pack": packs, "settings": settings, "cursor": cursors, "archive": archives, "backup": backups,
    "taxii-answer": answers, "taxii-question": questions, "gzip": gzips, "tls": hellos, "words": words,
}  # fmt: skip


def main() -> None:
    """Write every seed into a folder of its target."""
    for target, seeds in SEEDS.items():
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    main()
