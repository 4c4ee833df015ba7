"""Who may come in: people with roles, and the secrets (tokens, sessions, one-time links) by which callers are known.

A secret is 256 random bits and only its SHA-256 is kept: nothing here can be turned back into a way in. Times are microseconds.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.store.database import Connection
from kizuna.store.epochs import stopped_partners
from kizuna.store.passwords import hash_password, password_fits
from kizuna.store.store import Store

Role = Literal["reader", "analyst", "releaser", "programme-officer", "operator"]
Scope = Literal["read", "write", "release", "operate"]
Kind = Literal["token", "session", "link"]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
OWNER = "owner"

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
SESSION_LASTS = 12 * HOUR
LINK_LASTS = HOUR
TOKEN_LASTS = 90 * DAY
LONGEST = 3650 * DAY
SESSIONS_EACH = 20
# What ended or expired is kept so long for the list, then forgotten.
KEPT = 30 * DAY

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PREFIX: dict[Kind, str] = {"token": "kzn_", "session": "kzs_", "link": "kzl_"}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own people, or, with `partner`, somebody of that partner, who reads what it was given and has no roles.

    Roles say what one may do; `clearances` are part of what one may see.
    """

    name: str
    display: str
    roles: tuple[Role, ...]
    clearances: tuple[tuple[str, str], ...] = ()
    language: str | None = None
    created: int
    has_password: bool
    partner: str | None = None


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A token, session or link as it is listed: never its secret. Either `user` or `partner` is set."""

    number: int
    kind: Kind
    user: str | None
    partner: str | None
    scopes: tuple[Scope, ...]
    note: str
    created: int
    expires: int
    ended: int | None


class Accounts:
    """People and secrets of one node. `by` is who acts, for the audit trail."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # People

    def users(self) -> list[User]:
        """All of one's own people who are not removed, by name."""
        sql = f"select {_PERSON} from person where removed is null and partner is null order by name"
        return [_user(row) for row in self._store.database.read().execute(sql)]

    def people_of_partners(self, partner: str | None = None) -> list[User]:
        """People of partners, or of one of them, who are not removed, by name."""
        sql = f"select {_PERSON} from person where removed is null and partner is not null and (partner=? or ?) order by name"
        return [_user(row) for row in self._store.database.read().execute(sql, (partner, partner is None))]

    def user(self, name: str) -> User:
        """One person, case ignored. Raises NotFound."""
        row = (
            self._store.database.read()
            .execute(f"select {_PERSON} from person where name=? and removed is null", (name,))
            .fetchone()
        )
        if row is None:
            raise NotFound(f"no user named {name[:80]}")
        return _user(row)

    def add_user(
        self,
        name: str,
        roles: Iterable[str],
        *,
        by: str,
        display: str | None = None,
        language: str | None = None,
        clearances: Sequence[tuple[str, str]] = (),
    ) -> User:
        """Add a person, without a password. Raises Conflict when the name is or was somebody's, UsageError."""
        found = _roles(roles)
        return self._add(name, found, by=by, display=display, language=language, clearances=clearances)

    def add_person_of(
        self, partner: str, name: str, *, by: str, display: str | None = None, language: str | None = None
    ) -> User:
        """Add somebody of a partner, who reads what it was given. Raises NotFound, Conflict, UsageError as for one's own people."""
        partner = self._store.partner(partner).name
        return self._add(name, (), by=by, display=display, language=language, partner=partner)

    def _add(
        self, name: str, roles: tuple[str, ...], *, by: str, display: str | None, language: str | None,
        clearances: Sequence[tuple[str, str]] = (), partner: str | None = None,
    ) -> User:  # fmt: skip
        if not _NAME.fullmatch(name):
            raise UsageError(f"not a user name: {name[:80]!r}; letters, digits, '.', '_' and '-', at most 64")
        with self._store.database.write() as connection:
            if connection.execute("select 1 from person where name=?", (name,)).fetchone():
                raise Conflict(f"{name} is or was a user here; names are not used again, since labels name persons")
            row = (name, display or name, _json(roles), _json(clearances), language, self._store.clock(), partner)
            connection.execute(
                "insert into person(name,display,roles,clearances,language,created,partner) values (?,?,?,?,?,?,?)", row
            )
            detail = {"roles": list(roles)} if partner is None else {"partner": partner}
            self._store.record(connection, by, "user.add", name, detail)
        return self.user(name)

    def set_roles(self, name: str, roles: Iterable[str], *, by: str) -> User:
        """Change what somebody may do. Raises NotFound, UsageError, and Refused for the last operator and for people of partners."""
        if (partner := self.user(name).partner) is not None:
            raise Refused(f"{name} is of {partner}, and reads what that partner was given; there are no roles for them")
        if "operator" not in set(roles := tuple(roles)):
            self._not_the_last(name)
        self._change(name, "roles", _json(_roles(roles)), by, "user.roles", {"roles": list(_roles(roles))})
        return self.user(name)

    def set_language(self, name: str, language: str | None) -> None:
        """Remember the language somebody reads, or none. Raises NotFound."""
        self._change(name, "language", language, name, "user.language", {"language": language})

    def set_password(self, name: str, password: str, *, by: str, keep: int | None = None) -> None:
        """Set a password; every session ends, but for the one with the number to keep. Raises NotFound, UsageError."""
        hashed = hash_password(password)
        with self._store.database.write() as connection:
            self._change(name, "password", hashed, by, "user.password", {})
            of_person = "kind='session' and person=(select n from person where name=?) and n<>?"
            self._end(connection, of_person, (name, -1 if keep is None else keep))

    def remove_user(self, name: str, *, by: str) -> None:
        """Remove a person with every token, session and link. Raises NotFound, and Refused for the last operator."""
        self._not_the_last(name)
        self._change(name, "removed", self._store.clock(), by, "user.remove", {})

    def check_password(self, name: str, password: str) -> User | None:
        """The person whose password it is; an unknown name takes as long as a wrong password."""
        row = (
            self._store.database.read()
            .execute(f"select {_PERSON}, password from person where name=? and removed is null", (name[:80],))
            .fetchone()
        )
        fits = password_fits(row[-1] if row else None, password)
        user = _user(row[:-1]) if row and fits else None
        return user if user is not None and self.may_come(user) else None

    def just_changed_password(self, name: str) -> bool:
        """Whether the last that somebody did was to give themselves another password, a minute ago at most."""
        sql = "select act, subject, at from audit where actor=? order by n desc limit 1"
        row = self._store.database.read().execute(sql, (name,)).fetchone()
        return row is not None and row[:2] == ("user.password", name) and self._store.clock() - row[2] < 60 * SECOND

    def may_come(self, user: User) -> bool:
        """Whether somebody may come in: of a partner nobody while the exchange with it is stopped."""
        return user.partner is None or user.partner not in stopped_partners(self._store.database.read())

    def owner(self, *, by: str) -> User:
        """The first person, with every role; made when there is nobody yet."""
        people = self.users()
        if not people:
            return self.add_user(OWNER, ROLES, by=by)
        return next((user for user in people if set(user.roles) == set(ROLES)), people[0])

    # Secrets

    def create_token(
        self,
        *,
        by: str,
        user: str | None = None,
        partner: str | None = None,
        scopes: Iterable[str] = ("read",),
        lasts: int = TOKEN_LASTS,
        note: str = "",
    ) -> tuple[str, Credential]:
        """A token of a person or a partner: its secret, shown once, and its entry. Raises NotFound, UsageError."""
        if (user is None) == (partner is None):
            raise UsageError("a token is either a user's or a partner's")
        found = tuple(dict.fromkeys(scopes))
        unknown = [scope for scope in found if scope not in SCOPES]
        if unknown or not found:
            raise UsageError(f"no such scope: {unknown[:1]}; there are {', '.join(SCOPES)}")
        if partner is not None:
            partner = self._store.partner(partner).name
            if set(found) - {"read", "write"}:
                raise UsageError("a partner's token may read its feed and write to its inbox, nothing else")
        if user is not None and (of := self.user(user).partner) is not None:
            raise UsageError(f"{user} is of {of}: its programs have tokens of the partner, its people log in")
        name = None if user is None else self.user(user).name
        return self._issue("token", name, partner, found, lasts, note, by)

    def create_link(self, user: str, *, by: str, lasts: int = LINK_LASTS) -> str:
        """The secret of a link that logs somebody in once. Raises NotFound."""
        return self._issue("link", self.user(user).name, None, (), lasts, "", by)[0]

    def use_link(self, secret: str) -> User | None:
        """Whom a link logs in, once; None when it is unknown, used or expired."""
        # Read first: nobody unknown makes this node write.
        found = self.find("link", secret)
        if found is None or not self.may_come(self.user(found.user or "")):
            return None
        with self._store.database.write() as connection:
            row = connection.execute(
                "update credential set ended=? where hash=? and kind='link' and ended is null and expires>? returning person",
                (self._store.clock(), _hash(secret), self._store.clock()),
            ).fetchone()
            if row is None:
                return None
            (name,) = connection.execute("select name from person where n=?", row).fetchone()
        return self.user(name)

    def open_session(self, user: str, *, how: str, note: str = "") -> str:
        """The secret of a new session; the oldest of many ends. Raises NotFound."""
        name = self.user(user).name
        with self._store.database.write() as connection:
            secret, _ = self._issue("session", name, None, SCOPES, SESSION_LASTS, note, name, {"how": how})
            of_person = "kind='session' and ended is null and person=(select n from person where name=?)"
            newest = f"select n from credential where {of_person} order by n desc limit ?"
            self._end(connection, f"{of_person} and n not in ({newest})", (name, name, SESSIONS_EACH))
        return secret

    def find(self, kind: Kind, secret: str) -> Credential | None:
        """The living credential of a secret; compared by hash, so timing tells nothing of others."""
        if not secret.startswith(_PREFIX[kind]) or len(secret) > 100:
            return None
        where = "c.hash=? and c.kind=? and c.ended is null and c.expires>?"
        rows = self._list(where, (_hash(secret), kind, self._store.clock()))
        return rows[0] if rows else None

    def listed(self, kind: Kind, *, user: str | None = None, partner: str | None = None) -> list[Credential]:
        """Tokens, sessions or links, newest last, ended ones too while they are remembered."""
        asked = [("c.kind=?", kind), ("p.name=?", user), ("c.partner=? collate nocase", partner)]
        where = [(condition, value) for condition, value in asked if value is not None]
        return self._list(" and ".join(condition for condition, _ in where), tuple(value for _, value in where))

    def end(self, kind: Kind, number: int, *, by: str, user: str | None = None) -> None:
        """Revoke one by its number; with `user` only one of theirs. Counts at once in every process. Raises NotFound."""
        with self._store.database.write() as connection:
            whose = " and person=(select n from person where name=?)"
            where, values = (
                ("kind=? and n=?", (kind, number)) if user is None else ("kind=? and n=?" + whose, (kind, number, user))
            )
            if not self._end(connection, where, values):
                raise NotFound(f"no living {kind} {number}")
            self._store.record(connection, by, f"{kind}.revoke", str(number))

    def end_session(self, secret: str) -> None:
        """Log out."""
        with self._store.database.write() as connection:
            self._end(connection, "kind='session' and hash=?", (_hash(secret),))

    # How

    def _not_the_last(self, name: str) -> None:
        operators = [user.name for user in self.users() if "operator" in user.roles]
        if operators == [self.user(name).name]:
            raise Refused(f"{operators[0]} is the last operator; name another one first")

    def _change(self, name: str, column: str, value: object, by: str, act: str, detail: dict[str, object]) -> None:
        with self._store.database.write() as connection:
            sql = f"update person set {column}=? where name=? and removed is null"
            if not connection.execute(sql, (value, name)).rowcount:
                raise NotFound(f"no user named {name[:80]}")
            self._store.record(connection, by, act, name, detail)

    def _issue(
        self,
        kind: Kind,
        user: str | None,
        partner: str | None,
        scopes: Iterable[Scope | str],
        lasts: int,
        note: str,
        by: str,
        detail: dict[str, object] | None = None,
    ) -> tuple[str, Credential]:
        if not 0 < lasts <= LONGEST:
            raise UsageError("it must expire, within ten years")
        secret = _PREFIX[kind] + secrets.token_urlsafe(32)
        now = self._store.clock()
        with self._store.database.write() as connection:
            connection.execute(
                "delete from credential where coalesce(ended, expires) < ? and expires < ?", (now - KEPT, now)
            )
            row = (kind, _hash(secret), user, partner, _json(tuple(scopes)), note[:200], now, now + lasts)
            connection.execute(
                "insert into credential(kind,hash,person,partner,scopes,note,created,expires) "
                "values (?,?,(select n from person where name=?),?,?,?,?,?)",
                row,
            )
            self._store.record(
                connection, by, f"{kind}.create", user or partner or "", {"scopes": list(scopes), **(detail or {})}
            )
            (issued,) = self._list("c.hash=?", (_hash(secret),), connection)
        return secret, issued

    def _end(self, connection: Connection, where: str, values: tuple[object, ...]) -> int:
        return connection.execute(
            f"update credential set ended=? where ended is null and {where}", (self._store.clock(), *values)
        ).rowcount

    def _list(self, where: str, values: tuple[object, ...], connection: Connection | None = None) -> list[Credential]:
        reader = connection or self._store.database.read()
        sql = (
            "select c.n, c.kind, p.name, c.partner, c.scopes, c.note, c.created, c.expires, c.ended "
            f"from credential c left join person p on p.n=c.person where {where} order by c.n"
        )
        return [
            Credential(
                number=n, kind=kind, user=user, partner=partner, scopes=tuple(msgspec.json.decode(scopes)),
                note=note, created=created, expires=expires, ended=ended,
            )
            for n, kind, user, partner, scopes, note, created, expires, ended in reader.execute(sql, values)
        ]  # fmt: skip


_PERSON = "name, display, roles, clearances, language, created, password is not null, partner"


def _user(row: tuple[str, str, str, str, str | None, int, int, str | None]) -> User:
    name, display, roles, clearances, language, created, has_password, partner = row
    return User(
        name=name,
        display=display,
        roles=tuple(msgspec.json.decode(roles)),
        clearances=tuple((policy, level) for policy, level in msgspec.json.decode(clearances)),
        language=language,
        created=created,
        has_password=bool(has_password),
        partner=partner,
    )


def _roles(roles: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(roles))
    unknown = [role for role in found if role not in ROLES]
    if unknown or not found:
        raise UsageError(f"no such role: {unknown[:1]}; there are {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in found)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
