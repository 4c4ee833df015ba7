"""Ids of renditions: the same for equal views of an object and another for unequal ones.

What somebody sees of an object rests on what they see of what it refers to, in circles too. So what is withheld is hashed over the
strongly connected parts of the graph of references, targets first: a part's hash is of the ids and cuts in it and of the views it
refers to.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Cut(NamedTuple):
    """What is withheld of an object, in any form that is the same for the same, and which other renditions it refers to."""

    withheld: bytes
    targets: Sequence[str]


def views(cuts: Mapping[str, Cut]) -> dict[str, bytes]:
    """A digest for each object of the graph: of what is withheld of it and of all it leads to."""
    found: dict[str, bytes] = {}
    for part in _parts(cuts):
        inside = set(part)
        whole = hashlib.sha256()
        for id in sorted(part):
            cut = cuts[id]
            targets = sorted({target for target in cut.targets if target in cuts})
            said = [id.encode(), cut.withheld, *(t.encode() if t in inside else found[t] for t in targets)]
            whole.update(b"".join(len(one).to_bytes(8) + one for one in (len(said).to_bytes(8), *said)))
        digest = whole.digest()
        for id in part:
            found[id] = hashlib.sha256(digest + id.encode()).digest()
    return found


def rendition_id(key: bytes, id: str, view: bytes) -> str:
    """The id of what somebody with this view gets of an object: nobody without the node's key can tell what of, nor make another."""
    made = hmac.digest(key, id.encode() + b"\0" + view, "sha256")[:16]
    return f"{id.partition('--')[0]}--{uuid.UUID(bytes=made, version=4)}"


def _parts(cuts: Mapping[str, Cut]) -> Iterator[list[str]]:
    """The strongly connected parts, targets first (Tarjan 1972), without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in cuts:
        if root in number:
            continue
        work = [(root, iter(cuts[root].targets))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            id, targets = work[-1]
            for target in targets:
                if target not in cuts:
                    continue
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(cuts[target].targets)))
                    break
                if target in on_stack:
                    low[id] = min(low[id], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[id])
                if low[id] == number[id]:
                    part = [stack.pop()]
                    while part[-1] != id:
                        part.append(stack.pop())
                    on_stack.difference_update(part)
                    yield part
