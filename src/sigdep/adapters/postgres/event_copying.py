# ruff: noqa: S608  The schema's name has been checked.
"""Copies a log out of a PostgreSQL database and into another, as it is stored."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sigdep.adapters.postgres.connecting import Connection
from sigdep.adapters.postgres.copy_draft import begin_draft, finish_draft, open_source, open_target, taken
from sigdep.adapters.postgres.errors import translated
from sigdep.adapters.postgres.event_store import MIGRATIONS
from sigdep.adapters.postgres.reader import COLUMNS
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.ids import Partition, Position
from sigdep.kernel.log_copy import (
    PAGE_ROWS,
    ChainEnd,
    Gathering,
    LinkedBatch,
    Portion,
    StoredAnswer,
    WorkspaceNumber,
)

ROWS_AT_ONCE: Final = 128
"""Events read at a time; each may have a megabyte."""

EVENT_COLUMNS: Final = (
    "position", "recorded_us", "number", "version", "schema_version", "partition", "workspace", "command_id",
    "subject", "stream", "type", "payload", "metadata",
)  # fmt: skip
LINK_COLUMNS: Final = ("last_position", "partition", "hash")
ANSWER_COLUMNS: Final = ("caller", "key", "fingerprint", "answer", "partition", "position", "recorded_us")


class PostgresLogCopy:
    """A LogSource; a LogTarget too, if it has been opened as one."""

    def __init__(self, connection: Connection, schema: str) -> None:
        """For `open_source` and `open_target`."""
        self._connection = connection
        self._schema = schema

    @classmethod
    async def open_source(cls, dsn: str, schema: str) -> "PostgresLogCopy":
        """
        Raises:
            OutOfOrder: there is no log of the present version, or only a draft.
            Unavailable: the database is away.
        """
        return cls(await open_source(dsn, schema, "event_store", len(MIGRATIONS)), schema)

    @classmethod
    async def open_target(cls, dsn: str, schema: str) -> "PostgresLogCopy":
        """Open the log, made anew where there is none.

        Raises:
            OutOfOrder: a newer release has been here, or the database cannot be used.
            Unavailable: it is away.
        """
        return cls(await open_target(dsn, schema, "event_store", MIGRATIONS), schema)

    async def ends(self) -> Mapping[Partition, ChainEnd]:
        rows = await self._fetch(
            f"SELECT partition, head, recorded_us, chain FROM {self._schema}.partition WHERE head > 0 ORDER BY 1"
        )
        return {partition: ChainEnd(*rest) for partition, *rest in rows}

    async def link_at(self, partition: Partition, position: Position) -> bytes | None:
        rows = await self._fetch(
            f"SELECT hash FROM {self._schema}.link WHERE partition = $1 AND last_position = $2", partition, position
        )
        return rows[0][0] if rows else None

    async def portions(self, partition: Partition, after: Position) -> AsyncIterator[Portion]:
        gathering, last = Gathering(), after
        statement = (
            f"SELECT {COLUMNS}, (SELECT l.hash FROM {self._schema}.link l"
            " WHERE l.partition = e.partition AND l.last_position = e.position)"
            f" FROM {self._schema}.event e WHERE e.partition = $1 AND e.position > $2 ORDER BY e.position LIMIT $3"
        )
        while found := await self._fetch(statement, partition, last, ROWS_AT_ONCE):
            for *values, link in found:
                row = StoredRow(*values)
                last = row.position
                if portion := gathering.add(row, link):
                    yield portion
        if rest := gathering.finish():
            yield rest

    async def numbers(self) -> AsyncIterator[Sequence[WorkspaceNumber]]:
        last: UUID | None = None
        statement = (
            f"SELECT workspace, last FROM {self._schema}.number"
            " WHERE workspace > $1 OR $1 IS NULL ORDER BY workspace LIMIT $2"
        )
        while rows := await self._fetch(statement, last, PAGE_ROWS):
            yield [WorkspaceNumber(*row) for row in rows]
            last = rows[-1][0]

    async def answers(self) -> AsyncIterator[Sequence[StoredAnswer]]:
        after: tuple[int, UUID, str] = (-1, UUID(int=0), "")
        statement = (
            f"SELECT {', '.join(ANSWER_COLUMNS)} FROM {self._schema}.answer"
            " WHERE (recorded_us, caller, key) > ($1, $2, $3) ORDER BY recorded_us, caller, key LIMIT $4"
        )
        while rows := await self._fetch(statement, *after, PAGE_ROWS):
            answers = [StoredAnswer(*row) for row in rows]
            yield answers
            after = (answers[-1].kept_us, answers[-1].caller, answers[-1].key)

    async def begin(self) -> bool:
        return await begin_draft(self._connection, self._schema, "partition", "head > 0")

    async def take(self, portion: Portion) -> None:
        first, end = portion[0].rows[0], portion[-1]
        with translated():
            async with self._connection.transaction():
                head = await self._connection.fetchval(
                    f"SELECT head FROM {self._schema}.partition WHERE partition = $1 FOR UPDATE", first.partition
                )
                if head != first.position - 1:
                    raise taken(self._schema)
                await self._copy_into("event", EVENT_COLUMNS, _event_values(portion))
                await self._copy_into("link", LINK_COLUMNS, _link_values(portion))
                await self._connection.execute(
                    f"UPDATE {self._schema}.partition SET head = $2, chain = $3, recorded_us = $4 WHERE partition = $1",
                    first.partition,
                    end.last.position,
                    end.link,
                    end.last.recorded_us,
                )

    async def take_numbers(self, numbers: Sequence[WorkspaceNumber]) -> None:
        with translated():
            await self._connection.execute(
                f"INSERT INTO {self._schema}.number (workspace, last) SELECT * FROM unnest($1::uuid[], $2::bigint[])"
                " ON CONFLICT (workspace) DO UPDATE SET last = excluded.last",
                [number.workspace for number in numbers],
                [number.number for number in numbers],
            )

    async def forget_answers(self) -> None:
        with translated():
            await self._connection.execute(f"TRUNCATE {self._schema}.answer")

    async def take_answers(self, answers: Sequence[StoredAnswer]) -> None:
        values = [
            (one.caller, one.key, one.fingerprint, one.answer, one.partition, one.position, one.kept_us)
            for one in answers
        ]
        with translated():
            await self._copy_into("answer", ANSWER_COLUMNS, values)

    async def finish(self) -> None:
        await finish_draft(self._connection, self._schema)

    async def close(self) -> None:
        with translated():
            await self._connection.close()

    async def _fetch(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with translated():
            return [tuple(row) for row in await self._connection.fetch(statement, *arguments)]

    async def _copy_into(self, table: str, columns: Sequence[str], values: Iterator[Any] | Sequence[Any]) -> None:
        await self._connection.copy_records_to_table(
            table, schema_name=self._schema, columns=columns, records=list(values)
        )


def _event_values(portion: Sequence[LinkedBatch]) -> Iterator[tuple[Any, ...]]:
    """In the order of EVENT_COLUMNS."""
    for batch in portion:
        for row in batch.rows:
            yield (
                row.position, row.recorded_us, row.number, row.version, row.schema_version, row.partition,
                row.workspace, row.command_id, row.subject, row.stream, row.type, row.payload, row.metadata,
            )  # fmt: skip


def _link_values(portion: Sequence[LinkedBatch]) -> Iterator[tuple[Any, ...]]:
    """In the order of LINK_COLUMNS."""
    for batch in portion:
        yield batch.last.position, batch.last.partition, batch.link
