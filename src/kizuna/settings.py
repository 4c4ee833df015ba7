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
    """Bounds on what comes in and on what one asker takes; sizes in bytes. The reference is made of the words below each."""

    body: Positive = 32 * MiB  # decoded JSON takes several times its text, and 400 MB must be enough
    """Of a request, unpacked; TAXII takes no more than 64 MiB of any."""
    object: Positive = 16 * MiB
    """Of one STIX object; a larger one is refused, and the rest goes on."""
    split_above: Positive = 64 * MiB
    """Of a file that is held in memory as a whole; a larger one is read piece by piece, and no job takes it."""
    depth: Positive = 100
    """Levels of JSON inside each other."""
    compression_ratio: Positive = 100
    """How many times its size what is packed may unpack to, beyond the first 16 MiB of a file or the first 1 MiB of a TAXII request."""
    items: Positive = 50_000  # of two bytes each a body would hold millions
    """Objects in one TAXII request."""
    page: Positive = 1000
    """Objects in one TAXII answer."""
    quarantine: Positive = 256 * MiB
    """Kept of what one source sent and was refused; beyond it refused items are told of and not kept."""
    quota_objects: Positive | None = 1_000_000
    """Objects that a partner may send in an hour, where nothing else is set for it; null for any number."""
    quota_bytes: Positive | None = 8 << 30
    """Bytes that a partner may send in an hour, where nothing else is set for it; null for any number."""
    quarantine_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 90
    """Days that refused items are kept; a served node destroys older ones every hour, an import those of its source."""
    clock_ahead_seconds: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 600
    """How far ahead of this node's clock an object may be dated; beyond it, it waits until then."""
    export: Positive = 1024 * MiB
    """What one export job keeps for its asker, compressed."""
    lease_seconds: Seconds = 20.0
    """A process that has not spoken for so long works on its job no more, and another takes it over."""
    head_seconds: Seconds = 20.0
    """For the whole head of a request."""
    body_seconds: Seconds = 600.0  # 32 MiB within this need less than half a megabit a second
    """For the whole body of a request."""
    stall_seconds: Seconds = 20.0
    """Within which a sender or a reader must move at least 16 KiB."""
    answer_seconds: Seconds = 60.0
    """For all that one request reads in the database; what it stores is finished."""
    at_once: Positive = 8
    """Requests of one caller that are worked on at a time."""
    waiting: Positive = 100
    """Requests of one caller that wait for their turn; beyond it they are answered 429."""
    connections: Positive = 500  # a process may commonly have 1,024 files open, and the store needs some of them
    """Connections to one process at a time."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who this node is and how it behaves. The reference is made of the words below each.

    Raises ValueError for a public address that is none, and for proxies that are no addresses.
    """

    name: str
    """Short name of the node."""
    organisation: str
    """Name of the organisation, as labels and partners know it."""
    country: str
    """Country of the organisation, ISO 3166-1, such as JPN or JP."""
    identity: str
    """STIX id of the organisation; `kizuna init` makes it, and it never changes."""
    community: str | None = None
    """What GREEN without a named community means; nobody by default."""
    ceiling: str | None = None
    """The highest label this node may store, such as TLP:AMBER; what is above it is refused and recorded as spillage."""
    language: str | None = None
    """Language of the pages when the reader states none: en or ja."""
    listen: str = "127.0.0.1"
    """Address to serve on; this machine only by default."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8700
    """Port to serve on; 0 takes a free one."""
    tls_certificate: str | None = None
    """File of the certificate with its chain, PEM."""
    tls_key: str | None = None
    """File of the certificate's key, PEM."""
    public_url: str | None = None
    """The address as others reach the node, where a proxy stands before it."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks whose word is taken for who asks, and over what."""
    compress: Literal["auto", "always", "never"] = "auto"
    """Whether TAXII answers are packed for who takes gzip; auto leaves it on this machine itself."""
    store: str | None = None
    """sqlite:///FILE or postgresql://…; a file in the node's folder by default."""
    disk_floor: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)] = 512 * MiB
    """Bytes free on the disk; with less left nothing is taken in."""
    log: LogForm = "auto"
    """Lines for people on a terminal and JSON elsewhere, or always one of them; off leaves errors of the node itself."""
    log_level: LogLevel = "info"
    """The least that is logged; debug tells of health checks and style sheets, too."""
    log_addresses: bool = False
    """Whether a request's line says where it came from."""
    admin_listen: str = "127.0.0.1"
    """Address of the metrics."""
    admin_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] | None = None
    """Port of the metrics, 0 for a free one; without it nothing listens."""
    traces: bool = False
    """Whether spans are sent by OpenTelemetry; the OTEL_* variables say where to, and ask for them too."""
    approvers: dict[str, Annotated[int, msgspec.Meta(ge=1, le=9)]] | None = None
    """How many people approve what has a label before it leaves, as in {"TLP:AMBER": 2}; one where none is given, two at least for RED."""
    scan: bool = True
    """Whether what enters a feed is looked through for texts that are withheld from its partner; what holds one waits for people."""
    job_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 14
    """Days that jobs which ended are kept, with what they made."""
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
