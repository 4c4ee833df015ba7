"""Labels in and out of the XML syntax of STANAG 4774 (ADatP-4774 edition A version 1), one confidentiality label at a time.

Reading never widens: what may restrict and is not understood is refused with its element path, what only informs is listed.
Writing is exact or refused. PolicyIdentifier and Classification are a part's; a Category is one of its categories; what else a
part says is a Category of ours, known by the URI: a permissive `Community` and `Persons`, a restrictive `Valid From` and `Valid
Until`. Who does not know these holds no such value, so elsewhere they only tighten. An originator is `O=` its name.

Not expressible, and refused: several parts, for a confidentiality label speaks for one policy (an alternative label states an
equivalent, not a further condition); OWN, which means each holder's own; two permissive categories of one name, which elsewhere
may count as one; texts that XML would not hand over unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

import msgspec

from kizuna.clock import from_text, to_text
from kizuna.errors import InvalidInput, TooLarge
from kizuna.formats import plain_xml
from kizuna.formats.distinguished import of_organisation, organisation
from kizuna.formats.plain_xml import Element
from kizuna.labels import BUILTIN_POLICIES, Category, Label, Part, Policy, join
from kizuna.labels.policies import GREEN, IEP, OWN, PUBLIC, RED, TLP

NAMESPACE = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"

_ARC = (
    "urn:oid:2.25.168934168531129733111797806668963053647"  # ITU-T X.667: an arc that a UUID gives to whoever made it
)
_OURS = {
    "community": (f"{_ARC}.1", "Community", "permissive"),
    "persons": (f"{_ARC}.2", "Persons", "permissive"),
    "starts": (f"{_ARC}.3", "Valid From", "restrictive"),
    "ends": (f"{_ARC}.4", "Valid Until", "restrictive"),
}
_FIELDS = {uri: field for field, (uri, _, _) in _OURS.items()}
_KINDS = {"PERMISSIVE": "permissive", "RESTRICTIVE": "restrictive", "INFORMATIVE": "informative"}
_ID_TYPES = (
    "rfc822Name", "dNSName", "directoryName", "uniformResourceIdentifier", "iPAddress", "x400Address", "userPrincipalName", "jID",
)  # fmt: skip
_DN = "directoryName"
_ROOTS = ("originatorConfidentialityLabel", "ConfidentialityLabel")
_OTHER_ROOTS = {
    "alternativeConfidentialityLabel": "states an equivalent in another policy; the originator's own label decides",
    "metadataConfidentialityLabel": "is the label of metadata, not of what they describe",
}
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"
_SPACE = " \t\r\n"  # what XML calls white space
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOCAL_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?")


class Loss(msgspec.Struct, frozen=True):
    """Something that only informs and that a label does not keep."""

    path: str
    what: str


class LabelRead(msgspec.Struct, frozen=True):
    """A label as read; `created` and `review` in microseconds, None where the document does not say or states no time zone."""

    label: Label
    created: int | None = None
    review: int | None = None
    losses: tuple[Loss, ...] = ()


def read_label(
    data: bytes,
    *,
    originator: str = "",
    community: str | None = None,
    file: str | None = None,
    policies: Mapping[str, Policy] = BUILTIN_POLICIES,
) -> LabelRead:
    """Read one originatorConfidentialityLabel (or the older ConfidentialityLabel).

    `originator` is whose it is if it names nobody, `community` what TLP:GREEN means when it names none. A successor counts from
    the start, beside what it succeeds. Raises InvalidInput or TooLarge with the file and the element path.
    """
    root = plain_xml.parse(data, file=file)
    if root.namespace != NAMESPACE:
        raise InvalidInput(f"not a label: its namespace is not {NAMESPACE}", file=file, path=root.path)
    if root.name not in _ROOTS:
        why = _OTHER_ROOTS.get(root.name, f"not a label; {_ROOTS[0]} is read")
        raise InvalidInput(why, file=file, path=root.path)
    return _Reader(originator, community, file, policies).read(root)


class _Reader:
    def __init__(self, originator: str, community: str | None, file: str | None, policies: Mapping[str, Policy]):
        self._originator = originator
        self._community = community
        self._file = file
        self._named = {PUBLIC, TLP, IEP, OWN, *policies}
        self._losses: dict[Loss, None] = {}

    def read(self, root: Element) -> LabelRead:
        found = self._children(
            root, "ConfidentialityInformation", "OriginatorID?", "CreationDateTime?", "SuccessionHandling?"
        )
        self._attributes(root, "Id", "ReviewDateTime")
        label = self._label(root, found)
        review = root.attributes.get(("", "ReviewDateTime"))
        moment = None if review is None else self._moment(review, f"{root.path}/@ReviewDateTime")
        created = self._created(root, found)
        for succession in found["SuccessionHandling"]:
            label = join(label, self._successor(succession))
        return LabelRead(label, created, moment, tuple(self._losses))

    def _successor(self, element: Element) -> Label:
        self._attributes(element)
        found = self._children(element, "SuccessionDateTime", "SuccessorConfidentialityLabel")
        (when,), (successor,) = found["SuccessionDateTime"], found["SuccessorConfidentialityLabel"]
        self._moment(self._text(when), when.path)
        self._attributes(successor, "Id", "ReviewDateTime")
        inner = self._children(successor, "ConfidentialityInformation", "OriginatorID?", "CreationDateTime?")
        self._lose(element.path, f"the label that follows on {when.text.strip(_SPACE)} counts already")
        self._created(successor, inner)
        return self._label(successor, inner)

    def _label(self, element: Element, found: dict[str, list[Element]]) -> Label:
        originator = self._originator
        for stated in found["OriginatorID"]:
            originator = self._name_of(stated)
        if not found["OriginatorID"] and not originator:
            self._lose(element.path, "names no originator")
        return Label(originator, (self._part(found["ConfidentialityInformation"][0]),))

    def _part(self, element: Element) -> Part:
        self._attributes(element)
        found = self._children(element, "PolicyIdentifier", "Classification", "PrivacyMark?", "Category*")
        policy = self._policy(found["PolicyIdentifier"][0])
        # A URI of a classification is forbidden (App. 1, table 6), and would name another level.
        classification = self._word(found["Classification"][0])
        for mark in found["PrivacyMark"]:
            self._attributes(mark)
            self._children(mark, text=True)
            self._lose(mark.path, f"privacy mark {mark.text.strip(_SPACE)[:100]!r}")
        categories = []
        ours: dict[str, tuple[Element, tuple[str, ...]]] = {}
        for stated in found["Category"]:
            category, field = self._category(stated)
            if field is None:
                categories.append(category)
            elif field in ours:
                self._refuse(stated.path, "stated twice")
            else:
                ours[field] = stated, category.values
        return self._with_ours(Part(policy, classification, tuple(categories)), ours)

    def _with_ours(self, part: Part, ours: dict[str, tuple[Element, tuple[str, ...]]]) -> Part:
        """The part with what categories of ours say of it."""
        fields: dict[str, str | tuple[str, ...] | int] = {}
        for field, (element, values) in ours.items():
            if (why := _undecided(part, field)) is not None:
                self._refuse(element.path, why)
            if field == "persons":
                fields[field] = values
            elif len(values) != 1:
                self._refuse(element.path, "more than one value")
            else:
                fields[field] = values[0] if field == "community" else self._date(values[0], element.path)
        if self._community is not None and _undecided(part, "community") is None:
            fields.setdefault("community", self._community)
        return msgspec.structs.replace(part, **fields)

    def _date(self, text: str, path: str) -> int:
        moment = self._moment(text, path)
        if moment is None:
            self._refuse(path, "no time zone")
        return moment

    def _policy(self, element: Element) -> str:
        policy = self._word(element, "URI")
        uri = element.attributes.get(("", "URI"))
        if uri is not None:
            if policy in self._named:
                self._refuse(
                    f"{element.path}/@URI", f"{uri[:100]!r} may be another policy than the {policy} known here"
                )
            self._lose(f"{element.path}/@URI", uri)
        return policy

    def _category(self, element: Element) -> tuple[Category, str | None]:
        """A category as it stands, and what of a part it says if it is one of ours."""
        attributes = self._attributes(element, "Type", "TagName", "URI")
        kind = _KINDS.get(attributes.get(("", "Type"), ""))
        if kind is None:
            self._refuse(f"{element.path}/@Type", f"expected one of {', '.join(_KINDS)}")
        name = attributes.get(("", "TagName"), "").strip(_SPACE)
        if not name:
            self._refuse(f"{element.path}/@TagName", "missing or empty")
        values = tuple(self._text(value) for value in self._children(element, "GenericValue*")["GenericValue"])
        if not values and kind != "informative":
            self._refuse(element.path, f"a {kind} category without a GenericValue")
        uri = attributes.get(("", "URI"))
        field = _FIELDS.get(uri or "")
        if field is not None and _OURS[field] != (uri, name, kind):
            self._refuse(element.path, "has the URI of a category of Kizuna's, but not its name and type")
        if field is None and uri is not None:
            self._lose(f"{element.path}/@URI", uri)
        return Category(name, kind, values), field  # type: ignore[arg-type]

    def _name_of(self, element: Element) -> str:
        """An organisation's name from `O=`; any other identifier behind its type, which is no organisation's name."""
        text, kind = self._text(element, "IDType"), element.attributes.get(("", "IDType"))
        if kind not in _ID_TYPES:
            self._refuse(f"{element.path}/@IDType", f"expected one of {', '.join(_ID_TYPES)}")
        name = organisation(text) if kind == _DN else None
        if name is not None:
            return name
        self._lose(element.path, f"{kind} is not resolved to an organisation")
        return f"{kind}:{text}"

    def _created(self, element: Element, found: dict[str, list[Element]]) -> int | None:
        for stated in found["CreationDateTime"]:
            return self._moment(self._text(stated), stated.path)
        self._lose(element.path, "has no CreationDateTime")
        return None

    def _moment(self, text: str, path: str) -> int | None:
        text = text.strip(_SPACE)
        local = _LOCAL_TIME.fullmatch(text) is not None
        try:
            moment = from_text(f"{text}Z" if local else text)
        except (ValueError, OverflowError):
            self._refuse(path, f"not a moment: {text[:40]!r}")
        if local:
            self._lose(path, f"{text} has no time zone")
        return None if local else moment

    def _word(self, element: Element, *attributes: str) -> str:
        return re.sub(f"[{_SPACE}]+", " ", self._text(element, *attributes))  # xs:token

    def _text(self, element: Element, *attributes: str) -> str:
        self._attributes(element, *attributes)
        self._children(element, text=True)
        text = element.text.strip(_SPACE)
        if not text:
            self._refuse(element.path, "empty")
        return text

    def _children(self, element: Element, *names: str, text: bool = False) -> dict[str, list[Element]]:
        """The children by name; `?` marks one that may be missing, `*` one that may come often. Anything else is refused."""
        allowed = {name.rstrip("?*"): name[-1] for name in names}
        found: dict[str, list[Element]] = {name: [] for name in allowed}
        for child in element.children:
            if child.namespace != NAMESPACE or child.name not in allowed:
                self._refuse(child.path, "not understood, and it may restrict who may see")
            found[child.name].append(child)
        for name, times in allowed.items():
            if not found[name] and times not in "?*":
                self._refuse(f"{element.path}/{name}", "missing")
            if len(found[name]) > 1 and times != "*":
                self._refuse(found[name][1].path, "stated twice")
        if not text and element.text.strip(_SPACE):
            self._refuse(element.path, "text where there are only elements")
        return found

    def _attributes(self, element: Element, *names: str) -> dict[tuple[str, str], str]:
        for (namespace, name), value in element.attributes.items():
            path = f"{element.path}/@{name}"
            if namespace == _XML or (namespace, name) == ("", "Id"):
                self._lose(path, value)
            elif (namespace, name) in ((_XSI, "schemaLocation"), (_XSI, "noNamespaceSchemaLocation")):
                continue  # says where a schema is, nothing of the label
            elif namespace or name not in names:
                self._refuse(path, "not understood, and it may restrict who may see")
        return element.attributes

    def _lose(self, path: str, what: str) -> None:
        self._losses[Loss(path, what[:200])] = None

    def _refuse(self, path: str, message: str) -> NoReturn:
        raise InvalidInput(message, file=self._file, path=path)


def _undecided(part: Part, field: str) -> str | None:
    """Why a field decides nothing in a part, where a category of that name would; None where it does decide."""
    needed = {"community": GREEN, "persons": RED}.get(field)
    if needed is None or (part.policy in (TLP, IEP) and part.classification == needed):
        return None
    return f"{field} decide only with TLP:{needed}"


def write_label(label: Label, *, created: int, review: int) -> bytes:
    """An originatorConfidentialityLabel that states exactly this label; moments in microseconds.

    ADatP-4774 asks for a date of review wherever no successor is named (App. 1). Raises InvalidInput, its path naming what of
    the label cannot be said, or TooLarge.
    """
    if len(label.parts) != 1:
        _cannot("parts", f"{len(label.parts)} parts, of which one confidentiality label states one")
    part = label.parts[0]
    if part.originator is not None:
        _cannot("originator", "a part of another originator than the label's")
    if part.policy == OWN:
        _cannot("policy", "OWN means each holder's own organisation")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<slab:{_ROOTS[0]} xmlns:slab="{NAMESPACE}" ReviewDateTime="{_moment_text(review, "review")}">',
        "  <slab:ConfidentialityInformation>",
        f"    <slab:PolicyIdentifier>{_word_text(part.policy, 'policy')}</slab:PolicyIdentifier>",
        f"    <slab:Classification>{_word_text(part.classification, 'classification')}</slab:Classification>",
        *_category_lines(part),
        "  </slab:ConfidentialityInformation>",
        *_originator_lines(label.originator),
        f"  <slab:CreationDateTime>{_moment_text(created, 'created')}</slab:CreationDateTime>",
        f"</slab:{_ROOTS[0]}>",
        "",
    ]
    data = "\n".join(lines).encode()
    if len(data) > plain_xml.SIZE or len(lines) > plain_xml.ELEMENTS:
        raise TooLarge("a label larger than is read back", path="categories")
    return data


def _category_lines(part: Part) -> list[str]:
    lines: list[str] = []
    permissive = [c.name for c in part.categories if c.kind == "permissive"]
    for c in part.categories:
        if c.kind == "permissive" and permissive.count(c.name) > 1:
            _cannot("categories", f"two permissive categories {c.name!r}, which elsewhere may count as one")
        if not c.values and c.kind != "informative":
            _cannot("categories", f"a {c.kind} category {c.name!r} without values")
        lines += _category_xml(c.name, c.kind, c.values)
    dates = {"starts": part.starts, "ends": part.ends}
    stated = {
        "community": () if part.community is None else (part.community,),
        "persons": part.persons,
        **{field: () if us is None else (_moment_text(us, field),) for field, us in dates.items()},
    }
    for field, values in stated.items():
        uri, name, kind = _OURS[field]
        if values and (why := _undecided(part, field)) is not None:
            _cannot(field, why)
        if values:
            lines += _category_xml(name, kind, values, uri)
    return lines


def _category_xml(name: str, kind: str, values: tuple[str, ...], uri: str | None = None) -> list[str]:
    tag = _exact(name, "categories").replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    ours = f' URI="{uri}"' if uri else ""
    return [
        f'    <slab:Category Type="{kind.upper()}" TagName="{tag}"{ours}>',
        *(f"      <slab:GenericValue>{_exact(value, f'categories {name!r}')}</slab:GenericValue>" for value in values),
        "    </slab:Category>",
    ]


def _originator_lines(originator: str) -> list[str]:
    if not originator:
        return []
    kind, _, text = originator.partition(":")
    if (
        kind not in _ID_TYPES
        or not text
        or text != text.strip(_SPACE)
        or (kind == _DN and organisation(text) is not None)
    ):
        kind, text = _DN, of_organisation(_unicode(originator, "originator"))
    return [f'  <slab:OriginatorID IDType="{kind}">{_exact(text, "originator")}</slab:OriginatorID>']


def _moment_text(us: int, path: str) -> str:
    try:
        return to_text(us)
    except OverflowError:
        _cannot(path, "outside the years 1 to 9999")


def _word_text(text: str, path: str) -> str:
    if re.search(f"[{_SPACE}]{{2}}|[\t\r\n]", text):
        _cannot(path, f"{text[:100]!r} has white space that XML would change")
    return _exact(text, path)


def _unicode(text: str, path: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        _cannot(path, "it has half a character")
    return text


def _exact(text: str, path: str) -> str:
    """The text escaped for XML. Refuses what would not be read back the same."""
    if not text or text != text.strip(_SPACE):
        _cannot(path, f"{text[:100]!r} is empty or begins or ends with white space")
    if _NOT_XML.search(text):
        _cannot(path, f"{text[:100]!r} has a character that XML cannot write")
    if len(text) > plain_xml.TEXT:
        raise TooLarge(f"more than {plain_xml.TEXT:,} characters", path=path)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _cannot(path: str, message: str) -> NoReturn:
    raise InvalidInput(f"cannot be stated in STANAG 4774 XML: {message}", path=path)
