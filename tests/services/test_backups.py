"""Backups: whole or not at all, and never over something else."""

import os
import shutil
from errno import ENOSPC
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


def test_a_backup_that_fails_leaves_nothing_and_can_be_made_again(folder: DataFolder, tmp_path: Path) -> None:
    def fail(source: Path, target: Path, on_progress: object) -> None:
        if source == folder.keys:
            raise OSError(ENOSPC, "No space left on device")
        copy(source, target, on_progress)

    with pytest.raises(OSError, match="No space left"):
        make_backup(folder, tmp_path / "backup", fail, silent)
    assert not (tmp_path / "backup").exists()
    make_backup(folder, tmp_path / "backup", copy, silent)


def test_what_another_writes_into_the_same_folder_stays(folder: DataFolder, tmp_path: Path) -> None:
    def find_another(source: Path, target: Path, on_progress: object) -> None:
        target.write_text("of another")
        raise FileExistsError(target)

    with pytest.raises(FileExistsError):
        make_backup(folder, tmp_path / "backup", find_another, silent)
    assert [path.read_text() for path in (tmp_path / "backup").iterdir()] == ["of another"]


@pytest.mark.parametrize("ending", [KeyboardInterrupt, OSError])
def test_a_folder_appears_only_when_it_is_finished(
    folder: DataFolder, tmp_path: Path, ending: type[BaseException]
) -> None:
    make_backup(folder, tmp_path / "backup", copy, silent)
    target = DataFolder(tmp_path / "elsewhere")

    def end(draft: DataFolder) -> None:
        assert draft.keys.read_text() == folder.keys.read_text()
        assert not target.path.exists()
        raise ending

    def finish(draft: DataFolder) -> None:
        draft.keys.write_text("finished")

    with pytest.raises(ending):
        restore_backup(tmp_path / "backup", target, finish=end)
    assert not target.path.exists()
    restore_backup(tmp_path / "backup", target, finish=finish)
    assert target.keys.read_text() == "finished"


def test_all_that_is_made_is_on_the_disk(folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[str] = set()

    def fsync(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(os, "fsync", fsync)
    made = tmp_path / "backup"
    make_backup(folder, made, copy, silent)
    assert {str(path) for path in (made, *made.rglob("*"))} <= synced
    synced.clear()
    restore_backup(made, DataFolder(tmp_path / "elsewhere"))
    draft = tmp_path / ".elsewhere.restoring"
    names = [draft / path.relative_to(made) for path in made.rglob("*") if path.name != MANIFEST]
    assert {str(path) for path in (draft, *names, tmp_path)} <= synced
