"""Showing again who one is: what only a person does, logged in, takes their password once more. Tokens never do."""

from __future__ import annotations

from functools import partial

import anyio.to_thread

from kizuna.errors import KizunaError
from kizuna.web.context import Asked, of
from kizuna.web.guards import remote
from kizuna.web.problems import TooManyTries


class WrongPassword(KizunaError):
    """The password that somebody who is logged in was asked for once more is wrong."""

    status, exit_code, slug = 403, 4, "wrong-password"


async def show_again(request: Asked, password: str) -> str:
    """The name of the person who asks, once they have shown by their password that it is them. Raises WrongPassword, TooManyTries.

    Tries are slowed down as at the log-in, and counted with those.
    """
    return await anyio.to_thread.run_sync(partial(_check, request, password), limiter=of(request).turns)


def _check(request: Asked, password: str) -> str:
    context, name, address = of(request), request.user.name, remote(request)
    if seconds := context.slowing.wait(name, address):
        raise TooManyTries(seconds)
    context.slowing.begin(name, address)
    user = context.accounts.check_password(name, password)
    if user is None:
        context.store.audit("", "login.failed", name, {"remote": address, "again": True})
        raise WrongPassword("this is not your password; `kizuna user password` sets one")
    context.slowing.succeeded(name, address)
    return user.name
