"""Pages: what they show to whom, in one language at a time, and nothing of the other."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from io import BytesIO

import httpx
import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from kizuna.web.i18n import Languages, catalogue, zone_of
from kizuna.web.problems import KINDS
from tests.web.conftest import LINKED, OPEN, OWN, REPORT, Node

PACKAGE = resources.files("kizuna.web")
JAPANESE = re.compile("[぀-ヿ一-鿿]")


class Texts(HTMLParser):
    """The texts of a page by the language they are marked with, and the addresses it names."""

    VOID = frozenset({"meta", "link", "input", "img", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self.addresses: list[str] = []
        self._languages: list[str] = [""]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        stated = dict(attrs)
        self.addresses += [stated[name] or "" for name in ("href", "src", "action") if name in stated]
        assert not [name for name in stated if name.startswith("on") or name == "style"], "no inline script or style"
        assert tag != "style"
        assert tag != "script" or str(stated.get("src")).startswith("/static/"), "scripts come from files of ours alone"
        if tag not in self.VOID:
            self._languages.append(self._languages[-1] if stated.get("lang") is None else str(stated["lang"]))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            self._languages.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._languages[-1], data.strip()))

    def of(self, language: str) -> str:
        """All text marked as of a language."""
        return "\n".join(text for found, text in self.texts if found == language)


def messages() -> dict[str, set[str]]:
    """Every message id in the source, by file."""
    found: dict[str, set[str]] = {}
    for folder in (PACKAGE, PACKAGE / "pages", PACKAGE / "api", PACKAGE / "templates"):
        for entry in folder.iterdir():
            if entry.name.endswith((".py", ".html")):
                method = "python" if entry.name.endswith(".py") else "jinja2.ext:babel_extract"
                source = BytesIO(entry.read_bytes())
                found[str(entry)] = {
                    str(message) for _, message, _, _ in extract(method, source, keywords={"_": None, "N_": None})
                }
    return found


@cache
def english() -> set[str]:
    """Every message of the source."""
    return set().union(*messages().values())


def strange(shown: Texts, language: str) -> list[str]:
    """What is marked as of a page's language and is not."""
    said = shown.of(language).split("\n")
    if language == "en":
        return [text for text in said if JAPANESE.search(text)]
    # Names, numbers, times, levels and commands; anything longer is a sentence that nobody translated.
    long = [text for text in said if not JAPANESE.search(text) and len(re.findall("[A-Za-z]{2,}", text)) > 3]
    return [text for text in said if text in english()] + long


def test_every_message_has_its_japanese() -> None:
    used = english()
    with (PACKAGE / "locale" / "ja.po").open("rb") as file:
        translated = {str(message.id): message for message in read_po(file, locale="ja") if message.id}
    assert used == set(translated)
    assert len(used) > 50
    for message in translated.values():
        assert message.string, message.id
        assert JAPANESE.search(str(message.string)), message.id
        assert not message.fuzzy
        assert not JAPANESE.search(str(message.id))


def test_a_missing_catalogue_is_english() -> None:
    assert catalogue("en").gettext("Partners") == "Partners"
    assert catalogue("ja").gettext("Partners") == "パートナー"


_WHAT = f"as=Kyiv&id={OPEN['id']}&id={OWN['id']}"
WINDOW = (
    "/?borders=1", "/air", "/timeline", "/links", "/find", "/find?q=open",
    "/objects", "/objects?q=zznothing", "/objects?type=campaign&label=OWN",
    "/searches", "/objects?domain=cyber&region=indo-pacific&came=week&confidence=unstated&from=2026-01-01&to=2999-01-01",
    f"/objects/{OPEN['id']}", f"/objects/{OPEN['id']}?as=Kyiv",
    f"/objects/{LINKED['id']}", f"/objects/{REPORT['id']}", "/release", "/release?as=Kyiv&state=withheld", f"/release/look?{_WHAT}",
    "/release/rules", f"/objects/{OPEN['id']}/cut?as=Brussels", f"/objects/{OPEN['id']}/edit", f"/objects/{REPORT['id']}/edit?how=json",
    f"/objects/{OPEN['id']}?done=saved", f"/objects/{OWN['id']}/cut?as=Kyiv",
    f"/objects/{OPEN['id']}/graph", f"/objects/{OPEN['id']}/graph?steps=3&type=report", f"/objects/{OWN['id']}/graph",
    f"/objects/{OPEN['id']}/note", f"/objects/{OPEN['id']}?done=noted",
    "/release/rules/new", "/release/rules/new?rule=as-labelled",
    "/release/consents", "/release/consents/new", f"/release/consents/new?what=grant&id={OPEN['id']}",
    "/release/consents/new?what=end", "/partners", "/partners/Kyiv", "/sessions", "/settings", "/people",
)  # fmt: skip


def pages(node: Node, language: str) -> dict[str, httpx.Response]:
    browser = node.browser(language=language)
    stranger = {"Accept": "text/html", "Accept-Language": language}
    found = {
        path: browser.get(path)
        for path in ("/", "/problems", "/nothing", *WINDOW, *(f"/problems/{slug}" for slug in KINDS))
    }
    visitor = node.visitor(language=language)
    found |= {path: visitor.get(path) for path in ("/feed", f"/feed/{OPEN['id']}", "/feed/withdrawn", "/feed/nothing")}
    found["/login"] = httpx.get(f"{node.url}/login", headers=stranger)
    found["wrong"] = httpx.post(f"{node.url}/login", headers=stranger, data={"name": "x", "password": "x"})
    found["link"] = httpx.get(f"{node.url}/login/kzl_used", headers=stranger)
    return found


