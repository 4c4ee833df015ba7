"""Labels that an originator consents to as a whole: everything of theirs under it may go on to somebody."""

from __future__ import annotations

from kizuna.errors import UsageError
from kizuna.labels.model import Label
from kizuna.labels.policies import AMBER, IEP, STRICT, TLP
from kizuna.labels.text import format_part, parse_label

MOST = 500
"""Characters of such a label."""


def passed_on_whole(text: str, *, originator: str) -> Label:
    """The label of an originator that a consent to all of it names.

    One part of TLP:AMBER or TLP:AMBER+STRICT, whoever it is addressed to: others leave without a consent, or name persons. Raises
    UsageError.
    """
    label = parse_label(text, originator=originator)
    part = label.parts[0]
    if len(label.parts) > 1 or part.policy not in (TLP, IEP) or part.classification not in (AMBER, STRICT):
        raise UsageError("consent to a whole label is to TLP:AMBER or TLP:AMBER+STRICT")
    if part.originator not in (None, originator) or len(text_of_whole(label)) > MOST:
        raise UsageError("a consent is to a label of its originator's own, in at most 500 characters")
    if not text_of_whole(label).isprintable():
        raise UsageError("a consent is to a label that can be printed")
    return (
        Label(originator, (part,)) if part.originator is None else parse_label(format_part(part), originator=originator)
    )


def text_of_whole(label: Label) -> str:
    """Such a label as consents name it: its one part, whoever made it."""
    return format_part(label.parts[0])


def names_whole(text: str) -> bool:
    """Whether a text is such a label as consents name it, letter by letter."""
    try:
        return text_of_whole(passed_on_whole(text, originator="-")) == text
    except UsageError:
        return False
