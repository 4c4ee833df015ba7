"""Revoking: the owner says that something is wrong, by a last version of it that everybody who has it gets (STIX 2.1 section 3.6)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kizuna.clock import to_text
from kizuna.errors import Refused
from kizuna.labels import Label, Principal, Reason
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

    It leaves by rules, as every version does; where a partner has the object and no rule sends this version, people are asked. With a
    principal it is done and told as far as they see; what they see in part somebody else revokes.
    """
    ids = list(dict.fromkeys(ids))
    if len(ids) > AT_ONCE:
        raise Refused(f"at most {AT_ONCE:,} objects at once")
    had = {partner.name: _offered(store, partner.name, ids, principal) for partner in store.partners()}
    last, failed = _last_versions(store, ids, principal)
    done = _written(store, last, by)
    failed |= {id: Reason("not-owner") for id in last if id not in done}
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
        failed=tuple((id, failed[id]) for id in ids if id in failed),
        told={name: some for name, some in told.items() if some},
        asked={name: some for name, some in asked.items() if some},
    )


class _Last(NamedTuple):
    """The last version of an object, and the label and the area that the object has."""

    data: dict[str, Any]
    moment: int
    label: Label
    area: str | None


def _last_versions(
    store: Store, ids: Sequence[str], principal: Principal | None
) -> tuple[dict[str, _Last], dict[str, Reason]]:
    """By id, what would be its last version; and why others have none."""
    view = store.custodian() if principal is None else store.view(principal)
    found: dict[str, _Last] = {}
    failed = {}
    for id in ids:
        stored = view.get(id)
        if stored is None:
            failed[id] = Reason("not-held")
            continue
        if stored.cut:  # what they do not see of it they would say again
            failed[id] = Reason("seen-in-part")
            continue
        data: dict[str, Any] = msgspec.json.decode(stored.raw)
        if data.get("revoked"):
            failed[id] = Reason("revoked-already")
        elif stored.version is None or "modified" not in data:
            failed[id] = Reason("no-versions")
        elif stored.source != store.own_source().name:
            failed[id] = Reason("not-owner")
        else:
            moment = max(store.clock(), stored.version) // _TICK * _TICK + _TICK
            last = {**data, "modified": to_text(moment)[:23] + "Z", "revoked": True}
            found[id] = _Last(last, moment, stored.label, stored.area)
    return found, failed


def _written(store: Store, last: dict[str, _Last], by: str) -> list[str]:
    """Store last versions, of those with the same label and area together; returns which were taken in."""
    alike: dict[tuple[Label, str | None], list[str]] = {}
    for id, one in last.items():
        alike.setdefault((one.label, one.area), []).append(id)
    done = set()
    for (label, area), ids in alike.items():
        # Never looser than now, whatever their bytes state, and then as it is now.
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [last[id].data for id in ids]}
        outcomes = store.writer(store.own_source(), label=label, area=area).add(
            iter_objects(msgspec.json.encode(bundle))
        )
        done |= {outcome.id for outcome in outcomes if outcome.status == "imported"}
    for id, one in last.items():
        if id in done:
            made = store.custodian().get(id, one.moment)
            if made is not None and made.label != one.label:
                store.relabel(id, one.label, by=by, version=one.moment)
            store.audit(by, "revoke", id, {"version": one.data["modified"]})
    return [id for id in last if id in done]


def _offered(store: Store, partner: str, ids: Sequence[str], principal: Principal | None) -> set[str]:
    """Which of these a partner has something of, as far as somebody sees."""
    return {item.id for item in Releases(store).items(partner, ids, principal) if item.state == "offered"}
