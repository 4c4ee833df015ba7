"""What the store asks of a database: connections that speak one SQL, one writer at a time, snapshots, migrations.

The SQL of `store/` is SQLite's, of a part that PostgreSQL has too; `postgres/translated.py` lists what differs in spelling.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kizuna.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from kizuna.settings import Settings
    from kizuna.store.archive import Archive, Manifest

Value = str | int | bytes | None
"""What a column keeps."""

Parameters = Sequence[Any] | Mapping[str, Any]


FILE = "node.sqlite"

Document = tuple[int, int, str]
"""A text for search: of which object, under which label."""


Load = tuple[str, list[Any], int]
"""Rows for a table: its name with its columns, `edge(object,target)`, values one behind the other, and how many of them are a row."""


class Matching(NamedTuple):
    """A question to the full text, in SQL: what to select from, the number of a document, the condition and its parameters.

    The document itself is `d`, with `d.object` and `d.label`.
    """

    tables: str
    number: str
    condition: str
    parameters: dict[str, Any]


class Sizes(NamedTuple):
    """Bytes of the database, and of its log of what is not yet in place there."""

    whole: int
    log: int


class CheckedText(Protocol):
    """What the full text holds, as values that are equal where the words and their places are."""

    def stored(self, numbers: Sequence[int], /) -> dict[int, Any]:
        """Of stored documents, by their number."""

    def fresh(self, texts: Sequence[str], /) -> list[Any]:
        """What these texts would be."""

    def close(self) -> None:
        """Let it go."""


class FullText(Protocol):
    """Search in texts that `words.index_text` has cut."""

    def kept(self, text: str, /) -> str:
        """What is indexed of such a text."""

    def add(self, connection: Any, documents: Sequence[Document], /) -> None:
        """Index documents, given as what is kept of them; each gets a number above all before."""

    def put(self, connection: Any, documents: Sequence[tuple[int, int, int, str]], /) -> None:
        """Index documents under numbers of their own, which come first."""

    def newest(self, connection: Any, /) -> int:
        """The highest number that was ever given."""

    def reserve(self, connection: Any, number: int, /) -> None:
        """Give no number up to this one any more."""

    def forget(self, connection: Any, objects: Sequence[int], texts: Sequence[str], /) -> None:
        """Take the documents of objects out. `texts` hold every word that any document of them ever held."""

    def matching(self, phrases: Sequence[str], /) -> Matching:
        """The documents that hold every one of these phrases (`words.phrases`)."""

    def numbers(self, connection: Any, phrases: Sequence[str], above: int, last: int, /) -> str | None:
        """The numbers of the documents that hold all phrases, above one and up to another, with commas between them."""

    def checked(self, connection: Any, /) -> CheckedText:
        """What is indexed, as a connection sees it, to be held against what should be."""


class Rows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    def fetchone(self) -> Any:
        """The next row, None behind the last."""

    def fetchall(self) -> list[Any]:
        """All that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One way into the database. A set of numbers is passed as JSON and read by `select value from json_each(?)`,
    one of texts by `select atom from json_each(?)`."""

    @property
    def full_text(self) -> FullText:
        """How texts are indexed here."""

    @property
    def worthwhile(self) -> int:
        """How many objects a writer should have together before it writes them: each turn of statements has its price."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, sql: str, parameters: Parameters = ..., /) -> Rows:
        """Run one statement. What it gives may be held in memory: for what is large there is `stream`."""

    def executemany(self, sql: str, parameters: Iterable[Parameters], /) -> object:
        """Run one statement for each set of parameters."""

    def stream(self, sql: str, parameters: Parameters = ..., /, *, at_once: int = ...) -> Iterator[Any]:
        """Rows of a question as they are asked for, few in memory at a time; other statements may run meanwhile.

        `at_once` is how many rows may be held: few where each may be large.
        """

    def with_bodies(self, sql: str, parameters: Parameters, *, n: int, raw: int) -> Iterator[Any]:
        """Rows of a question in which `{raw}` stands for the bytes of the body `b`, few bytes in memory at a time.

        `n` and `raw` are the places of the body's number and of its bytes in a row. What was destroyed while it was asked for has no bytes.
        """

    def load(self, *loads: Load) -> None:
        """Insert rows, none of which may be there yet."""

    def among(self, numbers: Sequence[int], /) -> tuple[str, Any]:
        """What to write behind a column that is to be one of a few numbers, and the parameter that goes with it."""

    def many(self, name: str, number: int, ordered: list[int]) -> str:
        """What to write behind `in` for more numbers than a statement should hold: they rise, and at most grow.

        `number` is another where what `name` stands for began anew.
        """


