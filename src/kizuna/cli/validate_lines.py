"""Reports of `kizuna validate` as lines of JSON. Objects of one file share most of their warnings, so the text of a
set of problems is kept and used again; what is checked is never kept.
"""

from __future__ import annotations

import msgspec

from kizuna.stix import Problem, Report

_KEPT = 16_384

_encode = msgspec.json.encode


class Lines:
    """Turns the reports on one file into lines."""

    def __init__(self, file: str) -> None:
        self._start = b'{"file":' + _encode(file.encode("utf-8", "replace").decode()) + b',"item":'
        self._known: dict[tuple[int, ...], tuple[bytes, bool, list[Problem]]] = {}

    def __call__(self, report: Report) -> tuple[bytes, bool]:
        """One line, and whether the item is valid."""
        problems = report.problems
        key = tuple(map(id, problems))
        known = self._known.get(key) or self._remember(key, problems)
        item = b"%d" % report.item if report.item is not None else b"null"
        return b'%b%b,"id":%b%b' % (self._start, item, _encode(report.id), known[0]), known[1]

    def _remember(self, key: tuple[int, ...], problems: list[Problem]) -> tuple[bytes, bool, list[Problem]]:
        """The end of the line. The problems are kept with it: while they live, their addresses are theirs alone."""
        errors = [_shown(one) for one in problems if one.severity == "error"]
        warnings = [_shown(one) for one in problems if one.severity == "warning"]
        valid = b"false" if errors else b"true"
        text = b',"valid":%b,"errors":%b,"warnings":%b}\n' % (valid, _encode(errors), _encode(warnings))
        if len(self._known) >= _KEPT:
            self._known.clear()
        made = self._known[key] = (text, not errors, problems)
        return made


def _shown(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "message": problem.message, "section": problem.section}
