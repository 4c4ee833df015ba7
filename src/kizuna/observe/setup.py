"""Listeners of a served node, put together from its settings: the log always, metrics and spans where they are wanted."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from kizuna import __version__
from kizuna.errors import InvalidInput
from kizuna.events import Said
from kizuna.observe.lines import Lines, form_for
from kizuna.observe.logs import Handler, Logs
from kizuna.observe.observer import Observer
from kizuna.settings import Settings
from kizuna.store import Store

Listen = Callable[[str, int], socket.socket]


@contextmanager
def observed(store: Store, listen: Listen) -> Iterator[Observer]:
    """Log, count and trace what happens in a store's node while it lasts. `listen` opens a socket; what it raises is raised."""
    settings = store.settings
    observer = Observer(quiet=settings.log == "off")
    lines = Lines(form_for(settings.log, sys.stderr), "error" if observer.quiet else settings.log_level)
    logs = Logs(lines, addresses=settings.log_addresses)
    observer.add(logs, logs.flush)
    with ExitStack() as stack:
        stack.enter_context(_python_logs(Handler(observer)))
        counted = settings.admin_port is not None
        if counted:
            observer.metrics_url = stack.enter_context(_metrics(observer, store, listen))
        traced = spans_wanted(settings) and stack.enter_context(_spans(observer, needed=settings.traces))
        # What nobody would be told of need not be told.
        if counted or traced or not observer.quiet:
            store.listen(observer)
        observer.start()
        stack.callback(observer.close)
        observer(Said("info", "start", {"version": __version__, "process": os.getpid()}))
        stack.callback(observer, Said("info", "stop", {"process": os.getpid()}))
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
def _metrics(observer: Observer, store: Store, listen: Listen) -> Iterator[str]:
    from kizuna.observe.admin import Admin
    from kizuna.observe.metrics import Metrics  # 0.1 s to import: only who wants them waits

    metrics = Metrics(store)
    observer.add(metrics)

    def page() -> bytes:
        observer.settle()
        return metrics.page()

    with Admin(listen(store.settings.admin_listen, store.settings.admin_port or 0), page) as admin:
        yield admin.url


@contextmanager
def _spans(observer: Observer, *, needed: bool) -> Iterator[bool]:
    """Make spans; tells whether that can be. Raises InvalidInput without the libraries if the settings need them."""
    try:
        from kizuna.observe.traces import Spans
    except ImportError:
        if needed:
            raise InvalidInput(
                "traces are asked for and OpenTelemetry is not installed; try: pip install 'kizuna[otel]'"
            ) from None
        # The variables may be there for all programs of a machine.
        observer(Said("warning", "no spans: OTEL_* variables are set and kizuna[otel] is not installed"))
        yield False
        return
    spans = Spans()
    observer.add(spans)
    try:
        yield True
    finally:
        spans.close()
