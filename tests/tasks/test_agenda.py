"""Where tasks stand in an agenda."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec.structs import replace

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.agenda import AgendaEntry, AgendaPart, AgendaPlace, FindAgenda
from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import Invalid, NotFound
from sigdep.kernel.read_store import ReadStore
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.projects import ProjectArchived, ProjectUnarchived
from sigdep.tasks.events.tasks import TaskCompleted, TaskReopened, TaskTrashed
from tests.tasks.filters import ME, WORKSPACE
from tests.tasks.read_stories import Story
from tests.tasks.read_world import World, call

FROM, TO = datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 11, 8, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Any) -> World:
    store: ReadStore = MemoryReadStore()
    if request.param == "sqlite":
        store = await SqliteReadStore.open(tmp_path / "views.db")
    return await World(store).start()


async def found(world: World, zone: str = "UTC", **fields: Any) -> AgendaPart:
    await world.project()
    query = replace(FindAgenda(since=FROM, until=TO, time_zone=zone), **fields)
    part = (await world.ask(query)).value
    assert isinstance(part, AgendaPart)
    return part


async def all_pages(world: World, zone: str, limit: int) -> list[AgendaEntry]:
    entries: list[AgendaEntry] = []
    after: AgendaPlace | None = None
    while True:
        part = await found(world, zone, limit=limit, after=after)
        entries += part.entries
        if not part.more:
            return entries
        assert len(part.entries) == limit
        after = entries[-1].place


def titles(entries: Sequence[AgendaEntry]) -> list[str]:
    return [msgspec.json.decode(one.document)["title"] for one in entries]


async def test_a_task_stands_where_it_is_scheduled_else_where_it_is_due(world: World) -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    await world.task("Due", due_at=noon)
    await world.task("Scheduled", scheduled_at=noon - timedelta(hours=1), due_at=noon + timedelta(days=300))
    await world.task("On a day", due_on=noon.date())
    await world.task("Scheduled and on a day", scheduled_at=noon + timedelta(hours=1), due_on=noon.date())
    await world.task("Never")
    entries = (await found(world, "Pacific/Auckland")).entries
    assert titles(entries) == ["On a day", "Scheduled", "Due", "Scheduled and on a day"]
    day = entries[0]
    assert (day.all_day, day.place.starts_at) == (True, datetime(2026, 11, 1, 11, tzinfo=UTC))
    assert day.ends_at == datetime(2026, 11, 2, 11, tzinfo=UTC)
    assert [(one.all_day, one.ends_at) for one in entries[1:]] == [(False, None)] * 3


async def test_the_span_has_its_first_instant_and_not_its_last_and_every_day_that_it_touches(world: World) -> None:
    instant = timedelta(microseconds=1)
    for title, at in (("before", FROM - instant), ("first", FROM), ("last", TO - instant), ("after", TO)):
        await world.task(f"due {title}", due_at=at)
        await world.task(f"scheduled {title}", scheduled_at=at)
    for day in (23, 24, 25):
        await world.task(f"October {day}", due_on=date(2026, 10, day))
    for day in (7, 8, 9):
        await world.task(f"November {day}", due_on=date(2026, 11, day))
    timed = {f"{what} {title}" for what in ("due", "scheduled") for title in ("first", "last")}
    days = {"October 24", "October 25", "November 7", "November 8"}
    assert set(titles((await found(world)).entries)) == timed | days
    # At noon in Greenwich, Auckland is at one o'clock of the next day.
    days = {"October 25", "November 7", "November 8", "November 9"}
    assert set(titles((await found(world, "Pacific/Auckland")).entries)) == timed | days


async def test_a_day_that_begins_with_the_end_of_the_span_is_not_in_it(world: World) -> None:
    midnight = datetime(2026, 11, 2, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    for day in (1, 2):
        await world.task(f"November {day}", due_on=date(2026, 11, day))
    assert titles((await found(world, "Europe/Berlin", until=midnight)).entries) == ["November 1"]
    assert titles((await found(world, "Europe/Berlin", since=midnight)).entries) == ["November 2"]


async def test_what_is_scheduled_at_another_time_does_not_stand_where_it_is_due(world: World) -> None:
    before = FROM - timedelta(hours=1)
    await world.task("Due at", scheduled_at=before, due_at=FROM)
    await world.task("Due on", scheduled_at=before, due_on=date(2026, 11, 1))
    assert (await found(world)).entries == ()


async def test_what_is_done_or_out_of_sight_is_not_there(world: World) -> None:
    project = await world.project_named("House")
    task = await world.task(due_at=FROM, project_id=project)
    by: dict[str, Any] = {"project_id": project, "by": ME, "at": world.tick()}
    assert len((await found(world)).entries) == 1
    for event, shown in ((ProjectArchived(**by), 0), (ProjectUnarchived(**by), 1)):
        await world.append(event)
        assert len((await found(world)).entries) == shown
    for kind, shown in ((TaskCompleted, 0), (TaskReopened, 1), (TaskTrashed, 0)):
        await world.happen(kind, task)
        assert len((await found(world)).entries) == shown


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Europe/Berlin"])
@pytest.mark.parametrize("seed", range(3))
async def test_pages_are_what_plain_python_says(world: World, zone: str, seed: int) -> None:
    random = Random(seed)
    moments = [FROM + timedelta(hours=random.randrange(-30, 24 * 16)) for _ in range(12)]
    for number in range(60):
        at, kind = random.choice(moments), random.randrange(4)
        dates: dict[str, Any] = {"scheduled_at": at} if kind in (0, 3) else {}
        dates |= {"due_at": random.choice(moments)} if kind == 1 else {}
        dates |= {"due_on": at.date()} if kind in (2, 3) else {}
        await world.task(f"Task {number}", **dates)
    expected = sorted(place for task in world.tasks.values() if (place := _place(task, ZoneInfo(zone))) is not None)
    for limit in (1, 7, 200):
        assert [one.place for one in await all_pages(world, zone, limit)] == expected


def _place(task: Task, zone: ZoneInfo) -> AgendaPlace | None:
    at = task.scheduled_at or task.due_at
    if at is not None:
        return AgendaPlace(starts_at=at, thing_id=task.id) if FROM <= at < TO else None
    assert task.due_on is not None
    start = datetime.combine(task.due_on, time(), zone).astimezone(UTC)
    end = datetime.combine(task.due_on + timedelta(days=1), time(), zone).astimezone(UTC)
    return AgendaPlace(starts_at=start, thing_id=task.id) if start < TO and end > FROM else None


async def test_it_goes_on_behind_the_place_of_something_else(world: World) -> None:
    task = await world.task("Due", due_at=FROM)
    day = await world.task("On a day", due_on=date(2026, 10, 25))
    lowest, highest = UUID(int=0), UUID(int=2**128 - 1)
    for starts_at, thing, expected in (
        (FROM, lowest, [task, day]),
        (FROM, task, [day]),
        (FROM, highest, [day]),
        (datetime(2026, 10, 25, tzinfo=UTC), lowest, [day]),
        (datetime(2026, 10, 25, tzinfo=UTC), highest, []),
        (datetime(2026, 10, 25, 9, tzinfo=UTC), lowest, []),
    ):
        part = await found(world, after=AgendaPlace(starts_at=starts_at, thing_id=thing))
        assert [one.place.thing_id for one in part.entries] == expected


async def test_only_members_see_it_and_only_in_a_zone_that_there_is(world: World) -> None:
    query = FindAgenda(since=FROM, until=TO, time_zone="UTC")
    with pytest.raises(NotFound):
        await world.read.ask(replace(query, workspace_id=WorkspaceId(UUID(int=999))), call())
    with pytest.raises(Invalid):
        await world.read.ask(replace(query, time_zone="Mars"), call())
    await Story(world, Random(1)).tell(5)
    assert (await world.ask(replace(query, workspace_id=WORKSPACE))).position is not None
