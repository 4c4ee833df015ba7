"""The text form of labels: what is written is read back, whatever a label holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import UsageError
from kizuna.labels import Category, Label, Part, format_label, parse_label
from kizuna.labels.text import LIMIT, RELEASABLE

# What means something to the text form, at every place where it could be taken for something else.
TRAPS = [
    "",
    " ",
    "&",
    " & ",
    ",",
    "=",
    "'",
    '"',
    "\\",
    "\\e",
    "\\-",
    "!",
    "tlp",
    "TLP",
    "own",
    "OWN",
    "PUBLIC",
    "GREEN",
    "to",
]
texts = st.text(max_size=6) | st.text(",=&:\\'\" e-!#\u3000\u00a0\n\tx", max_size=6) | st.sampled_from(TRAPS)
moments = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-100, 100) | st.integers(0, 2 * 10**15)
categories = st.builds(
    Category,
    texts | st.just(RELEASABLE),
    st.sampled_from(["permissive", "restrictive", "informative"]),
    st.lists(texts, max_size=3).map(tuple),
)
parts = st.builds(
    Part,
    texts,
    texts,
    st.lists(categories, max_size=2).map(tuple),
    st.none() | texts,
    st.lists(texts, max_size=3).map(tuple),
    st.none() | texts,
    moments,
    moments,
)
labels = st.builds(Label, texts, st.lists(parts, max_size=3).map(tuple))


@given(labels)
def test_every_label_is_read_back(label: Label) -> None:
    assert parse_label(format_label(label), originator=label.originator) == label


@given(st.text(max_size=40) | st.text("TLP:RDGEN &to=,'\\\"!-e", max_size=40))
def test_any_text_is_a_label_or_a_usage_error(text: str) -> None:
    try:
        label = parse_label(text, originator="A")
    except UsageError:
        return
    assert parse_label(format_label(label), originator="A") == label


def only(text: str) -> Part:
    """The single part of a label."""
    (part,) = parse_label(text, originator="A").parts
    return part


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("to=JPN,NATO", ("JPN", "NATO")),
        ("'to=JPN, NATO ,'", ("JPN", "NATO")),
        ('to="CERT Riga",JPN', ("CERT Riga", "JPN")),
        (r"'to=Smith\, Sons & Co'", ("Smith, Sons & Co",)),
        (r"'to=a\=b=c'", ("a=b=c",)),
        (r"'to=DOMAIN\user'", ("DOMAIN\\user",)),
        (r"'to=DOMAIN\\,user'", ("DOMAIN\\", "user")),
        (r"'to=\e'", ("",)),
        (r"'to=\-'", ()),
    ],
)
def test_values(text: str, values: tuple[str, ...]) -> None:
    assert only(f"TLP:AMBER {text}").categories == (Category(RELEASABLE, "permissive", values),)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (Part("TLP", "AMBER", (Category(RELEASABLE, "permissive", ("NATO", "JPN")),)), "TLP:AMBER to=JPN,NATO"),
        (Part("TLP", "GREEN", (), "EU"), "TLP:GREEN community=EU"),
        (Part("TLP", "CLEAR", (), None, (), None, None, 1_798_675_200_000_000), "TLP:CLEAR until=2026-12-31T00:00:00.000000Z"),
        (Part("PUBLIC", "SECRET"), "PUBLIC:SECRET"),
        (Part("NATO", "NATO SECRET"), "'NATO:NATO SECRET'"),
        (Part("TLP", "ODD"), "'!TLP:ODD'"),
        (Part("tlp", "clear"), "'!tlp:clear'"),
        (Part("own", "own"), "own:own"),
        (Part("X", "Y", (Category("a=b", "restrictive", ("c d",)),)), "X:Y 'restrictive:a\\=b=c d'"),
    ],
)  # fmt: skip
def test_how_it_is_written(label: Part, text: str) -> None:
    assert format_label(Label("A", (label,))) == text
    assert only(text) == label


def test_an_ampersand_in_quotes_joins_nothing() -> None:
    assert only("'X:a & b'").classification == "a & b"
    assert len(parse_label("X:a & 'Y:c & d'", originator="A").parts) == 2


def test_spaces_of_other_keyboards_part_words() -> None:
    assert parse_label("TLP:GREEN\u3000community=EU\u3000&\u3000PUBLIC", originator="A") == parse_label(
        "TLP:GREEN community=EU & PUBLIC", originator="A"
    )


@pytest.mark.parametrize(
    "text",
    ["TLP:AMBER &", "& TLP:AMBER", "TLP:AMBER to=", "TLP:AMBER community=", "!TLP", "!:x", "X:", "TLP:CLEAR until=5"],
)
def test_what_is_half_written_is_no_label(text: str) -> None:
    with pytest.raises(UsageError):
        parse_label(text, originator="A")


def test_a_label_has_a_length() -> None:
    assert only("X:" + "y" * (LIMIT - 2)).policy == "X"
    with pytest.raises(UsageError, match="100,000"):
        parse_label("X:" + "y" * LIMIT, originator="A")
