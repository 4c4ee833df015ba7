"""One act of somebody: a writing transaction that leaves every feed right when it commits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kizuna.labels import Principal, label_changes
from kizuna.store.database import Connection
from kizuna.store.feeds import Feeds, mentioned
from kizuna.store.finds import Finds
from kizuna.store.gate import HOUR, Gate, hold
from kizuna.store.label_consents import follow, given_now
from kizuna.store.model import Change, Source
from kizuna.store.moves import Moves
from kizuna.store.outgoing import Known
from kizuna.store.parting import Parting
from kizuna.store.recipients import Masks, Recipient, read_groups, read_recipients
from kizuna.store.relabelling import label_naming, label_since
from kizuna.store.rendition_rows import RenditionRows
from kizuna.store.renditions import Written
from kizuna.store.returned import MACHINE, label_returned
from kizuna.store.rows import get_meta, note_definitions, set_meta
from kizuna.store.standing import Rule, read_rules
from kizuna.store.stated import ask_again, note_stated
from kizuna.store.translations import label_translations

if TYPE_CHECKING:
    from kizuna.store.store import Store

NEVER = 2**62
_BY_BYTES = (("unstated is distinct from 1", 0), ("unstated=1", 1))
"""Rows whose bytes state their label, and those whose do not."""


class Act:
    """The transaction's connection, its moment, and what it does to feeds."""

    def __init__(self, store: Store, connection: Connection, moves: Moves | None = None) -> None:
        self.connection = connection
        self._moves = moves
        self.now = store.clock()
        self._store = store
        self._opened: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._masks: dict[int, Masks] = {}
        self._gates: dict[int, Gate] = {}
        self._rules: list[Rule] | None = None
        self._touched: set[int] = set()  # rows
        self.known: Known = {}
        self.written: Written = {}
        self.rendition_rows = RenditionRows(store, connection, self.now)
        self._lost: set[int] = set()  # ids of which nothing is left
        self._moved: dict[int, set[int]] = defaultdict(set)  # by recipient, ids that entered or ended
        self._anew: set[int] = set()  # recipients for whom much may be different
        self._entered: dict[int, dict[int, int]] = defaultdict(dict)  # by recipient, rows, and when
        self._freed: dict[int, set[int]] = defaultdict(set)  # by recipient, rows that held a text that was found
        self._finds: Finds | None = None
        self.recipients = store.recipients(connection)
        self.settle()

    def offer(self, objects: Sequence[int]) -> None:
        """Let rows into every feed whose partner may have them."""
        if not objects:
            return
        self._touched |= set(objects)
        label_returned(self._store, self.connection, objects)
        translations = label_translations(self._store, self.connection, objects)
        self._note_stated(objects)
        mentions = mentioned(self.connection, objects)
        for recipient in self.recipients:
            with self._feeds(recipient) as feeds:
                self._count(self._opened, recipient, feeds.offer(objects))
                if mentions:
                    self._count(self._ended, recipient, feeds.hold_back(mentions))
        self._reconsider(list(set(translations) - set(objects)))

    def reconsider(self, objects: Sequence[int]) -> None:
        """Rows whose label or visibility changed: end them where they may no longer be, offer them where they may.

        What translates them follows.
        """
        self._reconsider([*objects, *label_translations(self._store, self.connection, objects)])

    def _reconsider(self, objects: Sequence[int]) -> None:
        if not objects:
            return
        self._touched |= set(objects)
        self._note_stated(objects)
        rows = self.connection.execute(
            "select n, ident, whole, area, unstated, hidden from object where n in (select value from json_each(?))",
            (json.dumps(list(objects)),),
        ).fetchall()
        for recipient in self.recipients:
            masks = self.masks(recipient)
            may = [
                n
                for n, ident, whole, area, unstated, hidden in rows
                if not hidden and masks(whole, area, ident, n, unstated)
            ]
            let_out = self.gate(recipient).covered(may)
            with self._feeds(recipient) as feeds:
                self._count(self._ended, recipient, feeds.end([n for n, *_ in rows if n not in let_out]))
                self._count(self._opened, recipient, feeds.offer([n for n in may if n in let_out]))

    def _note_stated(self, objects: Sequence[int] | None = None) -> None:
        """Where a partner asks, note of rows that were labelled anew whether their bytes state it."""
        if any(recipient.restates for recipient in self.recipients):
            note_stated(self._store, self.connection, objects)

    def ask_anew(self, recipient: Recipient) -> None:
        """What people did, or what may leave in part, is another by now."""
        self._gates.pop(recipient.n, None)

    def released(self, recipient: Recipient, objects: Sequence[int], along: Sequence[int] = ()) -> None:
        """Let rows into one feed that people or a rule let leave from now on; what only goes `along` is not counted."""
        self.ask_anew(recipient)
        with self._feeds(recipient) as feeds:
            opened = feeds.offer([*along, *objects])
            self._count(self._opened, recipient, opened - len(feeds.entered.keys() & set(along)))

    def withheld(self, recipient: Recipient, objects: Sequence[int]) -> None:
        """Take rows out of one feed, by people's word."""
        self.ask_anew(recipient)
        with self._feeds(recipient) as feeds:
            self._count(self._ended, recipient, feeds.end(objects))

    def deliver(self, recipient: Recipient, data: dict[str, Any], *, counted: bool = True) -> None:
        """Put something of this node's own, for one partner alone, into its feed."""
        row = Parting(self._store, self, recipient).own(data)
        self.released(recipient, [row] if counted else [], along=[] if counted else [row])

    def hold_again(self, recipient: Recipient, ids: Sequence[str]) -> None:
        """Hold back from a partner what it says was withdrawn from it; ids as it knows them."""
        if not ids:
            return
        sql = (
            "select distinct coalesce(x.ident, o.ident) from ident i join object o on o.ident=i.n left join rendition m on m.row=o.n "
            "left join object x on x.n=m.original where i.space=0 and i.id in (select atom from json_each(?))"
        )
        idents = [ident for (ident,) in self.connection.execute(sql, (json.dumps(list(ids)),))]
        hold(self.connection, recipient.n, idents, self.now, f"partner:{recipient.partner.name}", "withdrawn")
        parts = f"select row from part where recipient={recipient.n:d} and ident in (select value from json_each(?))"
        rows = [n for (n,) in self.connection.execute(parts, (json.dumps(idents),))]
        self.withheld(recipient, [*self._rows_of(idents), *rows])

    def rules_changed(self) -> None:
        """Let into every feed what rules let leave from now on; what left already stays."""
        self._gates.clear()
        self._rules = None
        for recipient in self.recipients:
            with self._feeds(recipient) as feeds:
                self._count(self._opened, recipient, feeds.offer(self._outside(recipient)))
            self._anew.add(recipient.n)
        self.note_due()

    def _outside(self, recipient: Recipient) -> list[int]:
        """The rows that a recipient may have by their labels and does not."""
        masks = self.masks(recipient)
        pairs = self.connection.execute("select distinct whole, area from object where hidden=0").fetchall()
        live = f"select object from feed where recipient={recipient.n:d} and live=1"
        stated = " and unstated=0" if recipient.restates else ""
        found = self._labelled([pair for pair in pairs if masks(*pair)], f"{stated} and n not in ({live})")
        return found + self._rows_of(consented) if (consented := masks.consented()) else found

    def destroying(self, idents: Sequence[int]) -> None:
        """Take ids out of every feed, before their rows are destroyed."""
        for recipient in self.recipients:
            self._freed[recipient.n] |= self.finds.let_go(recipient.n, idents)
            with self._feeds(recipient) as feeds:
                self._count(self._ended, recipient, feeds.destroy(idents))
        self._lost |= set(idents)

    def destroyed(self, idents: Sequence[int], mentioning: Sequence[int]) -> None:
        """Of these ids nothing is left: what refers to them ends, and what only mentions them may enter."""
        for recipient in self.recipients:
            with self._feeds(recipient) as feeds:
                self._count(self._ended, recipient, feeds.lose(idents))
                self._count(self._opened, recipient, feeds.offer(mentioning))
        self._touched |= set(mentioning)

    def relabelled(self, definitions: Sequence[tuple[int, int]], source: Source) -> None:
        """Label anew the older rows that name marking definitions which a source brought: each (ident, newest row without it)."""
        if definitions:
            note_definitions(self.connection)
            changed = label_naming(self, self._store, definitions, source)
            self.reconsider([*changed, *ask_again(self.connection, definitions)])

    def labelled_too_early(self, first: int, source: Source, known: Mapping[str, dict[str, Any]]) -> None:
        """Label anew a source's rows from one on: marking definitions came or went since their labels were worked out.

        `known` are those of the source that are still to come.
        """
        self.reconsider(label_since(self, self._store, first, source, known))

    def settle(self) -> None:
        """Bring feeds up to dated changes that fell due since they were last settled."""
        if self.now < int(get_meta(self.connection, "due") or NEVER):
            return
        before = int(get_meta(self.connection, "settled") or 0)
        for recipient in self.recipients:
            self.shift(recipient, recipient, before)
            self._offer_capped(recipient)
        sql = (
            "select i.n from consent c join ident i on i.space=0 and i.id=c.subject where c.expires>? and c.expires<=?"
        )
        self._reconsider(self._rows_of([n for (n,) in self.connection.execute(sql, (before, self.now))]))
        self.note_due()

    def changed_recipients(self, old: Sequence[Recipient]) -> None:
        """Partners or groups changed: bring each feed from what the old ones might have to what the new ones may."""
        self.recipients = read_recipients(self.connection, read_groups(self.connection))
        self._masks.clear()
        self._gates.clear()
        if not any(recipient.restates for recipient in old):
            self._note_stated()
        before = {r.n: r for r in old}
        for recipient in self.recipients:
            if before.get(recipient.n) != recipient:
                self.shift(before.get(recipient.n), recipient, self.now)
        self.note_due()

    def shift(self, old: Recipient | None, new: Recipient, at: int) -> None:
        """Offer and end what one recipient may have now but not then, and the reverse."""
        then = None if old is None else Masks(self.connection, self._store.interned, self._holder, old, at)
        masks = self.masks(new)
        ended: list[int] = []
        opened: list[int] = []
        restates = new.restates or (old is not None and old.restates)
        for where, unstated in _BY_BYTES if restates else (("1=1", 0),):
            pairs = self.connection.execute(
                f"select distinct whole, area from object where hidden=0 and {where}"
            ).fetchall()
            for whole, area in pairs:
                was = then is not None and then(whole, area, unstated=unstated)
                may = masks(whole, area, unstated=unstated)
                if was != may:
                    (opened if may else ended).extend(self._labelled([(whole, area)], f" and {where}"))
        with self._feeds(new) as feeds:
            self._count(self._ended, new, feeds.end(ended))
            self._count(self._opened, new, feeds.offer(opened))
        self._anew.add(new.n)
        consented = masks.consented() | (set() if then is None else then.consented())
        if consented:  # their labels say no before and after
            self._reconsider(self._rows_of(consented))

    def note_due(self) -> None:
        """Remember when a membership or a label changes next by date alone."""
        moments = [m for r in self.recipients if (m := r.next_change(self.now)) is not None]
        labels = (label for _, label in self._store.interned.labels(self.connection))
        moments += [m for label in labels if (m := label_changes(label, self.now)) is not None]
        waiting = self.connection.execute("select min(due) from quarantine where due is not null").fetchone()[0]
        if waiting is not None:
            moments.append(waiting)
        if self.connection.execute("select 1 from capped limit 1").fetchone():
            moments.append((self.now // HOUR + 1) * HOUR)
        sql = "select min(expires) from consent where ended is null and expires>?"
        (expires,) = self.connection.execute(sql, (self.now,)).fetchone()
        if expires is not None:
            moments.append(expires)
        set_meta(self.connection, "due", str(min(moments, default=NEVER)))
        set_meta(self.connection, "settled", str(self.now))

    def note_capped(self) -> None:
        """Remember that something waits for the next hour."""
        following = (self.now // HOUR + 1) * HOUR
        if (
            following < int(get_meta(self.connection, "due") or NEVER)
            and self.connection.execute("select 1 from capped limit 1").fetchone()
        ):
            set_meta(self.connection, "due", str(following))

    def note_labels(self) -> None:
        """Remember when a label that is new here changes by date alone; older ones were noted before."""
        noted = int(get_meta(self.connection, "labels_noted") or 0)
        fresh = [n for (n,) in self.connection.execute("select n from label where n>?", (noted,))]
        if not fresh:
            return
        labels = [self._store.interned.label_of(self.connection, n) for n in fresh]
        moments = [m for label in labels if (m := label_changes(label, self.now)) is not None]
        if moments and min(moments) < int(get_meta(self.connection, "due") or NEVER):
            set_meta(self.connection, "due", str(min(moments)))
        set_meta(self.connection, "labels_noted", str(max(fresh)))

    def masks(self, recipient: Recipient) -> Masks:
        """What a recipient may have at the moment of the act."""
        if recipient.n not in self._masks:
            self._masks[recipient.n] = Masks(self.connection, self._store.interned, self._holder, recipient, self.now)
        return self._masks[recipient.n]

    def gate(self, recipient: Recipient) -> Gate:
        """What rules and people let out to a recipient at the moment of the act."""
        if recipient.n not in self._gates:
            if self._rules is None:
                self._rules = read_rules(self.connection)
            self._gates[recipient.n] = Gate(self._store, self.connection, recipient, self._rules, self.now)
        return self._gates[recipient.n]

    def change(self, touched: int) -> Change:
        """What the act did so far, but for what leaves in part."""
        return Change(touched, dict(self._opened), dict(self._ended))

    def done(self, touched: int) -> Change:
        """What the act did, when there is nothing left to do in it."""
        self.finish()
        return self.change(touched)

    def fed(self) -> tuple[int, int] | None:
        """Feed rows opened and ended, of all partners together; None where nothing was."""
        if not (self._opened or self._ended):
            return None
        return sum(self._opened.values()), sum(self._ended.values())

    @property
    def _holder(self) -> Principal:
        return self._store.holder()

    def finish(self) -> None:
        """At the end of the act: work out anew what leaves in part and rests on what it changed, and look through what entered."""
        self.known.clear()  # labels may be others by now
        self.written.clear()
        for recipient in self.recipients:
            self._let_go(recipient)
            self._part(recipient)
            self._look_through(recipient)
            self._follow_consents(recipient)
        for name in sorted(self._finds.partial) if self._finds is not None else ():
            self._store.record(self.connection, MACHINE, "scan.partial", name)
        self._finds = None
        for of in (self._touched, self._lost, self._anew, self._moved):
            of.clear()

    def _follow_consents(self, recipient: Recipient) -> None:
        """Tell of what came under a label that may go on, or came out of one."""
        if given := given_now(self.connection, recipient, self.now):
            anew = recipient.n in self._anew
            moved = None if anew else self._moved[recipient.n] | self._idents(self._touched)
            follow(self._store, self, recipient, given, moved)

    def cleared(self, recipient: Recipient, ids: Sequence[str]) -> None:
        """Look anew, at the end of the act, through what is held for texts that somebody cleared."""
        self._freed[recipient.n] |= self.finds.let_go(recipient.n, self._known(ids))

    @property
    def finds(self) -> Finds:
        """The scans of this act."""
        if self._finds is None:
            self._finds = Finds(self.connection)
        return self._finds

    def _let_go(self, recipient: Recipient) -> None:
        """What was held for what was found in it is looked through anew where the act is about it, or about what was found."""
        rows = self._freed.pop(recipient.n, set())
        if self.gate(recipient).holds_finds:
            anew = recipient.n in self._anew
            if self._touched or anew:
                rows |= self.finds.let_go(recipient.n, self._idents(self._touched), all=anew)
        if rows:
            self.released(recipient, sorted(rows))

    def _look_through(self, recipient: Recipient) -> None:
        while entered := self._entered.pop(recipient.n, {}):
            if not self._store.settings.scan:
                return
            held = self.finds.hold(recipient, self.masks(recipient), self.gate(recipient), list(entered), self._touched)
            if not held:
                return
            self.ask_anew(recipient)
            with self._feeds(recipient) as feeds:  # what enters in their place is looked through in turn
                self._count(self._opened, recipient, -feeds.take_back(held, entered))

    def _part(self, recipient: Recipient) -> None:
        gate = self.gate(recipient)
        restates = recipient.restates and self._is_any_unstated()
        if gate.has_parts or gate.parting or restates:
            parting = Parting(self._store, self, recipient)
            touched = self._idents(self._touched) | self._lost
            if recipient.n in self._anew:
                idents = parting.known()
                wanted = self._outside_of(recipient) if gate.parting else []
            else:
                idents = parting.affected(touched, self._moved[recipient.n])
                wanted = list(self._touched)
            if gate.parting:
                idents |= gate.parting_from(self._seen_in_part(recipient, wanted))
            entire: set[int] = set()
            if restates:
                seen = None if recipient.n in self._anew else touched | self._moved[recipient.n]
                entire = gate.asking_for(list(parting.unstated(seen))) - idents
            parting.refresh(idents, if_entire=entire)
            parting.offer(idents | entire)

    def _is_any_unstated(self) -> bool:
        sql = "select 1 from object where unstated=1 and hidden=0 limit 1"
        return self.connection.execute(sql).fetchone() is not None

    def _seen_in_part(self, recipient: Recipient, rows: Sequence[int]) -> list[int]:
        """Of these rows, those of which a recipient may have anything."""
        masks = self.masks(recipient)
        sql = "select n, least, area, ident, n from object where hidden=0 and n in (select value from json_each(?))"
        return [n for n, *key in self.connection.execute(sql, (json.dumps(list(rows)),)) if masks(*key)]

    def _outside_of(self, recipient: Recipient) -> list[int]:
        """The rows of which a recipient has nothing whole."""
        live = f"select object from feed where recipient={recipient.n:d} and live=1"
        rows = self.connection.execute(f"select n from object where hidden=0 and space=0 and n not in ({live})")
        return [n for (n,) in rows]

    def consented(self, ids: Sequence[str]) -> None:
        """An originator consented to more, or to less, of these ids."""
        self._masks.clear()
        self._reconsider(self._rows_of(self._known(ids)))
        self.note_due()

    def _known(self, ids: Sequence[str]) -> list[int]:
        """The integers of those of these ids that anything here has or names."""
        sql = "select n from ident where space=0 and id in (select atom from json_each(?))"
        return [n for (n,) in self.connection.execute(sql, (json.dumps(list(ids)),))]

    def _rows_of(self, idents: Iterable[int]) -> list[int]:
        sql = "select n from object where ident in (select value from json_each(?))"
        return [n for (n,) in self.connection.execute(sql, (json.dumps(sorted(idents)),))]

    def _idents(self, rows: Iterable[int]) -> set[int]:
        sql = "select distinct ident from object where n in (select value from json_each(?))"
        return {ident for (ident,) in self.connection.execute(sql, (json.dumps(sorted(rows)),))}

    @contextmanager
    def _feeds(self, recipient: Recipient) -> Iterator[Feeds]:
        source = self.connection.execute(
            "select n from source where name=?", (f"partner:{recipient.partner.name}",)
        ).fetchone()
        gate = self.gate(recipient)
        feeds = Feeds(
            self.connection, recipient, self.masks(recipient), gate, source[0] if source else None, self._store.clock()
        )
        yield feeds
        self._moved[recipient.n] |= feeds.moved
        self._entered[recipient.n] |= feeds.entered
        if self._moves is not None:
            self._moves.add(recipient.n, feeds.before)

    def _offer_capped(self, recipient: Recipient) -> None:
        """Offer again what the hour before had no place for."""
        mine = (recipient.n,)
        rows = self.connection.execute("select object from capped where recipient=?", mine).fetchall()
        if rows:
            self.connection.execute("delete from capped where recipient=?", mine)
            with self._feeds(recipient) as feeds:
                self._count(self._opened, recipient, feeds.offer([n for (n,) in rows]))

    def _labelled(self, pairs: Iterable[tuple[int, int | None]], besides: str = "") -> list[int]:
        sql = f"select n from object where hidden=0 and whole=? and area is not distinct from ?{besides}"
        return [n for whole, area in pairs for (n,) in self.connection.execute(sql, (whole, area)).fetchall()]

    @staticmethod
    def _count(tally: dict[str, int], recipient: Recipient, rows: int) -> None:
        if rows:
            tally[recipient.partner.name] = tally.get(recipient.partner.name, 0) + rows
