"""The window over a million objects: server time of its pages for twenty users, their weight, and whether hidden answers as absent.

For a reader who may see 120 of 300 labels. No peer imports a million objects here (see `million`), so none stands beside it.

    python -m benchmarks window
"""

from __future__ import annotations

import gzip
import http.client
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.data import Corpus
from benchmarks.million import COMMON, OBJECTS, SEES, Served, filled, p95, reader, up, users
from benchmarks.table import Row
from kizuna.store import Partner, open_store

ABSENT = 1_000
PARTNERS = (("Brussels", "BEL"), ("Kyiv", "UKR"))


def rows(_corpora: Sequence[Corpus], count: int = OBJECTS) -> Iterator[Row]:
    """Every line of the window."""
    data = f"seeded {count:,}, 300 labels"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "node"
        filled(folder, count)
        seen, hidden = known(folder)
        token = reader(folder)
        with up(folder, token) as served:
            served.asked("/objects")  # what counting needs is there
            pages = {
                "Picture": ["/"],
                "Objects": ["/objects", "/objects?type=indicator"],
                "Objects, the commonest word": [f"/objects?q={COMMON}"],
                "an object": [f"/objects/{id}" for id in seen[:40]],
                "Release": ["/release?as=Kyiv&state=withheld", "/release?as=Kyiv&state=unproposed"],
                "Partners": ["/partners"],
            }
            for title, paths in pages.items():
                found = users(served, paths)
                note = f"median {statistics.median(found):.0f} ms; {weight(served, paths[0]) / 1000:.0f} kB packed"
                target = 200 if "word" in title else 150
                yield Row(f"{title}, 20 users, p95", data, p95(found), "ms", target, note=note)
            yield Row("hidden beside absent, medians of 1,000", data, apart(served, hidden), "%", 5)


def known(folder: Path) -> tuple[list[str], list[str]]:
    """Ids that the reader may see and ids they may not; the node has two partners from then on, and each a third of all."""
    store = open_store(folder)
    for name, country in PARTNERS:
        told = f"CERT {name} (fictional)"
        store.put_partner(Partner(name=name, organisation=told, country=country, receives=("TLP:CLEAR",), added=1))
    with store.database.write() as connection:
        # As it stands after years, a third of all for each: by acts it would take longer than the rest.
        connection.execute(
            "insert into feed(recipient,added,object,ident,live,last) "
            "select p.n, o.added+o.n, o.n, o.ident, 1, 1 from partner p join object o on o.n%3=p.n%3"
        )
    view = store.view(store.principal_of_person(SEES[2]))
    seen = [stored.id for stored in view.search(limit=500).items]
    every = [id for (id,) in store.database.read().execute("select id from object order by n desc limit 20000")]
    hidden = [id for id in every if view.get(id) is None][:ABSENT]
    store.close()
    return seen, hidden


def weight(served: Served, path: str) -> int:
    """Bytes of a page with its style, packed."""
    total = 0
    for address in (path, "/static/kizuna.css"):
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=60)
        connection.request("GET", address, headers={"Authorization": f"Bearer {served.token}", "Accept": "text/html"})
        total += len(gzip.compress(connection.getresponse().read()))
        connection.close()
    return total


def apart(served: Served, hidden: Sequence[str]) -> float:
    """By how many hundredths the median of hidden ids differs from that of absent ones, asked in turns by one connection."""
    absent = [f"{id.partition('--')[0]}--{uuid.uuid4()}" for id in hidden]
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=60)
    took: dict[bool, list[float]] = {True: [], False: []}
    for pair in zip(hidden, absent, strict=True):
        for is_hidden, id in zip((True, False), pair, strict=True):
            began = time.perf_counter()
            headers = {"Authorization": f"Bearer {served.token}", "Accept": "text/html"}
            connection.request("GET", f"/objects/{id}", headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 404
            took[is_hidden].append(time.perf_counter() - began)
    connection.close()
    one, other = statistics.median(took[True]), statistics.median(took[False])
    return abs(one / other - 1) * 100