@pytest.mark.parametrize(("language", "other"), [("en", "ja"), ("ja", "en")])
def test_pages_speak_one_language(node: Node, language: str, other: str) -> None:
    node.store.note_exchange("Brussels", node.store.clock() - 3_600_000_000)
    for path, answer in pages(node, language).items():
        assert answer.headers["content-language"] == language, path
        shown = Texts(answer.text)
        assert shown.of(language), path
        assert strange(shown, language) == [], path
        assert set(shown.of(other).split("\n")) in ({"絆", "日本語"}, {"English"}), path


def test_pages_ask_nobody_else(node: Node) -> None:
    for answer in pages(node, "en").values():
        addresses = Texts(answer.text).addresses
        assert addresses
        assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in addresses)


def test_all_sixteen_areas_are_shown(node: Node) -> None:
    page = node.browser().get("/").text
    tiles = re.findall(r'<li class="tile[^"]*">(.*?)</li>', page, re.DOTALL)
    assert len(tiles) == 16
    assert sum("nothing yet" in tile for tile in tiles) == 14
    cyber = next(tile for tile in tiles if "Cyber defence" in tile)
    assert re.findall("<dd>(.*?)</dd>", cyber) == ["3", "2", "0"]
    assert ('<a href="/objects?area=cyber-defence">' in cyber, "last exchange" in cyber) == (True, True)
    assert len(node.browser().get("/objects.json", params={"area": "cyber-defence"}).json()["items"]) == 3


def test_the_page_is_the_readers_view(node: Node) -> None:
    page = node.browser().get("/").text
    maritime = next(tile for tile in page.split('<li class="tile') if "Maritime security" in tile)
    assert "nothing yet" in maritime
    assert "<dd>5</dd>" in page


def test_an_area_of_ones_own_is_shown_too(node: Node) -> None:
    from tests.builders import campaign

    node.put(campaign("x"), label="TLP:CLEAR", area="<b>own</b>")
    page = node.browser().get("/").text
    assert "&lt;b&gt;own&lt;/b&gt;" in page
    assert "<b>own" not in page


def test_partners_and_when_they_last_exchanged(node: Node) -> None:
    node.store.note_exchange("Brussels", node.store.clock() - 5 * 60_000_000)
    page = node.browser().get("/").text
    brussels, kyiv = page.split('<div class="partner">')[1:]
    assert "5 minutes ago" in brussels
    assert "2026-11-23 08:55 JST" in brussels
    assert "(2026-11-22 23:55Z)" in brussels
    assert "TLP:CLEAR" in brussels
    assert "nothing yet" in kyiv
    assert "fictional" in page
    assert "(fictional)" not in page


def test_without_a_session_there_is_only_the_log_in(node: Node) -> None:
    answer = httpx.get(node.url)
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/login", b"")
    partner = httpx.get(node.url, headers={"Authorization": f"Bearer {node.tokens['partner']}"})
    assert partner.status_code == 303


def test_the_language_is_remembered(node: Node) -> None:
    browser = node.browser()
    assert browser.post("/language", data={"language": "ja", "next": "/problems"}).url.path == "/problems"
    assert 'lang="ja"' in browser.get("/").text[:60]
    assert node.accounts.user("owner").language == "ja"
    fresh = node.browser(language="en")
    assert "計画の分野" in fresh.get("/").text
    stranger = httpx.post(f"{node.url}/language", data={"language": "ja", "next": "/login"})
    assert "ログイン" in httpx.get(f"{node.url}/login", cookies=dict(stranger.cookies)).text


@pytest.mark.parametrize(
    "back",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "javascript:x",
        "",
        "/a\r\nb",
        "\\\\e",
        "//[",
    ],
)
def test_nobody_is_sent_elsewhere(node: Node, back: str) -> None:
    answer = httpx.post(f"{node.url}/language", data={"language": "ja", "next": back})
    assert answer.status_code == 303
    assert re.fullmatch(r"/[\w/]*", answer.headers["location"])


def test_languages_are_chosen_in_order() -> None:
    languages = Languages(None)
    assert languages.choose("ja", "en", accept="en").code == "ja"
    assert languages.choose(None, "en", accept="ja").code == "en"
    assert languages.choose(None, "xx", accept="fr, ja;q=0.8, en;q=0.5").code == "ja"
    assert languages.choose(accept="ja;q=0, en;q=x, ,;;").code == "en"
    assert Languages("ja").choose(accept="*").code == "ja"
    assert Languages("xx").choose().code == "en"


def test_zones_and_countries() -> None:
    assert str(zone_of("JPN")) == "Asia/Tokyo"
    assert str(zone_of("UA")) == "Europe/Kyiv"
    assert zone_of("USA") is not None
    assert zone_of("ZZZ") is not None
    assert [Languages(None).choose(code).country("JPN") for code in ("en", "ja")] == ["Japan", "日本"]
    assert Languages(None).choose("en").country("XQX") == "XQX"


def test_files_are_kept_by_browsers(node: Node) -> None:
    page = httpx.get(f"{node.url}/login").text
    (css,) = re.findall(r'href="(/static/kizuna.css\?v=[0-9a-f]{12})"', page)
    answer = httpx.get(node.url + css)
    assert (answer.headers["content-type"], answer.status_code) == ("text/css; charset=utf-8", 200)
    assert "immutable" in answer.headers["cache-control"]
    assert not re.search(r"url\(|@import", answer.text)
