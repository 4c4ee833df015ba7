"""Pages in English and Japanese: gettext catalogues (`locale/*.po`) read at start, dates and names by CLDR (Babel).

English is in the source; a message that a catalogue lacks is a failing test, not a surprise for readers.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from kizuna import clock
from kizuna.messages import in_japanese
from kizuna.stix.rules import RULES

LANGUAGES = ("en", "ja")
NAMES = {"en": "English", "ja": "日本語"}


def N_(message: str) -> str:
    """Mark a message for translation where it is only written down."""
    return message


class Language:
    """One language: its messages, and how it writes dates, numbers and countries."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.locale = Locale(code)
        self.messages = catalogue(code)

    def __call__(self, message: str, **values: object) -> str:
        """The message in this language."""
        return self.messages.gettext(message) % values if values else self.messages.gettext(message)

    @property
    def listing(self) -> str:
        """What stands between the entries of a list."""
        return "、" if self.code == "ja" else "; "

    def number(self, value: int) -> str:
        """1,234."""
        return format_decimal(value, locale=self.locale)

    def moment(self, us: int, zone: tzinfo) -> str:
        """The node's local time."""
        local = _local(us, zone)
        return f"{format_datetime(local, 'yyyy-MM-dd HH:mm', locale='en')} {local.tzname() or ''}".strip()

    def utc(self, us: int, zone: tzinfo) -> str:
        """The hour in UTC, with the day where it is another one there."""
        moment = clock.to_datetime(us)
        day = "" if moment.date() == _local(us, zone).date() else f"{moment:%Y-%m-%d} "
        return f"{day}{moment:%H:%M}Z"

    def iso(self, us: int) -> str:
        """RFC 3339, for programs that read the page."""
        return clock.to_text(us)

    def ago(self, us: int, now: int) -> str:
        """5 minutes ago."""
        return format_timedelta(timedelta(microseconds=us - now), add_direction=True, locale=self.locale)

    def span(self, us: int) -> str:
        """9 hours: how long, whichever came first; shorter units up to twice their number."""
        return format_timedelta(timedelta(microseconds=abs(us)), threshold=2, locale=self.locale)

    def country(self, code: str) -> str:
        """The name of a country by its ISO 3166-1 code of two or three letters; the code when nobody knows it."""
        return str(self.locale.territories.get(alpha2(code), code))


def in_words(message: str, code: str) -> str | None:
    """What an error says, in a language; None where there is only English of it."""
    return message if code == "en" else in_japanese(message)


def rule_in_words(rule: str, code: str) -> str | None:
    """A rule of STIX, in another language than English; None where there is none of it."""
    return in_japanese(RULES[rule].text) if code != "en" and rule in RULES else None


class Languages:
    """The languages of the pages; `preferred` is the node's, for readers who state none."""

    def __init__(self, preferred: str | None) -> None:
        self._all = {code: Language(code) for code in LANGUAGES}
        self._preferred = preferred if preferred in self._all else "en"

    def choose(self, *stated: str | None, accept: str = "") -> Language:
        """The first stated one that there is, else the browser's best, else the node's."""
        for code in (*stated, *_accepted(accept)):
            if code in self._all:
                return self._all[code]
        return self._all[self._preferred]


def _local(us: int, zone: tzinfo) -> datetime:
    """The node's local time; UTC where that lies outside the years 1 to 9999."""
    moment = clock.to_datetime(us)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def catalogue(code: str) -> gettext.NullTranslations:
    """The messages of a language; none are needed for English, the source's own."""
    file = resources.files("kizuna.web").joinpath("locale", f"{code}.po")
    if not file.is_file():
        return gettext.NullTranslations()
    packed = io.BytesIO()
    write_mo(packed, read_po(io.BytesIO(file.read_bytes()), locale=code))
    packed.seek(0)
    return gettext.GNUTranslations(packed)


def _accepted(header: str) -> Iterable[str]:
    """Languages of an Accept-Language header, best first (RFC 9110 section 12.5.4); malformed parts count for nothing."""
    weighted = []
    for order, part in enumerate(header[:500].split(",")):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighted.append((-quality, order, name.partition("-")[0].lower()))
    return [name for _, _, name in sorted(weighted)]


def alpha2(code: str) -> str:
    """The two-letter code of a country."""
    from babel.core import get_global

    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    return code if len(code) == 2 else (aliases.get(code.upper()) or [code])[0]


# The zone most of a country lives in, where it has several (CLDR supplemental data, primaryZones).
_PRIMARY = {
    "CL": "America/Santiago", "CN": "Asia/Shanghai", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PT": "Europe/Lisbon", "UA": "Europe/Kyiv", "UZ": "Asia/Tashkent",
}  # fmt: skip


def zone_of(country: str) -> tzinfo:
    """The time zone of a country that has one or mostly one; else the system's."""
    from babel.core import get_global

    zones: Mapping[str, list[str]] = get_global("territory_zones")
    code = alpha2(country)
    names = [_PRIMARY[code]] if code in _PRIMARY else zones.get(code, [])
    try:
        if len(names) == 1:
            return ZoneInfo(names[0])
    except (ZoneInfoNotFoundError, OSError):  # a minimal system has no zone files
        pass
    return datetime.now().astimezone().tzinfo or UTC
