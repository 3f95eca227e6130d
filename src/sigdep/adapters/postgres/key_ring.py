# ruff: noqa: S608  The schema's name has been checked.
"""The key ring in a PostgreSQL database of its own: each subject's key, wrapped by a key that is kept elsewhere."""

import asyncio
import time
from collections.abc import Collection, Mapping
from itertools import islice
from os import urandom
from typing import Final

from sigdep.adapters.postgres.connecting import Reading, quoted
from sigdep.adapters.postgres.errors import OutOfOrder
from sigdep.adapters.postgres.migrations import Step, migrate
from sigdep.adapters.sealing import KEY_BYTES, AesGcmKey
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed

MIGRATIONS: Final[tuple[Step, ...]] = (("key_ring_1",),)

CACHED_SECONDS: Final = 60.0
"""A key that another process has destroyed is forgotten here after so long."""

CACHED_KEYS_MAX: Final = 20_000

NEW_KEYS_PER_COMMIT: Final = 256

REWRITTEN_BYTES_MAX: Final = 67_108_864
"""Up to this size the table is written anew when a key is destroyed: about half a million subjects, within a second."""

_PROOF: Final = b"These keys are wrapped by this key."


class WrongWrappingKey(OutOfOrder):
    """The keys have been wrapped by another key than the one given."""


class PostgresKeyRing:
    """A KeyRing for any number of processes; make it with `open`."""

    def __init__(self, wrapping: AesGcmKey, reading: Reading, schema: str) -> None:
        self._wrapping = wrapping
        self._reading = reading
        self._schema = schema
        self._cache: dict[SubjectId, tuple[AesGcmKey, float]] = {}
        """Each with the time when it must be looked up again; the oldest first."""
        self._turn = asyncio.Lock()
        """Whoever makes keys has it."""
        self._wanted: dict[SubjectId, None] = {}
        """Subjects that wait for a key, in the order of asking."""
        self._destroyed = 0
        """How many keys have been destroyed here. What was looked up before the last of them is not cached."""
        self._closed = False

    @classmethod
    async def open(cls, dsn: str, key_encryption_key: bytes, *, schema: str = "keys") -> "PostgresKeyRing":
        """Open the ring, made anew where there is none.

        Raises:
            ValueError: the key-encryption key has not 32 bytes.
            WrongWrappingKey: it is another than the one that these keys are wrapped by.
            OutOfOrder: a newer release has been here, or the database cannot be used.
            Unavailable: it is away.
        """
        wrapping = AesGcmKey(key_encryption_key)
        await migrate(dsn, quoted(schema), "key_ring", MIGRATIONS)
        reading = await Reading.open(dsn, "sigdep keys")
        try:
            await _check_proof(reading, wrapping, schema)
        except BaseException:
            await reading.close()
            raise
        return cls(wrapping, reading, schema)

    async def obtain(self, subject: SubjectId) -> AesGcmKey:
        if (cached := self._cached(subject)) is not None:
            return cached
        found = await self._look_up([subject])
        if subject not in found:
            await self._make(subject)
            found = await self._look_up([subject])
        key = found[subject]
        if key is None:
            raise KeyDestroyed(f"{subject} has been erased.")
        return key

    async def find(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, AesGcmKey]:
        keys = {subject: key for subject in subjects if (key := self._cached(subject)) is not None}
        missing = [subject for subject in subjects if subject not in keys]
        if missing:
            found = await self._look_up(missing)
            keys.update((subject, key) for subject, key in found.items() if key is not None)
        return keys

    async def destroy(self, subject: SubjectId) -> None:
        self._check_open()
        await self._reading.execute(
            f"INSERT INTO {self._schema}.subject_key (subject) VALUES ($1)"
            " ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, changed_at = now()",
            subject,
        )
        self._destroyed += 1
        self._cache.pop(subject, None)
        await self._erase_from_file()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._cache.clear()
            await self._reading.close()

    async def _make(self, subject: SubjectId) -> None:
        """Store a key for the subject unless it has one. Whoever has the turn does it for all that wait: one commit."""
        self._wanted[subject] = None
        try:
            async with self._turn:
                while subject in self._wanted:  # Each round makes some of those before it, and in the end its own.
                    await self._insert(list(islice(self._wanted, NEW_KEYS_PER_COMMIT)))
        finally:
            self._wanted.pop(subject, None)

    async def _insert(self, subjects: Collection[SubjectId]) -> None:
        self._check_open()
        in_order = sorted(subjects)  # Two processes that make the same keys wait for each other, and never deadlock.
        await self._reading.execute(
            f"INSERT INTO {self._schema}.subject_key (subject, wrapped)"
            " SELECT * FROM unnest($1::uuid[], $2::bytea[]) ON CONFLICT DO NOTHING",
            in_order,
            [self._wrapping.seal(urandom(KEY_BYTES), _context(subject)) for subject in in_order],
        )
        for made in subjects:
            self._wanted.pop(made, None)

    async def _erase_from_file(self) -> None:
        """An update leaves the old row in the table's file. A vacuum frees its place, and a full one its bytes."""
        row = await self._reading.fetchrow("SELECT pg_relation_size($1::regclass)", f"{self._schema}.subject_key")
        full = "(FULL)" if row is not None and row[0] <= REWRITTEN_BYTES_MAX else ""
        await self._reading.execute(f"VACUUM {full} {self._schema}.subject_key")

    def _cached(self, subject: SubjectId) -> AesGcmKey | None:
        kept = self._cache.get(subject)
        return kept[0] if kept is not None and kept[1] > time.monotonic() else None

    async def _look_up(self, subjects: Collection[SubjectId]) -> dict[SubjectId, AesGcmKey | None]:
        """Those that the database knows; None where the key has been destroyed."""
        self._check_open()
        destroyed = self._destroyed
        rows = await self._reading.fetch(
            f"SELECT subject, wrapped FROM {self._schema}.subject_key WHERE subject = ANY ($1)", list(subjects)
        )
        keys: dict[SubjectId, AesGcmKey | None] = {}
        for subject, wrapped in rows:
            keys[subject] = None if wrapped is None else AesGcmKey(self._wrapping.unseal(wrapped, _context(subject)))
        if destroyed == self._destroyed:
            self._remember(keys)
        return keys

    def _remember(self, keys: Mapping[SubjectId, AesGcmKey | None]) -> None:
        until = time.monotonic() + CACHED_SECONDS
        for subject, key in keys.items():
            self._cache.pop(subject, None)
            if key is not None:
                self._cache[subject] = (key, until)
                if len(self._cache) > CACHED_KEYS_MAX:
                    del self._cache[next(iter(self._cache))]

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The key ring has been closed.")


async def _check_proof(reading: Reading, wrapping: AesGcmKey, schema: str) -> None:
    await reading.execute(
        f"INSERT INTO {schema}.proof (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING",
        wrapping.seal(_PROOF, b"proof"),
    )
    row = await reading.fetchrow(f"SELECT sealed FROM {schema}.proof")
    assert row is not None  # Rows of this table are never deleted.
    try:
        wrapping.unseal(row["sealed"], b"proof")
    except LogDamaged:
        raise WrongWrappingKey(
            f"The keys in schema {schema} are wrapped by another key-encryption key than the one given. Give the one"
            " that they were made with: without it nothing that they seal can be read."
        ) from None


def _context(subject: SubjectId) -> bytes:
    return b"key|" + subject.bytes
