"""After a restore nothing of the life before goes on by itself: no secret, no position, no exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from kizuna.clock import to_text
from kizuna.errors import Conflict, NotFound, Stopped
from kizuna.exchange.taxii.client import collections, pending, poll, push
from kizuna.labels import parse_label
from kizuna.polling import Poller
from kizuna.settings import load
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import ROLES, Accounts
from kizuna.store.audit import shown
from kizuna.store.backup import back_up
from kizuna.store.epochs import open_epoch, resume, stopped_partners
from kizuna.store.restore import restore
from kizuna.store.verify import verify
from tests.behaviour.asgi import Client, Reply, asked, portal
from tests.builders import CLEAR, campaign, items
from tests.conftest import Clock

TAXII = "application/taxii+json;version=2.1"
OBJECTS = "/taxii2/real/collections/feed/objects/"


def bring(store: Store, *names: str) -> None:
    """One's own objects that every partner gets."""
    made = [campaign(name, object_marking_refs=[CLEAR]) for name in names]
    assert {o.status for o in store.writer(store.own_source()).add(items(*made))} == {"imported"}


def founded(store: Store) -> Store:
    """Two partners, an owner, five objects."""
    for name, country in (("Brussels", "BEL"), ("Kyiv", "UKR")):
        store.put_partner(
            Partner(name=name, organisation=f"CERT {name} (fictional)", country=country, receives=("TLP:CLEAR",))
        )
    Accounts(store).add_user("owner", ROLES, by="test")
    bring(store, *"abcde")
    return store


def offered(store: Store, partner: str = "Brussels", after: int = 0) -> list[str]:
    """What a partner reads behind a position, by its id."""
    return [row.id for row in store.feed(partner).read(Query(versions=("all",)), after, 100).rows]


@pytest.fixture
def ask() -> Iterator[Callable[..., Reply]]:
    """Ask the application of a store over HTTP, with a secret."""
    with ExitStack() as stack:
        loop = stack.enter_context(portal())
        clients: dict[Store, Client] = {}

        def request(store: Store, secret: str, target: str, method: str = "GET", body: bytes = b"") -> Reply:
            if store not in clients:
                clients[store] = stack.enter_context(asked(store, loop))
            accept = TAXII if target.startswith("/taxii2") else "application/json"
            headers = {"Authorization": f"Bearer {secret}", "Accept": accept, "Content-Type": accept}
            return clients[store].ask(method, target, headers=headers, body=body)

        yield request


class Lives(NamedTuple):
    """A node, and the same restored from yesterday's backup; what was given out before, after, and revoked after it."""

    before: Store
    after: Store
    secrets: dict[str, tuple[str, str]]


@pytest.fixture
def lives(store: Store, tmp_path: Path, clock: Clock) -> Iterator[Lives]:
    """Two lives of one node."""
    founded(store)
    accounts = Accounts(store)
    secrets: dict[str, tuple[str, str]] = {}

    def give(when: str) -> None:
        secrets[f"token {when}"] = ("token", accounts.create_token(by="t", user="owner", scopes=("read",))[0])
        secrets[f"partner {when}"] = ("token", accounts.create_token(by="t", partner="Brussels")[0])
        secrets[f"session {when}"] = ("session", accounts.open_session("owner", how="test"))
        secrets[f"link {when}"] = ("link", accounts.create_link("owner", by="t"))

    give("before")
    back_up(store, tmp_path / "b", by="t")
    give("after")
    for credential in accounts.listed("token"):  # all were revoked since: yesterday's store does not know
        accounts.end("token", credential.number, by="t")
    restore(tmp_path / "b", tmp_path / "there", url=None, by="cli:t")
    clock.forward(60)
    with closing(Store(tmp_path / "there", load(tmp_path / "there"), clock)) as there:
        yield Lives(store, there, secrets)


def test_no_secret_of_the_life_before_is_known(lives: Lives, ask: Callable[..., Reply]) -> None:
    accounts = Accounts(lives.after)
    for name, (kind, secret) in lives.secrets.items():
        assert accounts.find(kind, secret) is None, name  # type: ignore[arg-type]
        assert ask(lives.after, secret, "/api/v1/me").status == 401
        assert ask(lives.after, secret, OBJECTS).status == 401
        if kind == "link":
            assert accounts.use_link(secret) is None
    secret, _ = accounts.create_token(by="t", user="owner")
    assert ask(lives.after, secret, "/api/v1/me").status == 200


