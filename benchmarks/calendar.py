"""How long it takes to list a week of one calendar that holds ten thousand events, through `calendar.read`.

    python -m benchmarks.calendar

The calendar holds what a busy one does: single events over four years, some for whole days or for weeks, and series
without an end. Weeks of a year are read in a random order, each to its end, page by page: when nobody has looked
at them yet, then again. Prints the ratio to the limit of 40 ms.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.calendar.commands import CreateCalendar, ScheduleAppointment
from sigdep.calendar.events.appointments import Recurrence
from sigdep.calendar.events.stored import EVENTS
from sigdep.calendar.queries import ListOccurrences
from sigdep.calendar.read_models.model import CalendarReadModel
from sigdep.calendar.read_service import CalendarRead
from sigdep.calendar.write_service import CalendarWrite
from sigdep.contracts.ids import CalendarId, UserId, WorkspaceId
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId, Partition, Position, Positions
from sigdep.kernel.read_store import ModelId
from sigdep.rpc.call import Call, Principal
from sigdep.services.projecting import Build, tables_of
from sigdep.services.rebuilding import begin, fill

EVENTS_COUNT: Final = 10_000
SERIES_COUNT: Final = 100
DAYS_COUNT: Final = 500
LONG_COUNT: Final = 100
WEEKS: Final = 52
AGAIN: Final = 5
LIMIT_MILLISECONDS: Final = 40.0

_SEED: Final = 7
_NOW: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
_FIRST: Final = datetime(2024, 12, 2)  # noqa: DTZ001  On the wall.
_DAYS: Final = 4 * 365
_ADA: Final = UserId(UUID(int=1))
_HOME: Final = WorkspaceId(UUID(int=2))
_RULES: Final = ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY", "FREQ=WEEKLY")


class Standing:
    """A read model that nobody moves on."""

    def __init__(self, build: Build) -> None:
        self._build = build

    @property
    def model_id(self) -> ModelId:
        return self._build.model

    @property
    def positions(self) -> Positions:
        return self._build.positions

    async def wait_for(self, partition: Partition, position: Position) -> None:
        pass


def _call() -> Call:
    who = Principal(user_id=_ADA, personal_workspace_id=_HOME, roles={_HOME: "owner"}, time_zone="Europe/Berlin")
    return Call(asked_at=_NOW, command_id=CommandId(uuid7()), principal=who)


class Everybody:
    """Who belongs to the workspace: whoever is asked about."""

    async def are_members(self, workspace: WorkspaceId, user_ids: object) -> Sequence[UserId]:
        return ()


async def _fill(write: CalendarWrite, calendar: CalendarId, chance: Random) -> None:
    await write.ask(
        CreateCalendar(by=_ADA, at=_NOW, name="Work", calendar_id=calendar, time_zone="Europe/Berlin"), _call()
    )
    for number in range(EVENTS_COUNT):
        await write.ask(_event(number, calendar, chance), _call())


def _event(number: int, calendar: CalendarId, chance: Random) -> ScheduleAppointment:
    start = _FIRST + timedelta(days=chance.randrange(_DAYS), hours=chance.randrange(8, 18))
    fields: dict[str, Any] = {"start": start.isoformat(), "end": (start + timedelta(minutes=45)).isoformat()}
    if number < SERIES_COUNT:
        fields["recurrence"] = Recurrence(rules=(_RULES[number % len(_RULES)],))
    elif number < SERIES_COUNT + DAYS_COUNT:
        fields = {"start": start.date().isoformat()}
    elif number < SERIES_COUNT + DAYS_COUNT + LONG_COUNT:
        fields["end"] = (start + timedelta(days=10)).isoformat()
    return ScheduleAppointment(by=_ADA, at=_NOW, title=f"Event {number}", calendar_id=calendar, **fields)


async def _week(read: CalendarRead, calendar: CalendarId, since: datetime) -> tuple[float, int]:
    """Milliseconds for all pages of a week, and how much is on."""
    query = ListOccurrences(calendar_id=(calendar,), since=since, until=since + timedelta(days=7), limit=200)
    shown, began = 0, perf_counter()
    while True:
        page = msgspec.json.decode((await read.ask(query, _call())).value.json)
        shown += len(page["items"])
        if page["next_cursor"] is None:
            return (perf_counter() - began) * 1_000, shown
        query = msgspec.structs.replace(query, cursor=page["next_cursor"])


async def _measure() -> None:
    chance = Random(_SEED)
    calendar = CalendarId(UUID(int=3))
    log = MemoryEventStore(Codec(EVENTS, MemoryKeyRing()))
    await _fill(CalendarWrite(log, members=Everybody(), alone=True), calendar, chance)
    with tempfile.TemporaryDirectory(prefix="sigdep-benchmark-") as folder:
        views = await SqliteReadStore.open(Path(folder) / "views.db")
        try:
            model = CalendarReadModel()
            build = await begin(log, views, model)
            await fill(build, log)
            await views.switch(build.model, tables_of(model))
            read = CalendarRead(views, log, Standing(build))
            first, _ = await _week(read, calendar, _NOW)
            weeks = [_NOW + timedelta(days=7 * number) for number in range(-WEEKS // 2, WEEKS // 2)]
            chance.shuffle(weeks)
            seen = [[await _week(read, calendar, week) for week in weeks] for _ in range(1 + AGAIN)]
        finally:
            await views.close()
    again = [taken for weeks in seen[1:] for taken, _ in weeks]
    _report(first, [taken for taken, _ in seen[0]], again, [shown for _, shown in seen[0]])


def _report(first: float, new: Sequence[float], again: Sequence[float], shown: Sequence[int]) -> None:
    print(f"{EVENTS_COUNT:,} events in one calendar, {SERIES_COUNT} series without an end among them")
    print(f"a week: {median(shown):.0f} occurrences in the middle, {max(shown)} at most")
    for name, value in (
        ("the first after a start", first),
        ("a week that is new: median", median(new)),
        ("a week seen before: median", median(again)),
        ("a week seen before: p99", quantiles(again, n=100)[98]),
    ):
        print(f"{name:<28} {value:6.1f} ms   {value / LIMIT_MILLISECONDS:4.2f} of {LIMIT_MILLISECONDS:.0f} ms")


def main() -> None:
    asyncio.run(_measure())


if __name__ == "__main__":
    main()
