"""The peers as real servers and programs, each in a pinned, hash-locked environment of its own under .bench/.

medallion runs by its own command with its memory backend. OpenTAXII runs under gunicorn with two workers and SQLite. Both
listen on a free loopback port with one empty collection that a user may read and write, and end by their process id.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.data import CACHE, ROOT

PASSWORD = "bench"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
BODY = 100 * 1024 * 1024
READY_SECONDS = 30.0


class Unavailable(Exception):
    """A peer that cannot be had here; its text is one line for the table."""


class Service(NamedTuple):
    """A TAXII collection to be measured: its address, the value of the Authorization header, and its SQLite file if it has one."""

    collection: str
    authorization: str
    database: str = ""

    def analyze(self) -> None:
        """Let SQLite count what is stored: without, its plan made OpenTAXII read thirty times slower, which would flatter us."""
        if self.database:
            with closing(sqlite3.connect(self.database, timeout=60)) as connection:
                connection.execute("ANALYZE")
                connection.commit()


def environment(name: str) -> Path:
    """The folder of programs of a peer's environment, made when requirements/peers-NAME.txt has changed. Raises Unavailable."""
    locked = ROOT / "requirements" / f"peers-{name}.txt"
    folder = CACHE / f"peer-{name}"
    stamp, digest = folder / "installed", hashlib.sha256(locked.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == digest):
        uv = str(ROOT / ".venv" / "bin" / "uv")
        _run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)])
        python = str(folder / "bin" / "python")
        _run([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", str(locked)])
        stamp.write_text(digest)
    return folder / "bin"


def _run(command: list[str], **more: str) -> str:
    variables = {**os.environ, **more}
    if Path("/etc/ssl/certs/ca-certificates.crt").exists():
        variables.setdefault("UV_SYSTEM_CERTS", "1")
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables, timeout=300)
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            f"not run: its {'installation' if 'pip' in command else 'preparation'} failed here"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"not run: {type(error).__name__}") from error
    return done.stdout


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: list[str], url: str, authorization: str, **variables: str) -> Iterator[None]:
    """A server for as long as it is wanted, entered when it answers. Raises Unavailable when it does not."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | variables)
        try:
            _wait(process, url, authorization)
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, authorization: str) -> None:
    parts, ends = urlsplit(url), time.monotonic() + READY_SECONDS
    headers = {"Authorization": authorization, "Accept": "application/taxii+json;version=2.1"}
    while time.monotonic() < ends and process.poll() is None:
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            connection.request("GET", parts.path, headers=headers)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise Unavailable("not run: the server did not come up")


@contextmanager
def medallion() -> Iterator[Service]:
    """medallion with its memory backend, empty. Raises Unavailable."""
    programs, url = environment("medallion"), f"http://127.0.0.1:{free_port()}"
    basic = "Basic " + base64.b64encode(f"bench:{PASSWORD}".encode()).decode()
    with tempfile.TemporaryDirectory() as name:
        data, settings = Path(name) / "data.json", Path(name) / "medallion.json"
        data.write_text(json.dumps(_medallion_data(url)))
        settings.write_text(json.dumps(_medallion_settings(data)))
        command = [str(programs / "medallion"), "--port", url.rpartition(":")[2], str(settings)]
        with serving(command, f"{url}/taxii2/", basic):
            yield Service(f"{url}/root/collections/{COLLECTION}/", basic)


def _medallion_settings(data: Path) -> dict[str, Any]:
    backend = {
        "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": str(data),
        "session_timeout": 3600,  # it forgets a reader's place after 30 s otherwise, less than one of its pages may take
    }  # fmt: skip
    return {"backend": backend, "users": {"bench": PASSWORD}, "taxii": {"max_page_size": 1000}}


def _medallion_data(url: str) -> dict[str, Any]:
    collection = {
        "id": COLLECTION, "title": "Bench", "description": "", "can_read": True, "can_write": True,
        "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [],
    }  # fmt: skip
    versions = ["application/taxii+json;version=2.1"]
    information = {"title": "Bench", "description": "", "versions": versions, "max_content_length": BODY}
    root = {"information": information, "status": [], "collections": [collection]}
    discovery = {"title": "Bench", "description": "", "contact": "", "default": f"{url}/root/"}
    return {"/discovery": {**discovery, "api_roots": [f"{url}/root/"]}, "root": root}


_OPENTAXII_DATA = "data.db"
# The release of OpenTAXII cannot write its own UUIDs as JSON on SQLite: every POST would end as a 500. This says how.
_OPENTAXII_SERVED = """
import functools, json, types
import opentaxii.taxii2.http
opentaxii.taxii2.http.json = types.SimpleNamespace(dumps=functools.partial(json.dumps, default=str))
from opentaxii.http import app
"""
# A bearer token: with Basic it would hash the password anew at every request.
_OPENTAXII_FILL = """
from opentaxii.cli import app
with app.app_context():
    server = app.taxii_server
    server.auth.api.create_account("bench", "bench", is_admin=True)
    api = server.servers.taxii2.persistence.api
    root = api.add_api_root(title="Bench", default=True)
    collection = api.add_collection(api_root_id=root.id, title="Bench")
    print(root.id, collection.id, server.auth.authenticate("bench", "bench"))
"""


@contextmanager
def opentaxii() -> Iterator[Service]:
    """OpenTAXII on SQLite, empty. Raises Unavailable."""
    programs, port = environment("opentaxii"), free_port()
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name) / "opentaxii.yml"
        settings.write_text(json.dumps(_opentaxii_settings(Path(name), port)))  # JSON is YAML
        (Path(name) / "served.py").write_text(_OPENTAXII_SERVED)
        filled = _run([str(programs / "python"), "-c", _OPENTAXII_FILL], OPENTAXII_CONFIG=str(settings))
        root, collection, token = filled.split()[-3:]
        command = [str(programs / "gunicorn"), "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error"]
        command += ["--timeout", "300", "--pythonpath", name, "served:app"]
        url = f"http://127.0.0.1:{port}/taxii2/"
        with serving(command, url, f"Bearer {token}", OPENTAXII_CONFIG=str(settings)):
            address = f"{url}{root}/collections/{collection}/"
            yield Service(address, f"Bearer {token}", str(Path(name) / _OPENTAXII_DATA))


def _opentaxii_settings(folder: Path, port: int) -> dict[str, Any]:
    def database(kind: str, name: str, **more: Any) -> dict[str, Any]:
        parameters = {"db_connection": f"sqlite:///{folder / name}", "create_tables": True, **more}
        return {"class": f"opentaxii.{kind}", "parameters": parameters}

    secret = "known to nobody and of no use after this run"
    return {
        "domain": f"127.0.0.1:{port}",
        "support_basic_auth": True,
        "auth_api": database("auth.sqldb.SQLDatabaseAPI", "auth.db", secret=secret),
        "taxii1": None,
        "taxii2": {
            "title": "Bench", "description": "", "contact": "", "public_discovery": True, "allow_custom_properties": True,
            "max_content_length": BODY,
            "persistence_api": database("persistence.sqldb.Taxii2SQLDatabaseAPI", _OPENTAXII_DATA),
        },
        "logging": {"opentaxii": "error", "root": "error"},
    }  # fmt: skip
