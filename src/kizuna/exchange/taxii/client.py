"""Polling a partner's feed and pushing to its inbox, each with a durable watermark: what was done is not done twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from kizuna.errors import InvalidInput, PeerFailed
from kizuna.exchange.taxii.peer import Peer, read_token
from kizuna.stix import iter_objects, marking_definitions
from kizuna.store import Outcome, Partner, Query, Store

BATCH = 500
KEPT_PROBLEMS = 1_000
Progress = Callable[[int], object]


class PollReport(msgspec.Struct):
    """What a poll brought; `problems` names at most 1,000 objects that failed."""

    partner: str
    received: int = 0
    imported: int = 0
    unchanged: int = 0
    failed: int = 0
    problems: list[dict[str, Any]] = []
    seconds: float = 0.0


class PushReport(msgspec.Struct):
    """What a push gave, per object accepted or failed and why; `problems` names at most 1,000 that failed."""

    partner: str
    sent: int = 0
    accepted: int = 0
    failed: int = 0
    problems: list[dict[str, Any]] = []
    seconds: float = 0.0


def connect(store: Store, partner: Partner, *, ca_file: str | None = None) -> Peer:
    """A connection to a partner's TAXII. Raises InvalidInput when it has no address or we no token there."""
    if partner.url is None:
        raise InvalidInput(
            f"no TAXII address is set; try: kizuna partner set {partner.name} --url URL", path=partner.name
        )
    token = read_token(store.folder, partner.token or f"{partner.name.lower()}.token")
    return Peer(partner.url, token, ca_file=ca_file)


def collections(store: Store, name: str, *, ca_file: str | None = None) -> list[dict[str, Any]]:
    """The collections a partner offers us. Raises NotFound, InvalidInput, PeerFailed."""
    with connect(store, store.partner(name), ca_file=ca_file) as peer:
        return peer.collections()


def poll(store: Store, name: str, *, progress: Progress | None = None, ca_file: str | None = None) -> PollReport:
    """Read everything new from a partner. Raises NotFound, InvalidInput, PeerFailed; what was stored before stays.

    The watermark moves after each page is durably stored, so a crash in between reads that page again and changes nothing.
    """
    partner = store.partner(name)
    report, began = PollReport(partner.name), time.monotonic()
    with connect(store, partner, ca_file=ca_file) as peer:
        readable = [c for c in peer.collections() if c.get("can_read")]
        if not readable:
            raise PeerFailed("offers no collection that we may read", file=partner.url)
        for collection in readable:
            _poll_collection(store, partner, peer, collection, report, progress)
    store.note_exchange(partner.name, store.clock())
    report.seconds = round(time.monotonic() - began, 3)
    return report


def _poll_collection(
    store: Store,
    partner: Partner,
    peer: Peer,
    collection: dict[str, Any],
    report: PollReport,
    progress: Progress | None,
) -> None:
    key = f"poll:{partner.name}:{collection['id']}"
    writer = store.writer(store.partner_source(partner.name))
    for envelope, last in peer.pages(collection["url"], store.watermark(key)):
        writer.define(marking_definitions(envelope))
        for outcome in writer.add(iter_objects(envelope), file=partner.url):
            report.received += 1
            _count(report, outcome)
        if last is not None:
            store.set_watermark(key, last)
        if progress is not None:
            progress(report.received)


def push(store: Store, name: str, *, progress: Progress | None = None, ca_file: str | None = None) -> PushReport:
    """Send what is new in a partner's feed here to its inbox there. Raises NotFound, InvalidInput, PeerFailed."""
    partner = store.partner(name)
    report, began = PushReport(partner.name), time.monotonic()
    with connect(store, partner, ca_file=ca_file) as peer:
        writable = [c for c in peer.collections() if c.get("can_write")]
        if not writable:
            raise PeerFailed("offers no collection that we may write to", file=partner.url)
        inbox = next((c for c in writable if c.get("alias") == "inbox"), writable[0])
        _push_feed(store, partner, peer, inbox, report, progress)
    store.note_exchange(partner.name, store.clock())
    report.seconds = round(time.monotonic() - began, 3)
    return report


def _push_feed(
    store: Store, partner: Partner, peer: Peer, inbox: dict[str, Any], report: PushReport, progress: Progress | None
) -> None:
    key = f"push:{partner.name}:{inbox['id']}"
    position, more = int(store.watermark(key) or 0), True
    while more:
        page = store.feed(partner.name).read(Query(versions=("all",)), position, BATCH)
        if not page.rows:
            return
        envelope = b'{"objects":[' + b",".join([row.raw for row in page.rows]) + b"]}"
        status = peer.post(inbox["url"], envelope)
        report.sent += len(page.rows)
        failures = [f for f in status.get("failures") or [] if isinstance(f, dict)]
        report.failed += len(failures)
        report.accepted = report.sent - report.failed
        report.problems += failures[: KEPT_PROBLEMS - len(report.problems)]
        position, more = page.rows[-1].position, page.more
        store.set_watermark(key, str(position))
        if progress is not None:
            progress(report.sent)


def _count(report: PollReport, outcome: Outcome) -> None:
    setattr(report, outcome.status, getattr(report, outcome.status) + 1)
    if outcome.status == "failed" and len(report.problems) < KEPT_PROBLEMS:
        errors = [{"path": p.path, "message": p.message, "section": p.section} for p in outcome.problems]
        report.problems.append({"item": outcome.index, "id": outcome.id, "errors": errors})
