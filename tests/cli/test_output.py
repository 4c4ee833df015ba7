"""How commands speak."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from kizuna.cli.output import (
    clean,
    default_folder,
    detail,
    json_option,
    note,
    output_file,
    rows_option,
    table,
    trouble,
)
from kizuna.errors import InvalidInput


@given(st.text())
def test_nothing_reaches_a_terminal_that_could_steer_it(text: str) -> None:
    shown = clean(text)
    assert all(c in "\n\t" or c == " " or c.isprintable() or c.isspace() for c in shown)
    assert "\x1b" not in shown
    shown.encode()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\\")))
def test_words_of_any_script_are_shown_as_they_are(text: str) -> None:
    assert clean(text) == text


def test_a_table_is_aligned_by_columns_of_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [{"a": "東京", "b": 1}, {"a": "x", "b": None}, {"a": ["p", "q"], "b": "two\nlines"}]
    assert table(rows, ("a", "b"), as_json=False) == 3
    assert capsys.readouterr().out.splitlines() == ["a     b", "東京  1", "x     -", "p, q  two lines"]


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert table([], ("a",), as_json=False, empty="none yet") == 0
    assert capsys.readouterr().out == "none yet\n"


def test_rows_as_json_are_whole_and_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert table([{"a": 1, "more": "東"}, {"a": 2}], ("a",), as_json=True) == 2
    assert capsys.readouterr().out == '{"a":1,"more":"東"}\n{"a":2}\n'


def test_the_default_folder_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert default_folder() == Path("/srv/data/kizuna")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_folder() == Path.home() / ".local/share/kizuna"


def test_a_file_appears_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with output_file(str(target)) as write:
        write(b"one")
        assert not target.exists()
        write(b" two")
    assert target.read_bytes() == b"one two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_failed_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_bytes(b"old")

    def fail() -> None:
        with output_file(str(target)) as write:
            write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert os.listdir(tmp_path) == ["out.json"]
    assert target.read_bytes() == b"old"


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with output_file(str(tmp_path / "link")) as write:
        write(b"through")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"through"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with output_file(str(pipe)) as write:
        write(b"flows")
    assert os.read(reader, 10) == b"flows"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "no" / "such"):
        with pytest.raises(InvalidInput, match=str(place)), output_file(str(place)):
            pass


ROWS = [
    {"name": "one", "roles": ["a", "b"], "count": 1, "note": None},
    {"name": 'two, "three"', "roles": [], "count": 2, "note": "lines\nof text"},
]


def shown(form: str, rows: list[dict[str, object]], *flags: str) -> Result:
    """What a command that prints rows prints."""

    @click.command()
    @rows_option
    @json_option
    def command(as_json: bool) -> None:
        note("a remark")
        detail("a detail")
        trouble("trouble")
        table(rows, ("name", "count"), as_json=as_json)

    done = CliRunner().invoke(command, ["--format", form, *flags])
    assert done.exit_code == 0, done.output
    return done


def test_every_format_holds_the_same_rows() -> None:
    lines = [json.loads(line) for line in shown("jsonl", ROWS).stdout.splitlines()]
    assert lines == json.loads(shown("json", ROWS).stdout) == ROWS
    assert shown("table", ROWS, "--json").stdout == shown("jsonl", ROWS).stdout
    text = shown("csv", ROWS).stdout_bytes.decode()
    told = list(csv.DictReader(io.StringIO(text, newline="")))
    assert told == [
        {"name": "one", "roles": "a, b", "count": "1", "note": ""},
        {"name": 'two, "three"', "roles": "", "count": "2", "note": "lines\nof text"},
    ]
    assert shown("table", ROWS).stdout.splitlines()[0].split() == ["name", "count"]


def test_no_rows_are_no_rows_in_every_format() -> None:
    assert shown("json", []).stdout == "[]\n"
    assert shown("jsonl", []).stdout == ""
    assert shown("csv", []).stdout_bytes == b"name,count\r\n"
    assert shown("table", []).stdout == "nothing\n"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "a remark\ntrouble\n"),
        (("-v",), "a remark\na detail\ntrouble\n"),
        (("-q",), "trouble\n"),
        (("-q", "-v"), "trouble\n"),
    ],
)
def test_quiet_and_verbose_change_what_is_said_besides(flags: tuple[str, ...], said: str) -> None:
    done = shown("table", ROWS, *flags)
    assert done.stderr == said
    assert done.stdout == shown("table", ROWS).stdout
