"""Consents through the API: asked for, given by password and ended, as far as the asker sees; hidden is absent."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from kizuna.labels import parse_label
from kizuna.store import Query
from kizuna.store.accounts import SCOPES
from kizuna.store.consents import Consents
from kizuna.store.keys import make_key
from kizuna.store.notices import listed
from kizuna.store.releasing import Releases
from kizuna.store.verify import verify
from tests.builders import RED, campaign, named
from tests.commands import kizuna
from tests.web.conftest import GREEN, OPEN, PASSWORD, REPORT, SECRET, Node, filled

BASE = "/api/v1/release/consents"
ABSENT = named("campaign", "never stored")
THEIRS = campaign("theirs")


@pytest.fixture
def tokyo(bare: Node) -> Node:
    """Two who release; Brussels has what is open, and sent something."""
    if not (bare.store.folder / "node.key").exists():
        make_key(bare.store.folder)
    for name in ("aoki", "baba"):
        bare.accounts.add_user(name, ["releaser"], by=name)
        bare.accounts.set_password(name, PASSWORD, by=name)
        bare.tokens[name], _ = bare.accounts.create_token(user=name, scopes=SCOPES, by=name)
    filled(bare)
    bare.put(THEIRS, label="TLP:GREEN", partner="Brussels")
    return bare


def said(client: httpx.Client, verb: str, *ids: str, partner: str = "Brussels", **more: Any) -> httpx.Response:
    usual: dict[str, Any] = {"request": {"reason": "they are hit"}, "grant": {"password": PASSWORD}, "end": {}}[verb]
    body = {"partner": partner, "ids": list(ids), "third_party": "Kyiv", **usual, **more}
    return client.post(f"{BASE}/{verb}", json=body)


def listing(node: Node, who: str = "aoki", **query: Any) -> list[dict[str, Any]]:
    answer = node.client(who).get(BASE, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def why(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {one["id"]: one["reason"]["code"] for one in answer.json()["failed"]}


def notes(node: Node, partner: str = "Brussels") -> list[bytes]:
    rows = node.store.feed(partner).read(Query(types=("note",), versions=("all",)), 0, 100).rows
    return [row.raw for row in rows]


def test_they_are_given_and_taken_back(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    given = said(client, "grant", OPEN["id"], REPORT["id"], until="2030-01-01T00:00:00Z")
    assert given.json() == {
        "kind": "consent", "partner": "Brussels", "third_party": "CERT Kyiv (fictional)", "expires": "2030-01-01T00:00:00.000000Z",
        "ids": [OPEN["id"], REPORT["id"]], "failed": [], "label": None,
    }  # fmt: skip
    assert len(notes(tokyo)) == 1
    tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
    assert said(tokyo.client("baba"), "end", OPEN["id"]).json()["ids"] == [OPEN["id"]]
    told = listing(tokyo)
    assert [(one["kind"], one["way"], one["third_party"]) for one in told] == [
        ("consent-end", "sent", "CERT Kyiv (fictional)"), ("consent", "sent", "CERT Kyiv (fictional)"),
    ]  # fmt: skip
    done = kizuna("consent", "list", "--data", tokyo.store.folder, "--json").lines()
    assert [{**one, "note": None} for one in told] == [{**line, "note": None} for line in done]
    events = client.get("/api/v1/release/history", params={"id": OPEN["id"]}).json()["items"]
    assert [event["act"] for event in events] == ["consent-end", "consent"]
    trail = [
        (one["actor"], one["act"], one["subject"])
        for one in tokyo.store.audit_trail()
        if one["act"].startswith("consent")
    ]
    assert trail == [("baba", "consent.end", "Brussels"), ("aoki", "consent.grant", "Brussels")]
    assert list(verify(tokyo.store)) == []


def test_what_the_command_line_grants_is_told(tokyo: Node) -> None:
    Consents(tokyo.store).grant("Brussels", [OPEN["id"]], "CERT Riga", by="aoki")
    (one,) = listing(tokyo, "reader")
    assert (one["kind"], one["ids"], one["third_party"]) == ("consent", [OPEN["id"]], "CERT Riga")


def test_one_asks_the_originator(tokyo: Node) -> None:
    answer = said(tokyo.client("aoki"), "request", THEIRS["id"], OPEN["id"], ABSENT, SECRET["id"])
    assert answer.json()["ids"] == [THEIRS["id"]]
    assert why(answer) == {OPEN["id"]: "not-theirs", ABSENT: "not-held", SECRET["id"]: "not-held"}
    assert len(notes(tokyo)) == 1
    (one,) = listing(tokyo)
    assert (one["kind"], one["way"], one["ids"], one["reason"], one["settled"]) == (
        "request", "sent", [THEIRS["id"]], "they are hit", None
    )  # fmt: skip


def asked_by_brussels(node: Node, *ids: str) -> None:
    """As if a notice of it had come in."""
    sql = (
        "insert into notice(partner,sent,kind,note,about,third_party,reason,at,person) "
        "values ('Brussels',0,'request',?,?,'CERT Kyiv (fictional)','x',?,'partner:Brussels')"
    )
    with node.store.database.write() as connection:
        connection.execute(sql, (named("note", "".join(ids)), json.dumps(ids), node.store.clock()))


def test_a_request_is_answered(tokyo: Node) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("part", description="victim", granular_markings=marks)
    tokyo.put(part, label="TLP:CLEAR")
    Releases(tokyo.store).approve("Brussels", [part["id"]], by="aoki")
    rows = tokyo.store.feed("Brussels").read(Query(types=("campaign",), versions=("all",)), 0, 100).rows
    (rendition,) = [row.id for row in rows if row.id not in (OPEN["id"], part["id"])]
    asked_by_brussels(tokyo, OPEN["id"])
    asked_by_brussels(tokyo, rendition)
    tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
    keeper = tokyo.client("owner")
    # A rendition is told under the id of what it was made of; here, whoever does not see it whole is not told of more.
    assert [(one["ids"], one["settled"]) for one in listing(tokyo, "owner")] == [
        ([part["id"]], None),
        ([OPEN["id"]], None),
    ]
    assert keeper.get(f"/api/v1/objects/{rendition}").status_code == 404
    answer = said(tokyo.session("aoki"), "grant", OPEN["id"], part["id"])
    assert why(answer) == {part["id"]: "seen-in-part"}
    told = listing(tokyo)
    assert [(one["kind"], one["settled"] is None) for one in told] == [
        ("consent", True),
        ("request", True),
        ("request", False),
    ]


def test_hidden_is_absent(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    for verb in ("request", "grant", "end"):
        for besides in ([], [OPEN["id"]]):
            hidden, absent = (said(client, verb, *besides, id).text.replace(id, "") for id in (SECRET["id"], ABSENT))
            assert hidden == absent
    # What is about something else as well is not told.
    before = listing(tokyo)
    asked_by_brussels(tokyo, OPEN["id"], SECRET["id"])
    asked_by_brussels(tokyo, SECRET["id"])
    asked_by_brussels(tokyo, ABSENT)
    assert listing(tokyo) == before


def test_nobody_consents_to_what_they_do_not_see(tokyo: Node) -> None:
    """The partner had a version that aoki does not see: told as done, and nothing is said to the partner."""
    tokyo.put(campaign("open", modified="2026-02-01T00:00:00.000Z"), label="TLP:CLEAR")
    newest = tokyo.store.custodian().get(OPEN["id"])
    label = parse_label("TLP:RED persons=owner", originator=tokyo.store.organisation)
    tokyo.store.relabel(OPEN["id"], label, by="t", version=None if newest is None else newest.version)
    answer = said(tokyo.session("aoki"), "grant", OPEN["id"])
    assert (answer.json()["ids"], notes(tokyo)) == ([OPEN["id"]], [])
    assert listing(tokyo)[0]["ids"] == [OPEN["id"]]
    # To take it back nobody needs to see more.
    assert said(tokyo.client("aoki"), "end", OPEN["id"]).json()["ids"] == [OPEN["id"]]
    assert len(notes(tokyo)) == 1


def test_who_may(tokyo: Node) -> None:
    who: str | None
    for who in ("aoki", "owner"):
        answer = said(tokyo.client(who), "grant", OPEN["id"])
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/refused")
    session = tokyo.session("aoki")
    assert said(session, "grant", OPEN["id"], password="wrong").json()["type"] == "/problems/wrong-password"
    for who, status in (("reader", 403), ("analyst", 403), ("narrow", 403), ("partner", 403), (None, 401)):
        for verb in ("request", "grant", "end"):
            assert said(tokyo.client(who), verb, OPEN["id"]).status_code == status
    for who, status in (("reader", 200), ("partner", 403), (None, 401)):
        assert tokyo.client(who).get(BASE).status_code == status
    del session.headers["X-CSRF-Token"]
    assert said(session, "grant", OPEN["id"]).json()["type"] == "/problems/wrong-origin"


def test_what_makes_no_sense(tokyo: Node) -> None:
    session = tokyo.session("aoki")
    for more, status in (
        ({"until": "soon"}, 400), ({"third_party": ""}, 400), ({"third_party": "a\x1bb"}, 400), ({"partner": "Nobody"}, 404),
        ({"more": 1}, 400), ({"until": "9999-99-99T00:00:00Z"}, 400),
    ):  # fmt: skip
        assert said(session, "grant", OPEN["id"], **more).status_code == status, more
    assert said(session, "request", THEIRS["id"], reason=" ").status_code == 400
    assert said(session, "end").status_code == 400
    assert why(said(session, "grant", THEIRS["id"], GREEN["id"], "x", "\0")) == {
        THEIRS["id"]: "not-ours", GREEN["id"]: "did-not-leave", "x": "not-held", "\0": "not-held"
    }  # fmt: skip
    assert (listing(tokyo), notes(tokyo)) == ([], [])
    assert session.get(BASE, params={"cursor": "AAAA"}).status_code == 400


def test_a_repeated_request_is_answered_alike(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    client.headers["Idempotency-Key"] = "one"
    first, again = said(client, "grant", OPEN["id"]), said(client, "grant", OPEN["id"])
    assert (first.status_code, first.content) == (200, again.content)
    assert len(listed(tokyo.store.database.read(), ("consent",))) == 1
    rows = tokyo.store.database.read().execute("select answer from answered").fetchall()
    assert all(PASSWORD.encode() not in bytes(answer) for (answer,) in rows)
    assert all(base64.b64encode(PASSWORD.encode()) not in bytes(answer) for (answer,) in rows)


def test_pages(tokyo: Node) -> None:
    for n in range(5):
        tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
        said(tokyo.client("aoki"), "request", THEIRS["id"], reason=f"reason {n}")
    client, found = tokyo.client("aoki"), []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = client.get(BASE, params=query)
        found += [one["reason"] for one in page.json()["items"]]
        assert client.get(BASE, params=query, headers={"If-None-Match": page.headers["etag"]}).status_code == 304
        if page.json()["next"] is None:
            break
        query["cursor"] = page.json()["next"]
        assert tokyo.client("baba").get(BASE, params=query).status_code == 400
    assert found == [f"reason {n}" for n in reversed(range(5))]


def test_of_a_whole_label(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    about = {"partner": "Brussels", "label": "TLP:AMBER", "third_party": "Kyiv"}
    given = client.post(f"{BASE}/grant", json={**about, "password": PASSWORD})
    assert (given.status_code, given.json()["label"], given.json()["ids"]) == (200, "TLP:AMBER", [])
    tokyo.store.clock.now += 1_000_000  # type: ignore[attr-defined]
    assert client.post(f"{BASE}/request", json={**about, "reason": "x"}).status_code == 200
    assert client.post(f"{BASE}/end", json=about).status_code == 200
    kinds = [(one["kind"], one["way"], one["label"], one["ids"]) for one in listing(tokyo)]
    assert kinds == [(kind, "sent", "TLP:AMBER", []) for kind in ("consent-end", "request", "consent")]
    assert [one["kind"] for one in listing(tokyo, "reader")] == ["consent-end", "request", "consent"]
    for wrong in (
        {},
        {"ids": [OPEN["id"]], "label": "TLP:AMBER"},
        {"label": "TLP:GREEN"},
        {"label": "TLP:AMBER restrictive:Cleared=X"},
    ):
        body = {"partner": "Brussels", "third_party": "Kyiv", **wrong}
        assert client.post(f"{BASE}/end", json=body).status_code in (400, 403)
    assert len(listing(tokyo)) == 3
