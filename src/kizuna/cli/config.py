"""`kizuna config`: the settings in force, and where each comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from kizuna.cli.output import emit, node_options, rows_option, table
from kizuna.errors import NotFound


@click.group(short_help="Show the settings in force.")
def command() -> None:
    """Settings: a flag goes before the environment, that before node.json, that before the default."""


@command.command("show", short_help="Show the settings in force.")
@click.option("--origin", is_flag=True, help="Also where each value comes from.")
@rows_option
@node_options
def show(origin: bool, data: Path, as_json: bool) -> None:
    """Show every setting of the node; secrets are in files of their own and never shown."""
    if not (data / "node.json").is_file():
        raise NotFound("no node here; make one with `kizuna init`", file=str(data))
    rows = origins(data)
    if as_json:
        emit(
            {
                row["setting"]: ({"value": row["value"], "origin": row["origin"]} if origin else row["value"])
                for row in rows
            }
        )
    else:
        table(rows, ("setting", "value", "origin") if origin else ("setting", "value"), as_json=False)


def origins(folder: Path) -> list[dict[str, Any]]:
    """Each setting with its value and origin: environment, node.json or default."""
    import msgspec

    from kizuna.settings import load
    from kizuna.store.database import shown_address

    values = msgspec.to_builtins(load(folder))
    stated = msgspec.json.decode((folder / "node.json").read_bytes(), type=dict[str, Any])
    limits = values.pop("limits", {})
    if values.get("store"):
        values["store"] = shown_address(values["store"])
    rows = [_row(key, value, key in stated) for key, value in _all(values).items()]
    stated_limits = stated.get("limits", {})
    return rows + [_row(f"limits.{key}", value, key in stated_limits) for key, value in _limits(limits).items()]


def _all(values: dict[str, Any]) -> dict[str, Any]:
    import msgspec

    from kizuna.settings import Settings

    defaults = {f.name: f.default for f in msgspec.structs.fields(Settings) if f.name != "limits"}
    return {name: values.get(name, default) for name, default in defaults.items()}


def _limits(values: dict[str, Any]) -> dict[str, Any]:
    import msgspec

    from kizuna.settings import Limits

    return {**msgspec.to_builtins(Limits()), **values}


def _row(setting: str, value: Any, stated: bool) -> dict[str, Any]:
    from kizuna.settings import ENVIRONMENT

    variable = f"KIZUNA_{setting.upper()}"
    if variable in os.environ and setting in ENVIRONMENT:
        return {"setting": setting, "value": value, "origin": f"environment ({variable})"}
    return {"setting": setting, "value": value, "origin": "node.json" if stated else "default"}
