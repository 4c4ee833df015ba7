"""Polling, pushing and listing between two nodes, as people type it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kizuna.store import Partner, open_store
from kizuna.store.accounts import Accounts
from tests.builders import AMBER, CLEAR, campaign
from tests.commands import bundle, kizuna
from tests.serving import served as serving

OPEN, CLOSED = campaign("Open", object_marking_refs=[CLEAR]), campaign("Closed", object_marking_refs=[AMBER])


@pytest.fixture
def riga(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """Riga, whose partner Tokyo is served and has one object for it and one not."""
    tokyo = tmp_path / "tokyo"
    made = ("init", "--data", tokyo, "--name", "Tokyo", "--org", "CERT Tokyo", "--country", "JPN")
    assert kizuna(*made).code == 0
    assert kizuna("import", "-", "--data", tokyo, input=bundle(OPEN, CLOSED)).code == 0
    store = open_store(tokyo)
    store.put_partner(Partner(name="Riga", organisation="CERT Riga", country="LVA", receives=("TLP:CLEAR",)))
    token, _ = Accounts(store).create_token(by="test", partner="Riga", scopes=("read", "write"))
    (tmp_path / "token").write_text(token)
    with serving(store) as url:
        add = ("partner", "add", "Tokyo", "--org", "CERT Tokyo", "--country", "JPN", "--url", f"{url}/taxii2/")
        done = kizuna(*add, "--receives", "TLP:CLEAR", "--token-file", tmp_path / "token", "--data", folder)
        assert done.code == 0, done.err
        yield folder
    store.close()


def test_what_is_new_comes_once(riga: Path) -> None:
    done = kizuna("taxii", "poll", "tokyo", "--data", riga)
    assert done.code == 0, done.err
    assert done.out.startswith("Tokyo: 1 imported, 0 unchanged, 0 failed in ")
    again = kizuna("taxii", "poll", "Tokyo", "--data", riga, "--json").last()
    assert (again["received"], again["imported"], again["failed"]) == (0, 0, 0)
    shown = kizuna("show", OPEN["id"], "--data", riga, "--json").last()
    assert (shown["object"], shown["source"]) == (OPEN, "partner:Tokyo")
    assert kizuna("show", CLOSED["id"], "--data", riga).code == 3


def test_what_is_ours_goes_once_and_a_dry_run_tells_of_it(riga: Path) -> None:
    ours, hidden = campaign("Ours", object_marking_refs=[CLEAR]), campaign("Hidden")
    kizuna("import", "-", "--data", riga, input=bundle(ours, hidden))
    pending = [row["id"] for row in kizuna("taxii", "push", "Tokyo", "--dry-run", "--data", riga, "--json").lines()]
    assert pending == [ours["id"]]
    done = kizuna("taxii", "push", "Tokyo", "--data", riga)
    assert done.out.startswith("Tokyo: 1 accepted, 0 failed in "), done.err
    assert kizuna("taxii", "push", "Tokyo", "--dry-run", "--data", riga).out == "nothing to send\n"


def test_what_a_partner_refuses_is_named(riga: Path) -> None:
    changed = {**OPEN, "modified": "2026-11-02T00:00:00.000Z", "name": "Changed by another"}
    ours = campaign("Ours", object_marking_refs=[CLEAR])
    kizuna("import", "-", "--data", riga, input=bundle(changed, ours))
    done = kizuna("taxii", "push", "Tokyo", "--data", riga)
    assert (done.code, done.out[:31]) == (6, "Tokyo: 1 accepted, 1 failed in ")
    assert done.err.startswith(f"Tokyo: {OPEN['id']}: ")
    assert "only its owner makes versions" in done.err


def test_its_collections_are_listed(riga: Path) -> None:
    rows = kizuna("taxii", "collections", "Tokyo", "--data", riga, "--json").lines()
    assert [(row["can_read"], row["can_write"]) for row in rows] == [(True, False), (False, True)]


def test_a_partner_that_does_not_answer_is_an_exit_code(riga: Path) -> None:
    kizuna("partner", "set", "Tokyo", "--url", "http://127.0.0.1:9/taxii2/", "--data", riga)
    for verb in ("poll", "push", "collections"):
        done = kizuna("taxii", verb, "Tokyo", "--data", riga)
        assert (done.code, done.out) == (5, ""), verb
        assert done.err.startswith("error: "), verb


def test_an_unknown_partner_is_not_found(folder: Path) -> None:
    for verb in ("poll", "push", "collections"):
        assert kizuna("taxii", verb, "Oslo", "--data", folder).code == 3
