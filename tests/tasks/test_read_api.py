"""The GET routes, through the gateway."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.contracts.ids import CommentId, WorkspaceId
from sigdep.gateway.application import create_application
from sigdep.http.positions import encode_position
from sigdep.kernel.ids import Partition
from sigdep.rpc.call import Principal, WorkspacePosition
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.tasks import TaskCommented, TaskTrashed
from sigdep.tasks.queries import ListTasks
from sigdep.tasks.read_api import routes
from sigdep.tasks.read_api.parameters import TaskListParameters
from tests.http.demo import SETTINGS, client_of
from tests.tasks.filters import ME, OTHER, WORKSPACE
from tests.tasks.read_world import World

PARTITION = Partition(WORKSPACE.int & 63)


class Somebody:
    """Every token is mine."""

    async def principal(self, bearer: str, *, fresh: bool = False) -> Principal:
        return Principal(
            user_id=ME, personal_workspace_id=WORKSPACE, roles={WORKSPACE: "viewer"}, time_zone="Pacific/Auckland"
        )


@pytest.fixture
async def world() -> World:
    return await World(MemoryReadStore()).start()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    application = create_application(routes(world.read), identities=Somebody(), settings=SETTINGS)
    async with client_of(application) as client:
        yield client


async def titles(client: httpx.AsyncClient, parameters: str) -> list[str]:
    answer = await client.get(f"/api/tasks?{parameters}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_a_task_is_got_by_id_and_by_number_with_its_etag_and_position(
    client: httpx.AsyncClient, world: World
) -> None:
    task = await world.task("Title", due_on=date(2026, 12, 1))
    await world.project()
    for path in (f"/api/tasks/{task}", f"/api/task/{task}", "/api/tasks/T-1", "/api/tasks/t-1"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert msgspec.json.decode(answer.content, type=Task) == world.tasks[task]
        assert answer.headers["etag"] == '"1"'
        assert answer.headers["sigdep-position"] == encode_position(WorkspacePosition("tasks", PARTITION, 1))  # type: ignore[arg-type]
    for path in ("/api/tasks/T-2", "/api/tasks/T-", "/api/tasks/nonsense", "/api/tasks/T-1?workspace_id=" + str(OTHER)):
        assert (await client.get(path)).status_code == 404


async def test_every_parameter_of_a_list_reaches_its_question(client: httpx.AsyncClient, world: World) -> None:
    label = await world.label("work")
    await world.task("One", labels=(label,), assignee_ids=(ME,), due_on=date(2026, 12, 1), priority="high")
    await world.task("Two")
    gone = await world.task("Gone")
    await world.happen(TaskTrashed, gone)
    await world.project()
    for parameters, expected in {
        "": ["One", "Two"],
        "status=open,done&priority=high,urgent": ["One"],
        "label=work": ["One"],
        "label=work,none": ["One", "Two"],
        "assignee_id=me": ["One"],
        "assignee_id=none": ["Two"],
        f"assignee_id={OTHER}": [],
        "due_before=2026-12-02": ["One"],
        "due_before=2026-12-01T10:59:59.999Z": [],
        "due_before=2026-12-01T11:00:00Z": ["One"],
        "due_before=2026-12-01T11:00:00Z&time_zone=UTC": [],
        "due_after=2026-11-30&q=on": ["One"],
        "trashed=true": ["Gone"],
        "open=false": [],
        "blocked=false&sort=-number": ["Two", "One"],
        "filter=label%3Awork%20or%20T-2&sort=number": ["One", "Two"],
        "archived=true&sort=-created_at&limit=1": ["Two"],
    }.items():
        assert await titles(client, parameters) == expected, parameters


def test_the_parameters_are_those_of_the_query() -> None:
    assert set(TaskListParameters.__struct_fields__) == set(ListTasks.__struct_fields__)


async def test_pages_are_joined_by_their_cursors(client: httpx.AsyncClient, world: World) -> None:
    for number in range(5):
        await world.task(f"Task {number}")
    await world.project()
    found, cursor = [], ""
    for _ in range(3):
        page = (await client.get(f"/api/tasks?sort=created_at&limit=2{cursor}")).json()
        found += [item["title"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [f"Task {number}" for number in range(5)]
    assert cursor == "&cursor=None"


@pytest.mark.parametrize(
    "path, pointer",
    [
        ("/api/tasks?filter=due%20%3C", "filter"),
        ("/api/tasks?filter=" + "(" * 21 + "open" + ")" * 21, "filter"),
        ("/api/tasks?cursor=nonsense", "cursor"),
        ("/api/tasks?limit=0", "limit"),
        ("/api/tasks?limit=201", "limit"),
        ("/api/tasks?status=opne", "status"),
        ("/api/tasks?sort=title", "sort"),
        ("/api/tasks?due_before=whenever", "due_before"),
        ("/api/tasks?time_zone=Mars", "time_zone"),
        ("/api/tasks?at=yesterday", "at"),
        ("/api/tasks?at=2026-11-22T09:30:00", "at"),
        ("/api/tasks?at=0001-01-01T00:00:00%2B23:00", "at"),
        ("/api/tasks?q=%00", "q"),
        ("/api/tasks?filter=%22%1b%22", "filter"),
        ("/api/tasks?titel=x", "titel"),
        ("/api/projects?at=d.u.m.m", "at"),
        ("/api/tasks/00000000-0000-0000-0000-000000000001/history?order=sideways", "order"),
    ],
)
async def test_a_fault_is_named_by_its_parameter(client: httpx.AsyncClient, path: str, pointer: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_the_past_is_asked_for_by_the_position_that_an_answer_gave(
    client: httpx.AsyncClient, world: World
) -> None:
    task = await world.task("Before")
    await world.project()
    then = (await client.get(f"/api/tasks/{task}")).headers["sigdep-position"]
    await world.edit(task, title="After")
    await world.project()
    assert (await client.get(f"/api/tasks/{task}?at={then}")).json()["title"] == "Before"
    assert await titles(client, f"at={then}") == ["Before"]
    assert await titles(client, "at=2999-01-01T00:00:00Z") == ["After"]
    assert await titles(client, "at=2000-01-01T00:00:00Z") == []
    assert (await client.get(f"/api/tasks/{task}?at=2000-01-01T00:00:00Z")).status_code == 404


async def test_a_history_shows_fields_before_and_after_and_leads_to_the_state(
    client: httpx.AsyncClient, world: World
) -> None:
    task = await world.task("Before")
    await world.edit(task, title="After")
    page = (await client.get(f"/api/tasks/{task}/history?limit=1")).json()
    (newest,) = page["items"]
    assert newest["changes"] == [{"field": "title", "before": "Before", "after": "After"}]
    assert (newest["event"], newest["version"], newest["by"], newest["client"]) == ("TaskEdited", 2, str(ME), "session")
    (oldest,) = (await client.get(f"/api/tasks/{task}/history?limit=1&cursor={page['next_cursor']}")).json()["items"]
    assert (await client.get(f"/api/tasks/{task}?at={oldest['position']}")).json()["title"] == "Before"
    first = (await client.get(f"/api/tasks/{task}/history?order=oldest")).json()["items"][0]
    assert first == oldest


async def test_the_rest_is_there_too(client: httpx.AsyncClient, world: World) -> None:
    project, label, task = await world.project_named("P"), await world.label("L"), await world.task("Top")
    below = await world.task("Below", parent_id=task)
    await world.happen(TaskCommented, task, comment_id=CommentId(world.new_id()), text="Hm")
    await world.project()
    shown: dict[str, Any] = {}
    for path in ("projects", f"projects/{project}", f"projects/{project}/history", "labels", f"labels/{label}",
                 f"labels/{label}/history", f"tasks/{task}/subtasks", f"tasks/{task}/comments"):  # fmt: skip
        answer = await client.get(f"/api/{path}")
        assert answer.status_code == 200, path
        assert "sigdep-position" in answer.headers
        shown[path] = answer.json()
    assert shown[f"projects/{project}"] == shown["projects"]["items"][0]
    assert shown[f"labels/{label}"] == shown["labels"]["items"][0]
    assert shown[f"tasks/{task}/subtasks"]["items"][0]["id"] == str(below)
    assert shown[f"tasks/{task}/comments"]["items"][0]["text"] == "Hm"
    assert shown[f"labels/{label}/history"]["items"][0]["event"] == "LabelCreated"


async def test_a_workspace_of_others_is_404(client: httpx.AsyncClient, world: World) -> None:
    strange = WorkspaceId(OTHER)
    task = await world.task("Strange", workspace=strange)
    await world.project()
    for path in (f"tasks?workspace_id={strange}", f"tasks/{task}", f"tasks/{task}/history", f"tasks/{task}/comments"):
        assert (await client.get(f"/api/{path}")).status_code == 404
