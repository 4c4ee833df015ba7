"""The guide tells of every reason to doubt a flight, with its weight and its words, and of all that is left out of captures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kizuna
from kizuna.cli.air_told import LEFT_OUT
from kizuna.domains.air.truth import WEIGHTS
from kizuna.domains.air.truth.words import TEXTS, Language

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
SOURCE = Path(kizuna.__file__).parent
PAGES: dict[Language, str] = {"en": "air.md", "ja": "air.ja.md"}
READERS = ("formats/pcap.py", "formats/remote_id/*.py", "domains/air/reports.py")


@pytest.mark.parametrize("language", PAGES)
def test_every_reason_stands_there_as_the_code_has_it(language: Language) -> None:
    part = re.search(r"<!-- reasons: [^\n]*-->\n(.*?)<!-- /reasons -->", _text(language), re.DOTALL)
    assert part
    wanted = [
        f"| `{code}` | {weight:g} | {re.sub(r'{[^{}]*}', '…', TEXTS[code][language])} |"
        for code, weight in WEIGHTS.items()
    ]
    assert part[1].splitlines()[2:] == wanted


@pytest.mark.parametrize("language", PAGES)
def test_all_that_is_left_out_of_captures_is_told(language: Language) -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for pattern in READERS for file in sorted(SOURCE.glob(pattern)))
    counted = {
        code for places in re.findall(r"refused\[([^\]]*)\]", text) for code in re.findall(r'"([a-z-]+)"', places)
    }
    assert {"link-type", "no-interface", "obsolete-block"} <= counted
    section = _text(language).split("\n## ")[2]
    rows = [row for row in section.splitlines() if row.startswith("| `")]
    told = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert told == counted == set(LEFT_OUT)


def _text(language: Language) -> str:
    return (GUIDE / PAGES[language]).read_text(encoding="utf-8")
