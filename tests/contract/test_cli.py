"""What holds for every command: help, JSON, documented exit codes, and no traceback whatever is asked."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kizuna.cli import COMMANDS, main
from kizuna.errors import KizunaError
from tests.commands import LEAVES, kizuna

ROOT = Path(__file__).resolve().parents[2]
# What a fast `--help` cannot afford (seconds of import).
HEAVY = {
    "litestar",
    "httpx",
    "sqlite3",
    "uvicorn",
    "cryptography",
    "argon2",
    "yaml",
    "rich",
    "jinja2",
    "msgspec",
    "asyncio",
}


def run(*arguments: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, as people run it."""
    return subprocess.run([sys.executable, "-m", "kizuna", *arguments], input=input, capture_output=True, timeout=60)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_help_and_json(name: str) -> None:
    command = LEAVES[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options
    assert command.help, "a sentence of what it does"
    # Commands keep the names of their help option, so they are asked as they are called: below the main one.
    parent = click.Context(main, info_name="kizuna", **main.context_settings)
    with click.Context(command, info_name=name, parent=parent) as context:
        assert command.get_help(context).startswith("Usage: ")
    undescribed = [p.name for p in command.params if isinstance(p, click.Option) and not p.hidden and not p.help]
    assert undescribed == []


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_the_common_options_and_refuses_unknown_ones(name: str) -> None:
    options = {option for parameter in LEAVES[name].params for option in parameter.opts}
    assert {"-q", "--quiet", "-v", "--verbose", "--no-color"} <= options
    done = kizuna(*name.split(), "--no-such-option")
    assert (done.code, done.out) == (2, "")
    assert "--no-such-option" in done.err


def test_whatever_sends_can_be_tried_dry() -> None:
    for name in ("label set", "partner add", "partner set", "taxii push"):
        assert "--dry-run" in {option for parameter in LEAVES[name].params for option in parameter.opts}, name


def test_the_overview_says_what_the_commands_say() -> None:
    context = click.Context(main)
    for name, (_, line) in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(100).rstrip(".") == line.rstrip("."), name


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom kizuna.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"
    assert all(name in done.stdout for name in COMMANDS)


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    raised = {error.exit_code for error in _subclasses(KizunaError)}
    assert raised | {0, 6, 130} == documented


def _subclasses(base: type[KizunaError]) -> Iterator[type[KizunaError]]:
    yield base
    for child in base.__subclasses__():
        yield from _subclasses(child)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--version"], 0),
        (["no-such-command"], 2),
        (["stats", "--no-such-option"], 2),
        (["import"], 2),
        (["demo", "--port", "x"], 2),
        (["demo", "--port", "65500"], 2),
        (["search", "x", "--limit", "-1"], 2),
        (["up", "--port", "70000"], 2),
    ],
)
def test_usage(arguments: list[str], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    if code:
        assert done.stdout == b""


NEEDS_NODE = {
    "up": [], "import": ["-"], "export": [], "search": ["x"], "show": ["x"], "explain": ["x"], "stats": [],
    "label show": ["x"], "label set": ["x", "PUBLIC"],
    "taxii poll": ["x"], "taxii push": ["x"], "taxii collections": ["x"],
    "pack add": ["groups"], "config show": [],
    "audit list": [], "audit export": [],
    "backup": ["-o", "x"], "epoch show": [], "epoch open": [], "partner resume": ["x"],
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDS_NODE)
def test_without_a_node_every_command_says_so(name: str, tmp_path: Path) -> None:
    done = run(*name.split(), *NEEDS_NODE[name], "--data", str(tmp_path / "none"))
    assert done.returncode == 3, done.stderr
    assert b"no node here" in done.stderr
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    node, kizuna = tmp_path / "node", f"{sys.executable} -m kizuna"
    made = run("init", "--data", str(node), "--name", "Riga", "--org", "CERT Riga", "--country", "LV")
    assert made.returncode == 0
    assert run("pack", "add", "atlas", "--data", str(node)).returncode == 0
    for command in ("export", "search a --limit 500", "search a --limit 500 --json"):
        shell = f"set -o pipefail; {kizuna} {command} --data {node} | head -c 1"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60)
        assert (done.returncode, done.stderr, len(done.stdout)) == (0, b"", 1), command


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="Linux has a device that is always full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-m", "kizuna", "--help"], stdout=full, stderr=-1, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"error: No space left on device\n"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_interrupted_command_says_nothing_and_ends_with_130(tmp_path: Path) -> None:
    node = tmp_path / "node"
    assert run("init", "--data", str(node), "--name", "Riga", "--org", "CERT Riga", "--country", "LV").returncode == 0
    command = [sys.executable, "-m", "kizuna", "import", "-", "--data", str(node)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin is not None
        process.stdin.write(b'{"objects":[')
        process.stdin.flush()
        _until_it_waits(process.pid)  # earlier a signal may come where Python only prints it
        process.send_signal(signal.SIGINT)
        code = process.wait(30)  # and only then its input ends: that by itself is another reason to stop
        _, errors = process.communicate()
    assert (code, errors.strip()) == (130, b"")


def _until_it_waits(pid: int) -> None:
    """Until a process has slept for a second, by what the system counts of it: it has opened the store, and reads."""
    until, slept, before = time.monotonic() + 60, 0, ""
    while slept < 20:
        assert time.monotonic() < until
        time.sleep(0.05)
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        used = " ".join(fields[10:12])
        slept = slept + 1 if (state, used) == ("S", before) else 0
        before = used


@pytest.mark.parametrize("damage", ["text", "half", "empty", "gone"])
@pytest.mark.parametrize("command", ["stats", "export", "up --port 0", "label show x", "user list"])
def test_a_damaged_store_is_one_line(tmp_path: Path, damage: str, command: str) -> None:
    node = tmp_path / "node"
    assert kizuna("init", "--data", node, "--name", "Riga", "--org", "CERT Riga", "--country", "LV").code == 0
    file = node / "node.sqlite"
    content = file.read_bytes()
    file.write_bytes({"text": b"no database" * 1000, "half": content[: len(content) // 2]}.get(damage, b""))
    if damage == "gone":
        file.unlink()
    done = run(*command.split(), "--data", str(node))
    assert b"Traceback" not in done.stderr
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1), done
