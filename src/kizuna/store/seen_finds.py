"""Withheld texts in what would leave for a partner, as one of one's own people sees it, and letting them.

What the scans hold (`finds`) rests on what an asker may not see: on who else says a text openly, and on how much there was to look
for. So it is looked anew here, through what the asker sees of the objects they name and of what stands close to these, whatever is held
in truth. A text is told where they see all of what it is withheld with, whether or not an older version tells it to the partner.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kizuna.errors import NodeBusy, NotFound
from kizuna.labels import Label, Principal
from kizuna.store.clearing import SHORT, Found, Held
from kizuna.store.database import Connection
from kizuna.store.finds import LABEL_AND_AREA, OF_WHICH, digest_of
from kizuna.store.outbox import recipient_of
from kizuna.store.recipients import Recipient
from kizuna.store.scan import Scan, said_openly, withheld_texts
from kizuna.store.seen_outbox import SeenOutbox
from kizuna.store.two_people import releaser

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.store import Store

Json = dict[str, Any]
Under = tuple[Label, str | None]
"""A label and an area."""

MOST_AROUND = 2_000
"""Objects around those that are asked about."""


class _Withheld(NamedTuple):
    """The first id with which a text is withheld, and under which labels and areas it is."""

    of: str
    under: set[Under]


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

        Who asks is a releaser who has just shown who they are, `digests` are the first letters of what `found` tells. Their word counts
        under the labels that they see here: for what is under one of these, and withheld with what is under one of these. What else was
        held for these texts stays held, and they are told the same. Raises NotFound, Refused, NodeBusy.
        """
        by = releaser(self._store, self._by)
        with self._store.act() as act:
            recipient = recipient_of(self._store, act.connection, partner)
            looking = _Looking(self._store, act.connection, recipient, self._principal)
            texts = _meant(looking.found(list(dict.fromkeys(ids))), digests)
            held: set[str] = set()
            for one in texts:
                digest = digest_of(one.text)
                rows = [(recipient.n, digest, *under, act.now, by) for under in sorted(self._under(act, looking, one))]
                act.connection.executemany(
                    "insert into cleared_under values (?,?,?,?,?,?,?,?) on conflict do nothing", rows
                )
                held |= _held_under(act.connection, recipient.n, digest)
                detail = {"partner": recipient.partner.name, "text": one.digest}
                self._store.record(act.connection, by, "release.clear", one.of, detail)
            act.cleared(recipient, sorted(held))
        return texts

    def _under(self, act: Act, looking: _Looking, one: Found) -> set[tuple[int, int, int, int]]:
        """The labels and areas, of what it was found in and of what it is withheld with, under which somebody sees a text."""

        def numbers(under: Under) -> tuple[int, int]:
            label, area = under
            interned = self._store.interned
            return interned.label(act.connection, label), 0 if area is None else interned.name(
                act.connection, "area", area
            )

        return {(*numbers(of), *numbers(with_)) for of, with_ in looking.labels_of(one)}

    def _found(self, connection: Connection, recipient: Recipient, ids: Sequence[str]) -> list[Found]:
        looking = _Looking(self._store, connection, recipient, self._principal)
        return looking.found(list(dict.fromkeys(ids)))


