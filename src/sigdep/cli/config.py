"""`sigdep config`: every setting, its value, and where that came from."""

import json
import re
from typing import Any, Final

import click

from sigdep.cli.options import data_dir_option, settings_from

_PASSWORD: Final = re.compile(r"(?<=://)([^/@:]*:).*(?=@)")
"""In an address: up to the last @, for whoever has not written one in it as %40."""


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def config(data_dir: str | None, as_json: bool) -> None:
    """List every setting with its value and where that came from."""
    settings, origins = settings_from({"data_dir": data_dir})
    rows = [
        {
            "setting": origin.name,
            "variable": origin.variable,
            "value": str(settings.data_path) if origin.name == "data_dir" else without_password(origin.value),
            "origin": origin.origin,
            "about": origin.about,
        }
        for origin in origins
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(row["variable"]) for row in rows)
    for row in rows:
        value = row["value"] if row["value"] != "" else "(none)"
        click.echo(f"{row['variable']:<{width}}  {value!s:<28}  {row['origin']:<12}  {row['about']}")


def without_password(value: Any) -> Any:
    """As it may be shown: what `sigdep config` prints is copied into questions to others."""
    return _PASSWORD.sub(r"\1…", value) if isinstance(value, str) else value
