"""A backup: what is in it, whether it is whole, and how it becomes a data folder again."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sigdep.services.data_folder import DataFolder

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"

Copy = Callable[[Path, Path, Callable[[int, int], None]], None]
"""Copies a database in use into a new file, durably; reports (pages done, pages in all)."""

Finish = Callable[[DataFolder], None]
"""Does the last to a folder that nobody has seen yet."""

OnCopy = Callable[[str, int, int], None]
"""Called with a file's name, and how many of how many pages are copied."""


class BadBackup(Exception):
    """It cannot be made or used. The text says why, and what to do."""


class FileMark(Struct, frozen=True):
    """By this a file is known to be what was backed up."""

    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """Written last: a backup without one was interrupted."""

    format: int
    made_at: datetime
    made_by: str
    has_keys: bool
    files: dict[str, FileMark]
    """By path below the backup's folder."""


def make_backup(source: DataFolder, target: Path, copy: Copy, on_copy: OnCopy, *, keys: bool = True) -> Manifest:
    """Copy the logs, then the keys, each at one moment, while the server runs.

    In this order no copy speaks of what a later one lacks: tasks speak of users, and every event of its key.
    Read models are not copied: they are made from the logs.

    Raises:
        BadBackup: there is nothing to back up, or the target is no empty folder.
    """
    if not source.exists:
        raise BadBackup(f"{source.path} holds no data. Name the folder with --data-dir.")
    if target.exists() and any(target.iterdir()):
        raise BadBackup(f"{target} is not empty. A backup never overwrites: name a new folder.")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _fill(target, source, copy, on_copy, keys=keys)
    except FileExistsError:
        raise  # Somebody else is at work there.
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)  # It was empty, and half a backup is none.
        raise


def _fill(target: Path, source: DataFolder, copy: Copy, on_copy: OnCopy, *, keys: bool) -> Manifest:
    copied = DataFolder(target)
    for context in source.logs:
        _copy(source.log(context), copied.log(context), copy, on_copy)
    if keys:
        _copy(source.keys, copied.keys, copy, on_copy)
        _copy_secrets(source, copied)
    manifest = Manifest(
        format=FORMAT,
        made_at=datetime.now(UTC).replace(microsecond=0),
        made_by=f"sigdep {version('sigdep')}",
        has_keys=keys,
        files={name: _mark(target / name) for name in _names(target)},
    )
    (target / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    _sync_all(target)
    return manifest


def restore_backup(
    source: Path, target: DataFolder, *, keys_from: Path | None = None, finish: Finish | None = None
) -> Manifest:
    """Make a data folder of a backup. It appears whole or not at all.

    Args:
        keys_from: another backup of the same server, when the first was made without its keys.
        finish: what must have been done to the folder before it appears.

    Raises:
        BadBackup: the backup is not whole, or there is data already.
    """
    manifest = check_backup(source)
    if target.path.exists() and any(target.path.iterdir()):
        raise BadBackup(f"{target.path} is not empty. Nothing is overwritten: name a new folder with --data-dir.")
    if not manifest.has_keys and keys_from is None:
        raise BadBackup(f"{source} was made without its keys. Name the backup that holds them with --keys-from.")
    if keys_from is not None and not check_backup(keys_from).has_keys:
        raise BadBackup(f"{keys_from} was made without its keys, too.")
    draft = DataFolder(target.path.with_name(f".{target.path.name}.restoring"))
    shutil.rmtree(draft.path, ignore_errors=True)
    draft.path.mkdir(mode=0o700, parents=True)
    for context in DataFolder(source).logs:
        shutil.copyfile(DataFolder(source).log(context), draft.log(context))
    secret_source = DataFolder(keys_from or source)
    shutil.copyfile(secret_source.keys, draft.keys)
    _copy_secrets(secret_source, draft)
    for name in _names(draft.path):
        (draft.path / name).chmod(0o600)
    if finish is not None:
        finish(draft)
    _sync_all(draft.path)
    if target.path.exists():
        target.path.rmdir()
    draft.path.rename(target.path)
    _sync(target.path.parent)
    return manifest


def check_backup(folder: Path) -> Manifest:
    """
    Raises:
        BadBackup: it was interrupted, or a file of it is missing or has changed.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        raise BadBackup(f"{folder} is no whole backup: {MANIFEST} is missing or unreadable.") from None
    if manifest.format != FORMAT:
        raise BadBackup(f"{folder} was made by {manifest.made_by}, in a format that this release does not know.")
    for name, mark in manifest.files.items():
        path = folder / name
        if not path.is_file() or _mark(path) != mark:
            raise BadBackup(f"{path} is missing, or is not what was backed up. Use another backup.")
    return manifest


def _copy(source: Path, target: Path, copy: Copy, on_copy: OnCopy) -> None:
    copy(source, target, lambda done, total: on_copy(source.name, done, total))


def _copy_secrets(source: DataFolder, target: DataFolder) -> None:
    target.secrets.mkdir(mode=0o700)
    for path in source.secrets.iterdir():
        if path.is_file():
            shutil.copy2(path, target.secrets / path.name)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            yield str(path.relative_to(folder))


def _mark(path: Path) -> FileMark:
    with path.open("rb") as file:
        return FileMark(path.stat().st_size, file_digest(file, "sha256").hexdigest())


def _sync_all(folder: Path) -> None:
    """Have everything in it on the disk."""
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
