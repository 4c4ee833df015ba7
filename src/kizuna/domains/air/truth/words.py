"""What each reason to doubt says, in words; the command line translates these very texts."""

from __future__ import annotations

from kizuna.formats.track import Finding

TEXTS: dict[str, str] = {
    "two-places": "is in two places at once, {metres} m apart",
    "many-names": "one transmitter speaks for {names} aircraft within {seconds} s",
    "time-apart": "states a time that is {seconds} s off from what all others here state",
    "shared-clock": "its transmitter's clock is that of {names} aircraft here: one transmitter speaks for all",
    "signal-steady": "is heard equally strong ({deviation} dB) along {metres} m that it claims to fly: what sends it stands still",
    "two-clocks": "one address is sent by two transmitters: their clocks are {seconds} s apart",
    "too-strong": "is heard with {signal} dBm, but at {metres} m it cannot be more than {most} dBm",
    "jump": "moved {metres} m within {seconds} s, {speed} m/s; aircraft of its kind fly at most {limit} m/s",
    "two-transmitters": "is sent by {transmitters} transmitters in turn",
    "time-still": "moved {metres} m in {seconds} s while the time it states stood still at {second} s after the hour",
    "signal-flat": "is heard equally strong however far away it claims to be; the signal should vary by {expected} dB or more",
    "operator-far": "its operator is said to be {metres} m away",
    "two-sequences": "one address is sent by two transmitters: its frame numbers ran back {times} times within {seconds} s",
    "clock-still": "its transmitter's clock stands still",
    "clock-wild": "its transmitter's clock jumped {clocks} times within {seconds} s",
    "time-back": "the time it states runs back and forth by {seconds} s",
    "speed-mismatch": "moves at {moved} m/s but states {stated} m/s",
    "impossible-value": "states a value that cannot be, such as a latitude beyond the poles",
    "sequence-still": "its transmitter numbers all frames {number}",
    "out-of-range": "claims to be {metres} m away, but nothing is heard here from beyond {reach} m",
    "counter-still": "sent {times} new positions without counting a new message",
    "unknown-version": "speaks a version of the protocol that does not exist",
    "pack-cut-short": "its message packs are longer than the element that carries them",
    "no-rates": "its beacons name no data rates, as every real access point's do",
    "serial-form": "its serial number {serial} is not formed as ANSI/CTA-2063-A asks",
    "unknown-code": "uses codes that the standard does not have",
    "time-off": "states a time that is {seconds} s off from the receiver's clock",
    "reserved-bits": "fills bytes that the standard keeps at zero",
}


def sentence(finding: Finding) -> str:
    """A reason in English."""
    return filled(TEXTS[finding.code], finding) if finding.code in TEXTS else finding.code


def filled(text: str, finding: Finding) -> str:
    """A text with the values of a finding in their places; one that a partner left out is a dash."""
    return text.format_map(_Values({key: _plain(value) for key, value in finding.values.items()}))


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}"
