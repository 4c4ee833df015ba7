"""The demo: three nodes, each with what it may see, and nothing left when it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kizuna.formats.pack import load
from kizuna.formats.scenario import read_scenario
from kizuna.stix.builtin import DOUBT_EXTENSION, RENDITION_EXTENSION, TRACK_EXTENSION
from tests.builders import CLEAR
from tests.commands import Done, free_port, kizuna, start


class Demo:
    """A demo that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process = start("demo", "--json", "--no-browser", "--port", str(self.port), "--data", folder)
        assert self.process.stdout is not None
        self.nodes = {said["node"]: said for said in (json.loads(self.process.stdout.readline()) for _ in range(3))}

    def feed(self, holder: str, reader: str) -> dict[str, dict[str, Any]]:
        """What `reader` gets from `holder` over TAXII, by id."""
        node = self.nodes[holder]
        return self.read(node, node["partners"][reader])

    def read(self, node: dict[str, Any], token: str) -> dict[str, dict[str, Any]]:
        """Everything a token may read."""
        headers = {"Accept": "application/taxii+json;version=2.1", "Authorization": f"Bearer {token}"}
        with httpx.Client(headers=headers) as client:
            root = client.get(node["taxii"]).raise_for_status().json()["api_roots"][0]
            root = str(httpx.URL(node["taxii"]).join(root))
            found = client.get(f"{root}collections/").raise_for_status().json()["collections"]
            objects: dict[str, dict[str, Any]] = {}
            for collection in found:
                if collection["can_read"]:
                    for page in _pages(client, f"{root}collections/{collection['id']}/objects/"):
                        objects |= {o["id"]: o for o in page}
        return objects


