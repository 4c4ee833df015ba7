"""A seeded corpus of STIX objects, valid and lifelike: what ATT&CK lacks, observables and marks, is here in plenty.

Of 100,000 objects 40 % are cyber-observables and observed data and 20 % indicators; 2 % have granular marks; the
object marks name 200 marking definitions, each another deciding label.

    python -m benchmarks.corpus out.json [COUNT] [SEED]
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kizuna.stix import sco_id
from kizuna.stix.builtin import LABEL_EXTENSION, TLP_2

Object = dict[str, Any]

COUNT = 100_000
SEED = 20261123
LABELS = 200


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_WORDS = _words(
    """amber anchor aurora basalt beacon birch canyon cedar cinder cobalt comet coral crane delta ember falcon
    fjord garnet glacier harbor hazel heron indigo iron ivory jade juniper lagoon lantern larch lotus maple
    meadow mirage moss nebula north oasis ocean onyx opal orchid osprey pearl pine plum quartz quill raven reef
    ridge river saffron sable sage shadow silver slate sparrow spruce storm summit thorn tide timber topaz
    tundra umber vale violet wave willow wren zephyr"""
)
_JAPANESE = _words("""攻撃 侵入 標的 通信 端末 監視 警告 被害 調査 情報 共有 組織 手口 痕跡 防御""")
_NATIONS = _words("""JP FR DE PL LT EE LV FI SE NO CA US KR AU NZ IT ES RO BG CZ""")
_GROUPS = _words("""NATO EU G7 QUAD AUKUS NORDIC BALTIC FIVE""")
_RUN = "HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"


class Corpus:
    """Objects in the order they are made: a reference always points back."""

    def __init__(self, seed: int = SEED, sees: tuple[int, int, str] | None = None) -> None:
        self._sees = sees
        self._random = random.Random(seed)
        self._made: dict[str, list[str]] = {}
        self._marks: list[str] = []
        self._seen: set[str] = set()

    def objects(self, count: int = COUNT) -> Iterator[Object]:
        """Yield `count` objects, definitions first."""
        made = 0
        for one in [*self._definitions(), *(self._identity() for _ in range(50))][:count]:
            yield one
            made += 1
        while made < count:
            one = self._next()
            if one["id"] not in self._seen:
                self._seen.add(one["id"])
                self._made.setdefault(one["type"], []).append(one["id"])
                yield self._marked(one)
                made += 1

    def _next(self) -> Object:
        share = self._random.random()
        if share < 0.32:
            build: Build = self._pick(_OBSERVABLES)
            return build(self)
        if share < 0.40:
            return self._observed_data()
        if share < 0.60:
            return self._indicator()
        if share < 0.85:
            return self._relationship()
        build = self._pick(_OBJECTS)
        return build(self)

    # -- ingredients

    def _pick(self, options: Any) -> Any:
        return options[int(self._random.random() * len(options))]

    def _uuid4(self) -> str:
        bits = f"{self._random.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{self._pick('89ab')}{bits[17:20]}-{bits[20:]}"

    def _time(self, year: int | None = None) -> str:
        r = self._random
        year = year or r.randint(2019, 2026)
        day, clock = f"{year}-{r.randint(1, 12):02}-{r.randint(1, 28):02}", r.randint(0, 86_399)
        return f"{day}T{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}.{r.randint(0, 999):03}Z"

    def _name(self) -> str:
        return f"{self._pick(_WORDS).title()} {self._pick(_WORDS).title()} {self._random.randint(1, 999)}"

    def _prose(self) -> str:
        words = [self._pick(_WORDS if self._random.random() < 0.8 else _JAPANESE) for _ in range(12)]
        return " ".join(words) + "."

    def _domain(self) -> str:
        zone = self._pick(("example", "example.com", "example.net", "example.org", "test"))
        return f"{self._pick(_WORDS)}-{self._random.getrandbits(28):x}.{zone}"

    def _ipv4(self) -> str:
        return f"10.{self._random.randint(0, 255)}.{self._random.randint(0, 255)}.{self._random.randint(1, 254)}"

    def _hash(self, digits: int) -> str:
        return f"{self._random.getrandbits(digits * 4):0{digits}x}"

    def _url(self) -> str:
        return f"https://{self._domain()}/{self._pick(_WORDS)}?id={self._random.getrandbits(24)}"

    def _ref(self, *types: str) -> str | None:
        pool = self._made.get(self._pick(types))
        return self._pick(pool) if pool else None

    # -- objects

    def _definitions(self) -> list[Object]:
        """The two hundred labels: the five of TLP 2.0, and others of our own extension."""
        if self._sees is not None:
            return self._for_persons(*self._sees)
        made = list(TLP_2.values())
        for number in range(LABELS - len(made)):
            to = sorted(self._random.sample(_NATIONS, 3) + self._random.sample(_GROUPS, 1))
            label = {
                "extension_type": "property-extension",
                "policy": "tlp",
                "classification": self._pick(("green", "amber")),
                "categories": [{"name": "Releasable to", "kind": "permissive", "values": to}],
            }
            made.append(
                {
                    "type": "marking-definition",
                    "spec_version": "2.1",
                    "id": f"marking-definition--{self._uuid4()}",
                    "created": self._time(2025),
                    "name": f"Label {number}",
                    "extensions": {LABEL_EXTENSION: label},
                }
            )
        self._marks = [one["id"] for one in made]
        return made

    def _for_persons(self, some: int, all: int, person: str) -> list[Object]:
        """Labels that each name one person and others who differ; the first of them name `person`."""
        made: list[Object] = [
            {
                "type": "marking-definition",
                "spec_version": "2.1",
                "id": f"marking-definition--{self._uuid4()}",
                "created": self._time(2025),
                "name": f"Label {number}",
                "extensions": {
                    LABEL_EXTENSION: {
                        "extension_type": "property-extension",
                        "policy": "tlp",
                        "classification": "red",
                        "persons": [person if number < some else "nobody", f"reader {number}"],
                    }
                },
            }
            for number in range(all)
        ]
        self._marks = [one["id"] for one in made]
        return made

    def _identity(self) -> Object:
        one = self._sdo("identity", identity_class="organization", sectors=["government"])
        self._made.setdefault("identity", []).append(one["id"])
        return one

    def _sdo(self, kind: str, *, named: bool = True, **more: Any) -> Object:
        created = self._time(2024)
        one: Object = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{self._uuid4()}",
            "created": created,
            "modified": created if self._random.random() < 0.7 else self._time(2025),
        }
        creator = self._ref("identity")
        if creator:
            one["created_by_ref"] = creator
        if named:
            one.update(name=self._name(), description=self._prose())
        one.update(more)
        if self._random.random() < 0.3:
            one["external_references"] = [{"source_name": "report", "url": self._url()}]
        return one

    def _sco(self, kind: str, **properties: Any) -> Object:
        one: Object = {"type": kind, "spec_version": "2.1", "id": "", **properties}
        one["id"] = sco_id(one) or f"{kind}--{self._uuid4()}"
        return one

    def _observed_data(self) -> Object:
        refs = [ref for ref in (self._ref("ipv4-addr", "domain-name", "file", "url") for _ in range(3)) if ref]
        if not refs:
            return self._sco("domain-name", value=self._domain())
        seen: Object = {"first_observed": self._time(2024), "last_observed": self._time(2025)}
        number = self._random.randint(1, 500)
        return self._sdo("observed-data", named=False, **seen, number_observed=number, object_refs=refs)

    def _indicator(self) -> Object:
        pattern = self._pick(
            (
                f"[ipv4-addr:value = '{self._ipv4()}']",
                f"[domain-name:value = '{self._domain()}']",
                f"[file:hashes.'SHA-256' = '{self._hash(64)}']",
                f"[url:value = '{self._url()}']",
                f"[file:name = '{self._pick(_WORDS)}.exe' AND file:size > {self._random.randint(1, 9)}000]",
                f"[network-traffic:dst_ref.value = '{self._ipv4()}'] FOLLOWEDBY "
                f"[domain-name:value = '{self._domain()}'] WITHIN {self._random.randint(60, 3600)} SECONDS",
            )
        )
        times: Object = {"valid_from": self._time(2024), "valid_until": self._time(2026)}
        return self._sdo(
            "indicator", indicator_types=["malicious-activity"], pattern=pattern, pattern_type="stix", **times
        )

    def _relationship(self) -> Object:
        source_type, kind, target_type = self._pick(
            (
                ("indicator", "indicates", "malware"),
                ("campaign", "uses", "malware"),
                ("malware", "uses", "attack-pattern"),
                ("threat-actor", "targets", "identity"),
                ("intrusion-set", "attributed-to", "threat-actor"),
                ("malware", "communicates-with", "domain-name"),
                ("indicator", "based-on", "observed-data"),
            )
        )
        source, target = self._ref(source_type), self._ref(target_type)
        if source is None or target is None:
            return self._sdo("attack-pattern")
        ends: Object = {"relationship_type": kind, "source_ref": source, "target_ref": target}
        return self._sdo("relationship", named=False, **ends, description=self._prose())

    def _report(self) -> Object:
        refs = [ref for ref in (self._ref("malware", "indicator", "campaign") for _ in range(8)) if ref]
        published = self._time(2025)
        refs = refs or self._made["identity"][:1]
        return self._sdo("report", report_types=["threat-report"], published=published, object_refs=refs)

    def _sighting(self) -> Object:
        target = self._ref("indicator", "malware")
        if target is None:
            return self._sdo("campaign")
        where = [self._pick(self._made["identity"])]
        count = self._random.randint(1, 90)
        return self._sdo("sighting", named=False, sighting_of_ref=target, where_sighted_refs=where, count=count)

    def _network_traffic(self) -> Object:
        source, target = self._ref("ipv4-addr"), self._ref("ipv4-addr", "domain-name")
        if source is None or target is None:
            return self._sco("ipv4-addr", value=self._ipv4())
        ports = {"src_port": self._random.randint(1024, 65535), "dst_port": self._pick((22, 53, 80, 443, 8080))}
        start = self._time(2025)
        return self._sco(
            "network-traffic", start=start, src_ref=source, dst_ref=target, **ports, protocols=["ipv4", "tcp"]
        )

    def _marked(self, one: Object) -> Object:
        """Half of the objects state a label, and one in fifty marks a property more strictly."""
        if self._sees is not None:
            return one | {"object_marking_refs": [self._pick(self._marks)]}
        if self._random.random() < 0.5:
            one["object_marking_refs"] = [self._pick(self._marks)]
        if self._random.random() < 0.02:
            last = next(reversed([name for name in one if name not in ("object_marking_refs", "external_references")]))
            selector = f"{last}.[0]" if isinstance(one[last], list) else last
            one["granular_markings"] = [{"marking_ref": self._pick(self._marks), "selectors": [selector]}]
        return one


def _file(corpus: Corpus) -> Object:
    hashes = {"MD5": corpus._hash(32), "SHA-256": corpus._hash(64)}
    name = f"{corpus._pick(_WORDS)}.{corpus._pick(('exe', 'dll', 'docx', 'js'))}"
    return corpus._sco("file", hashes=hashes, size=corpus._random.randint(100, 9_000_000), name=name)


def _certificate(corpus: Corpus) -> Object:
    serial = ":".join(corpus._hash(2) for _ in range(8))
    return corpus._sco("x509-certificate", serial_number=serial, issuer=f"CN={corpus._domain()}", subject="CN=test")


def _registry_key(corpus: Corpus) -> Object:
    value = {"name": corpus._pick(_WORDS), "data": corpus._url(), "data_type": "REG_SZ"}
    return corpus._sco("windows-registry-key", key=_RUN, values=[value])


def _email_message(corpus: Corpus) -> Object:
    sender = corpus._ref("email-addr")
    more = {"from_ref": sender} if sender else {}
    return corpus._sco("email-message", is_multipart=False, subject=corpus._prose(), body=corpus._prose(), **more)


Build = Callable[[Corpus], Object]

_OBSERVABLES: tuple[Build, ...] = (
    lambda c: c._sco("ipv4-addr", value=c._ipv4()),
    lambda c: c._sco("ipv4-addr", value=c._ipv4()),
    lambda c: c._sco("domain-name", value=c._domain()),
    lambda c: c._sco("domain-name", value=c._domain()),
    lambda c: c._sco("url", value=c._url()),
    lambda c: c._sco("ipv6-addr", value=f"2001:db8::{c._hash(4)}:{c._hash(4)}:{c._hash(4)}"),
    lambda c: c._sco("email-addr", value=f"{c._pick(_WORDS)}.{c._hash(4)}@{c._domain()}"),
    lambda c: c._sco("mac-addr", value=":".join(c._hash(2) for _ in range(6))),
    lambda c: c._sco("mutex", name=f"{c._pick(_WORDS)}-{c._hash(8)}"),
    lambda c: c._sco("autonomous-system", number=c._random.randint(64_512, 4_200_000_000), name=c._name()),
    lambda c: c._sco("user-account", user_id=c._hash(6), account_login=c._pick(_WORDS), account_type="unix"),
    lambda c: c._sco("process", pid=c._random.randint(2, 65_000), command_line=f"{c._pick(_WORDS)} -{c._hash(3)}"),
    _file,
    _file,
    _certificate,
    _registry_key,
    _email_message,
    Corpus._network_traffic,
)

_OBJECTS: tuple[Build, ...] = (
    lambda c: c._sdo("malware", is_family=False, malware_types=["trojan"]),
    lambda c: c._sdo("attack-pattern", kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": "impact"}]),
    lambda c: c._sdo("campaign", first_seen=c._time(2023), last_seen=c._time(2024)),
    lambda c: c._sdo("threat-actor", threat_actor_types=["criminal"], aliases=[c._name()]),
    lambda c: c._sdo("intrusion-set", goals=[c._prose()]),
    lambda c: c._sdo("location", country=c._pick(_NATIONS)),
    lambda c: c._sdo("tool", tool_types=["remote-access"]),
    lambda c: c._sdo("vulnerability"),
    Corpus._report,
    Corpus._sighting,
)


def write(path: Path, count: int = COUNT, seed: int = SEED, sees: tuple[int, int, str] | None = None) -> int:
    """Write the corpus as one bundle; gives its size in bytes.

    With `sees`, (some, all, person), each object has one of `all` labels, of which the person may see `some`.
    """
    encode = msgspec.json.encode
    with path.open("wb") as out:
        out.write(b'{"type":"bundle","id":"bundle--5d0e0f4c-6a31-4c8e-9d65-5a4f0c2b7e10","objects":[')
        for index, one in enumerate(Corpus(seed, sees).objects(count)):
            out.write((b"," if index else b"") + encode(one))
        out.write(b"]}")
        return out.tell()


if __name__ == "__main__":
    count, seed = [int(text) for text in sys.argv[2:4]] + [COUNT, SEED][len(sys.argv[2:4]) :]
    print(write(Path(sys.argv[1]), count, seed), "bytes")
