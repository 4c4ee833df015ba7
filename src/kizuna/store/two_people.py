"""What one operator alone may not do: a second one confirms it, who is somebody else and came here by a way of their own.

The keeper of the folder holds the file and can make passwords and tokens for anybody. So whoever was let in by somebody else since
something was proposed does not confirm it; what was prepared before stands in the audit trail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kizuna.errors import NotFound, Refused, UsageError
from kizuna.store.accounts import DAY, Accounts
from kizuna.store.database import Connection

if TYPE_CHECKING:
    from kizuna.store.store import Store

EXPIRES = 7 * DAY
"""So long a proposal may be confirmed."""

MOST_TEXT = 500
_WAYS_IN = ("user.add", "user.roles", "user.password", "token.create", "link.create")


def operator(store: Store, name: str) -> str:
    """The name of somebody who is an operator now. Raises Refused."""
    try:
        user = Accounts(store).user(name)
    except NotFound:
        raise Refused("this takes an operator of this node") from None
    if "operator" not in user.roles:
        raise Refused("this takes an operator of this node")
    return user.name


def second_operator(
    store: Store, connection: Connection, name: str, *, proposed_by: str, proposal: tuple[str, str]
) -> str:
    """The name of an operator who may confirm what another one proposed: the act and subject of that entry of the trail. Raises Refused."""
    confirming = operator(store, name)
    if confirming == operator(store, proposed_by):
        raise Refused("another operator confirms it than who proposed it")
    acts = ",".join("?" * len(_WAYS_IN))
    found = connection.execute(
        f"select act from audit where act in ({acts}) and subject=? and actor<>? "
        "and n>(select max(n) from audit where act=? and subject=?) limit 1",
        (*_WAYS_IN, confirming, confirming, *proposal),
    ).fetchone()
    if found is not None:
        raise Refused(f"since it was proposed somebody else let {confirming} in ({found[0]}); propose it again")
    return confirming


def releaser(store: Store, name: str) -> str:
    """The name of somebody who releases now: operators and tokens do not. Raises Refused."""
    try:
        user = Accounts(store).user(name)
    except NotFound:
        raise Refused("this takes a releaser of this node") from None
    if "releaser" not in user.roles:
        raise Refused("this takes a releaser of this node")
    return user.name


def is_releaser(store: Store, name: str) -> bool:
    """Whether somebody releases now."""
    try:
        releaser(store, name)
    except Refused:
        return False
    return True


def let_in_since(connection: Connection, name: str, at: int) -> str | None:
    """By which act somebody else let a person in since a moment, if so: the two are not known to be two."""
    acts = ",".join("?" * len(_WAYS_IN))
    found = connection.execute(
        f"select act from audit where act in ({acts}) and subject=? and actor<>? and at>=? limit 1",
        (*_WAYS_IN, name, name, at),
    ).fetchone()
    return None if found is None else str(found[0])


def reason_of(text: str) -> str:
    """A reason as it is kept. Raises UsageError."""
    reason = " ".join(text.split())
    if not reason or len(reason) > MOST_TEXT or not reason.isprintable():
        raise UsageError(f"give a reason of at most {MOST_TEXT} printable characters")
    return reason
