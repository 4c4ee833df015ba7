"""Reasons in the words of the terminal's language."""

from __future__ import annotations

from collections.abc import Sequence

from kizuna import wording
from kizuna.cli.words import language


def worded(code: str, parameters: Sequence[str] = ()) -> str:
    """One reason as a phrase."""
    return wording.worded(code, parameters, language())
