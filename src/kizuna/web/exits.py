"""The registry of exits: every route by which objects, or facts about objects, leave this node over HTTP.

`readers` says as whom it may be read: a `person` reads a view, a `partner` its feed, and so does a `visitor`, a person of a partner. The
tests of non-interference go through this table, and a test fails when a route is neither here nor in SILENT.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Reader = Literal["person", "partner", "visitor"]
PERSON: tuple[Reader, ...] = ("person",)
BOTH: tuple[Reader, ...] = ("person", "partner")
VISITOR: tuple[Reader, ...] = ("visitor",)


class Exit(NamedTuple):
    """One way out. In `path`, {id} is an object's, {collection} a collection's, {status} a TAXII status', {job} a job's, {rule} a rule,
    {partner} a partner's."""

    name: str
    method: str
    path: str
    readers: tuple[Reader, ...]


_COLLECTION = "/taxii2/real/collections/{collection}"

EXITS = (
    Exit("status page", "GET", "/", PERSON),
    Exit("page of where to go", "GET", "/find", PERSON),
    Exit("list of where to go as JSON", "GET", "/find.json", PERSON),
    Exit("list of where to go as CSV", "GET", "/find.csv", PERSON),
    Exit("page of links", "GET", "/links", PERSON),
    Exit("list of links as JSON", "GET", "/links.json", PERSON),
    Exit("list of links as CSV", "GET", "/links.csv", PERSON),
    Exit("page of days", "GET", "/timeline", PERSON),
    Exit("list of days as JSON", "GET", "/timeline.json", PERSON),
    Exit("list of days as CSV", "GET", "/timeline.csv", PERSON),
    Exit("page of tracks", "GET", "/air", PERSON),
    Exit("list of tracks as JSON", "GET", "/air.json", PERSON),
    Exit("list of tracks as CSV", "GET", "/air.csv", PERSON),
    Exit("page of objects", "GET", "/objects", PERSON),
    Exit("page of an object", "GET", "/objects/{id}", PERSON),
    Exit("graph of an object", "GET", "/objects/{id}/graph", PERSON),
    Exit("graph of an object as JSON", "GET", "/objects/{id}/graph.json", PERSON),
    Exit("graph of an object as CSV", "GET", "/objects/{id}/graph.csv", PERSON),
    Exit("drawing of a graph", "GET", "/objects/{id}/graph/drawing.json", PERSON),
    Exit("page of an outbox", "GET", "/release", PERSON),
    Exit("page of what leaves", "GET", "/release/look", PERSON),
    Exit("page of partners", "GET", "/partners", PERSON),
    Exit("page of a partner", "GET", "/partners/{partner}", PERSON),
    Exit("list of objects as JSON", "GET", "/objects.json", PERSON),
    Exit("list of objects as CSV", "GET", "/objects.csv", PERSON),
    Exit("list of an outbox as JSON", "GET", "/release.json", PERSON),
    Exit("list of an outbox as CSV", "GET", "/release.csv", PERSON),
    Exit("list of partners as JSON", "GET", "/partners.json", PERSON),
    Exit("list of partners as CSV", "GET", "/partners.csv", PERSON),
    Exit("page of consents", "GET", "/release/consents", PERSON),
    Exit("list of consents as JSON", "GET", "/release/consents.json", PERSON),
    Exit("list of consents as CSV", "GET", "/release/consents.csv", PERSON),
    Exit("page of a cut", "GET", "/objects/{id}/cut", PERSON),
    Exit("form of a cut", "POST", "/objects/{id}/cut", PERSON),
    Exit("page of an edit", "GET", "/objects/{id}/edit", PERSON),
    Exit("form of an edit", "POST", "/objects/{id}/edit", PERSON),
    Exit("page of a note", "GET", "/objects/{id}/note", PERSON),
    Exit("form of a note", "POST", "/objects/{id}/note", PERSON),
    # It answers with the page of the partner, and so with what it was given.
    Exit("form of a partner's people", "POST", "/partners/{partner}/people", PERSON),
    Exit("form of a label", "POST", "/objects/label", PERSON),
    Exit("form of a tag", "POST", "/objects/tag", PERSON),
    Exit("form of an export", "POST", "/objects/export", PERSON),
    Exit("form of a proposal", "POST", "/release/propose", PERSON),
    Exit("form of an approval", "POST", "/release/approve", PERSON),
    Exit("form of a stop", "POST", "/release/stop", PERSON),
    Exit("form of a withdrawal", "POST", "/release/withdraw", PERSON),
    Exit("form of a consent", "POST", "/release/consents/new", PERSON),
    Exit("form of a rule", "POST", "/release/rules/new", PERSON),
    Exit("search", "GET", "/api/v1/search", PERSON),
    Exit("facets", "GET", "/api/v1/search/facets", PERSON),
    Exit("object", "GET", "/api/v1/objects/{id}", PERSON),
    Exit("versions", "GET", "/api/v1/objects/{id}/versions", PERSON),
    Exit("neighbours", "GET", "/api/v1/objects/{id}/neighbours", PERSON),
    Exit("visibility", "GET", "/api/v1/objects/{id}/visibility", PERSON),
    Exit("label", "GET", "/api/v1/objects/{id}/label", PERSON),
    Exit("relabel", "PUT", "/api/v1/objects/{id}/label", PERSON),
    Exit("import", "POST", "/api/v1/import", PERSON),
    Exit("partners", "GET", "/api/v1/partners", PERSON),
    Exit("stats", "GET", "/api/v1/stats", PERSON),
    Exit("jobs", "GET", "/api/v1/jobs", PERSON),
    Exit("job", "GET", "/api/v1/jobs/{job}", PERSON),
    Exit("result of a job", "GET", "/api/v1/jobs/{job}/result", PERSON),
    Exit("audit trail", "GET", "/api/v1/audit", PERSON),
    Exit("release preview", "GET", "/api/v1/release/preview", PERSON),
    Exit("release explain", "GET", "/api/v1/release/explain", PERSON),
    Exit("sanitise", "POST", "/api/v1/release/sanitise", PERSON),
    Exit("outbox", "GET", "/api/v1/release/outbox", PERSON),
    Exit("history of releases", "GET", "/api/v1/release/history", PERSON),
    Exit("propose", "POST", "/api/v1/release/propose", PERSON),
    Exit("approve", "POST", "/api/v1/release/approve", PERSON),
    Exit("stop", "POST", "/api/v1/release/stop", PERSON),
    Exit("withdraw", "POST", "/api/v1/release/withdraw", PERSON),
    Exit("revoke", "POST", "/api/v1/release/revoke", PERSON),
    Exit("withheld texts found", "GET", "/api/v1/release/found", PERSON),
    Exit("let withheld texts", "POST", "/api/v1/release/clear", PERSON),
    Exit("relabel many", "POST", "/api/v1/release/relabel", PERSON),
    Exit("consents", "GET", "/api/v1/release/consents", PERSON),
    Exit("ask for consent", "POST", "/api/v1/release/consents/request", PERSON),
    Exit("consent", "POST", "/api/v1/release/consents/grant", PERSON),
    Exit("end of a consent", "POST", "/api/v1/release/consents/end", PERSON),
    Exit("feed", "GET", "/feed", VISITOR),
    Exit("feed as JSON", "GET", "/feed.json", VISITOR),
    Exit("feed as CSV", "GET", "/feed.csv", VISITOR),
    Exit("object of a feed", "GET", "/feed/{id}", VISITOR),
    Exit("what was taken back", "GET", "/feed/withdrawn", VISITOR),
    Exit("what was taken back as JSON", "GET", "/feed/withdrawn.json", VISITOR),
    Exit("what was taken back as CSV", "GET", "/feed/withdrawn.csv", VISITOR),
    Exit("TAXII objects", "GET", f"{_COLLECTION}/objects/", BOTH),
    Exit("TAXII add objects", "POST", f"{_COLLECTION}/objects/", BOTH),
    Exit("TAXII object", "GET", f"{_COLLECTION}/objects/{{id}}/", BOTH),
    Exit("TAXII delete object", "DELETE", f"{_COLLECTION}/objects/{{id}}/", PERSON),
    Exit("TAXII versions", "GET", f"{_COLLECTION}/objects/{{id}}/versions/", BOTH),
    Exit("TAXII manifest", "GET", f"{_COLLECTION}/manifest/", BOTH),
    Exit("TAXII status", "GET", "/taxii2/real/status/{status}/", BOTH),
)

