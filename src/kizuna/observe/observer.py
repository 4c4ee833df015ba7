"""Whoever listens to a served node, put together from its settings: the log always, metrics and spans where they are wanted."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from kizuna import __version__
from kizuna.errors import InvalidInput
from kizuna.events import Event, Listener
from kizuna.observe.lines import Lines, form_for
from kizuna.observe.logs import Handler, Logs
from kizuna.settings import Settings
from kizuna.store import Store


class Observer:
    """Tells every listener of each event. `metrics_url` is where the metrics are, None where nothing listens."""

    def __init__(self, logs: Logs, *, quiet: bool) -> None:
        self.logs = logs
        self.quiet = quiet  # whether nothing but errors is logged
        self.metrics_url: str | None = None
        self._listeners: list[Listener] = [] if quiet else [logs]

    def add(self, listener: Listener) -> None:
        """Let somebody listen too."""
        self._listeners.append(listener)

    def __call__(self, event: Event) -> None:
        """Tell everybody. A listener that fails is an error of ours and stops nobody."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                logging.getLogger(__name__).exception("a listener failed")

    @property
    def hears(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)


@contextmanager
def observed(store: Store, listen: Callable[[str, int], socket.socket]) -> Iterator[Observer]:
    """Log, count and trace what happens in a store's node while it lasts. `listen` opens a socket; what it raises is raised."""
    settings = store.settings
    quiet = settings.log == "off"
    with ExitStack() as stack:
        lines = Lines(form_for(settings.log, sys.stderr), "error" if quiet else settings.log_level)
        stack.callback(lines.close)
        stack.enter_context(_python_logs(Handler(lines)))
        observer = Observer(Logs(lines, addresses=settings.log_addresses), quiet=quiet)
        if settings.admin_port is not None:
            observer.metrics_url = stack.enter_context(_metrics(observer, store, settings, listen))
        if spans_wanted(settings):
            stack.callback(_spans(observer))
        if observer.hears:
            store.listen(observer)
        observer.logs.say("info", "start", version=__version__, process=os.getpid())
        stack.callback(observer.logs.say, "info", "stop", process=os.getpid())
        yield observer


def spans_wanted(settings: Settings) -> bool:
    """Whether the settings or the environment ask for spans (opentelemetry.io/docs/specs/otel/configuration)."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return settings.traces or any(name.startswith("OTEL_EXPORTER_OTLP_") for name in os.environ)


@contextmanager
def _python_logs(handler: logging.Handler) -> Iterator[None]:
    """Hand on what Python's logging is told, from warnings upwards: what libraries say below that is for their makers."""
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


@contextmanager
def _metrics(
    observer: Observer, store: Store, settings: Settings, listen: Callable[[str, int], socket.socket]
) -> Iterator[str]:
    from kizuna.observe.admin import Admin
    from kizuna.observe.metrics import Metrics  # 0.1 s to import: only who wants them waits

    metrics = Metrics(store)
    observer.add(metrics)
    with Admin(listen(settings.admin_listen, settings.admin_port or 0), metrics.page) as admin:
        yield admin.url


def _spans(observer: Observer) -> Callable[[], None]:
    """Begin to make spans; gives what ends it. Raises InvalidInput without the libraries."""
    try:
        from kizuna.observe.traces import Spans
    except ImportError:
        raise InvalidInput(
            "traces are asked for and OpenTelemetry is not installed; try: pip install 'kizuna[otel]'"
        ) from None
    spans = Spans()
    observer.add(spans)
    return spans.close
