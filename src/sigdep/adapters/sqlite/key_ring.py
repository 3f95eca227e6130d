"""The key ring in a SQLite file of its own: each subject's key, wrapped by a key that is kept elsewhere."""

import asyncio
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice
from os import urandom
from pathlib import Path
from typing import Final

from sigdep.adapters.sealing import KEY_BYTES, AesGcmKey
from sigdep.adapters.sqlite.database import open_to_read, open_to_write
from sigdep.adapters.sqlite.driver import find_rows, translated_errors, write_rows
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import SubjectId, uuid_of
from sigdep.kernel.keys import KeyDestroyed

CACHED_SECONDS: Final = 60.0
"""A key that another process has destroyed is forgotten here after so long."""
CACHED_KEYS_MAX: Final = 20_000
NEW_KEYS_PER_COMMIT: Final = 256
CHECKPOINT_ATTEMPTS: Final = 3
"""Each waits up to `database.BUSY_SECONDS` for readers."""

KEY_MIGRATIONS: Final = (
    """
CREATE TABLE subject_key (
    subject BLOB PRIMARY KEY,
    -- NULL: destroyed. The row stays, so that nobody makes the subject a new key.
    wrapped BLOB,
    changed_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Something known, sealed by the wrapping key: a wrong one is noticed at the start, not at the first event.
CREATE TABLE proof (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL) STRICT;
""",
)
_FIND: Final = """
WITH wanted (subject) AS (VALUES {})
SELECT subject, wrapped FROM wanted CROSS JOIN subject_key USING (subject)
"""
_INSERT: Final = "INSERT INTO subject_key VALUES {} ON CONFLICT DO NOTHING"
_DESTROY: Final = """
INSERT INTO subject_key VALUES (?, NULL, ?) ON CONFLICT DO UPDATE SET wrapped = NULL, changed_us = excluded.changed_us
"""
_PROOF: Final = b"These keys are wrapped by this key."


class WrongWrappingKey(Unavailable):
    """The keys have been wrapped by another key than the one given."""


