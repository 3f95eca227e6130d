"""What is told unasked has the shapes that `/asyncapi.json` says it has, whatever tells it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from tests.system.feed import read_events
from tests.system.person import JSON, Person
from tests.system.test_live import SECONDS_MAX, live, subscribe

SPECIFICATION: Final = Path(__file__).with_name("asyncapi-3.0.0.schema.json")
"""Of AsyncAPI, by its authors (Apache-2.0), without its descriptions."""


@pytest.fixture
async def document(ada: Person) -> Any:
    answer = await ada.client.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_it_is_valid_asyncapi_3_0(document: Any) -> None:
    specification = json.loads(SPECIFICATION.read_bytes())
    assert list(jsonschema.Draft7Validator(specification).iter_errors(document)) == []
    references = set(_references(document))
    assert len(references) > 50
    for reference in references:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


async def test_every_event_of_a_busy_hour_has_its_shape(ada: Person, bob: Person, document: Any) -> None:
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "member")
    await a_busy_hour(ada, workspace)
    events = [item["event"] for item in await what_bob_was_told(ada, bob, workspace)]
    await ada.write("DELETE", f"/api/workspaces/{workspace}/members/{bob.id}")
    events += [item["event"] for item in await read_events(ada, workspace)]
    kinds = {event["type"] for event in events}
    assert {
        "sigdep.calendar.SeriesResumed",
        "sigdep.calendar.InvitationAnswered",
        "sigdep.calendar.CalendarEdited",
    } <= kinds
    assert {"sigdep.tasks.TaskCreated", "sigdep.tasks.TaskCommented", "sigdep.users.MemberRemoved"} <= kinds
    told = ("Posted", "MarkedRead", "MarkedUnread", "Snoozed", "MarkedDone")
    assert {f"sigdep.notifications.Notification{what}" for what in told} <= kinds
    for event in events:
        check(document, f"#/components/schemas/{event['type']}", event)
        with pytest.raises(jsonschema.ValidationError):
            check(document, f"#/components/schemas/{event['type']}", event | {"data": {"id": 1}})


async def test_every_message_of_a_connection_has_its_shape(ada: Person, document: Any) -> None:
    workspace = await ada.open_workspace()
    heard: dict[str, Any] = {}
    async with live(ada) as client:
        await client.send(json.dumps({"subscribe": {"workspace_id": workspace, "presence": True}}))
        await client.send("nonsense")
        await subscribe(client, ada.id)  # Which is no workspace.
        await ada.add_task("Buy milk", workspace_id=workspace)
        async with asyncio.timeout(SECONDS_MAX):
            while not {"subscribed", "present", "event", "error", "unsubscribed"} <= heard.keys():
                message = json.loads(await client.recv())
                kind = next(name for name in message if name != "position")
                heard[kind] = message
    for kind, message in heard.items():
        check(document, f"#/components/messages/{kind}/payload", message)
        with pytest.raises(jsonschema.ValidationError):
            check(document, f"#/components/messages/{kind}/payload", message | {"else": 1})


async def a_busy_hour(person: Person, workspace: str) -> None:
    async def write(path: str, body: object = None, method: str = "POST") -> Any:
        return await person.write(method, path, body)

    project = await write("/api/projects", {"name": "House", "workspace_id": workspace})
    label = await write("/api/labels", {"name": "errand", "workspace_id": workspace})
    task = await person.add_task("Paint the door", project_id=project["id"], labels=[label["id"]])
    below = await person.add_task("Buy paint", parent_id=task["id"], due_on="2026-12-24", custom={"shade": "blue"})
    await person.edit_task(below["id"], due_on=None, priority="high", custom={"shade": None})
    await write(f"/api/tasks/{task['id']}/comments", {"text": "Blue, I think"})
    await write(f"/api/tasks/{below['id']}/snooze", {"until": "2027-01-01T09:00:00Z"})
    for verb in ("complete", "reopen"):
        await write(f"/api/tasks/{task['id']}/{verb}")
    for thing in (f"/api/tasks/{task['id']}", f"/api/labels/{label['id']}", f"/api/projects/{project['id']}"):
        await write(thing, method="DELETE")
        await write(f"{thing}/restore")
    await write(f"/api/projects/{project['id']}/archive")
    await a_busy_week(person, workspace)


async def a_busy_week(person: Person, workspace: str) -> None:
    async def write(path: str, body: object = None, method: str = "POST") -> Any:
        return await person.write(method, path, body)

    fields = {"title": "Stand-up", "start": "2026-12-01T09:00", "end": "2026-12-01T09:15", "workspace_id": workspace}
    event = await write("/api/events", {**fields, "recurrence": {"rules": ["FREQ=DAILY"]}})
    path, calendar = f"/api/events/{event['id']}", f"/api/calendars/{event['calendar_id']}"
    await write(path, {"reminders": [{"before": "PT10M"}], "attendees": [{"user_id": person.id}]}, "PATCH")
    await write(f"{path}?occurrence=2026-12-02T09:00:00", {"title": "Retro", "location": None}, "PATCH")
    await write(f"{path}?occurrence=2026-12-03T09:00:00", method="DELETE")
    await write(f"{path}/restore?occurrence=2026-12-03T09:00:00")
    await write(f"{path}/answer", {"answer": "declined", "occurrence": "2026-12-04T09:00:00"})
    await write(f"{path}?scope=following&occurrence=2026-12-05T09:00:00", {"title": "Later"}, "PATCH")
    await write(f"{path}/undo")
    await write(path, method="DELETE")
    await write(f"{path}/restore")
    await write(calendar, {"color": "#1e90ff"}, "PATCH")
    for step in ("archive", "unarchive"):
        await write(f"{calendar}/{step}")
    await write(calendar, method="DELETE")
    await write(f"{calendar}/restore")


async def what_bob_was_told(ada: Person, bob: Person, workspace: str) -> list[JSON]:
    """Of something that he does everything with that can be done."""
    await ada.add_task("Buy brushes", workspace_id=workspace, assignee_ids=[bob.id])
    async with asyncio.timeout(SECONDS_MAX):
        while not (items := await bob.items("/api/notifications", after="")):
            await asyncio.sleep(0.05)
    one = f"/api/notifications/{items[0]['id']}"
    for verb, body in (("read", {}), ("unread", {}), ("snooze", {"until": "2037-01-01T09:00:00Z"}), ("done", {})):
        await bob.write("POST", f"{one}/{verb}", body)
    return await read_events(bob, workspace)


def check(document: Any, reference: str, value: Any) -> None:
    """
    Raises:
        ValidationError: the value has not the shape that the reference leads to.
    """
    validator = jsonschema.Draft202012Validator({**document, "$ref": reference})
    validator.validate(value)


def _references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(document, list):
        for value in document:
            yield from _references(value)
