"""Polling a partner's feed and pushing to its inbox, each with a durable watermark: what was done is not done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from kizuna.errors import InvalidInput, PeerFailed
from kizuna.exchange.taxii.media import version_text
from kizuna.exchange.taxii.peer import Peer, PeerRefused, read_token
from kizuna.formats.stix import bounds_of
from kizuna.settings import MiB
from kizuna.stix import iter_objects, marking_definitions
from kizuna.store import Outcome, Partner, Query, Row, Store
from kizuna.store.epochs import must_go_on
from kizuna.store.quotas import count, pause
from kizuna.store.room import must_have_room

BATCH = 500
BATCH_BYTES = 8 * MiB
KEPT_PROBLEMS = 1_000
UNEVEN = 2  # seconds by which one poll may find another's clock elsewhere than the one before
Progress = Callable[[int], object]


class PollReport(msgspec.Struct):
    """What a poll brought; `problems` names at most 1,000 objects that failed.

    `paused_seconds` is when the rest may come, where the partner's quota of this hour is used up; 0 where there is no rest.
    """

    partner: str
    received: int = 0
    imported: int = 0
    unchanged: int = 0
    failed: int = 0
    problems: list[dict[str, Any]] = []
    paused_seconds: int = 0
    seconds: float = 0.0


class PushReport(msgspec.Struct):
    """What a push gave: objects accepted, still pending there, or failed and why; `problems` names at most 1,000 that failed."""

    partner: str
    sent: int = 0
    accepted: int = 0
    pending: int = 0
    failed: int = 0
    problems: list[dict[str, Any]] = []
    seconds: float = 0.0


def connect(store: Store, partner: Partner, *, ca_file: str | None = None) -> Peer:
    """A connection to a partner's TAXII. Raises InvalidInput when it has no address or we no token there, Stopped."""
    must_go_on(store, partner.name)
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

    The watermark moves after each page is durably stored, so a crash in between reads that page again and changes nothing. At the
    partner's quota it stops; a later poll goes on from there.
    """
    partner = store.partner(name)
    report, began = PollReport(partner.name), time.monotonic()
    if seconds := pause(store, partner.name):
        report.paused_seconds = seconds
        return report
    must_have_room(store)
    with connect(store, partner, ca_file=ca_file) as peer:
        try:
            readable = [c for c in peer.collections() if c.get("can_read")]
            if not readable:
                raise PeerFailed("offers no collection that we may read", file=partner.url)
            for collection in readable:
                if not report.paused_seconds:
                    _poll_collection(store, partner, peer, collection, report, progress)
        finally:
            _note_clock(store, partner, peer.ahead)
    store.note_exchange(partner.name, store.clock())
    report.seconds = round(time.monotonic() - began, 3)
    return report


def ahead(store: Store, partner: Partner) -> int | None:
    """Seconds that a partner's clock was ahead of ours when it was last polled; None where that is not known."""
    stated = store.watermark(f"ahead:{partner.name}")
    return None if stated is None else int(stated)


def _note_clock(store: Store, partner: Partner, seconds: int | None) -> None:
    if seconds is None:
        return
    known = ahead(store, partner)
    # Most polls find what the one before found: nothing is written for that.
    if known is None or abs(known - seconds) > UNEVEN:
        store.set_watermark(f"ahead:{partner.name}", str(seconds))


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
    bounds = bounds_of(store.settings.limits)
    for page in peer.pages(collection["url"], store.watermark(key)):
        if page.size:
            writer.define(marking_definitions(page.envelope) or ())
            for outcome in writer.add(iter_objects(page.envelope, limits=bounds), file=partner.url):
                report.received += 1
                _count(report, outcome)
        if page.mark is not None:
            store.set_watermark(key, page.mark)
        count(store, partner.name, page.size, len(page.envelope))
        if progress is not None:
            progress(report.received)
        if seconds := pause(store, partner.name):
            report.paused_seconds = seconds
            return


