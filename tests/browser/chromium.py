"""Where Chromium is, and how it is started here."""

from __future__ import annotations

import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    f"--{flag}"
    for flag in (
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
    )
]
NOT_RUN = "NOT RUN, no Chromium here: apt-get install chromium fonts-noto-cjk"
