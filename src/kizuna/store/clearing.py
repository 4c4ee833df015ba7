"""What was found in what would leave for a partner, and letting it: people look at each withheld text once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from kizuna.errors import NotFound, Refused
from kizuna.store.finds import digest_of
from kizuna.store.outbox import recipient_of
from kizuna.store.two_people import releaser

if TYPE_CHECKING:
    from kizuna.store.store import Store

SHORT = 12
"""Letters of a digest by which people name a text."""

MOST_TEXTS = 1_000


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is held, and where in it the text stands first."""

    id: str
    path: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is withheld from a partner with the object `of`, and what is held because it stands in it. `digest` is its SHA-256."""

    digest: str
    text: str
    of: str
    held: tuple[Held, ...]


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """The texts that may leave from now on, which objects are held no more, and which still are, for other texts."""

    texts: tuple[Found, ...]
    let_go: tuple[str, ...]
    still: tuple[str, ...]


class Clearing:
    """The people's side of the scans of one node."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def found(self, partner: str) -> list[Found]:
        """The texts for which something is held, in alphabetical order. Raises NotFound."""
        with self._store.database.snapshot() as reader:
            recipient = recipient_of(self._store, reader, partner)
            sql = (
                "select d.digest, d.text, w.id, i.id, d.path from find d join object w on w.n=d.withheld "
                "join ident i on i.n=d.ident where d.recipient=? order by d.text, i.id, w.n"
            )
            texts: dict[bytes, tuple[str, str, dict[str, str]]] = {}
            for digest, text, of, id, path in reader.execute(sql, (recipient.n,)):
                texts.setdefault(bytes(digest), (text, of, {}))[2].setdefault(id, path)
        return [
            Found(
                digest=digest.hex(), text=text, of=of, held=tuple(Held(id=id, path=path) for id, path in held.items())
            )
            for digest, (text, of, held) in texts.items()
        ]

    def clear(self, partner: str, digests: Sequence[str], *, by: str) -> Cleared:
        """Let texts stand in what leaves to a partner, from now on; what held them is looked through anew.

        `digests` are the first letters of what `found` tells. `by` is a person who has just shown who they are.
        Raises NotFound, Refused.
        """
        by = releaser(self._store, by)
        if len(digests) > MOST_TEXTS:
            raise Refused(f"at most {MOST_TEXTS:,} texts at once")
        found = {one.digest: one for one in self.found(partner)}
        texts = {one.digest: one for digest in digests for one in (self._meant(found, digest),)}
        held = sorted({each.id for one in texts.values() for each in one.held})
        with self._store.act() as act:
            recipient = recipient_of(self._store, act.connection, partner)
            for one in texts.values():
                act.connection.execute(
                    "insert into cleared values (?,?,?,?) on conflict do nothing",
                    (recipient.n, digest_of(one.text), act.now, by),
                )
                detail = {"partner": recipient.partner.name, "text": one.digest}
                self._store.record(act.connection, by, "release.clear", one.of, detail)
            act.cleared(recipient, held)
        still = {each.id for one in self.found(partner) for each in one.held}
        return Cleared(
            texts=tuple(texts.values()),
            let_go=tuple(id for id in held if id not in still),
            still=tuple(id for id in held if id in still),
        )

    def _meant(self, found: dict[str, Found], digest: str) -> Found:
        meant = [one for known, one in found.items() if len(digest) >= SHORT and known.startswith(digest.lower())]
        if len(meant) != 1:
            raise NotFound("no text of this digest is held; `kizuna release found` tells them")
        return meant[0]
