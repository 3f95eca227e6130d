# ruff: noqa: S608  The schema's name has been checked.
"""Reads the log as it is stored: streams, what follows a position, kept answers, the hash chain."""

from bisect import bisect_right
from typing import Final
from uuid import UUID

from sigdep.adapters.postgres.connecting import Reading
from sigdep.kernel.chain import ChainWalk, StoredRow
from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import Partition, Position, Positions, StreamId, Version
from sigdep.kernel.store import ANSWERS_KEPT_US, ChainReport, KeptAnswer

STREAM_PAGE: Final = 1_000

LINKS_PAGE: Final = 64
"""Links verified at a time: with the events of as many batches, some tens of thousands."""

ANSWERS_FORGOTTEN_AT_ONCE: Final = 1_000

VERSION_MAX: Final = 2_147_483_647

COLUMNS: Final = (
    "e.partition, e.position, e.recorded_us, e.workspace, e.stream, e.version, e.command_id, e.type,"
    " e.schema_version, e.payload, e.metadata, e.subject, e.number"
)
"""In the order of StoredRow's fields."""

_NOW_US: Final = "(extract(epoch FROM now()) * 1000000)::bigint"


class Reader:
    """Every question sees all that was committed when it was asked."""

    def __init__(self, reading: Reading, schema: str) -> None:
        self._reading = reading
        self._schema = schema

    async def heads(self) -> Positions:
        rows = await self._reading.fetch(f"SELECT partition, head FROM {self._schema}.partition WHERE head > 0")
        return {row["partition"]: row["head"] for row in rows}

    async def stream(self, stream: StreamId, after: Version, until: Version | None) -> list[StoredRow]:
        """
        Raises:
            LogDamaged: a version is missing.
        """
        rows: list[StoredRow] = []
        last = VERSION_MAX if until is None else until
        while True:  # Every page is full but for the last.
            page = await self._reading.fetch(stream_statement(self._schema), stream, after + len(rows), last)
            rows.extend(StoredRow(*row) for row in page)
            if len(page) < STREAM_PAGE:
                break
        for expected, row in enumerate(rows, after + 1):
            if row.version != expected:
                raise LogDamaged(f"Version {expected} of {stream} is missing from the log.")
        return rows

    async def next_rows(self, after: Positions, limit: int) -> list[StoredRow]:
        """At most `limit` rows behind `after`, as many of each partition that has so many: none waits for another's.

        Raises:
            LogDamaged: a position is missing.
        """
        found = await self._reading.fetch(next_statement(self._schema), list(after), list(after.values()), limit)
        rows: list[StoredRow] = []
        reached: dict[Partition, Position] = {}
        ends: dict[Partition, Position] = {}
        for number, seen, ends[number], *values in found:
            reached[number] = Position(reached.get(number, seen) + 1)
            rows.append(StoredRow(*values))
            if rows[-1].position != reached[number]:
                raise _missing(number, reached[number])
        for number, end in ends.items():
            if reached[number] != end:
                raise _missing(number, Position(reached[number] + 1))
        return rows

    async def answer(self, caller: UUID, key: str) -> KeptAnswer | None:
        row = await self._reading.fetchrow(
            f"SELECT fingerprint, answer, partition, position FROM {self._schema}.answer"
            f" WHERE caller = $1 AND key = $2 AND recorded_us >= {_NOW_US} - $3::bigint",
            caller,
            key,
            ANSWERS_KEPT_US,
        )
        return None if row is None else KeptAnswer(**row)

    async def forget_answers(self) -> None:
        """Delete the answers that have been kept long enough."""
        forget = (
            f"DELETE FROM {self._schema}.answer WHERE ctid = ANY (ARRAY("
            f"SELECT ctid FROM {self._schema}.answer WHERE recorded_us < {_NOW_US} - $1::bigint"
            f" ORDER BY recorded_us LIMIT {ANSWERS_FORGOTTEN_AT_ONCE}))"
        )
        while await self._reading.execute(forget, ANSWERS_KEPT_US) != "DELETE 0":
            pass  # Each round leaves fewer.

    async def verify(self, partition: Partition) -> ChainReport:
        """Walk the chain to where the partition ends now, whatever is appended meanwhile."""
        end = await self._reading.fetchrow(end_statement(self._schema), partition)
        assert end is not None  # The rows of all partitions are made with their table.
        walk, last = ChainWalk(partition), Position(0)
        links_statement = (
            f"SELECT last_position, hash FROM {self._schema}.link WHERE partition = $1"
            f" AND last_position > $2 AND last_position <= $3 ORDER BY last_position LIMIT {LINKS_PAGE}"
        )
        while links := await self._reading.fetch(links_statement, partition, last, end["head"]):
            rows = await self._between(partition, last, links[-1]["last_position"])
            for link in links:
                last = link["last_position"]
                size = bisect_right(rows, last, key=lambda row: row.position)
                walk.take(last, link["hash"], rows[:size])
                del rows[:size]
        return walk.finish(end["head"], end["chain"], end["last"])

    async def _between(self, partition: Partition, after: Position, until: Position) -> list[StoredRow]:
        rows = await self._reading.fetch(
            f"SELECT {COLUMNS} FROM {self._schema}.event e"
            " WHERE e.partition = $1 AND e.position > $2 AND e.position <= $3 ORDER BY e.position",
            partition,
            after,
            until,
        )
        return [StoredRow(*row) for row in rows]


def stream_statement(schema: str) -> str:
    return (
        f"SELECT {COLUMNS} FROM {schema}.event e WHERE e.stream = $1 AND e.version > $2 AND e.version <= $3"
        f" ORDER BY e.version LIMIT {STREAM_PAGE}"
    )


def next_statement(schema: str) -> str:
    """What comes next, of a moment: each row after its partition, from where, and up to which position there are rows.

    LIMIT makes each partition a walk along the primary key, at any size of the log. A partition whose rows are missing
    has one of nothing.
    """
    return (
        "WITH seen AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS one (partition, position)),"
        " lagging AS (SELECT p.partition, p.head, coalesce(seen.position, 0) AS after,"
        f" greatest($3::bigint / count(*) OVER (), 1) AS share FROM {schema}.partition p"
        " LEFT JOIN seen ON seen.partition = p.partition WHERE p.head > coalesce(seen.position, 0)"
        " ORDER BY p.partition LIMIT $3::bigint),"
        " wanted AS (SELECT partition, after, least(head, after + share) AS until FROM lagging)"
        f" SELECT wanted.partition, wanted.after, wanted.until, {COLUMNS} FROM wanted LEFT JOIN LATERAL"
        f" (SELECT * FROM {schema}.event stored"
        " WHERE stored.partition = wanted.partition AND stored.position > wanted.after"
        " ORDER BY stored.position LIMIT wanted.until - wanted.after) e ON true ORDER BY wanted.partition, e.position"
    )


def end_statement(schema: str) -> str:
    """One statement, so that counter and last row are of one moment."""
    return (
        f"SELECT p.head, p.chain, coalesce((SELECT e.position FROM {schema}.event e WHERE e.partition = $1"
        f" ORDER BY e.position DESC LIMIT 1), 0) AS last FROM {schema}.partition p WHERE p.partition = $1"
    )


def _missing(partition: Partition, position: Position) -> LogDamaged:
    return LogDamaged(f"Position {partition}/{position} is missing from the log.")
