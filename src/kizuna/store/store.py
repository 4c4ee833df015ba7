"""The store: what a node remembers of objects, who may see them, and what partners may read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kizuna import clock as time
from kizuna.errors import InvalidInput, NotFound, Refused, Unavailable
from kizuna.events import Act as Acted
from kizuna.events import Event, Fed, Listener, Waited, nobody
from kizuna.labels import Group, Label, Principal, format_label, memberships_of, parse_label, worded_by
from kizuna.settings import Settings
from kizuna.settings import load as load_settings
from kizuna.store.act import NEVER, Act
from kizuna.store.around import KEPT, Walk
from kizuna.store.aside import Aside
from kizuna.store.database import Connection, open_database
from kizuna.store.epochs import Epoch, read_epoch
from kizuna.store.feed import Feed
from kizuna.store.intern import Interned
from kizuna.store.kept import Kept
from kizuna.store.masks import ViewMask
from kizuna.store.model import Change, Partner, Source
from kizuna.store.moves import Moves
from kizuna.store.moving import MOVED, let_in, must_not_have_moved
from kizuna.store.prepare import KnownLabels
from kizuna.store.purged import Marks
from kizuna.store.recipients import Recipient, read_groups, read_recipients
from kizuna.store.relabelling import Relabelling, rows_of, rows_of_many
from kizuna.store.renditions import Maker
from kizuna.store.rows import DEFINITIONS, get_meta, note_definitions, note_ended, set_meta
from kizuna.store.settling import settle
from kizuna.store.view import View
from kizuna.store.writer import Writer

if TYPE_CHECKING:
    from kizuna.store.columns import Columns


class _Undone(Exception):
    """Takes a trial back."""


MOST_SOURCES = 8  # of which labels worked out before are kept
DAY = 86_400_000_000  # microseconds
_ANSWERS = 64
_OF_A_RECIPIENT = (
    "feed", "waiting", "approval", "proposal", "hold", "find", "cleared", "capped", "spent", "outbox", "part",
    "consent_given", "cleared_under",
)  # fmt: skip
_TRYING: ContextVar[dict[Principal | None, ViewMask] | None] = ContextVar("trying", default=None)
"""The masks of a trial, while one goes on."""
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
        self.tell: Listener = nobody
        self.interned = Interned()
        self.database = open_database(folder, settings, read_only=read_only)
        self._belongs(read_only)
        self.aside = Aside(folder, settings)
        self.marks = Marks(folder)
        self.maker = Maker(folder, settings.identity)
        self._columns: Columns | None = None
        self.walks: Kept[Walk | None] = Kept(KEPT)
        self.answers: Kept[object] = Kept(_ANSWERS)  # counts and links of the whole store, each under all it depends on
        self._counting = threading.Lock()
        self._masks: dict[Principal | None, ViewMask] = {}
        self._labels: dict[tuple[Source, str, Label | None], tuple[str | None, KnownLabels]] = {}
        self._partners_at: tuple[object, list[Recipient]] | None = None
        self._due_at: tuple[object, int] | None = None
        self._epoch_at: tuple[object, Epoch] | None = None
        self.database.replaced = self._forget

    def _belongs(self, read_only: bool) -> None:
        """Make sure that this is the node's own store; an empty one becomes it. Raises InvalidInput."""
        owner = get_meta(self.database.read(), "node")
        if owner is None and not read_only:
            with self.database.write() as connection:
                if (owner := get_meta(connection, "node")) is None:
                    set_meta(connection, "node", owner := self.settings.identity)
        try:
            if owner not in (None, self.settings.identity):
                raise InvalidInput("this is the store of another node", file=self.database.place)
            if not read_only:
                let_in(self.database, self.folder, self.settings)
            must_not_have_moved(self.database.read(), self.database.place, self.folder, self.settings)
        except InvalidInput:
            self.database.close()
            raise

    def listen(self, listener: Listener) -> None:
        """Let somebody hear of what happens from now on: each transaction, act and wait of this process."""
        self.tell = listener
        self.database.waited = lambda seconds: listener(Waited(seconds))

    def close(self) -> None:
        """Close the database."""
        self.aside.close()
        self.database.close()

    def _forget(self) -> None:
        """Drop what is remembered of rows: another server is asked from now on, which may give their numbers to others."""
        self.interned.forget()
        self._masks.clear()
        self._labels.clear()
        self._columns = None
        self.walks.clear()
        self.answers.clear()

    # Acts

    @contextmanager
    def act(self, moves: Moves | None = None) -> Iterator[Act]:
        """One durable transaction; feeds are right when it commits, and nothing happened when it raises. What it moves is noted."""
        try:
            with self.database.write() as connection, self._forgetting():
                if get_meta(connection, MOVED) is not None:  # since it was opened; whoever asks is not told where to
                    raise Unavailable("this node went on in another store; start it anew")
                act = Act(self, connection, moves)
                yield act
                act.finish()
                act.note_labels()
                act.note_capped()
            if fed := act.fed():
                self.say(Fed(*fed))
        except BaseException:
            self._unlearn()
            raise

    @contextmanager
    def trial(self) -> Iterator[Act]:
        """An act that is taken back at its end, with all acts inside: what they tell is what would be, and nobody hears of them."""
        before = _TRYING.set({})
        try:
            with suppress(_Undone), self.act() as act:
                yield act
                raise _Undone
        finally:
            _TRYING.reset(before)

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Forget what is taken back while nobody else can write yet: the next one's rows may get the same numbers."""
        try:
            yield
        except BaseException:
            self._unlearn()
            raise

    def _unlearn(self) -> None:
        self.interned.forget()
        for mask in list(self._masks.values()):
            mask.forget()

    def say(self, event: Event) -> None:
        """Tell whoever listens, unless it is taken back at its end."""
        if _TRYING.get() is None:
            self.tell(event)

    def writer(
        self,
        source: Source,
        *,
        space: str = "real",
        label: Label | None = None,
        area: str | None = None,
        known_problems: Mapping[str, str] | None = None,
        may_release: bool = True,
        always: bool = False,
    ) -> Writer:
        """Take objects in from a source. `known_problems` names objects of a shipped pack that are kept with their problem.

        Without `may_release` a new version may not be labelled looser than the one before it. What is to come in `always` does where
        there is little room, too.
        """
        known = known_problems or {}
        return Writer(
            self,
            source,
            space=space,
            label=label,
            area=area,
            known_problems=known,
            may_release=may_release,
            always=always,
        )

    def known_labels(self, source: Source, space: str, joined: Label | None) -> KnownLabels:
        """Labels of one source by object markings, to be read and added to by whoever knows no definition but the stored ones.

        They are kept while no marking definition comes or goes.
        """
        at = get_meta(self.database.read(), DEFINITIONS)
        known = self._labels.get((source, space, joined))
        if known is None or known[0] != at:
            if len(self._labels) >= MOST_SOURCES:
                self._labels.clear()
            known = self._labels[source, space, joined] = (at, {})
        return known[1]

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
            relabelling = Relabelling(self, act.connection, label, by)
            relabelling.add(rows_of(self, act.connection, space, id, version, principal))
            touched = relabelling.finish()
            self.record(act.connection, by, "relabel", id, {"label": format_label(label), "rows": len(touched)})
            act.reconsider(touched)
            return act.done(len(touched))

    def relabel_many(
        self,
        ids: Sequence[str],
        label: Label,
        *,
        by: str,
        principal: Principal | None = None,
        space: str = "real",
        moves: Moves | None = None,
    ) -> tuple[Change, list[str], list[str]]:
        """As `relabel`, of many in one act: what it did, whose label changed, and which only their owner may loosen.

        What is not here, or hidden from the principal, is in neither list.
        """
        label = worded_by(label, self.organisation)
        done, refused = [], []
        with self.act(moves) as act:
            relabelling = Relabelling(self, act.connection, label, by)
            for id, rows in rows_of_many(self, act.connection, space, ids, principal):
                try:
                    relabelling.add(rows)
                    done.append(id)
                except Refused:
                    refused.append(id)
            touched = relabelling.finish()
            self.record_many(act.connection, by, "relabel", done, {"label": format_label(label)})
            act.reconsider(touched)
            return act.done(len(touched)), done, refused

    def hide(
        self, id: str, *, by: str, principal: Principal | None = None, version: int | None = None, space: str = "real"
    ) -> Change:
        """Delete here only: the rows stay, no view and no feed shows them any more. Raises NotFound."""
        with self.act() as act:
            rows = [row.n for row in rows_of(self, act.connection, space, id, version, principal)]
            act.connection.executemany("update object set hidden=1 where n=?", [(n,) for n in rows])
            if id.startswith("marking-definition--"):
                note_definitions(act.connection)
            self.record(act.connection, by, "delete", id, {"rows": len(rows)})
            act.reconsider(rows)
            return act.done(len(rows))

    def settle(self) -> None:
        """Let dated changes that fell due take effect; cheap when there are none."""
        if self.clock() < self._due():
            return
        with self.act() as act:
            settle(self, act)

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
        tried = _TRYING.get()
        masks = (
            self._masks if tried is None else tried
        )  # what is decided of labels that are taken back is nobody else's
        mask = masks.get(principal)
        if mask is None:
            if len(masks) > 200:
                masks.clear()
            mask = masks[principal] = ViewMask(self.interned, principal, self.holder(), self.clock)
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

    def source_named(self, name: str) -> Source:
        """A source by the name rows know it under. Raises NotFound for a partner that is gone."""
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
            return act.done(1)

    def remove_partner(self, name: str) -> None:
        """Forget a partner: its feed ends, and so does what others had by its consent. What it sent stays; what it was given is known."""
        partner = self.partner(name)
        with self.act() as act:
            (n,) = act.connection.execute("select n from partner where name=?", (partner.name,)).fetchone()
            live = act.connection.execute("select object from feed where recipient=? and live=1", (n,)).fetchall()
            note_ended(act.connection, [row for (row,) in live])
            act.connection.execute(
                "insert into departed(ident, object, partner, added) select ident, object, ?, added from feed where recipient=? "
                "on conflict do nothing",
                (partner.name, n),
            )
            given = "(select n from consent_given where recipient=?)"
            act.connection.execute(f"delete from consent_told where given in {given}", (n,))
            for table in _OF_A_RECIPIENT:
                act.connection.execute(f"delete from {table} where recipient=?", (n,))
            act.connection.execute("delete from schedule where name=?", (f"poll:{partner.name}",))
            sql = "select distinct subject from consent where partner=? and ended is null"
            consented = [subject for (subject,) in act.connection.execute(sql, (partner.name,))]
            for table in ("sent", "notice", "consent"):
                act.connection.execute(f"delete from {table} where partner=?", (partner.name,))
            act.connection.execute("delete from partner where n=?", (n,))
            act.recipients = [recipient for recipient in act.recipients if recipient.n != n]
            if consented:
                act.consented(consented)

    def note_exchange(self, partner: str, at: int) -> None:
        """Remember when something last went to or came from a partner."""
        with self.database.write() as connection:
            connection.execute(
                "update partner set last_exchange=? where name=? and (last_exchange is null or last_exchange<?)",
                (at, self.partner(partner).name, at),
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
            return act.done(1)

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

    def recipients(self, connection: Connection | None = None) -> list[Recipient]:
        """Partners as feeds see them; read again whenever anybody has committed."""
        if connection is not None:
            return read_recipients(connection, read_groups(connection))
        at = self.database.version()
        if self._partners_at is None or self._partners_at[0] != at:
            reader = self.database.read()
            self._partners_at = (at, read_recipients(reader, read_groups(reader)))
        return self._partners_at[1]

    # Small facts

    def epoch(self) -> Epoch:
        """Which life of the store this is; read again whenever anybody has committed."""
        at = self.database.version()
        if self._epoch_at is None or self._epoch_at[0] != at:
            self._epoch_at = (at, read_epoch(self.database.read()))
        return self._epoch_at[1]

    def record(
        self,
        connection: Connection,
        actor: str,
        act: str,
        subject: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Add to the audit trail inside a transaction. Never the content of an object."""
        note_act(connection, self.clock(), actor, act, subject, detail)
        self.say(Acted(act))

    def record_many(
        self,
        connection: Connection,
        actor: str,
        act: str,
        subjects: Sequence[str],
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Add the same act about many to the audit trail, in their order."""
        note_acts(connection, self.clock(), actor, act, subjects, detail)
        said = Acted(act)
        for _ in subjects:
            self.say(said)

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

    def space(self, connection: Connection, name: str) -> int:
        """The integer of a space, made when new; needs a writing transaction."""
        row = connection.execute("select n from space where name=?", (name,)).fetchone()
        if row:
            return int(row[0])
        return int(connection.execute("insert into space(name) values (?) returning n", (name,)).fetchone()[0])

    def interned_space(self, connection: Connection, name: str) -> int:
        """The integer of a space, -1 when nobody used it yet."""
        if name == "real":
            return 0
        row = connection.execute("select n from space where name=?", (name,)).fetchone()
        return int(row[0]) if row else -1

    @property
    def columns(self) -> Columns:
        """What counting needs of every row, in memory once somebody counted."""
        if self._columns is None:
            from kizuna.store.columns import Columns  # NumPy, which nothing else needs

            with self._counting:
                self._columns = self._columns or Columns()
        return self._columns

    @property
    def counts(self) -> bool:
        """Whether somebody counted, so that the columns are in memory."""
        return self._columns is not None and self._columns.loaded

    def countries(self) -> dict[str, str]:
        """By source, the country (ISO 3166-1 alpha-3) of the organisation whose word it is; packs are of none."""
        partners = {f"partner:{one.name}": one.country for one in self.partners()}
        return {self.own_source().name: self.settings.country, **partners}

    def source_of(self, connection: Connection, n: int) -> str:
        """The name of a source."""
        return str(connection.execute("select name from source where n=?", (n,)).fetchone()[0])

    def source_number(self, connection: Connection, source: Source) -> int:
        """The integer of a source, made when new; needs a writing transaction."""
        row = connection.execute("select n from source where name=?", (source.name,)).fetchone()
        if row:
            return int(row[0])
        sql = "insert into source(name,kind,organisation) values (?,?,?) returning n"
        return int(connection.execute(sql, (source.name, source.kind, source.organisation)).fetchone()[0])

    def _partner_rows(self) -> list[tuple[str]]:
        return self.database.read().execute("select data from partner order by n").fetchall()

    def _due(self) -> int:
        at = self.database.version()
        if self._due_at is None or self._due_at[0] != at:
            self._due_at = (at, int(get_meta(self.database.read(), "due") or NEVER))
        return self._due_at[1]


def note_act(
    connection: Connection, at: int, actor: str, act: str, subject: str = "", detail: Mapping[str, object] | None = None
) -> None:
    """Add to the audit trail of a database whose store is not open; `at` is in microseconds."""
    note_acts(connection, at, actor, act, [subject], detail)


def note_acts(
    connection: Connection,
    at: int,
    actor: str,
    act: str,
    subjects: Sequence[str],
    detail: Mapping[str, object] | None = None,
) -> None:
    """The same of many."""
    told = _storable(json.dumps(msgspec.to_builtins(detail or {}), ensure_ascii=False))
    connection.executemany(
        "insert into audit(at,actor,act,subject,detail) values (?,?,?,?,?)",
        [(at, actor, act, _storable(subject), told) for subject in subjects],
    )


def _storable(text: str) -> str:
    """Text of the audit trail, which speaks of names of files too: those need not be text."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
