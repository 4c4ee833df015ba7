"""What every request needs of the node, made once and handed down in the application's state."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter
from litestar import Request
from litestar.datastructures import State

from kizuna.store import Store
from kizuna.store.accounts import Accounts
from kizuna.store.caller import Caller
from kizuna.store.cursors import Cursors
from kizuna.store.kept import Kept
from kizuna.web.auth import Authenticator
from kizuna.web.i18n import Languages
from kizuna.web.slowing import Slowing

# The caller is set by a guard before the handler runs; pages that anybody may read have none.
Asked = Request[Caller, Any, State]


class Context:
    """The parts of one node that the web uses."""

    def __init__(self, store: Store, *, secure: bool) -> None:
        self.store = store
        self.secure = secure
        self.accounts = Accounts(store)
        self.authenticator = Authenticator(store)
        self.cursors = Cursors(store.folder, lambda: store.epoch().tag)
        self.slowing = Slowing(store.clock)
        # Who checks a password waits for a turn here, not in the few threads that everybody shares. Set when serving begins.
        self.turns: CapacityLimiter | None = None
        self.health: CapacityLimiter | None = None  # likewise, of who asks whether the store answers
        self.drawings: Kept[bytes] = Kept(8)  # each under whom it was made for, and all it depends on
        self.languages = Languages(store.settings.language)

    @property
    def cookie(self) -> str:
        """The session cookie's name. Browsers keep one jar for all ports of a host, so each node has a name of its own."""
        prefix = "__Host-" if self.secure else ""
        return f"{prefix}kizuna_{self.store.settings.identity[-12:]}"


def of(request: Request[Any, Any, Any]) -> Context:
    """The context of the application that serves this request."""
    context: Context = request.app.state["context"]
    return context
