"""The proxy of the guide, real and with the guide's own words, before two processes that are restarted in turn: nobody notices."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from kizuna.settings import load, save
from tests.certificates import certificate
from tests.commands import free_port, kizuna

from .conftest import Faulty, corpus
from .test_several_processes import SHARED, as_somebody, up
from .test_sudden_end import TAXII, check

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
EVERYTHING = "/taxii2/real/collections/everything/objects/"
LIMIT = 30
AROUND = """daemon off; pid {folder}/pid; error_log {folder}/log; worker_processes 1;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/a;
uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
{guide}
}}
"""


def configuration(page: str) -> str:
    """What the guide says, as it stands there."""
    found = re.search(r"```nginx\n(.*?)```", (GUIDE / page).read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_both_guides_say_the_same() -> None:
    english, japanese = (re.sub(r" *#.*", "", configuration(page)) for page in ("operate.md", "operate.ja.md"))
    assert english == japanese


@contextmanager
def proxy(folder: Path, port: int, *nodes: int) -> Iterator[None]:
    """The guide's proxy before two ports, over TLS."""
    assert NGINX is not None
    guide = configuration("operate.md").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    for usual, node in zip((8700, 8701), nodes, strict=True):
        guide = guide.replace(f"127.0.0.1:{usual} ", f"127.0.0.1:{node} ")
    for place, made in zip(("/etc/ssl/node.pem", "/etc/ssl/node.key"), certificate(folder), strict=True):
        guide = guide.replace(place, made)
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, guide=guide))
    process = subprocess.Popen([NGINX, "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


class Visitor(threading.Thread):
    """Reads and writes through the proxy until told to end; keeps what was acknowledged and what went wrong."""

    def __init__(self, client: httpx.Client, url: str, number: int) -> None:
        super().__init__(daemon=True)
        self.sent: list[dict[str, object]] = []
        self.wrong: list[str] = []
        self.turns = 0
        self.ended = threading.Event()
        self._client = client
        self._url = url
        self._number = number

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                answer = self._asked()
            except httpx.HTTPError as error:
                self.wrong.append(repr(error))
                continue
            if answer.status_code not in (200, 202):
                self.wrong.append(f"{answer.status_code} {answer.text[:200]}")

    def _asked(self) -> httpx.Response:
        self.turns += 1
        if self.turns % 2:
            return self._client.get(self._url, params={"limit": LIMIT})
        objects = corpus(self.turns, 10, f"v{self._number}x{self.turns}x")
        answer = self._client.post(self._url, content=json.dumps({"objects": objects}), headers={"Content-Type": TAXII})
        if answer.status_code == 202:
            failed = {entry["id"] for entry in answer.json()["failures"]}
            self.sent += [one for one in objects if one["id"] not in failed]
        return answer


@SHARED
@pytest.mark.skipif(NGINX is None, reason="no nginx on this machine")
def test_restarting_in_turn_loses_no_request(faulty: Faulty, tmp_path: Path) -> None:
    port, nodes = free_port(), [free_port(), free_port()]
    url = f"https://localhost:{port}"
    save(faulty.folder, msgspec.structs.replace(load(faulty.folder), public_url=url, proxies=("127.0.0.1",)))
    with ExitStack() as stack:
        stack.enter_context(proxy(tmp_path, port, *nodes))
        trusted = ssl.create_default_context(cafile=str(tmp_path / "node.crt"))
        served = [ExitStack(), ExitStack()]

        def begin(number: int) -> None:
            served[number].enter_context(up(faulty.folder, "--port", str(nodes[number]), "--poll-seconds", "0"))

        for number in (0, 1):
            stack.callback(served[number].close)
            begin(number)
        browser = stack.enter_context(httpx.Client(verify=trusted, timeout=60, follow_redirects=True))
        link = kizuna("user", "link", "owner", "--data", faulty.folder, "--json").last()["login_url"]
        assert link.startswith(url)
        page = browser.get(link, headers={"Accept": "text/html"})
        assert (page.status_code, str(page.url)) == (200, f"{url}/")
        assert [cookie.secure for cookie in browser.cookies.jar] == [True]
        headers = {**as_somebody(faulty.owner), "Accept": TAXII}
        visitors = []
        for number in range(3):
            client = stack.enter_context(httpx.Client(verify=trusted, timeout=60, headers=headers))
            visitors.append(Visitor(client, url + EVERYTHING, number))
            visitors[-1].start()
        for number in (0, 1, 0):
            time.sleep(0.5)
            served[number].close()
            begin(number)
        time.sleep(0.5)
        for visitor in visitors:
            visitor.ended.set()
        for visitor in visitors:
            visitor.join()
        assert [visitor.wrong for visitor in visitors] == [[], [], []]
        assert browser.get(f"{url}/", headers={"Accept": "text/html"}).status_code == 200
    check(faulty.folder, [one for visitor in visitors for one in visitor.sent])
