"""What goes on all the time: writers, readers that page on, people who search and look, programs, and what makes no sense."""

from __future__ import annotations

import json
import random
import threading
import time
import zlib
from typing import Any, NamedTuple

import httpx

from kizuna.clock import from_text, now_us
from tests.builders import AMBER, CLEAR, GREEN, campaign, relationship, report, sdo
from tests.commands import start
from tests.faults.test_several_processes import as_somebody
from tests.faults.test_sudden_end import TAXII

from .ledger import Eye, Ledger, Version, version
from .nodes import Node, Server

RESENT_WITHIN = 10_000_000
"""Microseconds: what is older may be destroyed while it is on its way for the second time."""
OWN, GIVEN = (CLEAR, GREEN, AMBER), (CLEAR, GREEN)
FEED = "/taxii2/real/collections/feed/objects/"
EVERYTHING = "/taxii2/real/collections/everything/objects/"
INBOX = "/taxii2/real/collections/inbox/objects/"


class Worker:
    """A thread that does one thing again and again until it is told to end."""

    def __init__(self, node: Node, token: str, pause: float, seed: str) -> None:
        self.node = node
        self.token = token
        self.chance = random.Random(seed)
        self.turns = 0
        self._pause = pause
        self._ended = threading.Event()
        self._client = httpx.Client(timeout=150, limits=httpx.Limits(keepalive_expiry=2))
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Tell it to end."""
        self._ended.set()

    def join(self) -> None:
        """Wait until it has."""
        self._thread.join(180)
        assert not self._thread.is_alive(), self._thread.name

    def turn(self) -> None:
        """What it does."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.turn()
            except Exception as error:
                self.node.note("worker", wrong=f"{self._thread.name}: {error!r}")
            self.turns += 1
            self._ended.wait(self._pause * self.chance.uniform(0.5, 1.5))
        self._client.close()

    def ask(
        self, method: str, path: str, *, at: Server | None = None, fine: tuple[int, ...] = (), **more: Any
    ) -> httpx.Response | None:
        """An answer that is well, or None: one that may be otherwise, since something is being done to the node. What may not is kept."""
        server = at or self.node.servers[self.turns % len(self.node.servers)]
        headers = {**(as_somebody(self.token) if self.token else {}), **more.pop("headers", {})}
        began = time.monotonic()
        try:
            answer = self._client.request(method, path if "://" in path else server.url + path, headers=headers, **more)
        except httpx.TransportError as error:
            name = type(error).__name__
            told = f"{method} {path}: {error!r}"
            self.node.note(name, wrong="" if self.node.excused(began) else told)
            return None
        if answer.status_code < 400 or answer.status_code in fine:
            self.node.note(str(answer.status_code))
            return answer
        excused = answer.status_code == 503 and self.node.excused(began)
        told = f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        self.node.note(str(answer.status_code), wrong="" if excused else told)
        return None


class Writer(Worker):
    """Sends new objects, the same again, new versions, and some that are revoked; own people by TAXII and API, a partner by TAXII."""

    def __init__(self, node: Node, source: str, ledger: Ledger, pause: float, seed: str) -> None:
        self._source = source
        self._ledger = ledger
        self._prefix = f"{seed}x{now_us()}x"
        super().__init__(node, node.tokens[source], pause, seed)

    def turn(self) -> None:
        """One request."""
        moment = now_us()
        kind = self.turns % 5
        again: list[dict[str, Any]] = []
        if kind < 3:
            objects = batch(self.chance, f"{self._prefix}{self.turns}x", OWN if self._source == "owner" else GIVEN)
        else:
            again = objects = self._ledger.young(self.chance, self.node.name, self._source, moment - RESENT_WITHIN)
            if kind == 4:
                objects = [changed(one) for one in objects if one["type"] == "campaign"]
        if objects and self._is_taken(objects):
            # What is the same has the age it had: it may be destroyed just when that is answered.
            self._ledger.acknowledge([one for one in objects if one not in again], self.node.name, self._source, moment)

    def _is_taken(self, objects: list[dict[str, Any]]) -> bool:
        content = json.dumps({"objects": objects})
        if self._source == "owner" and self.turns % 2:
            answer = self.ask("POST", "/api/v1/import", content=content, headers={"Content-Type": "application/json"})
            told = {} if answer is None else answer.json()
            failed = told.get("failed", 0)
        else:
            path = EVERYTHING if self._source == "owner" else INBOX
            answer = self.ask("POST", path, content=content, headers={"Accept": TAXII, "Content-Type": TAXII})
            told = {} if answer is None else answer.json()
            failed = told.get("failure_count", 0)
        assert not failed, told
        return answer is not None


