"""Twenty people of every role and of two partners at the window at once, over 20,000 objects: each gets their own, every form does once."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import httpx
import pytest

from kizuna.store import Query
from kizuna.store.standing import FIRST, Rules
from tests.builders import campaign
from tests.stores import Databases
from tests.web.conftest import OPEN, PASSWORD, Node
from tests.web.sets import large
from tests.web.test_remarks import about, asked
from tests.web.test_window import form_of

ROLES = ("reader", "analyst", "releaser", "operator")
PARTNERS = {"Brussels": "BEL", "Kyiv": "UKR"}
ROUNDS = 2
PLACES = (
    "/", "/objects", "/objects?q=canary", "/objects?type=indicator&domain=cyber", f"/objects/{OPEN['id']}",
    f"/objects/{OPEN['id']}?as=Kyiv",
    f"/objects/{OPEN['id']}/graph", "/release?as=Brussels&state=offered", "/release/rules", "/partners", "/timeline", "/find?q=canary",
    "/objects.json?q=canary", "/searches", "/sessions",
)  # fmt: skip
PLACES_OF_VISITORS = ("/feed", "/feed.json", "/feed/withdrawn")


class Person(NamedTuple):
    """Somebody who reads: their name, what nobody else of theirs sees, their language and browser, and the mark of their session."""

    name: str
    canary: dict[str, Any]
    partner: str | None
    language: str
    browser: httpx.Client
    csrf: str

    def gets(self, path: str) -> str:
        """A page, which is theirs alone."""
        return self.owns(self.browser.get(path), path)

    def sends(self, path: str, **fields: Any) -> str:
        """What a form of theirs is answered, which is theirs alone; sent twice, as by an impatient hand."""
        form = {"csrf": self.csrf, **fields}
        first = self.owns(self.browser.post(path, data=form), path)
        again = self.browser.post(path, data=form)
        if again.status_code != 409:  # it is no longer what was shown
            self.owns(again, path)
        return first

    def owns(self, answer: httpx.Response, path: str) -> str:
        """The text of an answer that is well and holds nothing of others."""
        assert answer.status_code == 200, (self.name, path, answer.status_code, answer.text[:300])
        mine = {self.canary["name"]} if self.partner else {self.canary["name"], *(f"canary-{one}" for one in PARTNERS)}
        assert set(re.findall(r"canary-[\w-]+\w", answer.text)) <= mine, (self.name, path)
        if answer.headers["content-type"].startswith("text/html"):
            assert answer.headers["content-language"] == self.language, (self.name, path)
            assert set(re.findall(r'class="person"[^>]*>([\w-]+)', answer.text)) == {self.name}, (self.name, path)
            assert set(re.findall(r'name="csrf" value="(\w+)"', answer.text)) == {self.csrf}, (self.name, path)
        return answer.text


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Iterator[Node]:
    """A node with a lot, where nothing leaves by itself but what the partners have."""
    with databases() as url, large(tmp_path_factory.mktemp("large"), url) as made:
        for partner, country in PARTNERS.items():
            made.put(campaign(f"canary-{partner}"), label=f"TLP:AMBER to={country}")
        Rules(made.store).remove(FIRST, by="owner")
        yield made


@pytest.fixture(scope="module")
def people(node: Node) -> list[Person]:
    """Four of each role, and two of each partner, who have each something to see or to let out that is theirs."""
    made = []
    for number in range(4):
        language = ("en", "ja")[number % 2]
        for role in ROLES:
            name = f"{role}-{number}"
            node.accounts.add_user(name, [role], by="test")
            if role == "releaser":
                node.accounts.set_password(name, PASSWORD, by="test")
            node.put(canary := campaign(f"canary-{name}"), label=f"TLP:RED persons={name}")
            node.put(campaign(f"waits for {name}"), label="TLP:CLEAR")
            made.append(person(name, canary, None, language, node.browser(name, language)))
        partner = tuple(PARTNERS)[number // 2]
        name = f"visitor-{number}"
        made.append(
            person(name, campaign(f"canary-{partner}"), partner, language, node.visitor(partner, language, name))
        )
    return made


def person(name: str, canary: dict[str, Any], partner: str | None, language: str, browser: httpx.Client) -> Person:
    """Somebody who has just come in."""
    (csrf,) = set(re.findall(r'name="csrf" value="(\w+)"', browser.get("/feed" if partner else "/").text))
    return Person(name, canary, partner, language, browser, csrf)


def reads(one: Person) -> None:
    """Look at every page in an order of one's own."""
    places = [*PLACES_OF_VISITORS] if one.partner else [*PLACES]
    random.Random(one.name).shuffle(places)
    for path in places:
        one.gets(path)
    lists, place = ("/feed", "/feed/") if one.partner else ("/objects?q=canary", "/objects/")
    for path in (lists, f"{place}{one.canary['id']}"):
        assert one.canary["name"] in one.gets(path), path


def acts(one: Person) -> None:
    """Do what one's role lets one do."""
    if one.partner:
        return
    one.sends("/searches", what="save", name=f"search of {one.name}", q="open")
    if one.name.startswith("analyst"):
        path = f"/objects/{OPEN['id']}/note"
        fields = asked(one.gets(path), path) | {"content": f"note of {one.name}"}
        one.sends(path, **asked(one.sends(path, **fields), path) | {"sure": "yes"})
    if one.name.startswith("releaser"):
        waits = {"as": "Brussels", "id": campaign(f"waits for {one.name}")["id"]}
        shown = form_of(one.sends("/release/propose", **waits), "/release/approve")
        one.sends("/release/approve", **waits, set=shown["set"], password=PASSWORD)


def test_each_gets_their_own_and_every_form_does_once(node: Node, people: list[Person]) -> None:
    assert len(people) == 20
    begin = Barrier(len(people))

    def visit(one: Person) -> None:
        begin.wait(60)
        for turn in range(ROUNDS):
            reads(one)
            if turn == 0:
                acts(one)

    with ThreadPoolExecutor(len(people)) as pool:
        for done in [pool.submit(visit, one) for one in people]:
            done.result()

    for one in people:
        if not one.partner:
            found = [row["name"] for row in one.browser.get("/searches.json").json()["items"]]
            assert found == [f"search of {one.name}"]
    assert sorted(re.findall(r"note of analyst-\d", " ".join(note.raw.decode() for note in about(node)))) == [
        f"note of analyst-{number}" for number in range(4)
    ]
    waited = {campaign(f"waits for releaser-{number}")["id"]: f"releaser-{number}" for number in range(4)}
    feed = [row.id for row in node.store.feed("Brussels").read(Query(versions=("all",)), 0, 100_000).rows]
    assert {id: feed.count(id) for id in waited} == dict.fromkeys(waited, 1)
    told = Counter((entry["actor"], entry["act"]) for entry in node.store.audit_trail(10_000))
    assert {told[name, "release.approve"] for name in waited.values()} == {1}
