"""Countries as people type them, as groups and labels name them: ISO 3166-1 alpha-3."""

from __future__ import annotations

from kizuna.errors import UsageError

# Former countries whose alpha-2 code another one has now (ISO 3166-3).
_FORMER = {"BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"}


def alpha3(code: str) -> str:
    """The alpha-3 code of an alpha-2 or alpha-3 one; codes nobody assigned stay as they are. Raises UsageError."""
    if not (2 <= len(code) <= 3 and code.isascii() and code.isalpha()):
        raise UsageError(f"a country is an ISO 3166-1 code of two or three letters, not {code[:40]!r}")
    from babel.core import get_global  # half a megabyte that only this needs

    code = code.upper()
    aliases = get_global("territory_aliases")
    known = (three for three, two in aliases.items() if two == [code] and len(three) == 3 and three.isalpha())
    return code if len(code) == 3 else next((three for three in known if three not in _FORMER), code)
