"""Who comes in, by which way, and who is slowed down."""

from __future__ import annotations

import base64

import httpx
import pytest

from kizuna.store.accounts import Accounts
from kizuna.store.database import open_database
from kizuna.web.auth import Authenticator, csrf_token
from kizuna.web.forms import MEDIA_TYPE as FORM
from kizuna.web.slowing import FORGOTTEN, REMEMBERED, Slowing
from tests.conftest import Clock
from tests.web.conftest import PASSWORD, Node


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_ways_to_send_a_token(node: Node) -> None:
    known, token = Authenticator(node.store), node.tokens["owner"]
    for header in (f"Bearer {token}", f"bearer  {token}", basic("token", token)):
        caller = known(header)
        assert caller is not None
        assert (caller.kind, caller.name, caller.principal.person) == ("person", "owner", "owner")
    wrong: tuple[str | None, ...] = (
        None, "", token, "Bearer", f"Bearer {token}x", f"Token {token}", basic("owner", token), basic("token", "x"),
        "Basic !", "Basic " + "A" * 2000, "Basic gICA", "Bearer \udc80", basic("owner", PASSWORD),
    )  # fmt: skip
    for one in wrong:
        assert known(one) is None, one


def test_a_partner_is_a_principal_without_a_person(node: Node) -> None:
    caller = Authenticator(node.store)(f"Bearer {node.tokens['partner']}")
    assert caller is not None
    assert (caller.kind, caller.name, caller.roles) == ("partner", "Brussels", ())
    assert caller.principal == node.store.principal_of_partner("Brussels")
    assert caller.principal.person is None


def test_what_another_process_ends_is_over_at_once(node: Node) -> None:
    known, header = Authenticator(node.store), f"Bearer {node.tokens['owner']}"
    assert known(header) is not None
    assert known(header) is not None
    elsewhere = open_database(node.store.folder, node.store.settings)
    with elsewhere.write() as connection:
        connection.execute("update credential set ended=1")
    elsewhere.close()
    assert known(header) is None


def test_a_changed_role_counts_at_once(node: Node) -> None:
    client = node.client("analyst")
    assert client.post("/api/v1/import", content=b"[]").status_code == 200
    node.accounts.set_roles("analyst", ["reader"], by="test")
    assert client.post("/api/v1/import", content=b"[]").status_code == 403


def test_a_token_that_expires_while_it_is_remembered(node: Node, clock: Clock) -> None:
    secret, _ = node.accounts.create_token(user="owner", lasts=1_000_000, by="test")
    known = Authenticator(node.store)
    assert known(f"Bearer {secret}") is not None
    clock.forward(1)
    assert known(f"Bearer {secret}") is None


def test_a_link_logs_in_once(node: Node) -> None:
    browser = node.browser()
    assert browser.get("/").status_code == 200
    (cookie,) = browser.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.name == "kizuna_0d2b5c1e7a01"
    link = node.accounts.create_link("owner", by="test")
    first = httpx.get(f"{node.url}/login/{link}")
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "SameSite=Lax" in first.headers["set-cookie"]
    again = httpx.get(f"{node.url}/login/{link}")
    assert (again.status_code, again.json()["type"]) == (401, "/problems/link-used")
    assert "set-cookie" not in again.headers


def test_looking_at_a_link_does_not_use_it(node: Node) -> None:
    link = node.accounts.create_link("owner", by="test")
    assert httpx.head(f"{node.url}/login/{link}").status_code == 405
    assert node.accounts.use_link(link) is not None


ELSEWHERE = pytest.mark.parametrize("site", ["cross-site", "same-site"])


