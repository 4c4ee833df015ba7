"""Memory that a thread needed for a moment goes back to the system: measured in a process of its own, as `kizuna up` is."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is told nothing")

# Sixteen threads that all live, as in a pool; each needs much for a moment, in turn, and keeps a little of it.
PROGRAM = """
import sys, threading
from pathlib import Path
from kizuna import memory
if sys.argv[1] == "little":
    memory.hold_little()

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

def work():
    with turn:
        held = [b"x" * 60_000 for _ in range(200)]
        kept.append(held[-1])
        del held
    meet.wait()

before, kept = resident(), []
turn, meet = threading.Lock(), threading.Barrier(17)
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads:
    thread.start()
meet.wait()
print(resident() - before)
"""


def held(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_little_is_held() -> None:
    assert 3 * held("little") < held("much")
