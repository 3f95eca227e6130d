"""From what a client sends to the command that is asked."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from sigdep.http.bodies import BodyReader
from sigdep.http.routes import Route
from sigdep.http.typed import TypedEndpoint
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import UNSET, Command
from sigdep.rpc.call import Answer, Call
from sigdep.tasks.commands.labels import CreateLabel, EditLabel, RestoreLabel, TrashLabel
from sigdep.tasks.commands.projects import (
    ArchiveProject,
    CreateProject,
    EditProject,
    MoveProject,
    RestoreProject,
    TrashProject,
    UnarchiveProject,
)
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    CreateTask,
    DeleteComment,
    EditComment,
    EditTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    SnoozeTask,
    TrashTask,
)
from sigdep.tasks.domain import fields
from sigdep.tasks.write_api.bodies import Batch, NewComment, NewTask, Where
from sigdep.tasks.write_api.labels import label_write_routes
from sigdep.tasks.write_api.projects import project_write_routes
from sigdep.tasks.write_api.tasks import task_write_routes
from tests.tasks.stories import ADA, BREAD, ERRAND, HOME, HOUSE, MILK, NOON, NOTE, TEAM
from tests.tasks.write_side import World


class Listener:
    """A service that only hears what it is asked."""

    def __init__(self) -> None:
        self.asked: Any = None
        self.call: Any = None

    async def ask(self, message: Command, call: Call) -> Answer[Any]:
        self.asked, self.call = message, call
        return Answer(value=None)


def routes(service: Any) -> Sequence[Route]:
    return (*task_write_routes(service), *project_write_routes(service), *label_write_routes(service))


IDS = {"task_id": MILK, "project_id": HOUSE, "label_id": ERRAND, "comment_id": NOTE}


async def asked(method: str, path: str, body: object = None, query: Where | None = None) -> Any:
    """The command that a request leads to."""
    listener = Listener()
    route = next(one for one in routes(listener) if (one.method, one.path) == (method, path))
    endpoint = TypedEndpoint(route, fingerprint_key=b"")
    arguments: dict[str, Any] = {name: IDS[name] for name in endpoint.signature.path_types}
    assert endpoint.body is not None
    read = endpoint.body.read(msgspec.json.encode(body or {}), {b"content-type": b"application/json"})
    if endpoint.signature.body is not None:
        arguments["body"] = read
    if endpoint.signature.query is not None:
        arguments["query"] = query or Where()
    await route.handle(World().call(), **arguments)
    return listener.asked


TASK, PROJECT, LABEL = "/api/tasks/{task_id}", "/api/projects/{project_id}", "/api/labels/{label_id}"


@pytest.mark.parametrize(
    "method, path, body, kind",
    [
        ("POST", "/api/tasks", {"title": "x"}, CreateTask),
        ("PATCH", TASK, {}, EditTask),
        ("DELETE", TASK, None, TrashTask),
        ("POST", f"{TASK}/restore", None, RestoreTask),
        ("POST", f"{TASK}/complete", None, CompleteTask),
        ("POST", f"{TASK}/skip", None, SkipTask),
        ("POST", f"{TASK}/reopen", None, ReopenTask),
        ("POST", f"{TASK}/move", {}, MoveTask),
        ("POST", f"{TASK}/snooze", {"until": "2026-11-23T09:00:00Z"}, SnoozeTask),
        ("POST", f"{TASK}/comments", {"text": "x"}, CommentOnTask),
        ("PATCH", f"{TASK}/comments/{{comment_id}}", {"text": "x"}, EditComment),
        ("DELETE", f"{TASK}/comments/{{comment_id}}", None, DeleteComment),
        ("POST", "/api/batch", {"operations": []}, ChangeTasks),
        ("POST", "/api/projects", {"name": "x"}, CreateProject),
        ("PATCH", PROJECT, {}, EditProject),
        ("DELETE", PROJECT, None, TrashProject),
        ("POST", f"{PROJECT}/restore", None, RestoreProject),
        ("POST", f"{PROJECT}/archive", None, ArchiveProject),
        ("POST", f"{PROJECT}/unarchive", None, UnarchiveProject),
        ("POST", f"{PROJECT}/move", {}, MoveProject),
        ("POST", "/api/labels", {"name": "x"}, CreateLabel),
        ("PATCH", LABEL, {}, EditLabel),
        ("DELETE", LABEL, None, TrashLabel),
        ("POST", f"{LABEL}/restore", None, RestoreLabel),
    ],
)
async def test_every_route_asks_its_command_about_the_thing_in_its_path(
    method: str, path: str, body: Any, kind: type[Any]
) -> None:
    command = await asked(method, path, body)
    assert type(command) is kind
    assert (command.by, command.at > NOON) == (ADA, True)
    for name, identity in IDS.items():
        if f"{{{name}}}" in path:
            assert getattr(command, name) == identity


async def test_a_new_task_may_say_null_for_everything_but_its_title() -> None:
    names = [name for name in CreateTask.__struct_fields__ if name not in ("by", "at", "title", "task_id")]
    plain = await asked("POST", "/api/tasks", {"title": "x"})
    said = await asked("POST", "/api/tasks", {"title": "x", "id": None, **dict.fromkeys(names)})
    assert msgspec.structs.replace(said, at=plain.at) == plain


async def test_every_field_of_a_new_task_arrives() -> None:
    body = {
        "id": str(MILK),
        "title": "Buy milk",
        "workspace_id": str(TEAM),
        "project_id": str(HOUSE),
        "parent_id": str(BREAD),
        "description": "Two",
        "status": "in_progress",
        "priority": "high",
        "labels": ["errand"],
        "assignee_ids": [str(ADA)],
        "scheduled_at": "2026-11-23T09:00:00+01:00",
        "due_at": "2026-11-24T09:00:00Z",
        "due_on": "2026-11-24",
        "estimate": "PT5M",
        "blocked_by": [str(BREAD)],
        "custom": {"a": 1},
        "recurrence": {"rule": "FREQ=DAILY", "anchor": "completion"},
        "time_zone": "Europe/Berlin",
        "reminders": [{"at": "2026-11-24T08:00:00Z"}, {"before": "PT10M"}],
        "rank": "W",
        "before_id": str(BREAD),
        "after_id": str(BREAD),
    }
    command = await asked("POST", "/api/tasks", body)
    arrived = msgspec.to_builtins(command)
    assert arrived["task_id"] == body["id"]
    for name in set(body) - {"id", "scheduled_at"}:
        assert arrived[name] == body[name] or tuple(arrived[name]) == tuple(body[name]), name
    assert command.scheduled_at.utcoffset().total_seconds() == 3600
    assert set(CreateTask.__struct_fields__) - {"by", "at", "task_id"} == set(body) - {"id"}


async def test_an_edit_says_only_what_was_sent_and_null_clears() -> None:
    command = await asked("PATCH", TASK, {"title": "x"})
    unset = [name for name in EditTask.__struct_fields__ if getattr(command, name) is UNSET]
    assert set(unset) == set(EditTask.__struct_fields__) - {"by", "at", "task_id", "title"}
    clearing = {
        "description": None,
        "priority": "none",
        "labels": (),
        "assignee_ids": (),
        "scheduled_at": None,
        "due_at": None,
        "due_on": None,
        "estimate": None,
        "blocked_by": (),
        "custom": None,
        "recurrence": None,
        "time_zone": None,
        "reminders": (),
        "project_id": None,
        "parent_id": None,
    }
    command = await asked("PATCH", TASK, dict.fromkeys(clearing))
    assert {name: getattr(command, name) for name in clearing} == clearing


@pytest.mark.parametrize("field", ["title", "status", "rank"])
async def test_what_cannot_be_cleared_is_refused(field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await asked("PATCH", TASK, {field: None})
    assert [fault.pointer for fault in refusal.value.faults] == [f"/{field}"]


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"title": "x", "titel": "y"}, "/titel"),
        ({"title": 1}, "/title"),
        ({"title": "x", "id": "1"}, "/id"),
        ({"title": "x", "due_at": "2026-11-22T09:00:00"}, "/due_at"),
        ({"title": "x", "version": 1}, "/version"),
        ({"title": "x", "recurrence": {"rule": "FREQ=DAILY", "anker": "schedule"}}, "/recurrence/anker"),
        ({"title": "x", "recurrence": {"rule": "FREQ=DAILY", "anchor": "moon"}}, "/recurrence/anchor"),
        ({"title": "x", "recurrence": {}}, "/recurrence/rule"),
        ({"title": "x", "reminders": [{"before": "PT5M"}, {"at": "2026-11-24T08:00:00"}]}, "/reminders/1/at"),
    ],
)
async def test_unknown_fields_and_wrong_types_are_refused_by_name(body: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await asked("POST", "/api/tasks", body)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


async def test_the_query_may_name_the_workspace_and_not_another_one() -> None:
    for path, name in (("/api/tasks", "title"), ("/api/projects", "name"), ("/api/labels", "name")):
        assert (await asked("POST", path, {name: "x"}, Where(workspace_id=TEAM))).workspace_id == TEAM
        assert (await asked("POST", path, {name: "x", "workspace_id": str(TEAM)})).workspace_id == TEAM
        with pytest.raises(Invalid):
            await asked("POST", path, {name: "x", "workspace_id": str(TEAM)}, Where(workspace_id=HOME))


async def test_operations_become_the_commands_of_their_routes() -> None:
    on_milk = {"id": str(MILK)}
    operations = [
        {"method": "create", "title": "x", **on_milk},
        {"method": "update", "title": "y", "due_at": None, **on_milk},
        {"method": "complete", **on_milk},
        {"method": "skip", **on_milk},
        {"method": "reopen", **on_milk},
        {"method": "move", "parent_id": str(BREAD), **on_milk},
        {"method": "delete", **on_milk},
        {"method": "restore", **on_milk},
        {"method": "comment", "text": "z", "comment_id": str(NOTE), **on_milk},
    ]
    command = await asked("POST", "/api/batch", {"operations": operations, "workspace_id": str(TEAM)})
    by: dict[str, Any] = {"by": ADA, "at": command.at, "task_id": MILK}
    assert command.workspace_id == TEAM
    assert command.commands == (
        CreateTask(title="x", **by),
        EditTask(title="y", due_at=None, **by),
        CompleteTask(**by),
        SkipTask(**by),
        ReopenTask(**by),
        MoveTask(parent_id=BREAD, **by),
        TrashTask(**by),
        RestoreTask(**by),
        CommentOnTask(text="z", comment_id=NOTE, **by),
    )


@pytest.mark.parametrize(
    "operation",
    [{"method": "PATCH"}, {}, {"method": "complete"}, {"method": "complete", "id": str(MILK), "title": "x"}],
)
async def test_an_operation_that_makes_no_sense_is_refused(operation: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        await asked("POST", "/api/batch", {"operations": [operation]})
    assert refusal.value.faults[0].pointer.startswith("/operations/0")


async def test_a_dry_run_of_one_operation_is_one_of_all() -> None:
    listener = Listener()
    route = next(one for one in routes(listener) if one.path == "/api/batch")
    reader = BodyReader(Batch)
    body = {"operations": [{"method": "complete", "id": str(UUID(int=7)), "dry_run": True}]}
    read = reader.read(msgspec.json.encode(body), {b"content-type": b"application/json"})
    await route.handle(World().call(), body=read, query=Where())
    assert listener.call.dry_run


@pytest.mark.parametrize(
    "text",
    [
        "x",
        " x ",
        "",
        " ",
        "\u3000",
        "a\nb",
        "a\x00",
        "a\x7f",
        "a\x85b",
        "a\u2028b",
        "é",
        "買い物",
        "x" * 500,
        "x" * 501,
    ],
)
def test_the_document_says_of_a_title_and_a_comment_what_the_domain_says(text: str) -> None:
    for kind, decide, length_max in ((NewTask, fields.title, 500), (NewComment, fields.comment, 16_384)):
        name = "title" if kind is NewTask else "text"
        described = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"][name]
        allowed = len(text) <= described["maxLength"] and re.search(described["pattern"], text) is not None
        assert described["maxLength"] == length_max
        try:
            decide(text)
        except Invalid:
            assert not allowed, "The document allows what is refused."
        else:
            assert allowed, "The document forbids what is fine."
