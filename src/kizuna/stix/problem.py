"""What the language reports: one breach of one rule, with its place."""

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]

WHOLE = "$"
"""The path that means the object (or the file) as a whole."""


class Problem(msgspec.Struct, frozen=True):
    """One breach of one rule.

    `path` is a JSON path such as `kill_chain_phases[0].phase_name`, relative to the object, or to the bundle when the
    whole bundle was checked (`objects[3].name`); `$` is the whole. `section` is the section of the specification.
    """

    rule: str
    severity: Severity
    path: str
    message: str
    section: str
    item: int | None = None
    id: str | None = None
    file: str | None = None
