"""`scripts/mutants` names what a weak test lets through, leaves the work tree as it is, and draws the same lot again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = '''"""Who may come in."""


def may(age: int, named: bool) -> bool:
    """Whether somebody may."""
    if named and age >= 3:
        return True
    return False


def most(values: list[int]) -> int:
    """The largest, or 0."""
    return max(values, default=0)
'''
WEAK = """from planted import may, most


def test_may() -> None:
    assert may(9, True) and not may(1, True)
    assert most([2]) == 2
"""
STRONG = """
    assert may(3, True) and not may(2, True) and not may(9, False)
    assert most([]) == 0
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "planted.py").write_text(CODE)
    (tmp_path / "test_weak.py").write_text(WEAK)
    (tmp_path / "test_strong.py").write_text(WEAK + STRONG)
    return tmp_path


def mutants(project: Path, *more: str) -> tuple[int, list[str]]:
    """Exit code and lines."""
    command = [sys.executable, str(ROOT / "scripts" / "mutants"), "--root", str(project), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert (project / "src" / "planted.py").read_text() == CODE
    return done.returncode, done.stdout.splitlines()


def test_what_a_weak_test_does_not_notice_is_named(project: Path) -> None:
    code, lines = mutants(project, "src/planted.py", "--tests", "test_weak.py")
    assert code == 1
    assert lines == [
        "src/planted.py:6: survived: if named and (age > 3):",
        "src/planted.py:6: survived: if named and age >= (4):",
        "src/planted.py:6: survived: if named and age >= (2):",
        "src/planted.py:13: survived: return max(values, default=(1))",
        "src/planted.py:13: survived: return max(values, default=(-1))",
        "src/planted.py: 11 made, 6 killed, 5 survived, 0 timed out",
        "total: 11 made, 6 killed, 5 survived, 0 timed out",
    ]


def test_one_function_and_a_lot_that_is_drawn_again(project: Path) -> None:
    strong = ["--tests", "test_strong.py"]
    assert mutants(project, "src/planted.py:most", *strong)[1][-1] == "total: 2 made, 2 killed, 0 survived, 0 timed out"
    weak = ["src/planted.py:may", "--tests", "test_weak.py", "--limit", "4", "--seed", "3"]
    first = mutants(project, *weak)
    assert first[1][-1].startswith("total: 4 made, ")
    assert mutants(project, *weak) == first


def test_tests_that_fail_anyway_measure_nothing(project: Path) -> None:
    (project / "test_weak.py").write_text(WEAK.replace("== 2", "== 3"))
    command = [sys.executable, str(ROOT / "scripts" / "mutants"), "--root", str(project), "src/planted.py"]
    done = subprocess.run([*command, "--tests", "test_weak.py"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "src/planted.py: its tests fail without any change\n"
