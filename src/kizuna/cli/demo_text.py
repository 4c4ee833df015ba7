"""What the demo says to people, in English and Japanese."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kizuna.cli.output import language

TEXTS: dict[str, dict[str, str]] = {
    "introduction": {
        "en": "Three partner nodes, fictional CERTs in Tokyo, Brussels and Kyiv, are starting in {folder} …",
        "ja": "三つのパートナーノード(東京・ブリュッセル・キーウの架空のCERT)を {folder} で起動しています…",
    },
    "ready": {
        "en": "{node}: {url}\n  log in once: {login_url}",
        "ja": "{node}: {url}\n  一度だけ使えるログイン: {login_url}",
    },
    "closing": {
        "en": """
Try:
  1. Open the login links side by side: each node sees only what it may.
  2. Read what Tokyo gives Kyiv:       kizuna export --as Kyiv --data {tokyo} -o -
  3. Share more, and see it arrive:    kizuna search EXERCISE --data {tokyo}
                                       kizuna label set ID TLP:CLEAR --data {tokyo}
Stop with Ctrl-C. Go on later with: kizuna demo --data {folder}""",
        "ja": """
お試しください:
  1. ログインのリンクを並べて開く: 各ノードには許されたものだけが見えます。
  2. 東京がキーウに渡すものを読む:    kizuna export --as Kyiv --data {tokyo} -o -
  3. 開示を広げ、届くのを見る:        kizuna search 演習 --data {tokyo}
                                      kizuna label set ID TLP:CLEAR --data {tokyo}
Ctrl-C で終了します。続きは: kizuna demo --data {folder}""",
    },
}


def introduction(folder: Path) -> str:
    """The first line."""
    return TEXTS["introduction"][language()].format(folder=folder)


def ready_text(ready: dict[str, Any]) -> str:
    """A node that serves: its address and login link."""
    return TEXTS["ready"][language()].format(**ready)


def closing(folder: Path) -> str:
    """Three things to try, and how to stop."""
    return TEXTS["closing"][language()].format(folder=folder, tokyo=folder / "tokyo")
