"""The one place where the parts are put together: a store, the web application, the polling of partners and the runner of jobs, served.

`kizuna up` lives here, above the command line, which knows it by name only.
"""

from __future__ import annotations

import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import click
import msgspec
import uvicorn

from kizuna import memory
from kizuna.cli.output import NumberRange, emit, node_options, say, store_option, trouble
from kizuna.cli.process import end_with_parent, only_once
from kizuna.cli.words import _, told
from kizuna.errors import DiskNearlyFull, InvalidInput, KizunaError, NodeBusy
from kizuna.jobs import Runner
from kizuna.keeping import Keeper
from kizuna.observe import observed
from kizuna.polling import Poller
from kizuna.settings import Settings, load
from kizuna.store import Store, open_store
from kizuna.store.database import overdue
from kizuna.web import create_app
from kizuna.web.auth import login_url
from kizuna.web.connection import bounded

# A partner may be slow to finish reading; after this it is cut off so that the node can stop.
GRACE_SECONDS = 5
# Objects from which on it takes a moment to read what counting needs.
MANY = 50_000


class Addresses(NamedTuple):
    """Where a node answers: everybody, and its operator's Prometheus, if the settings want that."""

    url: str
    metrics: str | None


Announce = Callable[[Addresses, Store], None]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How one run differs from the settings: address, polling, and whether to end with the process that started it."""

    listen: str | None = None
    port: int | None = None
    poll_seconds: float = 60.0
    with_parent: bool = False


def serve(folder: Path, terms: Terms, announce: Announce) -> None:
    """Serve the node until SIGINT or SIGTERM; `announce(addresses, store)` is called when it answers.

    Raises NodeBusy when the folder is served already or the port is taken, InvalidInput when there is no node.
    """
    memory.hold_little()
    if terms.with_parent:
        end_with_parent()
    with only_once(folder):
        settings = load(folder)
        listener = open_socket(terms.listen or settings.listen, settings.port if terms.port is None else terms.port)
        url = address(listener, settings)
        store = open_store(folder)
        try:
            with (
                observed(store, open_socket) as observer,
                Poller(store, terms.poll_seconds, observer) as poller,
                Runner(store) as runner,
                Keeper(store),
            ):
                where = Addresses(url, observer.metrics_url)
                threading.Thread(target=_count_ahead, args=(store,), name="counting", daemon=True).start()
                server = Server(_config(store, settings), lambda: announce(where, store), poller.end, runner.end)
                server.run(sockets=[listener])
            if not server.started:
                raise InvalidInput("the node could not start; see the messages above", file=str(folder))
        finally:
            listener.close()
            store.close()


class Server(uvicorn.Server):
    """Uvicorn, telling when it answers, and ending without an error at a signal."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], *stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop gracefully at the first signal, at once at the second; uvicorn's own would raise it again afterwards."""
        kept = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        for stop in self._stopping:
            stop()


def _config(store: Store, settings: Settings) -> uvicorn.Config:
    config = uvicorn.Config(
        create_app(store),
        loop="uvloop",
        http=bounded(settings.limits),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,  # what it has to say goes where all the rest goes
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:  # what ssl raises is one too
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise InvalidInput(f"tls_certificate and tls_key cannot be used: {error}", file=files) from None
    return config


def _count_ahead(store: Store) -> None:
    """Of a large store, read what counting needs before the first who counts has to wait for it."""
    try:
        with suppress(KizunaError), store.database.snapshot() as reader:
            newest = reader.execute("select max(n) from object").fetchone()[0] or 0
            if newest > MANY:
                store.columns.follow(reader)
    except Exception as error:
        if not overdue(error):  # else the node is stopped meanwhile
            raise


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises NodeBusy when the port is taken, else InvalidInput."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError, UnicodeError) as error:
        raise InvalidInput(f"cannot listen on {host}:{port}: {error}") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(target)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise NodeBusy(f"port {port} on {host} is in use; choose another with --port") from None
        raise InvalidInput(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def address(listener: socket.socket, settings: Settings) -> str:
    """The URL people reach the node by: the one it is known by, else the one of this machine."""
    if settings.public_url:
        return settings.public_url
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "localhost"
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _link(store: Store, url: str) -> str | None:
    """A link to log in by, or none on a full disk: what the node holds can be read all the same."""
    try:
        return login_url(store, url)
    except DiskNearlyFull as error:
        trouble(f"{error.file}: {told(error.message)}")
        return None


@click.command(short_help="Serve a node until interrupted.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one. Default: the setting.")
@click.option("--listen", metavar="ADDRESS", help="Address to listen on. Default: the setting, loopback.")
@click.option(
    "--poll-seconds",
    type=NumberRange(0, 86_400),
    default=60.0,
    envvar="KIZUNA_POLL_SECONDS",
    show_default=True,
    help="Pause between polls of partners that have an address; 0 never polls.",
)
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input closes.")
@store_option
@node_options
def command(
    data: Path, as_json: bool, port: int | None, listen: str | None, poll_seconds: float, with_parent: bool
) -> None:
    """Serve the pages, the API and TAXII of the node in --data; stop with Ctrl-C.

    It listens on this machine only unless told otherwise, and over TLS when the settings name a certificate. Other
    commands may work on the folder meanwhile; a second `up` is refused.
    """
    terms = Terms(listen=listen, port=port, poll_seconds=poll_seconds, with_parent=with_parent)
    serve(data, terms, _announce_json if as_json else _announce_text)


def _announce_json(at: Addresses, store: Store) -> None:
    link = _link(store, at.url)
    login = {} if link is None else {"login_url": link}
    metrics = {} if at.metrics is None else {"metrics": at.metrics}
    emit({"url": at.url, **login, "taxii": f"{at.url}/taxii2/", **metrics, "data": str(store.folder)})


def _announce_text(at: Addresses, store: Store) -> None:
    say(_("{name} is up: {url}", name=store.settings.name, url=at.url))
    if (link := _link(store, at.url)) is not None:
        say(_("Log in once with: {url}", url=link))
    if at.metrics is not None:
        say(_("Metrics: {url}", url=at.metrics))
    say(_("Stop with Ctrl-C."))
