"""Metrics: what happened is counted, the store's state is read, and nothing is called by its name."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from kizuna.events import Act, Batch, Event, Fed, Job, Poll, Request, Told, Waited
from kizuna.observe.metrics import Metrics
from kizuna.store import Partner, Store
from kizuna.store.jobs import Jobs
from kizuna.trace import Trace
from tests.builders import campaign, items

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(metrics: Metrics) -> Samples:
    """Every sample of the page."""
    families = text_string_to_metric_families(metrics.page().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    """One of them."""
    return found[f"kizuna_{name}", tuple(sorted(labels.items()))]


def test_what_happens_is_counted(store: Store) -> None:
    metrics, trace = Metrics(store), Trace()
    asked = Request("GET", "/api/v1/objects/{id}", 200, 0.004, 100, "person", "192.0.2.1", trace)
    events: list[Event] = [
        asked, asked._replace(seconds=0.2), asked._replace(status=404), asked._replace(status=0), Batch("partner", 5, 2, 1, 0.3),
        Fed(7, 1), Act("relabel"), Act("relabel"), Waited(0.02), Poll("Kyiv", 1, 5, 0.5), Poll("Kyiv", 1, 0, 0.5, "peer-failed", "x"),
        Job("import", "done", 1, 2.0), Job("import", "queued", 1, 1.0),
    ]  # fmt: skip
    for event in events:
        metrics(Told(0, trace, event))
    found = samples(metrics)
    route = {"method": "GET", "route": "/api/v1/objects/{id}"}
    for status, count in (("2xx", 2), ("4xx", 1), ("gone", 1)):
        assert value(found, "requests_total", **route, status=status, caller="person") == count
    assert value(found, "request_seconds_bucket", **route, le="0.005") == 3
    assert value(found, "request_seconds_count", **route) == 4
    assert value(found, "response_bytes_total", route=route["route"]) == 400
    assert value(found, "objects_total", source="partner", outcome="imported") == 5
    assert value(found, "feed_rows_total", change="opened") == 7
    assert value(found, "acts_total", act="relabel") == 2
    assert (value(found, "polls_total", outcome="ok"), value(found, "polls_total", outcome="peer-failed")) == (1, 1)
    assert (value(found, "polled_objects_total"), value(found, "poll_seconds_sum")) == (5, 1)
    assert value(found, "writer_wait_seconds_count") == 1
    assert [value(found, "jobs_total", kind="import", state=state) for state in ("done", "queued")] == [1, 1]
    assert value(found, "job_seconds_sum", kind="import") == 3


def test_the_store_tells_of_its_transactions(store: Store) -> None:
    metrics = Metrics(store)
    store.listen(lambda event: metrics(Told(0, None, event)))
    store.put_partner(Partner(name="Brussels", organisation="CERT Brussels", country="BEL", receives=("TLP:CLEAR",)))
    broken = {**campaign("broken"), "confidence": 101}
    outcomes = list(store.writer(store.own_source()).add(items(campaign("a"), broken)))
    assert len(outcomes) == 2
    store.audit("owner", "export")
    found = samples(metrics)
    assert [
        value(found, "objects_total", source="own", outcome=one) for one in ("imported", "unchanged", "failed")
    ] == [1, 0, 1]
    assert value(found, "batch_seconds_count") == 1
    assert value(found, "acts_total", act="export") == 1
    assert value(found, "writer_wait_seconds_count") >= 3


def test_the_state_of_the_store_is_read_when_it_is_asked_for(store: Store) -> None:
    metrics = Metrics(store)
    for name in ("Brussels", "Kyiv"):
        store.put_partner(Partner(name=name, organisation=f"CERT {name}", country="BEL"))
    store.note_exchange("Kyiv", store.clock())
    list(store.writer(store.own_source()).add(items(campaign("a"), {**campaign("broken"), "confidence": 101})))
    for asked in ("owner", "owner", "colleague"):
        Jobs(store).ask("export", asked, {})
    Jobs(store).claim()
    found = samples(metrics)
    assert value(found, "store_readable") == 1
    assert [value(found, "jobs_open", kind="export", state=state) for state in ("queued", "running")] == [2, 1]
    assert value(found, "newest_row") == 1
    assert value(found, "quarantine_bytes", source="own") > 100
    assert value(found, "partner_last_exchange_seconds", partner="1") == 0
    assert value(found, "partner_last_exchange_seconds", partner="2") == store.clock() / 1e6
    assert value(found, "store_bytes") + value(found, "store_log_bytes") > 10_000
    assert value(found, "disk_free_bytes") > 0
    assert found["process_resident_memory_bytes", ()] > 1 << 20
    assert any(name == "kizuna_build_info" for name, _ in found)
    page = metrics.page().decode()
    assert not [name for name in ("Brussels", "Kyiv", "Tokyo", "CERT", "owner", "colleague") if name in page]


def test_a_store_that_cannot_be_read_is_a_gauge(store: Store) -> None:
    metrics = Metrics(store)
    store.close()
    found = samples(metrics)
    assert value(found, "store_readable") == 0
    assert ("kizuna_newest_row", ()) not in found
