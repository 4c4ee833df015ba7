"""Notes and opinions that people of this organisation write about an object, and what they take back before anybody else had it."""

from __future__ import annotations

import hmac
import uuid
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from kizuna.clock import to_text
from kizuna.errors import Refused
from kizuna.labels import Label, Principal, decide, format_label, join, own_only, to_markings
from kizuna.labels.persons import bound
from kizuna.stix import BUILTIN
from kizuna.store.database import Connection
from kizuna.store.editing import took
from kizuna.store.keys import derived_key
from kizuna.store.model import Stored
from kizuna.store.relabelling import marked_as_stored
from kizuna.store.seen_outbox import SeenOutbox

if TYPE_CHECKING:
    from kizuna.store.store import Store

Json = dict[str, Any]
Kind = Literal["note", "opinion"]
ACT = "note"


def default_label(store: Store, about: Label) -> Label:
    """The label that is offered for what is written about something: for one's own organisation, and no looser than what it is about."""
    own, anybody = own_only(store.organisation), store.holder()
    if decide(about, anybody, holder=anybody, at=store.clock()).allowed:
        return own  # whoever of one's own people it is, they may see what it is about
    return join(own, about)


def remark(
    store: Store, kind: Kind, about: str, said: Json, label: Label, *, by: str, principal: Principal, at: int
) -> Json:
    """A note or an opinion of this node that somebody began to write at a moment; what is the same under the same label has the same ID."""
    moment, node = to_text(at // 1_000 * 1_000), store.settings.identity
    # Where this node has not said who it is, the name of its maker would lead nowhere, and be cut.
    maker = {"created_by_ref": node} if store.view(principal).get(node) is not None else {}
    data: Json = {
        "type": kind, "spec_version": "2.1", "id": "", **maker, "created": moment, "modified": moment,
        **{key: value for key, value in said.items() if value}, "object_refs": [about],
    }  # fmt: skip
    # Keyed: who gets the note knows all of it but who wrote it, and could try names.
    said_by = msgspec.json.encode([by, format_label(label), data])
    made = hmac.digest(derived_key(store.folder, "note"), said_by, "sha256")[:16]
    return {**data, "id": f"{kind}--{uuid.UUID(bytes=made, version=4)}"}


def put(store: Store, data: Json, label: Label, *, by: str, area: str | None) -> None:
    """Store a note or an opinion under a label, which it states. Raises Refused, and Unfit with all that is wrong."""
    label = Label(label.originator, tuple(bound(part, part.originator or label.originator) for part in label.parts))
    markings = to_markings(label)
    definitions = {one["id"]: one for one in markings if one["id"] not in BUILTIN}
    data = {**data, "object_marking_refs": [one["id"] for one in markings]}
    with store.act() as act:
        own = store.own_source().name
        if marked_as_stored(store, act.connection, data, store.organisation, own, definitions).label != label:
            raise Refused("markings cannot state this label exactly; name another")
        took(store, [*definitions.values(), data], label=None, may_release=True, area=area)
        store.record(act.connection, by, "note", data["id"], {"about": data["object_refs"][0]})


def deletable(store: Store, connection: Connection, stored: Stored, *, by: str, principal: Principal) -> bool:
    """Whether somebody wrote this note or opinion here, and no partner can have had it, as far as they see."""
    if stored.type not in ("note", "opinion") or stored.source != "own":
        return False
    sql = "select 1 from audit where act=? and subject=? and actor=? limit 1"
    if connection.execute(sql, (ACT, stored.id, by)).fetchone() is None:
        return False
    for recipient in store.recipients(connection):
        outbox = SeenOutbox(store, connection, recipient, principal)
        if any(outbox.ever_live(row.ident) for row, _ in outbox.rows_and_items([stored.id])):
            return False
    return True


def take_back(store: Store, id: str, *, by: str, principal: Principal) -> str | None:
    """Delete here what somebody wrote themselves and nobody else had; what it was about. None where it is not so, or not there."""
    with store.act() as act:
        stored = store.view(principal).get(id)
        if stored is None or not deletable(store, act.connection, stored, by=by, principal=principal):
            return None
        store.hide(id, by=by, principal=principal)
        return str(msgspec.json.decode(stored.raw)["object_refs"][0])


__all__ = ["Kind", "default_label", "deletable", "put", "remark", "take_back"]
