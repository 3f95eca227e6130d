"""`sigdep backup` and `sigdep restore`: odd folders, full disks, and what is said when they fail."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from sigdep.cli import main
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import SubjectId
from sigdep.services.data_folder import LOGS, DataFolder
from sigdep.services.wiring import open_embedded

SUBJECT = SubjectId(UUID(int=7))


async def fill(folder: DataFolder) -> None:
    async with open_embedded(folder) as stores:
        await stores.keys.obtain(SUBJECT)


async def has_key(folder: DataFolder) -> bool:
    async with open_embedded(folder) as stores:
        return bool(await stores.keys.find([SUBJECT]))


def sigdep(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Whatever writes more hears what it hears of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b", "a b"])
def test_a_folder_may_be_called_as_anybody_likes(tmp_path: Path, name: str) -> None:
    folder, backup, restored = DataFolder(tmp_path / name), tmp_path / f"{name}.backup", tmp_path / f"{name}.restored"
    asyncio.run(fill(folder))
    made = sigdep("backup", backup, "--data-dir", folder.path)
    assert made.exit_code == 0, made.output
    again = sigdep("restore", backup, "--data-dir", restored)
    assert again.exit_code == 0, again.output
    assert asyncio.run(has_key(DataFolder(restored)))
    assert {path.name for path in tmp_path.iterdir()} == {name, backup.name, restored.name}


def test_an_emptied_log_is_no_backup(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    asyncio.run(fill(folder))
    folder.log("tasks").write_bytes(b"")
    made = sigdep("backup", tmp_path / "backup", "--data-dir", folder.path)
    assert (made.exit_code, type(made.exception)) == (1, SystemExit)
    assert "tasks.log.db is empty" in made.output
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    folder = DataFolder(tmp_path / "data")
    asyncio.run(fill(folder))
    with files_of_at_most(size):
        made = sigdep("backup", tmp_path / "backup", "--data-dir", folder.path)
    assert (made.exit_code, type(made.exception)) == (1, SystemExit), made.exception
    assert made.output.startswith("sigdep: ")
    assert made.output.count("\n") == 1
    assert not (tmp_path / "backup").exists()
    assert sigdep("backup", tmp_path / "backup", "--data-dir", folder.path).exit_code == 0
    with files_of_at_most(size):
        restored = sigdep("restore", tmp_path / "backup", "--data-dir", tmp_path / "restored")
    assert (restored.exit_code, type(restored.exception)) == (1, SystemExit), restored.exception
    assert restored.output.startswith("sigdep: Nothing was restored: ")
    assert not (tmp_path / "restored").exists()


def test_damage_is_said_in_a_sentence(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    asyncio.run(fill(folder))
    for path in (folder.log(LOGS[-1]), folder.keys):
        whole = path.read_bytes()
        path.write_bytes(b"damaged " * 1_000)
        made = sigdep("backup", tmp_path / "backup", "--data-dir", folder.path)
        assert (made.exit_code, type(made.exception)) == (1, SystemExit), made.exception
        assert path.name in made.output
        path.write_bytes(whole)


def test_nothing_appears_before_the_erased_are_erased_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*arguments: object) -> int:
        assert not (tmp_path / "restored").exists()
        raise Unavailable("The keys cannot be destroyed.")

    folder = DataFolder(tmp_path / "data")
    asyncio.run(fill(folder))
    assert sigdep("backup", tmp_path / "backup", "--data-dir", folder.path).exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr("sigdep.cli.backup.destroy_keys_again", fail)
        failed = sigdep("restore", tmp_path / "backup", "--data-dir", tmp_path / "restored")
    assert failed.exit_code == 1
    assert "The keys cannot be destroyed." in failed.output
    assert not (tmp_path / "restored").exists()
    assert sigdep("restore", tmp_path / "backup", "--data-dir", tmp_path / "restored").exit_code == 0
