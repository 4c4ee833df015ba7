"""Serving a node: one at a time, stopping as asked, and other commands meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import campaign
from tests.commands import bundle, kizuna, start
from tests.serving import running


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


@contextmanager
def logged(folder: Path, *arguments: str, **environment: str) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """A served node that logs: what it said of itself, and, when it has stopped, its lines."""
    process = start("up", "--data", folder, "--port", "0", "--poll-seconds", "0", "--json", *arguments, **environment)
    assert process.stdout is not None
    lines: list[str] = []
    try:
        yield json.loads(process.stdout.readline()), lines
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        lines += errors.splitlines()
    assert process.returncode == 0


def test_what_happens_is_logged_as_json_where_no_terminal_looks_on(folder: Path) -> None:
    traced = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    with logged(folder, KIZUNA_LOG="auto") as (said, lines):
        answer = httpx.get(f"{said['url']}/api/v1/search?q=zqcanary", headers=traced)
        assert answer.headers["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
        assert httpx.get(said["login_url"], follow_redirects=True).status_code == 200
    found = [json.loads(line) for line in lines]
    assert [found[0]["event"], found[-1]["event"]] == ["start", "stop"]
    request = next(line for line in found if line["event"] == "request")
    assert (request["route"], request["status"], request["caller"]) == ("/api/v1/search", 401, "none")
    assert request["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert "remote" not in request
    assert {"act": "session.create"}.items() <= next(
        line for line in found if line.get("act") == "session.create"
    ).items()
    assert "zqcanary" not in str(lines)
    assert said["login_url"].rpartition("/")[2] not in str(lines)


def test_how_it_is_logged_is_a_setting(folder: Path) -> None:
    environment = {"KIZUNA_LOG": "console", "KIZUNA_LOG_LEVEL": "debug", "KIZUNA_LOG_ADDRESSES": "true"}
    with logged(folder, **environment) as (said, lines):
        httpx.get(f"{said['url']}/healthz")
    (line,) = [line for line in lines if "route=/healthz" in line]
    assert "remote=127.0.0.1" in line
    with logged(folder, KIZUNA_LOG="json", KIZUNA_LOG_LEVEL="warning") as (said, lines):
        httpx.get(f"{said['url']}/login")
    assert lines == []


@pytest.mark.parametrize(
    ("name", "value"), [("LOG", "xml"), ("LOG_LEVEL", "loud"), ("LOG_ADDRESSES", "perhaps"), ("ADMIN_PORT", "x")]
)
def test_a_setting_that_is_none_is_one_clear_line(folder: Path, name: str, value: str) -> None:
    process = start("up", "--data", folder, "--port", "0", **{f"KIZUNA_{name}": value})
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert errors.count("\n") == 1


def test_metrics_are_on_a_port_of_their_own(folder: Path) -> None:
    with logged(folder, KIZUNA_LOG="off", KIZUNA_ADMIN_PORT="0") as (said, lines):
        assert said["metrics"].startswith("http://127.0.0.1:")
        assert httpx.get(f"{said['url']}/metrics").status_code == 404
        assert httpx.get(f"{said['url']}/healthz").status_code == 200
        page = httpx.get(said["metrics"]).text
    assert 'kizuna_requests_total{caller="none",method="GET",route="/healthz",status="2xx"} 1.0' in page
    assert 'route="other",status="4xx"} 1.0' in page
    assert "Riga" not in page
    assert lines == []


def test_without_the_setting_nothing_more_listens(up: Up) -> None:
    _, said = up
    assert "metrics" not in said
    assert httpx.get(f"{said['url']}/metrics").status_code == 404


def test_spans_go_where_the_environment_says(folder: Path) -> None:
    received: list[str] = []

    async def collector(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        received.append(f"{scope['path']} {b'/api/v1/search' in body} {b'zqcanary' in body}")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with running(collector, lifespan="off") as (host, port):
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}:{port}", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        with logged(folder, **where) as (said, _):
            httpx.get(f"{said['url']}/api/v1/search?q=zqcanary")
    assert "/v1/traces True False" in received
    assert not [told for told in received if told.endswith("True")]
