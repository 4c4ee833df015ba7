"""XML that nothing hides in: entities, outside files, depth, size and number are refused before they cost anything."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kizuna.errors import InvalidInput, KizunaError, TooLarge
from kizuna.formats import plain_xml
from kizuna.formats.plain_xml import parse

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]><x>&l9;</x>'


def test_what_is_read() -> None:
    root = parse(
        b'\xef\xbb\xbf<?xml version="1.0"?><a xmlns="urn:x" b="1" c:d="2" xmlns:c="urn:c">t<b/><!-- no --><b>u</b>v<?no x?></a>'
    )
    assert (root.namespace, root.name, root.text, root.path) == ("urn:x", "a", "tv", "/a")
    assert root.attributes == {("", "b"): "1", ("urn:c", "d"): "2"}
    assert [(child.text, child.path) for child in root.children] == [("", "/a/b"), ("u", "/a/b[2]")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_both_encodings_of_xml(encoding: str) -> None:
    assert parse(f'<?xml version="1.0" encoding="{encoding}"?><a>絆</a>'.encode(encoding)).text == "絆"


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="shift_jis"?><a/>',
        b'<?xml version="1.0" encoding="utf-16"?><a/>',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        '<?xml version="1.0" encoding="utf-8"?><a/>'.encode("utf-16"),
        "<a/>".encode("utf-32"),
        b"<a>\xff</a>",
        b"",
        b"<!-- nothing -->",
        b"<a/><b/>",
        b"<a>&x;</a>",
        b"<a>&#0;</a>",
        b"<a>&#xd800;</a>",
        b"<a b='1' b='2'/>",
        b"<a:b/>",
    ],
)
def test_what_is_no_xml_is_said(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(data, file="x.xml")
    assert caught.value.file == "x.xml"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("text", [BILLION, '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>', "<!DOCTYPE x><x/>"])
def test_a_document_type_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(InvalidInput, match="document type"):
        parse(text.replace('<?xml version="1.0"?>', "").encode(encoding))


def test_nothing_is_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary", encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        parse(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><x>&e;</x>'.encode())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<a>" * 10_000 + b"</a>" * 10_000, "deeper"),
        (b"<a>" + b"<b/>" * (plain_xml.ELEMENTS + 1) + b"</a>", "elements"),
        (b"<a>" + b"x" * (plain_xml.TEXT + 1) + b"</a>", "characters"),
        (b"<a>" + b"x<!-- -->" * (plain_xml.TEXT + 1) + b"</a>", "characters"),
        (b"<a b='" + b"x" * (plain_xml.TEXT + 1) + b"'/>", "characters"),
        (b"<a " + b" ".join(b"b%d=''" % n for n in range(plain_xml.ATTRIBUTES + 1)) + b"/>", "attributes"),
        (b"<" + b"a" * (plain_xml.NAME + 1) + b"/>", "name"),
        (b"<a " + b"b" * (plain_xml.NAME + 1) + b"=''/>", "name"),
        (b"<a>" + b"x" * plain_xml.SIZE + b"</a>", "bytes"),
    ],
)
def test_everything_has_a_bound(data: bytes, what: str) -> None:
    with pytest.raises(TooLarge, match=what):
        parse(data)


def test_fifty_megabytes_are_refused_unread() -> None:
    data = b"<a>" + b"x" * 50_000_000 + b"</a>"
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            parse(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200) | st.text("<>/a=\"'&;!-[]? \n", max_size=200).map(str.encode))
def test_any_bytes_are_xml_or_an_error_of_ours(data: bytes) -> None:
    try:
        root = parse(data)
    except KizunaError:
        return
    assert root.path == f"/{root.name}"