class Database(Protocol):
    """Where one node's rows are. Readers see a snapshot; writers come one after the other, from whatever process."""

    waited: Callable[[float], object] | None
    """Called with the seconds that a writer waited for its turn; None where nobody asks."""

    replaced: Callable[[], object] | None
    """Called when another server has taken the place of the one before: what was seen there need not be here."""

    @property
    def place(self) -> str:
        """Where it is, for people: a file, or an address without its password."""

    def read(self) -> Connection:
        """A reading connection: each statement has its own snapshot."""

    def snapshot(self) -> AbstractContextManager[Connection]:
        """A reading connection that sees one moment for several statements."""

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """The writing connection inside a transaction; an exception rolls all of it back. Raises NodeBusy.

        What is not `durable` is whole or not there after a power failure too, but its commit waits for no disk.
        """

    def version(self) -> object:
        """Changes whenever anybody, in any process, has committed."""

    def tables(self) -> dict[str, list[str]]:
        """Every table of the store with its columns; not what the database keeps for itself."""

    def numbers_follow(self, connection: Any, /) -> None:
        """After rows were put in with their numbers: let the next ones be above."""

    def tidy(self) -> None:
        """Between batches of a large import: bring back into place what writing has left beside."""

    def shrink(self) -> None:
        """Give back the memory that a large import took, in a process that serves on."""

    def empty_log(self) -> bool:
        """Bring what was written into place and leave nothing of it beside; False while somebody still reads from there."""

    def scrub(self) -> None:
        """Leave nothing of what was deleted in unused parts; readers go on, writers wait. Raises NodeBusy, DiskNearlyFull."""

    def sizes(self) -> Sizes:
        """How much room it takes."""

    def put_into(self, archive: Archive, manifest: Manifest, scratch: Path) -> Manifest:
        """Put everything into an archive as it is at one moment, while others write; gives the manifest with what it is.

        `scratch` is a file that may be made meanwhile, of the size of the store. Raises InvalidInput.
        """

    def close(self) -> None:
        """Close every connection of this process."""


def overdue(error: Exception) -> bool:
    """Whether the file's database stopped reading because nobody waits any more (`kizuna.deadline`), or it is closed."""
    return isinstance(error, sqlite3.OperationalError) and str(error) == "interrupted"


def open_database(folder: Path, settings: Settings, *, read_only: bool = False, until: int | None = None) -> Database:
    """The database of the node in `folder`, brought up to this release's schema. Raises InvalidInput, Unavailable.

    With `until` it is brought up to that schema only: for rows that an older release kept.
    """
    if is_postgres(settings.store):
        from kizuna.store.postgres import PostgresDatabase

        return PostgresDatabase(str(settings.store), read_only=read_only, until=until)
    from kizuna.store.sqlite import SqliteDatabase

    return SqliteDatabase(store_file(folder, settings.store), read_only=read_only, until=until)


def shown_address(url: str) -> str:
    """An address of a store as people may see it: without a password."""
    return re.sub(r"(://[^/@:]*):[^@]*@", r"\1:…@", re.sub(r"password=[^&]*", "password=…", url))


def is_postgres(url: str | None) -> bool:
    """Whether an address is one of PostgreSQL."""
    return url is not None and url.startswith(("postgresql://", "postgres://"))


def store_file(folder: Path, url: str | None) -> Path:
    """The file of a store on SQLite: `sqlite:///FILE`, relative to the node's folder, or the usual one. Raises InvalidInput."""
    if url is None:
        return folder / FILE
    name = url.removeprefix("sqlite:///")
    if name == url or not name:
        raise InvalidInput(f"not an address of a store: {url[:80]}; use sqlite:///FILE or postgresql://…")
    return folder / name
