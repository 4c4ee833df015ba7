"""`kizuna doctor`: look for what is wrong with a node, and say what would mend it. It changes nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import click

from kizuna.cli.output import emit, node_options, say
from kizuna.cli.words import _
from kizuna.clock import to_text
from kizuna.errors import KizunaError

State = Literal["ok", "warning", "failed"]
Finding = tuple[State, str]

FREE_BYTES = 1 << 30
APART_SECONDS = 60
STUCK_SECONDS = 300
"""How long a job waits before that is worth a remark, where none runs."""
BACKUP_DAYS = 7
"""An older backup is remarked on."""
UNASKED = 20_000
"""Objects whose indices are worked out afresh without being asked to: some twenty seconds."""
_FAULTS = 5  # told of; more say nothing more
# Nobody's clock was right before this was written.
EARLIEST = 1_790_000_000
_MARKS = {"ok": "✓", "warning": "!", "failed": "✗"}


@click.command(short_help="Look for what is wrong with a node.")
@click.option(
    "--full", is_flag=True, help="Work the indices of a large store out afresh too: about a minute for 60,000 objects."
)
@click.option(
    "--network", is_flag=True, help="Also shake hands with this node and with partners, and tell the TLS agreed on."
)
@node_options
@click.pass_context
def command(ctx: click.Context, data: Path, as_json: bool, full: bool, network: bool) -> None:
    """Check folder, permissions, settings, key, certificate, store, migrations, indices, quarantine, jobs, backup, partners,
    purges, clocks, disk, port.

    The indices, labels and feeds are worked out afresh from every object, of a large store only with --full. Exit 1 when
    a check failed.
    """
    failed = False
    for name, (state, message) in findings(data, full=full, network=network):
        failed = failed or state == "failed"
        if as_json:
            emit({"check": name, "state": state, "message": message})
        else:
            say(f"{_MARKS[state]} {name:<12} {message}")
    if failed:
        ctx.exit(1)


def findings(folder: Path, *, full: bool = False, network: bool = False) -> Iterator[tuple[str, Finding]]:
    """Each check with what it found; without a node only the first."""
    first = _folder(folder)
    yield "folder", first
    if first[0] == "failed":
        return
    checks: dict[str, Callable[[Path], Finding]] = {
        "permissions": _permissions,
        "settings": _settings,
        "key": _key,
        "certificate": _certificate,
        "store": _store,
        "migrations": _migrations,
        "indices": partial(_indices, most=None if full else UNASKED),
        "quarantine": _quarantine,
        "jobs": _jobs,
        "backup": _backup,
        "partners": _partners,
        "release": _release,
        "destroyed": _destroyed,
        "clock": _clock,
        "disk": _disk,
        "port": _port,
    }
    for name, check in checks.items():
        try:
            yield name, check(folder)
        except KizunaError as error:
            yield name, ("failed", str(error))
        except (OSError, sqlite3.Error) as error:
            yield name, ("failed", f"{error}")
    if not network:
        yield "network", ("ok", _("not asked; --network tells which TLS is agreed on"))
        return
    try:
        for finding in _network(folder):
            yield "network", finding
    except (KizunaError, OSError, sqlite3.Error) as error:
        yield "network", ("failed", f"{error}")


def _folder(folder: Path) -> Finding:
    if not (folder / "node.json").is_file():
        return "failed", _("{folder}: no node here; make one with `kizuna init`", folder=folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        return "failed", _("{folder}: this user may not write here", folder=folder)
    return "ok", str(folder)


def _permissions(folder: Path) -> Finding:
    loose = [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if not loose:
        return "ok", _("every file is for this user alone")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0:
        return "ok", _("the folder is for this user alone")
    return "failed", _("others can read {files}; run: chmod -R go= {folder}", files=", ".join(loose[:5]), folder=folder)


def _settings(folder: Path) -> Finding:
    from kizuna.settings import load

    settings = load(folder)
    if settings.listen not in ("127.0.0.1", "::1", "localhost") and not settings.tls_certificate:
        return "warning", _(
            "listens on {address} without TLS; set tls_certificate and tls_key", address=settings.listen
        )
    if settings.admin_port is not None and settings.admin_listen not in ("127.0.0.1", "::1", "localhost"):
        return "warning", _(
            "metrics are on {address}; let nobody but your own Prometheus reach them", address=settings.admin_listen
        )
    return "ok", f"{settings.name} ({settings.organisation}, {settings.country})"


def _store(folder: Path) -> Finding:
    from kizuna.settings import load
    from kizuna.store.database import is_postgres, store_file

    url = load(folder).store
    if is_postgres(url):
        from kizuna.store.postgres.health import trouble

        told = [
            _("a standby follows that no commit waits for: {name} is empty", name=name)
            if wanted is None
            else _("{name} is {value}; it should be {wanted}", name=name, value=value, wanted=wanted)
            for name, value, wanted in trouble(str(url))
        ]
        return (
            ("warning", "; ".join(told)) if told else ("ok", _("the database answers and keeps what it says it kept"))
        )
    uri = f"file:{store_file(folder, url)}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
        found = [row[0] for row in connection.execute("pragma integrity_check(5)")]
    return ("ok", _("integrity check clean")) if found == ["ok"] else ("failed", "; ".join(found))


def _migrations(folder: Path) -> Finding:
    from kizuna.settings import load
    from kizuna.store.database import is_postgres, store_file
    from kizuna.store.migrations import steps

    url = load(folder).store
    newest = steps("postgres" if is_postgres(url) else "sqlite")[-1].number
    if is_postgres(url):
        from kizuna.store.postgres.health import schema

        at = schema(str(url))
    else:
        with closing(sqlite3.connect(f"file:{store_file(folder, url)}?mode=ro", uri=True)) as connection:
            at = connection.execute("pragma user_version").fetchone()[0]
    if at > newest:
        return "failed", _(
            "made by a newer Kizuna (schema {at}, this one knows {newest}); upgrade Kizuna", at=at, newest=newest
        )
    if at < newest:
        return "warning", _("schema {at} of {newest}; the next command brings it up to date", at=at, newest=newest)
    return "ok", _("schema {at}", at=at)


def _indices(folder: Path, most: int | None = None) -> Finding:
    from kizuna.store import open_store
    from kizuna.store.verify import verify

    # What is read out of a damaged file, or one of another schema, says nothing.
    for check in (_store, _migrations):
        if check(folder)[0] == "failed" or (check is _migrations and check(folder)[0] != "ok"):
            return "warning", _("not looked at: first the store itself must be well")
    store = open_store(folder, read_only=True)
    try:
        count = store.custodian().stats().versions
        if most is not None and count > most:
            return "ok", _("not looked at: {count:,} objects take minutes; ask with --full", count=count)
        faults = [f"{fault.table} of {fault.subject}: {fault.message}" for fault in islice(verify(store), _FAULTS)]
    finally:
        store.close()
    if not faults:
        return "ok", _("indices, labels and feeds are what the objects say")
    return "failed", _("{faults}; export the objects and import them into a new node", faults="; ".join(faults))


def _quarantine(folder: Path) -> Finding:
    from kizuna.store import open_store
    from kizuna.store.quarantine import waiting

    if _migrations(folder)[0] != "ok":
        return "warning", _("not looked at: first the store itself must be well")
    store = open_store(folder, read_only=True)
    try:
        refused = [one for one in waiting(store) if one.reason != "dated-ahead"]  # those come in by themselves
    finally:
        store.close()
    if not refused:
        return "ok", _("nothing that was refused is kept")
    told = [
        _(
            "{count:,} of {source} since {day}: {reason}",
            count=one.count,
            source=one.source,
            day=to_text(one.since)[:10],
            reason=one.reason,
        )
        for one in refused[:_FAULTS]
    ]
    more = [_("{count:,} more reasons", count=len(refused) - _FAULTS)] if len(refused) > _FAULTS else []
    return "warning", "; ".join([*told, *more])


def _jobs(folder: Path) -> Finding:
    """What waits long for a node that is served, and what nobody works on any more."""
    from kizuna.store import open_store
    from kizuna.store.jobs import OPEN, Jobs
    from kizuna.store.leases import over_before

    if _migrations(folder)[0] != "ok":
        return "warning", _("not looked at: first the store itself must be well")
    store = open_store(folder, read_only=True)
    try:
        found = Jobs(store).listed(10_000, states=OPEN)
        silent = [job for job in found if job.state == "running" and (job.lease or 0) < over_before(store)]
        waits = [job for job in found if job.state == "queued" and job.made < store.clock() - STUCK_SECONDS * 1_000_000]
    finally:
        store.close()
    at_work = any(job.state == "running" and job not in silent for job in found)  # for that one the others wait
    if silent or (waits and not at_work):
        return "warning", _(
            "nobody works on {count:,} jobs; is the node served? See: kizuna job list", count=len(silent) + len(waits)
        )
    return "ok", _("{count:,} jobs wait or run", count=len(found))


def _backup(folder: Path) -> Finding:
    from kizuna.store import open_store
    from kizuna.store.audit import newest

    if _migrations(folder)[0] != "ok":
        return "warning", _("not looked at: first the store itself must be well")
    with closing(open_store(folder, read_only=True)) as store:
        found = newest(store, 1, act="backup")
    if not found:
        return "warning", _("no backup was made yet; try: kizuna backup -o FILE")
    told = _("the last backup is of {moment}: {file}", moment=to_text(found[0].at), file=found[0].subject)
    return ("warning" if found[0].at < (time.time() - BACKUP_DAYS * 86_400) * 1e6 else "ok"), told


def _partners(folder: Path) -> Finding:
    from kizuna.store import open_store
    from kizuna.store.epochs import stopped_partners

    if _migrations(folder)[0] != "ok":
        return "warning", _("not looked at: first the store itself must be well")
    with closing(open_store(folder, read_only=True)) as store:
        stopped = stopped_partners(store.database.read())
    if not stopped:
        return "ok", _("the exchange with every partner goes on")
    since, names = to_text(min(stopped.values())), ", ".join(stopped)
    return "warning", _(
        "stopped since {moment}: {names}; look, then: kizuna partner resume NAME", moment=since, names=names
    )


def _release(folder: Path) -> Finding:
    """By whose word things leave now, and what waits for people's."""
    from kizuna.store import open_store
    from kizuna.store.standing import FIRST, Rules

    if _migrations(folder)[0] != "ok":
        return "warning", _("not looked at: first the store itself must be well")
    with closing(open_store(folder, read_only=True)) as store:
        rules = [rule for rule in Rules(store).listed() if rule.terms.act == "send"]
        counting = [rule.name for rule in rules if rule.counts(store.clock())]
        sql = "select p.name, count(distinct d.ident) from find d join partner p on p.n=d.recipient group by p.name order by p.name"
        held = store.database.read().execute(sql).fetchall()
    if held:
        told = ", ".join(f"{name} {count:,}" for name, count in held)
        return "warning", _(
            "held for withheld texts: {partners}; see: kizuna release found --as PARTNER", partners=told
        )
    if waiting := [rule.name for rule in rules if rule.granted is None or rule.stopped is not None]:
        return "warning", _(
            "rules that wait for people: {names}; see: kizuna release rules list", names=", ".join(waiting)
        )
    if FIRST in counting:
        return "ok", _("what labels let leaves at once, by the rule {name}", name=FIRST)
    if counting:
        return "ok", _("leaves at once by rules: {names}", names=", ".join(counting))
    return "ok", _("nothing leaves without people")


