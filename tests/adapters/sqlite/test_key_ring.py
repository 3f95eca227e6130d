"""The SQLite ring keeps the port's contract, and what it promises beyond."""

import asyncio
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from os import urandom
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from sigdep.adapters.sqlite import key_ring
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing, WrongWrappingKey
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed
from sigdep.testing.key_ring import KeyRingContract, OpenRing

WRAPPING_KEY = urandom(32)

OpenSqliteRing = Callable[[], Awaitable[SqliteKeyRing]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


@pytest.fixture
def open_ring(path: Path) -> OpenSqliteRing:
    async def open_ring() -> SqliteKeyRing:
        return await SqliteKeyRing.open(path, WRAPPING_KEY)

    return open_ring


class TestSqliteKeyRing(KeyRingContract):
    @pytest.fixture
    def open_ring(self, path: Path) -> OpenRing:
        async def open_ring() -> SqliteKeyRing:
            return await SqliteKeyRing.open(path, WRAPPING_KEY)

        return open_ring


def files(path: Path) -> bytes:
    """Everything on disk: the database, and what has not been copied into it yet."""
    return b"".join(place.read_bytes() for place in path.parent.glob(path.name + "*"))


def wrapped_key(path: Path, subject: SubjectId) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        [(wrapped,)] = connection.execute("SELECT wrapped FROM subject_key WHERE subject = ?", (subject.bytes,))
        assert isinstance(wrapped, bytes)
        return wrapped


async def test_a_destroyed_key_leaves_no_byte_on_the_disk(open_ring: OpenSqliteRing, path: Path) -> None:
    ring = await open_ring()
    subjects = [SubjectId(uuid7()) for _ in range(200)]
    for subject in subjects:
        await ring.obtain(subject)
    doomed = wrapped_key(path, subjects[77])
    assert doomed in files(path)
    await ring.destroy(subjects[77])
    assert doomed not in files(path)
    assert wrapped_key(path, subjects[78]) in files(path)
    await ring.close()
    assert doomed not in files(path)


async def test_a_key_destroyed_by_another_process_is_forgotten_when_its_time_is_up(
    open_ring: OpenSqliteRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key_ring.CACHED_SECONDS <= 60
    monkeypatch.setattr(key_ring, "CACHED_SECONDS", 0.05)
    ring, other, subject = await open_ring(), await open_ring(), SubjectId(uuid7())
    await ring.obtain(subject)
    await other.destroy(subject)
    await asyncio.sleep(0.06)
    assert await ring.find([subject]) == {}
    with pytest.raises(KeyDestroyed):
        await ring.obtain(subject)
    await ring.close()
    await other.close()


async def test_a_key_whose_bytes_somebody_keeps_in_the_file_is_of_no_use_any_more(
    open_ring: OpenSqliteRing, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "CHECKPOINT_ATTEMPTS", 1)
    ring, subject = await open_ring(), SubjectId(uuid7())
    ring._writing.execute("PRAGMA busy_timeout=10")
    await ring.obtain(subject)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subject_key").fetchone()
        with pytest.raises(Unavailable, match="Repeat this soon"):
            await ring.destroy(subject)
        assert await ring.find([subject]) == {}
        with pytest.raises(KeyDestroyed):
            await ring.obtain(subject)
    await ring.destroy(subject)
    await ring.close()


async def test_no_more_keys_are_remembered_than_the_limit(
    open_ring: OpenSqliteRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "CACHED_KEYS_MAX", 10)
    ring = await open_ring()
    for _ in range(30):
        await ring.obtain(SubjectId(uuid7()))
    assert len(ring._cache) == 10
    await ring.close()


async def test_new_keys_of_many_share_a_commit(open_ring: OpenSqliteRing) -> None:
    ring = await open_ring()
    commits: list[str] = []
    ring._writing.set_trace_callback(commits.append)
    await asyncio.gather(*(ring.obtain(SubjectId(uuid7())) for _ in range(200)))
    assert len(commits) <= 2 + 5  # One who came first, and one round for all others, of at most 64 each statement.
    await ring.close()


async def test_a_wrong_wrapping_key_is_noticed_at_the_start(open_ring: OpenSqliteRing, path: Path) -> None:
    await (await open_ring()).close()
    with pytest.raises(WrongWrappingKey, match="another key-encryption key"):
        await SqliteKeyRing.open(path, urandom(32))
    with pytest.raises(ValueError, match="32 bytes"):
        await SqliteKeyRing.open(path, b"short")


async def test_only_the_owner_may_read_the_keys(open_ring: OpenSqliteRing, path: Path) -> None:
    ring = await open_ring()
    await ring.obtain(SubjectId(uuid7()))
    for place in path.parent.glob("keys.db*"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    await ring.close()


async def test_no_key_is_in_the_file_unwrapped(
    open_ring: OpenSqliteRing, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "urandom", lambda size: b"s" * size)
    ring = await open_ring()
    await ring.obtain(SubjectId(uuid7()))
    assert b"s" * 16 not in files(path)
    await ring.close()


async def test_a_closed_ring_gives_nothing(open_ring: OpenSqliteRing) -> None:
    ring = await open_ring()
    await ring.close()
    for asking in (ring.obtain(SubjectId(uuid7())), ring.find([SubjectId(uuid7())]), ring.destroy(SubjectId(uuid7()))):
        with pytest.raises(Unavailable):
            await asking
