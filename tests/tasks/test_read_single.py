"""Single things: for whom, as they are, as they were, and what has happened to them."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import CommentId, LabelId, ProjectId, TaskId, WorkspaceId
from sigdep.kernel.errors import Invalid, NotFound
from sigdep.kernel.ids import Partition, Position, SubjectId
from sigdep.reading import past
from sigdep.reading.moments import Moment
from sigdep.rpc.call import WorkspacePosition
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.labels import LabelEdited
from sigdep.tasks.events.projects import ProjectArchived
from sigdep.tasks.events.tasks import (
    CommentDeleted,
    CommentEdited,
    TaskCommented,
    TaskCompleted,
    TaskMoved,
    TaskTrashed,
)
from sigdep.tasks.queries import (
    GetHistory,
    GetLabel,
    GetProject,
    GetTask,
    HistoryEntry,
    ListComments,
    ListLabels,
    ListProjects,
    ListSubtasks,
    ListTasks,
)
from tests.tasks.filters import ME, NOW, OTHER, WORKSPACE
from tests.tasks.read_stories import Story
from tests.tasks.read_world import World, all_items


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await SqliteReadStore.open(tmp_path / "views.db")
    yield await World(store).start()
    await store.close()


async def shown(world: World, query: Any, **options: Any) -> Task:
    answer = await world.ask(query, **options)
    return msgspec.json.decode(answer.value.json, type=Task)


# ── as they are ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_is_shown_with_its_version_and_the_position_that_it_reflects(world: World) -> None:
    task = await world.task("Title", custom={"points": 3})
    await world.edit(task, title="New title")
    await world.project()
    answer = await world.ask(GetTask(task_id=task))
    assert msgspec.json.decode(answer.value.json, type=Task) == world.tasks[task]
    assert answer.version == 2
    assert answer.position == WorkspacePosition("tasks", Partition(WORKSPACE.int & 63), Position(2))


async def test_what_was_written_a_moment_ago_is_there_though_it_has_not_been_projected(world: World) -> None:
    task, project, label = await world.task("Fresh"), await world.project_named("P"), await world.label("L")
    answer = await world.ask(GetTask(task_id=task))
    assert msgspec.json.decode(answer.value.json, type=Task) == world.tasks[task]
    assert answer.version == 1
    assert (await world.ask(GetProject(project_id=project))).version == 1
    assert (await world.ask(GetLabel(label_id=label))).version == 1
    assert await world.items(ListSubtasks(task_id=task)) == []
    assert await world.items(ListComments(task_id=task)) == []
    for query in (GetTask(task_id=task), ListSubtasks(task_id=task), GetProject(project_id=project)):
        with pytest.raises(NotFound):
            await world.ask(query, role=None)


async def test_a_task_is_found_by_its_number_in_its_workspace(world: World) -> None:
    other = WorkspaceId(UUID(int=(3 << 64) + WORKSPACE.int))
    await world.task("Elsewhere", workspace=other)
    await world.task("First")
    await world.project()
    await world.task("Second")
    assert (await shown(world, GetTask(number=1))).title == "First"
    assert (await shown(world, GetTask(number=2))).title == "Second", "It is waited for."
    with pytest.raises(NotFound) as missing:
        await world.ask(GetTask(number=3))
    assert missing.value.detail == "There is no task T-3 in this workspace."
    with pytest.raises(NotFound):
        await world.ask(GetTask(number=1, workspace_id=other))


@pytest.mark.parametrize(
    "query",
    [
        GetTask(task_id=TaskId(UUID(int=404))),
        GetProject(project_id=ProjectId(UUID(int=404))),
        GetLabel(label_id=LabelId(UUID(int=404))),
        ListSubtasks(task_id=TaskId(UUID(int=404))),
        ListComments(task_id=TaskId(UUID(int=404))),
        GetHistory(thing="task", id=TaskId(UUID(int=404))),
        GetTask(task_id=TaskId(UUID(int=404)), at=NOW),
    ],
)
async def test_what_does_not_exist_sounds_like_what_one_may_not_see(world: World, query: Any) -> None:
    task = await world.task()
    await world.project()
    strange: Any = query
    for field in ("task_id", "id"):
        if hasattr(query, field):
            strange = msgspec.structs.replace(query, **{field: task})
    with pytest.raises(NotFound) as missing:
        await world.ask(query)
    if strange is not query:
        with pytest.raises(NotFound) as hidden:
            await world.ask(strange, role=None)
        assert hidden.value.detail == missing.value.detail


async def test_a_least_position_is_waited_for(world: World) -> None:
    task = await world.task("Old")
    await world.project()
    written = await world.edit(task, title="New")
    assert (await shown(world, GetTask(task_id=task))).title == "Old"
    least = WorkspacePosition("tasks", written.partition, written.position)
    elsewhere = WorkspacePosition("users", written.partition, Position(999))
    assert (await shown(world, GetTask(task_id=task), min_position=elsewhere)).title == "Old"
    assert (await shown(world, GetTask(task_id=task), min_position=least)).title == "New"


async def test_an_erased_task_is_gone(world: World) -> None:
    task = await world.task()
    await world.keys.destroy(SubjectId(WORKSPACE))
    with pytest.raises(NotFound):
        await world.ask(GetTask(task_id=task))


# ── as they were ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_task_is_shown_as_it_was_at_any_instant_and_position(world: World) -> None:
    task = await world.task("One")
    states: list[tuple[Moment, Task]] = []
    for title in ("Two", "Three", "Four"):
        appended = await world.edit(task, title=title)
        states.append((WorkspacePosition("tasks", appended.partition, appended.position), world.tasks[task]))
    before = WorkspacePosition("tasks", Partition(WORKSPACE.int & 63), Position(0))
    for moment, state in states:
        assert await shown(world, GetTask(task_id=task, at=moment)) == state
        assert (await world.ask(GetTask(task_id=task, at=moment))).version == state.version
    with pytest.raises(NotFound) as missing:
        await world.ask(GetTask(task_id=task, at=before))
    assert missing.value.detail == "This task did not exist yet at that time."
    events = (await world.log.read(f"task-{task}")).events  # type: ignore[arg-type]  # A stream's name.
    assert (await shown(world, GetTask(task_id=task, at=events[1].recorded_at))).version >= 2
    with pytest.raises(NotFound):
        await world.ask(GetTask(task_id=task, at=events[0].recorded_at - timedelta(microseconds=1)))
    assert await shown(world, GetTask(task_id=task, at=events[-1].recorded_at + timedelta(days=9))) == world.tasks[task]


@pytest.mark.parametrize(
    "moment",
    [
        WorkspacePosition("users", Partition(WORKSPACE.int & 63), Position(1)),
        WorkspacePosition("tasks", Partition(1), Position(1)),
    ],
)
async def test_a_position_of_another_log_or_workspace_says_nothing(world: World, moment: Moment) -> None:
    task = await world.task()
    for query in (GetTask(task_id=task, at=moment), ListTasks(at=moment), ListComments(task_id=task, at=moment)):
        with pytest.raises(Invalid) as refused:
            await world.ask(query)
        assert refused.value.faults[0].pointer == "at"
    with pytest.raises(NotFound):
        await world.ask(GetTask(task_id=task, at=moment), role=None)


LISTS: list[Any] = [
    ListTasks(archived=True, limit=200),
    ListTasks(limit=3, sort="-updated_at"),
    ListTasks(limit=4, filter="blocked or (open and priority >= low)"),
    ListTasks(limit=4, assignee_id=("me",), sort="rank"),
    ListTasks(trashed=True),
    ListTasks(q="report", sort="number"),
    ListProjects(limit=2),
    ListProjects(trashed=True),
]


async def test_every_list_is_shown_as_it_was(world: World) -> None:
    """The past, made from the log, is what the live list was at that time, page by page."""
    story = Story(world, Random(8))
    seen: list[tuple[Moment, list[list[dict[str, Any]]]]] = []
    for _ in range(6):
        await story.tell(15)
        await world.project()
        head = (await world.log.heads())[Partition(WORKSPACE.int & 63)]
        then_at: Moment = WorkspacePosition("tasks", Partition(WORKSPACE.int & 63), head)
        seen.append((then_at, [await all_items(world, query) for query in LISTS]))
    assert sum(len(items) for items in seen[-1][1]) > 40
    for then_at, lists in seen:
        for query, items in zip(LISTS, lists, strict=True):
            then = msgspec.structs.replace(query, at=then_at)
            assert await all_items(world, then) == items
            answer = await world.ask(then)
            assert answer.position == then_at


async def test_labels_comments_and_subtasks_are_shown_as_they_were(world: World) -> None:
    task, label, comment = await world.task("Top"), await world.label("Before"), CommentId(world.new_id())
    below = await world.task("Below", parent_id=task)
    said = await world.happen(TaskCommented, task, comment_id=comment, text="Before")
    then = WorkspacePosition("tasks", said.partition, said.position)
    await world.happen(CommentDeleted, task, comment_id=comment)
    await world.append(LabelEdited(label_id=label, by=ME, at=world.tick(), name="After"))
    await world.happen(TaskTrashed, below)
    await world.project()
    assert [item["name"] for item in await world.items(ListLabels(at=then))] == ["Before"]
    assert [item["text"] for item in await world.items(ListComments(task_id=task, at=then))] == ["Before"]
    assert [item["title"] for item in await world.items(ListSubtasks(task_id=task, at=then))] == ["Below"]
    assert await world.titles(ListTasks(filter="label:before or T-2", at=then)) == ["Below"]
    with pytest.raises(Invalid):
        await world.ask(ListTasks(filter="label:after", at=then))
    assert await world.items(ListComments(task_id=task)) == []


async def test_too_much_past_is_refused_with_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "FOLDED_EVENTS_MAX", 1_000)
    task = await world.task()
    for number in range(1_100):
        await world.edit(task, title=f"Title {number}")
    early = WorkspacePosition("tasks", Partition(WORKSPACE.int & 63), Position(10))
    assert await world.titles(ListTasks(at=early)) == ["Title 8"]
    with pytest.raises(Invalid) as refused:
        await world.ask(ListTasks(at=NOW + timedelta(days=99_999)))
    assert refused.value.faults[0].pointer == "at"
    assert "made of the first 1,000 events" in refused.value.detail


async def test_a_view_of_the_future_is_not_kept(world: World) -> None:
    await world.task("Now")
    future = ListTasks(at=NOW + timedelta(days=99_999), sort="number")
    assert await world.titles(future) == ["Now"]
    await world.task("Later")
    assert await world.titles(future) == ["Now", "Later"]


# ── what has happened ───────────────────────────────────────────────────────────────────────────────────


async def history(world: World, query: GetHistory, **options: Any) -> list[HistoryEntry]:
    found: list[HistoryEntry] = []
    while True:
        page = (await world.ask(query, **options)).value
        found.extend(page.entries)
        if page.next_cursor is None:
            return found
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


def changes(entry: HistoryEntry) -> dict[str, tuple[Any, Any]]:
    return {change.field: (change.before, change.after) for change in entry.changes}


async def test_a_history_tells_who_did_what_when_and_through_what(world: World) -> None:
    project = await world.project_named("P")
    task = await world.task("First", custom={"points": 1, "kind": "bug"}, due_on=date(2026, 12, 1))
    comment = CommentId(world.new_id())
    await world.edit(task, title="Second", custom={"points": 2, "kind": None}, due_on=None, due_at=NOW)
    await world.append(TaskCompleted(task_id=task, by=OTHER, at=world.tick()), by=OTHER)
    await world.happen(TaskMoved, task, project_id=project)
    await world.happen(TaskCommented, task, comment_id=comment, text="Hm")
    await world.happen(CommentEdited, task, comment_id=comment, text="Aha")
    await world.happen(CommentDeleted, task, comment_id=comment)
    entries = await history(world, GetHistory(thing="task", id=task))
    assert [entry.version for entry in entries] == [1, 2, 3, 4, 5, 6, 7]
    assert [entry.event for entry in entries][:3] == ["TaskCreated", "TaskEdited", "TaskCompleted"]
    assert [entry.by for entry in entries][:4] == [ME, ME, OTHER, ME]
    assert {(entry.client, entry.request_id, entry.erased) for entry in entries} == {("session", "r-1", False)}
    created = changes(entries[0])
    assert created["title"] == (None, "First")
    assert created["custom.points"] == (None, 1)
    assert created["due_on"] == (None, date(2026, 12, 1))
    assert not created.keys() & {"id", "version", "updated_at", "description", "trashed_at"}
    assert changes(entries[1]) == {
        "title": ("First", "Second"),
        "due_at": (None, NOW),
        "due_on": (date(2026, 12, 1), None),
        "custom.kind": ("bug", None),
        "custom.points": (1, 2),
    }
    assert changes(entries[2])["status"] == ("open", "done")
    assert changes(entries[3]) == {"project_id": (None, project)}
    assert [changes(entry) for entry in entries[4:]] == [
        {f"comments.{comment}": (None, "Hm")},
        {f"comments.{comment}": ("Hm", "Aha")},
        {f"comments.{comment}": ("Aha", None)},
    ]


async def test_a_history_tells_what_is_other_json_though_python_calls_it_equal(world: World) -> None:
    task = await world.task("Count", custom={"a": 1, "b": [0], "c": {"d": 2}, "e": True})
    await world.edit(task, custom={"a": True, "b": [0.0], "c": {"d": 2}, "e": True})
    told = changes((await history(world, GetHistory(thing="task", id=task)))[1])
    assert told.keys() == {"custom.a", "custom.b"}
    assert [type(value) for value in told["custom.a"]] == [int, bool]
    assert [type(value[0]) for value in told["custom.b"]] == [int, float]


async def test_a_history_can_be_read_from_either_end_page_by_page(world: World) -> None:
    task = await world.task()
    for number in range(9):
        await world.edit(task, title=f"Title {number}")
    oldest = await history(world, GetHistory(thing="task", id=task, limit=4))
    newest = await history(world, GetHistory(thing="task", id=task, limit=4, newest_first=True))
    assert [entry.version for entry in oldest] == list(range(1, 11))
    assert newest == oldest[::-1]
    assert oldest == await history(world, GetHistory(thing="task", id=task))
    page = (await world.ask(GetHistory(thing="task", id=task, limit=4))).value
    for wrong in (
        GetHistory(thing="task", id=task, newest_first=True, cursor=page.next_cursor),
        GetHistory(thing="task", id=task, cursor="AAAA"),
    ):
        with pytest.raises(Invalid) as refused:
            await world.ask(wrong)
        assert refused.value.faults[0].pointer == "cursor"


async def test_the_state_after_an_entry_is_the_state_at_its_position(world: World) -> None:
    task = await world.task("One")
    await world.edit(task, title="Two")
    await world.edit(task, title="Three")
    for entry, title in zip(
        await history(world, GetHistory(thing="task", id=task)), ("One", "Two", "Three"), strict=True
    ):
        moment = WorkspacePosition("tasks", Partition(WORKSPACE.int & 63), entry.position)
        assert (await shown(world, GetTask(task_id=task, at=moment))).title == title


async def test_an_erased_event_says_so_and_no_more(world: World) -> None:
    task = await world.task("Secret")
    await world.keys.destroy(SubjectId(WORKSPACE))
    (entry,) = await history(world, GetHistory(thing="task", id=task))
    assert (entry.erased, list(entry.changes), entry.event) == (True, [], "TaskCreated")


async def test_projects_and_labels_have_histories_too(world: World) -> None:
    project, label = await world.project_named("P"), await world.label("L")
    await world.append(ProjectArchived(project_id=project, by=ME, at=world.tick()))
    await world.append(LabelEdited(label_id=label, by=ME, at=world.tick(), name="M"))
    archived = (await history(world, GetHistory(thing="project", id=project)))[1]
    assert changes(archived)["status"] == ("active", "archived")
    assert changes((await history(world, GetHistory(thing="label", id=label)))[1]) == {"name": ("L", "M")}
    with pytest.raises(NotFound):
        await world.ask(GetHistory(thing="label", id=label), role=None)
