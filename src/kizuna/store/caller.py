"""Who is asking: a person of this organisation, a partner, or a person of a partner, what they may see as, and what they may do."""

from __future__ import annotations

from typing import Literal

import msgspec

from kizuna.labels import Principal

Right = Literal["read", "write", "release", "operate"]

# Which roles of one's own people carry a right. A token needs the scope of the same name besides.
ROLES_WITH: dict[Right, frozenset[str]] = {
    "read": frozenset({"reader", "analyst", "releaser", "programme-officer", "operator"}),
    "write": frozenset({"analyst"}),
    "release": frozenset({"releaser"}),
    "operate": frozenset({"operator"}),
}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody known. `principal` decides what they see; `roles` and `scopes` what they do, and no role overrides a label.

    `name` is the user's or the partner's; a partner has no roles: its scopes are `read` (its feed) and `write` (its inbox).
    A `visitor` is a person of `partner`: they read what that partner was given, on pages of their own, and may nothing else.
    """

    kind: Literal["person", "partner", "visitor"]
    name: str
    principal: Principal
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    partner: str | None = None

    def may(self, right: Right) -> bool:
        """Whether scope and, for a person, role allow it."""
        if right not in self.scopes or self.kind == "visitor":
            return False
        return right in ("read", "write") if self.kind == "partner" else not ROLES_WITH[right].isdisjoint(self.roles)
