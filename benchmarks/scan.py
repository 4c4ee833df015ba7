"""The scan of what leaves for what is withheld: 10,000 objects of a corpus, taken evenly, for 50,000 texts of the others.

The texts are what `withheld_texts` reads out of the others as if they were withheld whole, evenly taken. Where those are too few, there
are texts of the other corpora beside them, or pieces of two to five words of them, so that every object holds some: more hits than
anybody could look through. No peer stands beside it: `grep -Fwi` for the texts of ATT&CK takes minutes before it reads any object.

    python -m benchmarks scan
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from benchmarks.data import Corpus
from benchmarks.table import Row
from kizuna.store.scan import Scan, withheld_texts

RUNS = 5
LEAVING = 10_000
WITHHELD = 50_000


class Batch(NamedTuple):
    """What leaves of a corpus, the texts of what does not, and how many objects a second these are read out of."""

    leaving: dict[int, dict[str, Any]]
    withheld: list[str]
    rate: float

    @property
    def size(self) -> float:
        """Megabytes (10⁶ bytes) that leave."""
        return sum(len(json.dumps(one, ensure_ascii=False).encode()) for one in self.leaving.values()) / 1e6


def batch(corpus: Corpus) -> Batch:
    """Every so manyth object leaves, the rest is withheld."""
    objects = corpus.objects()
    taken = min(LEAVING, len(objects) // 2)
    leaving = {n: objects[n] for n in (i * len(objects) // taken for i in range(taken))}
    rest = [one for n, one in enumerate(objects) if n not in leaving]
    began = time.perf_counter()
    texts = dict.fromkeys(text for one in rest for text in withheld_texts(one, None))
    return Batch(leaving, list(texts), len(rest) / (time.perf_counter() - began))


def evenly(texts: Sequence[str], wanted: int) -> list[str]:
    """So many of these texts, or all."""
    some = min(len(texts), max(wanted, 0))
    return [texts[i * len(texts) // some] for i in range(some)]


def pieces(texts: Sequence[str]) -> Iterator[str]:
    """Some words of some text, and again."""
    chance = random.Random(1)
    spaced = [words for text in texts if len(words := text.split()) > 5]
    while spaced:
        words, count = chance.choice(spaced), chance.randrange(2, 6)
        start = chance.randrange(len(words) - count)
        yield " ".join(words[start : start + count])


def scan(leaving: dict[int, dict[str, Any]], withheld: Sequence[str]) -> tuple[float, int]:
    """Seconds to file the texts and to look for them, the best of some runs, and how many objects hold some."""
    best, held = float("inf"), 0
    for _ in range(RUNS):
        began = time.perf_counter()
        held = len(Scan(withheld).hits(leaving))
        best = min(best, time.perf_counter() - began)
    return best, held


def rows(corpora: Sequence[Corpus]) -> Iterator[Row]:
    """Reading what is withheld and looking for it, for each corpus."""
    batches = [batch(corpus) for corpus in corpora]
    for corpus, one in zip(corpora, batches, strict=True):
        note = f"{len(one.withheld):,} texts"
        yield Row("read the texts of what is withheld", corpus.name, one.rate, "obj/s", note=note)
        own = evenly(one.withheld, WITHHELD)
        missing = WITHHELD - len(own)
        others = [text for other in batches if other is not one for text in other.withheld]
        beside = {
            "texts of other corpora": evenly(others, missing),
            "pieces of them": list(islice(pieces(own), missing)),
        }
        for name, more in beside.items() if missing else (("nothing", list[str]()),):
            seconds, held = scan(one.leaving, own + more)
            work = f"scan {len(one.leaving):,} objects ({one.size:.1f} MB) for {len(own + more):,} withheld texts"
            note = f"{len(own):,} and {name}; found in {held:,} objects"
            yield Row(work, corpus.name, seconds, "s", 2, note=note)
