"""Import into SQLite and PostgreSQL: durable, validated, with edges, values, labels and the search index; as a whole process.

No peer imports STIX into an indexed store from a file; OpenTAXII's rate of storing what is posted to it stands beside it.

    python -m benchmarks import
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence

from benchmarks.data import Corpus, kizuna
from benchmarks.peer_figures import OPENTAXII, figures
from benchmarks.table import Row
from tests.postgres import Cluster

RUNS = 5


def measure(corpus: Corpus, cluster: Cluster | None = None) -> float:
    """Objects newly stored a second by the wall clock of the whole process, best of some runs; on PostgreSQL where there is one."""
    best = 0.0
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            base = [kizuna(), "init", "--data", folder, "--name", "B", "--org", "Bench", "--country", "JPN"]
            if cluster is not None:
                base += ["--store", cluster.make_database()]
            subprocess.run(base, check=True, stdout=subprocess.DEVNULL)
            command = [kizuna(), "import", str(corpus.file), "--data", folder, "--json"]
            began = time.perf_counter()
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            seconds = time.perf_counter() - began
            best = max(best, json.loads(done.stdout.splitlines()[-1])["imported"] / seconds)
    return best


def rows(corpora: Sequence[Corpus]) -> Iterator[Row]:
    """A line for each corpus."""
    for corpus in corpora:
        peer = figures(OPENTAXII, corpus)
        note = f"{peer.note_of_post}, by POST, without an index"
        ours = measure(corpus)
        yield Row(
            "import into SQLite, whole process", corpus.name, ours, "obj/s", 18_000, OPENTAXII.name, peer.posted, note
        )
        cluster = Cluster(durable=True)
        try:
            cluster.start()
            yield Row("import into PostgreSQL, whole process", corpus.name, measure(corpus, cluster), "obj/s", 12_000)
        finally:
            cluster.remove()
