"""Who may come in: asked before anything of a request is read, so that nobody unknown learns even what is malformed."""

from __future__ import annotations

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from kizuna.errors import NotAuthenticated, Refused, UsageError
from kizuna.store.caller import Caller, Right
from kizuna.web.auth import csrf_token
from kizuna.web.context import Context
from kizuna.web.problems import WrongOrigin

Connection = ASGIConnection[Any, Any, Any, Any]
SAFE = {"GET", "HEAD", "OPTIONS"}


def own_people(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard of the API: one of one's own people, with the right that the handler names in its options; with `person` no token.

    Partners read their feeds, never views, so none of the API is theirs. Raises NotAuthenticated, Refused, WrongOrigin, UsageError.
    """
    # Litestar answers OPTIONS by itself; what an address knows is for whoever may read.
    right: Right = "read" if connection.scope.get("method") == "OPTIONS" else handler.opt["right"]
    person_with(connection, right)
    if handler.opt.get("person") and connection.headers.get("authorization") is not None:
        raise Refused("tokens do not approve: log in, and give your password with it")
    only_known_questions(connection, handler)


def person_with(connection: Connection, right: Right) -> Caller:
    """One of one's own people who has a right. Raises NotAuthenticated, Refused, WrongOrigin."""
    caller = known(connection)
    if caller is None:
        raise NotAuthenticated("log in, or send a token: Authorization: Bearer kzn_…")
    if caller.kind != "person":
        raise Refused("partners read their feeds, under /taxii2/")
    if not caller.may(right):
        raise Refused(f"this needs the right to {right}")
    return caller


def only_known_questions(connection: Connection, handler: BaseRouteHandler) -> None:
    """Raises UsageError for a query parameter that the address does not know: misspelt, it would be passed over."""
    known = [
        described.name or name
        for name, parameter in handler.parsed_fn_signature.parameters.items()
        if isinstance(described := parameter.kwarg_definition, QueryParameter)
    ]
    for name in connection.query_params:
        if name not in known:
            text = f"unknown parameter {name[:60]!r}; this address knows {', '.join(known) or 'none'}"
            raise UsageError(text, path=f"/query/{name[:60]}")


def known(connection: Connection) -> Caller | None:
    """Who it is, by token, else by session, as the request knows from then on. A session may change things only from one of our
    own pages."""
    caller = _known(connection)
    if caller is not None:
        connection.scope["user"] = caller
    return caller


def _known(connection: Connection) -> Caller | None:
    context: Context = connection.app.state["context"]
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        return context.authenticator(authorization, remote(connection))
    secret = connection.cookies.get(context.cookie)
    caller = context.authenticator.session(secret) if secret else None
    if caller is not None and secret and connection.scope.get("method") not in SAFE:
        given = connection.headers.get("x-csrf-token", "")
        if not (from_here(connection) and hmac.compare_digest(given.encode(), csrf_token(secret).encode())):
            raise WrongOrigin("a session needs its X-CSRF-Token to change anything")
    return caller


def from_here(connection: Connection) -> bool:
    """Whether a browser says that one of our own pages asked. Old programs say nothing, and have no cookies of ours either."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin, host = connection.headers.get("origin"), connection.headers.get("host")
    return origin is None or (bool(host) and origin.partition("://")[2] == host)


def remote(connection: Connection) -> str:
    """The address a request came from."""
    return connection.client.host if connection.client else ""
