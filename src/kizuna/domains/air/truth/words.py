"""What each reason to doubt says, in both languages: in incidents, at the command line and on pages."""

from __future__ import annotations

from typing import Literal

from kizuna.formats.track import Finding

Language = Literal["en", "ja"]

TEXTS: dict[str, dict[Language, str]] = {
    "two-places": {
        "en": "is in two places at once, {metres} m apart",
        "ja": "同時に {metres} m 離れた二か所にいます",
    },
    "many-names": {
        "en": "one transmitter speaks for {names} aircraft within {seconds} s",
        "ja": "一つの送信機が {seconds} 秒の間に {names} 機を名乗っています",
    },
    "time-apart": {
        "en": "states a time that is {seconds} s off from what all others here state",
        "ja": "告げる時刻が、ここで受信したほかの全機と {seconds} 秒ずれています",
    },
    "shared-clock": {
        "en": "its transmitter's clock is that of {names} aircraft here: one transmitter speaks for all",
        "ja": "送信機の時計が {names} 機で同一です。一つの送信機がすべてを名乗っています",
    },
    "two-clocks": {
        "en": "one address is sent by two transmitters: their clocks are {seconds} s apart",
        "ja": "一つのアドレスを二つの送信機が使っています(時計の差 {seconds} 秒)",
    },
    "too-strong": {
        "en": "is heard with {signal} dBm, but at {metres} m it cannot be more than {most} dBm",
        "ja": "受信強度が {signal} dBm ですが、{metres} m 先からは {most} dBm を超えません",
    },
    "jump": {
        "en": "moved {metres} m within {seconds} s, {speed} m/s; aircraft of its kind fly at most {limit} m/s",
        "ja": "{seconds} 秒で {metres} m 移動しました({speed} m/s)。この種の機体は最大 {limit} m/s です",
    },
    "two-transmitters": {
        "en": "is sent by {transmitters} transmitters in turn",
        "ja": "{transmitters} 台の送信機が交互に送信しています",
    },
    "time-still": {
        "en": "moved {metres} m in {seconds} s while the time it states stood still at {second} s after the hour",
        "ja": "{seconds} 秒で {metres} m 移動する間、告げる時刻が毎時 {second} 秒のまま止まっています",
    },
    "signal-flat": {
        "en": "is heard equally strong however far away it claims to be; the signal should vary by {expected} dB or more",
        "ja": "告げる距離にかかわらず受信強度が変わりません({expected} dB 以上変わるはずです)",
    },
    "signal-steady": {
        "en": "is heard equally strong ({deviation} dB) along {metres} m that it claims to fly: what sends it stands still",
        "ja": "飛んだと告げる {metres} m の間、受信強度が一定です({deviation} dB)。送信機は静止しています",
    },
    "operator-far": {
        "en": "its operator is said to be {metres} m away",
        "ja": "操縦者が {metres} m 離れていると告げています",
    },
    "two-sequences": {
        "en": "one address is sent by two transmitters: its frame numbers ran back {times} times within {seconds} s",
        "ja": "一つのアドレスを二つの送信機が使っています(フレーム番号が {seconds} 秒で {times} 回逆行)",
    },
    "clock-still": {
        "en": "its transmitter's clock stands still",
        "ja": "送信機の時計が止まっています",
    },
    "clock-wild": {
        "en": "its transmitter's clock jumped {clocks} times within {seconds} s",
        "ja": "送信機の時計が {seconds} 秒で {clocks} 回飛びました",
    },
    "time-back": {
        "en": "the time it states runs back and forth by {seconds} s",
        "ja": "告げる時刻が {seconds} 秒前後します",
    },
    "speed-mismatch": {
        "en": "moves at {moved} m/s but states {stated} m/s",
        "ja": "{moved} m/s で移動していますが、{stated} m/s と告げています",
    },
    "impossible-value": {
        "en": "states a value that cannot be, such as a latitude beyond the poles",
        "ja": "極を超える緯度など、あり得ない値を告げています",
    },
    "sequence-still": {
        "en": "its transmitter numbers all frames {number}",
        "ja": "送信機のフレーム番号がすべて {number} です",
    },
    "out-of-range": {
        "en": "claims to be {metres} m away, but nothing is heard here from beyond {reach} m",
        "ja": "{metres} m 先にいると告げていますが、ここでは {reach} m より先は受信できません",
    },
    "out-of-view": {
        "en": "claims to be in the direction of {bearing}°, and the sensor looks to {azimuth}°, {width}° wide",
        "ja": "{bearing}° の方向にいると告げていますが、センサーの視野は {azimuth}° を中心に {width}° です",
    },
    "counter-still": {
        "en": "sent {times} new positions without counting a new message",
        "ja": "メッセージの番号を進めずに、新しい位置を {times} 回送りました",
    },
    "unknown-version": {
        "en": "speaks a version of the protocol that does not exist",
        "ja": "存在しない版のプロトコルを使っています",
    },
    "pack-cut-short": {
        "en": "its message packs are longer than the element that carries them",
        "ja": "メッセージの束が、それを運ぶ要素より長くなっています",
    },
    "no-rates": {
        "en": "its beacons name no data rates, as every real access point's do",
        "ja": "実在のアクセスポイントなら必ず記す伝送速度が、ビーコンにありません",
    },
    "serial-form": {
        "en": "its serial number {serial} is not formed as ANSI/CTA-2063-A asks",
        "ja": "シリアル番号 {serial} が ANSI/CTA-2063-A の形式ではありません",
    },
    "unknown-code": {
        "en": "uses codes that the standard does not have",
        "ja": "規格にない符号を使っています",
    },
    "time-off": {
        "en": "states a time that is {seconds} s off from the receiver's clock",
        "ja": "告げる時刻が受信機の時計と {seconds} 秒ずれています",
    },
    "reserved-bits": {
        "en": "fills bytes that the standard keeps at zero",
        "ja": "規格がゼロと定めるバイトに値があります",
    },
}


