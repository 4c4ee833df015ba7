"""What one partner may read, in the order it became visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kizuna.store.model import Page, Query, Row
from kizuna.store.shelf import conditions, cut, version_condition

if TYPE_CHECKING:
    from kizuna.store.recipients import Recipient
    from kizuna.store.store import Store

_FIRST = (
    "not exists (select 1 from feed g indexed by feed_ident join object p on p.n=g.object "
    "where g.recipient=f.recipient and g.ident=f.ident and g.live=1 and (p.version<o.version or (o.version is null and g.added<f.added)))"
)


class Feed:
    """The rows of one partner's feed. Filled when an act made them visible; reading decides nothing."""

    def __init__(self, store: Store, recipient: Recipient, space: str) -> None:
        self._store = store
        self._recipient = recipient
        self._space = space

    @property
    def stopped(self) -> bool:
        """Whether nothing of it leaves until an operator confirms the partner (`epochs`)."""
        return self._recipient.stopped is not None

    def read(self, query: Query, position: int, limit: int) -> Page:
        """At most `limit` rows added after `position` (the `added` of the last row read), fewer when they are large."""
        reader = self._store.database.read()
        types = [self._store.interned.find(reader, "term", name) for name in query.types]
        space = self._store.interned_space(reader, self._space)
        where, values = conditions(query, types, added="f.added", ident="f.ident", space=space)
        which, exact = version_condition(query, first=_FIRST, last="f.last=1", added="f.added")
        # A few ids start from the ids, everything else from the feed's order.
        index = "indexed by feed_ident" if query.ids else ""
        sql = (
            f"select f.added, f.added, o.id, o.version, {{raw}}, b.n from feed f {index} join object o on o.n=f.object "
            f"join body b on b.n=f.object where f.recipient=? and f.added>? and f.live=1 and o.space=? "
            f"and {' and '.join([which, *where])} order by f.added limit ?"
        )
        parameters = (self._recipient.n, position, space, *exact, *values, limit + 1)
        found, full = cut(reader.with_bodies(sql, parameters, n=5, raw=4), raw=4)
        more = full or len(found) > limit
        rows = [Row._make(row[:5]) for row in found[:limit] if row[4]]  # else it was destroyed meanwhile
        if more and not rows:
            return self.read(query, found[:limit][-1][0], limit)
        return Page(rows, more)

    def versions(self, id: str, query: Query, position: int, limit: int) -> Page:
        """Every version of one id that this partner has."""
        wanted = Query(ids=(id,), versions=("all",), spec_versions=query.spec_versions, after=query.after)
        return self.read(wanted, position, limit)

    def count(self) -> int:
        """How many live rows the feed holds."""
        sql = "select count(*) from feed where recipient=? and live=1"
        return int(self._store.database.read().execute(sql, (self._recipient.n,)).fetchone()[0])

    def waiting(self) -> list[tuple[str, str]]:
        """(object, what it waits for) of rows held back by a reference: for one's own people, never for the partner."""
        sql = (
            "select o.id, i.id from waiting w join object o on o.n=w.object join ident i on i.space=o.space and i.n=w.target "
            "where w.recipient=? order by o.n"
        )
        return self._store.database.read().execute(sql, (self._recipient.n,)).fetchall()
