"""Jobs over the API: asked for, looked at, taken away, cancelled; each by whom it concerns."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest

from kizuna.jobs import carry_out
from kizuna.labels import parse_label
from kizuna.store import Partner
from kizuna.store.jobs import Jobs
from tests.builders import CLEAR, RED, campaign, items
from tests.commands import bundle
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, REPORT, SECRET, Node

JOBS = "/api/v1/jobs"


def done(node: Node) -> None:
    """Do everything that waits."""
    jobs = Jobs(node.store)
    while (job := jobs.claim()) is not None:
        carry_out(node.store, job)


def asked(client: httpx.Client, kind: str, content: bytes = b"", **params: Any) -> str:
    """Ask for a job; its address."""
    answer = client.post(JOBS, params={"kind": kind, **params}, content=content)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "queued"
    assert answer.headers["location"] == f"{JOBS}/{answer.json()['id']}"
    return str(answer.headers["location"])


def test_an_import(node: Node) -> None:
    analyst = node.client("analyst")
    bad = {**campaign("bad"), "created": "yesterday"}
    where = asked(analyst, "import", bundle(campaign("new"), bad, OPEN), label="TLP:CLEAR", area="cyber-defence")
    assert node.client("reader").get(f"/api/v1/objects/{campaign('new')['id']}").status_code == 404
    done(node)
    job = analyst.get(where).json()
    assert (job["state"], job["done"], job["attempt"]) == ("done", job["done"], 1)
    counts = {name: job["result"][name] for name in ("imported", "unchanged", "failed")}
    assert counts == {"imported": 1, "unchanged": 1, "failed": 1}
    assert [(item["item"], item["errors"][0]["path"]) for item in job["result"]["failures"]] == [(1, "created")]
    stored = node.client("reader").get(f"/api/v1/objects/{campaign('new')['id']}").json()
    assert (stored["label"]["text"], stored["area"]) == ("TLP:CLEAR", "cyber-defence")
    assert analyst.get(f"{where}/result").status_code == 404


def test_an_import_is_answered_as_if_what_is_hidden_were_not_there(node: Node) -> None:
    forged = {**SECRET, "description": "other"}
    where = asked(node.client("analyst"), "import", bundle(SECRET, forged))
    done(node)
    report = node.client("analyst").post("/api/v1/import", content=bundle(SECRET, forged)).json()
    job = node.client("analyst").get(where).json()
    assert {name: job["result"][name] for name in ("imported", "failed")} == {
        name: report[name] for name in ("imported", "failed")
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 20_000, b"\xff\xfe", b'{"type": "bundle", "objects": 5}'])
def test_what_is_no_bundle_is_one_failure(node: Node, body: bytes) -> None:
    where = asked(node.client("analyst"), "import", body)
    done(node)
    job = node.client("analyst").get(where).json()
    assert (job["state"], job["result"]["imported"], job["result"]["failed"]) == ("done", 0, 1)


def test_an_export_is_what_the_asker_sees(node: Node) -> None:
    found = {}
    for who in ("reader", "owner"):
        client = node.client(who)
        where = asked(client, "export")
        assert client.get(f"{where}/result").status_code == 409
        done(node)
        answer = client.get(f"{where}/result")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/stix+json;version=2.1")
        assert "private" in answer.headers["cache-control"]
        found[who] = {one["id"] for one in answer.json()["objects"]}
        assert client.get(where).json()["result"] == {"objects": len(found[who])}
    seen = {one["id"] for one in (OPEN, REPORT, GREEN, LINKED, OWN)}
    assert found == {"reader": seen, "owner": seen}


def test_an_export_of_types_and_of_nothing(node: Node) -> None:
    reader = node.client("reader")
    reports, none = asked(reader, "export", type=["report"]), asked(reader, "export", type=["malware"])
    done(node)
    assert [one["id"] for one in reader.get(f"{reports}/result").json()["objects"]] == [REPORT["id"]]
    assert "objects" not in reader.get(f"{none}/result").json()


def test_a_large_export_comes_in_pieces_and_whole(bare: Node) -> None:
    bare.put(*(campaign(f"n{n}") for n in range(1_201)), label="TLP:CLEAR")
    where = asked(bare.client("reader"), "export")
    done(bare)
    answer = bare.client("reader").get(f"{where}/result").json()
    assert [one["id"] for one in answer["objects"]] == [campaign(f"n{n}")["id"] for n in range(1_201)]


@pytest.mark.parametrize("act", ["relabel", "delete"])
def test_what_was_seen_once_is_not_given_out_when_it_may_not_be_seen_any_more(node: Node, act: str) -> None:
    reader = node.client("reader")
    where = asked(reader, "export")
    done(node)
    assert reader.get(f"{where}/result").status_code == 200
    if act == "relabel":
        label = parse_label("TLP:RED persons=owner", originator=node.store.organisation)
        node.store.relabel(OWN["id"], label, by="test")
    else:
        node.store.hide(OWN["id"], by="test")
    answer = reader.get(f"{where}/result")
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/outdated")
    again = asked(reader, "export")
    done(node)
    assert OWN["id"] not in {one["id"] for one in reader.get(f"{again}/result").json()["objects"]}


def test_what_is_done_to_hidden_things_outdates_nothing(node: Node) -> None:
    reader = node.client("reader")
    where = asked(reader, "export")
    done(node)
    before = reader.get(f"{where}/result")
    label = parse_label("TLP:RED persons=nobody.here", originator=node.store.organisation)
    node.store.relabel(SECRET["id"], label, by="test")
    node.store.hide(SECRET["id"], by="test")
    node.put(campaign("another"), label="TLP:RED persons=somebody.else")
    assert reader.get(f"{where}/result").content == before.content


def test_parts_that_were_cut_are_looked_at_again(bare: Node) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    cut = campaign("cut", description="secret", object_marking_refs=[CLEAR], granular_markings=marks)
    list(
        bare.store.writer(bare.store.partner_source("Brussels")).add(
            items(cut, campaign("b", object_marking_refs=[CLEAR]))
        )
    )
    reader = bare.client("reader")
    where = asked(reader, "export")
    done(bare)
    first = reader.get(f"{where}/result")
    assert (first.status_code, cut["id"] in first.text, "secret" in first.text) == (200, True, False)
    bare.store.relabel(cut["id"], parse_label("TLP:RED persons=x", originator="CERT Brussels (fictional)"), by="test")
    assert reader.get(f"{where}/result").status_code == 410


def test_nobody_sees_the_jobs_of_others_but_operators_that_they_are_there(node: Node) -> None:
    reader, owner = node.client("reader"), node.client("owner")
    mine, theirs = asked(reader, "export"), asked(owner, "export")
    done(node)
    assert [job["id"] for job in reader.get(JOBS).json()["items"]] == [mine.rpartition("/")[2]]
    hidden, absent = reader.get(theirs), reader.get(f"{JOBS}/00000000-0000-4000-8000-000000000000")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content) == (404, absent.content)
    for method, path in (("GET", f"{theirs}/result"), ("DELETE", theirs)):
        assert reader.request(method, path).status_code == 404
    told = owner.get(mine).json()
    assert (told["asked"], told["kind"], told["state"]) == ("reader", "export", "done")
    assert {told[name] for name in ("done", "total", "result", "error", "reason")} == {None}
    assert owner.get(f"{mine}/result").status_code == 404
    assert [job["asked"] for job in owner.get(JOBS).json()["items"]] == ["owner", "reader"]


def test_pages_of_the_list(node: Node) -> None:
    reader = node.client("reader")
    whole = [asked(reader, "export").rpartition("/")[2] for _ in range(3)][::-1]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = reader.get(JOBS, params={"limit": 2, **cursor}).json()
        found += [job["id"] for job in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == whole
    assert node.client("analyst").get(JOBS, params=cursor).status_code == 400


def test_cancelling(node: Node) -> None:
    reader, owner = node.client("reader"), node.client("owner")
    mine, other = asked(reader, "export"), asked(reader, "export")
    assert reader.delete(mine).status_code == 204
    assert reader.get(mine).json()["state"] == "cancelled"
    assert (reader.delete(mine).status_code, reader.get(f"{mine}/result").status_code) == (409, 409)
    assert owner.delete(other).status_code == 204
    done(node)
    assert reader.get(other).json()["state"] == "cancelled"


def test_what_one_may_ask_for(node: Node) -> None:
    reader, analyst, owner = (node.client(who) for who in ("reader", "analyst", "owner"))
    assert reader.post(JOBS, params={"kind": "import"}, content=b"[]").status_code == 403
    assert analyst.post(JOBS, params={"kind": "poll", "partner": "Kyiv"}).status_code == 403
    assert node.client("narrow").post(JOBS, params={"kind": "poll", "partner": "Kyiv"}).status_code == 403
    for params, status in (
        ({}, 400), ({"kind": "dance"}, 400), ({"kind": "poll"}, 400), ({"kind": "poll", "partner": "Kyiv"}, 400),
        ({"kind": "poll", "partner": "Nobody"}, 404), ({"kind": "export", "label": "TLP:CLEAR"}, 400),
        ({"kind": "import", "label": "nonsense"}, 400), ({"kind": "import", "type": "report"}, 400),
    ):  # fmt: skip
        answer = owner.post(JOBS, params=params, content=b"[]")
        assert (answer.status_code, params) == (status, params), answer.text
    assert (
        owner.post(JOBS, params={"kind": "import"}, content=b"x", headers={"Content-Type": "text/csv"}).status_code
        == 415
    )
    assert Jobs(node.store).listed(9) == []


def test_a_poll_tells_its_asker_no_figures(node: Node) -> None:
    kyiv = node.store.partner("Kyiv")
    node.store.put_partner(msgspec.structs.replace(kyiv, url="http://127.0.0.1:9/taxii2/"))
    owner = node.client("owner")
    where = asked(owner, "poll", partner="kyiv")
    done(node)
    told = owner.get(where).json()
    assert (told["state"], told["error"], told["done"], told["result"]) == ("failed", told["error"], None, None)
    assert isinstance(node.store.partner("Kyiv"), Partner)


def test_rights_count_when_the_job_is_done(node: Node) -> None:
    analyst = node.client("analyst")
    where = asked(analyst, "import", bundle(campaign("late")))
    node.accounts.set_roles("analyst", ["reader"], by="test")
    done(node)
    job = analyst.get(where).json()
    assert (job["state"], job["error"]) == ("failed", "refused")
    gone = asked(node.client("reader"), "export")
    node.accounts.remove_user("reader", by="test")
    done(node)
    assert node.client("owner").get(gone).json()["state"] == "failed"


def test_who_may_not_release_loosens_nothing_by_a_job(node: Node) -> None:
    newer = {**OWN, "modified": "2026-06-01T00:00:00.000Z", "object_marking_refs": [CLEAR]}
    where = asked(node.client("analyst"), "import", json.dumps([newer]).encode())
    done(node)
    result = node.client("analyst").get(where).json()["result"]
    assert (result["failed"], "release" in result["failures"][0]["errors"][0]["message"]) == (1, True)
