"""Every reason has words in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kizuna.labels
from kizuna.cli.wording import worded
from kizuna.wording import REASONS

RELEASE = {
    "approved-already", "brought-by-partner", "did-not-leave", "id-contributing-property", "indivisible-property",
    "label-not-stated", "leaves-already", "left-already", "let-in", "no-versions", "not-held", "not-let-out", "not-ours", "not-owner",
    "not-receiving", "not-theirs", "object", "older-version-whole", "refers-to-renditions", "refers-to-withheld",
    "required-property", "revoked-already", "seen-in-part", "stopped", "tells-too-much", "unstated", "waits", "whole-or-not", "withdrawn",
}  # fmt: skip
"""What feeds, the release plan and the outbox say besides."""
SANITISING = {
    "account", "contact", "custom-property", "email", "internal-address", "internal-host", "internal-source", "maker-withheld",
    "marked-stricter", "observer", "person", "position", "victim", "withheld-reference", "withheld-text",
}  # fmt: skip
"""Why a part may be too much for a partner."""


def test_every_reason_of_the_decision_has_words_and_no_other() -> None:
    sources = Path(kizuna.labels.__file__).parent.glob("*.py")
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    calls = re.findall(r"Reason\(([^()]*)", text)
    codes = {code for call in calls for code in re.findall(r'"([a-z]+(?:-[a-z]+)*)"', call)}
    assert codes | RELEASE | SANITISING == set(REASONS)


@pytest.mark.parametrize("code", REASONS)
def test_words_in_both_languages(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    said = []
    for locale in ("en_GB.UTF-8", "ja_JP.UTF-8"):
        monkeypatch.setenv("LC_ALL", locale)
        assert worded(code)
        said.append(worded(code, ("TLP", "RED")))
        assert ("TLP, RED" in said[-1]) == ("{}" in REASONS[code]["en"])
    assert said[0].isascii() != said[1].isascii()
