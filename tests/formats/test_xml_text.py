from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from kizuna.formats.xml_text import LENGTH, one_line, without_markup


@given(st.text() | st.text(alphabet="<>&\x00\x1f\x85\u202e\ud800\ufffe\n", max_size=20))
def test_any_text_is_well_formed_on_one_line_and_means_nothing_as_html(text: str) -> None:
    for shown in (one_line(text), without_markup(text)):
        element = ElementTree.Element("a", {"b": shown})
        element.text = shown
        written = ElementTree.tostring(element)
        again = ElementTree.fromstring(written)
        assert (again.text or "", again.get("b")) == (shown, shown)
        assert b"\n" not in written
        assert len(shown) <= LENGTH
    assert not set(without_markup(text)) & set("<>&\"'`")


def test_what_cannot_be_shown_is_replaced_and_the_rest_stays() -> None:
    assert one_line("a\x00b\u202ec\r\nd 絆 <e>") == "a\ufffdb\ufffdc d 絆 <e>"
    assert without_markup("<b>R&D</b>") == "‹b›R＆D‹/b›"
    assert one_line("x" * 2_000) == "x" * (LENGTH - 1) + "…"
