"""Databases of their own for nodes that are made and gone again, as a demo's."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from psycopg import sql

from kizuna.store.postgres.connection import PostgresConnection, told
from kizuna.store.postgres.database import SCHEMA, connected, schema_of


def make_database(server: str, name: str) -> str:
    """A new empty database beside the one `server` names, and its address. Raises Unavailable."""
    database = f"kizuna_{name.lower()}_{secrets.token_hex(6)}"
    with told(), connected(server) as raw:
        statement = "create database {} template template0 encoding 'UTF8'"
        raw.execute(sql.SQL(statement).format(sql.Identifier(database)))
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


def drop_database(server: str, url: str) -> None:
    """Drop a database that `make_database` made, whoever is connected to it. Raises Unavailable."""
    with told(), connected(server) as raw:
        database = sql.Identifier(urlsplit(url).path.removeprefix("/"))
        raw.execute(sql.SQL("drop database if exists {} with (force)").format(database))


def clear_schema(url: str, unwanted: Callable[[PostgresConnection], bool]) -> bool:
    """Drop the node's schema in a database where it is unwanted; says whether there is none now. Raises Unavailable."""
    with told(), connected(url) as raw:
        if not schema_of(raw):
            return True
        if gone := unwanted(PostgresConnection(raw, {})):
            raw.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(SCHEMA)))
        return gone
