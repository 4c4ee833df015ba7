"""Every command with hostile arguments: a documented exit code and one line of error, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import CLEAR, campaign
from tests.commands import LEAVES, Done, bundle, kizuna

CODES = {0, 1, 2, 3, 4, 5, 6}
# They serve until they are stopped; what they say to arguments that are none is tested with the other commands' bounds.
SERVING = {"up", "demo"}


class Place(NamedTuple):
    """A node in a folder of its own, where the commands also run."""

    node: Path
    files: tuple[str, ...]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One node for all, and files that are none."""
    base = tmp_path_factory.mktemp("fuzz")
    node = base / "node"
    assert kizuna("init", "--data", node, "--name", "Riga", "--org", "CERT Riga", "--country", "LVA").code == 0
    good = base / "good.json"
    good.write_bytes(bundle(campaign("a", object_marking_refs=[CLEAR])))
    assert kizuna("import", good, "--data", node).code == 0
    assert kizuna("partner", "add", "Brussels", "--org", "B", "--country", "BE", "--data", node).code == 0
    (base / "empty").write_bytes(b"")
    (base / "noise").write_bytes(bytes(range(256)) * 40)
    (base / "deep.json").write_bytes(b"[" * 100_000)
    (base / "folder").mkdir()
    os.mkfifo(base / "pipe")
    (base / "loop").symlink_to("loop")
    odd = os.fsdecode(os.fsencode(base) + b"/\xff\xfe")
    Path(odd).write_bytes(b"{}")
    before, variable = Path.cwd(), os.environ.pop("KIZUNA_DATA", None)
    os.chdir(base)
    names = (
        "good.json",
        "empty",
        "noise",
        "deep.json",
        "folder",
        "loop",
        "none",
        "none/none",
        "good.json/none",
        "",
        "/dev/null",
        "-",
        "a" * 300,
        odd,
    )
    yield Place(node, names)
    os.chdir(before)
    if variable is not None:
        os.environ["KIZUNA_DATA"] = variable


TEXTS = st.sampled_from([
    "", " ", "-", "--", "x", "a" * 5000, "\udcff\udcfe", "\ud800", "\x1b[2J", "\n\n", "\u202e", "あ" * 400, "0", "-1",
    "9" * 30, "9" * 5000, "1e999", "nan", "inf",
    "-inf", "²", "None", "[]", "{}", '"', "'", "%s%n", "{0}", "\\", "*", "NEAR(", campaign("a")["id"], "campaign--x",
    "2026-01-01T00:00:00Z",
    "2026-13-01T00:00:00Z", "9999-12-31T23:59:60Z", "TLP:CLEAR", "TLP:RED persons=", "PUBLIC & ",
    "TLP:AMBER to=" + "A," * 2000, "Brussels", "brussels",
    "owner", "JPN", "http://127.0.0.1:1/", "http://[", "file:///etc/passwd", "cyber-defence", "1y", "9999999y", "-5d", "0s", "1e9d",
])  # fmt: skip


def arguments(parameter: click.Parameter, files: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Values of one parameter, with its option before each."""
    values = TEXTS | st.sampled_from(files)
    if isinstance(parameter.type, click.Choice):
        values = values | st.sampled_from(list(parameter.type.choices))
    if isinstance(parameter, click.Argument):
        return st.lists(values, min_size=1, max_size=1 if parameter.nargs == 1 else 3)
    assert isinstance(parameter, click.Option)
    if parameter.is_flag:
        return st.just([parameter.opts[-1]])
    one = values.map(lambda value: [f"{parameter.opts[-1]}={value}"])
    return (
        one
        if not parameter.multiple
        else st.lists(one, min_size=1, max_size=3).map(lambda found: [text for some in found for text in some])
    )


def lines(name: str, data: st.DataObject, place: Place) -> list[str]:
    """A whole command line: what is required and some of the rest."""
    found: list[str] = name.split()
    options: list[str] = []
    positional: list[str] = []
    for parameter in LEAVES[name].params:
        if parameter.name in ("data", "with_parent"):  # that one ends the process whose standard input closes: this one
            continue
        if parameter.required or data.draw(st.integers(0, 3)) == 0:
            drawn = data.draw(arguments(parameter, place.files), label=str(parameter.name))
            (positional if isinstance(parameter, click.Argument) else options).extend(drawn)
    where = data.draw(
        st.sampled_from(["node", "node", "node", "node", "good.json", "none", "folder", "/dev/null", "loop", "a" * 300])
    )
    if name != "init" or where == "node":
        options.append(f"--data={where}")
    else:
        options.append(f"--data=made-{data.draw(st.integers(0, 10**6))}")
    return found + options + (["--", *positional] if data.draw(st.booleans()) else positional)


def _remark(line: str) -> bool:
    """What is said besides errors, where it was asked for."""
    return line.startswith(("node ", "done in ", "dry run: "))


def checked(done: Done, line: list[str]) -> None:
    """Assert how a command may end."""
    assert done.code in CODES, (line, done)
    assert "Traceback" not in done.err + done.out, (line, done.err)
    if done.code in (1, 3, 4, 5) and line[0] not in ("validate", "import", "doctor", "air"):  # these tell of each file
        asked = {"-v", "--verbose", "--dry-run"} & set(line) and not {"-q", "--quiet"} & set(line)
        assert sum(not (asked and _remark(told)) for told in done.err.splitlines()) <= 1, (line, done.err)
    if done.code in (2, 4, 5):
        assert done.err, line
    assert "\x1b" not in done.err + done.out, (line, done)
    if "--json" in line and done.code in (0, 1, 3) and not {"-", "-o=-", "--output=-", "export"} & set(line):
        for text in done.out.splitlines():
            json.loads(text)


def in_a_process(*line: str) -> Done:
    """A command that serves sets handlers of signals, which are the whole process' own."""
    command = [sys.executable, "-m", "kizuna", *line]
    done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


OPTIONS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@pytest.mark.parametrize("name", sorted(LEAVES.keys() - SERVING))
@settings(max_examples=12, **OPTIONS)  # type: ignore[arg-type]
@given(data=st.data())
def test_hostile_arguments(place: Place, name: str, data: st.DataObject) -> None:
    line = lines(name, data, place)
    checked(kizuna(*line, input=data.draw(st.sampled_from([b"", b"{", b"\xff", bundle(campaign("b"))]))), line)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(LEAVES.keys() - SERVING))
