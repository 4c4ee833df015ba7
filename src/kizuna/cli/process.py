"""What keeps a node's process alone on its folder and no longer alive than whoever started it."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kizuna.errors import InvalidInput, NodeBusy, NotFound


def need_node(folder: Path) -> None:
    """Raise NotFound where no node is, InvalidInput where its store is gone: an empty one in its place would hide that."""
    if not (folder / "node.json").is_file():
        raise NotFound("no node here; make one with `kizuna init`", file=str(folder))
    from kizuna.settings import load
    from kizuna.store.database import is_postgres, store_file

    url = load(folder).store
    if is_postgres(url):
        return
    store = store_file(folder, url)
    if not store.is_file() or not store.stat().st_size:
        raise InvalidInput("the node's store is missing or empty; bring it back from a backup", file=str(store))


@contextmanager
def only_once(folder: Path, *, shared: bool = True) -> Iterator[None]:
    """Hold the folder's lock, which the system lets go when this process ends in any way. Raises NodeBusy, NotFound.

    Of a node on PostgreSQL any number of processes may serve: there the lock is held by nobody, but by what is not to be `shared`.
    """
    need_node(folder)
    if shared and _is_shared(folder):
        yield
        return
    descriptor = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            message = f"already served (process {holder}); only one `up` may serve a folder"
            raise NodeBusy(message, file=str(folder)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _is_shared(folder: Path) -> bool:
    from kizuna.settings import load
    from kizuna.store.database import is_postgres

    return is_postgres(load(folder).store)


def end_with_parent() -> None:
    """End when standard input closes: the parent alone holds its other end, so a killed parent leaves no orphan."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
