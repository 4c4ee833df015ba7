"""Parsing patterns to a tree, beside stix2-patterns in one run, as ratios.

Each parser reads the same texts, different ones each time, so that nothing is answered from a memory of texts.

    python -m benchmarks.patterns
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice

from stix2patterns.v21.pattern import Pattern

from kizuna.stix.pattern import parse

RUNS = 5
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


def main() -> None:
    """Print the table."""
    print("| parse patterns | Kizuna | stix2-patterns | ratio | wanted |")
    print("|---|---|---|---|---|")
    for name, templates, wanted in (("simple", SIMPLE, 100_000), ("complex", COMPLEX, 20_000)):
        ours = rate(parse, texts(templates, TEXTS), RUNS)
        theirs = rate(Pattern, texts(templates, PEER_TEXTS), 2)
        print(f"| {name} | {ours:,.0f}/s | {theirs:,.0f}/s | {ours / theirs:.0f} | {wanted:,}/s |")


if __name__ == "__main__":
    main()