def test_a_stopped_partner_is_told_nothing_whatever_it_asks(lives: Lives, ask: Callable[..., Reply]) -> None:
    store = lives.after
    secret, _ = Accounts(store).create_token(by="t", partner="Brussels", scopes=("read", "write"))
    hidden = campaign("hidden")["id"]
    feed = "/taxii2/real/collections/feed/"
    targets = ["objects/", "objects/?limit=1", "manifest/", f"objects/{campaign('a')['id']}/", f"objects/{hidden}/",
             "objects/?next=AAAA", "objects/?added_after=2020-01-01T00:00:00Z", f"objects/{hidden}/versions/"]  # fmt: skip
    answers = [ask(store, secret, feed + target) for target in targets]
    inbox = "/taxii2/real/collections/inbox/objects/"
    answers.append(ask(store, secret, inbox, "POST", b'{"objects":[]}'))
    assert {(answer.status, answer.header("retry-after")) for answer in answers} == {(503, "600")}
    assert {answer.json()["description"] for answer in answers} == {"the exchange is interrupted; try again later"}
    assert len({len(answer.body) for answer in answers}) == 1
    assert ask(store, secret, "/taxii2/").status == 200
    assert [c["alias"] for c in ask(store, secret, "/taxii2/real/collections/").json()["collections"]] == [
        "feed",
        "inbox",
    ]
    resume(store, "brussels", by="t")
    assert ask(store, secret, OBJECTS).status == 200
    assert ask(store, secret, f"{feed}objects/{hidden}/").status == 404
    assert ask(store, secret, inbox, "POST", b'{"objects":[]}').status == 202


def test_a_position_of_another_epoch_is_refused(lives: Lives, ask: Callable[..., Reply], tmp_path: Path) -> None:
    resume(lives.after, "Brussels", by="t")
    secrets = {
        store: Accounts(store).create_token(by="t", partner="Brussels")[0] for store in (lives.before, lives.after)
    }
    first = ask(lives.before, secrets[lives.before], f"{OBJECTS}?limit=2").json()["next"]
    assert ask(lives.before, secrets[lives.before], f"{OBJECTS}?limit=2&next={first}").status == 200
    assert ask(lives.after, secrets[lives.after], f"{OBJECTS}?limit=2&next={first}").status == 400
    own = ask(lives.after, secrets[lives.after], f"{OBJECTS}?limit=2").json()["next"]
    assert ask(lives.after, secrets[lives.after], f"{OBJECTS}?limit=2&next={own}").status == 200
    people = {store: Accounts(store).create_token(by="t", user="owner")[0] for store in (lives.before, lives.after)}
    cursor = ask(lives.before, people[lives.before], "/api/v1/search?limit=1").json()["next"]
    assert ask(lives.before, people[lives.before], f"/api/v1/search?limit=1&cursor={cursor}").status == 200
    assert ask(lives.after, people[lives.after], f"/api/v1/search?limit=1&cursor={cursor}").status == 400


def test_one_backup_restored_twice_begins_two_epochs(lives: Lives, tmp_path: Path) -> None:
    restore(tmp_path / "b", tmp_path / "again", url=None, by="t")
    with closing(Store(tmp_path / "again", load(tmp_path / "again"))) as again:
        assert again.epoch().number == lives.after.epoch().number == 2
        assert again.epoch().tag != lives.after.epoch().tag


def test_a_running_process_refuses_positions_from_before_at_once(store: Store, ask: Callable[..., Reply]) -> None:
    founded(store)
    secret, _ = Accounts(store).create_token(by="t", partner="Brussels")
    first = ask(store, secret, f"{OBJECTS}?limit=2").json()["next"]
    assert open_epoch(store, by="cli:t").revoked == 1
    assert ask(store, secret, OBJECTS).status == 401
    secret, _ = Accounts(store).create_token(by="t", partner="Brussels")
    assert ask(store, secret, OBJECTS).status == 503
    resume(store, "Brussels", by="t")
    assert ask(store, secret, f"{OBJECTS}?limit=2&next={first}").status == 400
    assert ask(store, secret, f"{OBJECTS}?limit=2").status == 200


