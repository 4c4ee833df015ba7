"""Every link that somebody is shown leads somewhere, whoever they are, and to nothing that they may not see."""

from __future__ import annotations

import html
import re
from collections import Counter, deque

import httpx
import pytest

from tests.builders import campaign
from tests.stores import SQLITE
from tests.web.conftest import SECRET, Node

pytestmark = SQLITE
MOST, ALIKE = 300, 3
"""Pages that are visited, and of those alike but for ids and words."""
LINK = re.compile(r'(?:href|src|hx-get)="(/[^"]*)"')


@pytest.mark.parametrize("role", ["reader", "analyst", "releaser", "programme-officer", "operator", "visitor"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_link_leads_somewhere(node: Node, role: str, language: str) -> None:
    canary = campaign("hidden canary")
    node.put(canary, label="TLP:RED persons=somebody.else", partner="Kyiv")
    if role == "visitor":
        node.accounts.add_person_of("Brussels", "somebody", by="test")
    else:
        node.accounts.add_user("somebody", [role], by="test")
    stated = {"Accept": "text/html", "Accept-Language": language}
    with httpx.Client(base_url=node.url, headers=stated, follow_redirects=True, timeout=60) as browser:
        browser.get(f"/login/{node.accounts.create_link('somebody', by='test')}")
        visited, alike, todo = set[str](), Counter[str](), deque(["/"])
        while todo and len(visited) < MOST:
            place = todo.popleft()
            kind = re.sub(r"--[0-9a-f-]{36}|(?<=[?&])(q|value|cursor|from|to)=[^&]*", "", place)
            if place in visited or alike[kind] >= ALIKE:
                continue
            visited.add(place)
            alike[kind] += 1
            answer = browser.get(place)
            assert answer.status_code == 200, (place, answer.text[:300])
            assert not [one for one in (SECRET["id"], canary["id"], "hidden canary") if one in answer.text], place
            if answer.headers["content-type"].startswith("text/html"):
                todo += [html.unescape(found).partition("#")[0] for found in LINK.findall(answer.text)]
    assert len(visited) > (8 if role == "visitor" else 60)
