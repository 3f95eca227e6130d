"""Several appends as the arguments of the database's function `append`, and its answer as theirs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, repeat
from operator import attrgetter
from typing import Any, Final

import asyncpg

from sigdep.adapters.postgres.waiting import Waiting
from sigdep.kernel.codec import instant
from sigdep.kernel.errors import SigdepError, WrongExpectedVersion
from sigdep.kernel.ids import Position, StreamId, Version
from sigdep.kernel.store import ANSWERS_KEPT_US, Appended

INTEGERS: Final = "text::int[]"
"""asyncpg takes twice as long for an array of numbers as Python for its text."""

CASTS: Final = (
    *("text::smallint[]", INTEGERS),  # partitions
    *(INTEGERS, "uuid[]", "uuid[]", "bytea", INTEGERS, INTEGERS),  # requests
    *(INTEGERS, "text[]", "uuid[]", INTEGERS, INTEGERS),  # writes
    *(INTEGERS, "text[]", INTEGERS),  # guards
    *(INTEGERS, "uuid[]", "text[]", "bytea[]", "bytea[]", "bigint"),  # answers
    *("text[]", INTEGERS),  # kinds
    *(INTEGERS, INTEGERS, "bytea", INTEGERS, "bytea", INTEGERS, INTEGERS),  # events
)
"""How each argument is given, in the order of `sql/append_1.sql`."""


class KeyUsed(SigdepError):
    """The idempotency key has been used; what was answered has yet to be read."""


def call(schema: str) -> str:
    """The statement that stores a batch."""
    arguments = ", ".join(f"${n}::{cast}" for n, cast in enumerate(CASTS, 1))
    return f"SELECT * FROM {schema}.append({arguments})"  # noqa: S608  A checked name.


class Batch:
    """Requests, writes, guards, answers and events, each counted from 1: `sql/append_1.sql` says what they mean."""

    def __init__(self, requests: Sequence[Waiting]) -> None:
        self.requests = requests = sorted(requests, key=attrgetter("partition"))
        self.writes = [(r, write) for r, one in enumerate(requests, 1) for write in one.append.writes]
        self.guards = [(r, *guard) for r, one in enumerate(requests, 1) for guard in one.append.unchanged.items()]
        self.events = [event for one in requests for event in one.events]
        self.numbered = [e for e, event in enumerate(self.events, 1) if event.numbered]

    def arguments(self) -> tuple[Any, ...]:
        return (
            *self._of_partitions(),
            *self._of_requests(),
            *self._of_writes(),
            *self._of_guards(),
            *self._of_answers(),
            *self._of_events(),
        )

    def _of_partitions(self) -> tuple[Any, ...]:
        events = dict.fromkeys([one.partition for one in self.requests], 0)
        for one in self.requests:
            events[one.partition] += len(one.events)
        return integers(list(events)), integers(list(accumulate(events.values(), initial=0)))

    def _of_requests(self) -> tuple[Any, ...]:
        partitions = [one.partition for one in self.requests]
        index = {partition: place for place, partition in enumerate(dict.fromkeys(partitions), 1)}
        metadata = [one.events[0].metadata if one.events else b"" for one in self.requests]
        return (
            integers([index[partition] for partition in partitions]),
            [one.append.workspace for one in self.requests],
            [one.append.command_id for one in self.requests],
            b"".join(metadata),
            ends(metadata),
            ends([one.events for one in self.requests]),
        )

    def _of_writes(self) -> tuple[Any, ...]:
        return (
            integers([r for r, _ in self.writes]),
            [write.stream for _, write in self.writes],
            [write.subject for _, write in self.writes],
            integers([write.expected_version for _, write in self.writes]),
            ends([write.events for _, write in self.writes]),
        )

    def _of_guards(self) -> tuple[Any, ...]:
        return (
            integers([r for r, _, _ in self.guards]),
            [stream for _, stream, _ in self.guards],
            integers([version for _, _, version in self.guards]),
        )

    def _of_answers(self) -> tuple[Any, ...]:
        answers = [(r, one.append.answer) for r, one in enumerate(self.requests, 1) if one.append.answer is not None]
        return (
            integers([r for r, _ in answers]),
            [answer.caller for _, answer in answers],
            [answer.key for _, answer in answers],
            [answer.fingerprint for _, answer in answers],
            [answer.answer for _, answer in answers],
            ANSWERS_KEPT_US,
        )

    def _of_events(self) -> tuple[Any, ...]:
        kinds = [(event.type, event.schema_version) for event in self.events]
        index = {kind: place for place, kind in enumerate(dict.fromkeys(kinds), 1)}
        payloads = [event.payload for event in self.events]
        return (
            [type_name for type_name, _ in index],
            integers([schema_version for _, schema_version in index]),
            integers([w for w, (_, write) in enumerate(self.writes, 1) for _ in write.events]),
            integers([index[kind] for kind in kinds]),
            b"".join(payloads),
            ends(payloads),
            b"".join([event.digest for event in self.events]),
            integers(self._numbers()),
            integers(self.numbered),
        )

    def _numbers(self) -> list[int]:
        """For each event which of the numbered ones it is. Nothing, where none is."""
        numbers = [0] * len(self.events) if self.numbered else []
        for n, e in enumerate(self.numbered, 1):
            numbers[e - 1] = n
        return numbers

    def answers(self, row: asyncpg.Record | Mapping[str, Any]) -> Iterator[Appended | SigdepError]:
        """What each request is told."""
        codes = row["codes"] or repeat(b"o")
        numbers = iter(row["numbers"] or ())
        recorded_at = instant(row["recorded_us"])
        for r, (request, code, position) in enumerate(zip(self.requests, codes, row["positions"], strict=False), 1):
            own_numbers = tuple([next(numbers) for event in request.events if event.numbered]) if self.numbered else ()
            if code == b"c":
                yield self._conflict(r, row)
            elif code == b"a":
                yield KeyUsed("This Idempotency-Key has been used.")
            else:
                repeated = code == b"r"
                yield Appended(
                    partition=request.partition,
                    position=Position(position),
                    recorded_at=instant(row["repeated_us"][r - 1]) if repeated else recorded_at,
                    numbers=_former_numbers(r, row) if repeated else own_numbers,
                    repeated=repeated,
                )

    def _conflict(self, request: int, row: asyncpg.Record | Mapping[str, Any]) -> WrongExpectedVersion:
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


def _former_numbers(request: int, row: asyncpg.Record | Mapping[str, Any]) -> tuple[int, ...]:
    """Those that a repeated request was given at first."""
    pairs = zip(row["repeated_number_request"] or (), row["repeated_numbers"] or (), strict=True)
    return tuple([number for r, number in pairs if r == request])


def integers(numbers: Sequence[int]) -> str:
    """An int[] as text."""
    return "{" + str(numbers)[1:-1] + "}"


def ends(parts: Iterable[Sequence[object]]) -> str:
    """Where each part ends in all of them joined, led by 0; an int[] as text."""
    return integers(list(accumulate(map(len, parts), initial=0)))