def _pages(client: httpx.Client, url: str) -> Iterator[list[dict[str, Any]]]:
    parameters = {"limit": "1000"}
    while True:
        envelope = client.get(url, params=parameters).raise_for_status().json()
        yield envelope.get("objects", [])
        if not envelope.get("more"):
            return
        parameters["next"] = envelope["next"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that only read."""
    made = Demo(tmp_path_factory.mktemp("demo"))
    yield made
    made.process.send_signal(signal.SIGINT)
    _, errors = made.process.communicate(timeout=30)
    # The three end one after the other; who asks another in that moment says that it is gone.
    said = [line for line in errors.splitlines() if not (line.startswith("polling ") and "cannot be reached" in line)]
    assert (made.process.returncode, said) == (0, [])


def test_three_nodes_say_what_the_contract_asks(demo: Demo) -> None:
    assert set(demo.nodes) == {"Tokyo", "Brussels", "Kyiv"}
    for i, name in enumerate(("Tokyo", "Brussels", "Kyiv")):
        said = demo.nodes[name]
        assert {"node", "url", "login_url", "token", "partners", "taxii", "data"} <= set(said)
        assert said["url"] == f"http://127.0.0.1:{demo.port + 100 * i}"
        assert set(said["partners"]) == {"Tokyo", "Brussels", "Kyiv"} - {name}
        assert httpx.get(said["login_url"], follow_redirects=False).status_code < 400
        assert set(said["visitors"]) == set(said["partners"])
        assert Path(said["data"]).is_dir()


def test_a_partner_sees_something_and_less_than_the_owner(demo: Demo) -> None:
    for holder, node in demo.nodes.items():
        for reader in node["partners"]:
            given = demo.feed(holder, reader)
            everything = demo.read(node, node["token"])  # afterwards: they exchange meanwhile
            assert 0 < len(given) < len(everything), (holder, reader)
            beside = [given[id] for id in set(given) - set(everything)]  # renditions, and what states their labels
            told = [o for o in beside if RENDITION_EXTENSION not in o.get("extensions", {})]
            assert [o for o in told if o["type"] != "marking-definition"] == [], (holder, reader)


def test_a_person_of_kyiv_reads_what_kyiv_was_given(demo: Demo) -> None:
    with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
        assert browser.get(demo.nodes["Tokyo"]["visitors"]["Kyiv"]).url.path == "/feed"
        told = {row["id"] for row in browser.get(f"{demo.nodes['Tokyo']['url']}/feed.json?limit=200").json()["items"]}
        assert told <= set(demo.feed("Tokyo", "Kyiv"))
        assert len(told) > 10


def test_kyiv_gets_less_than_brussels(demo: Demo) -> None:
    assert 0 < len(demo.feed("Tokyo", "Kyiv")) < len(demo.feed("Tokyo", "Brussels"))


def test_what_a_partner_reads_is_what_export_as_it_writes(demo: Demo) -> None:
    def exported() -> set[str]:
        done = kizuna("export", "--as", "KYIV", "--data", demo.nodes["Tokyo"]["data"])
        return {o["id"] for o in json.loads(done.out)["objects"]}

    # The nodes are exchanging meanwhile: what came in between the two reads is in one of them only.
    _until(lambda: exported() == set(demo.feed("Tokyo", "Kyiv")))


def test_they_poll_one_another_by_themselves(demo: Demo) -> None:
    assert _arrived(demo)


def test_tokyos_amber_does_not_reach_kyiv_through_brussels(demo: Demo) -> None:
    withheld = _arrived(demo)
    assert not withheld & set(demo.feed("Brussels", "Kyiv"))
    assert not withheld & set(demo.read(demo.nodes["Kyiv"], demo.nodes["Kyiv"]["token"]))


def _arrived(demo: Demo) -> set[str]:
    """What Tokyo recorded for Brussels and not for everybody, once Brussels has it."""
    withheld = set(demo.feed("Tokyo", "Brussels")) - set(demo.feed("Tokyo", "Kyiv"))
    # What is clear may go on to Kyiv by other ways.
    withheld &= {o["id"] for o in _recorded("tokyo.json") if not {CLEAR} & set(o.get("object_marking_refs", []))}
    assert withheld
    brussels = demo.nodes["Brussels"]
    _until(lambda: withheld <= set(demo.read(brussels, brussels["token"])))
    return withheld


def _recorded(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(load("scenario").bundle(file))["objects"]
    return found


def _until(true: Any) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_what_it_suggests_to_try_works(demo: Demo) -> None:
    loosen = read_scenario(load("scenario")).loosen
    reader = demo.nodes[loosen.partner]
    data = demo.nodes[loosen.node]["data"]
    explained = kizuna("explain", loosen.id, "--as", loosen.partner, "--data", data, "--json").last()
    assert not explained["in_feed"]
    done = kizuna("label", "set", loosen.id, loosen.label, "--data", data, "--json").last()
    wanted = {loosen.id, *loosen.released}
    assert done["opened"][loosen.partner] == len(wanted)
    _until(lambda: wanted <= set(demo.read(reader, reader["token"])))


def test_what_leaves_by_whose_word(demo: Demo) -> None:
    """Kyiv has a rendition of Tokyo's report, Brussels the whole; a second object waits for a second person and says so."""
    story = read_scenario(load("scenario")).story
    tokyo, kyiv, brussels = (demo.nodes[name] for name in ("Tokyo", "Kyiv", "Brussels"))
    (report,) = [o for o in _recorded("tokyo.json") if o["id"] == story.part.id]
    _until(lambda: demo.read(brussels, brussels["token"]).get(report["id"]) == report)

    def parts() -> list[dict[str, Any]]:
        found = demo.read(kyiv, kyiv["token"]).values()
        return [o for o in found if o["type"] == "report" and o.get("name") == report["name"]]

    _until(parts)
    (part,) = parts()
    assert part["id"] != report["id"]
    assert set(part["object_refs"]) < set(report["object_refs"])
    assert "description" not in part
    text = json.dumps(demo.feed("Tokyo", "Kyiv"), ensure_ascii=False)
    for cut in (report["id"], *(set(report["object_refs"]) - set(part["object_refs"])), report["description"]):
        assert cut not in text
    asked = ("release", "outbox", "--data", tokyo["data"], "--json")
    told = kizuna(*asked, story.part.id, "--as", "Kyiv").last()
    assert (told["form"], told["state"], told["redacted"]) == ("rendition", "offered", ["description", "object_refs"])
    waiting = kizuna(*asked, "--as", story.second.partner).last()
    assert (waiting["id"], waiting["state"], waiting["asked"]) == (story.second.id, "proposed", 2)
    assert waiting["approved"] == ["duty-officer"]
    assert story.second.id not in demo.feed("Tokyo", story.second.partner)


def test_a_withdrawal_is_honoured(demo: Demo) -> None:
    step = read_scenario(load("scenario")).story.withdraw
    reader, data = demo.nodes[step.partner], demo.nodes[step.node]["data"]
    _until(lambda: step.id in demo.read(reader, reader["token"]))
    kizuna("release", "withdraw", step.id, "--as", step.partner, "--reason", "told in error", "--data", data)
    _until(lambda: step.id not in demo.read(reader, reader["token"]))

    def acts() -> list[str]:
        return [line["act"] for line in kizuna("release", "history", step.id, "--data", data, "--json").lines()]

    _until(lambda: acts() == ["confirmed", "withdraw"])


def test_secrets_are_for_their_user_alone(demo: Demo) -> None:
    files = [path for path in demo.folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_a_folder_that_is_served_is_refused(demo: Demo) -> None:
    second = start("demo", "--json", "--no-browser", "--port", str(free_port()), "--data", demo.folder)
    out, errors = second.communicate(timeout=60)
    assert (second.returncode, out) == (1, "")
    assert "already served" in errors
    assert "Traceback" not in errors


def test_a_taken_port_is_one_clear_line(demo: Demo, tmp_path: Path) -> None:
    second = start("demo", "--json", "--port", str(demo.port), "--data", tmp_path / "other")
    out, errors = second.communicate(timeout=60)
    assert (second.returncode, out) == (1, "")
    assert errors == f"error: port {demo.port} is in use; choose others with --port\n"
    assert not (tmp_path / "other").exists()


def test_it_goes_on_where_it_stopped_and_leaves_no_process_when_killed(tmp_path: Path) -> None:
    first = Demo(tmp_path / "demo")
    counts = {name: _objects(node) for name, node in first.nodes.items()}
    nodes = _children(first.process.pid)
    assert len(nodes) == 3
    first.process.kill()
    first.process.communicate()
    _until(lambda: not any(_alive(pid) for pid in nodes))
    again = Demo(tmp_path / "demo")
    try:
        for name, node in again.nodes.items():
            assert _objects(node) >= counts[name]
            assert node["token"] == first.nodes[name]["token"]
            assert node["partners"] == first.nodes[name]["partners"]
    finally:
        again.process.terminate()
        again.process.communicate(timeout=30)
    assert again.process.returncode == 0


def test_it_stops_by_itself_after_the_time_given(tmp_path: Path) -> None:
    done = _run("demo", "--json", "--for", "0", "--port", str(free_port()), "--data", tmp_path / "demo")
    assert (done.code, done.err) == (0, "")


def _run(*arguments: str | Path) -> Done:
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)


def _objects(node: dict[str, Any]) -> int:
    return int(kizuna("stats", "--data", node["data"], "--json").last()["objects"])


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, timeout=30)
    return [int(line) for line in listed.stdout.split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" and os.getpgid(pid) > 0


def test_a_node_that_dies_ends_the_demo_with_a_word(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo")
    nodes = _children(demo.process.pid)
    os.kill(nodes[0], signal.SIGKILL)
    _, errors = demo.process.communicate(timeout=30)
    assert demo.process.returncode == 1
    assert "ended by itself (exit -9)" in errors
    assert "Traceback" not in errors
    assert not any(_alive(pid) for pid in nodes)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.6, 1.2])