@settings(max_examples=1_000, **OPTIONS)  # type: ignore[arg-type]
@given(data=st.data())
def test_hostile_arguments_at_length(place: Place, name: str, data: st.DataObject) -> None:
    line = lines(name, data, place)
    checked(kizuna(*line, input=data.draw(st.sampled_from([b"", b"{", b"\xff", bundle(campaign("b"))]))), line)


@pytest.mark.parametrize(
    "line",
    [
        "explain \n\n --as Brussels",
        "export --as=\n\n",
        "label set \n\n TLP:CLEAR",
        "label show \n\n",
        "partner show \n\n",
        "user link \n\n",
    ],
)
def test_a_name_of_several_lines_is_told_in_one(place: Place, line: str) -> None:
    done = kizuna(*line.split(" "), "--data=node")
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert done.err.endswith("\\n\\n\n")


def test_no_file_is_written_where_links_go_round(place: Place) -> None:
    done = kizuna("export", "-o", "loop", "--data=node")
    assert (done.code, done.err) == (1, "error: loop: cannot be written: its links go round in a loop\n")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["up", "--data=nowhere"], 3),
        (["up", "--data=good.json"], 2),
        (["up", "--data=node", "--port=99999999999999999999"], 2),
        (["up", "--data=node", "--port=0", "--listen=no such host"], 1),
        (["up", "--data=node", "--port=0", "--listen=\udcff"], 1),
        (["up", "--data=node", "--port=0", "--listen=" + "a" * 300], 1),
        (["up", "--data=node", "--poll-seconds=nan"], 2),
        (["up", "--data=node", "--poll-seconds=x"], 2),
        (["demo", "--data=good.json"], 2),
        (["demo", "--port=-1"], 2),
        (["demo", "--for=x"], 2),
        (["demo", "--for=nan"], 2),
    ],
)
def test_what_serves_refuses_what_it_cannot_do(place: Place, line: list[str], code: int) -> None:
    done = in_a_process(*line)
    checked(done, line)
    assert done.code == code, done


@pytest.mark.parametrize(
    "line",
    ["validate", "import --data node", "search --data node", "show --data node", "label read", "pack add --data node"],
)
def test_names_that_are_no_text(place: Place, line: str) -> None:
    command = [sys.executable.encode(), b"-m", b"kizuna", *line.encode().split(), b"none\xff\xfe"]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode in (1, 2, 3), done
    assert b"Traceback" not in done.stderr
    assert (done.stdout + done.stderr).decode()  # whatever was given, what is said is text
    assert done.stderr.count(b"\n") <= 2, done.stderr


def test_a_password_that_is_no_text(place: Place) -> None:
    done = kizuna("user", "password", "owner", "--file=-", "--data", place.node, input=b"\xff\n")
    checked(done, ["user", "password"])
    assert done.code == 1


@pytest.mark.parametrize("value", ["x", "", "9" * 5_000, "-1", "70000", "²", "1e3"])
@pytest.mark.parametrize("command", ["config show", "stats"])
def test_variables_that_are_no_settings(
    place: Place, monkeypatch: pytest.MonkeyPatch, command: str, value: str
) -> None:
    monkeypatch.setenv("KIZUNA_PORT", value)
    done = kizuna(*command.split(), "--data", place.node)
    checked(done, command.split())
    assert done.code in (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"name":' * 100_000, b'{"name":5}', b'{"port":"x"}', b"1" * 10_000,
        b'{"name":"n","organisation":"o","country":"LVA","identity":"i","port":99999999999999999999}',
        b'{"name":"n","organisation":"o","country":"LVA","identity":"i","port":-1}',
        b'{"name":"n","organisation":"o","country":"LVA","identity":"i","limits":{"depth":-5}}',
    ],
    ids=range(13),
)  # fmt: skip
def test_settings_that_are_none(place: Place, tmp_path: Path, text: bytes) -> None:
    for name in ("node.json", "node.sqlite", "node.key"):
        (tmp_path / name).write_bytes((place.node / name).read_bytes())
    (tmp_path / "node.json").write_bytes(text)
    for command in ("stats", "config show", "doctor"):
        done = kizuna(*command.split(), "--data", tmp_path)
        checked(done, command.split())
        assert done.code == 1, (command, done)
