"""A node's settings: one frozen struct, read from `node.json` in the node's folder and `KIZUNA_*` variables.

Order: flag > environment > file > default. Nothing reads settings but the code that was handed them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from kizuna.durable import whole
from kizuna.errors import InvalidInput

MiB = 1 << 20
Positive = Annotated[int, msgspec.Meta(ge=1, le=1 << 50)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


LogForm = Literal["auto", "json", "console", "off"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _yes_or_no(text: str) -> object:
    return {"true": True, "false": False}.get(text.lower(), text)


# What KIZUNA_* variables may say, and how their text is read.
ENVIRONMENT: dict[str, Callable[[str], object]] = {
    "listen": str,
    "port": int,
    "language": str,
    "community": str,
    "tls_certificate": str,
    "tls_key": str,
    "compress": str,
    "store": str,
    "public_url": str,
    "disk_floor": int,
    "log": str,
    "log_level": str,
    "log_addresses": _yes_or_no,
    "admin_listen": str,
    "admin_port": int,
    "traces": _yes_or_no,
}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what comes in; sizes in bytes. `head_seconds` and `body_seconds` are for the whole head and body of a request."""

    body: Positive = 32 * MiB  # decoded JSON takes several times its text, and 400 MB must be enough
    object: Positive = 16 * MiB
    split_above: Positive = 64 * MiB
    depth: Positive = 100
    compression_ratio: Positive = 100
    items: Positive = 50_000  # objects in one TAXII request; of two bytes each a body would hold millions
    page: Positive = 1000
    quarantine: Positive = 256 * MiB  # of one source: above it a refused item is told of and not kept
    quota_objects: Positive | None = 1_000_000  # that a partner may send in an hour, where nothing else is set for it
    quota_bytes: Positive | None = 8 << 30
    quarantine_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 90
    clock_ahead_seconds: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 600
    export: Positive = 1024 * MiB  # what one job keeps for its asker, compressed
    lease_seconds: Seconds = 20.0  # a process that has not spoken for so long works on a job no more
    head_seconds: Seconds = 20.0
    body_seconds: Seconds = 600.0  # 32 MiB within this need less than half a megabit a second
    stall_seconds: Seconds = 20.0  # within which a sender or a reader must move at least 16 KiB
    answer_seconds: Seconds = 60.0  # for all that one request asks of the database
    at_once: Positive = 8  # requests of one caller that are worked on
    waiting: Positive = 100  # requests of one caller that wait for their turn
    connections: Positive = 500  # a process may commonly have 1,024 files open, and the store needs some of them


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who this node is and how it behaves. `country` is ISO 3166-1 alpha-3 or alpha-2 as given by the operator.

    Raises ValueError for a public address that is none, and for proxies that are no addresses.
    """

    name: str
    organisation: str
    country: str
    identity: str
    community: str | None = None
    ceiling: str | None = None
    language: str | None = None
    listen: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8700
    tls_certificate: str | None = None
    tls_key: str | None = None
    public_url: str | None = None  # as others reach the node, where a proxy stands before it
    proxies: tuple[str, ...] = ()  # addresses or networks whose word is taken for who asks, and over what
    compress: Literal["auto", "always", "never"] = "auto"
    store: str | None = None  # sqlite:///FILE or postgresql://…; a file in the node's folder by default
    disk_floor: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)] = 512 * MiB  # bytes; with less left nothing is taken in
    log: LogForm = "auto"  # lines for people on a terminal, JSON elsewhere; off leaves errors of the node itself
    log_level: LogLevel = "info"
    log_addresses: bool = False  # whether a request's line says where it came from
    admin_listen: str = "127.0.0.1"
    admin_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] | None = None  # metrics; without it nothing listens
    traces: bool = False  # spans by OpenTelemetry; the OTEL_* variables say where to, and ask for them too
    job_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 14  # that jobs which ended are kept, with what they made
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        """Refuse what would otherwise only be noticed by whoever follows a link, or is taken for somebody else."""
        if self.public_url is not None and not _PUBLIC.fullmatch(self.public_url):
            raise ValueError(f"public_url is not https://HOST or http://HOST without a path: {self.public_url[:80]}")
        for proxy in self.proxies:
            ip_network(proxy, strict=False)

    @property
    def reached_by_tls(self) -> bool:
        """Whether people reach the node over TLS: its own, or that of the proxy before it."""
        return self.tls_certificate is not None or (self.public_url or "").startswith("https://")


_PUBLIC = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def load(folder: Path, *, environment: bool = True) -> Settings:
    """Read the settings of the node in `folder`, with what the environment says instead. Raises InvalidInput where they cannot be."""
    file = folder / "node.json"
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise InvalidInput("no node here; make one with `kizuna init`", file=str(folder)) from None
    try:
        found = msgspec.json.decode(raw, type=dict[str, object])
        for key, read in ENVIRONMENT.items() if environment else ():
            value = os.environ.get(f"KIZUNA_{key.upper()}")
            if value is not None:
                found[key] = read(value)
        return msgspec.convert(found, Settings)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidInput(str(error), file=str(file)) from None


def save(folder: Path, settings: Settings) -> None:
    """Write the settings readable by the owner only."""
    write_private(folder / "node.json", msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")


def write_private(file: Path, data: bytes) -> None:
    """Write `data` with mode 0600 whole or not at all, durably."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with whole(file, temporary, descriptor) as handle:
        handle.write(data)
