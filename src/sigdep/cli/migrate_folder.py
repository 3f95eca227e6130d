"""A data folder as what `sigdep migrate` copies from or to."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from sigdep.adapters.sqlite.event_copying import SqliteLogCopy
from sigdep.adapters.sqlite.key_copying import SqliteKeyCopy
from sigdep.kernel.log_copy import TargetTaken
from sigdep.services.data_folder import LOGS, DataFolder
from sigdep.services.migrating import Source, Target
from sigdep.services.secret_copying import copy_secrets


class NoData(Exception):
    """The folder holds nothing to copy."""


@asynccontextmanager
async def folder_source(folder: DataFolder) -> AsyncIterator[Source]:
    """No server starts on the folder while the block lasts.

    Raises:
        NoData: it is not there.
        DataInUse: a server uses it.
        LogDamaged, Unavailable: a file of it cannot be used.
    """
    if not folder.exists:
        raise NoData(f"{folder.path} holds no data. Name a data folder, or the URL of a PostgreSQL database.")
    with folder.hold():
        async with AsyncExitStack() as stack:
            keys = await SqliteKeyCopy.open_source(folder.keys)
            stack.push_async_callback(keys.close)
            logs = {name: await SqliteLogCopy.open_source(folder.log(name)) for name in LOGS}
            for log in logs.values():
                stack.push_async_callback(log.close)
            yield Source(logs=logs, keys=keys, still_held=_always)


@asynccontextmanager
async def folder_target(folder: DataFolder, secrets: Path) -> AsyncIterator[Target]:
    """Filled as a draft beside its place. It appears there when the block ends well: whole or not at all.

    Args:
        secrets: the folder that holds them.

    Raises:
        TargetTaken: something is there already.
        BadSecrets: the draft is of another installation.
        DataInUse: another `sigdep migrate` fills it.
        LogDamaged, Unavailable: a file of it cannot be used.
    """
    if folder.path.exists() and any(folder.path.iterdir()):
        raise TargetTaken(f"{folder.path} is not empty. Nothing is overwritten: name a new folder.")
    draft = DataFolder(folder.path.with_name(f".{folder.path.name}.migrating"))
    with draft.hold():
        copy_secrets(secrets, draft.secrets)
        async with AsyncExitStack() as stack:
            keys = await SqliteKeyCopy.open_target(draft.keys)
            stack.push_async_callback(keys.close)
            logs: dict[str, SqliteLogCopy] = {}
            for name in LOGS:
                logs[name] = await SqliteLogCopy.open_target(draft.log(name))
                stack.push_async_callback(logs[name].close)
            yield Target(logs=logs, keys=keys, still_held=_always)
        _publish(draft.path, folder.path)


def _publish(draft: Path, place: Path) -> None:
    for path in draft.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    if place.exists():
        place.rmdir()
    draft.rename(place)
    descriptor = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _always() -> None:
    """The lock on a folder ends with the process, and not before."""
