# ruff: noqa: S608  The schema's name has been checked.
"""Copies a key ring out of a PostgreSQL database and into another, as it is stored."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sigdep.adapters.postgres.connecting import Connection
from sigdep.adapters.postgres.copy_draft import begin_draft, finish_draft, open_source, open_target
from sigdep.adapters.postgres.errors import translated
from sigdep.adapters.postgres.key_ring import MIGRATIONS
from sigdep.kernel.codec import instant
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.log_copy import PAGE_ROWS, TargetTaken, WrappedKey, settle

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresKeyCopy:
    """A KeySource; a KeyTarget too, if it has been opened as one."""

    def __init__(self, connection: Connection, schema: str) -> None:
        """For `open_source` and `open_target`."""
        self._connection = connection
        self._schema = schema

    @classmethod
    async def open_source(cls, dsn: str, schema: str) -> "PostgresKeyCopy":
        """
        Raises:
            OutOfOrder: there is no key ring of the present version, or only a draft.
            Unavailable: the database is away.
        """
        return cls(await open_source(dsn, schema, "key_ring", len(MIGRATIONS)), schema)

    @classmethod
    async def open_target(cls, dsn: str, schema: str) -> "PostgresKeyCopy":
        """Open the ring, made anew where there is none.

        Raises:
            OutOfOrder: a newer release has been here, or the database cannot be used.
            Unavailable: it is away.
        """
        return cls(await open_target(dsn, schema, "key_ring", MIGRATIONS), schema)

    async def proof(self) -> bytes | None:
        with translated():
            found: bytes | None = await self._connection.fetchval(f"SELECT sealed FROM {self._schema}.proof")
        return found

    async def keys(self) -> AsyncIterator[Sequence[WrappedKey]]:
        last: UUID | None = None
        statement = (
            f"SELECT subject, wrapped, changed_at FROM {self._schema}.subject_key"
            " WHERE subject > $1 OR $1 IS NULL ORDER BY subject LIMIT $2"
        )
        while True:  # Each page is behind the one before.
            with translated():
                rows = await self._connection.fetch(statement, last, PAGE_ROWS)
            if not rows:
                return
            yield [WrappedKey(subject, wrapped, _microseconds(changed_at)) for subject, wrapped, changed_at in rows]
            last = rows[-1]["subject"]

    async def begin(self) -> bool:
        return await begin_draft(self._connection, self._schema, "subject_key", "true")

    async def take_proof(self, proof: bytes) -> None:
        if await self.proof() not in (None, proof):
            raise TargetTaken(
                f"The key ring in schema {self._schema} of the target has been made with other secrets. Empty the"
                " schema, or copy to a new place."
            )
        with translated():
            await self._connection.execute(
                f"INSERT INTO {self._schema}.proof (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING", proof
            )

    async def take(self, keys: Sequence[WrappedKey]) -> None:
        with translated():
            async with self._connection.transaction():
                changes = settle(keys, await self._present([key.subject for key in keys]))
                await self._connection.execute(
                    f"INSERT INTO {self._schema}.subject_key AS k (subject, wrapped, changed_at)"
                    " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[])"
                    " ON CONFLICT (subject) DO UPDATE SET wrapped = excluded.wrapped, changed_at = excluded.changed_at",
                    [key.subject for key in changes],
                    [key.wrapped for key in changes],
                    [instant(key.changed_us) for key in changes],
                )

    async def _present(self, subjects: Sequence[SubjectId]) -> dict[SubjectId, bytes | None]:
        found = await self._connection.fetch(
            f"SELECT subject, wrapped FROM {self._schema}.subject_key WHERE subject = ANY ($1) FOR UPDATE", subjects
        )
        return {row["subject"]: row["wrapped"] for row in found}

    async def finish(self) -> None:
        # An update leaves the old row in the table's file: a key may have been destroyed since an interrupted copy.
        with translated():
            await self._connection.execute(f"VACUUM (FULL) {self._schema}.subject_key")
        await finish_draft(self._connection, self._schema)

    async def close(self) -> None:
        with translated():
            await self._connection.close()


def _microseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
