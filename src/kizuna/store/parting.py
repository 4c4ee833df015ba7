"""Keeping renditions right: which a partner may have now, worked out anew in the act that changed what they rest on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna.labels import Label, mark
from kizuna.stix import BUILTIN, check
from kizuna.stix.builtin import RENDITION_EXTENSION
from kizuna.store.database import Connection
from kizuna.store.outgoing import Outgoing
from kizuna.store.plan import Plan
from kizuna.store.recipients import Recipient
from kizuna.store.rendition_rows import One, moment_text, version
from kizuna.store.renditions import Made

if TYPE_CHECKING:
    from kizuna.store.act import Act
    from kizuna.store.store import Store

MOST = 50_000
_FED = "object o cross join feed f indexed by feed_ident on f.ident=o.ident and f.object=o.n"
"""A row in feeds, by its id: of a recipient alone SQLite would read all of one."""

_STATED = frozenset({"type", "spec_version", "id", "created", "created_by_ref"})
_THESE = "(select value from json_each(?))"


class Parting:
    """The renditions of one partner inside an act."""

    def __init__(self, store: Store, act: Act, recipient: Recipient) -> None:
        self._store = store
        self._act = act
        self._connection: Connection = act.connection
        self._recipient = recipient
        self._rows = act.rendition_rows

    def refresh(self, idents: Iterable[int], *, all_below: bool = False, if_entire: Collection[int] = ()) -> None:
        """Work out anew what leaves in part of these ids, with `all_below` of all they rest on as well, and let feeds follow.

        Of the ids `if_entire` only what leaves uncut.
        """
        wanted = sorted({*idents, *if_entire})
        if not wanted:
            return
        outgoing = Outgoing(self._store, self._connection, self._recipient, at=self._act.now, known=self._act.known)
        plan = Plan(outgoing, wanted)
        if all_below:
            wanted = sorted({*wanted, *(row.ident for row in plan.in_part())})
        made = self._store.maker.make(plan, wanted, self._act.written)
        made = {ident: one for ident, one in made.items() if one.entire or ident not in if_entire}
        before = self._parts(wanted)
        gone: dict[int, int] = {}
        rows = dict(zip(made, self._rows.of(list(made.values())), strict=True))
        for ident in wanted:
            had = before.get(ident)
            if had is not None and had != rows.get(ident):
                gone[had] = ident
        self._keep([(rows[ident], ident, one) for ident, one in made.items()])
        last = [n for had, ident in gone.items() if (n := self._last(had, ident, made.get(ident), plan)) is not None]
        for had in gone:
            self._connection.execute("delete from part where recipient=? and row=?", (self._recipient.n, had))
        self._act.withheld(self._recipient, list(gone))
        self._act.released(self._recipient, [], along=last)

    def _last(self, had: int, ident: int, made: Made | None, plan: Plan) -> int | None:
        """The last version of a rendition that another, or the whole, takes the place of: revoked, it names that.

        It says nothing that may not be seen now. None where it never left, nothing takes its place, or it is no valid object so.
        """
        sql = f"select b.raw from {_FED} cross join body b on b.n=o.n where f.recipient=? and o.n=? and f.live=1"
        found = self._connection.execute(sql, (self._recipient.n, had)).fetchone()
        if found is None:
            return None
        old = msgspec.json.decode(found[0])
        row = plan.whole_of(ident)
        if made is not None:
            now, successor, label, of = made.data, str(made.data["id"]), made.label, made.original
        elif row is not None and self._is_live(row.n):
            now, successor, of = msgspec.json.decode(self._raw(row.n)), row.id, row
            label = self._store.interned.label_of(self._connection, row.whole_label)
        else:
            return None
        if successor == old["id"] or "modified" not in old:
            return None
        data = {
            **{key: value for key, value in old.items() if key in _STATED},
            "revoked": True,
            "modified": moment_text(max(self._act.now, version(old) or 0) + 1_000),
            "object_marking_refs": old["object_marking_refs"] if made is None else made.data["object_marking_refs"],
            "extensions": {RENDITION_EXTENSION: {"extension_type": "property-extension", "successor": successor}},
        }
        # Nothing but what it cannot be without: what it says it goes on saying, whatever is closed later.
        for key in _lacking(data) & old.keys():
            if (told := _both(old[key], now.get(key))) is not None:
                data[key] = told
        if _lacking(data):
            return None
        (n,) = self._rows.stored([One(data, label, of.area)])
        self._rows.forget()
        self._connection.execute("insert into rendition values (?,?) on conflict do nothing", (n, of.n))
        self._put([(self._recipient.n, n, 0, of.n, 0, 0)])
        return n

    def offer(self, idents: Iterable[int]) -> None:
        """Let renditions of these ids enter that rules or people let out, and end those that they do not any more."""
        rows = list(self._parts(sorted(set(idents))).values())
        gate = self._act.gate(self._recipient)
        let_out = gate.covered(rows)
        self._act.withheld(self._recipient, [n for n in rows if n not in let_out])
        self._act.released(self._recipient, sorted(let_out), along=self._definitions(sorted(let_out)))

    def own(self, data: dict[str, Any]) -> int:
        """Store something of this node's own that only this partner may have; gives its row."""
        label = own_label(data, self._store)
        (n,) = self._rows.stored([One(data, label, None, alone=True)])  # ids in it are those that the partner knows
        self._connection.execute("insert into rendition values (?,null) on conflict do nothing", (n,))
        self._put([(self._recipient.n, n, 0, 0, 0, 0)])
        return n

    def known(self) -> set[int]:
        """Ids of which something leaves in part, or that people proposed."""
        mine = (self._recipient.n,)
        parts = "select distinct ident from part where recipient=? and ident<>0"
        asked = (
            "select distinct o.ident from proposal p join object o on o.n=p.object where p.recipient=? and o.hidden=0"
        )
        return {ident for sql in (parts, asked) for (ident,) in self._connection.execute(sql, mine)}

    def unstated(self, seen: Collection[int] | None) -> dict[int, int]:
        """Rows that may leave restated, with their ids, of what leads to these ids, or of all there is.

        Each would leave whole by its label and does not, since its bytes do not state that, or what it refers to leaves otherwise.
        """
        live = f"select 1 from feed f indexed by feed_ident where f.recipient={self._recipient.n:d} and f.ident={{0}} and f.live=1"
        itself = f"({live.format('o.ident')} and f.object=o.n)"
        waits = (
            "exists (select 1 from edge e cross join object t on t.ident=e.target where e.object=o.n and t.hidden=0 "
            f"and not exists ({live.format('e.target')}))"
        )
        if seen is not None and len(near := self._leading_to(seen)) <= MOST:
            start, these = "json_each(?) j cross join object o on o.ident=j.value", [json.dumps(sorted(near))]
        else:
            start, these = "object o", []
        rows = self._connection.execute(
            f"select o.n, o.ident, o.whole, o.area from {start} where o.hidden=0 and o.space=0 and not exists {itself} "
            f"and (o.unstated=1 or {waits})",
            these,
        ).fetchall()
        masks = self._act.masks(self._recipient)
        return {n: ident for n, ident, whole, area in rows if masks(whole, area, ident, n)}

    def _leading_to(self, idents: Collection[int]) -> set[int]:
        """These ids and all that leads to them through rows that are not in the feed whole; once they are too many, some of it."""
        found, frontier = set(idents), set(idents)
        while frontier and len(found) <= MOST:
            frontier = self._near(frontier) - found
            found |= frontier
        return found

    def _near(self, idents: Collection[int]) -> set[int]:
        """What refers to these ids and is not in the feed whole."""
        live = (
            f"select 1 from feed f indexed by feed_ident where f.recipient={self._recipient.n:d} and f.ident=o.ident "
            "and f.object=o.n and f.live=1"
        )
        sql = (
            "select distinct o.ident from json_each(?) j cross join edge e on e.target=j.value cross join object o on o.n=e.object "
            f"where o.hidden=0 and not exists ({live})"
        )
        return {ident for (ident,) in self._connection.execute(sql, (json.dumps(sorted(idents)),))}

    def affected(self, touched: set[int], moved: set[int]) -> set[int]:
        """The known ids whose renditions may be others now: the touched ones, and whatever leads to what changed.

        What leads to it through what is in the feed whole rests on something else. Where that is too much, it is all that are known.
        """
        known = self.known()
        seen = touched | moved
        found, frontier = known & seen, seen
        while frontier and len(found) < len(known):
            if len(seen) > MOST:
                return known
            near = self._near(frontier) - seen
            seen |= near
            found |= near & known
            frontier = near
        return found

    def _parts(self, idents: Sequence[int]) -> dict[int, int]:
        sql = f"select ident, row from part where recipient=? and ident in {_THESE}"
        return dict(self._connection.execute(sql, (self._recipient.n, json.dumps(list(idents)))).fetchall())

    def _definitions(self, rows: Sequence[int]) -> list[int]:
        """The marking definitions of ours that state the labels of these renditions."""
        sql = (
            "select distinct p.row from edge e join object o on o.ident=e.target join part p on p.row=o.n "
            f"where p.recipient=? and p.ident=0 and e.object in {_THESE}"
        )
        return [n for (n,) in self._connection.execute(sql, (self._recipient.n, json.dumps(list(rows))))]

    def _keep(self, several: Sequence[tuple[int, int, Made]]) -> None:
        """Note rows, and of which ids they are, as what the partner may have now."""
        mine = self._recipient.n
        self._put(
            [(mine, row, ident, m.original.n, m.original.whole_label, int(m.entire)) for row, ident, m in several]
        )
        self._put([(mine, row, 0, 0, 0, 0) for row in self._rows.definitions([made for _, _, made in several])])

    def _put(self, said: Sequence[tuple[int, int, int, int, int, int]]) -> None:
        self._connection.executemany(
            "insert into part(recipient,row,ident,original,whole,entire) values (?,?,?,?,?,?) "
            "on conflict(recipient, row) do update set ident=excluded.ident, "
            "original=excluded.original, whole=excluded.whole, entire=excluded.entire",
            said,
        )
        self._act.ask_anew(self._recipient)

    def row(self, made: Made) -> int:
        """The row of a rendition, which is stored when there is none."""
        (n,) = self._rows.of([made])
        return n

    def _is_live(self, n: int) -> bool:
        sql = f"select 1 from {_FED} where f.recipient=? and o.n=? and f.live=1 limit 1"
        return self._connection.execute(sql, (self._recipient.n, n)).fetchone() is not None

    def _raw(self, n: int) -> bytes:
        return bytes(self._connection.execute("select raw from body where n=?", (n,)).fetchone()[0])


def own_label(data: dict[str, Any], store: Store) -> Label:
    """The label that something of this node's own states by definitions that every node knows."""
    return mark(data, BUILTIN.get, originator=store.organisation).label


def _lacking(data: dict[str, Any]) -> set[str]:
    """Top-level properties of which the standard says that something is wrong with them, or with their absence."""
    paths = {problem.path for problem in check(data) if problem.severity == "error"}
    return {path.partition(".")[0].partition("[")[0] for path in paths}


def _both(old: Any, now: Any) -> Any:
    """What a property said and says still; None where that is nothing."""
    if isinstance(old, list) and isinstance(now, list):
        return [member for member in old if member in now] or None
    return old if old == now else None
