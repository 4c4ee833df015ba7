"""What holds for every route: who may ask, the shape of errors, the headers, the description, the registry of exits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from kizuna.store import Partner, Store
from kizuna.store.accounts import SCOPES, Accounts
from kizuna.store.caller import ROLES_WITH
from kizuna.web.api import HANDLERS
from kizuna.web.api.schema import document
from kizuna.web.app import HEADERS, routes
from kizuna.web.exits import EXITS, SILENT
from kizuna.web.problems import KINDS, MEDIA_TYPE
from tests.serving import served
from tests.stores import Databases

API = [route for route in routes() if route[1].startswith("/api/v1/") and route[1] != "/api/v1/openapi.json"]
ALL = [*routes(), *((exit.method, exit.path) for exit in EXITS if exit.path.startswith("/taxii2/"))]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ID = "campaign--00000000-0000-4000-8000-000000000000"
PURGE = f'{{"id": "{ID}", "reason": "why"}}'.encode()
RELEASE = f'{{"partner": "Brussels", "ids": ["{ID}"]}}'.encode()
# What a body says where it is not a label.
BODIES = {
    "/api/v1/purges": PURGE,
    "/api/v1/release/propose": RELEASE,
    "/api/v1/release/stop": RELEASE,
    "/api/v1/release/withdraw": RELEASE[:-1] + b', "reason": "why"}',
    "/api/v1/release/relabel": f'{{"ids": ["{ID}"], "label": "PUBLIC"}}'.encode(),
    "/api/v1/release/revoke": f'{{"ids": ["{ID}"]}}'.encode(),
    "/api/v1/release/consents/request": RELEASE[:-1] + b', "third_party": "Kyiv", "reason": "why"}',
    "/api/v1/release/consents/end": RELEASE[:-1] + b', "third_party": "Kyiv"}',
    "/api/v1/release/sanitise": f'{{"partner": "Brussels", "id": "{ID}"}}'.encode(),
    "/api/v1/release/rules": b'[{"name": "ask"}]',
}


class Served:
    """A served node and the tokens of a partner, a person without roles that matter, and everybody's scopes."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.http = httpx.Client(base_url=url, timeout=30)
        store.put_partner(Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", added=1))
        accounts = Accounts(store)
        accounts.owner(by="test")
        accounts.add_user("officer", ["programme-officer"], by="test")
        self.owner, _ = accounts.create_token(user="owner", scopes=SCOPES, by="test")
        self.unscoped, _ = accounts.create_token(user="owner", scopes=["operate"], by="test")
        self.reading, _ = accounts.create_token(user="owner", scopes=["read"], by="test")
        self.officer, _ = accounts.create_token(user="officer", scopes=SCOPES, by="test")
        self.partner, _ = accounts.create_token(partner="Brussels", scopes=["read", "write"], by="test")

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """Ask at the path of a route, its places filled."""
        filled = re.sub(r"\{(\w+)\}", lambda match: ID if match[1] == "id" else "x", path)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if (method, path) == ("POST", "/api/v1/jobs"):
            more.setdefault("params", {"kind": "import"})
        if path in ("/api/v1/release/preview", "/api/v1/release/outbox"):
            more.setdefault("params", {"as": "Brussels"})
        if path == "/api/v1/release/history":
            more.setdefault("params", {"id": ID})
        if path == "/api/v1/release/found":
            more.setdefault("params", {"as": "Brussels", "id": ID})
        return self.http.request(method, filled, headers={**headers, **more.pop("headers", {})}, **more)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Served]:
    """One node for all: nothing here changes it."""
    from kizuna.settings import Settings, save
    from kizuna.store.keys import make_key

    folder = tmp_path_factory.mktemp("node")
    identity = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
    with databases() as database:
        settings = Settings(
            name="Tokyo", organisation="CERT Tokyo (fictional)", country="JPN", identity=identity, store=database
        )
        save(folder, settings)
        make_key(folder)
        store = Store(folder, settings)
        with served(store) as url:
            made = Served(store, url)
            yield made
            made.http.close()
        store.close()


