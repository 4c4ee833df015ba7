"""Starter packs: folders of data with their licence, shipped beside the code and read by name.

A pack is a folder with a `pack.yaml` that says what it is and whose, and the files it lists. Nothing here writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from kizuna.errors import InvalidInput, NotFound
from kizuna.formats import plain_yaml
from kizuna.formats.json_patch import apply_patch, decode_patch

PACKED = 5 << 20  # bytes of one file as shipped
UNPACKED = 64 << 20  # bytes of one file unpacked

Kind = Literal["stix", "groups", "regions", "programme", "scenario", "captures"]
Status = Literal["stated", "to-be-confirmed", "unknown"]
T = TypeVar("T")


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name in the two languages of the product."""

    en: str
    ja: str


class KnownProblem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Objects that a publisher released with one broken rule, and what is wrong with them in words."""

    rule: str
    note: str
    ids: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `pack.yaml` says. `label` is the text form of the label of objects that state none."""

    name: str
    kind: Kind
    title: Text
    version: str
    licence: str
    notice: str
    source: str
    originator: str
    label: str = "PUBLIC"
    area: str | None = None
    domain: str | None = None
    files: tuple[str, ...]
    patch: dict[str, str] = {}
    known_problems: tuple[KnownProblem, ...] = ()


class GroupMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A member with its dates (ISO 8601, UTC): in from the beginning of `from`, out from the beginning of `until`."""

    country: str | None = None
    organisation: str | None = None
    from_: str | None = None
    until: str | None = None


class GroupEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of countries or organisations."""

    group: str
    name: Text
    members: tuple[GroupMember, ...]
    source: str = ""


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A region and its countries (ISO 3166-1 alpha-3)."""

    region: str
    name: Text
    countries: tuple[str, ...]


class Subregion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A UN M49 subregion; `stix` is its value in the STIX region vocabulary."""

    m49: str
    name: Text
    stix: str
    countries: tuple[str, ...]


class Regions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Regions as the operator draws them, M49 for every country that is in none, and ISO 3166-1 alpha-2 to alpha-3."""

    regions: tuple[Region, ...]
    fallback: tuple[Subregion, ...]
    codes: dict[str, str]

    def alpha_3(self, country: str) -> str | None:
        """The alpha-3 code of a country given by alpha-2 or alpha-3, whatever its case; None for no known country."""
        code = country.upper()
        found = self.codes.get(code, code)
        return found if any(found in sub.countries for sub in self.fallback) else None

    def of(self, country: str) -> str | None:
        """The region of a country (alpha-2 or alpha-3), else its M49 code; None for no known country."""
        code = self.alpha_3(country)
        for region in self.regions:
            if code in region.countries:
                return region.region
        return next((sub.m49 for sub in self.fallback if code in sub.countries), None)


class Area(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A programme area; `name` is None where no source names it."""

    area: str
    status: Status
    name: Text | None = None
    priority: str | None = None
    source: str | None = None
    note: Text | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strategic objective, a priority issue or the review, with its source."""

    id: str
    name: Text
    source: str


class Programme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cooperation plan as public sources state it."""

    title: Text
    period: tuple[int, int]
    parties: tuple[str, ...]
    source: str
    objectives: tuple[Item, ...]
    review: Item
    priorities: tuple[Item, ...]
    areas: tuple[Area, ...]


