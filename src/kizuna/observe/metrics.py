"""Metrics for Prometheus: counts of what happened in this process, and the state of the store when it is asked for.

No label is a name of an organisation, partner, person or object: partners are numbers, addresses are patterns. What other
processes do (`kizuna import` beside the node, the first poll of each partner) shows in the store's state alone.
"""

from __future__ import annotations

import platform
import ssl
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kizuna import __version__, deadline
from kizuna.events import Act, Batch, Fed, Job, Poll, Request, Told, Waited
from kizuna.store import Store
from kizuna.store.room import free_bytes

SECONDS = 5.0
"""A store that has not answered by then is told of as one that cannot be read."""
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """A listener that counts; `page` is what Prometheus reads."""

    def __init__(self, store: Store) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = _counter(registry, "requests", "Requests answered.", "method", "route", "status", "caller")
        told = "Time from a request's head to the last byte of its answer."
        self._seconds = _histogram(registry, "request_seconds", told, _QUICK, "method", "route")
        self._bytes = _counter(registry, "response_bytes", "Bytes of answers' bodies.", "route")
        told = "Objects taken in, by kind of source and what became of them."
        self._objects = _counter(registry, "objects", told, "source", "outcome")
        self._batches = _histogram(registry, "batch_seconds", "Time of one transaction of an import.", _SLOW)
        self._fed = _counter(registry, "feed_rows", "Rows of all feeds that were opened or ended.", "change")
        self._acts = _counter(registry, "acts", "Entries of the audit trail.", "act")
        self._polls = _counter(registry, "polls", "Turns with partners, by how they ended.", "outcome")
        self._polled = _counter(registry, "polled_objects", "Objects that polls brought.")
        self._poll_seconds = _histogram(registry, "poll_seconds", "Time of one turn with one partner.", _SLOW)
        told = "Turns of jobs, by kind and how they ended; queued: broken off, to be begun anew."
        self._jobs = _counter(registry, "jobs", told, "kind", "state")
        self._job_seconds = _histogram(registry, "job_seconds", "Time of one turn of a job.", _SLOW, "kind")
        self._waits = _histogram(registry, "writer_wait_seconds", "How long a writer waited for its turn.", _SLOW)
        made = {"version": __version__, "python": platform.python_version(), "tls": ssl.OPENSSL_VERSION}
        Info("kizuna_build", "What this node is made of.", registry=registry).info(made)
        ProcessCollector(registry=registry)
        registry.register(State(store))
        # Looking a series up costs more than counting in it.
        self._known: dict[tuple[str, str, int, str], tuple[Counter, Histogram, Counter]] = {}

    def __call__(self, told: Told) -> None:
        """Count one thing that happened."""
        event = told.event
        if isinstance(event, Request):
            self._request(event)
        elif isinstance(event, Batch):
            for outcome in ("imported", "unchanged", "failed"):
                self._objects.labels(event.source, outcome).inc(getattr(event, outcome))
            self._batches.observe(event.seconds)
        elif isinstance(event, Fed):
            self._fed.labels("opened").inc(event.opened)
            self._fed.labels("ended").inc(event.ended)
        elif isinstance(event, Act):
            self._acts.labels(event.act).inc()
        elif isinstance(event, Waited):
            self._waits.observe(event.seconds)
        elif isinstance(event, Job):
            self._jobs.labels(event.kind, event.state).inc()
            self._job_seconds.labels(event.kind).observe(event.seconds)
        elif isinstance(event, Poll):
            self._polls.labels(event.error or "ok").inc()
            self._polled.inc(event.received)
            self._poll_seconds.observe(event.seconds)

    def page(self) -> bytes:
        """Every series, in the text format of Prometheus."""
        return generate_latest(self._registry)

    def _request(self, event: Request) -> None:
        key = (event.method, event.route, event.status, event.caller)
        series = self._known.get(key)
        if series is None:
            status = f"{event.status // 100}xx" if event.status else "gone"
            series = self._known[key] = (
                self._requests.labels(event.method, event.route, status, event.caller),
                self._seconds.labels(event.method, event.route),
                self._bytes.labels(event.route),
            )
        count, seconds, size = series
        count.inc()
        seconds.observe(event.seconds)
        size.inc(event.size)


class State(Collector):
    """What the store holds, read when it is asked for; nothing that grows with what is stored is counted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge that can be read now; a store that cannot be is a gauge itself."""
        try:
            with deadline.within(SECONDS):
                found = [*self._sizes(), *self._tables()]
        except Exception:  # of whatever kind a database's are: what this process did is told all the same
            found = []
        yield _gauge("store_readable", "Whether the store could be read for this page.", float(bool(found)))
        yield from found

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing is read before it is asked for."""
        return iter(())

    def _sizes(self) -> Iterator[GaugeMetricFamily]:
        sizes = self._store.database.sizes()
        yield _gauge("store_bytes", "Size of the database.", sizes.whole)
        yield _gauge("store_log_bytes", "Size of its log of what is not in place yet.", sizes.log)
        free = free_bytes(self._store)
        yield _gauge("disk_free_bytes", "Room where the node's folder and its store are.", free)
        floor = self._store.settings.disk_floor
        yield _gauge("disk_floor_bytes", "With less room nothing is taken in.", floor)
        yield _gauge("intake_open", "Whether there is room to take something in.", float(free >= floor))

    def _tables(self) -> Iterator[GaugeMetricFamily]:
        with self._store.database.snapshot() as reader:
            newest = reader.execute("select max(n) from object").fetchone()[0]
            kept = reader.execute("select kind, sum(kept) from source group by kind order by kind").fetchall()
            jobs = reader.execute(
                "select kind, state, count(*) from job where state in ('queued','running') group by kind, state order by kind, state"
            ).fetchall()
            partners = reader.execute("select n, last_exchange from partner order by n").fetchall()
        yield _gauge(
            "newest_row", "Number of the newest row of an object: rows taken in since the node was made.", newest or 0
        )
        yield _labelled("quarantine_bytes", "Size of what was refused and is kept, by kind of source.", "source", kept)
        waiting = GaugeMetricFamily("kizuna_jobs_open", "Jobs that wait or run.", labels=["kind", "state"])
        for kind, state, count in jobs:
            waiting.add_metric([kind, state], count)
        yield waiting
        exchanged = [(str(n), (last or 0) / 1e6) for n, last in partners]
        told = (
            "When something last went to or came from a partner (seconds since 1970; 0: never). Partners are numbers."
        )
        yield _labelled("partner_last_exchange_seconds", told, "partner", exchanged)


def _counter(registry: CollectorRegistry, name: str, told: str, *labels: str) -> Counter:
    return Counter(f"kizuna_{name}", told, labels, registry=registry)


def _histogram(
    registry: CollectorRegistry, name: str, told: str, buckets: tuple[float, ...], *labels: str
) -> Histogram:
    return Histogram(f"kizuna_{name}", told, labels, buckets=buckets, registry=registry)


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"kizuna_{name}", told, value=value)


def _labelled(name: str, told: str, label: str, values: list[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"kizuna_{name}", told, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family