def batch(chance: random.Random, prefix: str, marks: tuple[str, ...]) -> list[dict[str, Any]]:
    """Objects that refer to each other, what is referred to first: of one mark, so that whoever sees one sees all."""
    mark = [chance.choice(marks)]
    made: list[dict[str, Any]] = []
    for number in range(chance.randrange(4, 12)):
        name = f"{prefix}{number}"
        text = " ".join(chance.choices(["観測", "beacon", "Störung", "сервер", "relay", "orbit"], k=40))
        one = campaign(name, description=text, object_marking_refs=mark)
        pattern = f"[ipv4-addr:value = '198.51.100.{chance.randrange(250)}']"
        two = sdo(
            "indicator", name, pattern=pattern, pattern_type="stix", valid_from="2026-01-01T00:00:00Z",
            object_marking_refs=mark,
        )  # fmt: skip
        made += [one, two, {**relationship(two, "indicates", one), "object_marking_refs": mark}]
    return [*made, report(prefix, [one["id"] for one in made], object_marking_refs=mark)]


def changed(one: dict[str, Any]) -> dict[str, Any]:
    """The version after this one, always the same; after some of them it is revoked. What is revoked has none."""
    if one.get("revoked"):
        return one
    day = int(one["modified"][8:10]) + 1
    more = {"revoked": True} if day - 2 > zlib.crc32(one["id"].encode()) % 4 else {}
    return {**one, "modified": f"2026-01-{day:02d}T00:00:00.000Z", **more}


class Read(NamedTuple):
    """What pages have shown, each with the moments between which it came in, and the last date they told."""

    seen: dict[Version, tuple[int, int]]
    last: str


class Follower(Worker):
    """Somebody who pages on from the last date they were told, and keeps what they were shown."""

    def __init__(self, node: Node, eye: Eye, ledger: Ledger, path: str, pause: float, seed: str) -> None:
        self.eye = eye
        self._ledger = ledger
        self._path = path
        self._after = "2020-01-01T00:00:00.000000Z"
        self._seen: dict[Version, tuple[int, int]] = {}
        self.shown = 0
        super().__init__(node, node.tokens[eye.name], pause, seed)

    def lacks(self, due: dict[Version, str]) -> set[Version]:
        """What should have been shown by now and was not. A poll brings the newest version, not those between."""
        seen = self._seen
        newest: dict[str, str] = {}
        for id, modified in seen:
            newest[id] = max(newest.get(id, ""), modified)
        return {
            (id, modified)
            for (id, modified), node in due.items()
            if (id, modified) not in seen and (node == self.node.name or newest.get(id, "") < modified)
        }

    def turn(self) -> None:
        """Read to the end. A partner goes on from the last date at any page: no two rows of a feed have the same.

        To one's own people all that came in at once has one date: who is interrupted before the last page begins that reading again.
        """
        is_feed = self._path == FEED
        following, asked, read = None, self._after, Read({}, self._after)
        while not self._ended.is_set():
            question = {"added_after": asked, "match[version]": "all", "limit": str(self.chance.choice((20, 97, 300)))}
            if following:
                question["next"] = following
            answer = self.ask("GET", self._path, params=question, headers={"Accept": TAXII})
            if answer is None:
                return
            told = answer.json()
            read = self._added(read, told.get("objects", []), answer.headers)
            following = told.get("next")
            if is_feed or not told.get("more"):
                self._keep(read)
                read = Read({}, self._after)
            if not told.get("more"):
                return
            if is_feed and self.chance.random() < 0.3:  # by its date is as good a way
                asked, following = self._after, None

    def _added(self, read: Read, objects: list[dict[str, Any]], headers: httpx.Headers) -> Read:
        if not objects:
            return read
        last = headers["x-taxii-date-added-last"]
        between = from_text(headers["x-taxii-date-added-first"]), from_text(last)
        for one in objects:
            # What was destroyed and sent again is new.
            before = read.seen.get(version(one)) or self._seen.get(version(one))
            assert before is None or before[0] < self._ledger.cut, f"{self.eye.name} was shown {version(one)} twice"
            read.seen[version(one)] = between
        return Read(read.seen, last)

    def _keep(self, read: Read) -> None:
        self.shown += len(read.seen)
        cut = self._ledger.cut
        self._seen = {key: between for key, between in (self._seen | read.seen).items() if between[1] >= cut}
        self._after = read.last


class Searcher(Worker):
    """Searches with facets, and whatever else the API tells of what was found."""

    def turn(self) -> None:
        """One search and a look at what it found."""
        question = self.chance.choice([
            {"q": "beacon relay"}, {"q": "観測 сервер", "type": "campaign"}, {"q": ""}, {"type": "report"}, {"q": "nothingofthesort"},
            {"value": f"198.51.100.{self.chance.randrange(250)}"},
        ])  # fmt: skip
        self.ask("GET", "/api/v1/search/facets", params=question)
        answer = self.ask("GET", "/api/v1/search", params={**question, "limit": "20"})
        items = [] if answer is None else answer.json()["items"]
        for one in items[:2]:
            for what in ("", "/versions", "/neighbours", "/visibility"):
                self.ask("GET", f"/api/v1/objects/{one['id']}{what}", fine=(404,))  # destroyed since
        self.ask("GET", "/api/v1/stats")


