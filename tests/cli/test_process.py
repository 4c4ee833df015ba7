"""One process serves a folder, and none outlives its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kizuna.cli.process import only_once
from kizuna.errors import NodeBusy, NotFound
from kizuna.settings import Settings, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path, Settings(name="N", organisation="CERT N (fictional)", country="JPN", identity="identity--n"))
    (tmp_path / "node.sqlite").write_text("{}")
    return tmp_path


def test_a_second_holder_is_refused_and_told_who_holds_it(folder: Path) -> None:
    holder = _start(f"from kizuna.cli.process import only_once\nwith only_once(Path({str(folder)!r})):")
    with pytest.raises(NodeBusy, match=f"process {holder.pid}") as caught, only_once(folder):
        pass
    assert caught.value.exit_code == 1
    _end(holder)


def test_the_lock_dies_with_its_process_even_when_killed(folder: Path) -> None:
    holder = _start(f"from kizuna.cli.process import only_once\nwith only_once(Path({str(folder)!r})):")
    holder.kill()
    holder.wait()
    _close(holder)
    with only_once(folder):
        pass


def test_the_lock_can_be_taken_again_after_a_refusal(folder: Path) -> None:
    with only_once(folder):
        with pytest.raises(NodeBusy), only_once(folder):
            pass
        with pytest.raises(NodeBusy), only_once(folder):
            pass
    with only_once(folder):
        pass


def test_a_folder_without_a_node_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound), only_once(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_when_its_standard_input_closes() -> None:
    child = _start("from kizuna.cli.process import end_with_parent\nend_with_parent()\nif True:")
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(20) == -15
    _close(child)


def _start(head: str) -> subprocess.Popen[str]:
    code = f"import time\nfrom pathlib import Path\n{head}\n    print('ready', flush=True)\n    time.sleep(60)\n"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    _close(process)


def _close(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
