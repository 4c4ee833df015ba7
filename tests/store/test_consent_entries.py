"""What somebody is told of consents, page by page: the same as all of it at once, and at the cost of what is shown."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Store
from kizuna.store.accounts import Accounts
from kizuna.store.consent_entries import Entry
from kizuna.store.notices import Kind
from kizuna.store.seen_consents import SeenConsents
from kizuna.store.seen_outbox import SeenOutbox
from tests.builders import campaign, items

OPEN = [campaign(f"open {n}")["id"] for n in range(6)]
HIDDEN = [campaign(f"hidden {n}")["id"] for n in range(3)]
THIRD = "CERT Riga"


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """Two partners, somebody who sees all and somebody who does not."""
    made = make_store()
    for name in ("Brussels", "Kyiv"):
        made.put_partner(
            Partner(name=name, organisation=f"CERT {name}", country="BEL", receives=("TLP:CLEAR",), added=1)
        )
    for name in ("owner", "reader"):
        Accounts(made).add_user(name, ["reader"], by="test")
    for names, text in ((range(6), "TLP:CLEAR"), (range(3), "TLP:RED persons=owner")):
        kind = "open" if text == "TLP:CLEAR" else "hidden"
        label = parse_label(text, originator=made.organisation)
        list(made.writer(made.own_source(), label=label).add(items(*(campaign(f"{kind} {n}") for n in names))))
    return made  # fmt: skip


def note(
    store: Store, at: int, kind: Kind, ids: Sequence[str], *, partner: str = "Brussels", sent: bool = False, settled: int | None = None
) -> None:  # fmt: skip
    """A notice that came in or went out."""
    with store.database.write() as connection:
        (n,) = connection.execute("select count(*) from notice").fetchone()
        connection.execute(
            "insert into notice(partner,sent,kind,note,about,third_party,reason,at,person,settled) values (?,?,?,?,?,?,'x',?,'test',?)",
            (partner, int(sent), kind, f"note--{n}", json.dumps(list(ids)), THIRD, at, settled),
        )  # fmt: skip


def did(store: Store, at: int, kind: Kind, ids: Sequence[str], *, partner: str = "Brussels") -> None:
    """What people here did about objects."""
    with store.database.write() as connection:
        (recipient,) = connection.execute("select n from partner where name=?", (partner,)).fetchone()
        (entry,) = connection.execute("select coalesce(max(n), 0)+1 from outbox").fetchone()
        detail = json.dumps({"third_party": THIRD, "expires": None, "entry": entry})
        for id in ids:
            (ident,) = connection.execute("select n from ident where space=0 and id=?", (id,)).fetchone()
            connection.execute(
                "insert into outbox(recipient,ident,at,act,person,detail) values (?,?,?,?,'test',?)",
                (recipient, ident, at, kind, detail),
            )


def consents(store: Store, who: str) -> SeenConsents:
    return SeenConsents(store, store.principal_of_person(who, ()), by=who)


def paged(store: Store, who: str, limit: int) -> list[Entry]:
    found: list[Entry] = []
    position: int | None = None
    while True:
        some, position = consents(store, who).entries(limit, position)
        found += some
        assert len(some) == limit or position is None
        if position is None:
            return found


def test_pages_of_any_size_join_to_the_same(store: Store) -> None:
    chance = random.Random(7)
    for at in range(1_000, 1_060):
        ids = chance.sample(OPEN + HIDDEN, chance.randint(1, 3))
        partner = chance.choice(["Brussels", "Kyiv"])
        match chance.randint(0, 5):
            case 0 | 1:
                note(store, at, "request", ids, partner=partner, sent=chance.random() < 0.5)
            case 2:
                note(store, at, chance.choice(("consent", "consent-end")), ids, partner=partner)
            case 3:
                note(store, at, "withdrawal", ids, partner=partner, sent=True)
            case _:
                did(store, at, chance.choice(("consent", "consent-end")), ids, partner=partner)
    for who in ("owner", "reader"):
        whole, more = consents(store, who).entries(200)
        assert more is None
        assert [one.at for one in whole] == sorted((one.at for one in whole), reverse=True)
        assert {one.kind for one in whole} == {"request", "consent", "consent-end"}
        for limit in (1, 2, 3, 7, 50):
            assert paged(store, who, limit) == whole, (who, limit)
    seen = consents(store, "reader").entries(200)[0]
    everything = consents(store, "owner").entries(200)[0]
    assert [one.at for one in seen] == [one.at for one in everything if not set(one.ids) & set(HIDDEN)]
    assert 10 < len(seen) < len(everything)


def test_what_is_hidden_changes_no_page(store: Store) -> None:
    for at in range(1_000, 1_010):
        note(store, at, "request", [OPEN[0]])
        did(store, at, "consent", [OPEN[1]])
    before = [consents(store, "reader").entries(3), paged(store, "reader", 4)]
    for _ in range(120):
        note(store, 1_005, "request", [HIDDEN[0]])
        did(store, 1_005, "consent", [HIDDEN[1], OPEN[1]])
    first, whole = consents(store, "reader").entries(3), paged(store, "reader", 4)
    assert (first[0], whole) == (before[0][0], before[1])


def test_a_request_of_a_partner_is_answered_by_what_people_did(store: Store) -> None:
    note(store, 1_000, "request", OPEN[:2])
    did(store, 999, "consent", OPEN[:2])  # before
    did(store, 1_001, "consent", OPEN[:1])  # not all of it
    did(store, 1_002, "consent", OPEN[:2], partner="Kyiv")  # somebody else
    assert [one.settled for one in consents(store, "owner").entries(9)[0] if one.kind == "request"] == [None]
    did(store, 1_003, "consent", [*OPEN[:3], HIDDEN[0]])
    did(store, 1_004, "consent", OPEN[:3])
    settled = {
        who: [one.settled for one in consents(store, who).entries(9)[0] if one.kind == "request"]
        for who in ("owner", "reader")
    }
    assert settled == {"owner": [1_003], "reader": [1_004]}


def test_what_was_asked_is_answered_by_the_partner(store: Store) -> None:
    note(store, 1_000, "request", OPEN[:2], sent=True, settled=1_002)
    note(store, 1_001, "consent", OPEN[:1])
    note(store, 1_002, "consent", [*OPEN[:2], HIDDEN[0]])
    note(store, 1_003, "consent", OPEN[:2], partner="Kyiv")
    note(store, 1_004, "consent", OPEN[:2])
    note(store, 1_005, "request", OPEN[:2], sent=True)
    settled = {
        who: [one.settled for one in consents(store, who).entries(9)[0] if one.kind == "request"]
        for who in ("owner", "reader")
    }
    assert settled == {"owner": [None, 1_002], "reader": [None, 1_004]}


def test_a_page_costs_what_it_shows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.database.write() as connection:
        connection.executemany(
            "insert into notice(partner,sent,kind,note,about,third_party,at,person) values ('Kyiv',0,'request',?,?,?,?,'test')",
            [(f"note--{n}", json.dumps([OPEN[n % 6]]), THIRD, 1_000 + n) for n in range(3_000)],
        )
    looked: list[int] = []
    seen = SeenOutbox.seen

    def counted(self: Any, ids: Sequence[str]) -> dict[str, int]:
        looked.append(len(ids))
        return seen(self, ids)

    monkeypatch.setattr(SeenOutbox, "seen", counted)
    found, more = consents(store, "owner").entries(20)
    assert ([one.at for one in found], more is not None) == ([3_999 - n for n in range(20)], True)
    assert len(looked) <= 2


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_what_is_asked_of_the_database_goes_by_an_index(store: Store) -> None:
    reader = store.database.read()
    for sql in (
        "select n from notice where kind in ('request','consent','consent-end') and (kind='request' or sent=0) and n<9 "
        "order by n desc limit 5",
        "select b.n from outbox b cross join partner p on p.n=b.recipient cross join ident i on i.n=b.ident "
        "where b.act in ('consent','consent-end') and b.n<9 order by b.n desc",
    ):
        plan = " ".join(row[-1] for row in reader.execute(f"explain query plan {sql}"))
        assert "_consent" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
