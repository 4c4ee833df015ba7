"""Who may see what: labels, recipients, the one decision, joins and redaction. Pure: countries and members come in as data."""

from kizuna.labels.decide import addressed, decide, names
from kizuna.labels.groups import Group, Membership, label_changes, memberships_of, next_change
from kizuna.labels.join import join, join_all, restricts
from kizuna.labels.marks import (
    Marked,
    PropertyLabels,
    mark,
    own_label_of_definition,
    property_label,
    to_markings,
    translated,
)
from kizuna.labels.model import Category, Consent, Decision, Label, Part, Principal, Reason
from kizuna.labels.passing import names_whole, passed_on_whole, text_of_whole
from kizuna.labels.persons import worded_by
from kizuna.labels.policies import BUILTIN_POLICIES, PUBLIC_LABEL, Policy, exceeds, own_only
from kizuna.labels.redaction import WHOLE_OR_NOT, Redacted, least_label, redact
from kizuna.labels.rendition import Form, Rendered, render
from kizuna.labels.stating import states, states_parts
from kizuna.labels.text import format_label, parse_label
from kizuna.labels.width import MOST_MARKINGS, MOST_SELECTORS, MOST_TEXT, text_of

__all__ = [
    "BUILTIN_POLICIES", "MOST_MARKINGS", "MOST_SELECTORS", "MOST_TEXT", "PUBLIC_LABEL", "WHOLE_OR_NOT", "Category", "Consent",
    "Decision", "Form", "Group", "Label", "Marked", "Membership", "Part", "Policy", "Principal", "PropertyLabels", "Reason",
    "Redacted", "Rendered", "addressed", "decide", "exceeds", "format_label", "join", "join_all", "label_changes", "least_label",
    "mark", "memberships_of", "names", "names_whole", "next_change", "own_label_of_definition", "own_only", "parse_label",
    "passed_on_whole", "property_label", "redact", "render", "restricts", "states", "states_parts", "text_of", "text_of_whole",
    "to_markings", "translated", "worded_by",
]  # fmt: skip
