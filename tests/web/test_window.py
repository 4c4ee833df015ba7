"""The pages of the window: the same rows in each form, who sees what and why, and acts that are shown before they are done."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from kizuna.clock import from_text
from kizuna.labels import format_label, parse_label
from kizuna.store.consents import Consents
from kizuna.store.releasing import Releases
from kizuna.store.searches import Searches
from kizuna.store.standing import Named, Rules
from kizuna.web.listing import Listing, as_csv, as_json
from kizuna.web.naming import PROPERTIES, TYPES, defanged, highest, level, title_of
from tests.builders import campaign, identity, relationship, sdo
from tests.web.conftest import GREEN, LINKED, OPEN, OWN, PASSWORD, REPORT, SECRET, Node

LISTS = (
    "/objects",
    "/searches",
    "/release?as=Kyiv&state=withheld",
    "/partners",
    "/sessions",
    "/release/rules",
    "/people",
)


def rows_of(browser: httpx.Client, path: str, form: str) -> list[dict[str, Any]]:
    """The rows of a list in one of its other forms."""
    place, _, query = path.partition("?")
    answer = browser.get(f"{place}.{form}?{query}")
    assert answer.status_code == 200
    if form == "csv":
        return list(csv.DictReader(io.StringIO(answer.text)))
    told = answer.json()
    assert [key for key, value in told.items() if isinstance(value, list)] == ["items"]
    items: list[dict[str, Any]] = told["items"]
    return items


def alike(browser: httpx.Client, path: str) -> int:
    """How many rows a list has, which are the same in each of its forms."""
    told = rows_of(browser, path, "json")
    as_text = [{key: "" if value is None else str(value) for key, value in row.items()} for row in told]
    assert rows_of(browser, path, "csv") == as_text
    page = browser.get(path).text
    first = {
        "/objects": "id",
        "/partners": "name",
        "/sessions": "number",
        "/searches": "number",
        "/release/rules": "rule",
        "/people": "name",
    }.get(path.partition("?")[0], "id")
    for row in told:
        assert str(row[first]) in page
    return len(told)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_the_same_rows_in_each_form(node: Node, path: str) -> None:
    browser = node.browser()
    Searches(node.store, "owner").save("a search", "q=power")
    assert alike(browser, path) > 0


def test_pages_of_a_list_follow_one_another(node: Node) -> None:
    browser = node.browser()
    everything = [row["id"] for row in rows_of(browser, "/objects", "json")]
    found, path = [], "/objects?limit=2"
    while path:
        page = browser.get(path).text
        found += re.findall(r'name="id" value="([^"]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == everything


def test_facets_narrow_and_widen(node: Node) -> None:
    browser = node.browser()
    page = browser.get("/objects?type=campaign&area=cyber-defence").text
    assert re.findall(r'name="id" value="([^"]+)"', page) == [OWN["id"], OPEN["id"]]
    assert 'href="/objects?area=cyber-defence"' in page  # what removes the type
    assert SECRET["id"] not in browser.get("/objects").text
    assert "somebody.else" not in browser.get("/objects").text


def test_pages_are_narrowed_by_domain_region_time_and_confidence(node: Node) -> None:
    sure, odd = campaign("sure", confidence=80), campaign("odd", confidence=0)
    node.put(sure, odd, label="TLP:CLEAR")
    browser = node.browser()
    for query, found in (
        ("confidence=high", [sure["id"]]),
        ("confidence=none&came=today&domain=cyber&region=indo-pacific", [odd["id"]]),
        ("confidence=none&domain=space", []),
        ("region=euro-atlantic", []),
        ("from=2999-01-01", []),
        ("to=2020-01-01T00:00:00Z", []),
    ):
        page = browser.get(f"/objects?{query}")
        assert page.status_code == 200
        assert re.findall(r'name="id" value="([^"]+)"', page.text) == found, query
    told = browser.get("/objects?confidence=none&domain=cyber").text
    assert 'href="/objects?domain=cyber"' in told
    assert 'href="/objects?confidence=none"' in told
    assert 'href="/objects?domain=cyber&amp;came=today&amp;confidence=none"' in told
    assert "confidence none (0)" in told
    assert "高 (70~100)" in node.browser(language="ja").get("/objects").text
    assert browser.get("/objects?from=yesterday").status_code == 400


def test_days_are_the_node_s_own(node: Node) -> None:
    from kizuna.web.narrowing import moment, spans

    tokyo = ZoneInfo("Asia/Tokyo")
    assert moment("2026-01-01", tokyo, path="") == from_text("2025-12-31T15:00:00Z")
    assert moment("2026-01-01", tokyo, path="", after=True) == from_text("2026-01-01T15:00:00Z")
    assert moment("2026-01-01T00:00:00Z", tokyo, path="", after=True) == from_text("2026-01-01T00:00:00Z")
    told = spans(node.store)
    today, week, month, year = (since or 0 for since, _ in told[:4])
    day = 24 * 3600 * 1_000_000
    assert node.store.clock() - day < today <= node.store.clock()
    assert (today - week, today - month) == (6 * day, 29 * day)
    assert told[3:] == ((year, None), (None, year))


def test_a_search_that_finds_nothing_says_what_to_do(node: Node) -> None:
    page = node.browser().get("/objects?q=zzunknown").text
    assert "Remove a word or a choice." in page


@pytest.mark.parametrize("id", [SECRET["id"], campaign("nobody has it")["id"], "x", "..%2f..%2fetc%2fpasswd"])
@pytest.mark.parametrize("end", ["", ".json", ".csv", ".xml"])
def test_hidden_and_absent_are_one_answer(node: Node, id: str, end: str) -> None:
    browser = node.browser()
    absent = browser.get(f"/objects/{campaign('absent')['id']}")
    answer = browser.get(f"/objects/{id}{end}")
    assert answer.status_code == 404
    cleared = re.sub(r"<code>[0-9a-f]{32}</code>|value=\"/objects[^\"]*\"", "", answer.text)
    assert cleared == re.sub(r"<code>[0-9a-f]{32}</code>|value=\"/objects[^\"]*\"", "", absent.text)


def test_an_object_says_who_sees_it_and_why(node: Node) -> None:
    page = node.browser().get(f"/objects/{OPEN['id']}").text
    assert "Brussels" in page
    assert "its label allows it" in page
    assert "no category names the partner" in page  # Kyiv is set to receive nothing
    assert OPEN["name"] in page
    assert f'href="/objects/{LINKED["id"]}"' in page
    assert "attributed-to" in page


def test_an_object_as_a_partner_sees_it(node: Node) -> None:
    marked = campaign("marked", description="for us alone")
    strict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"  # TLP:AMBER+STRICT
    marked["granular_markings"] = [{"marking_ref": strict, "selectors": ["description"]}]
    node.put(marked, label="TLP:CLEAR")
    browser = node.browser()
    page = browser.get(f"/objects/{marked['id']}").text
    assert "in part" in page
    assert 'class="cut"' in page
    told = browser.get(f"/objects/{marked['id']}.json?as=Brussels").json()
    assert "description" not in told
    assert told["id"] != marked["id"]
    assert "for us alone" not in browser.get(f"/objects/{marked['id']}?as=Brussels").text.partition('id="who"')[0]
    assert browser.get(f"/objects/{OWN['id']}?as=Brussels").text.count("This partner gets nothing of it.") == 1
    assert browser.get(f"/objects/{marked['id']}?as=Nobody").status_code == 404


def test_history_tells_what_changed(node: Node) -> None:
    changed = OPEN | {"modified": "2026-02-01T00:00:00.000Z", "description": "now we know more"}
    node.put(changed, label="TLP:CLEAR")
    page = node.browser().get(f"/objects/{OPEN['id']}").text
    assert '<ins><bdi lang="">now we know more</bdi></ins>' in page
    old = node.browser().get(f"/objects/{OPEN['id']}?version={quote(OPEN['modified'])}").text
    assert "now we know more" not in old.partition('id="history"')[0]


def test_notes_stand_beside_the_object(node: Node) -> None:
    node.put(sdo("note", "n", content="seen again", object_refs=[OPEN["id"]]), label="TLP:CLEAR")
    assert "seen again" in node.browser().get(f"/objects/{OPEN['id']}").text


def test_where_and_when_it_was_seen(node: Node) -> None:
    seen = campaign("seen", first_seen="2026-02-03T04:05:06Z")
    place = sdo("location", "Harbour", country="JP")
    watcher = identity("Watcher")
    sighting = sdo(
        "sighting",
        "s",
        sighting_of_ref=seen["id"],
        where_sighted_refs=[watcher["id"]],
        first_seen="2026-02-04T00:00:00Z",
        count=7,
    )
    del sighting["name"]
    hidden = sdo("sighting", "h", sighting_of_ref=seen["id"], first_seen="2026-02-05T00:00:00Z", count=8)
    del hidden["name"]
    node.put(seen, place, watcher, relationship(seen, "located-at", place), sighting, label="TLP:CLEAR")
    node.put(hidden, label="TLP:RED persons=somebody.else")
    section = node.browser().get(f"/objects/{seen['id']}").text.partition('id="where"')[2].partition("</section>")[0]
    for text in ("2026-02-03 13:05 JST", "located-at", "Harbour", "2026-02-04 09:00 JST", "<td>7</td>", "Watcher"):
        assert text in section, text
    assert hidden["id"] not in section
    assert "2026-02-05" not in section
    itself = node.browser().get(f"/objects/{sighting['id']}").text.partition('id="where"')[2].partition("</section>")[0]
    assert "Watcher" in itself
    assert 'id="where"' not in node.browser().get(f"/objects/{OPEN['id']}").text


def test_who_reported_it_row_by_row(node: Node) -> None:
    node.put(OPEN, label="TLP:GREEN", partner="Kyiv")
    node.put(OPEN, label="TLP:RED persons=somebody.else", partner="Brussels")
    section = node.browser().get(f"/objects/{OPEN['id']}").text.partition('id="reported"')[2].partition("</section>")[0]
    assert re.findall(r'<tr><td><bdi lang="">([^<]+)</bdi>', section) == ["Kyiv", "this organisation"]
    assert re.findall(r'class="tlp ([^"]+)"', section) == ["tlp-green", "tlp-clear"]


# What people do


def form_of(page: str, action: str) -> dict[str, Any]:
    """The hidden fields of a form of a page."""
    form = page.partition(f'action="{action}"')[2].partition("</form>")[0]
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    return fields


def waits(node: Node) -> str:
    """An object that a person has to let out to Brussels."""
    Rules(node.store).remove("as-labelled", by="owner")
    one = campaign("a thing that waits")
    node.put(one, label="TLP:CLEAR")
    return str(one["id"])


def test_approving_takes_the_password_and_exactly_what_was_shown(node: Node) -> None:
    id = waits(node)
    node.accounts.set_password("owner", PASSWORD, by="test")
    browser = node.browser()
    assert id in browser.get("/release?as=Brussels&state=unproposed").text
    asked = form_of(browser.get(f"/release/look?as=Brussels&id={id}").text, "/release/propose")
    assert browser.post("/release/propose", data=asked).status_code == 200
    assert id in browser.get("/release?as=Brussels").text
    page = browser.get(f"/release/look?as=Brussels&id={id}").text
    fields = form_of(page, "/release/approve")
    assert fields["id"] == [id]
    wrong = browser.post("/release/approve", data=fields | {"password": "not mine at all"})
    assert wrong.status_code == 403
    assert "This is not your password." in wrong.text
    assert form_of(wrong.text, "/release/approve") == fields
    node.put(campaign("a thing that waits", modified="2026-03-01T00:00:00.000Z", description="more"), label="TLP:CLEAR")
    stale = browser.post("/release/approve", data=fields | {"password": PASSWORD})
    assert stale.status_code == 409
    assert "Nothing was done" in stale.text
    assert Releases(node.store).items("Brussels", [id])[0].state == "unproposed"  # the new version is asked about anew
    done = browser.post("/release/approve", data=form_of(stale.text, "/release/approve") | {"password": PASSWORD})
    assert done.status_code == 200
    assert "Done. 1 now in the feed of Brussels" in done.text
    again = browser.post("/release/approve", data=form_of(stale.text, "/release/approve") | {"password": PASSWORD})
    assert Releases(node.store).items("Brussels", [id])[0].state == "offered"
    assert again.status_code in (200, 409)


def test_taking_back_asks_why_and_keeps_what_was_chosen(node: Node) -> None:
    browser = node.browser()
    page = browser.get(f"/release/look?as=Brussels&id={OPEN['id']}").text
    fields = form_of(page, "/release/withdraw")
    refused = browser.post("/release/withdraw", data=fields)
    assert refused.status_code == 422
    assert form_of(refused.text, "/release/withdraw") == fields
    assert browser.post("/release/withdraw", data=fields | {"reason": "a mistake"}).status_code == 200
    assert Releases(node.store).items("Brussels", [OPEN["id"]])[0].state == "withdrawn"
    assert "propose" not in page.partition('id="deeds"')[2]  # it left already


def test_a_label_is_shown_before_it_is_set(node: Node) -> None:
    browser = node.browser()
    csrf = form_of(browser.get("/objects").text, "/objects/label")["csrf"]
    fields = {"csrf": csrf, "id": [OPEN["id"]], "label": "TLP:AMBER+STRICT"}
    shown = browser.post("/objects/label", data=fields).text
    assert "Nothing is changed yet." in shown
    assert "Brussels" in shown
    assert node.store.custodian().get(OPEN["id"]).label == parse_label("TLP:CLEAR", originator=node.store.organisation)  # type: ignore[union-attr]
    assert (
        "Done. Objects that have the label now: 1." in browser.post("/objects/label", data=fields | {"sure": "y"}).text
    )
    assert level(node.store.custodian().get(OPEN["id"]).label) == "TLP:AMBER+STRICT"  # type: ignore[union-attr]
    assert browser.post("/objects/label", data=fields | {"label": "TLP:PURPLE"}).status_code in (400, 422)


def test_a_label_is_undone_the_same_way_and_what_left_is_withdrawn(node: Node) -> None:
    browser = node.browser()
    csrf = form_of(browser.get("/objects").text, "/objects/label")["csrf"]
    fields = {"csrf": csrf, "id": [OPEN["id"], GREEN["id"]], "label": "TLP:AMBER+STRICT"}
    done = browser.post("/objects/label", data=fields | {"sure": "y"}).text.partition('id="undo"')[2]
    forms = [
        form_of(f'action="/objects/label"{one}', "/objects/label") for one in done.split('action="/objects/label"')[1:]
    ]
    assert [(form["label"], form["id"]) for form in forms] == [
        (["TLP:CLEAR"], [OPEN["id"]]), (["TLP:GREEN"], [GREEN["id"]])
    ]  # fmt: skip
    shown = browser.post("/objects/label", data=forms[0]).text
    assert "Nothing is changed yet." in shown
    back = browser.post(
        "/objects/label", data=form_of(shown, "/objects/label") | {"label": "TLP:CLEAR", "sure": "yes"}
    ).text
    assert "Withdraw from Brussels…" in back  # it is in the feed again
    assert "<button>Undo" not in back
    assert format_label(node.store.custodian().get(OPEN["id"]).label) == "TLP:CLEAR"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "path", ["/release/approve", "/release/stop", "/release/propose", "/release/withdraw", "/objects/label"]
)
def test_nobody_acts_without_right_or_from_elsewhere(node: Node, path: str) -> None:
    owner, reader = node.browser("owner"), node.browser("reader")
    csrf = form_of(owner.get("/objects").text, "/objects/label")["csrf"]
    fields = {"id": [OPEN["id"]], "as": "Brussels", "label": "PUBLIC", "reason": "x", "password": PASSWORD, "sure": "y"}
    assert owner.post(path, data=fields).status_code == 403
    assert owner.post(path, data=fields | {"csrf": csrf}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    own = re.findall(r'name="csrf" value="([^"]+)"', reader.get("/objects").text)[0]
    assert reader.post(path, data=fields | {"csrf": own}).status_code == 403
    assert httpx.post(f"{node.url}{path}", data=fields, headers={"Accept": "text/html"}).status_code == 401
    token = node.client("owner")
    assert token.post(path, data=fields | {"csrf": csrf}).status_code in (401, 403)
    assert Releases(node.store).items("Brussels", [OPEN["id"]])[0].state == "offered"


def test_a_rule_counts_once_people_said_so(node: Node) -> None:
    node.accounts.set_password("owner", PASSWORD, by="test")
    terms = {"name": "reports", "act": "send", "types": ["report"], "labels": ["TLP:CLEAR"]}
    Rules(node.store).put([msgspec.convert(terms, Named)], by="owner")
    browser = node.browser()
    page = browser.get("/release/rules").text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    fields = {"csrf": csrf, "rule": "reports", "act": "approve", "version": "1"}
    for given in ({}, {"password": "not mine at all"}):
        refused = browser.post("/release/rules", data=fields | given)
        assert refused.status_code == 403
        assert not Rules(node.store).named("reports").granted
    assert browser.post("/release/rules", data=fields | {"password": PASSWORD, "version": "7"}).status_code == 409
    assert browser.post("/release/rules", data=fields | {"password": PASSWORD}).status_code == 200
    assert Rules(node.store).named("reports").granted
    assert browser.post("/release/rules", data=fields | {"act": "stop"}).status_code == 200
    assert Rules(node.store).named("reports").stopped
    assert browser.post("/release/rules", data=fields | {"act": "remove"}).status_code == 200
    assert "reports" not in browser.get("/release/rules").text
    assert browser.post("/release/rules", data=fields | {"act": "paint"}).status_code == 400


def test_consents_are_listed_to_who_sees_the_objects(node: Node) -> None:
    Consents(node.store).grant("Brussels", [OPEN["id"]], "CERT Riga (fictional)", by="owner")
    browser = node.browser()
    page = browser.get("/release/consents").text
    assert "CERT Riga" in page
    assert OPEN["name"] in page
    (row,) = rows_of(browser, "/release/consents", "json")
    assert (row["kind"], row["partner"], row["ids"]) == ("consent", "Brussels", OPEN["id"])


def test_partners_of_the_node_and_their_tokens(node: Node) -> None:
    assert "read, write" in node.browser("owner").get("/partners/Brussels").text
    assert "read, write" not in node.browser("reader").get("/partners/brussels").text
    assert node.browser().get("/partners/Nobody").status_code == 404


def test_a_session_is_ended_from_the_list(node: Node) -> None:
    other, browser = node.browser("reader"), node.browser("reader")
    page = browser.get("/sessions").text
    number = rows_of(browser, "/sessions", "json")[1]["number"]
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    assert browser.post("/sessions", data={"csrf": csrf, "number": number}).status_code == 200
    assert other.get("/objects").url.path == "/login"
    assert len(rows_of(browser, "/sessions", "json")) == 1
    theirs = rows_of(node.browser("owner"), "/sessions", "json")[0]["number"]
    assert browser.post("/sessions", data={"csrf": csrf, "number": theirs}).status_code == 404


def test_people_are_for_operators(node: Node) -> None:
    assert node.browser("reader").get("/people").status_code == 403
    assert 'href="/people"' not in node.browser("reader").get("/sessions").text
    assert 'href="/people"' in node.browser("owner").get("/sessions").text


def test_who_is_not_logged_in_is_led_to_the_door(node: Node) -> None:
    for path in ("/objects", f"/objects/{OPEN['id']}", "/release", "/partners", "/sessions"):
        asked = httpx.get(f"{node.url}{path}", headers={"Accept": "text/html"})
        assert (asked.status_code, asked.headers["location"]) == (303, "/login"), path
    assert httpx.get(f"{node.url}/objects.json", headers={"Accept": "text/html"}).status_code == 401
    assert node.client("partner").get("/objects.json").status_code == 403


def test_a_misspelt_question_is_told_and_not_passed_over(node: Node) -> None:
    browser = node.browser()
    for path in ("/objects", "/objects.csv", "/release.json", "/partners", f"/objects/{OPEN['id']}"):
        assert browser.get(f"{path}?tpye=report").status_code == 400, path


def test_the_language_of_a_refused_form_leads_to_a_page_that_is_there(node: Node) -> None:
    refused = node.browser().post("/release/stop", data={"id": OPEN["id"]})
    assert refused.status_code == 403
    assert 'name="next" value="/"' in refused.text


# Words


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}",
    "'--",
    "</title><svg onload=x>",
)


def test_what_partners_write_stays_text(node: Node) -> None:
    hostile = [
        campaign(f"hostile {number}", description=text, aliases=[text], labels=[text], objective=text) | {"name": text}
        for number, text in enumerate(PAYLOADS)
    ]
    node.put(*hostile, relationship(hostile[0], "related-to", hostile[1], description=PAYLOADS[0]), label="TLP:CLEAR")
    browser = node.browser()
    ids = [one["id"] for one in hostile]
    paths = ["/objects", *(f"/objects/{id}" for id in ids), "/release?as=Brussels&state=offered"]
    paths += [
        f"/release/look?as=Brussels&id={'&id='.join(ids)}",
        f"/objects?q={quote(PAYLOADS[0])}",
        f"/objects?label={quote(PAYLOADS[1])}",
    ]
    for path in paths:
        page = browser.get(path).text
        page = re.sub(r'<script type="module" src="/static/kizuna\.js\?v=\w+"></script>', "", page)
        for text in ("<script", "<img src=x", "<svg", 'href="javascript', "49"):
            assert text not in re.sub(
                r"\d{4}-\d\d-\d\d|[0-9a-f-]{36}|\d\d:\d\dZ?|csrf\" value=\"\w+|value=\"[0-9a-f]{64}|\?v=\w+|cursor=[\w-]+",
                "",
                page,
            ), (path, text)


def test_addresses_cannot_be_followed_by_accident(node: Node) -> None:
    bad = {
        "type": "url",
        "spec_version": "2.1",
        "id": "url--c1477287-23ac-5971-a010-5c287877fa60",
        "value": "http://evil.example/a.b",
    }
    assert defanged(bad["value"]) == "hxxp://evil[.]example/a.b"
    assert (
        defanged("see HTTPS://u@x.example?a=b.c and ftp://y.example.")
        == "see HxxPS://u@x[.]example?a=b.c and fxp://y[.]example[.]"
    )
    node.put(
        campaign(
            "links",
            description="http://evil.example/x",
            external_references=[{"source_name": "x", "url": "https://evil.example/"}],
        ),
        label="PUBLIC",
    )
    page = node.browser().get(f"/objects/{campaign('links')['id']}").text
    assert "evil[.]example" in page
    assert "://evil" not in page.replace("hxxp://", "").replace("hxxps://", "")


def test_other_schemes_are_defanged_too() -> None:
    assert defanged("ldap://evil.example/a.b") == "ldap://evil[.]example/a.b"


def test_what_is_no_id_is_nothing_that_can_be_chosen(node: Node) -> None:
    browser = node.browser()
    csrf = form_of(browser.get("/objects").text, "/objects/label")["csrf"]
    for verb in ("propose", "stop", "withdraw"):
        fields = {"csrf": csrf, "as": "Brussels", "id": ["a\0b", "campaign--\0"], "reason": "x"}
        assert browser.post(f"/release/{verb}", data=fields).status_code == 400
    assert browser.get("/release/look?as=Brussels&id=campaign--%00").status_code == 200
    many = {"csrf": csrf, "id": [f"campaign--{n}" for n in range(300)], "label": "PUBLIC"}
    assert browser.post("/objects/label", data=many).status_code == 400
    assert browser.get(f"/objects/{OPEN['id']}?as=Brussels&version={quote(OPEN['modified'])}").status_code == 400


def test_a_large_object_is_shown_in_part_and_said_to_be(node: Node) -> None:
    many = [f"alias {n}" for n in range(5_000)]
    large = campaign("large", description="d" * 300_000, aliases=many) | {"name": "n" * 300_000}
    large |= {f"x_{n}": n for n in range(900)}
    node.put(large, label="TLP:CLEAR")
    browser = node.browser()
    for path in ("/objects", f"/objects/{large['id']}", f"/release/look?as=Brussels&id={large['id']}"):
        assert len(browser.get(path).content) < 600_000, path
    page = browser.get(f"/objects/{large['id']}").text
    assert "more properties are not shown" in page
    assert "more characters are not shown" in page
    assert "and 4,800 more" in page
    assert browser.get(f"/objects/{large['id']}.json").json() == large


def test_a_formula_is_no_formula_in_a_spreadsheet() -> None:
    listing = Listing(("a", "b"), [("=1+1", -5), ("plain", None)])
    assert as_csv(listing) == b"a,b\r\n'=1+1,-5\r\nplain,\r\n"
    assert as_json(listing) == b'{"items":[{"a":"=1+1","b":-5},{"a":"plain","b":null}],"next":null}'


def test_the_highest_marking_is_shown(node: Node) -> None:
    def label(text: str) -> Any:
        return parse_label(text, originator="x")

    assert highest([]) is None
    for lower, higher in zip(
        ("PUBLIC", "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "OWN"),
        ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "OWN", "TLP:RED"),
        strict=True,
    ):
        assert highest([label(lower), label(higher), label(lower)]) == higher
    assert level(label("TLP:GREEN & TLP:AMBER to=JPN")) == "TLP:AMBER"
    banner = node.browser().get("/objects").text.partition('class="marking"')[2].partition("</p>")[0]
    assert "TLP:AMBER+STRICT" in banner


def test_titles() -> None:
    a, b = campaign("a"), campaign("b")
    others = {one["id"]: one for one in (a, b)}
    link = relationship(a, "related-to", b)
    assert title_of(link, others) == f"{a['name']} → related-to → {b['name']}"
    assert title_of(link, {}) == "related-to"
    assert title_of({"type": "note", "id": "note--x", "content": "x" * 500}, {}) == "x" * 100 + "…"
    assert title_of({"type": "observed-data", "id": "observed-data--x"}, {}) == "observed-data--x"


def test_what_stix_calls_things_has_words() -> None:
    assert {GREEN["type"], REPORT["type"], LINKED["type"]} <= TYPES.keys()
    assert set(OPEN) | set(LINKED) | set(REPORT) <= PROPERTIES.keys()
