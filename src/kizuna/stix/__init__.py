"""The language: STIX 2.1 objects, ids, bundles, patterns and extensions. Pure: no I/O but reading the source handed in.

Start here: `validate` and `check` find what is wrong, `iter_objects` reads, `BUILTIN` is what every node knows.
"""

from __future__ import annotations
