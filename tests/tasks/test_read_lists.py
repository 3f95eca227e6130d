"""Lists of tasks: every filter, every order, page by page, for those who may see them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import TaskId, WorkspaceId
from sigdep.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated
from sigdep.kernel.read_store import ReadStore
from sigdep.rpc.call import Call
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.projects import ProjectArchived, ProjectRestored, ProjectTrashed, ProjectUnarchived
from sigdep.tasks.events.tasks import TaskCommented, TaskCompleted, TaskMoved, TaskRestored, TaskStarted, TaskTrashed
from sigdep.tasks.queries import GetTask, ListComments, ListLabels, ListProjects, ListSubtasks, ListTasks
from tests.tasks.filters import ME, NOW, OTHER, WORKSPACE
from tests.tasks.read_world import World, all_items, call, pages

STRANGE = WorkspaceId(UUID(int=(9 << 64) + WORKSPACE.int))
"""Another workspace in the same partition."""


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    store: ReadStore
    store = MemoryReadStore() if request.param == "memory" else await SqliteReadStore.open(tmp_path / "views.db")
    yield await World(store).start()
    await store.close()


async def test_a_list_shows_the_workspace_of_the_caller_and_nothing_else(world: World) -> None:
    mine = await world.task("Mine")
    await world.task("Strange", workspace=STRANGE)
    await world.project()
    answer = await world.ask(ListTasks())
    page = msgspec.json.decode(answer.value.json)
    assert [item["id"] for item in page["items"]] == [str(mine)]
    assert page["next_cursor"] is None
    assert msgspec.convert(page["items"][0], Task) == world.tasks[mine]
    assert answer.position is not None
    assert answer.position.position == 2


@pytest.mark.parametrize("query", [ListTasks(workspace_id=STRANGE), ListProjects(workspace_id=STRANGE)])
async def test_a_workspace_of_others_does_not_exist(world: World, query: Any) -> None:
    await world.task("Strange", workspace=STRANGE)
    await world.project()
    with pytest.raises(NotFound):
        await world.ask(query)


async def test_nobody_who_has_not_signed_in_hears_anything(world: World) -> None:
    task = await world.task()
    await world.project()
    nobody = Call(asked_at=NOW, command_id=call().command_id)
    for query in (ListTasks(), GetTask(task_id=task), ListComments(task_id=task), ListLabels()):
        with pytest.raises(Unauthenticated):
            await world.read.ask(query, nobody)


async def test_each_parameter_finds_what_it_names(world: World) -> None:
    label, garden = await world.label("Work"), await world.project_named("Garden")
    plain = await world.task("Plain")
    rich = await world.task(
        "Rich report",
        description="with the cat",
        priority="high",
        project_id=garden,
        parent_id=plain,
        labels=(label,),
        assignee_ids=(ME, OTHER),
        due_at=datetime(2026, 11, 26, 9, tzinfo=UTC),
        scheduled_at=datetime(2026, 11, 25, 9, tzinfo=UTC),
        blocked_by=(plain,),
    )
    started = await world.task("Started", due_on=date(2026, 12, 2), assignee_ids=(OTHER,))
    await world.happen(TaskStarted, started)
    done = await world.task("Done")
    await world.happen(TaskCompleted, done)
    gone = await world.task("Gone")
    await world.happen(TaskTrashed, gone)
    await world.project()
    expected: list[tuple[ListTasks, set[TaskId]]] = [
        (ListTasks(), {plain, rich, started, done}),
        (ListTasks(status=("open",)), {plain, rich}),
        (ListTasks(status=("done", "in_progress")), {started, done}),
        (ListTasks(open=True), {plain, rich, started}),
        (ListTasks(open=False), {done}),
        (ListTasks(priority=("high", "urgent")), {rich}),
        (ListTasks(project_id=(str(garden),)), {rich}),
        (ListTasks(project_id=("none",)), {plain, started, done}),
        (ListTasks(project_id=("garden", "none")), {plain, rich, started, done}),
        (ListTasks(parent_id=(str(plain),)), {rich}),
        (ListTasks(parent_id=("T-1",)), {rich}),
        (ListTasks(parent_id=("none",), status=("open",)), {plain}),
        (ListTasks(label=("work",)), {rich}),
        (ListTasks(label=(str(label), "none")), {plain, rich, started, done}),
        (ListTasks(assignee_id=("me",)), {rich}),
        (ListTasks(assignee_id=(str(OTHER),)), {rich, started}),
        (ListTasks(assignee_id=("none",)), {plain, done}),
        (ListTasks(due_before="2026-12-01T00:00:00Z"), {rich}),
        (ListTasks(due_before="2026-12-02"), {rich}),
        (ListTasks(due_before="2026-12-03"), {rich, started}),
        (ListTasks(due_after="2026-12-01"), {started}),
        (ListTasks(due_after="2026-12-02"), set()),
        (ListTasks(scheduled_before="tomorrow", scheduled_after="yesterday"), {rich}),
        (ListTasks(q="REP cat"), {rich}),
        (ListTasks(q="rep dog"), set()),
        (ListTasks(blocked=True), {rich}),
        (ListTasks(blocked=False), {plain, started, done}),
        (ListTasks(trashed=True), {gone}),
        (ListTasks(trashed=False), {plain, rich, started, done}),
        (ListTasks(filter="trashed"), {gone}),
        (ListTasks(filter="trashed or label:work"), {gone, rich}),
        (ListTasks(filter="not label:work and open"), {plain, started}),
        (ListTasks(filter="T-2"), {rich}),
        (ListTasks(assignee_id=("me",), filter="priority >= high", q="cat", status=("open",)), {rich}),
    ]
    for query, tasks in expected:
        for sort in ("due_at", "-created_at", "rank"):
            asked = msgspec.structs.replace(query, sort=sort)
            assert {UUID(item["id"]) for item in await world.items(asked)} == tasks, asked


async def test_days_begin_and_end_in_the_callers_time_zone(world: World) -> None:
    on_the_day = await world.task("On the day", due_on=date(2026, 11, 26))
    late = await world.task("Late evening in Berlin", due_at=datetime(2026, 11, 26, 22, 59, tzinfo=UTC))
    night = await world.task("Night in Berlin", due_at=datetime(2026, 11, 26, 23, tzinfo=UTC))
    await world.project()
    asked = ListTasks(filter="due = 2026-11-26")
    assert {UUID(item["id"]) for item in await world.items(asked)} == {on_the_day, late, night}
    for options in ({"time_zone": "Europe/Berlin"}, {"now": NOW, "time_zone": "Europe/Berlin"}):
        assert {UUID(item["id"]) for item in await world.items(asked, **options)} == {on_the_day, late}
    berlin = ListTasks(filter="due = 2026-11-26", time_zone="Europe/Berlin")
    assert {UUID(item["id"]) for item in await world.items(berlin)} == {on_the_day, late}
    auckland = ListTasks(filter="overdue", time_zone="Pacific/Auckland")
    just_over = datetime(2026, 11, 26, tzinfo=ZoneInfo("Pacific/Auckland")) + timedelta(days=1)
    assert await world.titles(auckland, now=just_over.astimezone(UTC)) == ["On the day"]
    assert await world.titles(auckland, now=(just_over - timedelta(microseconds=1)).astimezone(UTC)) == []
    assert await world.titles(ListTasks(filter="overdue"), now=just_over.astimezone(UTC)) == []


async def test_an_unknown_time_zone_is_named(world: World) -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", "Europe", "x" * 300, "a\0b"):
        with pytest.raises(Invalid) as refused:
            await world.ask(ListTasks(time_zone=name))
        assert refused.value.faults[0].pointer == "time_zone"


@pytest.mark.parametrize(
    "query, pointer, saying",
    [
        (ListTasks(filter="prioritty = high"), "filter", 'Did you mean "priority"?'),
        (ListTasks(filter="label:wrok"), "filter", 'column 7: no label is called "wrok". Did you mean "work"?'),
        (ListTasks(label=("wrok",)), "label", 'label: no label is called "wrok". Did you mean "work"?'),
        (ListTasks(project_id=("nowhere",)), "project_id", 'no project is called "nowhere".'),
        (ListTasks(parent_id=("T-99",)), "parent_id", "there is no task T-99"),
        (ListTasks(assignee_id=("bob",)), "assignee_id", "expected me, a user's id, or none"),
        (ListTasks(due_before="whenever"), "due_before", "expected a date"),
        (ListTasks(due_after="+99999y"), "due_after", "expected a date"),
        (ListTasks(label=("a",) * 51), "label", "at most 50 values"),
        (ListTasks(cursor="!"), "cursor", "none of ours"),
        (ListTasks(cursor="AAAA"), "cursor", "none of ours"),
        (ListTasks(cursor="é"), "cursor", "none of ours"),
        (ListTasks(cursor="A" * 5_000), "cursor", "none of ours"),
        (ListTasks(cursor="A" * 100), "cursor", "belongs to another question"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_parameter(
    world: World, query: ListTasks, pointer: str, saying: str
) -> None:
    await world.label("work")
    await world.project()
    with pytest.raises(Invalid) as refused:
        await world.ask(query)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert saying in refused.value.detail


async def test_a_name_given_a_moment_ago_is_understood(world: World) -> None:
    await world.project()
    label, project = await world.label("fresh"), await world.project_named("New")
    task = await world.task("Both", labels=(label,), project_id=project)
    assert [item["id"] for item in await world.items(ListTasks(filter="label:fresh and project:new"))] == [str(task)]
    await world.task("Below", parent_id=task)
    assert await world.titles(ListTasks(parent_id=("T-2",))) == []


# ── archives ────────────────────────────────────────────────────────────────────────────────────────────


async def test_tasks_follow_their_project_into_the_archive_and_the_trash_and_back(world: World) -> None:
    project = await world.project_named("Old")
    await world.task("In it", project_id=project)
    await world.task("Outside")

    async def shown(**asked: Any) -> set[str]:
        await world.project()
        return set(await world.titles(ListTasks(**asked)))

    both = {"In it", "Outside"}
    for go, come in ((ProjectArchived, ProjectUnarchived), (ProjectTrashed, ProjectRestored)):
        assert await shown() == both
        await world.append(go(project_id=project, by=ME, at=world.tick()))
        assert await shown() == {"Outside"}
        assert await shown(archived=True) == both
        assert await shown(project_id=(str(project),)) == {"In it"}
        assert await shown(filter=f"project = {project}") == {"In it"}
        assert await shown(filter="archived") == {"In it"}
        assert await shown(filter="not archived") == {"Outside"}
        await world.append(come(project_id=project, by=ME, at=world.tick()))
    assert await shown() == both


async def test_a_task_that_moves_out_of_an_archived_project_is_seen_again(world: World) -> None:
    project = await world.project_named("Old")
    task = await world.task("Task", project_id=project)
    await world.append(ProjectArchived(project_id=project, by=ME, at=world.tick()))
    await world.project()
    assert await world.titles(ListTasks()) == []
    await world.happen(TaskMoved, task, project_id=None)
    await world.project()
    assert await world.titles(ListTasks()) == ["Task"]


# ── order and pages ─────────────────────────────────────────────────────────────────────────────────────


async def many_tasks(world: World, count: int) -> None:
    random = Random(count)
    for number in range(count):
        due: dict[str, Any] = random.choice(
            [{}, {"due_on": date(2026, 11, random.randint(20, 28))}, {"due_at": NOW + timedelta(hours=number % 5)}]
        )
        assignees = random.choice([(), (ME,), (ME, OTHER), (OTHER,)])
        await world.task(
            f"Task {number}", rank=random.choice("abcXYZ"), priority=random.choice(["none", "low", "urgent"]),
            assignee_ids=assignees, **due,
        )  # fmt: skip
    await world.project()


SORTS = ["due_at", "rank", "created_at", "priority", "updated_at", "number"]


@pytest.mark.parametrize("sort", SORTS + [f"-{sort}" for sort in SORTS])
async def test_pages_joined_are_the_whole_list_in_order(world: World, sort: str) -> None:
    await many_tasks(world, 30)
    whole = await world.items(ListTasks(sort=sort, limit=200))  # type: ignore[arg-type]  # One of the sorts.
    assert len(whole) == 30
    assert await all_items(world, ListTasks(sort=sort, limit=7)) == whole  # type: ignore[arg-type]
    name = sort.removeprefix("-")
    priorities = {"none": 0, "low": 1, "urgent": 4}

    def key(item: dict[str, Any]) -> Any:
        if name == "due_at":
            return item["due_at"] or (f"{item['due_on']}T23:59:59.999999Z" if item["due_on"] else None)
        return priorities[item["priority"]] if name == "priority" else item[name]

    values = [key(item) for item in whole]
    present = [value for value in values if value is not None]
    assert present == sorted(present, reverse=name != sort)
    assert values == present + [None] * (len(values) - len(present))
    mine = ListTasks(sort=sort, limit=200, assignee_id=("me",))  # type: ignore[arg-type]
    assert await world.items(mine) == [item for item in whole if str(ME) in item["assignee_ids"]]
    assert await all_items(world, msgspec.structs.replace(mine, limit=3)) == await world.items(mine)


async def test_a_cursor_lives_on_while_things_come_and_go(world: World) -> None:
    await many_tasks(world, 20)
    query = ListTasks(sort="created_at", limit=6)
    first = msgspec.json.decode((await world.ask(query)).value.json)
    staying = [task for task in world.tasks if str(task) not in {item["id"] for item in first["items"]}]
    await world.happen(TaskTrashed, staying.pop(3))
    await world.happen(TaskTrashed, TaskId(UUID(first["items"][-1]["id"])))  # The very one the cursor stands on.
    await world.edit(staying[0], title="Renamed")
    late = await world.task("Late")
    await world.project()
    rest = await all_items(world, msgspec.structs.replace(query, cursor=first["next_cursor"]))
    assert [UUID(item["id"]) for item in rest] == [*staying, late]


@pytest.mark.parametrize(
    "change",
    [{"sort": "-created_at"}, {"status": ("open",)}, {"filter": "open"}, {"workspace_id": STRANGE}, {"q": "task"}],
)
async def test_a_cursor_of_another_question_is_refused(world: World, change: dict[str, Any]) -> None:
    await many_tasks(world, 5)
    await world.task("Strange", workspace=STRANGE)
    query = ListTasks(sort="created_at", limit=2)
    cursor = msgspec.json.decode((await world.ask(query)).value.json)["next_cursor"]
    larger = msgspec.structs.replace(query, cursor=cursor, limit=3)
    assert len(await world.items(larger)) == 3
    both = Call(
        asked_at=NOW,
        command_id=call().command_id,
        principal=msgspec.structs.replace(call().caller, roles={WORKSPACE: "viewer", STRANGE: "viewer"}),
    )
    with pytest.raises(Invalid) as refused:
        await world.read.ask(msgspec.structs.replace(query, cursor=cursor, **change), both)
    assert "belongs to another question" in refused.value.detail


# ── the other lists ─────────────────────────────────────────────────────────────────────────────────────


async def test_subtasks_are_the_tasks_directly_below_as_arranged(world: World) -> None:
    top = await world.task("Top")
    second = await world.task("Second", parent_id=top, rank="b")
    await world.task("First", parent_id=top, rank="B")
    await world.task("Deep", parent_id=second)
    gone = await world.task("Gone", parent_id=top)
    await world.happen(TaskTrashed, gone)
    await world.project()
    assert await world.titles(ListSubtasks(task_id=top)) == ["First", "Second"]
    assert await world.titles(ListSubtasks(task_id=top, trashed=True)) == ["Gone"]
    assert [[item["title"] for item in page] for page in await pages(world, ListSubtasks(task_id=top, limit=1))] == [
        ["First"],
        ["Second"],
    ]


async def test_comments_come_oldest_first_and_by_task(world: World) -> None:
    task, other = await world.task("One"), await world.task("Other")
    comment = world.new_id()
    await world.happen(TaskCommented, task, comment_id=comment, text="First")
    await world.happen(TaskCommented, task, comment_id=world.new_id(), text="Second")
    await world.happen(TaskCommented, other, comment_id=comment, text="The same id elsewhere")
    await world.project()
    assert [item["text"] for item in await world.items(ListComments(task_id=task))] == ["First", "Second"]
    assert [item["text"] for item in await world.items(ListComments(task_id=other))] == ["The same id elsewhere"]
    assert len(await pages(world, ListComments(task_id=task, limit=1))) == 2


async def test_projects_are_listed_by_rank_or_name_and_state(world: World) -> None:
    await world.project_named("beta", rank="a")
    archived = await world.project_named("Alpha", rank="b")
    gone = await world.project_named("Gone", rank="c")
    await world.append(ProjectArchived(project_id=archived, by=ME, at=world.tick()))
    await world.append(ProjectTrashed(project_id=gone, by=ME, at=world.tick()))
    await world.project()

    async def names(query: ListProjects) -> list[str]:
        return [item["name"] for item in await world.items(query)]

    assert await names(ListProjects()) == ["beta", "Alpha"]
    assert await names(ListProjects(sort="name")) == ["Alpha", "beta"]
    assert await names(ListProjects(sort="-name")) == ["beta", "Alpha"]
    assert await names(ListProjects(status=("active",))) == ["beta"]
    assert await names(ListProjects(status=("archived",))) == ["Alpha"]
    assert await names(ListProjects(status=("active", "archived"))) == ["beta", "Alpha"]
    assert await names(ListProjects(trashed=True)) == ["Gone"]


async def test_labels_are_listed_by_name_without_regard_to_case(world: World) -> None:
    for name in ("zeta", "Éclair", "apple", "Fig"):
        await world.label(name)
    await world.project()
    assert [item["name"] for item in await world.items(ListLabels())] == ["apple", "Éclair", "Fig", "zeta"]
    assert [len(page) for page in await pages(world, ListLabels(limit=3))] == [3, 1]


async def test_a_member_of_no_rank_at_all_sees_nothing(world: World) -> None:
    task = await world.task()
    await world.project()
    for query in (GetTask(task_id=task), ListSubtasks(task_id=task), ListComments(task_id=task), ListTasks()):
        with pytest.raises((NotFound, Forbidden)) as refused:
            await world.ask(query, role=None)
        assert type(refused.value) is NotFound


async def test_restored_tasks_are_listed_again(world: World) -> None:
    task = await world.task("Back")
    await world.happen(TaskTrashed, task)
    await world.happen(TaskRestored, task)
    await world.project()
    assert await world.titles(ListTasks()) == ["Back"]
