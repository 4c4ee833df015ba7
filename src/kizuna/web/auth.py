"""Who is asking: bearer tokens, Basic with the user `token`, and cookie sessions, each answered from a small cache.

The cache holds only while nobody has committed anything: a revoked token or a changed role counts at the next request, also
when another process revoked it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import threading

from kizuna.errors import NotFound
from kizuna.store import Store
from kizuna.store.accounts import Accounts, Credential, Kind, User
from kizuna.store.caller import Caller

CACHED = 512
# The user name that stands before a token in HTTP Basic (RFC 7617); clients of TAXII often know nothing else.
BASIC_USER = "token"


class _Known(threading.local):
    """One thread's cache: SQLite tells each connection on its own whether something was committed."""

    version: object = None
    callers: dict[tuple[str, bytes], tuple[int, Caller | None]]

    def __init__(self) -> None:
        self.callers = {}


class Authenticator:
    """Callable: the value of an Authorization header → who it is, None for nobody we know."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts = Accounts(store)
        self._known = _Known()

    def __call__(self, authorization: str | None, remote: str = "") -> Caller | None:
        """Whose token it is. `remote` is where the request came from; a token of 256 bits needs no slowing down."""
        token = _token(authorization)
        return None if token is None else self._caller("token", token)

    def session(self, secret: str) -> Caller | None:
        """Whose session it is."""
        return self._caller("session", secret)

    def _caller(self, kind: Kind, secret: str) -> Caller | None:
        known = self._known
        version = self._store.database.version()
        if known.version != version or len(known.callers) >= CACHED:
            known.callers.clear()
            known.version = version
        key = (kind, hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest())
        entry = known.callers.get(key)
        if entry is None or entry[0] <= self._store.clock():
            found = self._accounts.find(kind, secret)
            if found is None:
                # Not remembered: anybody may send any number of wrong tokens.
                known.callers.pop(key, None)
                return None
            entry = known.callers[key] = (found.expires, self._who(found))
        return entry[1]

    def _who(self, found: Credential) -> Caller | None:
        try:
            if found.partner is not None:
                principal = self._store.principal_of_partner(found.partner)
                return Caller(kind="partner", name=found.partner, principal=principal, roles=(), scopes=found.scopes)
            user = self._accounts.user(found.user or "")
            if user.partner is None:
                return caller_of(self._store, user, found.scopes)
            if not self._accounts.may_come(user):
                return None
            principal = self._store.principal_of_partner(user.partner)
            return Caller(kind="visitor", name=user.name, principal=principal, partner=user.partner)
        except NotFound:
            return None


def caller_of(store: Store, user: User, scopes: tuple[str, ...]) -> Caller:
    """A person as a caller."""
    principal = store.principal_of_person(user.name, user.clearances)
    return Caller(kind="person", name=user.name, principal=principal, roles=user.roles, scopes=scopes)


def _token(authorization: str | None) -> str | None:
    scheme, _, rest = (authorization or "").partition(" ")
    value = rest.strip()
    if scheme.lower() == "bearer":
        return value or None
    if scheme.lower() != "basic" or len(value) > 1000:
        return None
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return password if colon and user == BASIC_USER else None


def csrf_token(session: str) -> str:
    """What a form of this session must bring along: bound to the session, useless without it."""
    return hashlib.blake2b(b"form", key=hashlib.sha256(session.encode()).digest(), digest_size=24).hexdigest()


def login_url(store: Store, url: str, *, by: str = "up", lasts: int | None = None) -> str:
    """A link that logs the owner in once. `url` is the node's own address."""
    from kizuna.store.accounts import SESSION_LASTS

    accounts = Accounts(store)
    owner = accounts.owner(by=by)
    return f"{url.rstrip('/')}/login/{accounts.create_link(owner.name, by=by, lasts=lasts or SESSION_LASTS)}"


__all__ = ["Authenticator", "caller_of", "csrf_token", "login_url"]