class _Looking:
    """One moment of a store, for one partner, as somebody sees it."""

    def __init__(self, store: Store, connection: Connection, recipient: Recipient, principal: Principal) -> None:
        self._store = store
        self._connection = connection
        self._recipient = recipient
        self._under: dict[str, set[Under]] = {}
        self._sees = store.mask(principal)
        self._outbox = SeenOutbox(store, connection, recipient, principal)

    def found(self, ids: Sequence[str]) -> list[Found]:
        """As `SeenFinds.found`."""
        asked = set(self._outbox.seen(ids))
        near = self._around(asked)
        self._outbox.items(sorted(asked | near))
        leaving = {id: data for id in sorted(asked) if (data := self._outbox.leaving(id)) is not None}
        texts = self._texts(asked, near, leaving)
        self._under = {text: one.under for text, one in texts.items()}
        hits = Scan(texts).hits(leaving) if texts else {}
        openly = {text for id, some in hits.items() for text in said_openly(leaving[id], some)}
        cleared = self._cleared({hit.text for some in hits.values() for hit in some})
        held: dict[str, list[Held]] = defaultdict(list)
        for id, some in hits.items():
            first: dict[str, str] = {}
            for hit in some:
                if hit.text not in openly and not self._is_let(cleared[hit.text], id, texts[hit.text].under):
                    first.setdefault(hit.text, hit.path)
            for text, path in first.items():
                held[text].append(Held(id=id, path=path))
        return [
            Found(digest=digest_of(text).hex(), text=text, of=texts[text].of, held=tuple(held[text])) for text in sorted(held)
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

    def labels_of(self, one: Found) -> set[tuple[Under, Under]]:
        """Under which label and area a text was found, each with those that it is withheld under."""
        of = {under for each in one.held if (under := self._outbox.label_and_area(each.id)) is not None}
        return {(under, with_) for under in of for with_ in self._under[one.text]}

    def _texts(
        self, asked: Collection[str], near: Collection[str], leaving: Mapping[str, Json]
    ) -> dict[str, _Withheld]:
        """What is withheld from the partner with these, each text with the first id that it is withheld with, and under which labels."""
        found: dict[str, _Withheld] = {}
        for id in sorted({*asked, *near}):
            closed = self._outbox.closed(id)
            remaining = (leaving.get(id) if id in asked else self._outbox.leaving(id, out=True)) if closed else None
            for data, under in closed:
                for text in withheld_texts(data, remaining):
                    found.setdefault(text, _Withheld(id, set())).under.add(under)
        return found

    def _cleared(self, texts: Collection[str]) -> dict[str, set[tuple[Under, Under]] | None]:
        """For each text where people let it, of what and withheld with what; None: wherever it stands."""
        found: dict[str, set[tuple[Under, Under]] | None] = {}
        for text in texts:
            mine = (self._recipient.n, digest_of(text))
            if self._connection.execute("select 1 from cleared where recipient=? and digest=?", mine).fetchone():
                found[text] = None
                continue
            sql = "select label, area, withheld_label, withheld_area from cleared_under where recipient=? and digest=?"
            rows = self._connection.execute(sql, mine).fetchall()
            found[text] = {(self._named(*row[:2]), self._named(*row[2:])) for row in rows}
        return found

    def _named(self, label: int, area: int) -> Under:
        interned, connection = self._store.interned, self._connection
        return interned.label_of(connection, label), interned.name_of(connection, "area", area) if area else None

    def _is_let(self, cleared: set[tuple[Under, Under]] | None, id: str, under: Collection[Under]) -> bool:
        """Whether people let a text in what the asker sees of this id, whatever they see that it is withheld with."""
        if cleared is None:
            return True
        of = self._outbox.label_and_area(id) if cleared else None
        return of is not None and all((of, with_) in cleared for with_ in under)


def _held_under(connection: Connection, recipient: int, digest: bytes) -> set[str]:
    """What is held for a text that somebody let, under labels for which they did."""
    sql = (
        f"with held as (select h.n, {LABEL_AND_AREA} from object h {OF_WHICH} "
        "where h.n in (select object from find where recipient=? and digest=?)) "
        "select distinct i.id from find d join held h on h.n=d.object join object w on w.n=d.withheld join ident i on i.n=d.ident "
        "join cleared_under c on c.recipient=d.recipient and c.digest=d.digest and c.label=h.label and c.area=h.area "
        "and c.withheld_label=w.whole and c.withheld_area=coalesce(w.area,0) where d.recipient=? and d.digest=?"
    )
    return {id for (id,) in connection.execute(sql, (recipient, recipient, digest, recipient, digest))}


def _meant(found: Sequence[Found], digests: Sequence[str]) -> list[Found]:
    meant: dict[str, Found] = {}
    for digest in digests:
        some = [one for one in found if len(digest) >= SHORT and one.digest.startswith(digest.lower())]
        if len(some) != 1:
            raise NotFound("no text of this digest is found in these objects")
        meant[some[0].digest] = some[0]
    return list(meant.values())