def push(store: Store, name: str, *, progress: Progress | None = None, ca_file: str | None = None) -> PushReport:
    """Send what is new in a partner's feed here to its inbox there. Raises NotFound, InvalidInput, PeerFailed."""
    partner = store.partner(name)
    report, began = PushReport(partner.name), time.monotonic()
    with connect(store, partner, ca_file=ca_file) as peer:
        _push_feed(store, partner, peer, _inbox(peer, partner), report, progress)
    store.note_exchange(partner.name, store.clock())
    report.seconds = round(time.monotonic() - began, 3)
    return report


def pending(store: Store, name: str, *, ca_file: str | None = None) -> Iterator[Row]:
    """What `push` would send now. Raises NotFound, InvalidInput, PeerFailed."""
    partner = store.partner(name)
    with connect(store, partner, ca_file=ca_file) as peer:
        position, more = int(store.watermark(_push_key(partner, _inbox(peer, partner))) or 0), True
    while more:
        page = store.feed(partner.name).read(Query(versions=("all",)), position, BATCH)
        yield from page.rows
        position, more = page.rows[-1].position if page.rows else position, page.more and bool(page.rows)


def _inbox(peer: Peer, partner: Partner) -> dict[str, Any]:
    writable = [c for c in peer.collections() if c.get("can_write")]
    if not writable:
        raise PeerFailed("offers no collection that we may write to", file=partner.url)
    return next((c for c in writable if c.get("alias") == "inbox"), writable[0])


def _push_key(partner: Partner, inbox: dict[str, Any]) -> str:
    return f"push:{partner.name}:{inbox['id']}"


def _push_feed(
    store: Store, partner: Partner, peer: Peer, inbox: dict[str, Any], report: PushReport, progress: Progress | None
) -> None:
    key = _push_key(partner, inbox)
    position, more = int(store.watermark(key) or 0), True
    while more:
        page = store.feed(partner.name).read(Query(versions=("all",)), position, BATCH)
        rows = _fitting(page.rows)
        if not rows:
            return
        _send(peer, inbox, rows, report)
        position, more = rows[-1].position, page.more or len(rows) < len(page.rows)
        store.set_watermark(key, str(position))
        if progress is not None:
            progress(report.sent)


def _send(peer: Peer, inbox: dict[str, Any], rows: Sequence[Row], report: PushReport) -> None:
    """Post some rows; what the peer refuses as a whole is sent in halves, so that one object stops no other."""
    envelope = b'{"objects":[' + b",".join([row.raw for row in rows]) + b"]}"
    try:
        status = peer.post(inbox, envelope)
    except PeerRefused as error:
        if error.code not in (400, 413, 422):
            raise
        if len(rows) > 1:
            middle = len(rows) // 2
            _send(peer, inbox, rows[:middle], report)
            _send(peer, inbox, rows[middle:], report)
            return
        refused = {"id": rows[0].id, "version": version_text(rows[0].version, rows[0].added), "message": error.message}
        status = {"failure_count": 1, "failures": [refused]}
    _tally(report, status, len(rows))


def _tally(report: PushReport, status: dict[str, Any], sent: int) -> None:
    """Count a status resource (section 4.3.1); its lists are optional, its counts are not."""
    failed, pending = (_number(status.get(name), sent) for name in ("failure_count", "pending_count"))
    report.sent += sent
    report.failed += failed
    report.pending += min(pending, sent - failed)
    report.accepted = report.sent - report.failed - report.pending
    failures = status.get("failures")
    known = [f for f in failures if isinstance(f, dict)] if isinstance(failures, list) else []
    report.problems += known[: KEPT_PROBLEMS - len(report.problems)]


def _number(value: object, most: int) -> int:
    return min(value, most) if isinstance(value, int) and value > 0 else 0


def _fitting(rows: Sequence[Row]) -> Sequence[Row]:
    """The first rows that fit one batch, at least one."""
    size = 0
    for i, row in enumerate(rows):
        size += len(row.raw)
        if size > BATCH_BYTES and i:
            return rows[:i]
    return rows


def _count(report: PollReport, outcome: Outcome) -> None:
    setattr(report, outcome.status, getattr(report, outcome.status) + 1)
    if outcome.status == "failed" and len(report.problems) < KEPT_PROBLEMS:
        errors = [{"path": p.path, "message": p.message, "section": p.section} for p in outcome.problems]
        report.problems.append({"item": outcome.index, "id": outcome.id, "errors": errors})
