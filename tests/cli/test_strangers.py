"""A name in a label that means nobody is told of, and hinders nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizuna.cli.strangers import strangers
from kizuna.labels import parse_label
from kizuna.store import Store, open_store
from tests.builders import campaign
from tests.commands import bundle, kizuna


@pytest.fixture
def riga(folder: Path) -> Path:
    """A node with a partner and a group."""
    assert kizuna("pack", "add", "groups", "--data", folder).code == 0
    assert kizuna("partner", "add", "Tokyo", "--org", "CERT Tokyo", "--country", "JPN", "--data", folder).code == 0
    return folder


@pytest.mark.parametrize(
    ("label", "nobody"),
    [
        ("TLP:AMBER to=JPN", []),
        ("TLP:AMBER 'to=CERT Tokyo'", []),
        ("TLP:AMBER to=NATO,FRA", []),
        ("TLP:GREEN community=EU", []),
        ("TLP:CLEAR", []),
        ("TLP:AMBER to=Tokyo,JPN,JP", ["JP", "Tokyo"]),
        ("TLP:GREEN community=everybody & TLP:AMBER to=everybody", ["everybody"]),
    ],
)
def test_who_means_nobody(riga: Path, label: str, nobody: list[str]) -> None:
    store: Store = open_store(riga)
    try:
        assert strangers(parse_label(label, originator="CERT Riga"), store) == nobody
    finally:
        store.close()


def test_it_is_said_where_labels_are_given(riga: Path, tmp_path: Path) -> None:
    one, file = campaign("one"), tmp_path / "one.json"
    file.write_bytes(bundle(one))
    told = "nobody here is called 'Tokyo': labels name organisations, countries such as JPN, and groups\n"
    done = kizuna("import", file, "--label", "TLP:AMBER to=Tokyo", "--data", riga)
    assert (done.code, done.err) == (0, told)
    done = kizuna("label", "set", one["id"], "TLP:AMBER to=Tokyo,JPN", "--data", riga)
    assert (done.code, done.err) == (0, told)
    assert kizuna("label", "set", one["id"], "TLP:AMBER to=Tokyo", "--data", riga, "--quiet").err == ""


def test_an_area_the_programme_does_not_have_is_remarked_on(riga: Path, tmp_path: Path) -> None:
    told = "the programme has no area 'cyber-defense'; its areas are cyber-defence, "
    done = kizuna("partner", "set", "Tokyo", "--receives", "cyber-defense", "--receives", "TLP:CLEAR", "--data", riga)
    assert (done.code, done.err[: len(told)]) == (0, told)
    assert kizuna("partner", "set", "Tokyo", "--receives", "cyber-defence", "--data", riga).err == ""
    file = tmp_path / "one.json"
    file.write_bytes(bundle(campaign("one")))
    done = kizuna("import", file, "--area", "cyber-defense", "--data", riga)
    assert (done.code, done.err[: len(told)]) == (0, told)
    assert kizuna("import", file, "--area", "cyber-defence", "--data", riga).err == ""