def is_problem(answer: httpx.Response, status: int) -> None:
    """The one shape of errors."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    problem = answer.json()
    assert problem.keys() <= {"type", "title", "status", "detail", "errors", "trace_id"}
    slug = problem["type"].removeprefix("/problems/")
    assert (problem["status"], problem["title"]) == (status, KINDS[slug].title)
    for error in problem.get("errors", []):
        assert error.keys() == {"pointer", "message"}
        assert error["pointer"].startswith("/")


def test_every_route_is_registered() -> None:
    exits = {(exit.method, exit.path) for exit in EXITS}
    assert len(exits) == len(EXITS)
    assert exits.isdisjoint(SILENT)
    assert set(routes()) == {route for route in exits | SILENT if not route[1].startswith("/taxii2/")}


def test_every_route_of_the_api_states_its_right() -> None:
    rights = {handler.opt["right"] for handler in HANDLERS}
    assert rights <= set(ROLES_WITH)
    assert all(handler.fn.__doc__ for handler in HANDLERS)


@pytest.mark.parametrize(("method", "path"), API)
def test_nobody_unknown_learns_anything(node: Served, method: str, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer kzn_wrong"},
        {"Authorization": "Basic !"},
        {"Cookie": "kizuna_0d2b5c1e7a01=kzs_x"},
    ):
        answer = node.ask(method, path, headers=headers, params={"limit": "x"})
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), API)
def test_partners_have_no_api(node: Served, method: str, path: str) -> None:
    is_problem(node.ask(method, path, node.partner), 403)


@pytest.mark.parametrize(("method", "path"), API)
def test_a_token_does_what_its_scopes_say(node: Served, method: str, path: str) -> None:
    operates = path.startswith(("/api/v1/audit", "/api/v1/purges"))
    is_problem(node.ask(method, path, node.reading if operates else node.unscoped), 403)


CHANGES = [route for route in API if route[0] not in ("GET", "DELETE") and route[1] != "/api/v1/release/sanitise"]
"""What changes something; a question that is too long for an address is none."""


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_people_do_what_their_roles_say(node: Served, method: str, path: str) -> None:
    is_problem(node.ask(method, path, node.officer, content=b"{}"), 403)


@pytest.mark.parametrize(("method", "path"), API)
def test_the_owner_is_answered_in_json(node: Served, method: str, path: str) -> None:
    body = BODIES.get(path, b'{"label": "PUBLIC"}')
    answer = node.ask(method, path, node.owner, content=None if method == "GET" else body)
    if path.endswith(("/approve", "/consents/grant", "/release/clear")):
        is_problem(answer, 403)
        assert answer.json()["detail"].startswith("tokens do not approve")
    elif path == "/api/v1/release/sanitise" or any(place in path for place in ("{id}", "{job}", "{number}", "{rule}")):
        is_problem(answer, 404)
    else:
        status = 202 if (method, path) == ("POST", "/api/v1/jobs") else 200
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        assert "private" in answer.headers.get("cache-control", "") or answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), ALL)
def test_security_headers_are_on_everything(node: Served, method: str, path: str) -> None:
    answer = node.ask(method, path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, name
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"]
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", sorted({path for _, path in routes()}))
def test_other_methods_are_refused(node: Served, path: str) -> None:
    allowed = {method for method, known in routes() if known == path}
    for method in set(METHODS) - allowed:
        answer = node.ask(method, path, node.owner)
        is_problem(answer, 405)
        assert set(answer.headers["allow"].split(", ")) >= allowed


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api/v1/nothing", "/api/v2", "/api/v1/objects", "/static/../app.py", "/static/%2e%2e%2fapp.py"],
)
def test_unknown_addresses(node: Served, path: str) -> None:
    is_problem(node.ask("GET", path, node.owner), 404)


@pytest.mark.parametrize("slug", KINDS)
def test_every_type_of_problem_resolves_here(node: Served, slug: str) -> None:
    answer = node.ask("GET", f"/problems/{slug}")
    assert answer.status_code == 200
    assert KINDS[slug].title in answer.text


def test_every_error_has_its_problem() -> None:
    from kizuna.errors import KizunaError

    def subclasses(base: type[KizunaError]) -> Iterator[type[KizunaError]]:
        yield base
        for child in base.__subclasses__():
            yield from subclasses(child)

    ours = [error for error in subclasses(KizunaError) if error.__module__.startswith(("kizuna.errors", "kizuna.web"))]
    assert {error.slug for error in ours} <= set(KINDS)
    assert all(KINDS[error.slug].status == error.status for error in ours)


def test_the_description_is_valid_and_complete(node: Served) -> None:
    described = node.ask("GET", "/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []
    operations = {(method.upper(), path) for path, item in described["paths"].items() for method in item}
    assert operations == set(API)
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["description"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            for parameter in operation.get("parameters", []):
                assert parameter["in"] == "path" or parameter.get("description"), parameter["name"]


def test_what_is_answered_is_what_is_described(node: Served) -> None:
    described = msgspec.json.decode(document())
    for method, path in API:
        if method == "GET" and "{" not in path:
            content = described["paths"][path]["get"]["responses"]["200"]["content"]
            schema = {**content["application/json"]["schema"], "components": described["components"]}
            assert list(OAS31Validator(schema).iter_errors(node.ask("GET", path, node.owner).json())) == []


def test_health_tells_no_detail(node: Served) -> None:
    assert (node.ask("GET", "/healthz").text, node.ask("GET", "/readyz").text) == ("ok\n", "ready\n")


def test_not_ready_without_its_key(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with served(store) as url:
        (store.folder / "node.key").unlink()
        answer = httpx.get(f"{url}/readyz")
        is_problem(answer, 503)
        assert str(store.folder) not in answer.text
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_an_error_of_the_node_tells_only_a_number(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of /root/node")

    monkeypatch.setattr(type(node.store), "view", broken)
    answer = node.ask("GET", "/api/v1/stats", node.owner)
    is_problem(answer, 500)
    assert "secret" not in answer.text
    assert re.fullmatch("[0-9a-f]{32}", answer.json()["trace_id"])


def test_bodies_have_a_bound(node: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/login", "/language"):
        is_problem(node.ask("POST", path, content=b"x=" + b"y" * 20_000, headers=form), 413)
    is_problem(node.ask("PUT", "/api/v1/objects/{id}/label", node.owner, content=b" " * (2 << 20)), 413)
