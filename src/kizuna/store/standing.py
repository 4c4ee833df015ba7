"""Standing rules: what is proposed to whom, and what leaves by itself since as many people as its labels ask for said so once.

A rule is never edited. A change is its next version, which people grant anew; the one before ends where it begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from kizuna.clock import from_text
from kizuna.errors import Conflict, NotFound, UsageError
from kizuna.labels import Label
from kizuna.store.database import Connection

if TYPE_CHECKING:
    from kizuna.settings import Settings
    from kizuna.store.store import Store

MOST = 1_000
FIRST = "as-labelled"
"""The rule every store begins with: what labels let leave leaves."""

MAKER = "kizuna"
"""Who made that one."""

_COLUMNS = "n, name, version, data, made, made_by, granted, stopped, ended"
_TWO = {"TLP:RED", "IEP:RED"}
Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,63}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(max_length=1_000)]


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule is about and what it does; what is left out is not asked. Every one that is given must fit.

    `send` lets leave what fits, once people granted it; `propose` only asks them. `labels` are POLICY:CLASSIFICATION, and every part of
    an object's label must be among them; `tags` are the object's own labels, one of which is enough; `query` are words that it all
    holds. With `parts` it is also about what leaves in part. `until` is a time in RFC 3339; `hourly` counts objects for each partner.
    """

    act: Literal["send", "propose"] = "propose"
    partners: Texts = ()
    types: Texts = ()
    areas: Texts = ()
    labels: Texts = ()
    tags: Texts = ()
    sources: Texts = ()
    confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    query: Text | None = None
    parts: bool = False
    approvers: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    until: Text | None = None
    hourly: Annotated[int, msgspec.Meta(ge=1, le=10**9)] | None = None

    def __post_init__(self) -> None:
        if self.until is not None:
            from_text(self.until)  # Raises ValueError, which decoding tells of

    @property
    def ends(self) -> int | None:
        """`until` in microseconds."""
        return None if self.until is None else from_text(self.until)

    @property
    def unlimited(self) -> bool:
        """Whether everything fits, at any time and in any number."""
        return self == Terms(act=self.act, approvers=self.approvers, partners=self.partners, parts=self.parts)


