"""The command line in two languages: nothing is left untranslated, and nothing breaks the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from itertools import chain, count
from pathlib import Path
from typing import Any

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import kizuna
from kizuna.cli import COMMANDS
from kizuna.cli.words import language, width, wrapped
from kizuna.messages import LOCALE, in_japanese
from kizuna.stix.rules import RULES
from tests.commands import groups_and_leaves
from tests.commands import kizuna as run

FOLDER = LOCALE / "ja" / "LC_MESSAGES"
SOURCE = Path(kizuna.__file__).parent
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
HALF_WIDTH = re.compile("[\uff61-\uff9f]")
KEPT = re.compile("[a-z]+(?:_[a-z]+)+|[A-Z]{3,}|[0-9]+")
VALUES = re.compile(r"\{[^{}]*\}|%\([a-z]+\)s")
ERRORS = {
    "InvalidInput",
    "NotFound",
    "Conflict",
    "UsageError",
    "NodeBusy",
    "Refused",
    "TooLarge",
    "DiskNearlyFull",
    "PeerFailed",
    "Stopped",
    "_cannot",
}
# Errors of these are answers to programs, or pages of their own.
ELSEWHERE = ("web/", "exchange/taxii/server", "exchange/taxii/request", "exchange/taxii/collections", "exchange/taxii/status",
             "store/answered", "store/cursors")  # fmt: skip

REFUSING = ("store/editing.py", "store/prepare.py", "store/writer.py", "web/pages/edit.py")


@pytest.fixture
def japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of Japanese."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    for _words, command in groups_and_leaves():  # click keeps the line on --help in the language it was first shown in
        monkeypatch.setattr(command, "_help_option", None)


def catalogue() -> Catalog:
    with (FOLDER / "messages.po").open("rb") as file:
        return read_po(file, locale="ja")


def helps() -> Iterator[str]:
    """What help says."""
    yield from (line for _, line in COMMANDS.values())
    for _, command in groups_and_leaves():
        texts: list[Any] = [command.short_help, command.epilog, command.help and cleandoc(command.help)]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                texts += [parameter.help, parameter.show_default if isinstance(parameter.show_default, str) else None]
        yield from (text for text in texts if text)


def calls() -> Iterator[tuple[str, str, ast.expr]]:
    """Every call by name: the file it stands in, the name, and the last thing given in order."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and (name := _called(node.func)):
                yield str(file.relative_to(SOURCE)), name, node.args[-1]


