"""Every error Kizuna raises on purpose, each with its HTTP status and its exit code."""

from __future__ import annotations


class KizunaError(Exception):
    """The base of all errors that Kizuna raises on purpose.

    `status` is the HTTP status, `exit_code` the command line's (see docs/reference/exit-codes.md),
    `slug` names the problem page under /problems/.
    """

    status = 500
    exit_code = 1
    slug = "internal"

    def __init__(self, message: str, *, file: str | None = None, item: int | None = None, path: str | None = None):
        super().__init__(message)
        self.message = message
        self.file = file
        self.item = item
        self.path = path

    def __str__(self) -> str:
        place = [self.file or "", "" if self.item is None else f"item {self.item}", self.path or ""]
        where = ", ".join(part for part in place if part)
        return f"{where}: {self.message}" if where else self.message


class UsageError(KizunaError):
    """The caller asked in a way that cannot be understood."""

    status, exit_code, slug = 400, 2, "bad-request"


class NotFound(KizunaError):
    """No such thing, or none that the asker may see: the two are answered alike."""

    status, exit_code, slug = 404, 3, "not-found"


class NotAuthenticated(KizunaError):
    """Nobody we know: credentials are missing, wrong or expired."""

    status, exit_code, slug = 401, 4, "not-authenticated"


class Refused(KizunaError):
    """Somebody we know asked for what policy does not allow."""

    status, exit_code, slug = 403, 4, "refused"


class Outdated(KizunaError):
    """What was made for somebody holds more than they may see now."""

    status, exit_code, slug = 410, 1, "outdated"


class Conflict(KizunaError):
    """The thing changed meanwhile, or exists already."""

    status, exit_code, slug = 409, 1, "conflict"


class TooLarge(KizunaError):
    """The input is larger than the node accepts."""

    status, exit_code, slug = 413, 1, "too-large"


class TooMany(KizunaError):
    """Somebody asks for more at once than is their share; after `seconds` they may ask again."""

    status, exit_code, slug = 429, 1, "too-many-requests"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class InvalidInput(KizunaError):
    """The input cannot be read as what it claims to be; give up on this source."""

    status, exit_code, slug = 422, 1, "invalid-input"


class NodeBusy(KizunaError):
    """Another process serves this node's folder, or there is more to do than there is time for."""

    status, exit_code, slug = 503, 1, "busy"


class Unavailable(KizunaError):
    """What this node itself needs does not answer: its database, for now."""

    status, exit_code, slug = 503, 1, "unavailable"


class Stopped(KizunaError):
    """The exchange with a partner rests until an operator confirms it."""

    status, exit_code, slug = 503, 4, "stopped"


class DiskNearlyFull(KizunaError):
    """There is too little room to take more in; what is here can be read."""

    status, exit_code, slug = 507, 1, "disk-nearly-full"


class QuotaReached(TooMany):
    """A partner sent as much as it may within an hour; `seconds` until it may send more."""

    exit_code, slug = 4, "quota-reached"


class PeerFailed(KizunaError):
    """A remote peer did not answer as it should."""

    status, exit_code, slug = 502, 5, "peer-failed"
