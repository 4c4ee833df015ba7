"""What comes from outside at its worst: texts, addresses, headers and bodies that decoders stumble over."""

from __future__ import annotations

import gzip
import json
import re

from hypothesis import strategies as st

from kizuna.web.exits import EXITS, SILENT
from tests.behaviour.worlds import TAXII
from tests.builders import campaign, named
from tests.commands import bundle

ROUTES = sorted({(exit.method, exit.path) for exit in EXITS} | SILENT)
PATHS = sorted({path for _, path in ROUTES})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X")
ID = named("campaign", "a")

# Texts that decoders stumble over: control characters, lone surrogates, other scripts, numbers beyond every type, paths, patterns.
odd = st.sampled_from([
    "", " ", "\0", "x\0y", "%", "%zz", "%00", "%ff", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "٣", "²", "1e309", "-1", "0", "00", "+1",
    "1_0", "9" * 19, "9" * 5000, "0x10", "NaN", "Infinity", "null", "true", "[]", "{}", "..", "../../etc/passwd", "/", "//", "\\",
    "'", '"', "';--", "\" OR \"\"=\"", "*", "a*", "NEAR(", "AND", "NOT", "(" * 500, '"' * 501, "a" * 3000, "あ" * 1001,
    "\u0301" * 300, "\U0001f600",
    "İ", "ß", "campaign--x", ID, ID.upper(), f"{ID}/", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999999999999Z", "2026-01-01T00:00:00+99:99", "-0001-01-01T00:00:00Z", "TLP:RED persons=",
    "TLP:AMBER to=" + "A," * 900, "PUBLIC & PUBLIC", "last,first,all", ",,,", "a,b" * 600, "AAAA", "=" * 90, "_-_-",
])  # fmt: skip
texts = odd | st.text(max_size=20)
names = st.sampled_from([
    "q", "type", "area", "limit", "cursor", "version", "as", "label", "next", "added_after", "match[id]", "match[type]", "match[version]",
    "match[spec_version]", "match[", "match[x]", "language", "name", "password", "csrf",
])  # fmt: skip


def _quoted(text: str) -> bytes:
    """Percent-encoded where the query would be another one; else as it is, whatever that is."""
    return b"".join(
        b"%%%02X" % c if c in b"&=#+ %" or c < 33 else bytes([c]) for c in text.encode("utf-8", "surrogatepass")
    )


pairs = st.tuples(names | st.text(max_size=5), texts).map(lambda pair: b"=".join(map(_quoted, pair)))
queries = st.just(b"") | st.lists(pairs, max_size=4).map(b"&".join) | st.binary(max_size=30)
places = (
    st.sampled_from([ID, "everything", "feed", "inbox", "not-found", "kizuna.css"]).map(str.encode)
    | texts.map(_quoted)
    | st.binary(max_size=12)
)
targets = st.one_of(
    st.tuples(st.sampled_from(PATHS), st.lists(places, min_size=2, max_size=2)).map(lambda t: filled(*t)),
    st.sampled_from(PATHS).map(str.encode).flatmap(lambda path: st.tuples(st.just(path), st.integers(0, len(path)), places)).map(
        lambda t: b"/" + (t[0][: t[1]] + t[2] + t[0][t[1] :]).lstrip(b"/")
    ),
)  # fmt: skip


def filled(path: str, values: list[bytes]) -> bytes:
    parts = re.split(r"\{\w+\}", path)
    return b"".join(part.encode() + value for part, value in zip(parts, [*values[: len(parts) - 1], b""], strict=True))


