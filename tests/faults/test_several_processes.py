"""Several `kizuna up` on one PostgreSQL are one node: for sessions, feeds, what is scheduled, and whoever restarts them in turn."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from kizuna.store import Partner, open_store
from tests.builders import CLEAR, campaign
from tests.commands import free_port, kizuna

from .conftest import Faulty, corpus
from .test_sudden_end import TAXII, check, start

SHARED = pytest.mark.parametrize("faulty", ["postgres"], indirect=True)


@contextmanager
def up(folder: Path, *more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process that serves the node, and its address."""
    process = start("up", "--data", folder, "--json", *(more or ("--port", "0", "--poll-seconds", "0")))
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"], process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def as_somebody(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def post(url: str, token: str, *objects: dict[str, Any], collection: str = "everything") -> httpx.Response:
    return httpx.post(
        f"{url}/taxii2/real/collections/{collection}/objects/",
        content=json.dumps({"objects": objects}),
        headers={**as_somebody(token), "Accept": TAXII, "Content-Type": TAXII},
        timeout=60,
    )


@SHARED
def test_what_one_is_told_the_other_knows(faulty: Faulty) -> None:
    with up(faulty.folder) as (one, _), up(faulty.folder) as (other, _):
        assert one != other
        secret = (
            kizuna("user", "link", "owner", "--data", faulty.folder, "--json").last()["login_url"].rpartition("/")[2]
        )
        with httpx.Client(follow_redirects=True) as browser:
            browser.get(f"{one}/login/{secret}", headers={"Accept": "text/html"})
            assert browser.cookies
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        page = httpx.get(f"{other}/", headers={"Cookie": cookies, "Accept": "text/html"})
        assert page.status_code == 200
        opened = campaign("opened", object_marking_refs=[CLEAR])
        assert post(one, faulty.owner, opened).status_code == 202
        feed = f"{other}/taxii2/real/collections/feed/objects/"
        given = httpx.get(feed, headers={**as_somebody(faulty.brussels), "Accept": TAXII}).json()["objects"]
        assert [found["id"] for found in given] == [opened["id"]]
        number = kizuna("token", "list", "--data", faulty.folder, "--json").lines()[-1]["number"]
        assert httpx.get(feed, headers={**as_somebody(faulty.brussels), "Accept": TAXII}).status_code == 200
        assert kizuna("token", "revoke", str(number), "--data", faulty.folder).code == 0
        assert httpx.get(feed, headers={**as_somebody(faulty.brussels), "Accept": TAXII}).status_code == 401


@SHARED
def test_writers_of_two_processes_leave_no_gap_in_a_feed(faulty: Faulty) -> None:
    """Whoever pages meanwhile, by what was added last, gets every row once."""
    seen: list[str] = []
    written: list[dict[str, Any]] = []
    ended = threading.Event()
    with up(faulty.folder) as (one, _), up(faulty.folder) as (other, _):

        def write(url: str, prefix: str) -> None:
            for batch in range(8):
                objects = corpus(batch, 60, f"{prefix}{batch}x")
                answer = post(url, faulty.owner, *objects)
                assert answer.status_code == 202, answer.text
                written.extend(objects)

        def read(url: str) -> None:
            after, last = "2020-01-01T00:00:00.000000Z", False
            with httpx.Client(headers={**as_somebody(faulty.brussels), "Accept": TAXII}, timeout=60) as client:
                while True:
                    last = ended.is_set()
                    answer = client.get(
                        f"{url}/taxii2/real/collections/feed/objects/",
                        params={"added_after": after, "limit": "50", "match[version]": "all"},
                    )
                    found = answer.json().get("objects", [])
                    seen.extend(item["id"] for item in found)
                    after = answer.headers.get("X-TAXII-Date-Added-Last", after)
                    if not found and last:
                        return

        reading = threading.Thread(target=read, args=(other,))
        writing = [threading.Thread(target=write, args=to) for to in ((one, "one"), (other, "other"))]
        for thread in (reading, *writing):
            thread.start()
        for thread in writing:
            thread.join()
        ended.set()
        reading.join()
    assert len(seen) == len(set(seen))
    store = open_store(faulty.folder)
    assert len(seen) == store.feed("Brussels").count() > 100
    store.close()
    check(faulty.folder, written)


