"""Fuzz one target under coverage: `python -m tests.fuzz.run TARGET FOLDER [OPTION OF LIBFUZZER]...` in an environment with atheris."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["kizuna", "yaml"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run until it is told to stop or something falls."""
    target, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
