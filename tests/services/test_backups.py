"""Backups: whole or not at all, and never over something else."""

import shutil
from pathlib import Path

import pytest

from sigdep.services.backups import MANIFEST, BadBackup, check_backup, make_backup, restore_backup
from sigdep.services.data_folder import LOGS, DataFolder


def copy(source: Path, target: Path, on_progress: object) -> None:
    shutil.copyfile(source, target)


def silent(name: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.secrets.mkdir(parents=True)
    for path in [*(folder.log(context) for context in LOGS), folder.keys, folder.secrets / "key-encryption-key"]:
        path.write_text(f"what is in {path.name}")
    return folder


def test_what_was_backed_up_is_restored_and_private(folder: DataFolder, tmp_path: Path) -> None:
    made = make_backup(folder, tmp_path / "backup", copy, silent)
    target = DataFolder(tmp_path / "elsewhere")
    assert restore_backup(tmp_path / "backup", target) == made
    for name in made.files:
        assert (target.path / name).read_text() == (folder.path / name).read_text()
        assert (target.path / name).stat().st_mode & 0o077 == 0


def test_a_file_that_has_changed_is_named(folder: DataFolder, tmp_path: Path) -> None:
    make_backup(folder, tmp_path / "backup", copy, silent)
    (tmp_path / "backup" / "users.log.db").write_text("something else")
    with pytest.raises(BadBackup, match=r"users\.log\.db is missing, or is not what was backed up"):
        check_backup(tmp_path / "backup")


def test_a_backup_that_was_interrupted_is_none(folder: DataFolder, tmp_path: Path) -> None:
    make_backup(folder, tmp_path / "backup", copy, silent)
    (tmp_path / "backup" / MANIFEST).unlink()
    with pytest.raises(BadBackup, match="no whole backup"):
        restore_backup(tmp_path / "backup", DataFolder(tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_overwritten(folder: DataFolder, tmp_path: Path) -> None:
    make_backup(folder, tmp_path / "backup", copy, silent)
    with pytest.raises(BadBackup, match="A backup never overwrites"):
        make_backup(folder, tmp_path / "backup", copy, silent)
    with pytest.raises(BadBackup, match="Nothing is overwritten"):
        restore_backup(tmp_path / "backup", folder)


def test_a_backup_without_keys_needs_those_of_another(folder: DataFolder, tmp_path: Path) -> None:
    make_backup(folder, tmp_path / "log", copy, silent, keys=False)
    assert not DataFolder(tmp_path / "log").keys.exists()
    assert not DataFolder(tmp_path / "log").secrets.exists()
    target = DataFolder(tmp_path / "elsewhere")
    with pytest.raises(BadBackup, match="--keys-from"):
        restore_backup(tmp_path / "log", target)
    make_backup(folder, tmp_path / "whole", copy, silent)
    restore_backup(tmp_path / "log", target, keys_from=tmp_path / "whole")
    assert target.keys.read_text() == folder.keys.read_text()


def test_data_of_a_release_that_did_not_know_a_context_is_backed_up_and_restored(
    folder: DataFolder, tmp_path: Path
) -> None:
    folder.log(LOGS[0]).unlink()
    made = make_backup(folder, tmp_path / "backup", copy, silent)
    assert restore_backup(tmp_path / "backup", DataFolder(tmp_path / "elsewhere")) == made
    assert f"{LOGS[0]}.log.db" not in made.files
