"""Kinds of unmanned aircraft in both languages, by the words of `remote_id.fields.AIRCRAFT`."""

from __future__ import annotations

KINDS: dict[str, dict[str, str]] = {
    "none": {"en": "Kind not stated", "ja": "種類の記載なし"},
    "aeroplane": {"en": "Aeroplane", "ja": "固定翼機"},
    "helicopter-or-multirotor": {"en": "Helicopter or multirotor", "ja": "ヘリコプターまたはマルチローター"},
    "gyroplane": {"en": "Gyroplane", "ja": "ジャイロプレーン"},
    "hybrid-lift": {"en": "Vertical take-off aeroplane", "ja": "垂直離着陸機"},
    "ornithopter": {"en": "Ornithopter", "ja": "オーニソプター"},
    "glider": {"en": "Glider", "ja": "グライダー"},
    "kite": {"en": "Kite", "ja": "凧"},
    "free-balloon": {"en": "Free balloon", "ja": "自由気球"},
    "captive-balloon": {"en": "Captive balloon", "ja": "係留気球"},
    "airship": {"en": "Airship", "ja": "飛行船"},
    "free-fall-or-parachute": {"en": "Parachute, or falling", "ja": "落下傘または落下物"},
    "rocket": {"en": "Rocket", "ja": "ロケット"},
    "tethered-powered": {"en": "Tethered aircraft", "ja": "有線給電機"},
    "ground-obstacle": {"en": "Obstacle on the ground", "ja": "地上の障害物"},
    "other": {"en": "Other kind", "ja": "その他の種類"},
}


def kind(word: str, language: str) -> str:
    """A kind in words; one that is unknown here is another kind."""
    return KINDS.get(word, KINDS["other"])[language]
