"""STANAG 4774 labels: exact or refused on the way out, never wider on the way in, and no input that breaks the reader."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.clock import from_text
from kizuna.errors import InvalidInput, KizunaError, TooLarge
from kizuna.formats.stanag4774 import NAMESPACE, LabelRead, read_label, write_label
from kizuna.labels import Category, Label, Part, Principal, decide, join, parse_label

NOW = 1_795_392_000_000_000
YEARS = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # 0001 to 9999, in microseconds
HOLDER = Principal("A", "ann", "LVA")


def document(
    information: str, rest: str = "", *, root: str = "originatorConfidentialityLabel", attributes: str = ""
) -> bytes:
    """A label around what the test is about."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><slab:{root} xmlns:slab="{NAMESPACE}"{attributes}>'
        f"<slab:ConfidentialityInformation>{information}</slab:ConfidentialityInformation>{rest}</slab:{root}>"
    ).encode()


def information(policy: str, level: str, more: str = "") -> str:
    """The two elements every label has, and what follows them."""
    identifier = f"<slab:PolicyIdentifier>{policy}</slab:PolicyIdentifier>"
    return f"{identifier}<slab:Classification>{level}</slab:Classification>{more}"


def category(kind: str, name: str, *values: str, uri: str = "") -> str:
    """A category of generic values."""
    inner = "".join(f"<slab:GenericValue>{value}</slab:GenericValue>" for value in values)
    return f'<slab:Category Type="{kind}" TagName="{name}"{uri}>{inner}</slab:Category>'


AMBER = information("TLP", "AMBER")
DATES = "<slab:CreationDateTime>2026-09-26T12:00:00Z</slab:CreationDateTime>"
OURS = ' URI="urn:oid:2.25.168934168531129733111797806668963053647.'


def test_a_label_as_another_product_writes_it() -> None:
    data = f"""<?xml version="1.0" encoding="UTF-8"?>
    <slab:originatorConfidentialityLabel xmlns:slab="{NAMESPACE}" ReviewDateTime="2031-09-26T00:00:00Z" Id="one"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{NAMESPACE} label.xsd">
      <!-- who may see it -->
      <slab:ConfidentialityInformation>
        <slab:PolicyIdentifier URI="urn:oid:2.25.283505922519774543341581604402970826256"> EXAMPLE
        </slab:PolicyIdentifier>
        <slab:Classification>VERY  RESTRICTED</slab:Classification>
        <slab:PrivacyMark>handle with care</slab:PrivacyMark>
        <slab:Category Type="RESTRICTIVE" TagName="Special Handling">
          <slab:GenericValue>ALPHA</slab:GenericValue>
        </slab:Category>
        <slab:Category Type="PERMISSIVE" TagName="Releasable To" URI="urn:oid:2.25.2">
          <slab:GenericValue>XAA</slab:GenericValue>
          <slab:GenericValue> XBB </slab:GenericValue>
        </slab:Category>
        <slab:Category Type="INFORMATIVE" TagName="Note"/>
      </slab:ConfidentialityInformation>
      <slab:OriginatorID IDType="rfc822Name">author@example.org</slab:OriginatorID>
      <slab:CreationDateTime>
        2026-09-26T12:00:00Z
      </slab:CreationDateTime>
    </slab:originatorConfidentialityLabel>"""
    read = read_label(data.encode(), file="label.xml")
    categories = (
        Category("Special Handling", "restrictive", ("ALPHA",)),
        Category("Releasable To", "permissive", ("XAA", "XBB")),
        Category("Note", "informative", ()),
    )
    part = Part("EXAMPLE", "VERY RESTRICTED", categories)
    assert read.label == Label("rfc822Name:author@example.org", (part,))
    assert read.created == from_text("2026-09-26T12:00:00Z")
    assert read.review == from_text("2031-09-26T00:00:00Z")
    inside = "/originatorConfidentialityLabel/ConfidentialityInformation"
    assert {loss.path for loss in read.losses} == {
        "/originatorConfidentialityLabel/@Id",
        f"{inside}/PolicyIdentifier/@URI",
        f"{inside}/PrivacyMark",
        f"{inside}/Category[2]/@URI",
        "/originatorConfidentialityLabel/OriginatorID",
    }


