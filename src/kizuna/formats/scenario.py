"""The demo scenario: fictional nodes, what each starts with, and what each partner is set to receive."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kizuna.errors import InvalidInput
from kizuna.formats.pack import Pack
from kizuna.store.standing import Named


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person of a node and what they may do."""

    name: str
    roles: tuple[str, ...]


class PartnerSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which node is a partner and what it is addressed by, besides labels that name it."""

    node: str
    receives: tuple[str, ...] = ()


class Approved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person of the node approved for a partner."""

    by: str
    partner: str
    ids: tuple[str, ...]


class Receiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver of Remote ID (`place` is LAT,LON,M), who may see what it hears, and what it heard: files of a pack of captures."""

    name: str
    place: str
    reach: int
    label: str
    pack: str
    captures: tuple[str, ...]


class Node(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node: who it is, its packs, its bundle and the programme areas of that (`area` is the default).

    Its `rules`, where it has some, are granted by its releasers and take the place of the one every node begins with.
    """

    node: str
    organisation: str
    country: str
    identity: str
    community: str | None = None
    language: str
    bundle: str
    area: str
    areas: dict[str, tuple[str, ...]] = {}
    packs: tuple[str, ...]
    users: tuple[User, ...]
    partners: tuple[PartnerSetting, ...]
    rules: tuple[Named, ...] = ()
    approved: tuple[Approved, ...] = ()
    receiver: Receiver | None = None


class Loosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object that travels to `partner` when its label is set so, and what waits for it and then travels too."""

    node: str
    id: str
    label: str
    partner: str
    released: tuple[str, ...]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object of a node and a partner about which something is shown."""

    node: str
    id: str
    partner: str


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What leaves in part, what waits for a second person, what is taken back."""

    part: Step
    second: Step
    withdraw: Step


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole picture."""

    nodes: tuple[Node, ...]
    loosen: Loosen
    story: Story


class _Bundle(msgspec.Struct):
    objects: list[msgspec.Raw]


class _Id(msgspec.Struct):
    id: str


def read_scenario(pack: Pack) -> Scenario:
    """The nodes of a scenario pack. Raises InvalidInput."""
    return pack.yaml("scenario.yaml", Scenario)


def objects_by_area(pack: Pack, node: Node) -> Iterator[tuple[str, bytes]]:
    """A node's objects as one JSON list per programme area, each object byte for byte. Raises InvalidInput."""
    try:
        objects = msgspec.json.decode(pack.bundle(node.bundle), type=_Bundle).objects
        ids = [msgspec.json.decode(raw, type=_Id).id for raw in objects]
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"not a bundle: {error}", file=f"packs/{pack.name}/{node.bundle}") from None
    areas = {id: area for area, members in node.areas.items() for id in members}
    found: dict[str, list[bytes]] = {}
    for id, raw in zip(ids, objects, strict=True):
        found.setdefault(areas.get(id, node.area), []).append(bytes(raw))
    for area, members in found.items():
        yield area, b"[" + b",".join(members) + b"]"
