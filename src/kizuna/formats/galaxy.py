"""MISP galaxy clusters to STIX 2.1: a knowledge base such as SPARTA in the form that partners exchange.

A cluster keeps its UUID, so the same technique from another converter has the same id. Relationships have UUIDv5 ids
made of their ends. The galaxy states no dates, so the caller gives one for all objects.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import msgspec

from kizuna.errors import InvalidInput
from kizuna.stix.values import url_fault

# Never change it: the ids of relationships made here rest on it.
NAMESPACE = uuid.UUID("8c97662f-2f0b-59a9-966e-78efae7a05bf")

StixType = Literal["attack-pattern", "course-of-action", "grouping"]
Json = dict[str, Any]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CAPEC = re.compile(r"https://capec\.mitre\.org/data/definitions/(\d{1,6})\.html")
_RELATED = {"mitigates", "subtechnique-of", "uses", "targets", "derived-from", "duplicate-of", "related-to"}


class Related(msgspec.Struct, frozen=True):
    """A relation the galaxy states."""

    dest_uuid: str = msgspec.field(name="dest-uuid")
    type: str = "related-to"


class Meta(msgspec.Struct, frozen=True):
    """What a cluster element tells beside its text; only what is converted."""

    external_id: str | None = None
    kill_chain: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    shortname: str | None = None


class Element(msgspec.Struct, frozen=True):
    """One element of a cluster: a technique, a mitigation, a tactic."""

    uuid: str
    value: str
    description: str = ""
    meta: Meta = Meta()
    related: tuple[Related, ...] = ()


class Cluster(msgspec.Struct, frozen=True):
    """A cluster file of the MISP galaxy."""

    type: str
    name: str
    source: str
    values: tuple[Element, ...]
    authors: tuple[str, ...] = ()


class Conversion(msgspec.Struct, frozen=True, kw_only=True):
    """How to convert: which STIX type each cluster type becomes, whose objects they are and when they were made.

    `name` is the source_name of external references. Sub-techniques are known by their dotted external ids, and a
    reference that holds another element's external id in the first group of `linked` becomes a relationship. `dropped`
    are references that lead nowhere.
    """

    name: str
    types: dict[str, StixType]
    identity: Json
    marking: Json
    created: str
    linked: str | None = None
    dropped: frozenset[str] = frozenset()


_decoder = msgspec.json.Decoder(Cluster)


def decode_cluster(data: bytes, *, file: str) -> Cluster:
    """Read one cluster file. Raises InvalidInput."""
    try:
        cluster = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        message, _, path = str(error).partition(" - at ")
        raise InvalidInput(f"not a galaxy cluster: {message}", file=file, path=path.strip("`") or "$") from None
    for number, element in enumerate(cluster.values):
        if not _UUID.fullmatch(element.uuid):
            raise InvalidInput("not a UUID", file=file, item=number, path=f"$.values[{number}].uuid")
    return cluster


def convert(clusters: Iterable[Cluster], how: Conversion) -> Iterator[Json]:
    """The STIX objects of some clusters: identity and marking first, then elements, then relationships."""
    pairs = [(how.types[c.type], element) for c in clusters if c.type in how.types for element in c.values]
    ids = {element.uuid: f"{type}--{element.uuid}" for type, element in pairs}
    known = {element.meta.external_id: ids[element.uuid] for _, element in pairs if element.meta.external_id}
    yield how.identity
    yield how.marking
    for type, element in pairs:
        if type == "grouping":
            members = [ids[e.uuid] for t, e in pairs if t != "grouping" and _phase_in(element, e)]
            if members:
                yield _object(type, element, how) | {"context": "unspecified", "object_refs": members}
        else:
            yield _object(type, element, how)
    for source, kind, target in sorted(set(_relations(pairs, ids, known, how))):
        yield _relationship(source, kind, target, how)


def _object(type: StixType, element: Element, how: Conversion) -> Json:
    description, references = _references(element, how)
    made: Json = {
        "type": type,
        "spec_version": "2.1",
        "id": f"{type}--{element.uuid}",
        "created_by_ref": how.identity["id"],
        "created": how.created,
        "modified": how.created,
        "name": element.value,
    }
    if description:
        made["description"] = description
    phases = [_phase(text) for text in element.meta.kill_chain]
    if type == "attack-pattern" and phases:
        made["kill_chain_phases"] = phases
    return made | {"external_references": references, "object_marking_refs": [how.marking["id"]]}


def _references(element: Element, how: Conversion) -> tuple[str, list[Json]]:
    """The description, with references that are no address at its end, and the others as external references."""
    refs = [ref for ref in dict.fromkeys(element.meta.refs) if ref.strip() and ref not in how.dropped]
    addresses = [ref for ref in refs if _is_address(ref)]
    rest = [ref for ref in refs if not _is_address(ref)]
    first: Json = {"source_name": how.name}
    own = element.meta.external_id or element.meta.shortname or element.uuid
    first["external_id"] = own
    if addresses and own.replace(".", "/") in addresses[0]:
        first["url"] = addresses.pop(0)
    galaxy = {"source_name": "misp-galaxy", "external_id": element.uuid}
    others = [_reference(address) for address in addresses]
    return "\n\n".join([_text(element.description), *rest]).strip(), [first, galaxy, *others]


def _reference(address: str) -> Json:
    if capec := _CAPEC.fullmatch(address):
        return {"source_name": "capec", "external_id": f"CAPEC-{capec[1]}", "url": address}
    return {"source_name": urlsplit(address).hostname or "web", "url": _encoded(address)}


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://")) and " " not in text and url_fault(_encoded(text)) is None


def _encoded(address: str) -> str:
    """The address with what RFC 3986 does not allow as it stands percent-encoded, such as letters beyond ASCII."""
    return quote(address, safe="%/:=&?~#+!$,;'@()*[]", errors="replace")


def _text(description: str) -> str:
    """The galaxy wrote some descriptions as the text of a list of one string; this takes the string out."""
    text = description.strip()
    if len(text) > 4 and text[:2] in ("['", '["') and text[-2:] == text[1] + "]":
        return text[2:-2].strip()
    return text


def _phase(text: str) -> Json:
    chain, _, phase = text.partition(":")
    return {"kill_chain_name": chain, "phase_name": phase or chain}


def _phase_in(tactic: Element, element: Element) -> bool:
    return any(text.partition(":")[2] == tactic.meta.shortname for text in element.meta.kill_chain)


def _relations(
    pairs: list[tuple[StixType, Element]], ids: dict[str, str], known: dict[str, str], how: Conversion
) -> Iterator[tuple[str, str, str]]:
    linked = re.compile(how.linked) if how.linked else None
    for type, element in pairs:
        own = ids[element.uuid]
        for related in element.related:
            target = ids.get(related.dest_uuid)
            if target and target != own:
                yield own, related.type if related.type in _RELATED else "related-to", target
        parent = known.get((element.meta.external_id or "").rpartition(".")[0])
        if parent and type == "attack-pattern":
            yield own, "subtechnique-of", parent
        for ref in element.meta.refs if linked else ():
            found = linked.fullmatch(ref) if linked else None
            target = known.get(str(found[1])) if found else None
            if target and target != own:
                yield own, "related-to", target


def _relationship(source: str, kind: str, target: str, how: Conversion) -> Json:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid5(NAMESPACE, f'{source} {kind} {target}')}",
        "created_by_ref": how.identity["id"],
        "created": how.created,
        "modified": how.created,
        "relationship_type": kind,
        "source_ref": source,
        "target_ref": target,
        "object_marking_refs": [how.marking["id"]],
    }
