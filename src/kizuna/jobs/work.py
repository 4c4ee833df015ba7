"""What each kind of job does, as whoever asked for it may do and see at the moment it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kizuna.errors import KizunaError, NotFound, Refused, Unavailable
from kizuna.exchange.taxii.client import poll
from kizuna.jobs.exporting import export
from kizuna.jobs.importing import bring
from kizuna.jobs.turn import Cancelled, Turn
from kizuna.store import Store
from kizuna.store.accounts import Accounts
from kizuna.store.caller import ROLES_WITH, Caller
from kizuna.store.jobs import MOST_ATTEMPTS, RIGHTS, Job, Kind
from kizuna.store.leases import Lost

Result = dict[str, Any]


def _poll(turn: Turn, _caller: Caller | None) -> Result:
    stated = turn.job.arguments
    report = poll(turn.store, str(stated["partner"]), progress=turn.at, ca_file=stated.get("ca_file"))
    counts = {"received": report.received, "imported": report.imported, "unchanged": report.unchanged}
    return {**counts, "failed": report.failed}


WORK: dict[Kind, Callable[[Turn, Caller | None], Result]] = {"import": bring, "export": export, "poll": _poll}
ACTS: dict[Kind, str] = {"import": "import", "export": "export", "poll": "taxii.poll"}


def carry_out(store: Store, job: Job) -> None:
    """Do a claimed job, and write down how it ended.

    Raises Lost when another has taken it over, and leaves the rest to them; Unavailable where the database was away and is asked again.
    """
    with Turn(store, job) as turn:
        try:
            result = WORK[job.kind](turn, _caller(store, job))
        except Cancelled:
            turn.jobs.finish(job, "cancelled")
        except Lost:
            raise
        except KizunaError as error:
            if isinstance(error, Unavailable) and job.attempt < MOST_ATTEMPTS:
                raise  # as if it had been killed: it is begun anew
            turn.jobs.finish(job, "failed", error=error.slug, reason=_text(str(error)))
        except Exception as error:  # of whatever kind: whoever asked is told, and the next job begins
            turn.jobs.finish(job, "failed", error="internal", reason=type(error).__name__)
        else:
            _done(turn, result)


def _done(turn: Turn, result: Result) -> None:
    job, store = turn.job, turn.store
    turn.write_down()
    with store.database.write() as connection:  # the job and its entry in the trail are there together
        turn.jobs.finish(job, "done", result=result)
        # What a poll brought is not all for the eyes of a person who asked for it, and one's own acts one may read.
        told = {} if job.kind == "poll" and job.person is not None else result
        counts = {key: value for key, value in told.items() if isinstance(value, int)}
        subject = str(job.arguments.get("partner") or job.arguments.get("file") or "job")
        store.record(connection, job.asked, ACTS[job.kind], subject[:500], counts)


def _caller(store: Store, job: Job) -> Caller | None:
    """Who asked, with the roles they have now; None for the keeper of the folder. Raises Refused."""
    if job.person is None:
        return None
    right = RIGHTS[job.kind]
    try:
        user = Accounts(store).user(job.person)
    except NotFound:
        raise Refused("whoever asked for this is no user any more") from None
    if ROLES_WITH[right].isdisjoint(user.roles):
        raise Refused(f"this needs the right to {right}")
    principal = store.principal_of_person(user.name, user.clearances)
    scopes = tuple(str(scope) for scope in job.arguments.get("scopes", ()))
    return Caller(kind="person", name=user.name, principal=principal, roles=user.roles, scopes=scopes)


def _text(message: str) -> str:
    return message.encode("utf-8", "replace").decode()[:2_000]
