"""Labels that are consented to as a whole: one part of an originator's own, letter by letter."""

from __future__ import annotations

import pytest

from kizuna.errors import UsageError
from kizuna.labels import Consent, Label, Part, Principal, decide, names_whole, passed_on_whole, text_of_whole

TOKYO, BRUSSELS, KYIV = "CERT Tokyo", "CERT Brussels", "CERT Kyiv"


def principal(organisation: str) -> Principal:
    return Principal(organisation=organisation, person=None, country="BEL", clearances=(), memberships=(), clients=())


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("TLP:AMBER", "TLP:AMBER"), ("tlp:amber+strict", "TLP:AMBER+STRICT"), ("TLP:AMBER  to=JPN,BEL", "TLP:AMBER to=BEL,JPN"),
        ('TLP:AMBER "originator=CERT Tokyo"', "TLP:AMBER"), ("IEP:AMBER", "IEP:AMBER"),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_what_consents_name(typed: str, text: str) -> None:
    label = passed_on_whole(typed, originator=TOKYO)
    assert (label.originator, text_of_whole(label)) == (TOKYO, text)
    assert names_whole(text)
    assert names_whole(typed) == (typed == text)
    consent = Consent(TOKYO, text, KYIV)
    part = label.parts[0]
    for of, allowed in (
        (label, not part.categories),
        (Label(BRUSSELS, (part,)), False),
        (Label(TOKYO, (Part("TLP", "RED"),)), False),
    ):
        decision = decide(of, principal(KYIV), holder=principal("CERT Riga"), at=0, consents=(consent,))
        assert decision.allowed == (allowed or (of is label and "to=BEL" in text))


@pytest.mark.parametrize(
    "text",
    [
        "TLP:CLEAR", "TLP:GREEN", "TLP:RED", "PUBLIC", "OWN", "TLP:AMBER & TLP:AMBER+STRICT", "NATO:AMBER", "TLP:AMBER originator=Riga",
        "", "nothing", "TLP:AMBER to=" + "a" * 500,
    ],
)  # fmt: skip
def test_nothing_else_is_consented_to_as_a_whole(text: str) -> None:
    with pytest.raises(UsageError):
        passed_on_whole(text, originator=TOKYO)
    assert not names_whole(text)
