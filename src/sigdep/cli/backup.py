"""`sigdep backup` and `sigdep restore`."""

import asyncio
import sys
from pathlib import Path

import click

from sigdep.adapters.sqlite.copying import copy_database
from sigdep.cli.options import data_dir_option, fail, settings_from
from sigdep.kernel.errors import LogDamaged, SigdepError, Unavailable
from sigdep.services.backups import BadBackup, make_backup, restore_backup
from sigdep.services.data_folder import DataFolder
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.wiring import open_embedded
from sigdep.users.context import destroy_keys_again

_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("target", type=_folder)
@data_dir_option
@click.option("--without-keys", is_flag=True, help="Leave out keys and secrets: nobody can read such a copy alone.")
def backup(target: Path, data_dir: str | None, without_keys: bool) -> None:
    """Copy all data into the new folder TARGET, while the server runs.

    The copy holds the keys that make it readable: keep it as private as the data. What is erased
    later stays readable in it until you delete it, unless it was made --without-keys.
    """
    settings, _ = settings_from({"data_dir": data_dir})
    try:
        manifest = make_backup(
            DataFolder(settings.data_path), target, copy_database, _show_progress, keys=not without_keys
        )
    except (BadBackup, Unavailable, LogDamaged) as error:
        fail(str(error))
    except OSError as error:
        fail(f"The backup was not made: {_why(error)}.")
    size = sum(mark.bytes for mark in manifest.files.values())
    click.echo(f"{target}: {len(manifest.files)} files, {size / 1e6:,.1f} MB.")


@click.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_dir_option
@click.option("--keys-from", type=_folder, help="Another backup of the same server, if SOURCE was made without keys.")
def restore(source: Path, data_dir: str | None, keys_from: Path | None) -> None:
    """Make a data folder of the backup SOURCE. Nothing is overwritten.

    Whoever was erased stays erased, also where their keys come from an older backup. Check the
    result with `sigdep verify`; the read models are made at the next start.
    """
    settings, _ = settings_from({"data_dir": data_dir})
    folder = DataFolder(settings.data_path)
    erased = 0

    def erase_again(draft: DataFolder) -> None:
        nonlocal erased
        erased = asyncio.run(_erase_again(draft))

    try:
        manifest = restore_backup(source, folder, keys_from=keys_from, finish=erase_again)
    except (BadBackup, SecretsExposed, SigdepError, LogDamaged) as error:
        fail(str(error))
    except OSError as error:
        fail(f"Nothing was restored: {_why(error)}.")
    click.echo(f"{folder.path} is as it was at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    if erased:
        click.echo(f"{erased} keys of erased people and workspaces are destroyed.")


async def _erase_again(folder: DataFolder) -> int:
    async with open_embedded(folder) as stores:
        return await destroy_keys_again(stores.contexts["users"].log, stores.keys)


def _why(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def _show_progress(name: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        click.echo(f"\r{name}: {100 * done // max(total, 1)} %{end}", err=True, nl=False)
