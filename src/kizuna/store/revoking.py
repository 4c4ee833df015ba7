"""Revoking: the owner says that something is wrong, by a last version of it that everybody who has it gets (STIX 2.1 section 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.clock import to_text
from kizuna.errors import Refused
from kizuna.labels import Principal, Reason
from kizuna.stix import iter_objects
from kizuna.store.releasing import AT_ONCE, Releases

if TYPE_CHECKING:
    from kizuna.store.store import Store

_TICK = 1_000  # microseconds: STIX moments may tell no more than milliseconds


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """What was revoked, what was not and why; by partner, who has it and is offered the last version, or waits for people's word."""

    done: tuple[str, ...] = ()
    failed: tuple[tuple[str, Reason], ...] = ()
    told: dict[str, tuple[str, ...]] = {}
    asked: dict[str, tuple[str, ...]] = {}


def revoke(store: Store, ids: Sequence[str], *, by: str, principal: Principal | None = None) -> Revoked:
    """Give each of these objects of one's own a last version that says `revoked`, under the label it has.

    It leaves by rules, as every version does; where a partner has the object and no rule sends this version, people are asked.
    """
    ids = list(dict.fromkeys(ids))
    if len(ids) > AT_ONCE:
        raise Refused(f"at most {AT_ONCE:,} objects at once")
    had = {name: _offered(store, name, ids, principal) for name in (partner.name for partner in store.partners())}
    done, failed = [], []
    for id in ids:
        why = _revoke(store, id, by, principal)
        if why is None:
            done.append(id)
        else:
            failed.append((id, why))
    told, asked = {}, {}
    for name, before in had.items():
        mine = [id for id in done if id in before]
        now = _offered(store, name, mine, principal)
        told[name] = tuple(id for id in mine if id in now)
        if rest := [id for id in mine if id not in now]:
            acted = Releases(store).propose(name, rest, by=by, principal=principal)
            asked[name] = tuple(item.id for item in acted.items if item.state == "proposed")
    return Revoked(
        done=tuple(done),
        failed=tuple(failed),
        told={name: some for name, some in told.items() if some},
        asked={name: some for name, some in asked.items() if some},
    )


def _revoke(store: Store, id: str, by: str, principal: Principal | None) -> Reason | None:
    view = store.custodian() if principal is None else store.view(principal)
    seen = view.get(id)
    stored = None if seen is None else store.custodian().get(id, seen.version)
    if seen is None or stored is None:
        return Reason("not-held")
    data: dict[str, Any] = msgspec.json.decode(stored.raw)
    if data.get("revoked"):
        return Reason("revoked-already")
    if stored.version is None or "modified" not in data:
        return Reason("no-versions")
    if stored.source != store.own_source().name:
        return Reason("not-owner")
    moment = max(store.clock(), stored.version) // _TICK * _TICK + _TICK
    last = {**data, "modified": to_text(moment)[:23] + "Z", "revoked": True}
    # Never looser than now, whatever its bytes state, and then as it is now.
    writer = store.writer(store.own_source(), label=stored.label, area=stored.area)
    (outcome,) = writer.add(iter_objects(msgspec.json.encode(last)))
    if outcome.status != "imported":
        return Reason("not-owner")
    made = store.custodian().get(id, moment)
    if made is not None and made.label != stored.label:
        store.relabel(id, stored.label, by=by, version=moment)
    store.audit(by, "revoke", id, {"version": last["modified"]})
    return None


def _offered(store: Store, partner: str, ids: Sequence[str], principal: Principal | None) -> set[str]:
    """Which of these a partner has something of, as far as somebody sees."""
    return {item.id for item in Releases(store).items(partner, ids, principal) if item.state == "offered"}
