"""What an act would change for partners, as pages show it before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kizuna.labels import Form, Reason
from kizuna.store import Store
from kizuna.store.trying import Would
from kizuna.web.api.model import FORMS
from kizuna.web.i18n import Language
from kizuna.wording import worded


def effect(would: Would, id: str, language: Language) -> dict[str, Any]:
    """How an object leaves for a partner before and after, and why not whole then; `asked` people have to approve it."""
    before, after = would.before.get(id), would.after.get(id)
    item = after.item if after is not None else None
    return {
        "partner": would.partner,
        "before": FORMS[before.said.form] if before else "withheld",
        "after": FORMS[after.said.form] if after else "withheld",
        "why": words(after.said.reasons, language) if after and after.said.form is not Form.WHOLE else [],
        "state": item.state if item and item.state not in ("withheld", "ended") else None,
        "asked": item.asked if item and item.state in ("proposed", "unproposed") else 0,
        "ended": bool(before and before.said.in_feed and not (after and after.said.in_feed)),
    }


def words(reasons: Sequence[Reason], language: Language) -> list[str]:
    """Reasons in the reader's language."""
    return [worded(reason.code, reason.parameters, language.code) for reason in reasons]


def told(would: Sequence[Would], ids: Sequence[str]) -> list[tuple[str, ...]]:
    """What of it a person is shown, to be compared with what is shown the next time."""
    return [
        (one.partner, id, side.said.form.name, str(side.said.in_feed), side.item.state if side.item else "")
        for one in sorted(would)
        for id in ids
        for side in (one.before.get(id), one.after.get(id))
        if side is not None
    ]


def left_out(store: Store, would: Sequence[Would]) -> list[str]:
    """Partners for whom it took too long to work out."""
    known = {one.partner for one in would}
    return [partner.name for partner in store.partners() if partner.name not in known]


__all__ = ["effect", "left_out", "told", "words"]
