"""`kizuna release` where people act: rules in and out, the outbox, approvals by password, stops and withdrawals."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from kizuna.store import open_store
from kizuna.store.accounts import Accounts
from tests.builders import AMBER, CLEAR, RED, campaign, named, report, sdo
from tests.cli.given import OBJECTS
from tests.commands import Done, bundle, kizuna

ID = OBJECTS[0]["id"]
PASSWORD = {"aoki": "correct horse battery", "baba": "another long password", "oda": "a third long password"}
RULES = """
- name: indicators
  act: send
  labels: ["TLP:CLEAR"]
  types: [indicator, ipv4-addr]
  hourly: 100
- name: ask
  approvers: 2
"""


@pytest.fixture
def people(served: Path) -> Path:
    """Two who release and one who operates, with passwords; nothing leaves by its label alone."""
    store = open_store(served)
    for name in PASSWORD:
        Accounts(store).add_user(name, ("operator",) if name == "oda" else ("releaser",), by=name)
        Accounts(store).set_password(name, PASSWORD[name], by=name)
    store.close()
    assert kizuna("release", "rules", "remove", "as-labelled", "--data", served).code == 0
    kizuna("import", "-", "--data", served, input=bundle(campaign("new", object_marking_refs=[CLEAR])))
    return served


NEW = named("campaign", "new")


def release(folder: Path, *words: str, who: str | None = None) -> Done:
    given = () if who is None else ("--by", who)
    password = b"" if who is None else PASSWORD[who].encode() + b"\n"
    return kizuna("release", *words, *given, "--data", folder, input=password)


def test_propose_approve_withdraw(people: Path) -> None:
    asked = release(people, "outbox", NEW, "--as", "Kyiv", "--json").last()
    assert (asked["state"], asked["approved"], asked["asked"], asked["label"]) == ("unproposed", [], 1, "TLP:CLEAR")
    assert release(people, "outbox", "--as", "Kyiv").code == 3
    assert release(people, "propose", NEW, "--as", "Kyiv").code == 0
    told = release(people, "outbox", "--as", "kyiv").out.splitlines()
    assert told[0].startswith(f"{NEW}: proposed (by cli:")
    assert told[0].endswith("; approved 0 of 1")
    digest = told[-1].rpartition(" ")[2]
    assert release(people, "approve", NEW, "--as", "Kyiv", "--set", "0" * 64, who="aoki").code == 1
    done = release(people, "approve", NEW, "--as", "Kyiv", "--set", digest, "--json", who="aoki")
    assert (done.code, done.last()["state"], done.last()["since"] is None) == (0, "offered", False)
    assert NEW in kizuna("export", "--data", people, "--as", "Kyiv").out
    again = release(people, "approve", NEW, "--as", "Kyiv", who="baba")
    assert (again.code, again.err) == (4, f"{NEW}: not done: it leaves already\n")
    assert release(people, "stop", NEW, "--as", "Kyiv").err == f"{NEW}: not done: it left already; withdraw it\n"
    done = release(people, "withdraw", NEW, "--as", "Kyiv", "--reason", "told in error")
    assert done.out.splitlines() == [
        f"{NEW}: withdrawn (by {done.out.partition('(by ')[2].partition(')')[0]})", "1 done; entered the feed: 0, ended there: 1"
    ]  # fmt: skip
    left = json.loads(kizuna("export", "--data", people, "--as", "Kyiv").out)["objects"]
    assert NEW not in {one["id"] for one in left}
    acts = [line["act"] for line in release(people, "history", NEW, "--as", "Kyiv", "--json").lines()]
    assert acts == ["withdraw", "approve", "propose"]
    assert kizuna("doctor", "--full", "--data", people).code == 0


def test_only_releasers_by_their_password(people: Path) -> None:
    assert release(people, "approve", NEW, "--as", "Kyiv", who="oda").code == 4
    assert kizuna("release", "approve", NEW, "--as", "Kyiv", "--data", people).code == 2
    done = kizuna("release", "approve", NEW, "--as", "Kyiv", "--by", "aoki", "--data", people, input=b"wrong\n")
    assert (done.code, done.err) == (4, "error: the name or the password is wrong\n")
    assert kizuna("release", "approve", NEW, "--by", "aoki", "--data", people, input=b"x\n").code == 2
    assert release(people, "outbox", NEW, "--as", "Kyiv", "--json").last()["approved"] == []


def test_rules_in_and_out(people: Path) -> None:
    file = people / "rules.yaml"
    file.write_text(RULES)
    dry = kizuna("release", "rules", "put", str(file), "--dry-run", "--data", people)
    assert dry.out.splitlines() == ["rule indicators would send: Kyiv: 0", "rule ask would propose: Kyiv: 2"]
    assert kizuna("release", "rules", "list", "--data", people).out == "no rule\n"
    done = kizuna("release", "rules", "put", str(file), "--data", people)
    assert done.out.splitlines() == [
        "rule indicators counts when 1 people approved it: kizuna release approve --rule indicators --by NAME",
        "rule ask counts from now on",
    ]
    assert kizuna("release", "rules", "put", str(file), "--data", people).out == "nothing changed\n"
    lines = kizuna("release", "rules", "list", "--data", people, "--json").lines()
    assert [(line["rule"], line["state"], line["asked"]) for line in lines] == [
        ("indicators", "waits", 1),
        ("ask", "counts", 0),
    ]
    assert yaml.safe_load(kizuna("release", "rules", "show", "--data", people).out) == yaml.safe_load(RULES)
    assert kizuna("release", "rules", "show", "ask", "--data", people, "--json").last() == {
        "name": "ask",
        "approvers": 2,
    }
    assert release(people, "approve", "--rule", "indicators", who="aoki").out == "rule indicators counts from now on\n"
    assert release(people, "approve", "--rule", "ask", who="aoki").code == 1
    assert release(people, "stop", "--rule", "indicators").out == "nothing more leaves by rule indicators\n"
    assert release(people, "approve", "--rule", "nothing", who="aoki").code == 3
    removed = release(people, "rules", "remove", "indicators")
    assert removed.err == "no rule sends anything now: whatever leaves waits for people\n"


def test_a_rule_that_asks_for_two(people: Path) -> None:
    kizuna("release", "rules", "put", "-", "--data", people, input=RULES.encode())
    done = release(people, "approve", NEW, "--as", "Kyiv", "--json", who="aoki")
    assert (done.last()["state"], done.last()["by"], done.last()["approved"]) == ("proposed", "ask", ["aoki"])
    assert release(people, "approve", NEW, "--as", "Kyiv", "--json", who="baba").last()["state"] == "offered"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- name: x\n  act: destroy\n", "-, $[0].act: Invalid enum value 'destroy'"),
        ("- name: x\n  until: tomorrow\n", "-, $[0]: not an RFC 3339 timestamp: 'tomorrow'"),
        ("- name: x\n  type: [tool]\n", "-, $[0]: Object contains unknown field `type`"),
        ("- name: x\n- name: x\n", "a name occurs twice"),
        ("name: x\n", "-, $: Expected `array`, got `object`"),
        ("- name: x\n  partners: [Nobody]\n", "no partner named Nobody"),
    ],
)
def test_rules_that_are_none(people: Path, text: str, told: str) -> None:
    done = kizuna("release", "rules", "put", "-", "--data", people, input=text.encode())
    assert done.code in (1, 3)
    assert told in done.err
    assert kizuna("release", "rules", "list", "--data", people).out == "no rule\n"


def test_relabel_tells_who_had_it(people: Path) -> None:
    about = report("about", [NEW], object_marking_refs=[CLEAR])
    kizuna("import", "-", "--data", people, input=bundle(about))
    release(people, "approve", NEW, about["id"], "--as", "Kyiv", who="aoki")
    dry = release(people, "relabel", "TLP:RED", NEW, ID, "--dry-run")
    assert dry.out.splitlines()[0] == "2 objects would be TLP:RED"
    done = release(people, "relabel", "TLP:RED", NEW, ID, named("campaign", "unknown"), "--json")
    assert (done.code, done.err) == (6, f"not held here: {named('campaign', 'unknown')}\n")
    told = json.loads(done.out)
    assert (told["objects"], told["ended"], set(told["given"]["Kyiv"])) == (2, {"Kyiv": 3}, {NEW, ID})
    assert set(told["given"]) == {"Kyiv"}
    ended = release(people, "outbox", "--as", "Kyiv", "--state", "ended", "--json").lines()
    assert {line["id"] for line in ended} == {NEW, ID}


VICTIM = "Kansai Grid Operator"


def test_a_withheld_text_is_found_shown_and_cleared(people: Path) -> None:
    secret = sdo("identity", VICTIM, identity_class="organization", object_marking_refs=[AMBER])
    telling = campaign("telling", description=f"seen at {VICTIM}", object_marking_refs=[CLEAR])
    (people / "rules.yaml").write_text("- {name: clear, act: send, labels: [TLP:CLEAR]}\n")
    assert release(people, "rules", "put", str(people / "rules.yaml")).code == 0
    assert kizuna("doctor", "--data", people).out.count("rules that wait for people: clear") == 1
    assert release(people, "approve", "--rule", "clear", who="aoki").code == 0
    assert release(people, "found", "--as", "Kyiv").code == 3
    kizuna("import", "-", "--data", people, input=bundle(secret, telling))
    assert release(people, "outbox", telling["id"], "--as", "Kyiv").out.startswith(
        f"{telling['id']}: held: a text withheld from this partner stands in it\n"
    )
    (listed,) = release(people, "outbox", "--as", "Kyiv", "--state", "found", "--json").lines()
    assert (listed["id"], listed["state"]) == (telling["id"], "found")
    (found,) = release(people, "found", "--as", "Kyiv", "--json").lines()
    assert found == {
        "text": VICTIM, "digest": hashlib.sha256(VICTIM.encode()).hexdigest(), "withheld_with": secret["id"],
        "held": [{"id": telling["id"], "path": "description"}],
    }  # fmt: skip
    number = found["digest"][:12]
    assert release(people, "found", "--as", "Kyiv").out.splitlines() == [
        f'{number}: "{VICTIM}", withheld with {secret["id"]}', f"  held: {telling['id']} (description)",
    ]  # fmt: skip
    told = kizuna("explain", telling["id"], "--as", "Kyiv", "--json", "--data", people).last()
    assert (told["in_feed"], [reason["code"] for reason in told["reasons"]]) == (False, ["withheld-text"])
    assert "held for withheld texts: Kyiv 1" in kizuna("doctor", "--data", people).out
    assert release(people, "clear", number, "--as", "Kyiv", who="oda").code == 4
    assert release(people, "clear", "0" * 12, "--as", "Kyiv", who="aoki").code == 3
    assert release(people, "clear", "--as", "Kyiv", who="aoki").code == 2
    done = release(people, "clear", number, "--as", "Kyiv", who="aoki")
    assert (done.code, done.out) == (0, "texts that may leave: 1; held no more: 1\n")
    assert release(people, "outbox", telling["id"], "--as", "Kyiv", "--json").last()["state"] == "offered"
    assert kizuna("doctor", "--full", "--data", people).code == 0


def test_revoking_tells_who_has_it(people: Path) -> None:
    assert release(people, "approve", NEW, "--as", "Kyiv", who="aoki").code == 0
    done = release(people, "revoke", NEW, ID, "--json")
    assert done.last() == {"revoked": [NEW, ID], "told": {}, "asked": {"Kyiv": [NEW, ID]}}
    again = release(people, "revoke", NEW)
    assert (again.code, again.err) == (4, f"{NEW}: not done: it is revoked already\n")
    assert release(people, "outbox", NEW, "--as", "Kyiv", "--json").last()["state"] == "proposed"
    assert release(people, "approve", NEW, "--as", "Kyiv", who="aoki").code == 0
    newest = [
        one for one in json.loads(kizuna("export", "--data", people, "--as", "Kyiv").out)["objects"] if one["id"] == NEW
    ]
    assert newest[-1]["revoked"] is True


def test_what_a_relabel_would_change_is_told_before(people: Path) -> None:
    marks = [{"marking_ref": RED, "selectors": ["description"]}]
    part = campaign("part", description="victim", object_marking_refs=[CLEAR], granular_markings=marks)
    about = report("about", [NEW], object_marking_refs=[CLEAR])
    kizuna("import", "-", "--data", people, input=bundle(about, part))
    release(people, "approve", NEW, about["id"], part["id"], "--as", "Kyiv", who="aoki")
    kizuna("partner", "add", "Riga", "--org", "CERT Riga", "--country", "LVA", "--data", people)
    before = kizuna("export", "--data", people, "--as", "Kyiv").out
    trail = kizuna("audit", "list", "--data", people, "--json").lines()
    asked = ("relabel", "TLP:RED", NEW, part["id"], "--json")
    dry = release(people, *asked, "--dry-run")
    assert dry.err == "dry run: nothing is changed\n"
    assert objects(before) == objects(kizuna("export", "--data", people, "--as", "Kyiv").out)
    assert [
        line for line in kizuna("audit", "list", "--data", people, "--json").lines() if line["act"] != "export"
    ] == [line for line in trail if line["act"] != "export"]
    told = json.loads(dry.out)
    # What refers to it goes with it, and of what leaves in part nothing is left.
    moved = [(about["id"], "whole", None), (NEW, "whole", None), (part["id"], "rendition", None)]
    assert told["changes"] == {"Kyiv": [{"id": i, "was": was, "now": now} for i, was, now in sorted(moved)]}
    assert set(told["given"]["Kyiv"]) == {NEW, part["id"]}
    done = json.loads(release(people, *asked).out)
    assert {**done, "dry_run": True} == told
    kizuna(
        "release", "rules", "put", "-", "--data", people, input=b"- name: open\n  act: send\n  labels: ['TLP:CLEAR']\n"
    )
    release(people, "approve", "--rule", "open", who="aoki")
    told = json.loads(release(people, "relabel", "TLP:CLEAR", NEW, "--json", "--dry-run").out)
    assert told["changes"] == {
        "Kyiv": [{"id": i, "was": None, "now": "whole"} for i in sorted((NEW, about["id"]))]
    }  # fmt: skip
    assert (told["given"], told["opened"]) == ({}, {"Kyiv": 2})
    assert kizuna("doctor", "--full", "--data", people).code == 0


def objects(exported: str) -> list[str]:
    return sorted(one["id"] for one in json.loads(exported)["objects"])
