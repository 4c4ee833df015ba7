"""The two readers of every TAXII row, used alike on Kizuna and on the peers: taxii2-client, and a plain one that parses nothing."""

from __future__ import annotations

import gc
import http.client
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase
from taxii2client.v21 import Collection, as_pages

from benchmarks.peers import Service

TAXII = "application/taxii+json;version=2.1"
BATCH = 500
PAGE = 1000
# A page states its token before its objects or after them.
_HEAD = re.compile(rb'^\{[^\[{]*"next": ?"([^"]+)"')
_TAIL = re.compile(rb'\], ?"next": ?"([^"]+)"\}\s*$')


class Reader:
    """A plain reader: one connection, bytes in, nothing parsed but the token of the next page."""

    def __init__(self, service: Service, *, gzip: bool = False) -> None:
        parts = urlsplit(service.collection)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        self._headers = {"Authorization": service.authorization, "Accept": TAXII}
        self._headers["Accept-Encoding"] = "gzip" if gzip else "identity"

    def get(self, path: str) -> bytes:
        """A body, unpacked; the path begins at the collection."""
        self._connection.request("GET", self._path + path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:300]
        return zlib.decompress(body, wbits=31) if answer.headers.get("content-encoding") == "gzip" else body

    def everything(self) -> Iterator[bytes]:
        """Every page of the collection."""
        token = b""
        while True:
            body = self.get(f"objects/?limit={PAGE}" + (f"&next={quote(token)}" if token else ""))
            yield body
            found = _HEAD.match(body) or _TAIL.search(body[-300:])
            if found is None:
                return
            token = found[1]

    def latencies(self, paths: Iterable[str]) -> list[float]:
        """Milliseconds of single requests over the kept connection."""
        found = []
        for path in paths:
            began = time.perf_counter()
            self.get(path)
            found.append((time.perf_counter() - began) * 1000)
        return found


def by_id(ids: Sequence[str], count: int = 30) -> list[str]:
    """The paths of some objects, taken evenly: sizes differ by a thousand times, one object would tell nothing."""
    step = max(1, len(ids) // count)
    return [f"objects/{one}/" for one in ids[step // 2 :: step]]


def best(work: Callable[[], int], runs: int) -> float:
    """Objects a second, the best of some runs."""
    rates = []
    for _ in range(runs):
        began = time.perf_counter()
        count = work()
        rates.append(count / (time.perf_counter() - began))
    return max(rates)


def plain(service: Service, runs: int, *, gzip: bool = False) -> float:
    """Reading everything as bytes; the objects are counted once, outside the clock."""
    reader = Reader(service, gzip=gzip)
    found = sum(len(json.loads(page)["objects"]) for page in reader.everything())
    return best(lambda: found if all(reader.everything()) else 0, runs)


class _Authorization(AuthBase):
    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _client(service: Service) -> Collection:
    # Told beforehand what the collection is: one peer cannot say it itself, and it is no part of what is measured.
    told = {
        "id": service.collection.split("/")[-2],
        "title": "Bench",
        "can_read": True,
        "can_write": True,
        "media_types": [],
    }
    return Collection(service.collection, auth=_Authorization(service.authorization), collection_info=told)


def through_client(service: Service, runs: int) -> float:
    """Reading everything with taxii2-client, pages of 1,000."""
    with _client(service) as collection:

        def read() -> int:
            return sum(len(page["objects"]) for page in as_pages(collection.get_objects, per_request=PAGE))

        return best(read, runs)


def post(service: Service, objects: list[dict[str, Any]]) -> float:
    """Objects stored a second with taxii2-client, 500 a batch; its encoding is within the clock, refused ones do not count."""
    stored = 0
    gc.freeze()  # a sender would not hold the whole corpus, and look through it for cycles again and again
    with _client(service) as collection:
        began = time.perf_counter()
        for start in range(0, len(objects), BATCH):
            stored += collection.add_objects({"objects": objects[start : start + BATCH]}).success_count
        return stored / (time.perf_counter() - began)
