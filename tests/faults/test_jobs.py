"""Jobs of a node whose processes are killed, stopped or many: each is done, once, and what was stored is whole."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from kizuna.settings import load, save
from kizuna.store import open_store
from kizuna.store.jobs import Job, Jobs
from tests.commands import bundle

from .conftest import EVERYWHERE, Faulty, corpus
from .test_several_processes import SHARED, as_somebody, up
from .test_sudden_end import alive, check, kill, start

LEASE = 1.5
COUNT = 20_000  # more than one transaction holds
LONG = 60_000  # far more than come in before a job looks up whether it goes on


@pytest.fixture
def hasty(faulty: Faulty) -> Faulty:
    """That node, with short leases and room for what is long; what leaves is not looked through, which may take longer than a lease."""
    settings = load(faulty.folder)
    save(
        faulty.folder,
        msgspec.structs.replace(
            settings, limits=msgspec.structs.replace(settings.limits, lease_seconds=LEASE, body=128 << 20), scan=False
        ),
    )
    return faulty


@contextmanager
def jobs_of(node: Faulty) -> Iterator[Jobs]:
    """What is known of jobs, read beside whoever serves the node."""
    with closing(open_store(node.folder)) as store:
        yield Jobs(store)


def ask(node: Faulty, url: str, kind: str, content: bytes = b"") -> str:
    """Ask for a job; its id."""
    headers = as_somebody(node.owner)
    answer = httpx.post(f"{url}/api/v1/jobs", params={"kind": kind}, content=content, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def when(jobs: Jobs, id: str, holds: Callable[[Job], bool], seconds: float = 90) -> Job:
    """A job as soon as something holds of it."""
    until = time.monotonic() + seconds
    while not holds(job := jobs.find(id)):
        assert time.monotonic() < until, job
        time.sleep(0.005)
    return job


def begun(node: Faulty, seconds: float = 90) -> None:
    """Wait for the first objects that an import has made durable: said of the store, which knows before the job is told."""
    until = time.monotonic() + seconds
    with closing(open_store(node.folder)) as store:
        read = store.database.read()
        while read.execute("select max(n) from object").fetchone()[0] is None:
            assert time.monotonic() < until
            time.sleep(0.005)


def has_ended(job: Job) -> bool:
    return job.ended is not None


def serve(node: Faulty) -> tuple[str, subprocess.Popen[str]]:
    """A process that serves the node and is to be killed."""
    process = start("up", "--data", node.folder, "--port", "0", "--poll-seconds", "0", "--json")
    assert process.stdout is not None
    return json.loads(process.stdout.readline())["url"], process


@EVERYWHERE
def test_an_import_whose_server_is_killed_is_taken_up_again(hasty: Faulty) -> None:
    objects = corpus(5, COUNT, "j")
    url, process = serve(hasty)
    with jobs_of(hasty) as jobs:
        id = ask(hasty, url, "import", bundle(*objects))
        begun(hasty)
        kill(process)  # and sees that nobody works on
        assert jobs.find(id).state == "running"
        have = check(hasty.folder, [])
        assert len(have) < COUNT
        with up(hasty.folder):
            after = when(jobs, id, has_ended)
    assert (after.state, after.attempt) == ("done", 2)
    result: Any = after.result
    assert (result["failed"], result["imported"] + result["unchanged"]) == (0, COUNT)
    assert result["unchanged"] > 0
    check(hasty.folder, objects)


@EVERYWHERE
def test_an_export_whose_server_is_killed_is_made_anew(hasty: Faulty) -> None:
    objects = corpus(6, COUNT, "e")
    with closing(open_store(hasty.folder)) as store:
        from tests.builders import items

        assert {o.status for o in store.writer(store.own_source()).add(items(*objects))} == {"imported"}
    url, process = serve(hasty)
    with jobs_of(hasty) as jobs:
        id = ask(hasty, url, "export")
        job = when(jobs, id, lambda job: job.state == "running")
        until = time.monotonic() + 60
        while not list(jobs.parts(job)):
            assert time.monotonic() < until
        kill(process)
        assert jobs.find(id).state == "running"
        with up(hasty.folder) as (again, _):
            after = when(jobs, id, has_ended)
            given = httpx.get(f"{again}/api/v1/jobs/{id}/result", headers=as_somebody(hasty.owner), timeout=60).json()[
                "objects"
            ]
    assert (after.state, after.attempt) == ("done", 2)
    with closing(open_store(hasty.folder)) as store:
        seen = [json.loads(raw)["id"] for raw in store.view(store.principal_of_person("owner")).export()]
    assert [one["id"] for one in given] == seen
    assert len(seen) > COUNT // 2


@EVERYWHERE
def test_a_server_that_stops_gives_its_job_back(hasty: Faulty) -> None:
    objects = corpus(7, COUNT, "s")
    url, process = serve(hasty)
    with jobs_of(hasty) as jobs:
        id = ask(hasty, url, "import", bundle(*objects))
        when(jobs, id, lambda job: job.state == "running")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert time.monotonic() - began < 8  # 5 s, on a busy machine
        assert alive(process.pid) == []
        job = jobs.find(id)
        assert (job.state, job.attempt, job.holder) == ("queued", 0, None)
        with up(hasty.folder):
            after = when(jobs, id, has_ended)
    assert (after.state, after.attempt) == ("done", 1)
    check(hasty.folder, objects)


@EVERYWHERE
def test_what_a_cancelled_import_has_stored_is_whole(hasty: Faulty) -> None:
    objects = corpus(8, LONG, "c")
    order = [one["id"] for one in objects]
    with jobs_of(hasty) as jobs, up(hasty.folder) as (url, _):
        id = ask(hasty, url, "import", bundle(*objects))
        begun(hasty)
        answer = httpx.delete(f"{url}/api/v1/jobs/{id}", headers=as_somebody(hasty.owner), timeout=60)
        assert answer.status_code == 204
        after = when(jobs, id, has_ended)
    assert (after.state, list(jobs_parts(hasty, after))) == ("cancelled", [])
    have = check(hasty.folder, [])
    stored = [one for one in order if one in have]
    assert stored == order[: len(stored)]  # whole batches, in order
    assert 0 < len(stored) < len(order)


def jobs_parts(node: Faulty, job: Job) -> list[Any]:
    with jobs_of(node) as jobs:
        return list(jobs.parts(job))


@SHARED
def test_two_processes_share_jobs_and_do_none_twice(hasty: Faulty) -> None:
    sent = [corpus(seed, 900, f"m{seed}x") for seed in range(8)]
    with jobs_of(hasty) as jobs, up(hasty.folder) as (one, _), up(hasty.folder) as (other, _):
        ids = [ask(hasty, url, "import", bundle(*some)) for some, url in zip(sent, [one, other] * 4, strict=True)]
        most, until = 0, time.monotonic() + 120
        while jobs.listed(20, states=["queued", "running"]):
            running = jobs.listed(20, states=["running"])
            most = max(most, len(running))
            assert len({job.holder for job in running}) == len(running)
            assert time.monotonic() < until
            time.sleep(0.01)
        assert most == 2
        found = [jobs.find(id) for id in ids]
    assert [(job.state, job.attempt) for job in found] == [("done", 1)] * 8
    for job in found:  # a job that was done twice would have found what it brought
        result: Any = job.result
        assert (result["imported"], result["unchanged"], result["failed"]) == (900, 0, 0)
    with closing(open_store(hasty.folder)) as store:
        assert [entry["act"] for entry in store.audit_trail(20)].count("import") == 8
    check(hasty.folder, [one for some in sent for one in some])


@SHARED
def test_the_other_process_takes_up_what_a_killed_one_held(hasty: Faulty) -> None:
    objects = corpus(9, LONG, "o")
    url, first = serve(hasty)
    with jobs_of(hasty) as jobs:
        id = ask(hasty, url, "import", bundle(*objects))
        begun(hasty)
        with up(hasty.folder):
            time.sleep(LEASE)  # while it is worked on, nobody else begins it
            if (job := jobs.find(id)).ended is None:
                assert job.attempt == 1
            kill(first)
            broken = jobs.find(id).ended is None
            after = when(jobs, id, has_ended)
    assert (after.state, after.attempt) == ("done", 2 if broken else 1)
    check(hasty.folder, objects)
