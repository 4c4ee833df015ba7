"""What is left behind by an act that was stopped at any of its statements, the one that takes it back among them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from kizuna.errors import NotFound
from kizuna.store import Store
from tests.builders import named
from tests.store.crashing import Strike, opened_again, struck


@pytest.mark.parametrize("at", range(8))
def test_what_follows_an_act_that_was_stopped_is_kept(store: Store, at: int) -> None:
    with struck(store, Strike(at, killed=False)) as told, suppress(NotFound):
        store.hide(named("campaign", "unknown"), by="test")
    assert told.fell or at > 3
    store.audit("test", "behind it")
    again = opened_again(store, killed=False)
    try:
        assert "behind it" in {entry["act"] for entry in again.audit_trail()}
    finally:
        again.close()