@SHARED
def test_processes_are_restarted_in_turn_and_no_request_is_lost(faulty: Faulty) -> None:
    """What a proxy does: it asks the other where one does not answer. Each request is answered well by one of the two."""
    ports = [free_port(neighbours=0), free_port(neighbours=0)]
    while ports[0] == ports[1]:
        ports[1] = free_port(neighbours=0)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    lost: list[str] = []
    sent: list[dict[str, Any]] = []
    ended = threading.Event()

    def ask(number: int) -> None:
        with httpx.Client(headers=as_somebody(faulty.owner), timeout=30) as client:
            for turn in range(10_000):
                if ended.is_set():
                    return
                one = campaign(f"turn{number}x{turn}x", object_marking_refs=[CLEAR])
                body = json.dumps([one]).encode()
                for url in urls if turn % 2 else reversed(urls):
                    try:
                        answer = client.post(f"{url}/api/v1/import", content=body)
                    except httpx.TransportError:
                        continue
                    if answer.status_code == 200:
                        sent.append(one)
                        break
                else:
                    lost.append(one["id"])

    def one_life(port: int) -> subprocess.Popen[str]:
        process = start("up", "--data", faulty.folder, "--port", str(port), "--poll-seconds", "0", "--json")
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    processes = [one_life(port) for port in ports]
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(4):
            time.sleep(0.3)
            processes[turn % 2].terminate()
            processes[turn % 2].communicate(timeout=30)
            processes[turn % 2] = one_life(ports[turn % 2])
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        for process in processes:
            process.terminate()
            process.communicate(timeout=30)
    assert lost == []
    assert len(sent) > 20
    check(faulty.folder, sent)


class _Counting(BaseHTTPRequestHandler):
    """A partner's server that only counts how often somebody comes."""

    times: list[float] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.times.append(time.monotonic())
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@SHARED
def test_one_process_polls_and_the_other_when_it_is_killed(faulty: Faulty) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    store = open_store(faulty.folder)
    url = f"http://127.0.0.1:{server.server_port}/taxii2/"
    store.put_partner(Partner(name="Riga", organisation="CERT Riga (fictional)", country="LVA", url=url, token="riga"))
    (faulty.folder / "riga").write_text("x")
    (faulty.folder / "riga").chmod(0o600)
    store.close()
    polls = ("--port", "0", "--poll-seconds", "0.5")
    try:
        with up(faulty.folder, *polls) as (_, first), up(faulty.folder, *polls):
            _until(lambda: len(_Counting.times) >= 3)
            gaps = [later - earlier for earlier, later in zip(_Counting.times, _Counting.times[1:], strict=False)]
            assert min(gaps) >= 0.45  # two that poll by turns would come twice as often
            first.kill()
            first.wait()
            before = len(_Counting.times)
            _until(lambda: len(_Counting.times) >= before + 2)
    finally:
        server.shutdown()
        server.server_close()


def _until(holds: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@SHARED
def test_a_quota_is_of_the_node_and_not_of_a_process(faulty: Faulty) -> None:
    set_to = kizuna("partner", "set", "Brussels", "--quota-objects", "10", "--data", faulty.folder)
    assert set_to.code == 0, set_to.err
    with up(faulty.folder) as (one, _), up(faulty.folder) as (other, _):
        taken = 0
        for number in range(12):
            answer = post((one, other)[number % 2], faulty.brussels, campaign(f"q{number}"), collection="inbox")
            assert answer.status_code == (202 if number < 10 else 429), (number, answer.text)
            taken += answer.status_code == 202
        assert int(answer.headers["retry-after"]) <= 3600
        assert taken == 10
