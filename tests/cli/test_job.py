"""`kizuna job`, and commands that leave their work to the served node."""

from __future__ import annotations

import gzip
import json
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from kizuna.jobs import carry_out
from kizuna.store import Partner, open_store
from kizuna.store.jobs import Jobs
from tests.builders import CLEAR, GREEN, campaign
from tests.commands import bundle, kizuna


def work(folder: Path) -> None:
    """Do what waits, as a served node does."""
    with closing(open_store(folder)) as store:
        jobs = Jobs(store)
        while (job := jobs.claim()) is not None:
            carry_out(store, job)


def left(folder: Path, *arguments: str | Path, input: bytes = b"") -> str:
    """The id of the job that a command leaves behind."""
    done = kizuna(*arguments, "--job", "--data", folder, "--json", input=input)
    assert done.code == 0, done.err
    return str(done.last()["job"])


def test_an_import(folder: Path, tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.json", tmp_path / "packed.json.gz"
    plain.write_bytes(bundle(campaign("a"), {**campaign("b"), "created": "x"}))
    packed.write_bytes(gzip.compress(bundle(campaign("c"))))
    done = kizuna("import", plain, packed, "-", "--job", "--label", "TLP:CLEAR", "--data", folder, "--json", input=b"{")
    assert [line["kind"] for line in done.lines()] == ["import"] * 3
    assert kizuna("stats", "--data", folder, "--json").last()["objects"] == 0
    plain.unlink()  # the node has it by now
    work(folder)
    results = [kizuna("job", "show", line["job"], "--data", folder, "--json").last() for line in done.lines()]
    counts = [[one["result"][name] for name in ("imported", "failed")] for one in results]
    assert counts == [[1, 1], [1, 0], [0, 1]]
    assert [one["state"] for one in results] == ["done"] * 3
    assert results[0]["asked"].startswith("cli:")
    assert kizuna("label", "show", campaign("c")["id"], "--data", folder).out.startswith("TLP:CLEAR")


def test_exports(folder: Path, tmp_path: Path) -> None:
    seen, own = campaign("seen", object_marking_refs=[CLEAR]), campaign("own", object_marking_refs=[GREEN])
    assert kizuna("import", "-", "--data", folder, input=bundle(seen, own)).code == 0
    with closing(open_store(folder)) as store:
        store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR", receives=("TLP:CLEAR",)))
    whole, feed = left(folder, "export"), left(folder, "export", "--as", "kyiv", "--type", "campaign")
    assert kizuna("job", "result", whole, "--data", folder).code == 1
    work(folder)
    for id, wanted in ((whole, [seen, own]), (feed, [seen])):
        file = tmp_path / f"{id}.json"
        done = kizuna("job", "result", id, "-o", file, "--data", folder, "--json")
        assert (done.code, done.last()) == (0, {"objects": len(wanted), "file": str(file)})
        assert json.loads(file.read_text())["objects"] == wanted
        assert json.loads(kizuna("job", "result", id, "--data", folder).out)["id"] == f"bundle--{id}"


def test_what_a_person_asked_for_is_theirs(folder: Path) -> None:
    with closing(open_store(folder)) as store:
        id = Jobs(store).ask("export", "owner", {}).id
    work(folder)
    done = kizuna("job", "result", id, "--data", folder)
    assert (done.code, "by the API" in done.err) == (4, True)
    assert kizuna("job", "result", left(folder, "import", "-", input=b"[]"), "--data", folder).code == 3


def test_a_poll_that_fails_says_why(folder: Path) -> None:
    with closing(open_store(folder)) as store:
        store.put_partner(Partner(name="Kyiv", organisation="CERT Kyiv", country="UKR"))
    assert kizuna("taxii", "poll", "nobody", "--job", "--data", folder).code == 3
    id = left(folder, "taxii", "poll", "kyiv")
    work(folder)
    done = kizuna("job", "wait", id, "--data", folder, "--json")
    assert (done.code, done.last()["state"], done.last()["error"]) == (1, "failed", "invalid-input")
    assert "no TAXII address" in kizuna("job", "show", id, "--data", folder).out


def test_list_wait_and_cancel(folder: Path) -> None:
    first, second = left(folder, "export"), left(folder, "export", "--type", "report")
    listed = kizuna("job", "list", "--data", folder, "--json").lines()
    assert [row["id"] for row in listed] == [second, first]
    assert kizuna("job", "wait", second, "--timeout", "0", "--data", folder).code == 1
    assert kizuna("job", "cancel", second, "--data", folder).out == "cancelled\n"
    assert kizuna("job", "cancel", second, "--data", folder).code == 1
    assert kizuna("job", "list", "--state", "cancelled", "--data", folder, "--json").last()["id"] == second
    later = threading.Timer(0.3, work, (folder,))
    later.start()
    assert kizuna("job", "wait", first, "--data", folder, "--json").last()["result"] == {"objects": 0}
    later.join()
    assert "done" in kizuna("job", "list", "--data", folder).out
    for verb in ("show", "wait", "cancel", "result"):
        assert kizuna("job", verb, "none", "--data", folder).code == 3


def test_a_job_that_runs_ends_at_its_next_step(folder: Path) -> None:
    id = left(folder, "export")
    with closing(open_store(folder)) as store:
        assert Jobs(store).claim()
    assert kizuna("job", "cancel", id, "--data", folder).out == "it ends at its next step\n"
    assert kizuna("job", "list", "--state", "running", "--data", folder, "--json").last()["id"] == id


def test_bounds(folder: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate((64 << 20) + 1)
    done = kizuna("import", large, "--job", "--data", folder)
    assert (done.code, "without --job" in done.err) == (1, True)
    assert kizuna("import", tmp_path / "none", "--job", "--data", folder).code == 1
    assert kizuna("export", "--job", "-o", large, "--data", folder).code == 2


def told(folder: Path) -> str:
    """What doctor says of jobs."""
    states = {line["check"]: line["state"] for line in kizuna("doctor", "--data", folder, "--json").lines()}
    return str(states["jobs"])


def test_doctor_tells_of_what_nobody_works_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(folder) == "ok"
    first = left(folder, "export")
    assert told(folder) == "ok"
    with closing(open_store(folder)) as store, store.database.write() as connection:
        connection.execute("update job set made=made-301000000")
    assert told(folder) == "warning"
    with closing(open_store(folder)) as store:
        assert Jobs(store).claim()
        left(folder, "export")
        assert told(folder) == "ok"
        with store.database.write() as connection:
            connection.execute("update job set lease=? where id=?", (int(time.time() * 1e6) - 3_000_000, first))
    assert told(folder) == "warning"