def test_what_is_written() -> None:
    label = parse_label(
        "TLP:RED to=JPN persons=a.sato,kim@B until=2027-01-01 restrictive:Project='R&D \"one\"'", originator="CERT Riga"
    )
    assert (
        write_label(label, created=NOW, review=NOW).decode()
        == f"""<?xml version="1.0" encoding="UTF-8"?>
<slab:originatorConfidentialityLabel xmlns:slab="{NAMESPACE}" ReviewDateTime="2026-11-23T00:00:00.000000Z">
  <slab:ConfidentialityInformation>
    <slab:PolicyIdentifier>TLP</slab:PolicyIdentifier>
    <slab:Classification>RED</slab:Classification>
    <slab:Category Type="RESTRICTIVE" TagName="Project">
      <slab:GenericValue>R&amp;D "one"</slab:GenericValue>
    </slab:Category>
    <slab:Category Type="PERMISSIVE" TagName="Releasable To">
      <slab:GenericValue>JPN</slab:GenericValue>
    </slab:Category>
    <slab:Category Type="PERMISSIVE" TagName="Persons"{OURS}2">
      <slab:GenericValue>a.sato</slab:GenericValue>
      <slab:GenericValue>kim@B</slab:GenericValue>
    </slab:Category>
    <slab:Category Type="RESTRICTIVE" TagName="Valid Until"{OURS}4">
      <slab:GenericValue>2027-01-01T00:00:00.000000Z</slab:GenericValue>
    </slab:Category>
  </slab:ConfidentialityInformation>
  <slab:OriginatorID IDType="directoryName">O=CERT Riga</slab:OriginatorID>
  <slab:CreationDateTime>2026-11-23T00:00:00.000000Z</slab:CreationDateTime>
</slab:originatorConfidentialityLabel>
"""
    )


SPACE = " \t\r\n"
characters = st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00\ufffe\uffff").filter(
    lambda c: c >= " " or c in SPACE
)
plain = st.text(characters, min_size=1, max_size=8) | st.text("<>&\"'\r\n\t ]=,;#\\+x\u3000é", min_size=1, max_size=8)
values = plain.filter(lambda text: text == text.strip(SPACE))
words = values.filter(lambda text: not any(c in text for c in "\t\r\n") and "  " not in text)
originators = (
    st.text(max_size=8)
    | values
    | st.sampled_from(["", " ", "#a", "jID:a@b", "directoryName:O=x", "directoryName:CN=a,O=b", "jID:"])
)
some_values = st.lists(values, min_size=1, max_size=3).map(tuple)
sayable_categories = st.lists(
    st.builds(Category, values, st.sampled_from(["restrictive", "informative", "permissive"]), some_values), max_size=3,
    unique_by=lambda c: (c.name, c.kind),
).map(tuple)  # fmt: skip
years = st.none() | st.integers(*YEARS)


def sayable_part(policy: str, level: str) -> st.SearchStrategy[Part]:
    """Parts of a policy and level that an XML label can state."""
    tlp = policy in ("TLP", "IEP")
    community = st.none() | values if tlp and level == "GREEN" else st.none()
    persons = some_values | st.just(()) if tlp and level == "RED" else st.just(())
    return st.builds(
        Part, st.just(policy), st.just(level), sayable_categories, community, persons, st.none(), years, years
    )


levels = st.sampled_from(["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"])
policies = (
    st.tuples(st.sampled_from(["TLP", "IEP"]), levels)
    | st.just(("PUBLIC", "PUBLIC"))
    | st.tuples(words.filter(lambda policy: policy != "OWN"), words)
)
sayable = st.builds(
    lambda originator, part: Label(originator, (part,)), originators, policies.flatmap(lambda p: sayable_part(*p))
)


@given(sayable)
def test_a_label_is_read_back_as_it_was(label: Label) -> None:
    read = read_label(write_label(label, created=NOW, review=NOW + 1))
    assert read.label == label
    assert (read.created, read.review) == (NOW, NOW + 1)


