"""Forms of our own pages: what somebody who is logged in sends to change something, once it is sure that they sent it from here."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl

import anyio.to_thread
from litestar import Response

from kizuna import deadline
from kizuna.errors import KizunaError, NotAuthenticated, Refused, UsageError
from kizuna.store.caller import Caller, Right
from kizuna.web.again import WrongPassword, show_again
from kizuna.web.auth import csrf_token
from kizuna.web.context import of
from kizuna.web.guards import from_here
from kizuna.web.listing import AnyRequest
from kizuna.web.problems import TooManyTries, UnsupportedMediaType, WrongOrigin

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 1_100
MOST_BYTES = 512 * 1024


class Fields:
    """What was typed and chosen; a name may come several times. `refused` is why somebody has not shown again who they are."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self.refused: KizunaError | None = None

    def one(self, name: str) -> str:
        """The last value of a name, empty where there is none."""
        return next((value for key, value in reversed(self._pairs) if key == name), "")

    def has(self, name: str) -> bool:
        """Whether it was sent at all, empty or not."""
        return any(key == name for key, _ in self._pairs)

    def many(self, name: str) -> list[str]:
        """Every value of a name once, in their order."""
        return list(dict.fromkeys(value for key, value in self._pairs if key == name and value))


async def fields(request: AnyRequest, most: int = MOST_FIELDS) -> Fields:
    """The fields of a form. Raises UnsupportedMediaType, UsageError.

    Litestar's own reader fails at unknown character sets, and keeps what people type, passwords too, in a cache.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedMediaType(f"send {MEDIA_TYPE}")
    try:
        body = (await request.body()).decode()
        return Fields(parse_qsl(body, keep_blank_values=True, max_num_fields=most))
    except ValueError:
        raise UsageError("the form cannot be read") from None


Work = Callable[[AnyRequest, Caller, Fields], Response[bytes]]


async def acts(
    request: AnyRequest, right: Right, work: Work, *, again: Callable[[Fields], bool] | None = None
) -> Response[bytes]:
    """Do what a form of this person's own session asks for, in a thread. Raises NotAuthenticated, Refused, WrongOrigin.

    For what is done as `again` says they give their password once more; where it is wrong, `refused` of the form says so.
    """
    form = await fields(request)
    caller = await anyio.to_thread.run_sync(partial(sender, request, form, right))
    if again is not None and again(form):
        try:
            await show_again(request, form.one("password"))
        except (WrongPassword, TooManyTries) as error:
            form.refused = error
    return await anyio.to_thread.run_sync(partial(_work, work, request, caller, form))


def sender(request: AnyRequest, form: Fields, right: Right) -> Caller:
    """Whose session a form is of, when it is one of our own pages' and they may do this."""
    context = of(request)
    secret = request.cookies.get(context.cookie)
    caller = context.authenticator.session(secret) if secret else None
    if caller is None or not secret:
        raise NotAuthenticated("log in first")
    given = form.one("csrf").encode("utf-8", "replace")
    if not (from_here(request) and hmac.compare_digest(given, csrf_token(secret).encode())):
        raise WrongOrigin("the form is not of this session")
    request.scope["user"] = caller
    if not caller.may(right):
        raise Refused(f"this needs the right to {right}")
    return caller


def _work(work: Work, request: AnyRequest, caller: Caller, form: Fields) -> Response[bytes]:
    deadline.lift()  # what is begun is finished
    return work(request, caller, form)


__all__ = ["MOST_BYTES", "Fields", "acts", "fields", "sender"]
