"""What to cut for a partner, through the API: as the command line tells it, of what the asker sees, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import AMBER, RED, campaign, identity, named, relationship
from tests.commands import kizuna
from tests.web.conftest import OPEN, SECRET, Node

PATH = "/api/v1/release/sanitise"
VICTIM = identity("Harbour Board")
ONE = campaign("Amber Lantern", description="Harbour Board first", objective="berth schedules")


@pytest.fixture
def port(node: Node) -> Node:
    """A campaign for whom is addressed, against somebody in whose name nothing leaves."""
    node.put(ONE, label="TLP:AMBER")
    node.put(VICTIM, relationship(ONE, "targets", VICTIM), label="TLP:AMBER+STRICT")
    return node


def told(node: Node, who: str = "owner", **more: Any) -> dict[str, Any]:
    answer = node.client(who).post(PATH, json={"id": ONE["id"], "partner": "Brussels", **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_it_is_what_the_command_line_tells(port: Node) -> None:
    wishes: tuple[dict[str, Any], ...] = (
        {},
        {"cuts": ["description"], "label": "TLP:CLEAR"},
        {"cuts": ["objective"], "label": "TLP:AMBER", "keep": "TLP:RED"},
    )
    for more in wishes:
        words = [word for cut in more.get("cuts", ()) for word in ("--cut", cut)]
        words += [word for name in ("label", "keep") if name in more for word in (f"--{name}", str(more[name]))]
        asked = ("release", "sanitise", ONE["id"], "--as", "Brussels", *words, "--data", port.store.folder, "--json")
        line = kizuna(*asked).last()
        assert line.pop("stored") is False
        found = told(port, **more)
        for one in (found, line):
            (one["rendition"] or {}).pop("modified", None)  # the moment it was asked
        assert found == line, more


def test_nothing_is_stored(port: Node) -> None:
    before = port.store.custodian().history(ONE["id"]).items, port.store.audit_trail()
    found = told(port, cuts=["description"], label="TLP:CLEAR")
    assert (found["verdict"], found["redacted"], "description" in found["rendition"]) == (
        "rendition",
        ["description"],
        False,
    )
    assert found["effects"] == [
        {"partner": "Brussels", "before": "withheld", "after": "rendition"},
        {"partner": "Kyiv", "before": "withheld", "after": "withheld"},
    ]
    assert (port.store.custodian().history(ONE["id"]).items, port.store.audit_trail()) == before


def test_who_may_ask_and_what_is_refused(port: Node) -> None:
    body = {"id": ONE["id"], "partner": "Brussels"}
    for who, status in (("narrow", 200), ("reader", 200), ("partner", 403), (None, 401)):
        assert port.client(who).post(PATH, json=body).status_code == status
    client = port.client("owner")
    for more, status in (
        ({"partner": "nobody"}, 404), ({"id": named("campaign", "never")}, 404), ({"id": "\0"}, 404), ({"cuts": ["nothing"]}, 400),
        ({"cuts": []}, 400), ({"label": "TLP:PINK"}, 400), ({"other": 1}, 400),
        ({"cuts": ["description"], "label": "TLP:CLEAR", "keep": "PUBLIC"}, 400),
    ):  # fmt: skip
        assert client.post(PATH, json={**body, **more}).status_code == status, more
    hidden = client.post(PATH, json={**body, "id": SECRET["id"]})
    absent = client.post(PATH, json={**body, "id": named("campaign", "never")})
    assert (hidden.status_code, absent.status_code) == (404, 404)
    port.put(theirs := campaign("theirs", description="x"), label="TLP:AMBER", partner="Kyiv")
    asked = {"id": theirs["id"], "partner": "Brussels", "cuts": ["description"]}
    assert client.post(PATH, json=asked).status_code == 200
    assert client.post(PATH, json={**asked, "label": "TLP:CLEAR"}).status_code == 403


def test_of_what_is_seen_in_part(port: Node) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}, {"marking_ref": AMBER, "selectors": ["objective"]}]
    part = campaign("part", description=f"as {SECRET['id']}, 10.1.1.1", objective="x", granular_markings=marks)
    port.put(part, label="TLP:CLEAR")
    found = told(port, id=part["id"])
    assert [(one["selector"], one["code"], one["anyway"]) for one in found["suggestions"]] == [
        ("objective", "marked-stricter", True)
    ]
    assert "10.1.1.1" not in port.client("owner").post(PATH, json={"id": part["id"], "partner": "Brussels"}).text
    assert (
        port.client("owner")
        .post(PATH, json={"id": part["id"], "partner": "Brussels", "cuts": ["description"]})
        .status_code
        == 400
    )
    assert told(port, id=OPEN["id"])["verdict"] == "whole"
