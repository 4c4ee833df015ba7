"""The registry of exits: every route by which objects, or facts about objects, leave this node over HTTP.

`reader` says as whom it reads: a `person` through a view, a `partner` through its feed. The tests of non-interference go through
this table, and another test fails when a route is neither here nor in SILENT.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Exit(NamedTuple):
    """One way out. `path` is a template; {id}, {collection} and {version} stand for what is asked."""

    name: str
    method: str
    path: str
    reader: Literal["person", "partner"]


EXITS = (
    Exit("status page", "GET", "/", "person"),
    Exit("search", "GET", "/api/v1/search", "person"),
    Exit("object", "GET", "/api/v1/objects/{id}", "person"),
    Exit("versions", "GET", "/api/v1/objects/{id}/versions", "person"),
    Exit("neighbours", "GET", "/api/v1/objects/{id}/neighbours", "person"),
    Exit("visibility", "GET", "/api/v1/objects/{id}/visibility", "person"),
    Exit("label", "GET", "/api/v1/objects/{id}/label", "person"),
    Exit("relabel", "PUT", "/api/v1/objects/{id}/label", "person"),
    Exit("import", "POST", "/api/v1/import", "person"),
    Exit("partners", "GET", "/api/v1/partners", "person"),
    Exit("stats", "GET", "/api/v1/stats", "person"),
)

# Routes that tell nothing about any object, whoever asks.
SILENT = {
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/{secret}"),
    ("POST", "/logout"),
    ("POST", "/language"),
    ("GET", "/problems"),
    ("GET", "/problems/{slug}"),
    ("GET", "/static/{name}"),
}
