"""The persons whom TLP:RED names: each bound to an organisation, for the same name elsewhere is somebody else."""

from __future__ import annotations

import msgspec

from kizuna.labels.model import Label, Part, Principal


def names_person(part: Part, recipient: Principal, originator: str) -> bool:
    """Whether a part names this very person: by `person@organisation`, or by a bare name one of the originator's own."""
    person, organisation = recipient.person, recipient.organisation
    if person is None:
        return False
    # Whoever had an @ in the name could read as somebody of another organisation.
    if "@" not in person and f"{person}@{organisation}" in part.persons:
        return True
    return organisation == originator and person in part.persons


def bound(part: Part, organisation: str) -> Part:
    """The part with every bare name made one of an organisation's persons."""
    if all("@" in person for person in part.persons):
        return part
    persons = tuple(p if "@" in p else f"{p}@{organisation}" for p in part.persons)
    return msgspec.structs.replace(part, persons=persons)


def worded_by(label: Label, organisation: str) -> Label:
    """A label as somebody of an organisation words it, for what another one made: bare names are the writer's own people."""
    if label.originator == organisation:
        return label
    return Label(label.originator, tuple(bound(part, organisation) for part in label.parts))
