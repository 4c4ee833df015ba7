"""Media types and timestamps of TAXII 2.1 (sections 1.6.8 and 2)."""

from __future__ import annotations

from kizuna.clock import from_text, to_text

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"
_TAXII_RANGES = ("application/taxii+json", "application/*", "*/*")


def accepts_taxii(accept: str | None) -> bool:
    """Whether an Accept header admits TAXII 2.1; none admits everything."""
    if accept is None or not accept.strip():
        return True
    return any(_admits(part) for part in accept.split(","))


def is_taxii(content_type: str | None) -> bool:
    """Whether a Content-Type is TAXII 2.1 (without a version: the newest)."""
    if content_type is None:
        return False
    name, parameters = _split(content_type)
    return name == "application/taxii+json" and parameters.get("version", "2.1") == "2.1"


def version_text(version: int | None, added: int) -> str:
    """A version as TAXII shows it: the object's own moment, else the moment it was added; milliseconds where they say all."""
    text = to_text(version if version is not None else added)
    return f"{text[:-4]}Z" if text.endswith("000Z") else text


def moment(text: str) -> int:
    """Microseconds of a timestamp in a query. Raises ValueError."""
    return from_text(text)


def _admits(part: str) -> bool:
    name, parameters = _split(part)
    if name not in _TAXII_RANGES or parameters.get("q", "1").strip() in ("0", "0.0", "0.00", "0.000"):
        return False
    return name != "application/taxii+json" or parameters.get("version", "2.1") == "2.1"


def _split(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = (piece.strip().lower() for piece in text.split(";"))
    pairs = (piece.partition("=") for piece in rest)
    return name, {key.strip(): value.strip().strip('"') for key, _, value in pairs}
