"""Which collections somebody has: a partner its feed and its inbox, one's own people everything they may see."""

from __future__ import annotations

import uuid

import msgspec

from kizuna.errors import NotFound, Stopped
from kizuna.exchange.taxii.media import STIX
from kizuna.store import Shelf, Source, Store
from kizuna.store.caller import Caller

ROOT = "real"
_NAMESPACE = uuid.UUID("b2b2a9f0-6f7f-4c7d-9e38-6f0d0d0f9a52")
INTERRUPTED = "the exchange is interrupted; try again later"
"""All that a stopped partner is told, whatever it asks for."""
_TITLES = {
    "feed": ("Feed", "What this node gives to you, in the order it became visible."),
    "inbox": ("Inbox", "Send objects here; they are stored as yours."),
    "everything": ("Everything", "All objects that you may see."),
}


class Collection(msgspec.Struct, frozen=True):
    """One collection of one caller; `alias` is its short name."""

    id: str
    alias: str
    can_read: bool
    can_write: bool

    def resource(self) -> dict[str, object]:
        """As section 5.2 has it."""
        title, description = _TITLES[self.alias]
        return {
            "id": self.id,
            "title": title,
            "description": description,
            "alias": self.alias,
            "can_read": self.can_read,
            "can_write": self.can_write,
            "media_types": [STIX],
        }


def collections_of(store: Store, caller: Caller) -> list[Collection]:
    """The collections that exist for a caller; nobody else's do."""

    def made(alias: str, *, read: bool, write: bool) -> Collection:
        name = f"{store.settings.identity} {caller.name if caller.kind == 'partner' else ''} {alias}"
        return Collection(str(uuid.UUID(bytes=uuid.uuid5(_NAMESPACE, name).bytes, version=4)), alias, read, write)

    if caller.kind == "partner":
        return [
            made("feed", read=caller.may("read"), write=False),
            made("inbox", read=False, write=caller.may("write")),
        ]
    return [made("everything", read=caller.may("read"), write=caller.may("write"))]


def find_collection(store: Store, caller: Caller, key: str) -> Collection:
    """A collection by id or alias. Raises NotFound, the same for another's and for none."""
    for collection in collections_of(store, caller):
        if key in (collection.id, collection.alias):
            return collection
    raise NotFound("no such collection")


def shelf(store: Store, caller: Caller) -> Shelf:
    """What a caller's readable collection reads from. Raises Stopped."""
    if caller.kind != "partner":
        return store.view(caller.principal)
    feed = store.feed(caller.name)
    if feed.stopped:
        raise Stopped(INTERRUPTED)
    return feed


def source(store: Store, caller: Caller) -> Source:
    """Whose rows the objects become that a caller sends. Raises Stopped."""
    if caller.kind == "partner" and store.feed(caller.name).stopped:
        raise Stopped(INTERRUPTED)
    return store.partner_source(caller.name) if caller.kind == "partner" else store.own_source()
