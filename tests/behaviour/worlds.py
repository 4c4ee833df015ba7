"""Two nodes that people act on alike but for what some may not see, and what an observer is answered by every registered exit."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from kizuna.jobs import carry_out
from kizuna.settings import Settings, save, write_private
from kizuna.store import Partner, Store
from kizuna.store.accounts import ROLES, SCOPES, Accounts
from kizuna.store.jobs import Jobs
from kizuna.store.keys import FILE
from kizuna.store.passwords import hash_password
from kizuna.web.auth import csrf_token
from kizuna.web.exits import EXITS, SILENT
from tests.behaviour.asgi import Client, Reply
from tests.builders import CLEAR, STRICT, campaign, named, relationship, report, sdo
from tests.commands import bundle

START = 1_795_392_000_000_000
IDENTITY = "identity--8f9c5f4c-9d4e-4f0a-9a3b-0d2b5c1e7a01"
SECRET = "zzsecretzz"
# Alike in all: digests of purged ids are made under it.
KEY = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
PASSWORD = "correct horse battery"
WITHHELD = "Kansai Grid Operator"
WITHHELD_DIGEST = hashlib.sha256(WITHHELD.encode()).hexdigest()[:12]
TAXII = "application/taxii+json;version=2.1"
# One's own, and for nobody one of somebody's.
COLLECTIONS = {
    "Brussels": ("feed", "inbox"),
    "Kyiv": ("feed", "inbox"),
    "colleague": ("everything",),
    "owner": ("everything",),
    "visitor": ("feed",),
    None: ("feed",),
}

# What differs between two answers of one node to one question, and why it tells nothing:
RANDOM = (
    # a sealed position: its nonce is random, its length is not
    (re.compile(rb'("next":")[A-Za-z0-9_-]+(")'), rb"\1~\2"),
    # the random number (UUIDv4) of a POST's status, at the head of the resource
    (re.compile(rb'^(\{"id":")[0-9a-f-]{36}(","status":)'), rb"\1~\2"),
    # the random number by which an error is found in the log
    (re.compile(rb'("error_id":")[0-9a-f-]{36}(")'), rb"\1~\2"),
    # the random number of a job
    (re.compile(rb'("id":")[0-9a-f-]{36}(","kind":)'), rb"\1~\2"),
    (re.compile(rb"(/jobs/|filename=\"export-)[0-9a-f-]{36}"), rb"\1~"),
    # and of a bundle that the command line, or a job, writes
    # a position that a link of a page leads on from, and what a session's forms bring along
    (re.compile(rb'(cursor=)[A-Za-z0-9_-]+(")'), rb"\1~\2"),
    (re.compile(rb'(name="csrf" value=")[0-9a-f]+(")'), rb"\1~\2"),
    (re.compile(rb'("bundle--)[0-9a-f-]{36}'), rb"\1~"),
)


def plain(data: bytes) -> bytes:
    """An answer without what is random by design."""
    for pattern, kept in RANDOM:
        data = pattern.sub(kept, data)
    return data


_TAG = re.compile(rb'(?m)^(etag: ")[0-9a-f]{32}')


@cache
def hashed() -> str:
    """Everybody's password, once for all."""
    return hash_password(PASSWORD)