def _destroyed(folder: Path) -> Finding:
    from kizuna.store import open_store
    from kizuna.store.purging import Purges
    from kizuna.store.scrubbing import is_due

    if _migrations(folder)[0] != "ok":
        return "warning", _("not looked at: first the store itself must be well")
    store = open_store(folder, read_only=True)
    try:
        due = is_due(store)
        waiting = sum(one.state == "proposed" for one in Purges(store).listed())
    finally:
        store.close()
    if due:
        return "warning", _("unused parts of the store may hold what was destroyed; run: kizuna purge scrub")
    if waiting:
        return "warning", _("{count:,} purges wait for a second operator; see: kizuna purge list", count=waiting)
    return "ok", _("nothing of what was destroyed is left in the store")


def _clock(folder: Path) -> Finding:
    now = time.time()
    newest = (folder / "node.json").stat().st_mtime
    if now < max(EARLIEST, newest - 1):
        return "failed", _("the system's clock is behind; versions and memberships are judged by it")
    shown = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
    try:
        latest, partners = _clocks(folder) if _migrations(folder)[0] == "ok" else (0.0, [])
    except (KizunaError, OSError, sqlite3.Error):  # what is wrong with the store is told where it is looked at
        latest, partners = 0.0, []
    if latest > now + APART_SECONDS:
        return "failed", _(
            "the system's clock went back: the newest entry is of {moment}", moment=to_text(int(latest * 1e6))
        )
    apart = [(name, seconds) for name, seconds in partners if abs(seconds) > APART_SECONDS]
    if apart:
        told = ", ".join(f"{name} {seconds:+,} s" for name, seconds in apart)
        return "warning", _("{shown}; clocks of partners are apart from ours: {told}", shown=shown, told=told)
    return "ok", shown


