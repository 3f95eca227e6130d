"""Several appends as the arguments of the database's function `append`, and its answer as theirs."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import asyncpg

from sigdep.adapters.postgres.reader import ANSWERS_KEPT_US
from sigdep.adapters.postgres.waiting import Waiting
from sigdep.kernel.codec import instant
from sigdep.kernel.errors import SigdepError, WrongExpectedVersion
from sigdep.kernel.ids import Position, StreamId, Version, partition_of
from sigdep.kernel.store import Appended

ARGUMENTS: Final = 30
"""How many the function takes."""


class KeyUsed(SigdepError):
    """The idempotency key has been used; what was answered has yet to be read."""


class Batch:
    """Requests, writes, guards, answers and events, each counted from 1: `sql/append_1.sql` says what they mean."""

    def __init__(self, requests: Sequence[Waiting]) -> None:
        self.requests = requests
        self.writes = [(r, write) for r, one in enumerate(requests, 1) for write in one.append.writes]
        self.guards = [(r, *guard) for r, one in enumerate(requests, 1) for guard in one.append.unchanged.items()]

    def arguments(self) -> tuple[Any, ...]:
        return (*self._of_requests(), *self._of_writes(), *self._of_guards(), *self._of_answers(), *self._of_events())

    def _of_requests(self) -> tuple[Any, ...]:
        appends = [one.append for one in self.requests]
        of_each = [partition_of(append.workspace) for append in appends]
        partitions = sorted(set(of_each))
        index = {partition: place for place, partition in enumerate(partitions, 1)}
        return (
            partitions,
            [index[partition] for partition in of_each],
            [append.workspace for append in appends],
            [append.command_id for append in appends],
            [one.events[0].metadata if one.events else b"" for one in self.requests],
            [len(one.events) for one in self.requests],
        )

    def _of_writes(self) -> tuple[Any, ...]:
        return (
            [r for r, _ in self.writes],
            [write.stream for _, write in self.writes],
            [write.subject for _, write in self.writes],
            [write.expected_version for _, write in self.writes],
            [len(write.events) for _, write in self.writes],
        )

    def _of_guards(self) -> tuple[Any, ...]:
        return (
            [r for r, _, _ in self.guards],
            [stream for _, stream, _ in self.guards],
            [version for _, _, version in self.guards],
        )

    def _of_answers(self) -> tuple[Any, ...]:
        answers = [(r, one.append.answer) for r, one in enumerate(self.requests, 1) if one.append.answer is not None]
        return (
            [r for r, _ in answers],
            [answer.caller for _, answer in answers],
            [answer.key for _, answer in answers],
            [answer.fingerprint for _, answer in answers],
            [answer.answer for _, answer in answers],
            ANSWERS_KEPT_US,
        )

    def _of_events(self) -> tuple[Any, ...]:
        events = [event for one in self.requests for event in one.events]
        numbered = [e for e, event in enumerate(events, 1) if event.numbered]
        index = {e: n for n, e in enumerate(numbered, 1)}
        return (
            [r for r, one in enumerate(self.requests, 1) for _ in one.events],
            [w for w, (_, write) in enumerate(self.writes, 1) for _ in write.events],
            [behind for one in self.requests for behind in range(len(one.events) - 1, -1, -1)],
            [
                version
                for _, write in self.writes
                for version in range(write.expected_version + 1, write.expected_version + 1 + len(write.events))
            ],
            [event.type for event in events],
            [event.schema_version for event in events],
            [event.payload for event in events],
            [event.digest for event in events],
            [index.get(e) for e in range(1, len(events) + 1)] if numbered else [],
            numbered,
        )

    def answers(self, row: asyncpg.Record) -> Iterator[tuple[Waiting, Appended | SigdepError]]:
        """What each request is told."""
        numbers = iter(row["numbers"] or ())
        outcomes = zip(self.requests, row["codes"], row["positions"], row["recorded"], strict=True)
        for r, (request, code, position, recorded_us) in enumerate(outcomes, 1):
            own_numbers = tuple(next(numbers) for event in request.events if event.numbered)
            if code == b"c":
                yield request, self._conflict(r, row)
            elif code == b"a":
                yield request, KeyUsed("This Idempotency-Key has been used.")
            else:
                yield (
                    request,
                    Appended(
                        partition=partition_of(request.append.workspace),
                        position=Position(position),
                        recorded_at=instant(recorded_us),
                        numbers=own_numbers,
                        repeated=code == b"r",
                    ),
                )

    def _conflict(self, request: int, row: asyncpg.Record) -> WrongExpectedVersion:
        """The first of the request's streams that is not where it should be."""
        expected: list[tuple[int, StreamId, Version]] = [
            *((r, write.stream, write.expected_version) for r, write in self.writes),
            *self.guards,
        ]
        actual = [*row["write_actual"], *row["guard_actual"]]
        return next(
            WrongExpectedVersion(stream, version, Version(found))
            for (r, stream, version), found in zip(expected, actual, strict=True)
            if r == request and version != found
        )