def test_confirmed_a_partner_gets_everything_once_more_and_in_order(lives: Lives, clock: Clock) -> None:
    store = lives.after
    order = offered(store)
    read_in_the_life_before = clock() - 30_000_000  # behind all that is restored
    bring(store, "while-stopped")
    assert resume(store, "Brussels", by="cli:t") == 6
    wanted = [*order, campaign("while-stopped")["id"]]
    assert offered(store, after=read_in_the_life_before) == offered(store) == wanted
    dates = [row.added for row in store.feed("Brussels").read(Query(versions=("all",)), 0, 100).rows]
    assert dates == sorted(set(dates))
    bring(store, "afterwards")
    assert offered(store, after=dates[-1]) == [campaign("afterwards")["id"]]
    assert list(verify(store)) == []
    assert stopped_partners(store.database.read()).keys() == {"Kyiv"}


def test_what_is_back_after_it_was_withdrawn_reaches_a_partner_that_read_behind_it(store: Store, clock: Clock) -> None:
    """The one gap that positions would leave: what had ended in the life before, and lives again under its old date."""
    founded(store)
    last = store.feed("Brussels").read(Query(), 0, 100).rows[-1].added
    open_epoch(store, by="t")
    clock.forward(1)
    resume(store, "Brussels", by="t")
    assert len(offered(store, after=last)) == 5


def test_positions_may_be_kept(lives: Lives) -> None:
    store = lives.after
    dates = [row.added for row in store.feed("Brussels").read(Query(), 0, 100).rows]
    bring(store, "while-stopped")
    assert resume(store, "Brussels", by="t", again=False) == 0
    assert offered(store, after=dates[-1]) == [campaign("while-stopped")["id"]]
    assert [row.added for row in store.feed("Brussels").read(Query(), 0, 5).rows] == dates


def test_what_ended_stays_where_it_was(store: Store) -> None:
    founded(store)
    store.relabel(campaign("b")["id"], parse_label("TLP:AMBER", originator=store.organisation), by="t")
    open_epoch(store, by="t")
    assert resume(store, "Brussels", by="t") == 4
    assert offered(store) == [campaign(name)["id"] for name in "acde"]
    assert list(verify(store)) == []


def test_only_a_stopped_partner_is_confirmed(store: Store) -> None:
    founded(store)
    with pytest.raises(Conflict, match="not stopped"):
        resume(store, "Brussels", by="t")
    with pytest.raises(NotFound):
        resume(store, "nobody", by="t")


def test_nothing_is_fetched_from_or_sent_to_a_stopped_partner(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    founded(store)
    for name in ("Brussels", "Kyiv"):
        partner = store.partner(name)
        store.put_partner(Partner(name=name, organisation=partner.organisation, country=partner.country,
                                  receives=partner.receives, url="http://127.0.0.1:9/taxii2/"))  # fmt: skip
    open_epoch(store, by="t")
    for act in (poll, push, collections, lambda *of: list(pending(*of))):
        with pytest.raises(Stopped, match="kizuna partner resume Brussels"):
            act(store, "brussels")
    resume(store, "Kyiv", by="t")
    turns: list[str] = []
    monkeypatch.setattr(Poller, "_turn", lambda _self, name, _number: turns.append(name))
    Poller(store, 1)._turns()
    assert turns == ["Kyiv"]


def test_a_partners_settings_leave_it_stopped_and_one_that_comes_anew_is_not(store: Store) -> None:
    founded(store)
    open_epoch(store, by="t")
    store.put_partner(store.partner("Brussels"))
    assert stopped_partners(store.database.read()).keys() == {"Brussels", "Kyiv"}
    kyiv = store.partner("Kyiv")
    store.remove_partner("Kyiv")
    store.put_partner(kyiv)
    assert stopped_partners(store.database.read()).keys() == {"Brussels"}


def test_the_audit_trail_says_who_and_what(lives: Lives, clock: Clock) -> None:
    store = lives.after
    resume(store, "Brussels", by="cli:t")
    open_epoch(store, by="cli:t")
    entries = {entry.act: entry for entry in shown(store, "owner", 20, None)[0]}
    assert {"restore", "partner.resume", "epoch.open"} <= entries.keys()
    assert entries["restore"].detail["epoch"] == 2
    assert entries["restore"].detail["revoked"] == 4
    assert entries["restore"].detail["stopped"] == 2
    assert entries["partner.resume"].subject == "Brussels"
    assert entries["epoch.open"].subject == "3"
    assert to_text(entries["partner.resume"].at) == to_text(clock())