def test_it_can_be_stopped_at_any_moment(tmp_path: Path, seconds: float) -> None:
    process = start("demo", "--json", "--no-browser", "--port", str(free_port()), "--data", tmp_path / "demo")
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    # Before its handlers are set the system's own answer to the signal stands.
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in errors


def test_tokyos_receiver_heard_a_drone_and_a_spoof_and_kyiv_gets_both_without_the_receiver(demo: Demo) -> None:
    done = kizuna("air", "tracks", "--json", "--data", demo.nodes["Tokyo"]["data"])
    seen = [json.loads(line) for line in done.out.splitlines()]
    assert sorted((one["points"], one["doubt"] >= 1) for one in seen)[-1] == (124, False)
    assert {code for one in seen if one["doubt"] >= 1 for code in one["reasons"]} >= {
        "time-still",
        "operator-far",
        "clock-still",
    }
    given = demo.feed("Tokyo", "Kyiv")
    tracks = [one for one in given.values() if TRACK_EXTENSION in one.get("extensions", {})]
    assert {len(one["extensions"][TRACK_EXTENSION]["times"]) for one in tracks} == {one["points"] for one in seen}
    assert all(RENDITION_EXTENSION in one["extensions"] for one in tracks)
    assert not {one["id"] for one in seen} & set(given)
    sensor = kizuna("air", "sensors", "--json", "--data", demo.nodes["Tokyo"]["data"]).last()
    text = json.dumps(list(given.values()), ensure_ascii=False)
    for secret in (
        sensor["name"],
        "dBm",
        "transmissions",
        "sensor_ref",
        f'"latitude": {sensor["latitude"]},',
    ):
        assert secret not in text, secret
    assert [
        one["name"]
        for one in given.values()
        if one["type"] == "incident" and DOUBT_EXTENSION in one.get("extensions", {})
    ]
    _until(
        lambda: (
            len(kizuna("air", "tracks", "--json", "--data", demo.nodes["Kyiv"]["data"]).out.splitlines()) == len(seen)
        )
    )