class Clock:
    """Stands still until moved; microseconds."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class World:
    """Tokyo with its partners Brussels and Kyiv, its owner, and a colleague who may do much and was not told everything."""

    def __init__(self, folder: Path, store: str | None = None) -> None:
        told = Settings(name="T", organisation="CERT Tokyo (fictional)", country="JPN", identity=IDENTITY, store=store)
        save(folder, told)
        write_private(folder / FILE, KEY)
        self.folder, self.clock = folder, Clock()
        self.store = Store(folder, told, self.clock)
        for name, country, level in (("Brussels", "BEL", "TLP:GREEN"), ("Kyiv", "UKR", "TLP:RED persons=owner")):
            self.store.put_partner(
                Partner(name=name, organisation=f"CERT {name} (fictional)", country=country,
                        receives=("TLP:CLEAR", "TLP:GREEN"), default_label=level, added=START)
            )  # fmt: skip
        accounts = Accounts(self.store)
        accounts.add_user("owner", ROLES, by="test")
        accounts.add_user("colleague", ("analyst", "releaser", "operator"), by="test")
        self.tokens: dict[str, str] = {}
        for user in ("owner", "colleague"):
            self.tokens[user], _ = accounts.create_token(user=user, scopes=SCOPES, by="test")
        for partner in ("Brussels", "Kyiv"):
            self.tokens[partner], _ = accounts.create_token(partner=partner, scopes=("read", "write"), by="test")
        with self.store.database.write() as connection:
            connection.execute("update person set password=?", (hashed(),))
        accounts.add_person_of("Brussels", "visitor", by="test")
        self.sessions = {user: accounts.open_session(user, how="test") for user in ("owner", "colleague", "visitor")}
        self.statuses: dict[str, list[str]] = {}
        self.jobs: dict[str, list[str]] = {}
        self.client: Client

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def ask(
        self, who: str | None, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Ask as somebody; nobody is None."""
        credentials = {"Authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else self.cookie(who)
        return self.client.ask(method, target, headers=credentials | dict(headers or {}), body=body)

    def cookie(self, who: str | None) -> dict[str, str]:
        """The session of somebody who has no token: a person of Brussels."""
        return {"Cookie": self.logged_in(who)["Cookie"]} if who in self.sessions and who not in self.tokens else {}

    def logged_in(self, who: str | None) -> dict[str, str]:
        """What a browser says of one's own people; others have none."""
        secret = self.sessions.get(who or "")
        if secret is None:
            return {}
        return {"Cookie": f"kizuna_{IDENTITY[-12:]}={secret}", "X-CSRF-Token": csrf_token(secret)}

    def post_json(self, who: str | None, path: str, body: object) -> Reply:
        """Send something, as one's own people from a session of theirs, else by a token."""
        headers = {"Content-Type": "application/json"} | self.logged_in(who)
        sender = None if "Cookie" in headers else who
        return self.ask(sender, "POST", path, json.dumps(body).encode(), headers)

    def shown(self, who: str | None, partner: str, ids: Sequence[str]) -> str:
        """The digest of these objects in the outbox, as somebody is told."""
        query = urlencode([("as", partner), *(("id", id) for id in ids)])
        reply = self.ask(who, "GET", f"/api/v1/release/outbox?{query}")
        return str(reply.json()["set"]) if reply.status == 200 else "x"

    def release(self, who: str | None, verb: str, partner: str, *ids: str) -> Reply:
        """Propose, approve, stop or withdraw."""
        more = {"reason": "because"} if verb == "withdraw" else {}
        if verb == "approve":
            more = {"set": self.shown(who, partner, ids), "password": PASSWORD}
        return self.post_json(who, f"/api/v1/release/{verb}", {"partner": partner, "ids": ids, **more})

    def consent(self, who: str | None, verb: str, partner: str, *ids: str) -> Reply:
        """Ask for consent, give it or take it back."""
        more = {"request": {"reason": "because"}, "grant": {"password": PASSWORD}, "end": {}}[verb]
        body = {"partner": partner, "ids": ids, "third_party": "CERT Riga", **more}
        return self.post_json(who, f"/api/v1/release/consents/{verb}", body)

    def bring(self, who: str, *objects: dict[str, Any], label: str | None = None) -> Reply:
        """One's own people import by the API."""
        query = f"?{urlencode({'label': label})}" if label else ""
        return self.ask(who, "POST", f"/api/v1/import{query}", bundle(*objects), {"Content-Type": "application/json"})

    def post(self, who: str, collection: str, *objects: dict[str, Any]) -> Reply:
        """Somebody sends by TAXII."""
        envelope = json.dumps({"objects": objects}).encode()
        path = f"/taxii2/real/collections/{collection}/objects/"
        reply = self.ask(who, "POST", path, envelope, {"Content-Type": TAXII, "Accept": TAXII})
        self.noted(who, "POST", reply)
        return reply

    def noted(self, who: str | None, method: str, reply: Reply) -> None:
        """Remember the status of a POST."""
        if method == "POST" and reply.status == 202 and who is not None:
            told = reply.json()
            (self.jobs if "kind" in told else self.statuses).setdefault(who, []).append(told["id"])

    def job(self, who: str, query: str, body: bytes = b"") -> Reply:
        """Somebody asks for a job, and it is done."""
        reply = self.ask(who, "POST", f"/api/v1/jobs?{query}", body, {"Content-Type": "application/json"})
        self.noted(who, "POST", reply)
        self.work()
        return reply

    def work(self) -> None:
        """Do every job that waits, in this process."""
        jobs = Jobs(self.store)
        while (job := jobs.claim()) is not None:
            carry_out(self.store, job)

    def relabel(self, who: str, id: str, label: str) -> Reply:
        """Set a label."""
        body = json.dumps({"label": label}).encode()
        return self.ask(who, "PUT", f"/api/v1/objects/{id}/label", body, {"Content-Type": "application/json"})

    def purge(self, id: str, proposing: str, confirming: str) -> Reply:
        """Destroy an object by the word of two."""
        body = json.dumps({"id": id, "reason": "because"}).encode()
        proposed = self.ask(proposing, "POST", "/api/v1/purges", body, {"Content-Type": "application/json"})
        if proposed.status != 200:
            return proposed
        return self.ask(confirming, "POST", f"/api/v1/purges/{proposed.json()['number']}/confirm")

    def delete(self, who: str, id: str) -> Reply:
        """Hide an object here."""
        return self.ask(who, "DELETE", f"/taxii2/real/collections/everything/objects/{id}/", headers={"Accept": TAXII})


def made(kind: str, name: str, refs: list[str], text: str, day: int, *marks: str) -> dict[str, Any]:
    """An object whose version is a day of January; it refers to campaigns of these names."""
    more: dict[str, Any] = {"modified": f"2026-01-{day:02}T00:00:00.000Z"} | (
        {"object_marking_refs": [*marks]} if marks else {}
    )
    if kind == "report":
        return report(name, [named("campaign", ref) for ref in [*refs, name]], description=text, **more)
    if kind == "relationship":
        made = relationship(campaign(name), "related-to", campaign([*refs, name][0]), description=text, **more)
        return made | {"id": named("relationship", name)}
    return campaign(name, description=f"198.51.100.7 {text}", **more)


def withheld(open_one: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """What is withheld from partners with its name, which an object tells, and what links the two."""
    closed = sdo("identity", WITHHELD, object_marking_refs=[STRICT])
    return closed, relationship(open_one, "related-to", closed, object_marking_refs=[STRICT])


class Drive(NamedTuple):
    """How an exit is asked: the queries to try, the body where one is needed, the headers; and when, if not as others of its kind.

    A form is sent by one's own people from a session of theirs; its field `id` is there for each of the ids. With an empty `shown` it is
    looked at first, and then sent with all that its page said of what was shown.

    A body that is no text is JSON, for which one's own people are logged in; of "ids" it has those of the sweep, of "id" each of
    them in turn, of "set" what is shown.
    """

    queries: tuple[str, ...] = ("",)
    body: Any = ""
    headers: Mapping[str, str] = {}
    turn: str = ""
    form: Mapping[str, str] | None = None


_OBJECTS = "/taxii2/real/collections/{collection}/objects/"
_ACCEPT = {"Accept": TAXII}
_SEND = {"Accept": TAXII, "Content-Type": TAXII}
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_FILTERS = ("", "?limit=1", "?limit=2&match[version]=all", "?match[version]=first", "?match[type]=report,campaign",
            "?match[id]={ids}&match[version]=all", "?added_after=2026-11-23T00:00:03Z", "?match[spec_version]=2.1",
            "?match[version]=2026-01-12T00:00:00Z")  # fmt: skip
_PAGE = tuple({"Accept": "text/html", "Accept-Language": code} for code in ("ja", "en"))

# Every exit and every silent route: a test holds this table against the registry, and the registry against the application.
DRIVES: dict[tuple[str, str], tuple[Drive, ...]] = {
    ("GET", "/"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/api/v1/search"): (
        Drive(("", "?limit=1", "?q=power&limit=2", "?q=%E7%99%BA%E9%9B%BB%E6%89%80", f"?q={SECRET}", "?q=198.51.100.7",
               "?type=report", "?area=cyber-defence&limit=3", "?q=zzunknownzz", "?cursor=AAAA",
               "?value=198.51.100.7&limit=2", "?domain=space&region=euro-atlantic", "?confidence=high&came=today", "?to=2026-01-12")),
    ),
    ("GET", "/api/v1/search/facets"): (
        Drive(("", "?q=power", "?q=%E7%99%BA%E9%9B%BB%E6%89%80", f"?q={SECRET}", "?type=report", "?area=cyber-defence",
               "?value=198.51.100.7", "?q=zzunknownzz&type=campaign&area=nowhere", "?domain=cyber&confidence=high",
               "?region=indo-pacific&came=older&from=2026-01-01")),
    ),
    ("GET", "/api/v1/objects/{id}"): (
        Drive(("", "?version=2026-01-01T00:00:00Z", "?version=2026-01-12T00:00:00Z", "?version=x")),
    ),
    ("GET", "/api/v1/objects/{id}/versions"): (Drive(),),
    ("GET", "/api/v1/objects/{id}/neighbours"): (Drive(("", "?limit=1")),),
    ("GET", "/api/v1/objects/{id}/visibility"): (Drive(("", "?as=kyiv", "?as=nobody")),),
    ("GET", "/api/v1/objects/{id}/label"): (Drive(),),
    ("PUT", "/api/v1/objects/{id}/label"): (
        Drive(body='{"label":"TLP:GREEN community=EU"}', headers={"Content-Type": "application/json", "If-Match": '"x"'}),
        Drive(body='{"label":"TLP:GREEN community=EU"}', headers={"Content-Type": "application/json"}),
    ),
    ("POST", "/api/v1/import"): (Drive(body="bundle", headers={"Content-Type": "application/json"}),),
    ("GET", "/api/v1/partners"): (Drive(),),
    ("GET", "/api/v1/stats"): (Drive(),),
    ("GET", "/api/v1/jobs"): (Drive(("", "?limit=1", "?cursor=AAAA")),),
    ("GET", "/api/v1/jobs/{job}"): (Drive(),),
    ("GET", "/api/v1/jobs/{job}/result"): (Drive(),),
    ("GET", "/api/v1/audit"): (Drive(("", "?limit=2", "?cursor=AAAA")),),
    ("GET", "/api/v1/release/preview"): (
        Drive(("?as=Brussels&{each}", "?as=kyiv&{each}", "?as=Brussels", "?as=Brussels&limit=2", "?as=kyiv&q=power&type=report",
               f"?as=Brussels&q={SECRET}", "?as=Kyiv&value=198.51.100.7&area=cyber-defence", "?as=nobody&{each}",
               "?as=Brussels&q=power&{each}", "")),
    ),
    ("GET", "/api/v1/release/explain"): (
        Drive(("?{each}", "?as=kyiv&{each}", "", "?limit=2", "?as=Brussels&q=power&type=report", f"?q={SECRET}",
               "?value=198.51.100.7&area=cyber-defence", "?as=nobody&{each}", "?q=power&{each}", "?cursor=AAAA")),
    ),
    ("POST", "/api/v1/release/sanitise"): tuple(
        Drive(body={"id": "", **more}, turn="RELEASE")
        for more in (
            {"partner": "Brussels"}, {"partner": "kyiv", "label": "TLP:CLEAR", "keep": "TLP:RED persons=owner"},
            {"partner": "Brussels", "cuts": ["description"], "label": "TLP:CLEAR", "keep": "TLP:RED"},
            {"partner": "nobody", "cuts": ["name"]},
        )
    ),
    ("GET", "/api/v1/release/outbox"): (
        Drive(("?as=Brussels&{each}", "?as=kyiv&{each}&state=offered&state=withheld", "?as=Brussels", "?as=kyiv&state=offered&limit=1",
               "?as=Brussels&limit=2&state=withheld&state=unproposed&state=waiting&state=ended&state=stopped&state=withdrawn",
               "?as=nobody&{each}", "?as=Brussels&cursor=AAAA", "")),
    ),
    ("GET", "/api/v1/release/history"): (Drive(("?{each}", "?{each}&as=brussels&limit=1", "?{each}&as=nobody", "")),),
    ("POST", "/api/v1/release/propose"): tuple(
        Drive(body={"partner": partner, "ids": ()}, turn="RELEASE") for partner in ("Brussels", "kyiv", "nobody")
    ),
    ("POST", "/api/v1/release/approve"): (
        Drive(body={"partner": "Brussels", "ids": (), "set": "", "password": PASSWORD}, turn="RELEASE"),
        Drive(body={"partner": "Kyiv", "ids": (), "set": "0", "password": PASSWORD}, turn="RELEASE"),
        Drive(body={"partner": "Kyiv", "ids": (), "set": "", "password": "wrong"}, turn="RELEASE"),
    ),
    ("POST", "/api/v1/release/stop"): (Drive(body={"partner": "Kyiv", "ids": ()}, turn="RELEASE"),),
    ("POST", "/api/v1/release/withdraw"): (
        Drive(body={"partner": "Brussels", "ids": (), "reason": "a sweep"}, turn="RELEASE"),
    ),
    ("POST", "/api/v1/release/revoke"): (
        Drive(body={"ids": ()}, turn="RELEASE"),
    ),
    ("GET", "/api/v1/release/found"): (Drive(("?as=Brussels&{each}", "?as=kyiv&{each}", "?as=nobody&{each}", "?as=Kyiv")),),
    ("POST", "/api/v1/release/clear"): (
        Drive(body={"partner": "Brussels", "ids": (), "texts": [WITHHELD_DIGEST], "password": PASSWORD}, turn="CLEAR"),
        Drive(body={"partner": "Kyiv", "ids": (), "texts": ["0" * 12], "password": "wrong"}, turn="RELEASE"),
    ),
    ("POST", "/api/v1/release/relabel"): (
        Drive(body={"ids": (), "label": "TLP:GREEN community=NATO", "dry_run": True}, turn="RELEASE"),
        Drive(body={"ids": (), "label": "TLP:GREEN community=EU"}, turn="RELEASE"),
    ),
    ("GET", "/api/v1/release/consents"): (Drive(("", "?limit=1", "?cursor=AAAA")),),
    ("POST", "/api/v1/release/consents/request"): (
        *(
            Drive(body={"partner": partner, "ids": (), "third_party": "Kyiv", "reason": "a sweep"}, turn="RELEASE")
            for partner in ("Brussels", "Kyiv", "nobody")
        ),
        Drive(body={"partner": "Kyiv", "label": "TLP:AMBER", "third_party": "CERT Riga", "reason": "a sweep"}, turn="RELEASE"),
    ),
    ("POST", "/api/v1/release/consents/grant"): (
        Drive(body={"partner": "Brussels", "label": "TLP:AMBER", "third_party": "CERT Riga", "password": PASSWORD}, turn="RELEASE"),
        Drive(body={"partner": "brussels", "ids": (), "third_party": "Kyiv", "password": PASSWORD}, turn="RELEASE"),
        Drive(body={"partner": "Kyiv", "ids": (), "third_party": "CERT Riga", "password": PASSWORD, "until": "2030-01-01T00:00:00Z"},
              turn="RELEASE"),
        Drive(body={"partner": "Kyiv", "ids": (), "third_party": "Kyiv", "password": "wrong"}, turn="RELEASE"),
    ),
    ("POST", "/api/v1/release/consents/end"): (
        Drive(body={"partner": "Brussels", "ids": (), "third_party": "Kyiv"}, turn="RELEASE"),
        Drive(body={"partner": "Brussels", "label": "TLP:AMBER", "third_party": "CERT Riga"}, turn="RELEASE"),
    ),
    ("GET", "/api/v1/release/rules"): (Drive(),),
    ("PUT", "/api/v1/release/rules"): (
        Drive(body=[{"name": "ask", "parts": True}, {"name": "open", "act": "send", "labels": ["TLP:CLEAR"]}], turn="RELEASE"),
        Drive(body=[{"name": "none", "partners": ["nobody"]}], turn="RELEASE"),
    ),
    ("GET", "/api/v1/release/rules/{rule}"): (Drive(),),
    ("DELETE", "/api/v1/release/rules/{rule}"): (Drive(),),
    ("POST", "/api/v1/release/rules/{rule}/approve"): (Drive(body={"password": PASSWORD}, turn="RELEASE"),),
    ("POST", "/api/v1/release/rules/{rule}/stop"): (Drive(turn="RELEASE"),),
    ("GET", "/api/v1/purges"): (Drive(),),
    ("POST", "/api/v1/purges"): (Drive(body="purge", headers=_JSON),),
    ("POST", "/api/v1/purges/{number}/confirm"): (Drive(),),
    ("POST", "/api/v1/purges/{number}/lift"): (Drive(),),
    ("DELETE", "/api/v1/purges/{number}"): (Drive(),),
    ("GET", _OBJECTS): (Drive(_FILTERS, headers=_ACCEPT),),
    ("POST", _OBJECTS): (Drive(body="envelope", headers=_SEND),),
    ("GET", f"{_OBJECTS}{{id}}/"): (
        Drive(("", "?match[version]=all&limit=1", "?match[version]=2026-01-12T00:00:00Z"), headers=_ACCEPT),
    ),
    ("DELETE", f"{_OBJECTS}{{id}}/"): (Drive(("?match[version]=2026-01-12T00:00:00Z", ""), headers=_ACCEPT),),
    ("GET", f"{_OBJECTS}{{id}}/versions/"): (Drive(("", "?limit=1"), headers=_ACCEPT),),
    ("GET", "/taxii2/real/collections/{collection}/manifest/"): (Drive(_FILTERS, headers=_ACCEPT),),
    ("GET", "/taxii2/real/status/{status}/"): (Drive(headers=_ACCEPT),),
    # What is asked for stands in the search box: for hidden words the other forms are asked.
    ("GET", "/objects"): tuple(
        Drive(("", "?q=power&limit=2", "?type=report&source=own", "?label=TLP:CLEAR&area=cyber-defence",
               "?value=198.51.100.7&limit=1", "?q=zzunknownzz", "?cursor=AAAA", "?domain=space&came=today", "?region=euro-atlantic",
               "?confidence=high&from=2026-01-01", "?confidence=unstated&to=2026-01-12"), headers=page)
        for page in _PAGE
    ),
    ("GET", "/find"): tuple(Drive(("", "?q=power", "?q=kyiv", "?q=zzunknownzz"), headers=page) for page in _PAGE),
    ("GET", "/links"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/links.json"): (Drive(),),
    ("GET", "/links.csv"): (Drive(),),
    ("GET", "/timeline"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/timeline.json"): (Drive(),),
    ("GET", "/timeline.csv"): (Drive(),),
    ("GET", "/air"): tuple(Drive(("", "?track=x"), headers=page) for page in _PAGE),
    ("GET", "/air.json"): (Drive(),),
    ("GET", "/air.csv"): (Drive(),),
    ("GET", "/find.json"): (Drive(("", "?q=power", "?q=report", "?q=203.0.113.7")),),  # it says what is asked for, too
    ("GET", "/find.csv"): (Drive(("", "?q=power")),),
    ("GET", "/objects.json"): (
        Drive(("", "?limit=2", "?q=power&limit=1", f"?q={SECRET}", "?source=partner:Brussels", "?label=TLP:GREEN%20community=EU")),
    ),
    ("GET", "/objects.csv"): (Drive(("", "?limit=2", f"?q={SECRET}")),),
    ("GET", "/objects/{id}"): (
        Drive(("", "?as=kyiv", "?as=Brussels", "?as=nobody", "?version=2026-01-12T00:00:00Z", "?version=x"), headers=_PAGE[0]),
        Drive(("",), headers=_PAGE[1]),
    ),
    ("GET", "/objects/{id}/graph"): (
        Drive(("", "?steps=3&type=campaign", "?steps=1&most=2", "?cursor=AAAA"), headers=_PAGE[0]), Drive(("",), headers=_PAGE[1]),
    ),
    ("GET", "/objects/{id}/graph.json"): (Drive(("?steps=3", "?steps=2&most=3")),),
    ("GET", "/objects/{id}/graph.csv"): (Drive(),),
    ("GET", "/objects/{id}/graph/drawing.json"): (Drive(("?steps=3", "?type=report&most=4")),),
    ("GET", "/release"): tuple(
        Drive(("", "?as=kyiv&state=offered", "?as=Brussels&state=withheld", "?as=Brussels&state=unproposed&limit=1", "?as=nobody"),
              headers=page)
        for page in _PAGE
    ),
    ("GET", "/release.json"): (Drive(("", "?as=kyiv&state=offered&limit=1", "?as=Brussels&state=withheld")),),
    ("GET", "/release.csv"): (Drive(("?as=Brussels&state=offered",)),),
    ("GET", "/release/look"): (
        Drive(("?as=Brussels&{each}", "?as=kyiv&{each}", "?as=nobody&{each}", ""), headers=_PAGE[0]),
    ),
    ("GET", "/partners"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/partners.json"): (Drive(),),
    ("GET", "/partners.csv"): (Drive(),),
    ("GET", "/partners/{partner}"): (Drive(headers=_PAGE[0]),),
    ("GET", "/release/consents"): tuple(Drive(("", "?limit=1"), headers=page) for page in _PAGE),
    ("GET", "/release/consents.json"): (Drive(("", "?limit=1")),),
    ("GET", "/release/consents.csv"): (Drive(),),
    ("GET", "/objects/{id}/cut"): (
        Drive(("?as=Brussels", "?as=kyiv", "?as=nobody", ""), headers=_PAGE[0]), Drive(("?as=Brussels",), headers=_PAGE[1]),
    ),
    ("POST", "/objects/{id}/cut"): (
        Drive(form={"as": "Brussels", "cut": "name", "label": "TLP:CLEAR", "keep": "OWN"}, turn="RELEASE"),
        Drive(form={"as": "Brussels", "cut": "description", "label": "TLP:CLEAR", "keep": "OWN", "shown": ""},
              turn="RELEASE"),
        Drive(form={"as": "Kyiv", "cut": "name", "label": "TLP:GREEN", "keep": "OWN", "sure": "yes", "shown": "x"}, turn="RELEASE"),
        Drive(form={"as": "nobody", "cut": "name"}, turn="RELEASE"),
    ),
    ("GET", "/objects/{id}/edit"): (Drive(("", "?how=json"), headers=_PAGE[0]), Drive(headers=_PAGE[1])),
    ("POST", "/objects/{id}/edit"): (
        Drive(form={"p.description": "edited by a sweep", "began": "@", "shown": ""}, turn="RELEASE"),
        Drive(form={"p.name": "edited", "began": "1767225600000000", "now": "0"}, turn="RELEASE"),
        Drive(form={"again": "1767225600000000"}, turn="RELEASE"),
        Drive(form={"json": "{}", "began": "1767225600000000"}, turn="RELEASE"),
    ),
    ("GET", "/objects/{id}/note"): (Drive(headers=_PAGE[0]), Drive(headers=_PAGE[1])),
    ("POST", "/objects/{id}/note"): (
        Drive(form={"kind": "note", "content": "noted by a sweep", "label": "TLP:CLEAR", "began": "@", "shown": ""}, turn="RELEASE"),
        Drive(form={"kind": "opinion", "opinion": "agree", "label": "OWN", "began": "@", "shown": ""}, turn="RELEASE"),
        Drive(form={"kind": "opinion", "opinion": "agree", "label": "OWN", "began": "0"}, turn="RELEASE"),
    ),
    ("POST", "/objects/{id}/take-back"): (Drive(form={}, turn="RELEASE"),),
    ("POST", "/objects/label"): (
        Drive(form={"id": "", "label": "TLP:GREEN community=NATO"}, turn="RELEASE"),
        Drive(form={"id": "", "label": "TLP:GREEN community=EU", "sure": "yes"}, turn="RELEASE"),
        Drive(form={"id": "", "label": ""}, turn="RELEASE"),
    ),
    ("POST", "/objects/tag"): (
        Drive(form={"id": "", "tag": "seen in the wild", "shown": ""}, turn="RELEASE"),
        Drive(form={"id": "", "tag": "seen in the wild", "what": "off", "shown": ""}, turn="RELEASE"),
        Drive(form={"id": "", "tag": ""}, turn="RELEASE"),
    ),
    ("POST", "/objects/export"): (
        Drive(form={"id": ""}, turn="RELEASE"),
        Drive(form={"id": "", "sure": "yes"}, turn="RELEASE"),
        Drive(form={"q": "power"}, turn="RELEASE"),
        Drive(form={"q": "power", "sure": "yes"}, turn="RELEASE"),
        Drive(form={"type": "campaign", "sure": "yes"}, turn="RELEASE"),
    ),
    ("POST", "/release/propose"): (Drive(form={"id": "", "as": "Brussels"}, turn="RELEASE"),),
    ("POST", "/release/approve"): (
        Drive(form={"id": "", "as": "Brussels", "set": "", "password": PASSWORD}, turn="RELEASE"),
        Drive(form={"id": "", "as": "Kyiv", "set": "0", "password": PASSWORD}, turn="RELEASE"),
        Drive(form={"id": "", "as": "Kyiv", "set": "", "password": "wrong"}, turn="RELEASE"),
    ),
    ("POST", "/release/stop"): (Drive(form={"id": "", "as": "Kyiv"}, turn="RELEASE"),),
    ("POST", "/release/withdraw"): (
        Drive(form={"id": "", "as": "Brussels", "reason": "a sweep"}, turn="RELEASE"),
        Drive(form={"id": "", "as": "Brussels", "reason": ""}, turn="RELEASE"),
    ),
    ("POST", "/release/rules/new"): tuple(
        Drive(form={"name": "tried", "approvers": "1", "do": "try", **terms}, turn="RELEASE")
        for terms in (
            {"act": "propose"}, {"act": "send", "parts": "yes", "more-types": "report\ncampaign"},
            {"act": "propose", "query": "power"}, {"act": "propose", "labels": "TLP:CLEAR", "partners": "Kyiv", "sources": "own"},
            {"act": "send", "areas": "cyber-defence", "partners": "nobody"}, {"act": "send", "confidence": "1", "do": "make"},
        )
    ),
    ("POST", "/release/consents/new"): (
        Drive(form={"what": "request", "as": "Kyiv", "to": "Brussels", "reason": "a sweep", "id": ""}, turn="RELEASE"),
        Drive(form={"what": "request", "as": "Brussels", "to": "Kyiv", "reason": "a sweep", "id": ""}, turn="RELEASE"),
        Drive(form={"what": "grant", "as": "brussels", "to": "Kyiv", "until": "2030-01-01T00:00", "id": ""}, turn="RELEASE"),
        Drive(form={"what": "grant", "as": "Brussels", "to": "Kyiv", "sure": "yes", "shown": "1.x", "password": PASSWORD, "id": ""},
              turn="RELEASE"),
        Drive(form={"what": "end", "as": "Brussels", "to": "Kyiv", "id": ""}, turn="RELEASE"),
        Drive(form={"what": "end", "as": "nobody", "to": "", "id": ""}, turn="RELEASE"),
        Drive(form={"what": "grant", "as": "Brussels", "to": "CERT Riga", "label": "TLP:AMBER"}, turn="RELEASE"),
    ),
    # a person of a partner reads its feed
    ("GET", "/feed"): tuple(Drive(("", "?limit=1", "?cursor=AAAA"), headers=page) for page in _PAGE),
    ("GET", "/feed.json"): (Drive(("", "?limit=1")),),
    ("GET", "/feed.csv"): (Drive(("", "?limit=2")),),
    ("GET", "/feed/{id}"): (
        Drive(("", "?version=2026-01-12T00:00:00Z", "?version=x"), headers=_PAGE[0]), Drive(headers=_PAGE[1]),
    ),
    ("GET", "/feed/withdrawn"): tuple(Drive(("", "?limit=1"), headers=page) for page in _PAGE),
    ("GET", "/feed/withdrawn.json"): (Drive(("", "?limit=1")),),
    ("GET", "/feed/withdrawn.csv"): (Drive(),),
    # silent ones
    ("GET", "/release/consents/new"): (
        Drive(("", "?what=grant&as=kyiv&to=CERT%20Riga&{each}", "?what=end&{each}", "?what=x"), headers=_PAGE[0]),
    ),
    ("GET", "/release/rules/new"): (Drive(("", "?rule=as-labelled", "?rule=none"), headers=_PAGE[0]),),
    ("GET", "/release/rules"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/release/rules.json"): (Drive(),),
    ("GET", "/release/rules.csv"): (Drive(),),
    ("POST", "/release/rules"): (
        Drive(form={"rule": "open", "act": "approve", "version": "1", "password": "wrong"}, turn="RELEASE"),
        Drive(form={"rule": "none", "act": "stop"}, turn="RELEASE"),
    ),
    ("GET", "/people"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/people.json"): (Drive(),),
    ("GET", "/people.csv"): (Drive(),),
    ("POST", "/partners/{partner}/people"): (
        Drive(form={"name": "not a name", "act": "add"}, turn="RELEASE"), Drive(form={"name": "owner", "act": "remove"}, turn="RELEASE"),
    ),
    ("GET", "/searches"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/searches.json"): (Drive(),),
    ("GET", "/searches.csv"): (Drive(),),
    ("POST", "/searches"): (
        Drive(form={"what": "save", "name": "power", "q": "power", "came": "today"}, turn="RELEASE"),
        Drive(form={"what": "save", "name": "", "q": "power"}, turn="RELEASE"),
        Drive(form={"what": "rename", "number": "1", "name": "other"}, turn="RELEASE"),
        Drive(form={"what": "remove", "number": "2"}, turn="RELEASE"),
    ),
    ("GET", "/sessions"): (Drive(headers=_PAGE[0]),),
    ("GET", "/sessions.json"): (Drive(),),
    ("GET", "/sessions.csv"): (Drive(),),
    ("GET", "/settings"): tuple(Drive(headers=page) for page in _PAGE),
    ("POST", "/settings"): (
        Drive(form={"act": "language", "language": ""}, turn="RELEASE"),
        Drive(form={"act": "password", "password": PASSWORD, "new": "short", "repeat": "short"}, turn="RELEASE"),
    ),
    ("POST", "/sessions"): (Drive(form={"number": "x"}, turn="RELEASE"),),
    ("POST", "/api/v1/jobs"): (
        Drive(("?kind=export", "?kind=export&type=report", "?kind=poll&partner=kyiv", ""), turn="ASK"),
        Drive(("?kind=import",), body="job", headers={"Content-Type": "application/json"}),
    ),
    ("DELETE", "/api/v1/jobs/{job}"): (Drive(),),
    ("GET", "/api/v1/me"): (Drive(),),
    ("GET", "/api/v1/openapi.json"): (Drive(),),
    ("GET", "/healthz"): (Drive(),),
    ("GET", "/readyz"): (Drive(),),
    ("GET", "/login"): tuple(Drive(headers=page) for page in _PAGE),
    ("POST", "/login"): (Drive(body="name=nobody&password=x", headers=_FORM),),
    ("GET", "/login/{secret}"): (Drive(),),
    ("POST", "/login/{secret}"): (Drive(headers=_FORM),),
    ("GET", "/login/{secret}/confirm"): (Drive(headers=_PAGE[0]),),
    ("POST", "/logout"): (Drive(headers=_FORM),),
    ("POST", "/language"): (Drive(body="language=ja&next=/", headers=_FORM),),
    ("GET", "/problems"): tuple(Drive(headers=page) for page in _PAGE),
    ("GET", "/problems/{slug}"): (Drive(),),
    ("GET", "/static/{name}"): (Drive(),),
    ("GET", "/taxii2/"): (Drive(headers=_ACCEPT),),
    ("GET", "/taxii2/real/"): (Drive(headers=_ACCEPT),),
    ("GET", "/taxii2/real/collections/"): (Drive(headers=_ACCEPT),),
    ("GET", "/taxii2/real/collections/{collection}/"): (Drive(headers=_ACCEPT),),
}  # fmt: skip

# Reads, then acts within one's rights, then reads of what they made of the node.
ORDER = ("GET", "CLEAR", "RELEASE", "GET", "PUT", "DELETE", "GET", "ASK", "STATUS")
AFTER = ("{status}/", "{job}", "{job}/result", "/api/v1/jobs")
# What is brought comes when all have read: who brings an id that is hidden from them is answered as if it were new, and does
# not find it afterwards.
LAST = ("POST", "STATUS", "CANCEL")
Answers = dict[tuple[str, str], list[bytes]]


def sweep(world: World, who: str | None, ids: list[str], turns: tuple[str, ...] = (*ORDER, *LAST)) -> Answers:
    """Every answer of every exit, as bytes with status and headers, by route."""
    found: Answers = {}
    ids = ids if who else ids[:2]
    for turn in turns:
        world.work()
        for route in [*((exit.method, exit.path) for exit in EXITS), *sorted(SILENT)]:
            for drive in DRIVES[route]:
                if turn == (drive.turn or _turn(*route)):
                    found.setdefault(route, []).extend(_driven(world, who, route, drive, ids))
    return found


def _turn(method: str, path: str) -> str:
    """When a route is asked: what speaks of what was brought or asked for comes after that."""
    if path.endswith(AFTER):
        return {"GET": "STATUS", "DELETE": "CANCEL"}.get(method, method)
    return method


def _driven(world: World, who: str | None, route: tuple[str, str], drive: Drive, ids: list[str]) -> Iterator[bytes]:
    # The last id is never deleted: what is brought afterwards finds it as it was.
    for path in _paths(world, who, route[1], ids[:-1] if route[0] == "DELETE" else ids):
        for query in drive.queries:
            filled = query.replace("{ids}", ",".join(ids[:8])).replace("{each}", "&".join(f"id={id}" for id in ids))
            for one in _each(drive, ids):
                yield from _asked(world, who, route[0], path + filled, one, ids)


def _each(drive: Drive, ids: list[str]) -> Iterator[Drive]:
    """The drive, or where it is about one object, one for each."""
    if isinstance(drive.body, dict) and drive.body.get("id") == "":
        yield from (drive._replace(body=drive.body | {"id": id}) for id in ids)
    else:
        yield drive


def _paths(world: World, who: str | None, template: str, ids: list[str]) -> Iterator[str]:
    places = {
        "id": ids, "collection": COLLECTIONS[who], "secret": ("kzl_unknown",), "slug": ("not-found", "none"),
        "name": ("kizuna.css", "none"), "partner": ("kyiv", "none"), "number": ("1", "2", "77", "x"),
        "rule": ("as-labelled", "open", "none"),
        # one's own, and other people's, who may have told them
        "status": [*world.statuses.get(who or "", ()), *(s for w, some in world.statuses.items() if w != who for s in some[:1]),
                   "00000000-0000-4000-8000-000000000000"],
        "job": [*world.jobs.get(who or "", ()), *(j for w, some in world.jobs.items() if w != who for j in some[:2]),
                "00000000-0000-4000-8000-000000000000"],
    }  # fmt: skip
    paths = [template]
    for name in re.findall(r"\{(\w+)\}", template):
        paths = [path.replace(f"{{{name}}}", quote(value)) for path in paths for value in places[name]]
    yield from paths


def _asked(world: World, who: str | None, method: str, target: str, drive: Drive, ids: list[str]) -> Iterator[bytes]:
    """The answer, and those of the pages behind it."""
    form = drive.form
    if form is not None and form.get("shown") == "":
        shown = world.ask(None, "GET", target, headers={"Accept": "text/html", **world.logged_in(who)})
        began = re.findall(rb'name="began" value="([^"]*)"', shown.body)
        if began and form.get("began") == "@":
            drive = drive._replace(form={**form, "began": began[0].decode()})
        body, headers, sender = _sent(world, who, drive, ids)
        page = world.ask(sender, method, target, body, headers)
        yield _record(page)
        found = re.findall(rb'<input type="hidden" name="(shown|began)" value="([^"]*)"', page.body)
        drive = drive._replace(form={**form, "sure": "yes", **{k.decode(): v.decode() for k, v in found}})
        world.clock.now += 1_000_000
    body, headers, sender = _sent(world, who, drive, ids)
    following: str | None = ""
    while following is not None:
        world.clock.now += 1_000_000 if method != "GET" else 0  # no two acts at one moment
        reply = world.ask(sender, method, target + following, body, headers)
        yield _record(reply)
        world.noted(who, method, reply)
        token = reply.json().get("next") if reply.status == 200 and reply.body.startswith(b"{") else None
        name = "next" if target.startswith("/taxii2/") else "cursor"
        following = f"{'&' if '?' in target else '?'}{name}={token}" if token else None


def _sent(world: World, who: str | None, drive: Drive, ids: list[str]) -> tuple[bytes, Mapping[str, str], str | None]:
    """The body, the headers, and whose token goes with them."""
    if drive.body in ("bundle", "envelope", "job"):
        return _brought(ids, drive.body), drive.headers, who
    if drive.body == "purge":
        told = {"id": next(iter(ids), named("campaign", "unknown")), "reason": "a sweep"}
        return json.dumps(told).encode(), drive.headers, who
    if drive.form is not None:
        return _filled(world, who, drive.form, ids)
    if isinstance(drive.body, str):
        return drive.body.encode(), drive.headers, who
    body = drive.body
    if isinstance(body, dict) and "ids" in body:
        body = body | {"ids": ids}
    if isinstance(body, dict) and body.get("set") == "":
        body = body | {"set": world.shown(who, body["partner"], ids)}
    session = world.logged_in(who)
    return json.dumps(body).encode(), _JSON | session, None if session else who


def _filled(
    world: World, who: str | None, form: Mapping[str, str], ids: list[str]
) -> tuple[bytes, Mapping[str, str], str | None]:
    """A form as a page sends it."""
    session = world.logged_in(who)
    fields = [(name, value) for name, value in form.items() if name != "id"]
    if "id" in form:
        fields += [("id", id) for id in ids]
    if form.get("set") == "":
        fields = [(name, value) for name, value in fields if name != "set"]
        fields.append(("set", world.shown(who, form["as"], ids)))
    fields.append(("csrf", session.get("X-CSRF-Token", "")))
    cookie = {"Cookie": session["Cookie"]} if session else {}
    return urlencode(fields).encode(), {**_FORM, "Accept": "text/html", **cookie}, None if session else who


def _brought(ids: list[str], container: str) -> bytes:
    """Campaigns of all these ids with other content."""
    sent = [
        campaign("x", description="brought by a sweep", object_marking_refs=[CLEAR]) | {"id": id}
        for id in ids
        if id.startswith("campaign--")
    ]
    # What a request has brought, no job brings once more: it would be told what was there already.
    sent = sent[container == "job" :: 2]
    return json.dumps({"objects": sent}).encode() if container == "envelope" else bundle(*sent)


def _record(reply: Reply) -> bytes:
    headers = plain(b"\n".join(name + b": " + value for name, value in sorted(reply.headers)))
    if b'"kind":' in reply.body:  # a tag of what has a random number in it
        headers = _TAG.sub(rb"\1~", headers)
    return b"%d\n%b\n\n%b" % (reply.status, headers, plain(reply.body))