@ELSEWHERE
@pytest.mark.parametrize(("language", "text"), [("en", "Another site"), ("ja", "別のサイト")])
def test_a_link_that_another_site_opens_asks_first(node: Node, site: str, language: str, text: str) -> None:
    link = node.accounts.create_link("owner", by="test")
    headers = {"Accept": "text/html", "Accept-Language": language}
    with httpx.Client(base_url=node.url, headers=headers, timeout=30) as browser:
        asked = browser.get(f"/login/{link}", headers={"Sec-Fetch-Site": site})
        assert (asked.status_code, "set-cookie" in asked.headers) == (200, False)
        assert text in asked.text
        assert f'<form method="post" action="/login/{link}"' in asked.text
        # Another language is chosen without logging in.
        chosen = browser.post("/language", data={"language": "ja", "next": f"/login/{link}/confirm"})
        again = browser.get(chosen.headers["location"], headers={"Sec-Fetch-Site": "same-origin"})
        assert "別のサイト" in again.text
        assert f'value="/login/{link}/confirm"' in again.text
        assert browser.get("/").headers["location"] == "/login"
        done = browser.post(f"/login/{link}", headers={"Sec-Fetch-Site": "same-origin"})
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert browser.get("/").status_code == 200
        assert browser.post(f"/login/{link}").status_code == 401


