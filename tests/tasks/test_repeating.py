"""What follows when an occurrence of a task that recurs is done, skipped, or to be done after all."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sigdep.contracts.ids import TaskId
from sigdep.kernel.errors import Refused
from sigdep.rpc.call import Principal
from sigdep.tasks.commands.projects import ArchiveProject
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    CreateTask,
    EditTask,
    ReopenTask,
    SkipTask,
    TrashTask,
)
from sigdep.tasks.domain.next_occurrence import next_of as created_next
from sigdep.tasks.domain.next_occurrence import step_from
from sigdep.tasks.domain.subtasks import TooManySubtasks
from sigdep.tasks.domain.task import ABSENT, Task, evolve
from sigdep.tasks.domain.task_content import created as content_of
from sigdep.tasks.events.tasks import TaskCompleted, TaskCreated, TaskRecurrence, TaskReminder, TaskRepeated
from sigdep.tasks.writing import repeating
from tests.tasks.stories import ADA, BOB, HOME, NOON, TEAM, create, identity
from tests.tasks.write_side import World, answer_key, if_match

DAILY = TaskRecurrence(rule="FREQ=DAILY")
TODAY = date(2026, 11, 22)
EVERY_DAY: dict[str, Any] = {"recurrence": DAILY, "due_on": TODAY}


async def do(world: World, kind: Any, task: Task | TaskId, **fields: Any) -> Task:
    task_id = task if not isinstance(task, Task) else task.id
    answered: Task = (await world.ask(kind, task_id=task_id, **fields)).value
    return answered


async def next_of(world: World, task: Task) -> Task:
    stored = await world.tasks()
    next_id = stored[task.id].next_id
    assert next_id is not None
    return stored[next_id]


async def below(world: World, task: Task) -> list[Task]:
    return [one for one in (await world.tasks()).values() if one.parent_id == task.id and one.trashed_at is None]


# ── done ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_done_is_followed_by_the_next_in_one_append(world: World) -> None:
    task = await world.create(**EVERY_DAY, priority="high", custom={"a": 1}, assignee_ids=(ADA,))
    done = await do(world, CompleteTask, task)
    following = await next_of(world, task)
    assert (done.status, done.next_id, done.series_id, done.occurrence) == ("done", following.id, task.id, 1)
    assert (following.status, following.due_on) == ("open", TODAY + timedelta(days=1))
    assert (following.previous_id, following.series_id, following.occurrence) == (task.id, task.id, 2)
    same = ("title", "priority", "custom", "assignee_ids", "recurrence", "time_zone", "rank", "project_id", "parent_id")
    assert all(getattr(following, name) == getattr(task, name) for name in same)
    assert (task.number, following.number) == (1, 2)
    last = [
        recorded
        for recorded in await world.events()
        if recorded.version > 1 or recorded.stream.endswith(str(following.id))
    ]
    assert {type(recorded.event) for recorded in last} == {TaskCompleted, TaskRepeated, TaskCreated}
    assert len({recorded.command_id for recorded in last}) == 1


async def test_the_id_of_the_next_is_made_of_the_series_and_its_place(world: World) -> None:
    made = []
    for one in (world, World()):
        task = await one.create(task_id=TaskId(identity(99)), **EVERY_DAY)
        for _ in range(3):
            await do(one, CompleteTask, task)
            task = await next_of(one, task)
        made.append(task.id)
    assert made[0] == made[1]


@pytest.mark.parametrize("how", ["complete", "edit", "batch", "create"])
async def test_however_it_becomes_done(world: World, how: str) -> None:
    task = await world.create(**EVERY_DAY, status="done" if how == "create" else "open")
    if how == "complete":
        await do(world, CompleteTask, task)
    elif how == "edit":
        await world.edit(task, status="done")
    elif how == "batch":
        command = CompleteTask(task_id=task.id, by=ADA, at=world.now)
        await world.ask(ChangeTasks, commands=(command, command))
    assert (await next_of(world, task)).occurrence == 2
    assert len(await world.tasks()) == 2


async def test_done_twice_it_is_followed_once(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    key = {"answer_key": answer_key("k1", "complete")}
    for _ in range(2):
        await do(world, CompleteTask, task, call=key)
        await do(world, CompleteTask, task)
    assert len(await world.tasks()) == 2


async def test_of_two_writers_at_once_one_makes_the_next(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    complete = (CompleteTask, {"task_id": task.id})
    answer = await world.overtaken(complete, complete)
    assert answer.value.next_id == (await next_of(world, task)).id
    assert len(await world.tasks()) == 2


async def test_what_is_edited_while_it_is_being_done_is_in_the_next(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    part = await world.create("Part", parent_id=task.id)
    await world.overtaken((CompleteTask, {"task_id": task.id}), (EditTask, {"task_id": part.id, "title": "Piece"}))
    assert [one.title for one in await below(world, await next_of(world, task))] == ["Piece"]


async def test_the_last_one_has_no_next(world: World) -> None:
    task = await world.create(recurrence=TaskRecurrence(rule="FREQ=DAILY;COUNT=2"), due_on=TODAY)
    await do(world, CompleteTask, task)
    last = await next_of(world, task)
    done = await do(world, CompleteTask, last)
    assert (done.status, done.next_id) == ("done", None)


async def test_what_does_not_recur_any_more_has_no_next(world: World) -> None:
    task = await world.edit(await world.create(**EVERY_DAY), recurrence=None)
    assert (await do(world, CompleteTask, task)).next_id is None


async def test_a_cancelled_one_ends_the_series(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    assert (await world.edit(task, status="cancelled")).next_id is None
    assert len(await world.tasks()) == 1


async def test_a_dry_run_shows_the_next_and_stores_nothing(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    before = world.size()
    tried = await do(world, CompleteTask, task, call={"dry_run": True})
    assert tried.next_id is not None
    assert world.size() == before
    assert (await do(world, CompleteTask, task, call=if_match(1))).next_id == tried.next_id


async def test_it_stays_in_its_project_unless_that_is_archived(world: World) -> None:
    project = await world.project()
    task = await world.create(**EVERY_DAY, project_id=project.id)
    await do(world, CompleteTask, task)
    following = await next_of(world, task)
    assert following.project_id == project.id
    await world.ask(ArchiveProject, project_id=project.id)
    with pytest.raises(Refused):
        await do(world, CompleteTask, following)


async def test_comments_stay_where_they_were_made(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    await world.ask(CommentOnTask, task_id=task.id, text="Lactose?")
    await do(world, CompleteTask, task)
    assert (await next_of(world, task)).comment_count == 0


# ── zones ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_zone_is_that_of_whoever_asks_unless_they_name_one(world: World) -> None:
    berlin = Principal(user_id=ADA, personal_workspace_id=HOME, roles={HOME: "owner"}, time_zone="Europe/Berlin")

    async def ask(kind: Any, **fields: Any) -> Task:
        call = replace(world.call(), principal=berlin)
        answered: Task = (await world.service.ask(kind(by=ADA, at=call.asked_at, **fields), call)).value
        return answered

    assert (await ask(CreateTask, title="x")).time_zone is None
    assert (await ask(CreateTask, title="x", **EVERY_DAY)).time_zone == "Europe/Berlin"
    assert (await ask(CreateTask, title="x", reminders=(TaskReminder(before="PT5M"),))).time_zone == "Europe/Berlin"
    task = await ask(CreateTask, title="x", time_zone="Asia/Tokyo", due_at=NOON)
    assert (await ask(EditTask, task_id=task.id, recurrence=DAILY)).time_zone == "Asia/Tokyo"
    assert (await ask(EditTask, task_id=task.id, time_zone=None)).time_zone == "Europe/Berlin"
    plain = await world.create(due_on=TODAY)
    assert (await ask(EditTask, task_id=plain.id, recurrence=DAILY)).time_zone == "Europe/Berlin"


async def test_a_create_may_be_repeated_from_another_zone(world: World) -> None:
    fields: dict[str, Any] = {"task_id": TaskId(identity(99)), "title": "x", **EVERY_DAY}
    first = await world.ask(CreateTask, **fields)
    call = world.call()
    assert call.principal is not None
    moved = replace(call, principal=replace(call.principal, time_zone="Asia/Tokyo"))
    again = await world.service.ask(CreateTask(by=ADA, at=call.asked_at, **fields), moved)
    assert (again.created, again.value) == (False, first.value)


# ── below ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_next_has_open_subtasks_of_its_own(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    first = await world.create("First", parent_id=task.id, due_on=TODAY, status="done")
    second = await world.create("Second", parent_id=task.id, blocked_by=(first.id,), status="cancelled")
    deep = await world.create("Deep", parent_id=second.id, due_at=NOON)
    gone = await world.create("Gone", parent_id=task.id)
    await world.trash(gone)
    await world.edit(task, blocked_by=(first.id,))
    await do(world, CompleteTask, task)
    following = await next_of(world, task)
    copies = {one.title: one for one in await below(world, following)}
    assert set(copies) == {"First", "Second"}
    assert {one.status for one in copies.values()} == {"open"}
    assert copies["First"].due_on == TODAY + timedelta(days=1)
    assert (copies["Second"].blocked_by, following.blocked_by) == ((copies["First"].id,), (copies["First"].id,))
    assert [(one.title, one.due_at) for one in await below(world, copies["Second"])] == [
        (deep.title, NOON + timedelta(days=1))
    ]
    assert {one.title for one in await below(world, task)} == {"First", "Second"}, "Those of before stay."


async def test_a_subtask_that_recurs_has_its_next_beside_it_and_begins_anew_below_the_next(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    hourly = await world.create("Hourly", parent_id=task.id, recurrence=DAILY, due_on=TODAY)
    await do(world, CompleteTask, hourly)
    beside = await next_of(world, hourly)
    assert beside.parent_id == task.id
    await do(world, CompleteTask, task)
    (copy,) = await below(world, await next_of(world, task))
    assert (copy.due_on, copy.series_id, copy.occurrence) == (TODAY + timedelta(days=2), copy.id, 1)
    assert (await do(world, CompleteTask, copy)).next_id is not None


async def test_more_below_it_than_fits_is_refused_with_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "COPIED_TASKS_MAX", 2)
    task = await world.create(**EVERY_DAY)
    for number in range(3):
        await world.create(f"Part {number}", parent_id=task.id)
    with pytest.raises(TooManySubtasks, match="Take some of them elsewhere"):
        await do(world, CompleteTask, task)
    assert (await world.task(task)).status == "open"


async def test_the_most_that_may_be_below_it_fits_into_one_append(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    parts = [CreateTask(by=ADA, at=NOON, title="Part", parent_id=task.id) for _ in range(repeating.COPIED_TASKS_MAX)]
    await world.ask(ChangeTasks, commands=tuple(parts))
    await do(world, CompleteTask, task)
    assert len(await below(world, await next_of(world, task))) == repeating.COPIED_TASKS_MAX


# ── skipped ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_skipped_one_is_cancelled_and_followed_by_the_next(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    skipped = await do(world, SkipTask, task)
    assert await do(world, SkipTask, task) == skipped
    following = await next_of(world, task)
    assert (skipped.status, following.due_on) == ("cancelled", TODAY + timedelta(days=1))
    await do(world, ReopenTask, task)
    assert (await world.task(following)).trashed_at is not None
    command = SkipTask(task_id=task.id, by=ADA, at=world.now)
    await world.ask(ChangeTasks, commands=(command,))
    assert (await next_of(world, task)).id == following.id
    assert len(await world.tasks()) == 2


# ── to be done after all ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["open", "in_progress"])
async def test_reopened_it_has_no_next_until_it_is_done_again(world: World, status: str) -> None:
    task = await world.create(**EVERY_DAY)
    part = await world.create("Part", parent_id=task.id)
    await do(world, CompleteTask, task)
    following = await next_of(world, task)
    reopened = await world.edit(task, status=status)
    assert (reopened.next_id, reopened.repeated_at) == (None, None)
    assert (await world.task(following)).trashed_at is not None
    assert await below(world, following) == []

    await world.edit(task, title="Oat milk", custom={"a": 1})
    await world.create("Another part", parent_id=task.id)
    await world.trash(part)
    again = await do(world, CompleteTask, task)
    assert again.next_id == following.id
    back = await next_of(world, task)
    assert (back.trashed_at, back.title, back.custom, back.status) == (None, "Oat milk", {"a": 1}, "open")
    assert {one.title for one in await below(world, back)} == {"Part", "Another part"}


async def test_brought_back_it_has_the_dates_of_the_new_completion_and_the_new_place(world: World) -> None:
    after = TaskRecurrence(rule="FREQ=DAILY;INTERVAL=2", anchor="completion")
    task = await world.create(recurrence=after, due_on=TODAY)
    await do(world, CompleteTask, task)
    await do(world, ReopenTask, task)
    parent = await world.create("Above")
    await world.edit(task, parent_id=parent.id)
    world.now += timedelta(days=3)
    await do(world, CompleteTask, task)
    back = await next_of(world, task)
    assert (back.due_on, back.parent_id) == (TODAY + timedelta(days=5), parent.id)
    assert {one.id for one in await below(world, parent)} == {task.id, back.id}


@pytest.mark.parametrize("what", ["edited", "commented", "done", "gone", "part", "added", "less"])
async def test_a_next_one_that_somebody_has_touched_stays(world: World, what: str) -> None:
    task = await world.create(**EVERY_DAY)
    await world.create("Part", parent_id=task.id)
    await do(world, CompleteTask, task)
    following = await next_of(world, task)
    (part,) = await below(world, following)
    match what:
        case "edited":
            await world.edit(following, title="Oat milk")
        case "commented":
            await world.ask(CommentOnTask, task_id=following.id, text="Lactose?")
        case "done":
            await do(world, CompleteTask, following)
        case "gone":
            await do(world, TrashTask, following)
        case "part":
            await do(world, CompleteTask, part)
        case "added":
            await world.create("Another part", parent_id=following.id)
        case _:
            await do(world, TrashTask, part)
    before = await world.task(following)
    reopened = await do(world, ReopenTask, task)
    assert (reopened.status, reopened.next_id) == ("open", following.id)
    assert await world.task(following) == before
    await do(world, CompleteTask, task)
    assert await world.task(following) == before


async def test_reopened_while_somebody_edits_the_next_that_one_stays(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    await do(world, CompleteTask, task)
    following = await next_of(world, task)
    edit = (EditTask, {"task_id": following.id, "title": "Oat milk"})
    await world.overtaken((ReopenTask, {"task_id": task.id}), edit)
    now = await world.task(following)
    assert (now.title, now.trashed_at) == ("Oat milk", None)


async def test_a_next_one_that_was_taken_out_of_the_trash_by_hand_is_found_again(world: World) -> None:
    task = await world.create(**EVERY_DAY)
    await do(world, CompleteTask, task)
    following = await next_of(world, task)
    await do(world, ReopenTask, task)
    restored = await world.restore(following)
    edited = await world.edit(restored, title="Oat milk")
    assert (await do(world, CompleteTask, task)).next_id == following.id
    assert await world.task(following) == edited
    assert len(await world.tasks()) == 2


# ── ids that are taken ──────────────────────────────────────────────────────────────────────────────────


async def test_an_id_that_somebody_else_has_taken_is_none_of_its_own(world: World) -> None:
    probe = World()
    task_id = TaskId(identity(99))
    task = await probe.create(task_id=task_id, workspace_id=TEAM, **EVERY_DAY)
    part = await probe.create("Part", task_id=TaskId(identity(98)), parent_id=task.id)
    await do(probe, CompleteTask, task)
    foreseen = await next_of(probe, task)
    (foreseen_part,) = await below(probe, foreseen)

    for workspace in (HOME, TEAM):
        world = World()
        await world.create("Mine", task_id=foreseen.id, workspace_id=workspace)
        task = await world.create(task_id=task_id, workspace_id=TEAM, **EVERY_DAY)
        await do(world, CompleteTask, task)
        following = await next_of(world, task)
        assert following.id != foreseen.id
        assert (following.previous_id, following.workspace_id) == (task.id, TEAM)

    world = World()
    await world.create("Mine", task_id=foreseen_part.id, workspace_id=HOME)
    task = await world.create(task_id=task_id, workspace_id=TEAM, **EVERY_DAY)
    await world.create("Part", task_id=part.id, parent_id=task.id)
    await do(world, CompleteTask, task)
    assert [one.title for one in await below(world, await next_of(world, task))] == ["Part"]


def test_every_field_of_a_task_is_in_the_next() -> None:
    """What is created and what is copied must not grow apart: a new field of tasks is copied, or named here."""
    full = content_of(
        create(
            description="Two",
            priority="high",
            labels=(str(identity(41)),),
            assignee_ids=(BOB,),
            scheduled_at=NOON,
            due_at=NOON,
            estimate="PT5M",
            blocked_by=(TaskId(identity(9)),),
            custom={"a": 1},
            recurrence=DAILY,
            time_zone="Europe/Berlin",
            reminders=(TaskReminder(before="PT5M"),),
        )
    )
    task = replace(evolve(ABSENT, full), project_id=identity(31), parent_id=identity(32), number=3)
    step = step_from(task, NOON)
    assert step is not None
    made = created_next(task, step, TaskId(identity(7)), {}, ADA, NOON)
    empty = [name for name in TaskCreated.__struct_fields__ if not getattr(made, name)]
    assert empty == ["number", "due_on"], "The store numbers it, and it is due at an instant."
