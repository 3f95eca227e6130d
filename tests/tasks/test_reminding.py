"""What whoever reminds is told of tasks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.ids import TaskId, WorkspaceId
from sigdep.contracts.reminding import DueReminder, FindDueTasks, FindReminders, ThingReminders
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.kernel.ids import SubjectId, partition_of
from sigdep.rpc.call import Call, WorkspacePosition
from sigdep.tasks.events.oblivion import WorkspaceForgotten
from sigdep.tasks.events.projects import ProjectArchived, ProjectUnarchived
from sigdep.tasks.events.tasks import (
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskReminder,
    TaskReopened,
    TaskRestored,
    TaskSnoozed,
    TaskStarted,
    TaskTrashed,
)
from tests.tasks.filters import ME, OTHER, WORKSPACE
from tests.tasks.read_world import World, call

DUE = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
LONG_AGO, FAR_OFF = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
TEN_MINUTES = (TaskReminder(before="PT10M"),)


@pytest.fixture
async def world() -> World:
    return await World(MemoryReadStore()).start()


async def found(world: World, task: TaskId, since: datetime = LONG_AGO, until: datetime = FAR_OFF) -> ThingReminders:
    await world.project()
    query = FindReminders(thing_id=task, since=since, until=until)
    asked = msgspec.structs.replace(call(), principal=None)
    answer = await world.read.ask(query, asked)
    assert isinstance(answer.value, ThingReminders)
    return answer.value


async def times(world: World, **fields: Any) -> list[datetime]:
    return [one.due_at for one in (await found(world, await world.task(**fields))).due]


async def test_each_reminder_of_a_task_is_told_with_what_it_reminds_of(world: World) -> None:
    at = DUE - timedelta(days=2)
    task = await world.task(
        "Report", due_at=DUE, reminders=(*TEN_MINUTES, TaskReminder(at=at)), assignee_ids=(OTHER, ME)
    )
    both: dict[str, Any] = {"starts_at": DUE, "recipients": (OTHER, ME)}
    assert await found(world, task) == ThingReminders(
        workspace_id=WORKSPACE,
        title="Report",
        due=(
            DueReminder(reminder="2026-11-25T08:00:00Z", due_at=at, **both),
            DueReminder(reminder="PT10M", due_at=DUE - timedelta(minutes=10), **both),
        ),
        complete_until=FAR_OFF,
        continues=False,
    )


async def test_it_says_whether_anything_may_follow(world: World) -> None:
    """Whoever schedules for some weeks only asks again about such a task, and about no other."""
    project = await world.project_named("House")
    task = await world.task(due_at=DUE, reminders=TEN_MINUTES, project_id=project)
    assert (await found(world, task, until=DUE - timedelta(days=1))).continues
    assert not (await found(world, task, until=DUE)).continues
    await world.append(ProjectArchived(project_id=project, by=ME, at=world.tick()))
    assert (await found(world, task, until=DUE)).continues  # Its project may come back.
    await world.happen(TaskCompleted, task)
    assert not (await found(world, task, until=DUE - timedelta(days=1))).continues


async def test_only_what_is_due_in_the_span_is_told(world: World) -> None:
    task = await world.task(due_at=DUE, reminders=TEN_MINUTES)
    due = DUE - timedelta(minutes=10)
    instant = timedelta(microseconds=1)
    assert len((await found(world, task, due, due + instant)).due) == 1
    assert (await found(world, task, due + instant, FAR_OFF)).due == ()
    assert (await found(world, task, LONG_AGO, due)).due == ()


@pytest.mark.parametrize(
    "dates, expected",
    [
        ({"due_at": DUE, "scheduled_at": DUE - timedelta(days=1)}, DUE),
        ({"scheduled_at": DUE}, DUE),
        ({"scheduled_at": DUE, "due_on": date(2026, 12, 24)}, DUE),
        ({"due_on": date(2026, 11, 27)}, datetime(2026, 11, 27, 9, tzinfo=ZoneInfo("America/New_York"))),
    ],
)
async def test_before_counts_from_when_it_is_due_else_scheduled_else_from_its_morning(
    world: World, dates: dict[str, Any], expected: datetime
) -> None:
    fields: dict[str, Any] = {"time_zone": "America/New_York", "reminders": (TaskReminder(before="PT0S"),)}
    assert await times(world, **fields, **dates) == [expected]
    assert await times(world, **fields) == [], "Without a date there is no time."


@pytest.mark.parametrize(
    "zone, due, day_before, hours_before",
    [
        # The night in which the clocks change lies between: a day is by the calendar, 24 hours are by the clock.
        ("Europe/Berlin", "2027-03-28T09:00", "2027-03-27T09:00", "2027-03-27T08:00"),
        ("America/New_York", "2026-11-01T09:00", "2026-10-31T09:00", "2026-10-31T10:00"),
        ("Australia/Lord_Howe", "2026-10-04T09:00", "2026-10-03T09:00", "2026-10-03T08:30"),
    ],
)
async def test_a_day_before_is_by_the_calendar_of_the_task(
    world: World, zone: str, due: str, day_before: str, hours_before: str
) -> None:
    def wall(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    for fields in ({"due_at": wall(due)}, {"due_on": wall(due).astimezone(ZoneInfo(zone)).date()}):
        for before, expected in (("P1D", day_before), ("PT24H", hours_before)):
            assert await times(world, time_zone=zone, reminders=(TaskReminder(before=before),), **fields) == [
                wall(expected)
            ]


@pytest.mark.parametrize(
    "dates, expected",
    [
        ({"due_at": DUE}, DUE),
        ({"due_at": DUE, "scheduled_at": DUE - timedelta(days=1)}, DUE),
        ({"due_on": date(2026, 11, 27)}, datetime(2026, 11, 27, 9, tzinfo=ZoneInfo("America/New_York"))),
        (
            {"due_on": date(2026, 11, 27), "scheduled_at": DUE - timedelta(days=1)},
            datetime(2026, 11, 27, 9, tzinfo=ZoneInfo("America/New_York")),
        ),
        ({"scheduled_at": DUE}, None),
        ({}, None),
    ],
)
async def test_a_task_without_reminders_has_the_one_that_it_is_due(
    world: World, dates: dict[str, Any], expected: datetime | None
) -> None:
    task = await world.task(time_zone="America/New_York", assignee_ids=(OTHER,), **dates)
    shown = await found(world, task)
    due = [DueReminder(reminder="due", due_at=expected, starts_at=expected, recipients=(OTHER,))] if expected else []
    assert [*shown.due] == due
    assert (await found(world, task, until=LONG_AGO + timedelta(days=1))).continues == bool(due)
    await world.happen(TaskCompleted, task)
    assert (await found(world, task)).due == ()


async def test_what_is_due_soon_is_found_in_all_workspaces_page_by_page(world: World) -> None:
    tasks = [await world.task(due_at=DUE + timedelta(minutes=number)) for number in (3, 1, 2)]
    on = await world.task(due_on=DUE.date())
    done, trashed = await world.task(due_at=DUE), await world.task(due_at=DUE)
    await world.task(due_at=DUE + timedelta(days=1))
    await world.task()
    await world.happen(TaskCompleted, done)
    await world.happen(TaskTrashed, trashed)
    others = [WorkspaceId(UUID(int=number << 64)) for number in (5, 6, 7)]
    elsewhere = [await world.task(due_at=DUE, workspace=others[0])]
    await world.task(workspace=others[1])
    elsewhere.append(await world.task(due_at=DUE, workspace=others[2]))
    await world.project()
    asked = msgspec.structs.replace(call(), principal=None)
    query = FindDueTasks(since=DUE, until=DUE + timedelta(days=1), limit=2)
    pages = [(await world.read.ask(query, asked)).value]
    while pages[-1].next is not None:
        pages.append((await world.read.ask(msgspec.structs.replace(query, after=pages[-1].next), asked)).value)
    found = [one for page in pages for one in page.tasks]
    here = [one.task_id for one in found if one.workspace_id == WORKSPACE]
    assert here == [tasks[1], tasks[2], tasks[0], on]
    assert [one.task_id for one in found if one.workspace_id != WORKSPACE] == elsewhere
    assert max(len(page.tasks) for page in pages) == 2
    with pytest.raises(Forbidden):
        await world.read.ask(query, call())


async def test_what_nobody_has_to_do_any_more_reminds_nobody(world: World) -> None:
    project = await world.project_named("House")
    task = await world.task(due_at=DUE, reminders=TEN_MINUTES, project_id=project)
    for kind, reminds in (
        (TaskCompleted, False),
        (TaskReopened, True),
        (TaskCancelled, False),
        (TaskStarted, True),
        (TaskTrashed, False),
        (TaskRestored, True),
    ):
        await world.happen(kind, task)
        assert bool((await found(world, task)).due) == reminds, kind
    by: dict[str, Any] = {"project_id": project, "by": ME, "at": world.tick()}
    for event, reminds in ((ProjectArchived(**by), False), (ProjectUnarchived(**by), True)):
        await world.append(event)
        assert bool((await found(world, task)).due) == reminds, event


async def test_put_off_it_reminds_later(world: World) -> None:
    task = await world.task(scheduled_at=DUE, reminders=TEN_MINUTES)
    await world.happen(TaskSnoozed, task, until=DUE + timedelta(days=1))
    assert [one.due_at for one in (await found(world, task)).due] == [DUE + timedelta(days=1, minutes=-10)]


async def test_without_assignees_whoever_began_the_series_is_reminded(world: World) -> None:
    first = await world.task(due_at=DUE, reminders=TEN_MINUTES)
    created = TaskCreated(
        task_id=TaskId(world.new_id()),
        workspace_id=WORKSPACE,
        title="x",
        rank="a",
        by=OTHER,
        at=world.tick(),
        due_at=DUE,
        reminders=TEN_MINUTES,
        series_id=first,
        occurrence=2,
        previous_id=first,
    )
    await world.append(created)
    for task in (first, created.task_id):
        assert [one.recipients for one in (await found(world, task)).due] == [(ME,)]


async def test_it_waits_for_the_position_that_it_is_asked_for_and_says_what_it_reflects(world: World) -> None:
    task = await world.task(due_at=DUE, reminders=TEN_MINUTES)
    await world.project()
    edited = await world.edit(task, reminders=(), due_at=None)
    least = WorkspacePosition("tasks", partition_of(WORKSPACE), edited.position)
    query = FindReminders(thing_id=task, since=LONG_AGO, until=FAR_OFF)
    asked = msgspec.structs.replace(call(min_position=least), principal=None)
    answer = await world.read.ask(query, asked)
    assert (answer.value.due, answer.position) == ((), least)


async def test_what_the_read_model_has_not_seen_yet_is_read_from_the_log(world: World) -> None:
    await world.project()
    task = await world.task(due_at=DUE, reminders=TEN_MINUTES)
    query = FindReminders(thing_id=task, since=LONG_AGO, until=FAR_OFF)
    asked: Call = msgspec.structs.replace(call(), principal=None)
    assert len((await world.read.ask(query, asked)).value.due) == 1


async def test_what_is_gone_is_not_found_nor_what_is_none_of_ones_business(world: World) -> None:
    task = await world.task(due_at=DUE, reminders=TEN_MINUTES)
    query = FindReminders(thing_id=task, since=LONG_AGO, until=FAR_OFF)
    await world.project()
    with pytest.raises(NotFound):
        await world.read.ask(query, call(role=None, workspace=WorkspaceId(ME)))
    with pytest.raises(NotFound):
        await found(world, TaskId(world.new_id()))
    await world.keys.destroy(SubjectId(WORKSPACE))
    await world.append(WorkspaceForgotten(workspace_id=WORKSPACE, at=world.tick()), subject=SubjectId(UUID(int=0)))
    with pytest.raises(NotFound):
        await found(world, task)
