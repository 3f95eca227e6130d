"""A week walks along an index, and reads little more than it shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.json import encode
from msgspec.structs import replace

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.calendar.domain.appointment import ABSENT, evolve
from sigdep.calendar.domain.calendar import CALENDAR
from sigdep.calendar.events.calendars import CalendarCreated
from sigdep.calendar.queries import FindBusyTimes, ListAppointments, ListOccurrences
from sigdep.calendar.read_models.appointment_rows import (
    APPOINTMENTS,
    PARTICIPATIONS,
    appointment_row,
    participation_row,
)
from sigdep.calendar.read_models.calendars import CALENDARS, calendar_columns
from sigdep.contracts.ids import AppointmentId, UserId
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Compare, Select
from tests.calendar.stories import ADA, DAILY, HOME, NOON, WORK, scheduled
from tests.calendar.world import World

MANY = 12_000
WEEK: dict[str, Any] = {"since": datetime(2030, 12, 2, tzinfo=UTC), "until": datetime(2030, 12, 9, tzinfo=UTC)}

HOT: dict[str, Any] = {
    "a week of a calendar": ListOccurrences(calendar_id=(WORK,), **WEEK),
    "a week of a workspace": ListOccurrences(**WEEK),
    "the next page of appointments": ListAppointments(calendar_id=WORK),
    "one by its UID": ListAppointments(calendar_id=WORK, uid="uid 17"),
    "when one person is busy": FindBusyTimes(**WEEK),
}

EVERYTHING_READ = Select(table=APPOINTMENTS, where=Compare("description", "=", "nowhere"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A calendar with many appointments over many years, of many people; some are over series that have ended."""
    store = await SqliteReadStore.open(tmp_path / "views.db")
    world = await World(store).start()
    rows = Rows(store, world.model_id)
    made = CalendarCreated(calendar_id=WORK, workspace_id=HOME, name="Work", time_zone="UTC", by=ADA, at=NOON)
    calendar = CALENDAR.evolve(CALENDAR.initial, made)
    columns = dict(calendar_columns(calendar))
    known: dict[str, Any] = {"id": WORK, "workspace_id": HOME, "version": 1, "document": encode(calendar)}
    rows.put(CALENDARS, {**columns, **known})
    for number in range(MANY):
        start = datetime(2026, 1, 1, 9, tzinfo=UTC).replace(tzinfo=None) + timedelta(hours=11 * number)
        appointment = evolve(
            ABSENT,
            scheduled(
                appointment_id=AppointmentId(UUID(int=(1 << 100) + number)),
                uid=f"uid {number}",
                start=start.isoformat(),
                end=(start + timedelta(hours=1)).isoformat(),
                recurrence=replace(DAILY, rules=("FREQ=DAILY;COUNT=3",)) if number % 5 == 0 else None,
                at=NOON + timedelta(minutes=number),
                by=ADA if number % 50 == 0 else UserId(UUID(int=900 + number % 49)),
            ),
        )
        row = appointment_row(appointment, version=1, document=encode(appointment))
        rows.put(APPOINTMENTS, row)
        rows.put(PARTICIPATIONS, participation_row(appointment.created_by, row))
    await store.commit(world.model_id, rows.changes(), before={}, after={})
    yield world
    await store.close()


STEPS_MAX = 30_000
"""SQLite counts its own steps. Most are those by which the store finds out which index is the best: they are bounded,
however much there is. To look at every appointment takes more."""


async def test_a_week_reads_few_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    store: Any = world.views
    select = store._select

    def counted(connection: Any, *arguments: Any) -> Any:
        connection.set_progress_handler(count, 100)
        return select(connection, *arguments)

    monkeypatch.setattr(store, "_select", counted)
    taken: dict[str, int] = {}
    for name, query in HOT.items():
        await world.query(query)
        steps = 0
        answer = await world.query(query)
        assert not isinstance(answer, dict) or answer["items"], name
        taken[name] = steps
    steps = 0
    await world.views.select(world.model_id, EVERYTHING_READ)
    assert steps > STEPS_MAX, "The steps are counted."
    assert max(taken.values()) < STEPS_MAX, taken