def _clocks(folder: Path) -> tuple[float, list[tuple[str, int]]]:
    """The moment of the newest entry here, and how far partners' clocks were ahead at the last poll; in seconds."""
    from kizuna.exchange.taxii.client import ahead
    from kizuna.store import open_store
    from kizuna.store.audit import newest

    store = open_store(folder, read_only=True)
    try:
        entries = newest(store, 1)
        known = [(partner.name, ahead(store, partner)) for partner in store.partners()]
    finally:
        store.close()
    return (entries[0].at / 1e6 if entries else 0.0), [(name, s) for name, s in known if s is not None]


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    held = _held(folder)
    told = _("{size:.1f} GiB free", size=free / (1 << 30))
    if free < _floor(folder):
        return "failed", _("{free}; nothing is taken in until there is more (setting disk_floor)", free=told)
    if free < FREE_BYTES:
        return "warning", _("{free}; imports need room", free=told)
    if free < held + FREE_BYTES:
        return "warning", _(
            "{free}; a backup or an upgrade needs room for a copy of {size:.1f} GiB", free=told, size=held / (1 << 30)
        )
    return "ok", told


def _floor(folder: Path) -> int:
    from kizuna.settings import load

    return load(folder).disk_floor


def _held(folder: Path) -> int:
    """Bytes of the store, if it is a file: a database elsewhere has its own disk."""
    from kizuna.settings import load
    from kizuna.store.database import is_postgres, store_file

    url = load(folder).store
    if is_postgres(url):
        return 0
    file = store_file(folder, url)
    return sum(path.stat().st_size for path in (file, file.with_name(f"{file.name}-wal")) if path.exists())


def _certificate(folder: Path) -> Finding:
    from kizuna.cli.doctor_tls import certificate
    from kizuna.settings import load

    return certificate(load(folder))


def _network(folder: Path) -> Iterator[Finding]:
    from kizuna.cli import doctor_tls
    from kizuna.settings import load

    found = list(doctor_tls.network(folder, load(folder), served=_served(folder)))
    yield from found or [("ok", _("neither this node nor a partner is reached by TLS"))]


def _port(folder: Path) -> Finding:
    from kizuna.settings import load

    settings = load(folder)
    if _served(folder):
        return "ok", _("the node is being served")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
        except OSError:
            return "warning", _("port {port} is in use by another program; use `kizuna up --port`", port=settings.port)
    return "ok", _("port {port} is free", port=settings.port)


def _served(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / "up.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _key(folder: Path) -> Finding:
    from kizuna.store.keys import FILE, public_key_of

    public = public_key_of(folder)
    made = time.strftime("%Y-%m-%d", time.gmtime((folder / FILE).stat().st_mtime))
    return "ok", _("{key}, of {day}", key=public, day=made)
