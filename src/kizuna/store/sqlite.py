"""The store on SQLite: one file that remembers objects, who may see them, and what partners may read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from kizuna import clock as time
from kizuna.errors import NotFound, Refused
from kizuna.labels import (
    Group,
    Label,
    Marked,
    Principal,
    exceeds,
    format_label,
    join,
    mark,
    memberships_of,
    parse_label,
    worded_by,
)
from kizuna.settings import Settings
from kizuna.settings import load as load_settings
from kizuna.stix import Item
from kizuna.store.act import NEVER, Act
from kizuna.store.database import Database
from kizuna.store.feed import Feed
from kizuna.store.intern import Interned
from kizuna.store.masks import ViewMask
from kizuna.store.model import Change, Partner, Source
from kizuna.store.prepare import definitions_from
from kizuna.store.recipients import Recipient, read_groups, read_recipients
from kizuna.store.rows import RowWriter, get_meta, set_meta
from kizuna.store.view import View
from kizuna.store.writer import Writer

FILE = "node.sqlite"
SETTLED_AT_ONCE = 1_000
DAY = 86_400_000_000  # microseconds
_encode = msgspec.json.Encoder().encode
_decode_partner = msgspec.json.Decoder(Partner).decode


def create_store(folder: Path, settings: Settings) -> Store:
    """Make the store of a new node in `folder`."""
    return Store(folder, settings)


def open_store(folder: Path, *, read_only: bool = False) -> Store:
    """Open the store of the node in `folder`. Raises InvalidInput when there is none.

    Read-only it is neither migrated nor changed in any way, and must have this release's schema.
    """
    return Store(folder, load_settings(folder), read_only=read_only)


class Store:
    """What a node remembers. Writing goes through acts and writers, reading through views and feeds."""

    def __init__(
        self, folder: Path, settings: Settings, clock: Callable[[], int] = time.now_us, *, read_only: bool = False
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.organisation = settings.organisation
        self.clock = clock
        self.interned = Interned()
        self.database = Database(folder / FILE, read_only=read_only)
        self._masks: dict[Principal | None, ViewMask] = {}
        self._partners_at: tuple[object, list[Recipient]] | None = None
        self._due_at: tuple[object, int] | None = None

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # Acts

    @contextmanager
    def act(self) -> Iterator[Act]:
        """One durable transaction; feeds are right when it commits, and nothing happened when it raises."""
        try:
            with self.database.write() as connection:
                act = Act(self, connection)
                yield act
                act.note_labels()
        except BaseException:
            self.interned.forget()
            raise

    def writer(
        self,
        source: Source,
        *,
        space: str = "real",
        label: Label | None = None,
        area: str | None = None,
        known_problems: Mapping[str, str] | None = None,
        may_release: bool = True,
    ) -> Writer:
        """Take objects in from a source. `known_problems` names objects of a shipped pack that are kept with their problem.

        Without `may_release` a new version may not be labelled looser than the one before it.
        """
        known = known_problems or {}
        return Writer(self, source, space=space, label=label, area=area, known_problems=known, may_release=may_release)

    def relabel(
        self,
        id: str,
        label: Label,
        *,
        by: str,
        principal: Principal | None = None,
        version: int | None = None,
        space: str = "real",
    ) -> Change:
        """Change the label of every version of an object that the principal sees (None: the folder's keeper); the bytes stay.

        The owner's node may loosen or tighten; what others own is only tightened, and so are the copies of one's own that
        came back from partners. Raises NotFound and Refused.
        """
        label = worded_by(label, self.organisation)
        with self.act() as act:
            rows = self._rows_of(act.connection, space, id, version, principal)
            owned = any(kind != "partner" for _, kind, *_ in rows)
            touched = [row[0] for row in rows if self._relabel_row(act, *row, label, by, owned=owned)]
            self.record(act.connection, by, "relabel", id, {"label": format_label(label), "rows": len(touched)})
            act.reconsider(touched)
            return act.change(len(touched))

    def hide(
        self, id: str, *, by: str, principal: Principal | None = None, version: int | None = None, space: str = "real"
    ) -> Change:
        """Delete here only: the rows stay, no view and no feed shows them any more. Raises NotFound."""
        with self.act() as act:
            rows = [n for n, *_ in self._rows_of(act.connection, space, id, version, principal)]
            act.connection.executemany("update object set hidden=1 where n=?", [(n,) for n in rows])
            self.record(act.connection, by, "delete", id, {"rows": len(rows)})
            act.reconsider(rows)
            return act.change(len(rows))

    def settle(self) -> None:
        """Let dated changes that fell due take effect; cheap when there are none."""
        if self.clock() < self._due():
            return
        with self.act() as act:
            ripe = act.connection.execute(
                "select q.n, s.name, p.name, q.area, q.default_label, q.raw from quarantine q join source s on s.n=q.source "
                "join space p on p.n=q.space where q.due<=? order by s.name, p.name, q.area, q.default_label, q.n limit ?",
                (act.now, SETTLED_AT_ONCE),
            ).fetchall()
            for (name, space, area, label), rows in groupby(ripe, key=lambda row: row[1:5]):
                self._ripen(act.connection, name, space, area, label, [(row[0], row[5]) for row in rows])
            act.note_due()

    def _ripen(
        self,
        connection: sqlite3.Connection,
        name: str,
        space: str,
        area: str | None,
        label: str | None,
        rows: list[tuple[int, bytes]],
    ) -> None:
        """Take in what one source had dated ahead; what a partner sent that is gone by now stays where it is."""
        numbers = [(n,) for n, _ in rows]
        try:
            source = self._source_named(name)
        except NotFound:
            connection.executemany("update quarantine set due=null where n=?", numbers)
            return
        connection.executemany("delete from quarantine where n=?", numbers)
        joined = parse_label(label, originator=source.organisation) if label else None
        items = [Item(index=None, raw=raw, data=msgspec.json.decode(raw), problems=()) for _, raw in rows]
        # Who brought it is not known any more, so for one's own it is as if by somebody who may not release.
        released = source.kind == "partner"
        list(self.writer(source, space=space, area=area, label=joined, may_release=released).add(items))

    # Readers

    def view(self, principal: Principal, *, space: str = "real") -> View:
        """Read as somebody of one's own."""
        return View(self, principal, space)

    def custodian(self, *, space: str = "real") -> View:
        """Read as the keeper of the folder, who holds the file itself: only for the local command line."""
        return View(self, None, space)

    def feed(self, partner: str, *, space: str = "real") -> Feed:
        """Read as a partner; what fell due by date alone has entered. Raises NotFound."""
        self.settle()
        for recipient in self.recipients():
            if recipient.partner.name.casefold() == partner.casefold():
                return Feed(self, recipient, space)
        raise NotFound(f"no partner named {partner}")

    def mask(self, principal: Principal | None) -> ViewMask:
        """The labels a reader may see, kept while neither labels nor memberships change."""
        mask = self._masks.get(principal)
        if mask is None:
            if len(self._masks) > 200:
                self._masks.clear()
            mask = self._masks[principal] = ViewMask(self.interned, principal, self.holder(), self.clock)
        return mask

    # Who

    def own_source(self) -> Source:
        """This organisation's own people and tools."""
        return Source("own", "own", self.organisation)

    def pack_source(self, name: str, organisation: str, default: Label | None) -> Source:
        """A starter pack."""
        return Source(f"pack:{name}", "pack", organisation, default)

    def partner_source(self, name: str) -> Source:
        """A partner, whose unmarked objects get its default label. Raises NotFound."""
        partner = self.partner(name)
        label = partner.default_label
        default = (
            parse_label(label, originator=partner.organisation, community=self.settings.community) if label else None
        )
        default = None if default is None else worded_by(default, self.organisation)
        return Source(f"partner:{partner.name}", "partner", partner.organisation, default)

    def _source_named(self, name: str) -> Source:
        kind, _, rest = name.partition(":")
        if kind == "partner":
            return self.partner_source(rest)
        row = self.database.read().execute("select kind, organisation from source where name=?", (name,)).fetchone()
        return Source(name, row[0], row[1])

    def partners(self) -> list[Partner]:
        """Every partner, in the order they were added."""
        return [_decode_partner(data) for (data,) in self._partner_rows()]

    def partner(self, name: str) -> Partner:
        """One partner by its name, case ignored. Raises NotFound."""
        for partner in self.partners():
            if partner.name.casefold() == name.casefold():
                return partner
        raise NotFound(f"no partner named {name}")

    def put_partner(self, partner: Partner) -> Change:
        """Add a partner or change its settings; its feed follows in the same transaction."""
        with self.act() as act:
            old = act.recipients
            data = _encode(partner).decode()
            act.connection.execute(
                "insert into partner(name, data) values (?,?) on conflict(name) do update set data=excluded.data",
                (partner.name, data),
            )
            self.source_number(act.connection, Source(f"partner:{partner.name}", "partner", partner.organisation))
            act.changed_recipients(old)
            return act.change(1)

    def remove_partner(self, name: str) -> None:
        """Forget a partner: its feed ends. What it sent stays."""
        partner = self.partner(name)
        with self.act() as act:
            (n,) = act.connection.execute("select n from partner where name=?", (partner.name,)).fetchone()
            for table in ("feed", "waiting"):
                act.connection.execute(f"delete from {table} where recipient=?", (n,))
            act.connection.execute("delete from partner where n=?", (n,))

    def note_exchange(self, partner: str, at: int) -> None:
        """Remember when something last went to or came from a partner."""
        with self.database.write() as connection:
            connection.execute(
                "update partner set last_exchange=max(coalesce(last_exchange,0),?) where name=?",
                (at, self.partner(partner).name),
            )

    def last_exchange(self, partner: str) -> int | None:
        """When something last went to or came from a partner, in microseconds."""
        sql = "select last_exchange from partner where name=?"
        row = self.database.read().execute(sql, (self.partner(partner).name,)).fetchone()
        return row[0] if row else None

    def groups(self) -> tuple[Group, ...]:
        """Every group with its dated members."""
        return read_groups(self.database.read())

    def put_group(self, group: Group) -> Change:
        """Add a group or change its members; feeds follow in the same transaction."""
        with self.act() as act:
            old = act.recipients
            act.connection.execute(
                "insert into party values (?,?) on conflict(name) do update set data=excluded.data",
                (group.name, _encode(group).decode()),
            )
            act.changed_recipients(old)
            self._masks.clear()
            return act.change(1)

    def holder(self) -> Principal:
        """This organisation as the holder of what it has."""
        return self.principal_of_person(None)

    def principal_of_partner(self, name: str) -> Principal:
        """A partner as a recipient: no person."""
        for recipient in self.recipients():
            if recipient.partner.name.casefold() == name.casefold():
                return recipient.principal
        raise NotFound(f"no partner named {name}")

    def principal_of_person(self, person: str | None, clearances: Sequence[tuple[str, str]] = ()) -> Principal:
        """One of one's own people."""
        return Principal(
            organisation=self.organisation,
            person=person,
            country=self.settings.country,
            clearances=tuple(clearances),
            memberships=memberships_of(self.organisation, self.settings.country, self.groups()),
            clients=(),
        )

    def recipients(self, connection: sqlite3.Connection | None = None) -> list[Recipient]:
        """Partners as feeds see them; read again whenever anybody has committed."""
        if connection is not None:
            return read_recipients(connection, read_groups(connection))
        at = self.database.version()
        if self._partners_at is None or self._partners_at[0] != at:
            reader = self.database.read()
            self._partners_at = (at, read_recipients(reader, read_groups(reader)))
        return self._partners_at[1]

    # Small facts

    def record(
        self,
        connection: sqlite3.Connection,
        actor: str,
        act: str,
        subject: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Add to the audit trail inside a transaction. Never the content of an object."""
        connection.execute(
            "insert into audit(at,actor,act,subject,detail) values (?,?,?,?,?)",
            (
                self.clock(),
                actor,
                act,
                _storable(subject),
                _storable(json.dumps(msgspec.to_builtins(detail or {}), ensure_ascii=False)),
            ),
        )

    def audit(self, actor: str, act: str, subject: str = "", detail: Mapping[str, object] | None = None) -> None:
        """Add to the audit trail."""
        with self.database.write() as connection:
            self.record(connection, actor, act, subject, detail)

    def audit_trail(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest entries first."""
        rows = self.database.read().execute(
            "select at, actor, act, subject, detail from audit order by n desc limit ?", (limit,)
        )
        return [
            {"at": time.to_text(at), "actor": actor, "act": act, "subject": subject, "detail": json.loads(detail)}
            for at, actor, act, subject, detail in rows
        ]

    def watermark(self, key: str) -> str | None:
        """A durable note of how far something has come."""
        return get_meta(self.database.read(), f"mark:{key}")

    def set_watermark(self, key: str, value: str) -> None:
        """Note durably how far something has come."""
        with self.database.write() as connection:
            set_meta(connection, f"mark:{key}", value)

    def put_status(self, id: str, caller: str, body: bytes) -> None:
        """Keep what became of a POST for a day, for its sender."""
        now = self.clock()
        with self.database.write() as connection:
            connection.execute("delete from status where at<?", (now - DAY,))
            connection.execute("insert into status values (?,?,?,?)", (id, caller, now, body))

    def status_of(self, id: str, caller: str) -> bytes | None:
        """What became of a POST; None for nobody's or another's."""
        row = self.database.read().execute("select body from status where id=? and caller=?", (id, caller)).fetchone()
        return bytes(row[0]) if row else None

    def space(self, connection: sqlite3.Connection, name: str) -> int:
        """The integer of a space, made when new; needs a writing transaction."""
        row = connection.execute("select n from space where name=?", (name,)).fetchone()
        if row:
            return int(row[0])
        return int(connection.execute("insert into space(name) values (?) returning n", (name,)).fetchone()[0])

    def interned_space(self, connection: sqlite3.Connection, name: str) -> int:
        """The integer of a space, -1 when nobody used it yet."""
        if name == "real":
            return 0
        row = connection.execute("select n from space where name=?", (name,)).fetchone()
        return int(row[0]) if row else -1

    def source_number(self, connection: sqlite3.Connection, source: Source) -> int:
        """The integer of a source, made when new; needs a writing transaction."""
        row = connection.execute("select n from source where name=?", (source.name,)).fetchone()
        if row:
            return int(row[0])
        sql = "insert into source(name,kind,organisation) values (?,?,?) returning n"
        return int(connection.execute(sql, (source.name, source.kind, source.organisation)).fetchone()[0])

    def label_again(self, act: Act, definitions: Sequence[tuple[int, int]], source: Source) -> list[int]:
        """Work out anew the labels of one source's rows that name these marking definitions and that nobody relabelled."""
        rows = act.connection.execute(
            "select distinct o.n, b.raw, o.label from edge e join object o on o.n=e.object "
            "join body b on b.n=o.n join source s on s.n=o.source "
            "join json_each(?) d on e.target=json_extract(d.value, '$[0]') and o.n<=json_extract(d.value, '$[1]') "
            "where s.name=? and o.set_by is null",
            (json.dumps(list(definitions)), source.name),
        ).fetchall()
        touched = []
        ceiling = parse_label(self.settings.ceiling, originator=self.organisation) if self.settings.ceiling else None
        for n, raw, old in rows:
            data = msgspec.json.decode(raw)
            marked = self.marked(act.connection, data, source.organisation, source.default, source.name)
            marked = marked.with_label(_still_joined(marked.label, self.interned.label_of(act.connection, old)))
            if ceiling is not None and exceeds(marked.whole, ceiling):
                # It came in before its definition did: what it says may not stay readable here.
                act.connection.execute("update object set hidden=1 where n=?", (n,))
                self.record(
                    act.connection, source.name, "spillage", str(data["id"]), {"label": format_label(marked.whole)}
                )
                touched.append(n)
            elif self.interned.label(act.connection, marked.label) != old or marked.granular:
                RowWriter(act.connection, self.interned, 0).relabel(n, marked, data, by=None)
                touched.append(n)
        return touched

    def _relabel_row(
        self,
        act: Act,
        n: int,
        kind: str,
        raw: bytes,
        old: int,
        source: tuple[str, str],
        label: Label,
        by: str,
        *,
        owned: bool,
    ) -> bool:
        connection = act.connection
        before = self.interned.label_of(connection, old)
        if kind == "partner":
            tightened = join(before, label)
            looser = exceeds(before, label) or (tightened == before and label != before)
            if looser and not owned:
                raise Refused("only its owner may loosen this label; here it can only be tightened")
            if looser:
                return False  # a copy that came back keeps what its sender says of it
            label = tightened
        data = msgspec.json.decode(raw)
        writer = RowWriter(connection, self.interned, 0)
        if "granular_markings" in data:
            writer.relabel(n, self.marked(connection, data, source[1], None, source[0]).with_label(label), data, by)
        else:
            writer.relabel(n, Marked(label), None, by)
        return True

    def marked(
        self, connection: sqlite3.Connection, data: dict[str, Any], originator: str, default: Label | None, source: str
    ) -> Marked:
        """What an object of a source states: a definition counts from that source, a pack or here, as when it came in."""

        def stored(id: str) -> dict[str, Any] | None:
            row = connection.execute(
                "select b.raw from ident i join object o on o.ident=i.n join body b on b.n=o.n join source s on s.n=o.source "
                "where i.space=0 and i.id=? and (s.name=? or s.kind != 'partner') and o.hidden=0 order by o.n limit 1",
                (id, source),
            ).fetchone()
            return msgspec.json.decode(row[0]) if row else None

        return mark(
            data,
            definitions_from({}, stored),
            originator=originator,
            default=default,
            community=self.settings.community,
        )

    def _rows_of(
        self, connection: sqlite3.Connection, space: str, id: str, version: int | None, principal: Principal | None
    ) -> list[tuple[int, str, bytes, int, tuple[str, str]]]:
        rows = connection.execute(
            "select o.least, o.n, s.kind, b.raw, o.label, s.name, s.organisation from ident i "
            "join space p on p.n=i.space join object o on o.ident=i.n join body b on b.n=o.n join source s on s.n=o.source "
            "where p.name=? and i.id=? and o.hidden=0 and (? is null or o.version=?)",
            (space, id, version, version),
        ).fetchall()
        # A row hidden from the writer is as if it did not exist.
        mask = self.mask(principal)
        rows = [row for row in rows if mask.allows(self.interned.label_of(connection, row[0]))]
        if not rows:
            raise NotFound(f"no object {id}")
        return [(n, kind, raw, label, (name, organisation)) for _, n, kind, raw, label, name, organisation in rows]

    def _partner_rows(self) -> list[tuple[str]]:
        return self.database.read().execute("select data from partner order by n").fetchall()

    def _due(self) -> int:
        at = self.database.version()
        if self._due_at is None or self._due_at[0] != at:
            self._due_at = (at, int(get_meta(self.database.read(), "due") or NEVER))
        return self._due_at[1]


def _still_joined(label: Label, before: Label) -> Label:
    """The label now that its definition is known, still joined with what the import had been told besides."""
    kept = tuple(part for part in before.parts if part.policy != "OWN")
    return join(label, Label(before.originator, kept)) if kept else label


def _storable(text: str) -> str:
    """Text of the audit trail, which speaks of names of files too: those need not be text."""
    return text.encode("utf-8", "replace").decode()
