"""People of partners: accounts that carry no right, and end with their partner."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kizuna.errors import Conflict, NotFound, Refused, UsageError
from kizuna.store import Partner, Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.caller import Caller, Right
from kizuna.store.epochs import open_epoch, resume
from kizuna.web.auth import Authenticator

PASSWORD = "correct horse battery"


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """A node with one partner, an owner and a person of the partner."""
    made = make_store()
    made.put_partner(Partner(name="Kyiv", organisation="CERT K (fictional)", country="UKR", added=1))
    Accounts(made).add_user("owner", ROLES, by="test")
    Accounts(made).add_person_of("kyiv", "olena", by="test", display="Olena")
    return made


def test_they_are_not_of_ones_own_people(store: Store) -> None:
    accounts = Accounts(store)
    assert [user.name for user in accounts.users()] == ["owner"]
    (olena,) = accounts.people_of_partners()
    assert (olena.name, olena.partner, olena.roles) == ("olena", "Kyiv", ())
    assert accounts.people_of_partners("Kyiv") == [olena]
    assert accounts.people_of_partners("Brussels") == []
    assert [entry["detail"] for entry in store.audit_trail() if entry["subject"] == "olena"] == [{"partner": "Kyiv"}]


def test_what_is_not_theirs(store: Store) -> None:
    accounts = Accounts(store)
    with pytest.raises(UsageError, match="tokens of the partner"):
        accounts.create_token(user="olena", by="test")
    with pytest.raises(Refused, match="no roles"):
        accounts.set_roles("olena", ["operator"], by="test")
    with pytest.raises(Conflict):
        accounts.add_person_of("Kyiv", "owner", by="test")
    with pytest.raises(NotFound):
        accounts.add_person_of("Nobody", "x", by="test")


@pytest.mark.parametrize("right", ["read", "write", "release", "operate"])
def test_they_have_no_right(store: Store, right: Right) -> None:
    caller = Authenticator(store).session(Accounts(store).open_session("olena", how="test"))
    assert caller is not None
    assert (caller.kind, caller.name, caller.partner) == ("visitor", "olena", "Kyiv")
    assert not caller.may(right)
    full = Caller(kind="visitor", name="x", principal=caller.principal, roles=ROLES, scopes=(right,), partner="Kyiv")
    assert not full.may(right)


def test_they_go_with_their_partner(store: Store) -> None:
    accounts, known = Accounts(store), Authenticator(store)
    accounts.set_password("olena", PASSWORD, by="test")
    session, link = accounts.open_session("olena", how="test"), accounts.create_link("olena", by="test")
    own = accounts.open_session("owner", how="test")
    store.remove_partner("Kyiv")
    assert known.session(session) is None
    assert accounts.use_link(link) is None
    assert accounts.check_password("olena", PASSWORD) is None
    assert accounts.people_of_partners() == []
    assert known.session(own) is not None
    store.put_partner(Partner(name="Kyiv", organisation="somebody else", country="UKR", added=2))
    assert accounts.people_of_partners() == []


def test_they_wait_while_the_exchange_is_stopped(store: Store) -> None:
    accounts, known = Accounts(store), Authenticator(store)
    accounts.set_password("olena", PASSWORD, by="test")
    session, link = accounts.open_session("olena", how="test"), accounts.create_link("olena", by="test")
    open_epoch(store, by="test")
    assert known.session(session) is None
    assert accounts.use_link(link) is None
    assert accounts.check_password("olena", PASSWORD) is None
    fresh, opened = accounts.create_link("olena", by="test"), accounts.open_session("olena", how="test")
    assert accounts.use_link(fresh) is None
    assert known.session(opened) is None
    resume(store, "Kyiv", by="test")
    assert known.session(session) is None
    assert accounts.use_link(fresh) is not None
    assert accounts.check_password("olena", PASSWORD) is not None
