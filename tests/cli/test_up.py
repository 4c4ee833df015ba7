"""Serving a node: one at a time, stopping as asked, and other commands meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import campaign
from tests.commands import bundle, kizuna, start


@pytest.fixture
def up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A served node and what it said of itself."""
    process = start("up", "--data", folder, "--port", "0", "--poll-seconds", "0", "--json")
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


Up = tuple[subprocess.Popen[str], dict[str, Any]]


def test_it_says_where_it_is_and_answers_there(up: Up, folder: Path) -> None:
    _, said = up
    assert said["data"] == str(folder)
    assert said["taxii"] == f"{said['url']}/taxii2/"
    assert said["url"].startswith("http://127.0.0.1:")
    assert httpx.get(f"{said['url']}/healthz").status_code == 200
    assert httpx.get(said["taxii"]).status_code == 401
    logged_in = httpx.get(said["login_url"], follow_redirects=False)
    assert logged_in.status_code < 400


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(up: Up, number: int) -> None:
    process, said = up
    with httpx.Client() as client:
        client.get(f"{said['url']}/healthz")  # an idle connection does not keep it
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_a_second_up_is_refused_until_the_first_is_gone(up: Up, folder: Path) -> None:
    process, _ = up
    second = start("up", "--data", folder, "--port", "0")
    out, errors = second.communicate(timeout=30)
    assert (second.returncode, out) == (1, "")
    assert f"already served (process {process.pid})" in errors
    process.kill()
    process.wait()
    third = start("up", "--data", folder, "--port", "0", "--json")
    assert third.stdout is not None
    assert json.loads(third.stdout.readline())["data"] == str(folder)
    third.kill()
    third.communicate()


def test_other_commands_work_meanwhile(up: Up, folder: Path) -> None:
    assert kizuna("import", "-", "--data", folder, "--json", input=bundle(campaign("Aurora"))).last()["imported"] == 1
    assert kizuna("stats", "--data", folder, "--json").last()["objects"] == 1
    assert any(
        line["message"] == "the node is being served" for line in kizuna("doctor", "--data", folder, "--json").lines()
    )


def test_a_taken_port_is_one_clear_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("up", "--data", folder, "--port", str(port))
        out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert errors == f"error: port {port} on 127.0.0.1 is in use; choose another with --port\n"


def test_an_address_that_is_not_ours_is_one_clear_line(folder: Path) -> None:
    process = start("up", "--data", folder, "--port", "0", "--listen", "198.51.100.7")
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert errors.startswith("error: cannot listen on 198.51.100.7:0: ")
    assert errors.count("\n") == 1


def test_a_certificate_that_cannot_be_used_is_one_clear_line(folder: Path) -> None:
    for certificate in (folder / "none.pem", folder / "node.json"):
        process = start("up", "--data", folder, "--port", "0", KIZUNA_TLS_CERTIFICATE=str(certificate))
        out, errors = process.communicate(timeout=30)
        assert (process.returncode, out) == (1, "")
        assert errors.startswith(f"error: {certificate}, ")
        assert errors.count("\n") == 1
