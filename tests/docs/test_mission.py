"""The README's table is the mission's, and every command and page it names does what its row says.

`KIZUNA_WRITE_DOCS=1 python -m pytest tests/docs` writes the table anew.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from kizuna.settings import write_private
from kizuna.store import Partner, open_store
from kizuna.store.accounts import Accounts
from tests.builders import CLEAR, GREEN, campaign
from tests.commands import bundle, free_port, kizuna, start

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
ROWS: list[dict[str, Any]] = yaml.safe_load((ROOT / "docs" / "mission.yaml").read_text(encoding="utf-8"))["rows"]
CAPTURE = ROOT / "packs" / "remote-id" / "anafi4-spoofed.pcapng.gz"
OBJECT = campaign("電力会社を装うメール", object_marking_refs=[GREEN])
_TABLE = re.compile(r"(<!-- mission:[^\n]*-->\n).*?(<!-- /mission -->)", re.DOTALL)


def test_the_table_in_the_readme_is_generated() -> None:
    text = README.read_text(encoding="utf-8")
    wanted, found = _TABLE.subn(lambda match: match[1] + table() + match[2], text)
    assert found == 1
    if os.environ.get("KIZUNA_WRITE_DOCS"):
        README.write_text(wanted, encoding="utf-8")
    else:
        assert text == wanted


def table() -> str:
    """The rows as a table."""
    lines = ["| what partners agreed | command or page | state |", "|---|---|---|"]
    for row in ROWS:
        place = f"`{row['command']}`" if "command" in row else row.get("page", "–")
        lines.append(f"| {row['agreed']} | {place} | {row['state']} |")
    return "\n".join(lines) + "\n"


def _called(row: dict[str, Any]) -> str:
    return str(row["agreed"])


@pytest.mark.parametrize("row", ROWS, ids=_called)
def test_a_row_is_complete(row: dict[str, Any]) -> None:
    assert row["state"] in {"works", "partly", "planned"}
    named = {"command", "run", "page", "path"} & set(row)
    assert bool(named) == (row["state"] != "planned")
    assert ("command" in row) == ("run" in row)
    assert ("page" in row) == ("path" in row)


class Place(NamedTuple):
    """A node with an object and two partners, one of them a second node that is served."""

    names: dict[str, str]
    said: dict[str, Any]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """What the rows' commands work on."""
    folder = tmp_path_factory.mktemp("mission")
    for name, country in (("here", "LVA"), ("there", "EST")):
        done = kizuna("init", "--data", folder / name, "--name", name, "--org", f"CERT {name}", "--country", country)
        assert done.code == 0, done.err
    here, there = open_store(folder / "here"), open_store(folder / "there")
    there.put_partner(Partner(name="Here", organisation="CERT here", country="LVA", receives=("TLP:CLEAR",)))
    token, _ = Accounts(there).create_token(by="test", partner="Here")
    there.close()
    served = start("up", "--data", folder / "there", "--port", "0", "--json")
    assert served.stdout is not None
    said = json.loads(served.stdout.readline())
    here.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", receives=("TLP:CLEAR",)))
    here.put_partner(Partner(name="Peer", organisation="CERT there", country="EST", url=said["taxii"]))
    write_private(folder / "here" / "peer.token", token.encode())
    here.close()
    file = folder / "bundle.json"
    file.write_bytes(bundle(campaign("Aurora", object_marking_refs=[CLEAR])))
    assert kizuna("import", file, "--data", folder / "here").code == 0
    assert kizuna("import", "-", "--data", folder / "here", input=bundle(OBJECT)).code == 0
    names = {"node": folder / "here", "object": OBJECT["id"], "bundle": file, "capture": CAPTURE, "port": free_port()}
    yield Place({key: str(value) for key, value in names.items()}, said)
    served.terminate()
    served.communicate(timeout=30)


@pytest.mark.parametrize("row", [row for row in ROWS if "run" in row], ids=_called)
def test_a_command_does_what_its_row_says(row: dict[str, Any], place: Place, tmp_path: Path) -> None:
    words = row["run"].format(**place.names, new=tmp_path / "new").split()
    assert words[:2] == row["command"].split()[:2]
    process = start(*words[1:])
    if row.get("serves"):
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out or row.get("serves") or (tmp_path / "new").exists()


@pytest.mark.parametrize("row", [row for row in ROWS if "page" in row], ids=_called)
def test_a_page_is_there(row: dict[str, Any], place: Place) -> None:
    # The link works once; the session it opens would serve every page.
    with httpx.Client(follow_redirects=True, base_url=place.said["url"]) as browser:
        assert browser.get(place.said["login_url"]).status_code == 200
        answer = browser.get(row["path"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
