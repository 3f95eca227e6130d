"""`sigdep migrate`: moves everything to another place, from a folder to PostgreSQL and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from sigdep.adapters.sealing import AesGcmKey
from sigdep.cli.migrate_folder import NoData, folder_source, folder_target
from sigdep.cli.migrate_places import Addresses, Places, is_url, shown
from sigdep.cli.options import fail
from sigdep.kernel.errors import LogDamaged, SigdepError, with_cause
from sigdep.services.copy_proof import OnProgress, Progress
from sigdep.services.data_folder import DataFolder, DataInUse
from sigdep.services.migrating import Migrated, Source, Target, migrate
from sigdep.services.secret_copying import BadSecrets, copy_secrets, read_key_encryption_key
from sigdep.services.secret_files import SecretsExposed

_folder = click.Path(file_okay=False, path_type=Path)


@click.command("migrate")
@click.option("--from", "source", metavar="WHERE", required=True, help="A data folder, or postgresql://…")
@click.option("--to", "target", metavar="WHERE", required=True, help="Another: a new folder, or an empty database.")
@click.option("--from-keys", metavar="URL", help="The database that the keys come from, if it is another.")
@click.option("--to-keys", metavar="URL", help="The database that the keys go to, if it shall be another.")
@click.option("--secrets", type=_folder, help="The folder of the secrets that belong to the database.")
def migrate_command(source: str, target: str, from_keys: str | None, to_keys: str | None, secrets: Path | None) -> None:
    """Copy everything of one installation to another place, exactly as it is stored, and verify it.

    Stop the server or the services first. Nothing is changed at the old place; do not start it again
    afterwards. Interrupted, the same command goes on where it was.

    {context} in a URL stands for notifications, tasks, calendar and users: each log in a database of its own, as
    services have it. Without, all logs are in one database, each in a schema.
    """
    places = Places(source, target, from_keys or source, to_keys or target, secrets)
    places.check(given_keys=(from_keys, to_keys))
    try:
        done = asyncio.run(_migrate(places))
    except (SigdepError, LogDamaged, SecretsExposed, BadSecrets, DataInUse, NoData) as error:
        fail(with_cause(error))
    except OSError as error:
        fail(f"The copy is not finished: {error.filename}: {(error.strerror or str(error)).lower()}.")
    for name, events in done.events.items():
        click.echo(f"{name}: {events:,} events.")
    click.echo(f"{done.keys:,} keys, {done.destroyed:,} of them destroyed.")
    click.echo(f"{shown(target)} holds what {shown(source)} holds: all of it has been read back and compared.")


async def _migrate(places: Places) -> Migrated:
    secrets = places.source_secrets
    with _bars() as bars:
        async with _open_source(places.source, places.source_keys) as source:
            if secrets is not None:
                await _check_fits(source, secrets)
            async with _open_target(places.target, places.target_keys, secrets) as target:
                if secrets is not None and places.secrets not in (None, secrets):
                    copy_secrets(secrets, places.secrets)
                return await migrate(source, target, _progress(bars))


async def _check_fits(source: Source, secrets: Path) -> None:
    """
    Raises:
        BadSecrets: the key-encryption key is not that of these keys.
    """
    proof = await source.keys.proof()
    if proof is None:
        return
    try:
        AesGcmKey(read_key_encryption_key(secrets)).unseal(proof, b"proof")
    except (LogDamaged, ValueError):
        raise BadSecrets(
            f"The keys have been wrapped by another key-encryption key than the one in {secrets}. Name the folder of"
            " theirs: without it nothing that they seal can be read."
        ) from None


@asynccontextmanager
async def _open_source(where: str, keys: str) -> AsyncIterator[Source]:
    if not is_url(where):
        async with folder_source(DataFolder(Path(where))) as source:
            yield source
        return
    # Only now: the driver is an extra, and takes a moment to load.
    from sigdep.cli.migrate_database import database_source  # noqa: PLC0415

    async with database_source(Addresses(logs=where, keys=keys)) as source:
        yield source


@asynccontextmanager
async def _open_target(where: str, keys: str, secrets: Path | None) -> AsyncIterator[Target]:
    if not is_url(where):
        assert secrets is not None  # They come from a folder, or have been asked for.
        async with folder_target(DataFolder(Path(where)), secrets) as target:
            yield target
        return
    from sigdep.cli.migrate_database import database_target  # noqa: PLC0415

    async with database_target(Addresses(logs=where, keys=keys)) as target:
        yield target


def _bars() -> Bars:
    """On a terminal only."""
    console = Console(stderr=True)
    return Bars(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal,
    )  # fmt: skip


def _progress(bars: Bars) -> OnProgress:
    tasks: dict[tuple[str, str], TaskID] = {}

    def show(progress: Progress) -> None:
        step = (progress.step, progress.log)
        if step not in tasks:
            tasks[step] = bars.add_task(" ".join(step), total=progress.total)
        bars.update(tasks[step], completed=progress.done)

    return show