@ELSEWHERE
def test_another_site_cannot_log_in_by_a_link(node: Node, site: str) -> None:
    link = node.accounts.create_link("owner", by="test")
    assert httpx.post(f"{node.url}/login/{link}", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert httpx.post(f"{node.url}/login/{link}", headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert httpx.head(f"{node.url}/login/{link}", headers={"Sec-Fetch-Site": site}).status_code == 405
    assert node.accounts.use_link(link) is not None


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_link_typed_or_followed_from_here_enters_at_once(node: Node, site: str) -> None:
    link = node.accounts.create_link("owner", by="test")
    assert httpx.get(f"{node.url}/login/{link}", headers={"Sec-Fetch-Site": site}).status_code == 303


def login(node: Node, name: str, password: str, **headers: str) -> httpx.Response:
    return httpx.post(
        f"{node.url}/login", data={"name": name, "password": password}, headers={"Accept": "text/html", **headers}
    )


def test_passwords(node: Node) -> None:
    node.accounts.set_password("reader", PASSWORD, by="test")
    done = login(node, "reader", PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    for name, password in (("reader", "wrong"), ("nobody", PASSWORD), ("", ""), ("owner", ""), ("<b>", "\0")):
        wrong = login(node, name, password, **{"X-Forwarded-For": name or "x"})
        if wrong.status_code == 429:
            break
        assert wrong.status_code == 401
        assert "set-cookie" not in wrong.headers
        assert "<b>" not in wrong.text
    program = httpx.post(f"{node.url}/login", data={"name": "x", "password": "x"})
    assert program.headers["content-type"] == "application/problem+json"


def test_log_ins_are_slowed(node: Node, clock: Clock) -> None:
    node.accounts.set_password("reader", PASSWORD, by="test")
    while (answer := login(node, "reader", "wrong")).status_code == 401:
        pass
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert login(node, "reader", PASSWORD).status_code == 429
    clock.forward(1)
    assert login(node, "reader", PASSWORD).status_code == 303


def test_failures_are_in_the_audit_trail(node: Node) -> None:
    login(node, "reader", "wrong")
    entry = node.store.audit_trail(1)[0]
    assert (entry["act"], entry["subject"], entry["detail"]) == ("login.failed", "reader", {"remote": "127.0.0.1"})


@pytest.mark.parametrize(
    "origin",
    [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_other_pages_cannot_log_in_or_out_or_change(node: Node, origin: dict[str, str]) -> None:
    node.accounts.set_password("reader", PASSWORD, by="test")
    assert login(node, "reader", PASSWORD, **origin).status_code == 403
    browser = node.browser()
    csrf = csrf_token(next(iter(browser.cookies.jar)).value or "")
    assert browser.post("/logout", data={"csrf": csrf}, headers=origin).status_code == 403
    assert browser.post("/language", data={"language": "ja"}, headers=origin).status_code == 403
    assert browser.post("/api/v1/import", content=b"[]", headers={"X-CSRF-Token": csrf, **origin}).status_code == 403


@pytest.mark.parametrize("page", ["/login", "/logout", "/language"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("multipart/form-data; boundary=b; charset=nope", 415),
        ("multipart/form-data", 415),
        ("application/json", 415),
        ("application/x-www-form-urlencoded; charset=nope", 400),
        ("application/x-www-form-urlencoded", 400),
    ],
)
def test_a_form_that_cannot_be_read_is_no_error_of_the_node(node: Node, page: str, kind: str, status: int) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--b--\r\n'
    answer = httpx.post(node.url + page, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    many = httpx.post(node.url + page, content=b"a=b&" * 100, headers={"Content-Type": FORM})
    assert many.status_code == 400


def test_a_session_changes_only_with_its_token(node: Node) -> None:
    browser = node.browser()
    token = browser.get("/api/v1/me").json()["csrf_token"]
    assert browser.post("/api/v1/import", content=b"[]").status_code == 403
    assert browser.post("/api/v1/import", content=b"[]", headers={"X-CSRF-Token": "x"}).status_code == 403
    assert browser.post("/api/v1/import", content=b"[]", headers={"X-CSRF-Token": token}).status_code == 200
    other = node.browser("analyst")
    assert other.post("/api/v1/import", content=b"[]", headers={"X-CSRF-Token": token}).status_code == 403


def test_logging_out_ends_the_session(node: Node) -> None:
    browser = node.browser()
    secret = next(iter(browser.cookies.jar)).value or ""
    assert browser.post("/logout", data={"csrf": "x"}).status_code == 403
    assert browser.post("/logout", data={"csrf": csrf_token(secret)}).url.path == "/login"
    assert Accounts(node.store).find("session", secret) is None
    assert httpx.get(f"{node.url}/", cookies={"kizuna_0d2b5c1e7a01": secret}).headers["location"] == "/login"


def test_a_token_is_no_session_and_a_session_no_token(node: Node) -> None:
    name = "kizuna_0d2b5c1e7a01"
    assert httpx.get(f"{node.url}/api/v1/me", cookies={name: node.tokens["owner"]}).status_code == 401
    secret = node.accounts.open_session("owner", how="test")
    assert httpx.get(f"{node.url}/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert httpx.get(f"{node.url}/api/v1/me", cookies={name: secret}).status_code == 200


def test_pauses_double_and_end(clock: Clock) -> None:
    slowing, pauses = Slowing(clock), []
    for _ in range(30):
        pauses.append(slowing.wait("a", "r"))
        clock.forward(pauses[-1])
        slowing.begin("a", "r")
    assert pauses[:7] == [0, 0, 0, 1, 2, 4, 8]
    assert max(pauses) == 900
    assert slowing.wait("b", "other") == 0
    assert slowing.wait("A", "other") > 0
    clock.forward(FORGOTTEN / 1_000_000)
    slowing.begin("a", "r")
    assert slowing.wait("a", "r") == 0


def test_a_clock_that_goes_back_makes_no_pause_longer(clock: Clock) -> None:
    slowing = Slowing(clock)
    for _ in range(4):
        slowing.begin("a", "r")
    assert slowing.wait("a", "r") == 2
    clock.forward(-26 * 3600)
    assert slowing.wait("a", "r") == 2


def test_success_forgets_the_account_but_not_the_address(clock: Clock) -> None:
    slowing = Slowing(clock)
    for _ in range(3):
        slowing.begin("victim", "r")
    for _ in range(5):
        slowing.begin("own", "r")
        slowing.succeeded("own", "r")
    assert slowing.wait("own", "r") == 1
    assert slowing.wait("own", "elsewhere") == 0


def test_the_table_of_failures_is_bounded(clock: Clock) -> None:
    slowing = Slowing(clock)
    for n in range(REMEMBERED):
        slowing.begin(f"account {n}" + "x" * 1000, f"remote {n}")
    assert len(slowing._failures) == REMEMBERED
    assert max(len(name) for _, name in slowing._failures) == 80