class Person(Worker):
    """Somebody with a window: logs in by a link once, then looks at pages."""

    def turn(self) -> None:
        """Look at some pages, as whom the cookie says."""
        page = {"Accept": "text/html"}
        if not self._client.cookies:
            server = self.node.servers[0]
            self.ask("GET", server.announced["login_url"], headers=page, follow_redirects=True, fine=(401,))
            return
        for path in ("/", "/problems", "/static/kizuna.css", "/"):
            answer = self.ask("GET", path, headers=page)
            assert answer is None or answer.status_code == 200, (path, answer)


class Program(Worker):
    """Jobs that the node does beside its requests, and figures for its operator."""

    def turn(self) -> None:
        """An export and an import as jobs, then the metrics of each process."""
        self._done("export", type="report")
        one = campaign(f"{now_us()}", object_marking_refs=[CLEAR])
        self._done("import", content=json.dumps([one]))
        for server in self.node.servers:
            if metrics := server.announced.get("metrics"):
                answer = self.ask("GET", metrics)
                assert answer is None or b"kizuna_" in answer.content

    def _done(self, kind: str, content: str = "", **question: str) -> None:
        headers = {"Content-Type": "application/json"} if content else {}
        answer = self.ask("POST", "/api/v1/jobs", params={"kind": kind, **question}, content=content, headers=headers)
        if answer is None:
            return
        job, deadline = answer.json()["id"], time.monotonic() + 240
        while not self._ended.is_set():
            answer = self.ask("GET", f"/api/v1/jobs/{job}")
            state = "" if answer is None else answer.json()["state"]
            if state == "done":
                break
            if answer is not None and answer.json()["error"] == "outdated":  # some of it was destroyed meanwhile
                return
            assert state in ("", "queued", "running"), answer and answer.text
            assert time.monotonic() < deadline, f"a job is {state} for minutes"
            self._ended.wait(0.5)
        if kind == "export":
            self.ask("GET", f"/api/v1/jobs/{job}/result", fine=(409, 410))


class Clerk(Worker):
    """Commands beside the served node, one after the other: a backup while it serves, exports, counts."""

    def turn(self) -> None:
        """One command."""
        folder = self.node.folder
        out = folder.parent
        words: list[list[str]] = [
            ["backup", "-o", str(out / f"{self.node.name}.backup")], ["export", "-o", str(out / f"{self.node.name}.json")],
            ["stats"], ["search", "--facets", "beacon"], ["retention", "apply"], ["purge", "list"],
        ]  # fmt: skip
        command = words[self.turns % len(words)]
        began = time.monotonic()
        process = start(*command, "--data", folder, "--json")
        _, errors = process.communicate(timeout=300)
        well = process.returncode in (0, 3)
        told = f"{command[0]}: {process.returncode} {errors[-500:]}"
        excused = self.node.excused(began) and "Traceback" not in errors
        self.node.note(f"kizuna {command[0]}: {process.returncode}", wrong="" if well or excused else told)


class Nonsense(Worker):
    """Sends what can hardly be read, and changes a byte here and there of what can."""

    def turn(self) -> None:
        """A request that is refused, or of which what can be is taken."""
        text = json.dumps({"objects": batch(self.chance, f"bad{now_us()}", GIVEN)[:6]}).encode()
        torn = bytearray(text)
        for _ in range(self.chance.randrange(1, 6)):
            torn[self.chance.randrange(len(torn))] = self.chance.randrange(256)
        content: bytes = self.chance.choice([
            bytes(torn), text[: self.chance.randrange(len(text))], b"[" * 10_000, b"{}", b"\xff\xfe" + text,
            b'{"objects":[' + b"1," * 500 + b"1]}",
            b'{"objects": 7}', text.replace(b"campaign--", b"campaign-"), b'{"objects":[{"type":"' + b"x" * 100_000 + b'"}]}',
        ])  # fmt: skip
        refused = (400, 401, 403, 404, 405, 406, 413, 415, 422, 429)
        self.ask("POST", INBOX, content=content, headers={"Accept": TAXII, "Content-Type": TAXII}, fine=refused)
        path = self.chance.choice(
            ["/taxii2/real/%ff/", "/api/v1/objects/x", "/api/v1/search?limit=-1", f"{FEED}?next=AAAA", "/%00"]
        )
        self.ask(self.chance.choice(["GET", "PUT", "DELETE"]), path, headers={"Accept": TAXII}, fine=refused)
