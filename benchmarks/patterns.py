"""Parsing patterns to a tree, beside stix2-patterns in one run, as ratios.

Both parsers read the same kinds of text, all different. The peer gets fewer of them.

    python -m benchmarks patterns
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from stix2patterns.v21.pattern import Pattern

from benchmarks.data import Corpus
from benchmarks.table import Row
from kizuna.stix.pattern import parse

RUNS = 5
PEER_RUNS = 2
PEER_TEXTS = 300
TEXTS = 20_000

SIMPLE = (
    "[ipv4-addr:value = '198.51.100.{0}']",
    "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6cc{0:08x}']",
    "[domain-name:value = 'host-{0}.example.com']",
    "[url:value = 'https://example.com/{0}']",
)
COMPLEX = (
    "[file:hashes.'SHA-256' = 'bf07a7fbb825fc0aae7bf4a1177b2b31fcf8a3feeaf7092761e18c85{0:08x}' OR "
    "file:hashes.MD5 = 'cead3f77f6cda6ec00f57d76{0:08x}'] AND [file:name LIKE '%{0}.exe' AND file:size > {0}]",
    "([ipv4-addr:value ISSUBSET '198.51.{0}.0/24'] FOLLOWEDBY [windows-registry-key:key = "
    r"'HKEY_LOCAL_MACHINE\\Software\\{0}' AND windows-registry-key:values[*].data MATCHES '^.+\\.dll$']) "
    "WITHIN 300 SECONDS",
    "[user-account:account_type = 'unix' AND user-account:user_id = '{0}' AND user-account:account_login = 'Peter'] "
    "AND [user-account:account_type = 'unix' AND user-account:user_id = '1008'] REPEATS 5 TIMES WITHIN 1800 SECONDS",
    "[(network-traffic:dst_port IN (443, 6443, {0}) OR network-traffic:src_packets != 0) AND "
    "network-traffic:dst_ref.value = '203.0.113.33' AND network-traffic:extensions.'http-request-ext'.request_value "
    "NOT LIKE '/health%'] START t'2016-06-01T01:30:00.123Z' STOP t'2016-06-01T02:20:00.123Z'",
)


def texts(templates: tuple[str, ...], count: int) -> list[str]:
    """So many patterns, all different."""
    made = (template.format(number) for number in range(count) for template in templates)
    return list(islice(made, count))


def rate(read: Callable[[str], object], patterns: list[str], runs: int) -> float:
    """Patterns a second, the best of some runs."""
    best = 0.0
    for _ in range(runs):
        began = time.perf_counter()
        for pattern in patterns:
            read(pattern)
        best = max(best, len(patterns) / (time.perf_counter() - began))
    return best


def of_corpus(corpus: Corpus) -> list[str]:
    """The different patterns of a corpus's indicators."""
    found = (one["pattern"] for one in corpus.objects() if one.get("pattern_type") == "stix")
    return list(dict.fromkeys(found))[:TEXTS]


def rows(corpora: Sequence[Corpus]) -> Iterator[Row]:
    """Simple and complex patterns, and those of every corpus that has some."""
    works: list[tuple[str, list[str], float | None]] = [
        ("simple", texts(SIMPLE, TEXTS), 100_000.0),
        ("complex", texts(COMPLEX, TEXTS), 20_000.0),
    ]
    works += [(corpus.name, found, None) for corpus in corpora if (found := of_corpus(corpus))]
    for name, patterns, target in works:
        some = patterns[:: max(1, len(patterns) // PEER_TEXTS)]
        ours, theirs = rate(parse, patterns, RUNS), rate(Pattern, some, PEER_RUNS)
        note = f"{len(patterns):,} texts, the peer {len(some):,} of them"
        yield Row("parse patterns, one core", name, ours, "patterns/s", target, "stix2-patterns", theirs, note)
