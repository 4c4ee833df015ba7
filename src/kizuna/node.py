"""The one place where the parts are put together: a store, the web application and the polling of partners, served.

`kizuna up` lives here, above the command line, which knows it by name only.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click
import msgspec
import uvicorn

from kizuna.cli.output import NumberRange, clean, emit, node_options, say, store_option
from kizuna.cli.process import end_with_parent, only_once
from kizuna.cli.taxii import PARTLY
from kizuna.cli.words import _
from kizuna.errors import InvalidInput, KizunaError, NodeBusy
from kizuna.exchange.taxii.client import poll
from kizuna.settings import Settings, load
from kizuna.store import Store, open_store
from kizuna.web import create_app
from kizuna.web.auth import login_url
from kizuna.web.connection import bounded

# A partner may be slow to finish reading; after this it is cut off so that the node can stop.
GRACE_SECONDS = 5
# Beyond these a request is answered 503: a process may commonly have 1,024 files open, and the store needs some of them.
CONNECTIONS = 500
Announce = Callable[[str, Store], None]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How one run differs from the settings: address, polling, and whether to end with the process that started it."""

    listen: str | None = None
    port: int | None = None
    poll_seconds: float = 60.0
    with_parent: bool = False


def serve(folder: Path, terms: Terms, announce: Announce) -> None:
    """Serve the node until SIGINT or SIGTERM; `announce(url, store)` is called when it answers.

    Raises NodeBusy when the folder is served already or the port is taken, InvalidInput when there is no node.
    """
    if terms.with_parent:
        end_with_parent()
    with only_once(folder):
        settings = load(folder)
        listener = open_socket(terms.listen or settings.listen, settings.port if terms.port is None else terms.port)
        url = address(listener, settings)
        store = open_store(folder)
        try:
            with Poller(store, terms.poll_seconds) as poller:
                server = Server(_config(store, settings), lambda: announce(url, store), poller.end)
                server.run(sockets=[listener])
            if not server.started:
                raise InvalidInput("the node could not start; see the messages above", file=str(folder))
        finally:
            listener.close()
            store.close()


class Server(uvicorn.Server):
    """Uvicorn, telling when it answers, and ending without an error at a signal."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
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
        self._stopping()


def _config(store: Store, settings: Settings) -> uvicorn.Config:
    config = uvicorn.Config(
        create_app(store),
        loop="uvloop",
        http=bounded(settings.limits),
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=CONNECTIONS,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:  # what ssl raises is one too
        files = f"{settings.tls_certificate}, {settings.tls_key}"
        raise InvalidInput(f"tls_certificate and tls_key cannot be used: {error}", file=files) from None
    return config


class Poller:
    """Polls every partner that has an address, one after the other, while it is entered.

    The first poll of each partner since the start may bring a whole store: it runs as a process of its own, which takes
    its memory and its share of Python's lock away with it.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._ended = threading.Event()
        self._said: dict[str, str] = {}
        self._met: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def __enter__(self) -> Poller:
        if self._seconds > 0:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS)

    def end(self) -> None:
        """Begin no more polls, and say nothing of one that breaks off now."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._guarded("partners", self._turn)

    def _turn(self) -> str:
        if not self._store.database.leads():
            return ""
        for partner in self._store.partners():
            if partner.url and not self._ended.is_set():
                self._guarded(partner.name, partial(self._poll, partner.name))
        return ""

    def _guarded(self, name: str, work: Callable[[], str]) -> None:
        """Whatever goes wrong with one partner, the others have their turn, the node serves on and the next turn tries again."""
        try:
            self._say(name, work())
        except Exception as error:
            self._say(name, f"{type(error).__name__}: {error}")

    def _poll(self, name: str) -> str:
        """Poll one partner; what went wrong, empty when nothing did."""
        if name not in self._met:
            said = self._poll_apart(name)
            if not said:
                self._met.add(name)
            return said
        try:
            if poll(self._store, name).received:
                give_back_memory(self._store)
        except KizunaError as error:
            return str(error)
        return ""

    def _poll_apart(self, name: str) -> str:
        arguments = ["taxii", "poll", name, "--data", str(self._store.folder), "--with-parent", "--json"]
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "kizuna", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while process.poll() is None:
                if self._ended.wait(0.05):
                    process.terminate()
                    process.wait()
            said = process.stderr.read() if process.stderr else ""
        # Objects that failed are the partner's matter; they are in quarantine here.
        return "" if process.returncode in (0, PARTLY) else said.removeprefix("error: ").strip()

    def _say(self, name: str, message: str) -> None:
        # Said once, not at every turn: a partner may be away for days.
        if message and self._said.get(name) != message and not self._ended.is_set():
            print(f"polling {clean(name)}: {clean(message)}", file=sys.stderr, flush=True)
        self._said[name] = message


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


def give_back_memory(store: Store) -> None:
    """Return what a large import took: SQLite's cache of pages, and the C library's free lists (glibc only)."""
    store.database.shrink()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


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


def _announce_json(url: str, store: Store) -> None:
    emit({"url": url, "login_url": login_url(store, url), "taxii": f"{url}/taxii2/", "data": str(store.folder)})


def _announce_text(url: str, store: Store) -> None:
    say(_("{name} is up: {url}", name=store.settings.name, url=url))
    say(_("Log in once with: {url}", url=login_url(store, url)))
    say(_("Stop with Ctrl-C."))
