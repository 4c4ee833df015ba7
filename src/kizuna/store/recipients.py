"""Which labels a recipient may see: the one decision function, asked once per distinct label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kizuna.labels import Consent, Group, Label, Principal, addressed, decide, memberships_of, next_change
from kizuna.store.database import Connection
from kizuna.store.intern import Interned
from kizuna.store.model import Partner

MANY = 1_000
"""Consents for one organisation, above which they are not read all at once."""
_groups = msgspec.json.Decoder(Group)
_partners = msgspec.json.Decoder(Partner)


class Recipient(msgspec.Struct, frozen=True):
    """A partner as the feed sees it: its row number, its principal without a person, and what it is addressed by.

    `stopped` is since when nothing is exchanged with it, in microseconds.
    """

    n: int
    partner: Partner
    principal: Principal
    stopped: int | None = None

    @property
    def restates(self) -> bool:
        """Whether what states less than its label leaves to this partner as a rendition that states it."""
        return self.partner.unstated == "rendition"

    def next_change(self, at: int) -> int | None:
        """When a dated membership of this partner changes next."""
        return next_change(self.principal.memberships, at)


def read_groups(connection: Connection) -> tuple[Group, ...]:
    """Every group with its dated members."""
    return tuple(_groups.decode(data) for (data,) in connection.execute("select data from party order by name"))


def read_recipients(connection: Connection, groups: Sequence[Group]) -> list[Recipient]:
    """Every partner, in the order they were added."""
    rows = connection.execute("select n, data, stopped from partner order by n").fetchall()
    return [_recipient(n, _partners.decode(data), groups, stopped) for n, data, stopped in rows]


def _recipient(n: int, partner: Partner, groups: Sequence[Group], stopped: int | None) -> Recipient:
    principal = Principal(
        organisation=partner.organisation,
        person=None,
        country=partner.country,
        clearances=(),
        memberships=memberships_of(partner.organisation, partner.country, groups),
        clients=partner.clients,
    )
    return Recipient(n, partner, principal, stopped)


class Masks:
    """What one recipient may have from this node: (label, area) → yes or no, decided when first asked.

    Of single ids, or of single versions, an originator may have consented to more. What is `unstated` it has not, in its own bytes,
    where it gets that restated.
    """

    def __init__(self, connection: Connection, interned: Interned, holder: Principal, recipient: Recipient, at: int):
        self._connection = connection
        self._interned = interned
        self._holder = holder
        self._recipient = recipient
        self._restates = recipient.restates
        self._at = at
        self._known: dict[tuple[int, int | None], bool] = {}
        self._of_ids: dict[int, tuple[_Word, ...]] = {}
        # Of few all are read at once; of many each when it is asked for, so that an act costs what it is about.
        self._all_read = not _many_consents(connection, recipient)
        if self._all_read:
            self._of_ids = read_consents(connection, recipient, at)

    def __call__(
        self, label: int, area: int | None, ident: int | None = None, row: int | None = None, unstated: int | None = 0
    ) -> bool:
        """Whether it may have what is labelled so. Consents to the id count, and with its row those to that version only."""
        if unstated != 0 and self._restates:
            return False
        key = (label, area)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._may(label, area, Consented())
        if known or ident is None or not (consented := self.consents(ident, row)).consents:
            return known
        return self._may(label, area, consented)

    def consents(self, ident: int, row: int | None) -> Consented:
        """What an originator consented to of a row of an id: of all versions, or of this very one."""
        if not self._all_read and ident not in self._of_ids:
            found = read_consents(self._connection, self._recipient, self._at, ident)
            self._of_ids[ident] = found.get(ident, ())
        words = self._of_ids.get(ident, ())
        if any(word.digest is not None for word in words):
            digest = self._digest(row)
            words = tuple(word for word in words if word.digest in (None, digest))
        if not words:
            return NONE
        return Consented(tuple(word.consent for word in words), tuple(word.consent for word in words if word.asked))

    def _digest(self, row: int | None) -> str | None:
        found = self._connection.execute("select digest from object where n=?", (row,)).fetchone()
        return bytes(found[0]).hex() if found else None

    def consented(self) -> set[int]:
        """Every id that somebody consented to anything of."""
        if not self._all_read:
            self._of_ids, self._all_read = read_consents(self._connection, self._recipient, self._at), True
        return set(self._of_ids)

    def _may(self, label: int, area: int | None, consented: Consented) -> bool:
        of = self._interned.label_of(self._connection, label)
        name = None if area is None else self._interned.name_of(self._connection, "area", area)
        return may_have(of, name, self._recipient, self._holder, self._at, consented)


class _Word(NamedTuple):
    """A consent about one id, whether this node asked for it, and the digest of the only content it is to; None for all."""

    consent: Consent
    asked: bool
    digest: str | None


class Consented(NamedTuple):
    """Consents about one row, and those of them that this node asked for: whom these name is addressed by that."""

    consents: tuple[Consent, ...] = ()
    asked: tuple[Consent, ...] = ()


NONE = Consented()


def may_have(
    label: Label, area: str | None, recipient: Recipient, holder: Principal, at: int, consented: Consented = NONE
) -> bool:
    """The rule that fills feeds: the partner is addressed, and `decide` allows, perhaps by its originator's consent."""
    if not decide(label, recipient.principal, holder=holder, at=at, consents=consented.consents).allowed:
        return False
    if addressed(label, recipient.principal, at, receives=recipient.partner.receives, area=area):
        return True
    principal, asked = recipient.principal, consented.asked
    if not asked or decide(label, principal, holder=holder, at=at).allowed:
        return False
    return decide(label, principal, holder=holder, at=at, consents=asked).allowed


def _many_consents(connection: Connection, recipient: Recipient) -> bool:
    sql = "select count(*) from (select 1 from consent where third_party=? and ended is null limit ?) x"
    (count,) = connection.execute(sql, (recipient.partner.organisation, MANY + 1)).fetchone()
    return bool(count > MANY)


def read_consents(
    connection: Connection, recipient: Recipient, at: int, ident: int | None = None
) -> dict[int, tuple[_Word, ...]]:
    """What may be passed on to a recipient by consent at a moment, by ident; of all of them or of one."""
    of = "consent c join ident i on i.space=0 and i.id=c.subject"
    if ident is not None:
        of = "ident i cross join consent c on c.subject=i.id"
    rows = connection.execute(
        f"select c.originator, c.subject, c.label, c.third_party, c.expires, c.asked, c.digest, i.n from {of} "
        "where c.third_party=? and c.ended is null and (c.expires is null or c.expires>?) "
        f"{'' if ident is None else 'and i.n=? and i.space=0 '}order by c.n",
        (recipient.partner.organisation, at, *(() if ident is None else (ident,))),
    ).fetchall()
    found: dict[int, list[_Word]] = {}
    for originator, subject, label, third_party, expires, asked, digest, of_ident in rows:
        # Of what is consented to as under a label, what bears that label and no other, in the version that was told.
        if label is None or digest is not None:
            one = Consent(originator, label or subject, third_party, expires)
            found.setdefault(of_ident, []).append(_Word(one, bool(asked), digest))
    return {of_ident: tuple(words) for of_ident, words in found.items()}