class SqliteKeyRing:
    """A KeyRing in a file, for any number of processes on one machine."""

    def __init__(self, wrapping: AesGcmKey, reading: sqlite3.Connection, writing: sqlite3.Connection) -> None:
        """For `open`."""
        self._wrapping = wrapping
        self._reading = reading
        self._writing = writing
        self._turn = asyncio.Lock()
        """Whoever writes has it."""
        self._wanted: dict[SubjectId, None] = {}
        """Subjects that wait for a key, in the order of asking."""
        self._cache: dict[SubjectId, tuple[AesGcmKey, float]] = {}
        """Each with the time when it must be looked up again; the oldest first."""
        self._closed = False

    @classmethod
    async def open(cls, path: Path, key_encryption_key: bytes) -> "SqliteKeyRing":
        """Open the ring, made anew where there is none.

        Raises:
            ValueError: the key-encryption key has not 32 bytes.
            WrongWrappingKey: it is another than the one that these keys are wrapped by.
            TooNew, LogDamaged, Unavailable: the file cannot be used.
        """
        wrapping = AesGcmKey(key_encryption_key)
        return cls(wrapping, *await asyncio.to_thread(_open, path, wrapping))

    async def obtain(self, subject: SubjectId) -> AesGcmKey:
        key = self._cached(subject)
        if key is not None:
            return key
        if subject not in (found := self._look_up({subject})):
            await self._make(subject)
            found = self._look_up({subject})
        key = found[subject]
        if key is None:
            raise KeyDestroyed(f"{subject} has been erased.")
        return key

    async def find(self, subjects: Collection[SubjectId]) -> Mapping[SubjectId, AesGcmKey]:
        keys = {subject: key for subject in subjects if (key := self._cached(subject)) is not None}
        missing = {subject for subject in subjects if subject not in keys}
        if missing:
            found = self._look_up(missing)
            keys.update((subject, key) for subject, key in found.items() if key is not None)
        return keys

    async def destroy(self, subject: SubjectId) -> None:
        async with self._turn:
            self._check_open()
            try:
                await asyncio.to_thread(_destroy, self._writing, subject)
            finally:  # Also where its bytes are in the file still: it seals and unseals nothing from now on.
                self._cache.pop(subject, None)

    async def close(self) -> None:
        async with self._turn:
            if not self._closed:
                self._closed = True
                self._cache.clear()
                self._reading.close()
                self._writing.close()

    def _cached(self, subject: SubjectId) -> AesGcmKey | None:
        kept = self._cache.get(subject)
        return kept[0] if kept is not None and kept[1] > time.monotonic() else None

    def _look_up(self, subjects: Iterable[SubjectId]) -> dict[SubjectId, AesGcmKey | None]:
        """Those that the file knows; None where the key has been destroyed. In the event loop: 20 µs for one."""
        self._check_open()
        known: dict[SubjectId, AesGcmKey | None] = {}
        with translated_errors("Looking for a key"):
            found = list(find_rows(self._reading, _FIND, [(subject.bytes,) for subject in subjects]))
        for stored, wrapped in found:
            subject = SubjectId(uuid_of(stored))
            known[subject] = None if wrapped is None else self._unwrapped(subject, wrapped)
        return known

    def _unwrapped(self, subject: SubjectId, wrapped: bytes) -> AesGcmKey:
        key = AesGcmKey(self._wrapping.unseal(wrapped, _context(subject)))
        self._cache.pop(subject, None)
        self._cache[subject] = (key, time.monotonic() + CACHED_SECONDS)
        if len(self._cache) > CACHED_KEYS_MAX:
            del self._cache[next(iter(self._cache))]
        return key

    async def _make(self, subject: SubjectId) -> None:
        """Store a key for the subject unless it has one. Whoever writes does it for all that wait: one commit."""
        self._wanted[subject] = None
        try:
            async with self._turn:
                while subject in self._wanted:
                    self._check_open()
                    some = list(islice(self._wanted, NEW_KEYS_PER_COMMIT))
                    await asyncio.to_thread(self._insert, some)
                    for made in some:
                        self._wanted.pop(made, None)
        finally:
            self._wanted.pop(subject, None)

    def _insert(self, subjects: Iterable[SubjectId]) -> None:
        now_us = time.time_ns() // 1_000
        rows = (
            (subject.bytes, self._wrapping.seal(urandom(KEY_BYTES), _context(subject)), now_us) for subject in subjects
        )
        with translated_errors("Storing a new key"):
            write_rows(self._writing, _INSERT, 3, list(chain.from_iterable(rows)))

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The key ring has been closed.")


def _open(path: Path, wrapping: AesGcmKey) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    with translated_errors(f"Opening {path}"):
        if not path.exists():
            path.touch(mode=0o600)
        writing = open_to_write(path, KEY_MIGRATIONS)
        try:
            # What is overwritten is overwritten with zeros, not just forgotten.
            writing.execute("PRAGMA secure_delete=ON")
            writing.execute(
                "INSERT INTO proof VALUES (1, ?) ON CONFLICT DO NOTHING", (wrapping.seal(_PROOF, b"proof"),)
            )
            _check_proof(path, wrapping, writing.execute("SELECT sealed FROM proof").fetchone()[0])
            return open_to_read(path, KEY_MIGRATIONS), writing
        except BaseException:
            writing.close()
            raise


def _check_proof(path: Path, wrapping: AesGcmKey, sealed: bytes) -> None:
    try:
        wrapping.unseal(sealed, b"proof")
    except LogDamaged:
        raise WrongWrappingKey(
            f"The keys in {path} are wrapped by another key-encryption key than the one given. Give the one that "
            "they were made with: without it nothing that they seal can be read."
        ) from None


def _destroy(connection: sqlite3.Connection, subject: SubjectId) -> None:
    """Forget the key in the file and in its write-ahead log."""
    with translated_errors("Destroying a key"):
        connection.execute(_DESTROY, (subject.bytes, time.time_ns() // 1_000))
        for _ in range(CHECKPOINT_ATTEMPTS):
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return
    raise Unavailable("The key is destroyed, but somebody who reads keeps its bytes in the file. Repeat this soon.")


def _context(subject: SubjectId) -> bytes:
    return b"key|" + subject.bytes
