"""Labels, and what follows from them for a partner."""

from __future__ import annotations

from pathlib import Path

import pytest

from kizuna.formats.stanag4774 import NAMESPACE
from kizuna.labels import parse_label
from kizuna.store import open_store
from tests.builders import AMBER, campaign, items
from tests.cli.given import OBJECTS, exported
from tests.commands import bundle, kizuna


def test_loosening_delivers_and_tightening_takes_back(served: Path) -> None:
    id = OBJECTS[1]["id"]
    loosened = kizuna("label", "set", id, "TLP:CLEAR", "--data", served, "--json").last()
    assert (loosened["label"], loosened["touched"], loosened["opened"]) == ("TLP:CLEAR", 1, {"Kyiv": 1})
    assert id in exported(served, "--as", "Kyiv")
    tightened = kizuna("label", "set", id, "TLP:AMBER+STRICT", "--data", served, "--json").last()
    assert tightened["ended"] == {"Kyiv": 1}
    assert id not in exported(served, "--as", "Kyiv")


def test_a_dry_run_tells_the_same_and_changes_nothing(served: Path) -> None:
    id = OBJECTS[1]["id"]
    trial = kizuna("label", "set", id, "TLP:CLEAR", "--dry-run", "--data", served, "--json")
    assert trial.err == "dry run: nothing is changed\n"
    assert id not in exported(served, "--as", "Kyiv")
    assert kizuna("label", "show", id, "--data", served, "--json").last()["label"] == "TLP:AMBER"
    assert trial.last() == kizuna("label", "set", id, "TLP:CLEAR", "--data", served, "--json").last()


def test_green_means_the_nodes_own_community_where_none_is_named(tmp_path: Path) -> None:
    made = ("init", "--name", "Riga", "--org", "CERT Riga", "--country", "LVA", "--community", "EU")
    assert kizuna(*made, "--data", tmp_path / "eu").code == 0
    kizuna("import", "-", "--data", tmp_path / "eu", input=bundle(OBJECTS[0]))
    changed = kizuna("label", "set", OBJECTS[0]["id"], "TLP:GREEN", "--data", tmp_path / "eu", "--json").last()
    assert changed["label"] == "TLP:GREEN community=EU"
    kizuna("import", "-", "--label", "TLP:GREEN", "--data", tmp_path / "eu", input=bundle(OBJECTS[2]))
    assert (
        kizuna("label", "show", OBJECTS[2]["id"], "--data", tmp_path / "eu", "--json").last()["label"]
        == changed["label"]
    )


def test_what_another_organisation_owns_is_only_tightened(served: Path) -> None:
    store = open_store(served)
    theirs = campaign("Theirs", object_marking_refs=[AMBER])
    assert [o.status for o in store.writer(store.partner_source("Kyiv")).add(items(theirs))] == ["imported"]
    store.close()
    refused = kizuna("label", "set", theirs["id"], "TLP:CLEAR", "--data", served)
    assert refused.code == 4
    assert "Traceback" not in refused.err
    assert kizuna("label", "set", theirs["id"], "TLP:RED persons=a", "--data", served).code == 0


STANAG = f"""<originatorConfidentialityLabel xmlns="{NAMESPACE}"><ConfidentialityInformation>
<PolicyIdentifier>TLP</PolicyIdentifier><Classification>RED</Classification><PrivacyMark>by hand</PrivacyMark>
</ConfidentialityInformation><CreationDateTime>2026-09-26T12:00:00Z</CreationDateTime></originatorConfidentialityLabel>"""


@pytest.mark.parametrize(
    "label",
    [
        "PUBLIC",
        "TLP:AMBER+STRICT 'to=CERT Oslo,JPN'",
        "TLP:RED persons=a.sato@A,b@C until=2027-01-01",
        "X:Y restrictive:Z=1",
    ],
)
def test_a_label_goes_out_as_xml_and_comes_back(label: str, tmp_path: Path) -> None:
    file = tmp_path / "label.xml"
    written = kizuna(
        "label", "write", label, "--originator", "A", "--review", "2027-02-03", "-o", file, "--json"
    ).last()
    assert written == {"file": str(file), "bytes": file.stat().st_size}
    found = kizuna("label", "read", file, "--json").last()
    (part,) = parse_label(label, originator="A").parts
    if label != "PUBLIC":
        label += " originator=A"
    assert parse_label(found["label"], originator="A") == parse_label(label, originator="A")
    assert (found["originator"], found["review"], found["left_out"]) == ("A", "2027-02-03T00:00:00.000000Z", [])
    assert kizuna("label", "read", file).out.strip() == found["label"]
    again = kizuna("label", "write", found["label"], "--json").last()["xml"]
    assert f"<slab:Classification>{part.classification}<" in again
    assert ("O=A" in again) == (label != "PUBLIC")


def test_bare_names_stay_the_originators_people() -> None:
    written = kizuna("label", "write", "TLP:RED persons=ann", "--originator", "CERT Riga").out
    found = kizuna("label", "read", "-", input=written.encode()).out.strip()
    assert found == "TLP:RED 'persons=ann@CERT Riga' 'originator=CERT Riga'"


def test_what_a_label_does_not_keep_is_named() -> None:
    done = kizuna("label", "read", "-", "--originator", "A", input=STANAG.encode())
    assert done.out == "TLP:RED originator=A\n"
    assert done.err.startswith("not kept: /originatorConfidentialityLabel/ConfidentialityInformation/PrivacyMark: ")
    told = kizuna("label", "read", "-", "--json", input=STANAG.encode()).last()
    assert [loss["path"].rsplit("/", 1)[1] for loss in told["left_out"]] == [
        "originatorConfidentialityLabel",
        "PrivacyMark",
    ]
    assert (told["label"], told["originator"], told["created"]) == ("TLP:RED", None, "2026-09-26T12:00:00.000000Z")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["read", "no-such-file.xml"], 3),
        (["read", "."], 1),
        (["read", "-"], 1),
        (["write", "OWN"], 1),
        (["write", "TLP:AMBER & TLP:RED"], 1),
        (["write", "TLP:AMBER originator=B", "--originator", "C"], 1),
        (["write", "TLP:BLUE"], 2),
        (["write", "TLP:AMBER", "--review", "soon"], 2),
    ],
)
def test_what_is_no_label_or_none_that_xml_can_state(arguments: list[str], code: int) -> None:
    done = kizuna("label", *arguments, input=b"<!DOCTYPE x><x/>")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
