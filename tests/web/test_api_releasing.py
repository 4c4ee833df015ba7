"""The outbox through the API: as the command line tells it, of what the asker sees, and approved by people with their password alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kizuna.events import Act as ActEvent
from kizuna.events import Fed
from kizuna.store import Query
from kizuna.store.accounts import SCOPES
from kizuna.store.releasing import Releases
from kizuna.store.standing import FIRST, Rules
from kizuna.store.verify import verify
from kizuna.web.slowing import FREE
from tests.builders import GREEN as GREEN_MARK
from tests.builders import campaign, named, report
from tests.commands import kizuna
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, PASSWORD, REPORT, SECRET, Node, filled

BASE = "/api/v1/release"
ABSENT = named("campaign", "never stored")
SEEN = [OPEN["id"], GREEN["id"], LINKED["id"], REPORT["id"], OWN["id"]]
ROLES = {
    "aoki": ["releaser"], "baba": ["releaser"], "oda": ["operator"], "officer": ["programme-officer"],
}  # fmt: skip


@pytest.fixture
def tokyo(bare: Node) -> Node:
    """Two who release, one who operates and one who does neither; nothing leaves by its label alone."""
    for name, roles in ROLES.items():
        bare.accounts.add_user(name, roles, by=name)
        bare.accounts.set_password(name, PASSWORD, by=name)
        bare.tokens[name], _ = bare.accounts.create_token(user=name, scopes=SCOPES, by=name)
    Rules(bare.store).remove(FIRST, by="test")
    return filled(bare)


def outbox(node: Node, *ids: str, partner: str = "Brussels", who: str = "aoki", **query: Any) -> dict[str, Any]:
    asked = {"as": partner, **({"id": list(ids)} if ids else {}), **query}
    answer = node.client(who).get(f"{BASE}/outbox", params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def act(client: httpx.Client, verb: str, *ids: str, partner: str = "Brussels", **more: Any) -> httpx.Response:
    return client.post(f"{BASE}/{verb}", json={"partner": partner, "ids": list(ids), **more})


def approve(node: Node, client: httpx.Client, *ids: str, **more: Any) -> httpx.Response:
    shown = {"set": outbox(node, *ids)["set"], "password": PASSWORD}
    return act(client, "approve", *ids, **{**shown, **more})


def states(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["state"] for item in answer.json()["items"]]


def why(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["reason"]["code"] for one in answer.json()["failed"]]


def test_it_is_what_the_command_line_tells(tokyo: Node) -> None:
    marks = [{"marking_ref": GREEN_MARK, "selectors": ["description"]}]
    part = campaign("part", description="x", granular_markings=marks)
    put_rule(tokyo, {"name": "ask", "types": ["report"], "parts": True})
    tokyo.put(part, report("about", [part, GREEN]), label="TLP:CLEAR")
    Releases(tokyo.store).stop("Brussels", [OPEN["id"]], by="baba")
    asked = [*SEEN, part["id"], report("about", [])["id"]]
    for partner in ("Brussels", "Kyiv"):
        done = kizuna("release", "outbox", *asked, "--as", partner, "--data", tokyo.store.folder, "--json")
        answer = outbox(tokyo, *asked, partner=partner.upper())
        assert answer.pop("set")
        assert answer == {"partner": partner, "stopped": None, "items": done.lines(), "next": None}
    done = kizuna("release", "outbox", "--as", "Brussels", "--data", tokyo.store.folder, "--json")
    assert outbox(tokyo)["items"] == done.lines()
    told = [(item["state"], item["form"]) for item in done.lines()]
    assert told == [("proposed", "rendition"), ("proposed", "whole")]
    said = kizuna("release", "outbox", *asked, "--as", "Brussels", "--data", tokyo.store.folder).out
    assert outbox(tokyo, *asked)["set"] in said


def put_rule(node: Node, *rules: dict[str, Any]) -> httpx.Response:
    answer = node.client("aoki").put(f"{BASE}/rules", json=list(rules))
    assert answer.status_code == 200, answer.text
    return answer


def test_somebody_logged_in_approves_by_their_password(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    assert states(act(client, "propose", OPEN["id"])) == ["proposed"]
    assert [item["by"] for item in outbox(tokyo)["items"]] == ["aoki"]
    answer = approve(tokyo, client, OPEN["id"])
    assert states(answer) == ["offered"]
    body = answer.json()
    assert (body["opened"], body["ended"], body["failed"], body["partner"]) == (1, 0, [], "Brussels")
    assert body["items"][0]["approved"] == ["aoki"]
    assert outbox(tokyo)["items"] == []
    again = approve(tokyo, client, OPEN["id"])
    assert (states(again), why(again)) == ([], ["leaves-already"])
    done = kizuna("release", "history", OPEN["id"], "--data", tokyo.store.folder, "--json")
    told = tokyo.client("reader").get(f"{BASE}/history", params={"id": OPEN["id"]}).json()
    assert (told["items"], told["next"]) == (done.lines(), None)
    assert [one["act"] for one in told["items"]] == ["approve", "propose"]


def test_tokens_do_not_approve(tokyo: Node) -> None:
    put_rule(tokyo, {"name": "open", "act": "send"})
    for who in ("aoki", "owner"):
        answer = approve(tokyo, tokyo.client(who), OPEN["id"])
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/refused")
        assert "tokens" in answer.json()["detail"]
        answer = tokyo.client(who).post(f"{BASE}/rules/open/approve", json={"password": PASSWORD})
        assert answer.status_code == 403
    # Nor does a session that brings one along.
    client = tokyo.session("aoki")
    client.headers["Authorization"] = f"Bearer {tokyo.tokens['aoki']}"
    assert approve(tokyo, client, OPEN["id"]).status_code == 403
    assert [item["state"] for item in outbox(tokyo, OPEN["id"])["items"]] == ["unproposed"]


def test_the_password_is_asked_for(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    for wrong in ("wrong", "x" * 1_024):
        answer = approve(tokyo, client, OPEN["id"], password=wrong)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/wrong-password")
        # Whatever else is wrong with it is not told before.
        assert approve(tokyo, client, ABSENT, password=wrong, set="x", partner="Nobody").json() == answer.json()
        tokyo.store.clock.now += 3_600_000_000  # type: ignore[attr-defined]
        client = tokyo.session("aoki")
    for odd in ({"password": ""}, {"password": None}, {"password": "x" * 1_025}, {"set": None}, {"more": 1}):
        assert approve(tokyo, client, OPEN["id"], **odd).status_code == 400
    (failed, *_) = [one for one in tokyo.store.audit_trail() if one["act"] == "login.failed"]
    assert (failed["subject"], failed["detail"]["again"]) == ("aoki", True)
    assert states(approve(tokyo, client, OPEN["id"])) == ["offered"]


def test_wrong_passwords_are_slowed_down(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    answers = [approve(tokyo, client, OPEN["id"], password="wrong").status_code for _ in range(FREE["remote"] + 2)]
    assert answers[0] == 403
    assert answers[-1] == 429
    assert approve(tokyo, client, OPEN["id"]).status_code == 429


def test_a_session_shows_that_our_own_page_asks(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    shown = {"set": outbox(tokyo, OPEN["id"])["set"], "password": PASSWORD}
    del client.headers["X-CSRF-Token"]
    for verb, more in (("approve", shown), ("propose", {}), ("stop", {}), ("withdraw", {"reason": "x"})):
        assert act(client, verb, OPEN["id"], **more).json()["type"] == "/problems/wrong-origin"
    assert client.put(f"{BASE}/rules", json=[]).status_code == 403
    assert client.delete(f"{BASE}/rules/x").status_code == 403


@pytest.mark.parametrize("who", ["reader", "analyst", "narrow", "oda", "officer", "partner", None])
def test_what_others_may(tokyo: Node, who: str | None) -> None:
    client, reads = tokyo.client(who), who not in ("partner", None)
    refused = 401 if who is None else 403
    assert client.get(f"{BASE}/outbox", params={"as": "Kyiv"}).status_code == (200 if reads else refused)
    assert client.get(f"{BASE}/history", params={"id": OPEN["id"]}).status_code == (200 if reads else refused)
    assert client.get(f"{BASE}/rules").status_code == (200 if reads else refused)
    shown: dict[str, Any] = {"set": "x", "password": PASSWORD}
    for verb, more in (("propose", {}), ("approve", shown), ("stop", {}), ("withdraw", {"reason": "x"})):
        assert act(client, verb, OPEN["id"], **more).status_code == refused
    relabel = {"ids": [OPEN["id"]], "label": "TLP:RED"}
    assert client.post(f"{BASE}/relabel", json=relabel).status_code == refused
    assert client.put(f"{BASE}/rules", json=[]).status_code == refused
    for verb in ("approve", "stop"):
        assert client.post(f"{BASE}/rules/{FIRST}/{verb}", json={"password": PASSWORD}).status_code == refused
    assert client.delete(f"{BASE}/rules/{FIRST}").status_code == refused
    if who in ("oda", "officer"):
        assert approve(tokyo, tokyo.session(who), OPEN["id"]).status_code == 403
        assert tokyo.session(who).put(f"{BASE}/rules", json=[]).status_code == 403


def test_exactly_what_was_shown_is_approved(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    both = (OPEN["id"], REPORT["id"])
    shown = outbox(tokyo, *both)["set"]
    assert outbox(tokyo, *both[::-1])["set"] == shown
    tokyo.put(campaign("open", modified="2026-02-01T00:00:00.000Z"), label="TLP:CLEAR")
    for ids, given in ((both, shown), (both[:1], shown), (both, "x")):
        answer = act(client, "approve", *ids, set=given, password=PASSWORD)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert (
        act(client, "approve", *both, partner="Kyiv", set=outbox(tokyo, *both)["set"], password=PASSWORD).status_code
        == 409
    )
    # What is not there is in no set.
    answer = approve(tokyo, client, *both, ABSENT, SECRET["id"])
    assert (states(answer), why(answer)) == (["offered", "offered"], ["not-held", "not-held"])


def test_two_people_approve(tokyo: Node) -> None:
    put_rule(tokyo, {"name": "ask", "approvers": 2})
    one, other = tokyo.session("aoki"), tokyo.session("baba")
    answer = approve(tokyo, one, OPEN["id"])
    assert (states(answer), answer.json()["opened"]) == (["proposed"], 0)
    assert (answer.json()["items"][0]["approved"], answer.json()["items"][0]["asked"]) == (["aoki"], 2)
    again = approve(tokyo, one, OPEN["id"])
    assert again.json()["failed"] == [
        {"id": OPEN["id"], "reason": {"code": "approved-already", "parameters": ["aoki"]}}
    ]
    assert approve(tokyo, other, OPEN["id"]).json()["opened"] == 1
    # Whoever the first let in since is no second.
    assert approve(tokyo, one, REPORT["id"]).json()["opened"] == 0
    tokyo.accounts.create_link("baba", by="aoki")
    assert why(approve(tokyo, other, REPORT["id"])) == ["let-in"]


def test_hidden_is_absent(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    empty = outbox(tokyo, ABSENT)["set"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("propose", {}), ("approve", {"set": empty, "password": PASSWORD}), ("stop", {}), ("withdraw", {"reason": "x"})
    ]  # fmt: skip
    for verb, more in asked:
        for besides in ([], [OPEN["id"]] if verb == "propose" else []):
            hidden, absent = (
                act(client, verb, *besides, id, **more).text.replace(id, "") for id in (SECRET["id"], ABSENT)
            )
            assert hidden == absent
            assert '"code":"not-held"' in hidden
    relabel = [client.post(f"{BASE}/relabel", json={"ids": [id], "label": "TLP:RED"}) for id in (SECRET["id"], ABSENT)]
    assert relabel[0].text.replace(SECRET["id"], "") == relabel[1].text.replace(ABSENT, "")
    for path in ("outbox", "history"):
        answers = [client.get(f"{BASE}/{path}", params={"as": "Brussels", "id": id}) for id in (SECRET["id"], ABSENT)]
        assert answers[0].content == answers[1].content
        assert answers[0].headers["etag"] == answers[1].headers["etag"]
    for odd in ("x", "\0", "a" * 300, "campaign--\0"):
        assert why(act(client, "propose", odd)) == ["not-held"]
        assert outbox(tokyo, odd)["items"] == []
    assert Releases(tokyo.store).history([SECRET["id"]]) == []


def test_what_makes_no_sense(tokyo: Node) -> None:
    client = tokyo.client("aoki")
    assert act(client, "propose", OPEN["id"], partner="Nobody").status_code == 404
    assert act(client, "propose").status_code == 400
    assert act(client, "propose", *[f"campaign--{i}" for i in range(1_001)]).status_code == 400
    assert act(client, "propose", "a" * 301).status_code == 400
    assert act(client, "withdraw", OPEN["id"]).status_code == 400
    assert act(client, "withdraw", OPEN["id"], reason="a\x1bb").status_code == 400
    assert client.post(f"{BASE}/relabel", json={"ids": [OPEN["id"]], "label": "NONE:SUCH x"}).status_code in (400, 422)
    query: dict[str, Any]
    for query in ({"state": "gone"}, {"id": OPEN["id"], "limit": 1}, {"cursor": "AAAA"}, {"limit": 501}, {"more": 1}):
        assert client.get(f"{BASE}/outbox", params={"as": "Brussels", **query}).status_code == 400, query
    assert client.get(f"{BASE}/outbox").status_code == 400
    assert client.get(f"{BASE}/outbox", params={"as": "Nobody"}).status_code == 404
    assert client.get(f"{BASE}/history").status_code == 400
    assert client.get(f"{BASE}/history", params={"id": OPEN["id"], "as": "Nobody"}).status_code == 404


def test_stop_withdraw_and_relabel(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    assert states(act(client, "stop", REPORT["id"])) == ["stopped"]
    assert why(act(client, "withdraw", OPEN["id"], reason="x")) == ["did-not-leave"]
    assert states(approve(tokyo, client, OPEN["id"], REPORT["id"])) == ["offered", "offered"]
    assert why(act(client, "stop", OPEN["id"])) == ["left-already"]
    answer = act(client, "withdraw", OPEN["id"], reason="told in error")
    assert (states(answer), answer.json()["ended"]) == (["withdrawn"], 1)
    assert [item["state"] for item in outbox(tokyo, REPORT["id"])["items"]] == ["waiting"]
    told = client.get(f"{BASE}/history", params={"id": OPEN["id"], "as": "Brussels", "limit": 1}).json()
    assert (told["items"][0]["reason"], bool(told["next"])) == ("told in error", True)
    following = client.get(
        f"{BASE}/history", params={"id": OPEN["id"], "as": "Brussels", "limit": 1, "cursor": told["next"]}
    ).json()
    assert ([one["act"] for one in following["items"]], following["next"]) == (["approve"], None)
    assert states(approve(tokyo, client, OPEN["id"])) == ["offered"]
    answer = client.post(f"{BASE}/relabel", json={"ids": [ABSENT, REPORT["id"], OPEN["id"]], "label": "TLP:AMBER"})
    body = answer.json()
    assert body.pop("failed") == [{"id": ABSENT, "reason": {"code": "not-held", "parameters": []}}]
    assert body == {
        "label": "TLP:AMBER", "objects": 2, "touched": 2, "refused": [], "opened": {}, "ended": {"Brussels": 2},
        "given": {"Brussels": [REPORT["id"], OPEN["id"]]}, "dry_run": False,
        "changes": {"Brussels": [{"id": id, "was": "whole", "now": None} for id in (REPORT["id"], OPEN["id"])]},
    }  # fmt: skip
    assert {item["state"] for item in outbox(tokyo, OPEN["id"], REPORT["id"])["items"]} == {"ended"}


def test_what_a_relabel_would_change_is_told_before(tokyo: Node) -> None:
    client, events = tokyo.session("aoki"), []
    approve(tokyo, client, OPEN["id"], REPORT["id"])
    shown = outbox(tokyo, *SEEN)
    trail, feed = tokyo.store.audit_trail(), tokyo.store.feed("Brussels").read(Query(versions=("all",)), 0, 100)
    tokyo.store.listen(lambda event: events.append(event))
    asked = {"ids": [ABSENT, REPORT["id"], OPEN["id"], GREEN["id"]], "label": "TLP:RED persons=aoki"}
    client.headers["Idempotency-Key"] = "one"
    first, again = (client.post(f"{BASE}/relabel", json={**asked, "dry_run": True}) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert not [event for event in events if isinstance(event, ActEvent | Fed)]
    assert tokyo.store.audit_trail() == trail
    assert tokyo.store.feed("Brussels").read(Query(versions=("all",)), 0, 100) == feed
    assert outbox(tokyo, *SEEN) == shown
    rows = tokyo.store.database.read().execute("select count(*) from label where canonical like '%TLP%RED%aoki%'")
    assert rows.fetchone() == (0,)
    # The key is free yet, and the act says the same.
    done = client.post(f"{BASE}/relabel", json=asked)
    assert done.json() == {**first.json(), "dry_run": False}
    assert done.json()["changes"] == {
        "Brussels": [{"id": id, "was": "whole", "now": None} for id in (REPORT["id"], OPEN["id"])]
    }
    assert list(verify(tokyo.store)) == []


def test_a_dry_run_tells_of_hidden_as_of_absent(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    asked = [
        client.post(f"{BASE}/relabel", json={"ids": [OPEN["id"], id], "label": "TLP:RED", "dry_run": True})
        for id in (SECRET["id"], ABSENT)
    ]
    assert asked[0].text.replace(SECRET["id"], "") == asked[1].text.replace(ABSENT, "")
    assert client.post(f"{BASE}/relabel", json={"ids": [OPEN["id"]], "label": "x", "dry_run": True}).status_code == 400
    narrow = tokyo.client("reader").post(
        f"{BASE}/relabel", json={"ids": [OPEN["id"]], "label": "TLP:RED", "dry_run": True}
    )
    assert narrow.status_code == 403


def test_a_label_that_was_only_tried_lets_nobody_see_another(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    tried = {"ids": [OPEN["id"]], "label": "TLP:RED persons=aoki", "dry_run": True}
    assert client.post(f"{BASE}/relabel", json=tried).json()["objects"] == 1
    # It has the number of the one that was tried, which aoki might see.
    tokyo.put(hidden := campaign("hidden"), label="TLP:RED persons=nobody.here")
    assert client.get(f"/api/v1/objects/{hidden['id']}").status_code == 404
    assert hidden["id"] not in client.get("/api/v1/search").text


def test_one_relabels_beyond_oneself(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    approve(tokyo, client, OPEN["id"])
    answer = client.post(f"{BASE}/relabel", json={"ids": [OPEN["id"]], "label": "TLP:RED persons=owner"}).json()
    assert (answer["objects"], answer["given"]) == (1, {"Brussels": [OPEN["id"]]})
    assert outbox(tokyo, OPEN["id"])["items"] == []
    assert act(client, "withdraw", OPEN["id"], reason="x").json()["failed"][0]["reason"]["code"] == "not-held"


def test_a_repeated_request_is_answered_alike(tokyo: Node) -> None:
    client = tokyo.session("aoki")
    client.headers["Idempotency-Key"] = "one"
    first = approve(tokyo, client, OPEN["id"])
    assert states(first) == ["offered"]
    again = approve(tokyo, client, OPEN["id"])
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert approve(tokyo, client, OPEN["id"], password="wrong").status_code == 403
    assert act(client, "propose", OPEN["id"]).status_code == 409
    assert approve(tokyo, client, REPORT["id"]).status_code == 409
    del client.headers["Idempotency-Key"]
    assert why(approve(tokyo, client, OPEN["id"])) == ["leaves-already"]
    # The password is kept nowhere, nor anything made of it alone.
    rows = tokyo.store.database.read().execute("select answer from answered").fetchall()
    assert all(PASSWORD.encode() not in bytes(answer) for (answer,) in rows)


def test_pages(tokyo: Node) -> None:
    client = tokyo.client("aoki")
    tokyo.put(*(campaign(f"c{i}") for i in range(7)), label="TLP:CLEAR")
    query = {"as": "Brussels", "state": ["unproposed", "withheld"]}
    whole = client.get(f"{BASE}/outbox", params=query).json()["items"]
    assert (len(whole), whole[0]["id"]) == (12, campaign("c6")["id"])
    found: list[Any] = []
    cursor = None
    while True:
        page = client.get(f"{BASE}/outbox", params={**query, "limit": 3, **({"cursor": cursor} if cursor else {})})
        found += page.json()["items"]
        same = client.get(page.url, headers={"If-None-Match": page.headers["etag"]})
        assert same.status_code == 304
        if (cursor := page.json()["next"]) is None:
            break
        assert client.get(f"{BASE}/outbox", params={"as": "Kyiv", "cursor": cursor}).status_code == 400
    assert found == whole


# Rules


def test_rules_are_what_the_command_line_tells(tokyo: Node) -> None:
    said: list[dict[str, Any]]
    said = [{"name": "open", "act": "send", "labels": ["TLP:CLEAR"], "until": "2027-01-01T00:00:00Z"}, {"name": "ask"}]
    put = put_rule(tokyo, *said)
    assert [(one["rule"], one["version"], one["state"]) for one in put.json()["items"]] == [
        ("open", 1, "waits"), ("ask", 1, "counts")
    ]  # fmt: skip
    told = tokyo.client("reader").get(f"{BASE}/rules")
    assert told.headers["etag"] == put.headers["etag"]
    done = kizuna("release", "rules", "list", "--data", tokyo.store.folder, "--json").lines()
    assert [{key: one[key] for key in line} for one, line in zip(told.json()["items"], done, strict=True)] == done
    shown = kizuna("release", "rules", "show", "--data", tokyo.store.folder, "--json").lines()
    assert [one["says"] for one in told.json()["items"]] == shown
    # What is told can be given back, and changes nothing.
    again: list[dict[str, Any]] = [one["says"] for one in told.json()["items"]]
    assert put_rule(tokyo, *again).json()["items"] == []


def test_rules_are_put_all_or_none(tokyo: Node) -> None:
    client = tokyo.client("aoki")
    for odd, status in (
        ([{"name": "a"}, {"name": "b", "partners": ["Nobody"]}], 404),
        ([{"name": "a"}, {"name": "a"}], 422),
        ([{"name": "a"}, {"name": "B b"}], 400),
        ([{"name": "a", "act": "destroy"}], 400),
        ([{"name": "a", "until": "tomorrow"}], 400),
        ([{"name": "a", "query": "x", "parts": True}], 400),
        ({"name": "a"}, 400),
    ):
        assert client.put(f"{BASE}/rules", json=odd).status_code == status, odd
    assert client.get(f"{BASE}/rules").json()["items"] == []


def test_rules_that_changed_meanwhile_are_read_again(tokyo: Node) -> None:
    client = tokyo.client("aoki")
    tag = client.get(f"{BASE}/rules").headers["etag"]
    put_rule(tokyo, {"name": "ask"})
    answer = client.put(f"{BASE}/rules", json=[{"name": "other"}], headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/changed")
    tag = client.get(f"{BASE}/rules").headers["etag"]
    assert client.put(f"{BASE}/rules", json=[{"name": "other"}], headers={"If-Match": tag}).status_code == 200


def test_a_rule_counts_when_people_approved_it(tokyo: Node) -> None:
    put_rule(tokyo, {"name": "open", "act": "send", "types": ["campaign"]})
    place = f"{BASE}/rules/open"
    one, other = tokyo.session("aoki"), tokyo.session("baba")
    assert one.post(f"{place}/approve", json={"password": "wrong"}).json()["type"] == "/problems/wrong-password"
    assert one.post(f"{place}/approve", json={}).status_code == 400
    first = one.post(f"{place}/approve", json={"password": PASSWORD, "version": 1}).json()
    assert (first["approved"], first["asked"], first["counts"], first["state"]) == (["aoki"], 2, False, "waits")
    assert one.post(f"{place}/approve", json={"password": PASSWORD}).status_code == 409
    assert other.post(f"{place}/approve", json={"password": PASSWORD, "version": 2}).status_code == 409
    second = other.post(f"{place}/approve", json={"password": PASSWORD}, headers={"Idempotency-Key": "a"})
    assert (second.json()["approved"], second.json()["counts"]) == (["aoki", "baba"], True)
    again = other.post(f"{place}/approve", json={"password": PASSWORD}, headers={"Idempotency-Key": "a"})
    assert again.content == second.content
    assert [item["state"] for item in outbox(tokyo, OPEN["id"])["items"]] == ["offered"]
    stopped = tokyo.client("baba").post(f"{place}/stop").json()
    assert (stopped["state"], stopped["counts"]) == ("stopped", False)
    # What left stays.
    assert [item["state"] for item in outbox(tokyo, OPEN["id"])["items"]] == ["offered"]
    put_rule(tokyo, {"name": "open", "act": "send"})
    versions = tokyo.client("reader").get(place).json()["items"]
    assert [(one["version"], one["state"]) for one in versions] == [(2, "waits"), (1, "ended")]
    gone = tokyo.client("aoki").delete(place).json()
    assert (gone["version"], gone["state"]) == (2, "ended")
    for method, path in (("DELETE", place), ("POST", f"{place}/stop")):
        assert tokyo.client("aoki").request(method, path).status_code == 404
    assert one.post(f"{place}/approve", json={"password": PASSWORD}).status_code == 404
    assert len(tokyo.client("reader").get(place).json()["items"]) == 2
    assert tokyo.client("reader").get(f"{BASE}/rules/none").status_code == 404
    acts = [(e["act"], e["actor"]) for e in tokyo.store.audit_trail() if e["act"].startswith("rule.")]
    assert acts[:3] == [("rule.remove", "aoki"), ("rule.put", "aoki"), ("rule.stop", "baba")]
