"""Whatever comes, however large: bounded memory, one clear error for each thing that is wrong, good items kept."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest

from tests.builders import campaign
from tests.commands import bundle, kizuna

from .conftest import Faulty

MB = 1 << 20
MOST = 400  # MB of resident memory that any input may take
BIG = 200 * MB
HUGE = 2 << 30
TAXII = "application/taxii+json;version=2.1"
HEAD = b'{"type":"bundle","id":"bundle--5b7cd0a4-7a35-4a0b-9a55-4c1b2a0a7d11","objects":['
FIRST = json.dumps(campaign("first")).encode()
LAST = json.dumps(campaign("last")).encode()

_MEASURED = """
import re, sys, threading, time
from pathlib import Path
peaks = {}
def watch():
    # The memory of this process and of the readers it forks, at their highest.
    while True:
        for task in [Path("/proc/self"), *[Path(f"/proc/{pid}") for pid in children()]]:
            try:
                found = re.search(r"VmHWM:\\s+(\\d+)", (task / "status").read_text())
            except OSError:
                continue
            if found:
                peaks[str(task)] = int(found[1])
        time.sleep(0.02)
def children():
    try:
        return Path("/proc/self/task").joinpath(str(threading.main_thread().native_id), "children").read_text().split()
    except OSError:
        return []
threading.Thread(target=watch, daemon=True).start()
from kizuna.cli import main
try:
    main(sys.argv[1:])
finally:
    time.sleep(0.05)
    print("peak", max(peaks.values()) // 1024, file=sys.stderr, flush=True)
"""


def fill(file: BinaryIO, unit: bytes, size: int) -> None:
    """Write a unit over and over."""
    block = unit * (MB // len(unit) + 1)
    for _ in range(size // len(block) + 1):
        file.write(block)


def large_object(file: BinaryIO, size: int) -> None:
    """One object far above what one may be, between two good ones."""
    file.write(HEAD + FIRST + b"," + LAST[:-2])
    fill(file, b"x", size)
    file.write(b'"},' + LAST + b"]}")


def space(file: BinaryIO, size: int) -> None:
    """Nothing but space before the objects."""
    file.write(HEAD)
    fill(file, b" ", size)
    file.write(FIRST + b"," + LAST + b"]}")


def unterminated(file: BinaryIO, size: int) -> None:
    """A string that never ends."""
    file.write(HEAD + FIRST + b',{"type":"')
    fill(file, b"x", size)


def escapes(file: BinaryIO, size: int) -> None:
    """A string of nothing but escapes."""
    file.write(HEAD + FIRST + b',{"type":"')
    fill(file, b"\\\\", size)


def deep(file: BinaryIO, size: int) -> None:
    """Levels without end."""
    file.write(HEAD + FIRST + b",")
    fill(file, b'{"a":[', size)


def nothing(file: BinaryIO, size: int) -> None:
    """NUL bytes."""
    fill(file, b"\0", size)


def no_container(file: BinaryIO, size: int) -> None:
    """Opening brackets alone."""
    fill(file, b"[", size)


def repeated(file: BinaryIO, size: int) -> None:
    """One key again and again."""
    file.write(b'{"objects":[' + FIRST + b"]")
    fill(file, b',"objects":[]', size)
    file.write(b"}")


def many(file: BinaryIO, size: int) -> None:
    """Large objects that are too poor to be any, each of a size one may be."""
    file.write(HEAD + FIRST)
    one = b',{"type":"campaign","description":"' + b"y" * (8 * MB) + b'"}'
    for _ in range(size // len(one)):
        file.write(one)
    file.write(b"]}")


# Shape → what is stored of it, and at least what the first error says.
SHAPES: dict[Callable[[BinaryIO, int], None], tuple[int, str]] = {
    large_object: (2, "more than 16777216 bytes"),
    space: (2, ""),
    unterminated: (1, "more than 16777216 bytes"),
    escapes: (1, "more than 16777216 bytes"),
    deep: (1, "more than 100 levels"),
    nothing: (0, "expected a STIX bundle"),
    no_container: (0, "broken|levels|object|bytes"),
    repeated: (1, "too many"),
    many: (1, "required"),
}


def measured(*arguments: str | Path) -> tuple[list[dict[str, Any]], int]:
    """A command's lines of JSON, and the most memory one of its processes took in MB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    said, _, peak = done.stderr.rpartition("peak ")
    assert said == "", done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()], int(peak)


