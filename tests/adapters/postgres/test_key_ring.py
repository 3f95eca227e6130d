"""PostgreSQL keeps the key ring's contract, and keeps no bytes of a destroyed key."""

from os import urandom

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from sigdep.adapters.postgres import key_ring
from sigdep.adapters.postgres.key_ring import PostgresKeyRing, WrongWrappingKey
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed, KeyRing
from sigdep.testing.key_ring import KeyRingContract, OpenRing


class TestPostgresKeyRing(KeyRingContract):
    @pytest.fixture
    def open_ring(self, postgresql_shared_dsn: str, schema: str) -> OpenRing:
        wrapping = urandom(32)

        async def open_ring() -> KeyRing:
            return await PostgresKeyRing.open(postgresql_shared_dsn, wrapping, schema=schema)

        return open_ring


async def test_another_wrapping_key_is_noticed_at_the_start(postgresql_shared_dsn: str, schema: str) -> None:
    await (await PostgresKeyRing.open(postgresql_shared_dsn, urandom(32), schema=schema)).close()
    with pytest.raises(WrongWrappingKey, match="another key-encryption key"):
        await PostgresKeyRing.open(postgresql_shared_dsn, urandom(32), schema=schema)


async def test_no_key_is_stored_in_the_clear(
    postgresql_shared_dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = b"as random as any 32 other bytes!"
    monkeypatch.setattr(key_ring, "urandom", lambda _length: secret)
    ring = await PostgresKeyRing.open(postgresql_shared_dsn, urandom(32), schema=schema)
    await ring.obtain(SubjectId(uuid7()))
    assert secret not in await file_of_keys(postgresql_shared_dsn, schema)
    await ring.close()


async def test_a_destroyed_key_leaves_no_bytes_in_the_file(postgresql_shared_dsn: str, schema: str) -> None:
    ring = await PostgresKeyRing.open(postgresql_shared_dsn, urandom(32), schema=schema)
    subjects = [SubjectId(uuid7()) for _ in range(50)]
    for subject in subjects:
        await ring.obtain(subject)
    wrapped = await wrapped_key(postgresql_shared_dsn, schema, subjects[-1])
    assert wrapped in await file_of_keys(postgresql_shared_dsn, schema)
    await ring.destroy(subjects[-1])
    left = await file_of_keys(postgresql_shared_dsn, schema)
    assert not any(wrapped[start : start + 8] in left for start in range(len(wrapped) - 7))
    assert len(await ring.find(subjects)) == 49
    await ring.close()


async def test_a_key_destroyed_elsewhere_is_forgotten_in_time(
    postgresql_shared_dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "CACHED_SECONDS", 0.0)
    wrapping, subject = urandom(32), SubjectId(uuid7())
    ring = await PostgresKeyRing.open(postgresql_shared_dsn, wrapping, schema=schema)
    other = await PostgresKeyRing.open(postgresql_shared_dsn, wrapping, schema=schema)
    await ring.obtain(subject)
    await other.destroy(subject)
    assert await ring.find([subject]) == {}
    with pytest.raises(KeyDestroyed):
        await ring.obtain(subject)
    await other.close()
    await ring.close()


async def test_only_so_many_keys_are_kept_in_memory(
    postgresql_shared_dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "CACHED_KEYS_MAX", 3)
    ring = await PostgresKeyRing.open(postgresql_shared_dsn, urandom(32), schema=schema)
    subjects = [SubjectId(uuid7()) for _ in range(10)]
    for subject in subjects:
        await ring.obtain(subject)
    assert list(ring._cache) == subjects[-3:]
    assert len(await ring.find(subjects)) == 10
    await ring.close()


async def wrapped_key(dsn: str, schema: str, subject: SubjectId) -> bytes:
    connection = await asyncpg.connect(dsn)
    try:
        found: bytes = await connection.fetchval(
            f"SELECT wrapped FROM {schema}.subject_key WHERE subject = $1", subject
        )
        return found
    finally:
        await connection.close()


async def file_of_keys(dsn: str, schema: str) -> bytes:
    """The bytes of the table as they lie on the disk."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CHECKPOINT")
        found: bytes = await connection.fetchval(
            "SELECT pg_read_binary_file(pg_relation_filepath($1::regclass))", f"{schema}.subject_key"
        )
        return found
    finally:
        await connection.close()