class Pack(msgspec.Struct, frozen=True):
    """A pack that can be read: its manifest and its folder."""

    manifest: Manifest
    folder: Traversable

    @property
    def name(self) -> str:
        """The pack's name, also its folder's."""
        return self.manifest.name

    @property
    def kind(self) -> Kind:
        """What the pack holds."""
        return self.manifest.kind

    @property
    def known_problems(self) -> dict[str, str]:
        """Ids of objects that are kept although they break a rule, with the rule."""
        return {id: problem.rule for problem in self.manifest.known_problems for id in problem.ids}

    def objects(self) -> Iterator[bytes]:
        """One STIX bundle per listed file, with our corrections. Raises InvalidInput for what cannot be read."""
        for name in self.manifest.files:
            if _is_json(name):
                yield self.bundle(name)

    def bundle(self, name: str) -> bytes:
        """The JSON text of one listed file, unpacked and with our corrections, if there are any."""
        data = self.read(name)
        patch = self.manifest.patch.get(name)
        if patch is None:
            return data
        where = self._place(patch)
        try:
            document = msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise InvalidInput(f"not JSON: {error}", file=self._place(name)) from None
        return msgspec.json.encode(apply_patch(document, decode_patch(self.read(patch), file=where), file=where))

    def groups(self) -> tuple[GroupEntry, ...]:
        """The groups of a pack of groups or of a scenario."""
        entries = [self.yaml(name, list[GroupEntry]) for name in self._yaml_files("groups")]
        return tuple(entry for some in entries for entry in some)

    def regions(self) -> Regions:
        """The regions of a pack of regions."""
        return self.yaml(self._yaml_files("regions")[0], Regions)

    def programme(self) -> Programme:
        """The plan of a programme pack."""
        return self.yaml(self._yaml_files("programme")[0], Programme)

    def yaml(self, name: str, type: type[T]) -> T:
        """One listed YAML file read as `type`. Raises InvalidInput."""
        return plain_yaml.decode(self.read(name), type, file=self._place(name))

    def read(self, name: str) -> bytes:
        """The bytes of one listed file, unpacked when its name ends in .gz. Raises NotFound, InvalidInput."""
        if name not in (*self.manifest.files, *self.manifest.patch.values()):
            raise NotFound("the pack lists no such file", file=self._place(name))
        return _read(self.folder / name, self._place(name))

    def _yaml_files(self, kind: str) -> list[str]:
        found = [name for name in self.manifest.files if name.startswith(kind) and name.endswith(".yaml")]
        if not found:
            raise NotFound(f"the pack holds no {kind}", file=self._place("pack.yaml"))
        return found

    def _place(self, name: str) -> str:
        return f"packs/{self.folder.name}/{name}"


def available() -> list[Pack]:
    """Every shipped pack, by name. Raises InvalidInput when a manifest is broken."""
    folders = (entry for entry in _home().iterdir() if entry.is_dir() and (entry / "pack.yaml").is_file())
    return sorted((open_pack(folder) for folder in folders), key=lambda pack: pack.name)


def load(name: str) -> Pack:
    """The shipped pack of that name, or the one in a folder given by its path. Raises NotFound, InvalidInput."""
    if "/" in name and "\0" not in name and (Path(name) / "pack.yaml").is_file():
        return open_pack(Path(name).resolve())
    for pack in available():
        if pack.name == name:
            return pack
    raise NotFound(f"there is no pack {name!r:.80}")


def open_pack(folder: Traversable) -> Pack:
    """The pack in a folder. Raises InvalidInput when its manifest is missing, broken or points elsewhere."""
    place = f"packs/{folder.name}/pack.yaml"
    manifest = plain_yaml.decode(_read(folder / "pack.yaml", place), Manifest, file=place)
    if manifest.name != folder.name:
        raise InvalidInput("the name is not the folder's", file=place, path="$.name")
    for name in (*manifest.files, *manifest.patch, *manifest.patch.values()):
        if name != Path(name).name or name.startswith(".") or "\\" in name or "\0" in name:
            raise InvalidInput("a file lies in the pack's own folder", file=place, path="$.files")
    return Pack(manifest, folder)


def _home() -> Traversable:
    # A wheel carries the packs inside the package; a checkout has them beside src.
    inside = resources("kizuna") / "packs"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "packs"


def _is_json(name: str) -> bool:
    return name.endswith((".json", ".json.gz"))


def _read(file: Traversable, place: str) -> bytes:
    try:
        with file.open("rb") as handle:
            packed = handle.read(PACKED + 1)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror or error}", file=place) from None
    if len(packed) > PACKED:
        raise InvalidInput(f"is larger than {PACKED} bytes", file=place)
    return _unpack(packed, place) if place.endswith(".gz") else packed


def _unpack(packed: bytes, place: str) -> bytes:
    decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        data = decoder.decompress(packed, UNPACKED)
    except zlib.error as error:
        raise InvalidInput(f"broken gzip: {error}", file=place) from None
    if decoder.unconsumed_tail or decoder.unused_data:
        raise InvalidInput(f"unpacks to more than {UNPACKED} bytes or has something behind its end", file=place)
    if not decoder.eof:
        raise InvalidInput("broken gzip: it ends too early", file=place)
    return data


__all__ = [
    "Area", "GroupEntry", "GroupMember", "Item", "KnownProblem", "Manifest", "Pack", "Programme", "Region", "Regions",
    "Subregion", "Text", "available", "load", "open_pack",
]  # fmt: skip