def brought_in(node: Faulty, file: Path, shape: Callable[[BinaryIO, int], None], size: int) -> None:
    """Import and validate a file of a shape: within memory, the good objects kept, the first error clear."""
    stored, expected = SHAPES[shape]
    with file.open("wb") as handle:
        shape(handle, size)
    lines, peak = measured("import", file, "--data", node.folder, "--json")
    assert peak <= MOST
    *failures, counts = lines
    assert counts["imported"] == stored, failures[:3]
    assert bool(failures) == bool(expected)
    _first_is_clear(failures, str(file), expected)
    lines, peak = measured("validate", file, "--json")
    assert peak <= MOST
    assert sum(line["valid"] for line in lines) == stored
    _first_is_clear([line for line in lines if not line["valid"]], str(file), expected)
    file.unlink()


def _first_is_clear(failures: list[dict[str, Any]], file: str, expected: str) -> None:
    for failure in failures[:1]:
        assert failure["file"] == file
        assert re.search(expected, failure["errors"][0]["message"])
        assert failure["errors"][0]["path"]


linux = pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")


@linux
@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_file(faulty: Faulty, tmp_path: Path, shape: Callable[[BinaryIO, int], None]) -> None:
    brought_in(faulty, tmp_path / "large.json", shape, BIG)


@linux
@pytest.mark.soak
@pytest.mark.parametrize("shape", SHAPES)
def test_a_huge_file(faulty: Faulty, tmp_path: Path, shape: Callable[[BinaryIO, int], None]) -> None:
    brought_in(faulty, tmp_path / "huge.json", shape, HUGE)


@linux
def test_a_file_of_marking_definitions(faulty: Faulty, tmp_path: Path) -> None:
    """What words labels is kept in mind while a file is read: of these there are more than may be."""
    file, count = tmp_path / "definitions.json", BIG // 500
    one = '{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--%s","created":"2026-01-01T00:00:00.000Z",'
    one += '"definition_type":"statement","definition":{"statement":"number %d"}}'
    with file.open("wb") as handle:
        handle.write(HEAD + FIRST)
        for number in range(count):
            handle.write(b"," + (one % (uuid.UUID(int=number, version=4), number)).encode())
        handle.write(b"]}")
    lines, peak = measured("import", file, "--data", faulty.folder, "--json")
    assert (lines[-1]["imported"], lines[-1]["failed"]) == (count + 1, 0)
    assert peak <= MOST


@linux
def test_a_bomb_of_a_file(faulty: Faulty, tmp_path: Path) -> None:
    file = tmp_path / "bomb.json.gz"
    with gzip.open(file, "wb", compresslevel=9) as handle:
        large_object(handle, BIG)  # type: ignore[arg-type]
    lines, peak = measured("import", file, "--data", faulty.folder, "--json")
    assert peak <= MOST
    assert "times its size" in lines[-2]["errors"][0]["message"]


BAD = {
    "digits": (b'{"a":' + b"9" * 10_000 + b"}", "digits"),
    "levels": (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "levels|nested|deep"),
    "nul": (b'{"a":"\0"}', ""),
    "utf-8": (b'{"a":"\xff\xfe"}', "UTF-8"),
    "keys": (b'{"a":1,"a":2}', "repeated|duplicate"),
    "surrogate": (b'{"a":"\\ud800"}', "surrogate|Unicode"),
    "type": (b'"text"', "expected a STIX object"),
}


@pytest.mark.parametrize("bad", BAD)
def test_one_clear_error_and_the_good_items_are_kept(faulty: Faulty, tmp_path: Path, bad: str) -> None:
    text, expected = BAD[bad]
    file = tmp_path / "bad.json"
    file.write_bytes(HEAD + FIRST + b"," + text + b"," + LAST + b"]}")
    done = kizuna("import", file, "--data", faulty.folder, "--json")
    failure, counts = done.lines()
    assert (done.code, counts["imported"], counts["failed"]) == (6, 2, 1)
    assert (failure["file"], failure["item"]) == (str(file), 1)
    assert failure["errors"][0]["path"]
    assert re.search(expected, failure["errors"][0]["message"])


