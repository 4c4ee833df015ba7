"""What a process that lives for months does so that it holds no more memory than it uses: with glibc, whose defaults favour short lives."""

from __future__ import annotations

import ctypes
import gc

from kizuna.store import Store

ARENAS = 2
"""Heaps of the C library. By default each of many threads has one, and each keeps the most that its thread ever needed."""

LARGE = 4 << 20
"""Bytes, more than a page of 1,000 objects has, from which on memory is taken from the system and given back at once.
By default that grows to 32 MiB with what is freed."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h


def hold_little() -> None:
    """Tell the C library to hold little in reserve; before threads begin, and without effect where it is not glibc (mallopt(3))."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_ARENA_MAX, ARENAS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, 2 * LARGE)):
            mallopt(parameter, value)


def give_back(store: Store) -> None:
    """Return what a large import took: SQLite's cache of pages, and the C library's free lists (glibc only)."""
    store.database.shrink()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