media = st.sampled_from([
    "*/*", "text/html", "application/json", TAXII, "application/taxii+json", "application/taxii+json;version=2.0", "application/stix+json",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=none", "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x", "text/html;q=0", ";;;", ",,,", "a/b/c", "application/json; charset=utf-7", "text/" + "x" * 5000,
    "application/taxii+json;version=2.1;q=x", "text/html,*/*;q=0.1," * 100,
])  # fmt: skip
languages = st.sampled_from(
    ["ja", "en", "ja;q=x", "ja;q=9e999", "*", "ja-JP-u-ca-japanese,en;q=0.5", ";q=", "ja;q=-1", "x" * 4000, ",,"]
)
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30)
header = st.one_of(
    st.tuples(st.sampled_from(["accept", "content-type"]), media),
    st.tuples(st.just("accept-language"), languages),
    st.tuples(st.just("content-encoding"), st.sampled_from(["gzip", "identity", "br", "gzip, gzip", "", "GZIP", "x"])),
    st.tuples(st.just("content-length"), st.sampled_from(["0", "-1", "x", "9" * 30, "²", "1, 1", " 5", "67108865"])),
    st.tuples(st.just("authorization"), st.sampled_from(["", "Bearer", "Bearer ", "bearer x", "Basic", "Basic !",
        "Basic dG9rZW46", "Basic dG9rZW46eA==",
              "Basic " + "A" * 2000, "Bearer " + "x" * 60_000, "Basic /////w==", "Digest x", "Bearer \xff"])),
    st.tuples(st.just("cookie"), st.sampled_from(["kizuna_0d2b5c1e7a01=x", "kizuna_0d2b5c1e7a01=", "=;=",
        "kizuna_language=xx", "kizuna_language=ja",
              'a="', "a=\xff", ";" * 1000, "$Version=1; a=b", 'kizuna_language="\\777"', "kizuna_0d2b5c1e7a01=" + "y" * 9000])),
    st.tuples(st.sampled_from(["if-none-match", "if-match"]), st.sampled_from(["*", '"x"', "W/", ",,", '"' * 99, '"x",' * 2000])),
    st.tuples(st.sampled_from(["range", "expect", "origin", "referer", "sec-fetch-site", "host", "x-csrf-token",
        "idempotency-key", "user-agent",
              "transfer-encoding", "upgrade", "x-forwarded-for", "accept-encoding", "x-http-method-override", "forwarded"]),
              st.sampled_from(["bytes=0-1", "bytes=-", "null", "http://[", "cross-site", "same-origin", "none",
              "gzip", "gzip;q=0", "a" * 300, "websocket",
              "\xe9", "DELETE", "evil.example:80:80", "[::1", "http://node.example"])),
    st.tuples(st.sampled_from(["accept", "content-type", "accept-language", "cookie", "if-match", "origin", "host"]), latin),
)  # fmt: skip
headers = st.lists(header, max_size=5).map(
    lambda found: [(name.encode(), value.encode("latin-1")) for name, value in found]
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["objects", "type", "id", "label", "spec_version", "object_marking_refs", "granular_markings", "extensions",
        "more", "modified", "created", "name"]
    ) | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))  # fmt: skip
bodies = st.one_of(
    st.sampled_from([
        b"", b"{", b"[" * 50_000, b'{"objects":' * 20_000, b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{}" * 1000,
        b'{"label":"PUBLIC"}', b'{"label":5}',
        b'{"label":"\\ud800"}', b'{"label":""}', b'{"label":"PUBLIC","label":"TLP:RED"}', b"1" * 20_000, b"-" * 99,
        b'"', b"null", b'{"objects":null}',
        b'{"objects":{}}', b'{"objects":[[]]}', b'{"objects":[' + b"1," * 9_000 + b"1]}", bundle(campaign("a")), bundle(campaign("a"))[:-9],
        gzip.compress(b'{"objects":[]}'), gzip.compress(b'{"objects":[]}')[:-4], gzip.compress(b" " * 5_000_000),
        b"language=ja&next=//evil.example",
        b"language=ja&next=http://[", b"language=%ff", b"name=%00&password=%00", b"&" * 5_000, b"=" * 5_000,
        b"csrf=\xff", b"--x\r\n\r\n--x--",
        b'{"objects":[{"type":"campaign","id":"' + ID.encode() + b'"}]}',
    ]),
    documents,
    documents.map(gzip.compress),
    st.binary(max_size=100),
)  # fmt: skip
blocks = bodies.flatmap(
    lambda body: st.integers(1, 4).map(
        lambda n: [body[i::1][: len(body) // n + 1] for i in range(0, len(body), len(body) // n + 1)]
    )
)
