"""A tag (STIX `labels`) put on many objects of one's own, or taken off: new versions, under the label that each has.

First all of it is tried and taken back; what fails so is named with its reason, and nothing of it is kept, not even in quarantine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from kizuna.clock import to_text
from kizuna.errors import UsageError
from kizuna.labels import Label, Principal
from kizuna.stix import iter_objects
from kizuna.store.database import Connection
from kizuna.store.editing import Unversionable, next_version, unversionable
from kizuna.store.model import Stored
from kizuna.store.moves import Had, Moved
from kizuna.store.seen_releasing import offered_forms

if TYPE_CHECKING:
    from kizuna.store.store import Store

MOST_TAG = 100
"""Characters of a tag."""
MOST_TAGS = 200
"""Tags that an object may have before it gets no more of them."""
Why = Unversionable | Literal["part", "marked", "full", "refused", "changed"]
_KEPT_AS_THEY_ARE = frozenset({"marking-definition", "language-content"})


class Tagged(msgspec.Struct, frozen=True, kw_only=True):
    """What a tag did: which objects got a new version, which were so already, and which stay as they are and why.

    By partner, which of the new versions it gets and in which form, and of which objects it has another form than before.
    """

    done: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: dict[str, Why]
    gets: dict[str, dict[str, Had]]
    changes: dict[str, tuple[Moved, ...]]


def checked(tag: str) -> str:
    """A tag as it is kept. Raises UsageError."""
    text = tag.strip()
    if not text or len(text) > MOST_TAG or not text.isprintable():
        raise UsageError(f"a tag is of 1 to {MOST_TAG} printable characters", path="tag")
    return text


def tag(
    store: Store,
    ids: Sequence[str],
    text: str,
    *,
    off: bool = False,
    by: str,
    principal: Principal,
    dry: bool = False,
) -> Tagged:
    """Put a tag on objects that somebody sees, or with `off` take it off; in a dry run all of it is taken back again.

    What is not here, or hidden from them, is in no list. Raises UsageError.
    """
    text = checked(text)
    view = store.view(principal)
    seen = [one for id in dict.fromkeys(ids) if (one := view.get(id)) is not None]
    data: dict[str, dict[str, Any]] = {one.id: msgspec.json.decode(one.raw) for one in seen}
    unchanged = tuple(id for id, one in data.items() if (text in one.get("labels", ())) != off)
    refused = {
        one.id: why
        for one in seen
        if one.id not in unchanged and (why := _why_not(store, one, data[one.id], off)) is not None
    }
    news = {one.id: (_changed(store, one, data[one.id], text, off), one.label) for one in seen}
    news = {id: new for id, new in news.items() if id not in unchanged and id not in refused}
    with store.trial() as act:
        before = offered_forms(store, act.connection, list(news), principal)
        refused |= _written(store, act.connection, news, by=by)
        done = [id for id in news if id not in refused]
        after = offered_forms(store, act.connection, done, principal)
    if not dry and done:
        with store.act() as act:
            # Nobody else writes now: what is no more as it was read stays as it is.
            was = {one.id: (one.version, one.label) for one in seen}
            there = {id: view.get(id) for id in done}
            refused |= {
                id: "changed" for id, one in there.items() if one is None or (one.version, one.label) != was[id]
            }
            refused |= _written(store, act.connection, {id: news[id] for id in done if id not in refused}, by=by)
            done = [id for id in done if id not in refused]
            store.record_many(act.connection, by, "tag", done, {"tag": text, "off": off})
    return Tagged(
        done=tuple(done),
        unchanged=unchanged,
        refused=refused,
        gets={name: forms for name, forms in after.items() if forms},
        changes={
            name: moved
            for name, was in before.items()
            if (
                moved := tuple(
                    Moved(id, was.get(id), after[name].get(id)) for id in done if was.get(id) != after[name].get(id)
                )
            )
        },
    )


def _why_not(store: Store, stored: Stored, data: dict[str, Any], off: bool) -> Why | None:
    """Why nobody here makes a version of an object."""
    own = stored.source == store.own_source().name
    if own and stored.cut:
        return "part"
    if (why := unversionable(store, data, own=own)) is not None:
        return why
    if stored.type in _KEPT_AS_THEY_ARE:
        return "unversioned"
    selectors = (one for marking in data.get("granular_markings", ()) for one in marking.get("selectors", ()))
    if off and any(one.partition(".")[0] == "labels" for one in selectors):
        return "marked"  # a mark on one of the tags would come to stand on another
    return "full" if not off and len(data.get("labels", ())) >= MOST_TAGS else None


def _changed(store: Store, stored: Stored, data: Mapping[str, Any], text: str, off: bool) -> dict[str, Any]:
    """The next version."""
    tags = [one for one in data.get("labels", ()) if one != text] + ([] if off else [text])
    new = {**data, "modified": to_text(next_version(store, stored.version)), "labels": tags}
    return new if tags else {key: value for key, value in new.items() if key != "labels"}


def _written(
    store: Store,
    connection: Connection,
    news: Mapping[str, tuple[dict[str, Any], Label]],
    *,
    by: str,
) -> dict[str, Why]:
    """Store versions, each under the label that the one before has; why some of them are not.

    One that somebody labelled by hand has another label than its bytes state: the new one gets it so, too.
    """
    failed: dict[str, Why] = {}
    by_label: dict[Label, list[dict[str, Any]]] = defaultdict(list)
    for data, label in news.values():
        by_label[label].append(data)
    for label, some in by_label.items():
        # Whoever may write may: the label stays that of the version it was made of.
        writer = store.writer(store.own_source(), label=label)
        outcomes = list(writer.add(iter_objects(msgspec.json.encode(some))))
        for data, outcome in zip(some, outcomes, strict=True):
            if outcome.status == "failed":
                failed[data["id"]] = "refused"
            elif _label_of(store, connection, data["id"]) != label:
                store.relabel(data["id"], label, by=by, version=outcome.version)
    return failed


def _label_of(store: Store, connection: Connection, id: str) -> Label:
    sql = (
        "select o.label from ident i join object o on o.ident=i.n where i.space=0 and i.id=? order by o.n desc limit 1"
    )
    (n,) = connection.execute(sql, (id,)).fetchone()
    return store.interned.label_of(connection, n)


__all__ = ["MOST_TAG", "MOST_TAGS", "Tagged", "Why", "checked", "tag"]
