"""What the demo says to people, in English and Japanese."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from kizuna.cli.words import language

TEXTS: dict[str, dict[str, str]] = {
    "introduction": {
        "en": "Three partner nodes, fictional CERTs in Tokyo, Brussels and Kyiv, are starting in {folder} …",
        "ja": "三つのパートナーノード(東京・ブリュッセル・キーウの架空のCERT)を {folder} で起動しています…",
    },
    "ready": {
        "en": """{node}: {url}
  log in once: {login_url}
  or as {names}, with the password {password} (it is asked once more to approve)""",
        "ja": """{node}: {url}
  一度だけ使えるログイン: {login_url}
  または {names} として、パスワード {password} で(承認の際にもう一度入力します)""",
    },
    "closing": {
        "en": """
Try (in another terminal):
  1. Open the log-in links side by side: each node sees only what it may.
  2. Who gets Tokyo's indicator, and why?
       {kizuna} explain {id} --data {tokyo}
  3. Let it go to {partner}; it, and the sighting that waited for it, arrive within seconds:
       {kizuna} label set {id} "{label}" --data {tokyo}
  4. What {part_partner} got of Tokyo's report, and what was cut:
       {kizuna} release outbox {part} --as {part_partner} --data {tokyo}
  5. What waits for a second person:
       {kizuna} release outbox --as {second_partner} --data {tokyo}
  6. Take an indicator back; {withdraw_partner} hides it and confirms within seconds:
       {kizuna} release withdraw {withdraw} --as {withdraw_partner} --reason "told in error" --data {tokyo}
       {kizuna} release history {withdraw} --data {tokyo}
  7. The drone that Tokyo's receiver heard, the spoofed one, and what Kyiv got of both, without the receiver:
       {kizuna} air tracks --data {tokyo}
       {kizuna} air tracks --data {kyiv} -o tracks.kml
  8. Log in at Tokyo as a person of Kyiv, who reads what Kyiv was given and nothing else:
       {kizuna} user link kyiv-reader --data {tokyo}
  9. In Tokyo's window: search 制御系, open the incident, View as Kyiv, Cut for Kyiv, Propose; log in as second-officer,
     Release, approve what waits for Kyiv; it is in Kyiv's window within seconds.

Stop with Ctrl-C. Go on later: {kizuna} demo --data {folder}""",
        "ja": """
お試しください(別の端末で):
  1. ログインのリンクを並べて開く: 各ノードには許されたものだけが見えます。
  2. 東京の指標は誰に、なぜ渡るのか:
       {kizuna} explain {id} --data {tokyo}
  3. {partner} への開示: 指標と、それを待っていた目撃情報が数秒で届きます:
       {kizuna} label set {id} "{label}" --data {tokyo}
  4. {part_partner} が東京の報告書から受け取ったものと、伏せられたもの:
       {kizuna} release outbox {part} --as {part_partner} --data {tokyo}
  5. 二人目の承認を待っているもの:
       {kizuna} release outbox --as {second_partner} --data {tokyo}
  6. 指標の撤回: {withdraw_partner} は数秒で隠し、実施を知らせます:
       {kizuna} release withdraw {withdraw} --as {withdraw_partner} --reason "told in error" --data {tokyo}
       {kizuna} release history {withdraw} --data {tokyo}
  7. 東京の受信機が捉えたドローンとそのなりすまし、受信機を伏せてキーウに渡ったもの:
       {kizuna} air tracks --data {tokyo}
       {kizuna} air tracks --data {kyiv} -o tracks.kml
  8. キーウの利用者として東京にログイン: キーウに渡されたものだけが読めます:
       {kizuna} user link kyiv-reader --data {tokyo}
  9. 東京の画面で「制御系」を検索してインシデントを開き、「Kyiv として表示」「Kyiv 向けに伏せる」「提案」。second-officer として
     ログインし、「開示」で Kyiv 宛てに待っているものを承認すると、数秒でキーウの画面に届きます。

Ctrl-C で終了します。続きは: {kizuna} demo --data {folder}""",
    },
}


def introduction(folder: Path) -> str:
    """The first line."""
    return TEXTS["introduction"][language()].format(folder=folder)


def ready_text(ready: dict[str, Any]) -> str:
    """A node that serves: its address and login link."""
    return TEXTS["ready"][language()].format(**ready, names=", ".join(ready["people"]))


def closing(folder: Path, loosen: dict[str, Any], story: dict[str, Any]) -> str:
    """What to try, and how to stop; `loosen` is the scenario's label that releases something, `story` what else it shows."""
    command = os.path.relpath(sys.argv[0]) if os.sep in sys.argv[0] else "kizuna"
    place = {"folder": folder, "tokyo": folder / "tokyo", "kyiv": folder / "kyiv", "kizuna": command}
    steps = {step: one["id"] for step, one in story.items()}
    steps |= {f"{step}_partner": one["partner"] for step, one in story.items()}
    said = {key: loosen[key] for key in ("id", "label", "partner")}
    return TEXTS["closing"][language()].format(**place, **said, **steps)