texts = st.text(max_size=4) | st.sampled_from(
    ["", " ", "TLP", "GREEN", "RED", "OWN", "PUBLIC", "\ud800", "\x00", "\ufffe"]
)
anything = st.builds(
    Label,
    texts,
    st.lists(
        st.builds(
            Part,
            texts,
            texts,
            st.lists(
                st.builds(
                    Category,
                    texts,
                    st.sampled_from(["permissive", "restrictive", "informative"]),
                    st.lists(texts, max_size=2).map(tuple),
                ),
                max_size=2,
            ).map(tuple),
            st.none() | texts,
            st.lists(texts, max_size=2).map(tuple),
            st.none() | texts,
            st.none() | st.integers(),
            st.none() | st.integers(),
        ),
        max_size=2,
    ).map(tuple),
)


@given(anything)
def test_any_label_is_stated_exactly_or_refused(label: Label) -> None:
    try:
        written = write_label(label, created=NOW, review=NOW)
    except (InvalidInput, TooLarge):
        return
    assert read_label(written).label == label


@pytest.mark.parametrize(
    ("label", "path", "why"),
    [
        (parse_label("TLP:AMBER & KIZUNA-EXAMPLE:SEALED", originator="A"), "parts", "2 parts"),
        (parse_label("OWN", originator="A"), "policy", "each holder's own"),
        (parse_label("TLP:AMBER originator=B", originator="A"), "originator", "another originator"),
        (parse_label("TLP:AMBER to=JPN to=NATO", originator="A"), "categories", "may count as one"),
        (parse_label(r"TLP:AMBER 'to=\-'", originator="A"), "categories", "without values"),
        (parse_label("TLP:AMBER community=EU", originator="A"), "community", "only with TLP:GREEN"),
        (parse_label("TLP:GREEN persons=a", originator="A"), "persons", "only with TLP:RED"),
        (parse_label("TLP:CLEAR until=9999999999999999999", originator="A"), "ends", "years"),
        (parse_label("'X:a\tb'", originator="A"), "classification", "white space"),
        (parse_label("X:a\x07b", originator="A"), "classification", "cannot write"),
        (Label("A\ud800", (Part("X", "Y"),)), "originator", "half a character"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_stated_is_refused(label: Label, path: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        write_label(label, created=NOW, review=NOW)
    assert caught.value.path == path


def test_a_label_too_large_to_be_read_back_is_not_written() -> None:
    many = Label("A", (Part("X", "Y", (Category("To", "permissive", tuple(str(n) for n in range(6_000))),)),))
    with pytest.raises(TooLarge):
        write_label(many, created=NOW, review=NOW)


IN = "/originatorConfidentialityLabel/ConfidentialityInformation"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (document(AMBER + "<slab:Marking>x</slab:Marking>"), f"{IN}/Marking"),
        (document(AMBER + '<Only xmlns="urn:x">x</Only>'), f"{IN}/Only"),
        (document(AMBER, DATES + '<Only xmlns="urn:x"/>'), "/originatorConfidentialityLabel/Only"),
        (document(AMBER, attributes=' NoForeign="true"'), "/originatorConfidentialityLabel/@NoForeign"),
        (document(AMBER, attributes=' xmlns:x="urn:x" x:Type="RED"'), "/originatorConfidentialityLabel/@Type"),
        (document(information("TLP", "CLEAR") + information("TLP", "RED")), f"{IN}/PolicyIdentifier[2]"),
        (document("<slab:Classification>AMBER</slab:Classification>"), f"{IN}/PolicyIdentifier"),
        (document("<slab:PolicyIdentifier>TLP</slab:PolicyIdentifier>"), f"{IN}/Classification"),
        (document(information("TLP", " ")), f"{IN}/Classification"),
        (document(information("TLP", "A<slab:GenericValue>B</slab:GenericValue>")), f"{IN}/Classification/GenericValue"),
        (document(AMBER + "only ours"), IN),
        (document(AMBER.replace("Identifier>TLP", 'Identifier URI="urn:oid:1.2.3">TLP')), f"{IN}/PolicyIdentifier/@URI"),
        (document(AMBER.replace("<slab:Classification>", '<slab:Classification URI="urn:oid:1">')), f"{IN}/Classification/@URI"),
        (document(AMBER + category("permissive", "To", "A")), f"{IN}/Category/@Type"),
        (document(AMBER + category("PERMISSIVE", " ", "A")), f"{IN}/Category/@TagName"),
        (document(AMBER + category("RESTRICTIVE", "To")), f"{IN}/Category"),
        (document(AMBER + category("PERMISSIVE", "A", "B") + category("PERMISSIVE", "To")), f"{IN}/Category[2]"),
        (document(AMBER + category("PERMISSIVE", "To", "A", "")), f"{IN}/Category/GenericValue[2]"),
        (document(AMBER + category("PERMISSIVE", "To", "A").replace("GenericValue", "IntegerValue")), f"{IN}/Category/IntegerValue"),
        (document(AMBER + category("PERMISSIVE", "Community", "EU", uri=OURS + '1"')), f"{IN}/Category"),
        (document(AMBER + category("PERMISSIVE", "Persons", "a", uri=OURS + '2"')), f"{IN}/Category"),
        (document(information("TLP", "GREEN", category("PERMISSIVE", "Community", "A", "B", uri=OURS + '1"'))), f"{IN}/Category"),
        (document(information("TLP", "GREEN", category("INFORMATIVE", "Community", "A", uri=OURS + '1"'))), f"{IN}/Category"),
        (document(information("TLP", "GREEN", 2 * category("PERMISSIVE", "Community", "A", uri=OURS + '1"'))), f"{IN}/Category[2]"),
        (document(AMBER + category("RESTRICTIVE", "Valid Until", "soon", uri=OURS + '4"')), f"{IN}/Category"),
        (document(AMBER + category("RESTRICTIVE", "Valid Until", "2026-01-01T00:00:00", uri=OURS + '4"')), f"{IN}/Category"),
        (document(AMBER, "<slab:OriginatorID>A</slab:OriginatorID>"), "/originatorConfidentialityLabel/OriginatorID/@IDType"),
        (document(AMBER, "<slab:CreationDateTime>today</slab:CreationDateTime>"), "/originatorConfidentialityLabel/CreationDateTime"),
        (document(AMBER, attributes=' ReviewDateTime="9"'), "/originatorConfidentialityLabel/@ReviewDateTime"),
        (document(AMBER, attributes=' ReviewDateTime="2026-13-01T00:00:00"'), "/originatorConfidentialityLabel/@ReviewDateTime"),
        (document(AMBER, root="alternativeConfidentialityLabel"), "/alternativeConfidentialityLabel"),
        (document(AMBER, root="metadataConfidentialityLabel"), "/metadataConfidentialityLabel"),
        (document(AMBER, root="SuccessorConfidentialityLabel"), "/SuccessorConfidentialityLabel"),
        (document(AMBER).replace(b":1:0", b":2:0"), "/originatorConfidentialityLabel"),
        (b"<label/>", "/label"),
        (b"<label", "line 1"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_place(data: bytes, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_label(data, file="label.xml")
    assert (caught.value.file, caught.value.path) == ("label.xml", path)


def successor(inner: str, when: str = "2027-01-01T00:00:00Z") -> str:
    """A label that follows at a date."""
    label = f"<slab:ConfidentialityInformation>{inner}</slab:ConfidentialityInformation>{DATES}"
    return (
        f"<slab:SuccessionHandling><slab:SuccessionDateTime>{when}</slab:SuccessionDateTime>"
        f"<slab:SuccessorConfidentialityLabel>{label}</slab:SuccessorConfidentialityLabel></slab:SuccessionHandling>"
    )


def test_a_successor_counts_from_the_start() -> None:
    read = read_label(document(AMBER, DATES + successor(information("TLP", "RED"))), originator="A")
    assert read.label == join(parse_label("TLP:AMBER", originator="A"), parse_label("TLP:RED", originator="A"))
    assert [loss.path for loss in read.losses] == ["/originatorConfidentialityLabel/SuccessionHandling"]
    with pytest.raises(InvalidInput, match="not a moment"):
        read_label(document(AMBER, DATES + successor(AMBER, when="never")))


def test_the_community_of_green_and_the_originator_are_the_callers_where_none_is_named() -> None:
    green = document(information("TLP", "GREEN"), DATES)
    assert read_label(green, originator="A", community="EU") == LabelRead(
        parse_label("TLP:GREEN community=EU", originator="A"), from_text("2026-09-26T12:00:00Z")
    )
    (loss,) = read_label(green).losses
    assert loss.what == "names no originator"
    named = document(information("TLP", "GREEN", category("PERMISSIVE", "Community", "NATO", uri=OURS + '1"')), DATES)
    assert read_label(named, originator="A", community="EU").label.parts[0].community == "NATO"


def test_a_moment_without_a_time_zone_informs_no_more() -> None:
    stated = "<slab:CreationDateTime>2016-11-10T12:30:00</slab:CreationDateTime>"
    read = read_label(document(AMBER, stated), originator="A")
    assert (read.created, read.review) == (None, None)
    assert [loss.what for loss in read.losses] == ["2016-11-10T12:30:00 has no time zone"]


def test_a_category_of_somebody_elses_that_is_called_like_ours_stays_a_category() -> None:
    stated = category("PERMISSIVE", "Persons", "ann")
    label = read_label(document(information("TLP", "RED", stated), DATES), originator="A").label
    assert label.parts == (Part("TLP", "RED", (Category("Persons", "permissive", ("ann",)),)),)


@pytest.mark.parametrize(
    ("policy", "level"), [("NATO", "SECRET"), ("tlp", "clear"), ("PUBLIC", "UNMARKED"), ("TLP", "clear")]
)
def test_a_policy_or_level_unknown_here_is_for_the_holder_alone(policy: str, level: str) -> None:
    label = read_label(document(information(policy, level), DATES), originator="A").label
    assert decide(label, HOLDER, holder=HOLDER, at=NOW)
    assert not decide(label, Principal("B", None, "JPN"), holder=HOLDER, at=NOW)


NAMES = ("B", "JPN", "NATO", "EU", "SECRET")
RECIPIENT = Principal("B", "kim", "JPN", clearances=(("TLP", "SECRET"),), memberships=(("NATO", None, None),))
HELD = {"B", "JPN", "NATO"}  # what names the recipient; of restrictive values it has NATO and SECRET
stated_categories = st.lists(
    st.tuples(
        st.sampled_from(["PERMISSIVE", "RESTRICTIVE", "INFORMATIVE"]),
        st.sampled_from(["Releasable To", "Persons", "Only"]),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    ),
    max_size=3,
)


@given(
    st.sampled_from(
        [
            ("TLP", "CLEAR"),
            ("TLP", "AMBER"),
            ("TLP", "GREEN"),
            ("PUBLIC", "PUBLIC"),
            ("NATO", "SECRET"),
            ("TLP", "clear"),
        ]
    ),
    stated_categories,
    st.none() | st.sampled_from(NAMES),
)
def test_the_label_read_refuses_whom_the_document_refuses(
    policy: tuple[str, str], stated: list[tuple[str, str, list[str]]], until: str | None
) -> None:
    """And nobody else, whatever names its categories have."""
    more = "".join(category(kind, name, *values) for kind, name, values in stated)
    if until:
        date = "2026-11-22T00:00:00Z" if until in HELD else "2026-11-24T00:00:00Z"
        more += category("RESTRICTIVE", "Valid Until", date, uri=OURS + '4"')
    label = read_label(document(information(*policy, more), DATES), originator="A", community="NATO").label
    refused = policy in (("NATO", "SECRET"), ("TLP", "clear")) or (until is not None and until in HELD)
    for kind, _, values in stated:
        refused |= kind == "PERMISSIVE" and not HELD & set(values)
        refused |= kind == "RESTRICTIVE" and not {"NATO", "SECRET" if policy[0] == "TLP" else "NATO"} >= set(values)
    assert decide(label, RECIPIENT, holder=HOLDER, at=NOW).allowed is not refused


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(KizunaError):
        read_label(data)


SAMPLE = write_label(
    parse_label("TLP:RED to=JPN persons=a.sato from=2026-01-01 informative:Note=x", originator="CERT Riga"),
    created=NOW,
    review=NOW,
)


@given(st.data())
def test_no_change_of_a_label_breaks_the_reader(data: Any) -> None:
    mutated = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        until = min(len(mutated), at + data.draw(st.integers(0, 40)))
        piece = data.draw(
            st.binary(max_size=3)
            | st.sampled_from(
                [b"<", b">", b"&#0;", b"&x;", b"<![CDATA[", b"<!--", b'"', b"</slab:Category>", b"PERMISSIVE", b"9"]
            )
        )
        mutated[at:until] = piece
        if not mutated:
            return
    with contextlib.suppress(KizunaError):
        read_label(bytes(mutated))