# Routes that tell nothing of any object, whoever asks.
SILENT = {
    ("POST", "/api/v1/jobs"),
    ("DELETE", "/api/v1/jobs/{job}"),
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/openapi.json"),
    # Operators tell each other ids here; whether there is such an object, nobody is told.
    ("GET", "/api/v1/purges"),
    ("POST", "/api/v1/purges"),
    ("DELETE", "/api/v1/purges/{number}"),
    ("POST", "/api/v1/purges/{number}/confirm"),
    ("POST", "/api/v1/purges/{number}/lift"),
    # Rules say what is proposed and sent, whatever there is; how much that is, they do not say.
    ("GET", "/api/v1/release/rules"),
    ("PUT", "/api/v1/release/rules"),
    ("GET", "/api/v1/release/rules/{rule}"),
    ("DELETE", "/api/v1/release/rules/{rule}"),
    ("POST", "/api/v1/release/rules/{rule}/approve"),
    ("POST", "/api/v1/release/rules/{rule}/stop"),
    # Always leads to a page, which says what there is.
    ("POST", "/objects/{id}/take-back"),
    ("GET", "/release/rules"),
    ("GET", "/release/rules.json"),
    ("GET", "/release/rules.csv"),
    ("POST", "/release/rules"),
    ("GET", "/release/rules/new"),
    ("GET", "/release/consents/new"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/{secret}"),
    ("POST", "/login/{secret}"),
    ("GET", "/login/{secret}/confirm"),
    ("POST", "/logout"),
    ("GET", "/people"),
    ("GET", "/people.json"),
    ("GET", "/people.csv"),
    # What somebody asks, and not what is found.
    ("GET", "/searches"),
    ("GET", "/searches.json"),
    ("GET", "/searches.csv"),
    ("POST", "/searches"),
    ("GET", "/sessions"),
    ("GET", "/sessions.json"),
    ("GET", "/sessions.csv"),
    ("POST", "/sessions"),
    ("GET", "/settings"),
    ("POST", "/settings"),
    ("POST", "/language"),
    ("GET", "/problems"),
    ("GET", "/problems/{slug}"),
    ("GET", "/static/{name}"),
    ("GET", "/taxii2/"),
    ("GET", "/taxii2/real/"),
    ("GET", "/taxii2/real/collections/"),
    ("GET", _COLLECTION + "/"),
}
