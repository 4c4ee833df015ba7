"""One's own people: who they are and what they may do; for operators."""

from __future__ import annotations

from litestar import Response

from kizuna.clock import to_text
from kizuna.store.accounts import User
from kizuna.web.context import of
from kizuna.web.listing import Listing, list_at, listed
from kizuna.web.pages.render import AnyRequest, asks, page

COLUMNS = ("name", "display", "roles", "clearances", "language", "password", "created")


@list_at("/people")
def list_people(request: AnyRequest) -> Response[bytes]:
    """Everybody who is not removed, by name."""
    caller = asks(request, "operate")
    users = of(request).accounts.users()

    def shown() -> Response[bytes]:
        others = {form: f"/people.{form}" for form in ("json", "csv")}
        return page(request, "people.html", caller=caller, users=users, others=others)

    return listed(request, lambda: Listing(COLUMNS, [_row(user) for user in users]), shown)


def _row(user: User) -> tuple[str | int | None, ...]:
    clearances = " ".join(f"{policy}:{level}" for policy, level in user.clearances)
    password = "yes" if user.has_password else "no"
    return (user.name, user.display, " ".join(user.roles), clearances, user.language, password, to_text(user.created))


__all__ = ["list_people"]
