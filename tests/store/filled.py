"""A store with something of everything, and what its readers are answered."""

from __future__ import annotations

from kizuna.labels import parse_label
from kizuna.store import Partner, Query, Store
from kizuna.store.accounts import ROLES, Accounts
from tests.builders import AMBER, CLEAR, campaign, items, named, relationship, report

LONG = "/var/" + "é\0" * 2_000


def fill(store: Store) -> None:
    """Objects marked in parts, relabelled, deleted, waiting, in many scripts; people, secrets, refusals."""
    store.put_partner(Partner(name="Brussels", organisation="B (fictional)", country="BEL", receives=("TLP:CLEAR",)))
    accounts = Accounts(store)
    accounts.add_user("Sato", ROLES, by="test")
    accounts.create_token(user="sato", by="test")
    accounts.create_token(partner="Brussels", by="test")
    marked = campaign(
        "marked",
        description="beacon 灯台",
        object_marking_refs=[CLEAR],
        granular_markings=[{"marking_ref": AMBER, "selectors": ["description"]}],
    )
    a, b = (campaign(name, object_marking_refs=[CLEAR], description=f"東京で {name}") for name in "ab")
    long = "x" * 3_000 + " nul \0 word " + "y" * 400
    strange = campaign("strange", object_marking_refs=[CLEAR], description=long)
    place: dict[str, object] = {"type": "directory", "spec_version": "2.1", "id": named("directory", "d"), "path": LONG}
    place["object_marking_refs"] = [CLEAR]
    waits = report("waits", [campaign("secret")], object_marking_refs=[CLEAR])
    everything = [marked, a, b, strange, place, waits, campaign("secret", object_marking_refs=[AMBER])]
    outcomes = store.writer(store.own_source()).add(items(*everything, relationship(a, "related-to", b)))
    assert [o.problems for o in outcomes if o.status != "imported"] == []
    list(
        store.writer(store.partner_source("Brussels")).add(
            items(campaign("a", description="forged"), campaign("theirs"))
        )
    )
    store.relabel(b["id"], parse_label("PUBLIC", originator=store.organisation), by="test")
    store.hide(named("campaign", "secret"), by="test")


def answers(store: Store) -> list[object]:
    """What readers of every kind are answered, and what is told of people, secrets and acts."""
    accounts = Accounts(store)
    return [*readers(store), accounts.listed("token"), store.audit_trail()]


def readers(store: Store) -> list[object]:
    """What readers of every kind are answered."""
    found: list[object] = []
    reader = store.principal_of_person("Sato")
    for shelf in (store.feed("Brussels"), store.view(reader), store.custodian()):
        for versions in (("all",), ("last",), ("first",)):
            page = shelf.read(Query(versions=versions), 0, 3)
            found.append(page)
            found.append(shelf.read(Query(versions=versions), page.rows[-1].position if page.rows else 0, 100))
    for view in (store.view(reader), store.custodian()):
        found += [view.search(text, limit=20) for text in (None, "beacon", "東京", "灯", "x" * 3_000, "nul word", "\0")]
        found += [view.search(value=value) for value in (LONG, "no such value")]
        found += [view.stats(), view.traffic(), view.neighbours(named("campaign", "a")), list(view.export())]
    return [*found, Accounts(store).users(), store.groups(), store.partners()]