def test_an_unknown_format(faulty: Faulty, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("indicator,first seen\n198.51.100.7,2026-01-01\n")
    done = kizuna("import", file, "--data", faulty.folder, "--json")
    failure, counts = done.lines()
    assert (done.code, counts["failed"], failure["item"]) == (1, 1, None)
    assert "expected a STIX bundle" in failure["errors"][0]["message"]


class Served:
    """A node in a process of its own, and the most memory it took."""

    def __init__(self, node: Faulty) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kizuna", "up", "--data", node.folder, "--port", "0", "--poll-seconds", "0", "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.taxii = f"{self.url}/taxii2/real/collections/inbox/objects/"
        self.headers = {"Authorization": f"Bearer {node.brussels}", "Accept": TAXII, "Content-Type": TAXII}
        self.owner = {"Authorization": f"Bearer {node.owner}", "Content-Type": "application/json"}

    def peak(self) -> int:
        """MB of resident memory at most."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) // 1024


@pytest.fixture
def served(faulty: Faulty) -> Iterator[Served]:
    """The node, served."""
    node = Served(faulty)
    yield node
    node.process.kill()
    node.process.communicate()


def chunks(size: int) -> Iterator[bytes]:
    """A body whose length nobody announces."""
    yield b'{"objects":['
    for _ in range(size // MB):
        yield b" " * MB


@linux
class TestBodies:
    """What is sent to a node that is served."""

    def test_a_bomb(self, served: Served) -> None:
        body = gzip.compress(b'{"objects":[' + b" " * BIG + b"]}")
        answer = httpx.post(served.taxii, content=body, headers={**served.headers, "Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert "times its size" in answer.json()["description"] or "more than" in answer.json()["description"]
        assert served.peak() <= MOST

    @pytest.mark.parametrize("path", ["/taxii2/real/collections/inbox/objects/", "/api/v1/import"])
    def test_two_gigabytes_announced_are_refused_unread(self, served: Served, path: str) -> None:
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=30)
        connection.putrequest("POST", path)
        for name, value in (served.headers if path.startswith("/taxii2") else served.owner).items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(HUGE))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()

    @pytest.mark.parametrize("path", ["/taxii2/real/collections/inbox/objects/", "/api/v1/import"])
    def test_two_gigabytes_in_chunks_are_refused_at_the_limit(self, served: Served, path: str) -> None:
        headers = served.headers if path.startswith("/taxii2") else served.owner
        sent: list[int] = []

        def counted() -> Iterator[bytes]:
            for chunk in chunks(HUGE):
                sent.append(len(chunk))
                yield chunk

        assert httpx.post(served.url + path, content=counted(), headers=headers, timeout=60).status_code == 413
        assert sum(sent) < 200 * MB
        assert served.peak() <= MOST

    def test_the_worst_bodies_at_once(self, served: Served, faulty: Faulty) -> None:
        """Bodies at the limit, of what takes most memory once decoded, from several clients."""
        body = b'{"objects":[' + FIRST + b',{"a":[' + b"[],".ljust(4) * (7 * MB) + b"[]]}]}"
        assert len(body) < 32 * MB
        answers: list[int] = []

        def send(url: str, headers: dict[str, str]) -> None:
            answers.append(httpx.post(url, content=body, headers=headers, timeout=120).status_code)

        to = [(served.taxii, served.headers), (f"{served.url}/api/v1/import", served.owner)] * 2
        threads = [threading.Thread(target=send, args=one) for one in to]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 202, 413, 422, 503}
        assert served.peak() <= MOST


def test_bundles_built_here_are_what_they_say() -> None:
    """The shapes above begin with a bundle that is one."""
    assert json.loads(HEAD + FIRST + b"," + LAST + b"]}") == json.loads(bundle(campaign("first"), campaign("last")))
