"""What several commands share: where the data is, and how to fail with a sentence."""

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

from sigdep.services.data_folder import DataFolder
from sigdep.services.settings import BadSetting, Origin, Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])

FAILED, USAGE = 1, 2


def fail(sentence: str, code: int = FAILED) -> NoReturn:
    """End with a sentence on stderr."""
    click.echo(f"sigdep: {sentence}", err=True)
    sys.exit(code)


def data_dir_option(command: F) -> F:
    return click.option("--data-dir", metavar="DIR", help="Folder that holds the data.  [~/.local/share/sigdep]")(
        command
    )


def settings_from(options: dict[str, Any]) -> tuple[Settings, list[Origin]]:
    """The settings of this call. A bad one ends the command (exit 2)."""
    try:
        return load_settings(os.environ, options)
    except BadSetting as error:
        fail(str(error), USAGE)


def folder_of(data_dir: str | None) -> DataFolder:
    """The data folder of this call. One that holds nothing ends the command."""
    settings, _ = settings_from({"data_dir": data_dir})
    folder = DataFolder(settings.data_path)
    if not folder.exists:
        fail(f"{folder.path} holds no data. Name the folder with --data-dir.")
    return folder
