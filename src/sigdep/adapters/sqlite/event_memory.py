"""What a transaction must know of the log before it decides: remembered from the one before, or looked up."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from sigdep.adapters.sqlite.driver import find_rows
from sigdep.kernel.chain import FIRST_LINK
from sigdep.kernel.codec import StoredEvent
from sigdep.kernel.ids import NO_STREAM, Partition, Position, Positions, StreamId, WorkspaceId, uuid_of
from sigdep.kernel.store import Append, KeptAnswer

VERSIONS_REMEMBERED: Final = 50_000
NUMBERS_REMEMBERED: Final = 20_000

_FIND_UNPLACED: Final = "SELECT partition, position, id FROM event WHERE id > (SELECT id FROM placed)"
_FIND_LAST_ID: Final = "SELECT coalesce(max(id), 0) FROM event"
_FIND_HEADS: Final = "SELECT partition, position, recorded_us, link FROM head"
_FIND_VERSIONS: Final = """
WITH wanted (stream) AS (VALUES {}),
found (stream, version) AS (
    SELECT stream, (SELECT version FROM event WHERE event.stream = wanted.stream ORDER BY version DESC LIMIT 1)
    FROM wanted
)
SELECT stream, version FROM found WHERE version IS NOT NULL
"""
_FIND_NUMBERS: Final = """
WITH wanted (workspace) AS (VALUES {})
SELECT workspace, number FROM wanted CROSS JOIN workspace_number USING (workspace)
"""
_FIND_ANSWERS: Final = """
WITH wanted (caller, key) AS (VALUES {})
SELECT caller, key, fingerprint, answer, partition, position, kept_us FROM wanted CROSS JOIN answer USING (caller, key)
"""
_FIND_PLACES: Final = """
SELECT command_id, position, recorded_us, number FROM event
WHERE stream = ? AND version > ? AND version <= ? ORDER BY version
"""

Change = tuple[Append, Sequence[StoredEvent]]
"""An append with its events sealed."""

Place = tuple[bytes, int, int, int | None]
"""An event's command id, position, time and number."""


class Head(Struct, frozen=True, gc=False):
    """Where a partition ends."""

    position: int = 0
    recorded_us: int = 0
    link: bytes = FIRST_LINK


class EventMemory:
    """Heads, versions and numbers as they were last committed. True because nobody else may write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._heads = {Partition(number): Head(*rest) for number, *rest in connection.execute(_FIND_HEADS)}
        self._versions: dict[StreamId, int] = {}
        self._numbers: dict[WorkspaceId, int] = {}
        self.last_id: int = connection.execute(_FIND_LAST_ID).fetchone()[0]
        """Of the last event."""
        self.unplaced: list[tuple[int, int, int]] = connection.execute(_FIND_UNPLACED).fetchall()
        """Partition, position and id of the events that are not in `place` yet."""

    @property
    def heads(self) -> Positions:
        return {partition: Position(head.position) for partition, head in self._heads.items()}

    def head(self, partition: Partition) -> Head:
        return self._heads.get(partition) or Head()

    def number(self, workspace: WorkspaceId) -> int | None:
        return self._numbers.get(workspace)

    def remember(
        self, heads: dict[Partition, Head], versions: dict[StreamId, int], numbers: dict[WorkspaceId, int]
    ) -> None:
        """Take in what has been committed."""
        self._heads.update(heads)
        # A version of 0 may have been assumed, for a stream that was then not written.
        _add(self._versions, {stream: version for stream, version in versions.items() if version}, VERSIONS_REMEMBERED)
        _add(self._numbers, numbers, NUMBERS_REMEMBERED)

    def find_versions(self, appends: Sequence[Append], *, trusting: bool) -> dict[StreamId, int]:
        """The present version of each stream that the appends write or guard.

        `trusting`: a stream that is to begin is taken not to exist, which saves a look-up for almost every one. If it
        does exist, storing it fails, for a stream has each version once. Nothing may be refused on this ground.
        """
        versions: dict[StreamId, int] = {}
        unknown: list[tuple[StreamId]] = []
        for append in appends:
            asked = [write.stream for write in append.writes if write.expected_version or not trusting]
            for stream in (*asked, *append.unchanged):
                if stream not in versions:
                    known = self._versions.get(stream)
                    if known is None:
                        unknown.append((stream,))
                    versions[stream] = known or NO_STREAM
        if trusting:
            for append in appends:
                for write in append.writes:
                    if write.stream not in versions:
                        versions[write.stream] = self._versions.get(write.stream, NO_STREAM)
        versions.update(find_rows(self._connection, _FIND_VERSIONS, unknown))
        return versions

    def find_numbers(self, batch: Iterable[Change]) -> dict[WorkspaceId, int]:
        """The last number of each workspace that asks for another."""
        numbers: dict[WorkspaceId, int] = {}
        unknown: list[tuple[bytes]] = []
        for append, events in batch:
            for event in events:
                if event.numbered and append.workspace not in numbers:
                    known = self._numbers.get(append.workspace)
                    if known is None:
                        unknown.append((append.workspace.bytes,))
                    numbers[append.workspace] = known or 0
        for workspace, number in find_rows(self._connection, _FIND_NUMBERS, unknown):
            numbers[WorkspaceId(uuid_of(workspace))] = number
        return numbers

    def find_answers(self, appends: Iterable[Append], since_us: int) -> dict[tuple[UUID, str], KeptAnswer]:
        """The answers kept for the appends' idempotency keys, since that time."""
        keys = {(append.answer.caller.bytes, append.answer.key) for append in appends if append.answer is not None}
        found = find_rows(self._connection, _FIND_ANSWERS, list(keys))
        return {
            (uuid_of(caller), key): KeptAnswer(
                fingerprint=fingerprint, answer=answer, partition=partition, position=position
            )
            for caller, key, fingerprint, answer, partition, position, kept_us in found
            if kept_us >= since_us
        }

    def find_places(self, stream: StreamId, after: int, until: int) -> list[Place]:
        """Where a stream's events with after < version <= until stand, in their order."""
        return self._connection.execute(_FIND_PLACES, (stream, after, until)).fetchall()


def _add(remembered: dict[Any, int], new: dict[Any, int], limit: int) -> None:
    remembered.update(new)
    if len(remembered) > limit:
        for oldest in list(islice(remembered, limit // 2)):
            del remembered[oldest]