def _called(function: ast.expr) -> str | None:
    """The name of a function; of methods of its own, those that make errors."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "self":
        return function.attr if function.attr in ERRORS else None
    return function.id if isinstance(function, ast.Name) else None


def errors() -> Iterator[ast.expr]:
    """The messages of errors that a command may show."""
    yield from (first for file, name, first in calls() if name in ERRORS and not file.startswith(ELSEWHERE))


def refusals() -> Iterator[ast.expr]:
    """What is said of an object that is not taken in for what this node asks, beside the rules of STIX."""
    for file in REFUSING:
        tree = ast.parse((SOURCE / file).read_text())
        texts = {n.lineno: n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and _is_text(n.targets[0])}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node.func) in ("Problem", "_problem") and len(node.args) > 2:
                message = node.args[3 if _called(node.func) == "Problem" else 2]
                yield texts[max(line for line in texts if line < node.lineno)] if _is_text(message) else message


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "text"


def said() -> Iterator[str]:
    """What commands say, and the errors and refusals that are the same words each time."""
    words = (first for file, name, first in calls() if name in ("_", "N_") and file.startswith(("cli/", "node.py")))
    for first in chain(words, errors(), refusals()):
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def named() -> Iterator[str]:
    """The errors and refusals that name something, with {1}, {2} … for what they name."""
    yield from (numbered(node) for node in chain(errors(), refusals()) if isinstance(node, ast.JoinedStr))


def numbered(node: ast.JoinedStr) -> str:
    """A message with {1}, {2} … for what it names."""
    number = count(1)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(number)}}}" for part in node.values)


def test_everything_has_its_japanese() -> None:
    known = {message.id for message in catalogue() if message.id and message.string}
    assert len(known) > 200
    assert not (set(helps()) | set(said()) | set(named())) - known


def test_every_rule_has_its_japanese() -> None:
    found = {rule.id: in_japanese(rule.text) or "" for rule in RULES.values()}
    assert len(set(found.values())) == len(RULES) > 100
    for id, japanese in found.items():
        assert JAPANESE.search(japanese), id
        assert japanese.endswith("。"), id
        assert not HALF_WIDTH.search(japanese), id
        # Properties, abbreviations and numbers stay as they are written.
        assert set(KEPT.findall(RULES[id].text)) <= set(KEPT.findall(japanese)), id


def test_a_translation_has_the_values_of_its_message() -> None:
    for message in catalogue():
        if not message.id:
            continue
        ids, strings = (
            list(one) if isinstance(one, tuple | list) else [str(one)] for one in (message.id, message.string)
        )
        assert JAPANESE.search("".join(strings)), message.id
        for string in strings:
            assert any(sorted(VALUES.findall(string)) == sorted(VALUES.findall(id)) for id in ids), ids


def test_what_is_read_is_what_is_edited() -> None:
    with (FOLDER / "messages.mo").open("rb") as file:
        read = read_mo(file)
    found, edited = ({_parts(m.id): _parts(m.string) for m in one if m.id} for one in (read, catalogue()))
    assert found == edited, "run scripts/compile-messages"


def _parts(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """A text; or one for each number of things, of which Japanese has a single one."""
    return (text,) if isinstance(text, str) else tuple(text or ())


@pytest.mark.parametrize("words", [words for words, _ in groups_and_leaves()], ids=" ".join)
def test_help_is_japanese_and_fits(words: tuple[str, ...], japanese: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run(*words, "--help").out
    for line in text.splitlines():
        assert width(line) <= 80 or len(line.split()) == 1 or line.startswith("使い方"), line
    paragraph = text.split("\n\n")[1]
    assert JAPANESE.search(paragraph)
    assert all(JAPANESE.search(part) for part in text.split("\n\n")[1:])


def test_results_and_errors_are_japanese(folder: Path, japanese: None) -> None:
    assert run("stats", "--data", folder).out == "0 件、0 版\n"
    assert run("stats", "--data", folder / "none").err.endswith(
        "ここにノードはありません。`kizuna init` で作ってください\n"
    )
    told = run("partner", "show", "Nemo {1}", "--data", folder).err
    assert told == "誤り: Nemo {1} というパートナーはありません\n"
    told = run("import", "-", "--label", "TLP:PINK", "--data", folder, input=b"{}").err
    assert told.startswith("誤り: TLP に 'PINK' というレベルはありません。あるもの: ")
    assert run("stats", "--xyz").err.splitlines()[-1] == "誤り: そのようなオプションはありません: '--xyz'"


def test_what_programs_read_is_the_same_in_every_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    told = [run(*words.split(), "--data", folder, "--json").out for words in ("stats", "config show", "user list")]
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert told == [
        run(*words.split(), "--data", folder, "--json").out for words in ("stats", "config show", "user list")
    ]


def test_east_asian_characters_take_two_columns() -> None:
    assert width("東京 Tokyo") == 10
    assert width("ﾄｳｷｮｳ") == 5
    assert width("e\u0301") == 1


@given(st.text(alphabet="東京、。「」abc -", max_size=80), st.integers(8, 40))
def test_broken_lines_lose_nothing(text: str, columns: int) -> None:
    assert "".join(wrapped(text, columns)).replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet="東京は、", max_size=80).filter(lambda text: "、、" not in text), st.integers(8, 40))
def test_lines_fit_and_begin_with_no_comma(text: str, columns: int) -> None:
    first, *others = list(wrapped(text, columns)) or [""]
    assert all(width(line) <= columns and line[0] != "、" for line in others)
    assert width(first) <= columns


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ja"}, "ja"),
        ({"LANG": "", "LC_ALL": ""}, "en"),
    ],
)
def test_language_follows_posix(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
