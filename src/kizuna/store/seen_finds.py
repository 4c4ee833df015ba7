"""Withheld texts in what would leave for a partner, as one of one's own people sees it, and letting them.

What the scans hold (`finds`) rests on what an asker may not see: on who else says a text openly, and on how much there was to look
for. So it is looked anew here, through what the asker sees of the objects they name and of what stands close to these, whatever is held
in truth. A text is told where they see all of what it is withheld with, whether or not an older version tells it to the partner.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kizuna.errors import NodeBusy, NotFound
from kizuna.labels import Principal
from kizuna.store.clearing import SHORT, Found, Held
from kizuna.store.database import Connection
from kizuna.store.finds import digest_of
from kizuna.store.outbox import recipient_of
from kizuna.store.recipients import Recipient
from kizuna.store.scan import Scan, said_openly, withheld_texts
from kizuna.store.seen_outbox import SeenOutbox
from kizuna.store.two_people import releaser

if TYPE_CHECKING:
    from kizuna.store.store import Store

Json = dict[str, Any]
MOST_AROUND = 2_000
"""Objects around those that are asked about."""


class SeenFinds:
    """The scan of what somebody sees; `by` is their name."""

    def __init__(self, store: Store, principal: Principal, *, by: str) -> None:
        self._store = store
        self._principal = principal
        self._by = by

    def found(self, partner: str, ids: Sequence[str]) -> list[Found]:
        """The texts that are withheld from a partner and stand in what would leave of these ids, in alphabetical order.

        Raises NotFound, and NodeBusy where too much stands around them.
        """
        with self._store.database.snapshot() as reader:
            return self._found(reader, recipient_of(self._store, reader, partner), ids)

    def clear(self, partner: str, ids: Sequence[str], digests: Sequence[str]) -> list[Found]:
        """Let texts that are found in these ids stand in what leaves to a partner, from now on.

        Who asks is a releaser who has just shown who they are, `digests` are the first letters of what `found` tells. Whatever was held for
        these texts, named or not, is looked through anew. Raises NotFound, Refused, NodeBusy.
        """
        by = releaser(self._store, self._by)
        with self._store.act() as act:
            recipient = recipient_of(self._store, act.connection, partner)
            texts = _meant(self._found(act.connection, recipient, ids), digests)
            held: set[str] = set()
            for one in texts:
                digest = digest_of(one.text)
                sql = "select i.id from find d join ident i on i.n=d.ident where d.recipient=? and d.digest=?"
                held |= {id for (id,) in act.connection.execute(sql, (recipient.n, digest))}
                act.connection.execute(
                    "insert into cleared values (?,?,?,?) on conflict do nothing", (recipient.n, digest, act.now, by)
                )
                detail = {"partner": recipient.partner.name, "text": one.digest}
                self._store.record(act.connection, by, "release.clear", one.of, detail)
            act.cleared(recipient, sorted(held))
        return texts

    def _found(self, connection: Connection, recipient: Recipient, ids: Sequence[str]) -> list[Found]:
        looking = _Looking(self._store, connection, recipient, self._principal)
        return looking.found(list(dict.fromkeys(ids)))


class _Looking:
    """One moment of a store, for one partner, as somebody sees it."""

    def __init__(self, store: Store, connection: Connection, recipient: Recipient, principal: Principal) -> None:
        self._connection = connection
        self._recipient = recipient
        self._sees = store.mask(principal)
        self._outbox = SeenOutbox(store, connection, recipient, principal)

    def found(self, ids: Sequence[str]) -> list[Found]:
        """As `SeenFinds.found`."""
        asked = set(self._outbox.seen(ids))
        near = self._around(asked)
        self._outbox.items(sorted(asked | near))
        leaving = {id: data for id in sorted(asked) if (data := self._outbox.leaving(id)) is not None}
        texts = self._texts(asked, near, leaving)
        hits = Scan(texts).hits(leaving) if texts else {}
        openly = {text for id, some in hits.items() for text in said_openly(leaving[id], some)}
        openly |= {text for text in texts if digest_of(text) in self._cleared()} if hits else set()
        held: dict[str, list[Held]] = defaultdict(list)
        for id, some in hits.items():
            first: dict[str, str] = {}
            for hit in some:
                if hit.text not in openly:
                    first.setdefault(hit.text, hit.path)
            for text, path in first.items():
                held[text].append(Held(id=id, path=path))
        return [
            Found(digest=digest_of(text).hex(), text=text, of=texts[text], held=tuple(held[text])) for text in sorted(held)
        ]  # fmt: skip

    def _around(self, ids: Collection[str]) -> set[str]:
        """What refers to these, and what either refers to, as far as it is seen."""
        referrers = self._linked("e.target=i.n", "m.n=e.object", "m.n=o.n", ids)
        return referrers | self._linked("e.object=m.n", "m.ident=i.n", "o.ident=e.target", {*ids, *referrers})

    def _linked(self, edge: str, from_row: str, to_row: str, ids: Collection[str]) -> set[str]:
        """Ids one reference away; what the reference stands in is seen, too, and so is the reference."""
        seen = (self._sees.sql(self._connection, column) for column in ("e.label", "m.least", "o.least"))
        start = (
            "edge e on {0} cross join object m on {1}"
            if edge.startswith("e.target")
            else "object m on {1} cross join edge e on {0}"
        )
        sql = (
            f"select distinct o.id from ident i cross join {start.format(edge, from_row)} cross join object o on {to_row} "
            f"where i.space=0 and i.id in (select atom from json_each(?)) and {' and '.join(seen)} "
            "and m.hidden=0 and o.hidden=0 and o.space=0 limit ?"
        )
        found = {id for (id,) in self._connection.execute(sql, (json.dumps(sorted(ids)), MOST_AROUND + 1))}
        if len(found) > MOST_AROUND:
            raise NodeBusy("what was asked for rests on too many objects; ask for less")
        return found

    def _texts(self, asked: Collection[str], near: Collection[str], leaving: Mapping[str, Json]) -> dict[str, str]:
        """What is withheld from the partner with these, each text with the first id that it is withheld with."""
        found: dict[str, str] = {}
        for id in sorted({*asked, *near}):
            closed = self._outbox.closed(id)
            remaining = (leaving.get(id) if id in asked else self._outbox.leaving(id, out=True)) if closed else None
            for data in closed:
                for text in withheld_texts(data, remaining):
                    found.setdefault(text, id)
        return found

    def _cleared(self) -> set[bytes]:
        rows = self._connection.execute("select digest from cleared where recipient=?", (self._recipient.n,))
        return {bytes(digest) for (digest,) in rows}


def _meant(found: Sequence[Found], digests: Sequence[str]) -> list[Found]:
    meant: dict[str, Found] = {}
    for digest in digests:
        some = [one for one in found if len(digest) >= SHORT and one.digest.startswith(digest.lower())]
        if len(some) != 1:
            raise NotFound("no text of this digest is found in these objects")
        meant[some[0].digest] = some[0]
    return list(meant.values())