OUTSIDE: dict[str, dict[Language, str]] = {
    "too-strong": {
        "en": "is heard stronger than it can be from where it claims to be",
        "ja": "告げる位置からはあり得ない強さで受信されています",
    },
    "out-of-range": {
        "en": "claims to be further away than anything is heard from",
        "ja": "受信できる範囲より遠くにいると告げています",
    },
    "out-of-view": {
        "en": "claims to be where the sensor that heard it does not look",
        "ja": "受信したセンサーの視野の外にいると告げています",
    },
    "signal-flat": {
        "en": "is heard equally strong however far away it claims to be",
        "ja": "告げる距離にかかわらず受信強度が変わりません",
    },
    "operator-far": {
        "en": "its operator is said to be too far away",
        "ja": "操縦者が遠すぎる位置にいると告げています",
    },
}
"""What is said elsewhere of reasons whose values would tell, with the track, where the receiver or the operator is."""

OF_OPERATOR = "operator-far"
"""The reason whose value tells of where the operator is."""


def outside(finding: Finding, *, operator_closed: bool = False) -> Finding:
    """A reason as it is told with the track: without values that rest on where the receiver is, or the operator if that is closed."""
    closed = finding.code in OUTSIDE and (finding.code != OF_OPERATOR or operator_closed)
    return Finding(finding.code, finding.weight, finding.since) if closed else finding


def sentence(finding: Finding, language: Language = "en") -> str:
    """A reason in words. What a partner sent may have a code unknown here, which then speaks for itself, or lack values."""
    texts = (TEXTS if finding.values else OUTSIDE).get(finding.code) or TEXTS.get(finding.code)
    return finding.code if texts is None else texts[language].format_map(_Values(finding.values))


class _Values(dict[str, float | str]):
    """The values of a finding as they are written in a sentence."""

    def __getitem__(self, key: str) -> str:
        value = self.get(key, "–")
        return value if isinstance(value, str) else f"{value:,.10g}"
