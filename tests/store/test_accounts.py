"""People and secrets: what lets in, what does not, and what ends with what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kizuna.errors import Conflict, InvalidInput, NotFound, Refused, UsageError
from kizuna.store import Partner, Store
from kizuna.store import accounts as module
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.keys import derived_key, load_key, make_key, public_key_of, read_public
from kizuna.store.passwords import password_fits
from tests.conftest import Clock


@pytest.fixture
def people(store: Store) -> Accounts:
    accounts = Accounts(store)
    accounts.add_user("sato", ["analyst", "reader"], by="test")
    accounts.add_user("tanaka", ["operator"], by="test")
    store.put_partner(Partner(name="Brussels", organisation="CERT Brussels (fictional)", country="BEL", added=1))
    return accounts


def test_people(people: Accounts, store: Store) -> None:
    assert [user.name for user in people.users()] == ["sato", "tanaka"]
    sato = people.user("SATO")
    assert (sato.roles, sato.has_password) == (("reader", "analyst"), False)
    with pytest.raises(NotFound):
        people.user("nobody")
    assert [entry["act"] for entry in store.audit_trail()] == ["user.add", "user.add"]


@pytest.mark.parametrize("name", ["", "-x", "a b", "a\0", "é", "x" * 65, "a/b"])
def test_names_are_plain(people: Accounts, name: str) -> None:
    with pytest.raises(UsageError):
        people.add_user(name, ["reader"], by="test")


@pytest.mark.parametrize("roles", [[], ["king"], ["reader", "Reader"]])
def test_roles_are_known(people: Accounts, roles: list[str]) -> None:
    with pytest.raises(UsageError):
        people.add_user("x", roles, by="test")


def test_a_name_is_never_used_again(people: Accounts) -> None:
    people.remove_user("sato", by="test")
    with pytest.raises(NotFound):
        people.user("sato")
    with pytest.raises(Conflict):
        people.add_user("Sato", ["reader"], by="test")


def test_the_last_operator_stays(people: Accounts) -> None:
    with pytest.raises(Refused):
        people.remove_user("tanaka", by="test")
    with pytest.raises(Refused):
        people.set_roles("tanaka", ["reader"], by="test")
    people.set_roles("sato", ["operator"], by="test")
    people.remove_user("tanaka", by="test")


def test_the_owner_is_made_once(make_store: Callable[..., Store]) -> None:
    accounts = Accounts(make_store())
    assert accounts.owner(by="test").roles == ROLES
    assert accounts.owner(by="test") == accounts.users()[0]
    assert len(accounts.users()) == 1


def test_passwords(people: Accounts) -> None:
    assert people.check_password("sato", "") is None
    people.set_password("sato", "correct horse battery", by="test")
    found = people.check_password("SATO", "correct horse battery")
    assert found is not None
    assert (found.name, found.has_password) == ("sato", True)
    for name, password in (("sato", "Correct horse battery"), ("sato", "\udc80" * 20), ("nobody", "x"), ("sa\0to", "")):
        assert people.check_password(name, password) is None
    assert password_fits(None, "nobody's password") is False


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_passwords_have_bounds(people: Accounts, password: str) -> None:
    with pytest.raises(UsageError):
        people.set_password("sato", password, by="test")


def test_a_password_of_no_text_is_hashed_like_any(people: Accounts) -> None:
    people.set_password("sato", "\udc80" * 20, by="test")
    assert people.check_password("sato", "\udc80" * 20) is not None


def test_tokens(people: Accounts, store: Store, clock: Clock) -> None:
    secret, token = people.create_token(
        user="sato", scopes=["read", "write"], lasts=10 * module.SECOND, by="test", note="script"
    )
    assert secret.startswith("kzn_")
    assert len(secret) == 4 + 43
    assert people.find("token", secret) == token
    assert people.find("session", secret) is None
    assert people.find("token", secret + "x") is None
    assert people.find("token", "kzn_" + "\udc80" * 43) is None
    for table in ("credential", "audit"):
        rows = store.database.read().execute(f"select * from {table}").fetchall()
        assert rows
        assert secret not in repr(rows)
    clock.forward(9.9)
    assert people.find("token", secret) is not None
    clock.forward(0.1)
    assert people.find("token", secret) is None


def test_a_revoked_token_is_nothing(people: Accounts, store: Store) -> None:
    secret, token = people.create_token(partner="brussels", by="test")
    assert token.partner == "Brussels"
    people.end("token", token.number, by="test")
    assert people.find("token", secret) is None
    assert people.listed("token")[0].ended is not None
    with pytest.raises(NotFound):
        people.end("token", token.number, by="test")
    with pytest.raises(NotFound):
        people.end("token", 999, by="test")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "sato", "partner": "Brussels"},
        {},
        {"user": "sato", "scopes": []},
        {"user": "sato", "scopes": ["everything"]},
        {"partner": "Brussels", "scopes": ["release"]},
        {"user": "sato", "lasts": 0},
        {"user": "sato", "lasts": module.LONGEST + 1},
    ],
)
def test_tokens_are_somebodys_for_something_for_a_while(people: Accounts, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        people.create_token(by="test", **wrong)  # type: ignore[arg-type]


def test_tokens_end_with_their_partner(people: Accounts, store: Store) -> None:
    secret, _ = people.create_token(partner="Brussels", by="test")
    partner = store.partner("Brussels")
    store.remove_partner("Brussels")
    store.put_partner(partner)
    assert people.find("token", secret) is None


def test_everything_ends_with_its_person(people: Accounts) -> None:
    token, _ = people.create_token(user="sato", by="test")
    session = people.open_session("sato", how="link")
    link = people.create_link("sato", by="test")
    people.remove_user("sato", by="test")
    assert people.find("token", token) is None
    assert people.find("session", session) is None
    assert people.use_link(link) is None


def test_a_link_works_once(people: Accounts, clock: Clock) -> None:
    link = people.create_link("sato", by="test")
    user = people.use_link(link)
    assert user is not None
    assert user.name == "sato"
    assert people.use_link(link) is None
    late = people.create_link("sato", by="test", lasts=module.SECOND)
    clock.forward(1)
    assert people.use_link(late) is None
    assert people.use_link("kzl_unknown") is None


def test_nobody_unknown_makes_the_node_write(people: Accounts, store: Store) -> None:
    before = store.database.version()
    assert people.use_link("kzl_" + "a" * 43) is None
    assert store.database.version() == before


def test_sessions_are_listed_and_ended(people: Accounts) -> None:
    first, second = people.open_session("sato", how="link"), people.open_session("sato", how="password")
    numbers = [session.number for session in people.listed("session", user="sato")]
    with pytest.raises(NotFound):
        people.end("session", numbers[0], by="tanaka", user="tanaka")
    people.end("session", numbers[0], by="sato", user="sato")
    assert people.find("session", first) is None
    people.end_session(second)
    assert people.find("session", second) is None


def test_a_new_password_ends_the_sessions(people: Accounts) -> None:
    session = people.open_session("sato", how="link")
    people.set_password("sato", "correct horse battery", by="sato")
    assert people.find("session", session) is None


def test_the_oldest_of_many_sessions_ends(people: Accounts) -> None:
    other = people.open_session("tanaka", how="link")
    sessions = [people.open_session("sato", how="link") for _ in range(module.SESSIONS_EACH + 1)]
    assert [people.find("session", secret) is None for secret in sessions[:2]] == [True, False]
    assert people.find("session", sessions[-1]) is not None
    assert people.find("session", other) is not None


def test_what_ended_long_ago_is_forgotten(people: Accounts, clock: Clock) -> None:
    people.create_link("sato", by="test")
    clock.forward((module.KEPT + module.LINK_LASTS) / module.SECOND + 1)
    people.create_link("sato", by="test")
    assert len(people.listed("link")) == 1


def test_keys(tmp_path: Path) -> None:
    text = make_key(tmp_path)
    assert text == public_key_of(tmp_path)
    assert (tmp_path / "node.key").stat().st_mode & 0o777 == 0o600
    signature = load_key(tmp_path).sign(b"x")
    read_public(text).verify(signature, b"x")
    assert derived_key(tmp_path, "a") == derived_key(tmp_path, "a")
    assert derived_key(tmp_path, "a") != derived_key(tmp_path, "b")
    with pytest.raises(Conflict):
        make_key(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "ed25519:", "ed25519:AAAA", "rsa:" + "A" * 44, "A" * 44, "ed25519:\udc80", "ed25519:" + "!" * 44]
)
def test_public_keys_are_checked(text: str) -> None:
    with pytest.raises(UsageError):
        read_public(text)


def test_a_key_that_others_may_read_is_no_key(tmp_path: Path) -> None:
    make_key(tmp_path)
    (tmp_path / "node.key").chmod(0o640)
    with pytest.raises(InvalidInput, match="chmod"):
        load_key(tmp_path)
    (tmp_path / "node.key").chmod(0o600)
    (tmp_path / "node.key").write_bytes(b"not a key")
    with pytest.raises(InvalidInput, match="malformed"):
        load_key(tmp_path)
