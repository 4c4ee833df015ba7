"""What an act would change for partners, told and taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kizuna.errors import Refused
from kizuna.events import Event, Waited
from kizuna.labels import Form, parse_label
from kizuna.store import Partner, Store, trying
from kizuna.store.trying import tried
from tests.builders import campaign, items

ONE = campaign("one")


@pytest.fixture
def filled(make_store: Callable[..., Store]) -> Store:
    store = make_store()
    for name, country in (("Brussels", "BEL"), ("Kyiv", "UKR")):
        store.put_partner(
            Partner(name=name, organisation=f"CERT {name}", country=country, receives=("TLP:CLEAR",), added=1)
        )
    put(store, ONE, "TLP:AMBER+STRICT")
    return store


def put(store: Store, data: dict[str, object], label: str) -> None:
    list(store.writer(store.own_source(), label=parse_label(label, originator=store.organisation)).add(items(data)))


def test_it_is_told_for_each_partner_and_nothing_is_done(filled: Store) -> None:
    heard: list[Event] = []
    filled.listen(heard.append)
    reader, two = filled.principal_of_person("reader"), campaign("two")
    told = tried(filled, [ONE["id"], two["id"]], reader, lambda: put(filled, two, "TLP:CLEAR"), first="Kyiv")
    assert [one.partner for one in told] == ["Kyiv", "Brussels"]
    for one in told:
        assert list(one.before) == [ONE["id"]]
        assert one.before[ONE["id"]].said.form is Form.WITHHELD
        assert one.after[two["id"]].said.form is Form.WHOLE
    assert filled.custodian().get(two["id"]) is None
    assert [one for one in heard if not isinstance(one, Waited)] == []


def test_of_what_is_hidden_from_the_asker_nothing_is_told(filled: Store) -> None:
    two = campaign("two")
    told = tried(
        filled, [two["id"]], filled.principal_of_person("reader"), lambda: put(filled, two, "TLP:RED persons=owner")
    )
    assert all(one.before == one.after == {} for one in told)


def test_what_is_refused_is_refused(filled: Store) -> None:
    def refuse() -> None:
        put(filled, campaign("two"), "TLP:CLEAR")
        raise Refused("no")

    with pytest.raises(Refused):
        tried(filled, [ONE["id"]], filled.principal_of_person("reader"), refuse)
    assert filled.custodian().stats().objects == 1


def test_who_takes_too_long_is_left_out(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "PATIENCE", -1.0)
    told = tried(filled, [ONE["id"]], filled.principal_of_person("reader"), lambda: None)
    assert len(told) == 1