class Named(Terms, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule as it stands in a file."""

    name: Name

    @property
    def terms(self) -> Terms:
        """What it says."""
        return Terms(**{key: getattr(self, key) for key in Terms.__struct_fields__})


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a rule, and since when people granted, stopped or replaced it. Times are microseconds."""

    number: int
    name: str
    version: int
    terms: Terms
    made: int
    made_by: str
    granted: int | None
    stopped: int | None
    ended: int | None

    def counts(self, at: int) -> bool:
        """Whether it proposes or lets leave at a moment."""
        if self.ended is not None or self.stopped is not None:
            return False
        if self.terms.ends is not None and at >= self.terms.ends:
            return False
        return self.terms.act == "propose" or self.granted is not None

    def is_for(self, partner: str) -> bool:
        """Whether it is about a partner."""
        return not self.terms.partners or partner.casefold() in {name.casefold() for name in self.terms.partners}

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that it says: what people grant."""
        return hashlib.sha256(_encode([self.name, self.version, self.terms])).digest()


def classifications(label: Label) -> set[str]:
    """What a label says, part by part, as rules name it."""
    return {
        part.policy if part.policy == part.classification else f"{part.policy}:{part.classification}"
        for part in label.parts
    }


def asked_by(settings: Settings, names: Iterable[str]) -> int:
    """How many people stand behind what has these classifications: at least one."""
    return max((max((settings.approvers or {}).get(name, 1), 2 if name in _TWO else 1) for name in names), default=1)


def read_rules(connection: Connection) -> list[Rule]:
    """The newest version of every rule that is not removed, in the order they were first made."""
    rows = connection.execute(f"select {_COLUMNS} from rule where ended is null order by n").fetchall()
    return [_rule(row) for row in rows]


def every_rule(connection: Connection) -> list[Rule]:
    """Every version of every rule, ended ones too, in the order they were made."""
    return [_rule(row) for row in connection.execute(f"select {_COLUMNS} from rule order by n").fetchall()]


class Rules:
    """The standing rules of one node. `by` is who acts, for the audit trail."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listed(self) -> list[Rule]:
        """Those that are not ended."""
        return read_rules(self._store.database.read())

    def named(self, name: str) -> Rule:
        """The newest version of one. Raises NotFound."""
        return read_rule(self._store.database.read(), name)

    def history(self, name: str) -> list[Rule]:
        """Every version there was, the oldest first. Raises NotFound."""
        sql = f"select {_COLUMNS} from rule where name=? order by version"
        rows = self._store.database.read().execute(sql, (name,)).fetchall()
        if not rows:
            raise NotFound(f"no rule named {name[:80]}")
        return [_rule(row) for row in rows]

    def put(self, named: Iterable[Named], *, by: str) -> list[Rule]:
        """Make rules, or the next version of those that say something else by now; returns what changed. Raises NotFound, Conflict."""
        changed = []
        with self._store.act() as act:
            old = {rule.name: rule for rule in read_rules(act.connection)}
            for one in named:
                self._must_fit(one)
                before = old.get(one.name)
                if before is not None and before.terms == one.terms:
                    continue
                if before is None and len(old) >= MOST:
                    raise Conflict(f"there are {MOST} rules already; remove some")
                old[one.name] = made = self._make(act.connection, one, act.now, by)
                changed.append(made)
                detail = {"version": made.version, "digest": made.digest.hex()}
                self._store.record(act.connection, by, "rule.put", one.name, detail)
        return changed

    def remove(self, name: str, *, by: str) -> Rule:
        """End a rule; what left by it is not called back. Raises NotFound."""
        return self._mark(name, "ended", by, "rule.remove")

    def stop(self, name: str, *, by: str) -> Rule:
        """Let nothing more leave by a rule until it is resumed. Raises NotFound."""
        return self._mark(name, "stopped", by, "rule.stop")

    def _mark(self, name: str, column: str, by: str, act: str) -> Rule:
        with self._store.database.write() as connection:
            rule = read_rule(connection, name)
            now = self._store.clock()
            connection.execute(
                f"update rule set {column}=coalesce({column}, ?), granted=null where n=?", (now, rule.number)
            )
            void = "update approval set voided=?, reason=? where rule=? and voided is null"
            connection.execute(void, (now, column, rule.number))
            self._store.record(connection, by, act, name, {"version": rule.version})
            return _rule(connection.execute(f"select {_COLUMNS} from rule where n=?", (rule.number,)).fetchone())

    def _must_fit(self, one: Named) -> None:
        """A rule about a partner or for a label that nobody knows would never do anything. Raises NotFound, UsageError."""
        for partner in one.partners:
            self._store.partner(partner)
        if one.parts and one.query is not None:
            raise UsageError(
                "what leaves in part is not asked for by words: that it leaves would tell of words that are cut"
            )
        for label in one.labels:
            if label != label.strip() or not label.isprintable():
                raise UsageError(f"not a classification: {label[:80]!r}; such as TLP:AMBER")

    def _make(self, connection: Connection, one: Named, now: int, by: str) -> Rule:
        sql = "select coalesce(max(version), 0) from rule where name=?"
        (last,) = connection.execute(sql, (one.name,)).fetchone()
        connection.execute("update rule set ended=? where name=? and ended is null", (now, one.name))
        row = (one.name, last + 1, _encode(one.terms).decode(), now, by)
        sql = f"insert into rule(name,version,data,made,made_by) values (?,?,?,?,?) returning {_COLUMNS}"
        return _rule(connection.execute(sql, row).fetchone())


def read_rule(connection: Connection, name: str) -> Rule:
    """The newest version of a rule. Raises NotFound."""
    row = connection.execute(f"select {_COLUMNS} from rule where name=? and ended is null", (name,)).fetchone()
    if row is None:
        raise NotFound(f"no rule named {name[:80]}")
    return _rule(row)


_encode = msgspec.json.Encoder(order="deterministic").encode
_terms = msgspec.json.Decoder(Terms).decode


def _rule(row: tuple[int, str, int, str, int, str, int | None, int | None, int | None]) -> Rule:
    number, name, version, data, made, made_by, granted, stopped, ended = row
    return Rule(
        number=number, name=name, version=version, terms=_terms(data), made=made, made_by=made_by, granted=granted,
        stopped=stopped, ended=ended,
    )  # fmt: skip
