"""Pages of an outbox as somebody sees it: whatever is passed over for one page, nothing is lost between them."""

from __future__ import annotations

import pytest

from kizuna.labels import parse_label
from kizuna.store import Partner, Store, seen_outbox
from kizuna.store.outbox import State
from kizuna.store.seen_releasing import outbox_page
from kizuna.store.standing import FIRST, Rules
from tests.builders import campaign, items


@pytest.mark.parametrize("passed", [1, 2, 3, 1_000])
@pytest.mark.parametrize("state", ["unproposed", "withheld"])
def test_pages_lose_nothing_where_few_may_leave(
    store: Store, monkeypatch: pytest.MonkeyPatch, passed: int, state: State
) -> None:
    monkeypatch.setattr(seen_outbox, "PASSED", passed)
    Rules(store).remove(FIRST, by="test")
    store.put_partner(Partner(name="Riga", organisation="CERT Riga", country="LVA", receives=("TLP:CLEAR",), added=1))
    wanted = []
    for number in range(12):
        level = "TLP:CLEAR" if number % 5 == 0 else "TLP:AMBER+STRICT"
        one = campaign(f"c{number}")
        label = parse_label(level, originator=store.organisation)
        assert [o.status for o in store.writer(store.own_source(), label=label).add(items(one))] == ["imported"]
        if (number % 5 == 0) == (state == "unproposed"):
            wanted.append(one["id"])
    found: list[str] = []
    before, pages = None, 0
    while pages == 0 or before is not None:
        page, before = outbox_page(store, "Riga", (state,), 2, store.principal_of_person("ann"), before)
        found += [item.id for item in page]
        pages += 1
        assert pages < 40
    assert found == wanted[::-1]
