"""The inbox of a real server: what others do with tasks arrives once, at its person alone, and also after kill -9."""

import asyncio
import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from websockets.asyncio.client import ClientConnection

from sigdep.testing.running_server import running_server
from tests.notifications.test_devices import GENERATOR
from tests.system.conftest import SignUp
from tests.system.feed import read_events
from tests.system.person import JSON, Person, problem, signed_up
from tests.system.test_live import hear, live, subscribe

SECONDS_MAX: Final = 60.0
LOOK_AGAIN_SECONDS: Final = 0.05
SILENT_SECONDS: Final = 1.0


async def inbox(person: Person, count: int, **parameters: object) -> list[JSON]:
    """The list, once there are as many as that."""
    async with asyncio.timeout(SECONDS_MAX):
        while len(items := await person.items("/api/notifications", after="", **parameters)) < count:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return items


@pytest.fixture
async def team(ada: Person, bob: Person) -> str:
    """Ada's workspace, of which Bob is a member."""
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "member")
    return workspace


@pytest.mark.every_broker
async def test_who_is_assigned_is_told_once_and_nobody_else_is(ada: Person, bob: Person, team: str) -> None:
    task = await ada.add_task("Buy milk", workspace_id=team, assignee_ids=[ada.id, bob.id])
    (told,) = await inbox(bob, 1)
    assert (told["kind"], told["title"], told["state"]) == ("task.assigned", "Buy milk", "unread")
    assert (told["by"], told["workspace_id"]) == (ada.id, team)
    assert told["thing"] == {"kind": "task", "id": task["id"], "occurrence": None}
    problem(await ada.client.get(f"/api/notifications/{told['id']}"), 404)
    problem(await ada.client.post(f"/api/notifications/{told['id']}/read"), 404)
    await ada.edit_task(task["id"], title="Buy oat milk")
    await ada.edit_task(task["id"], assignee_ids=[bob.id, ada.id], due_on="2030-01-15")
    await ada.write("POST", f"/api/tasks/{task['id']}/comments", {"text": "Soon, please."})
    both = [(one["kind"], one["title"]) for one in await inbox(bob, 2)]
    assert both == [("task.commented", "Buy oat milk"), ("task.assigned", "Buy milk")]
    assert await inbox(ada, 0) == []


async def test_a_comment_tells_whom_it_mentions_by_id_or_address(
    ada: Person, bob: Person, team: str, sign_up: SignUp
) -> None:
    carol, eve = await sign_up("Carol"), await sign_up("Eve")
    await ada.invite(carol, team, "viewer")
    task = await ada.add_task("Buy milk", workspace_id=team)
    text = f"Ask @{bob.email.upper()} or @{carol.id}, not @{eve.id}, @{eve.email}."
    await ada.write("POST", f"/api/tasks/{task['id']}/comments", {"text": text})
    for person in (bob, carol):
        (told,) = await inbox(person, 1)
        assert (told["kind"], told["title"], told["body"]) == ("task.mentioned", "Buy milk", text)
    await bob.write("POST", f"/api/tasks/{task['id']}/comments", {"text": "Done."})
    assert [one["kind"] for one in await inbox(ada, 1)] == ["task.commented"]
    assert await inbox(eve, 0) == []


@pytest.mark.every_broker
async def test_who_set_no_reminder_is_told_that_a_task_is_due_soon_when_they_want_to_be(
    ada: Person, bob: Person, team: str
) -> None:
    await bob.write("PATCH", "/api/notification-preferences", {"due_soon": "PT30M"})
    due = datetime.now(UTC) + timedelta(minutes=30, seconds=3)
    task = await ada.add_task("Buy milk", workspace_id=team, assignee_ids=[bob.id], due_at=due.isoformat())
    told, _assigned = await inbox(bob, 2)
    assert (told["kind"], told["title"], told["thing"]["id"]) == ("task.due_soon", "Buy milk", task["id"])
    (reminder,) = await bob.items("/api/reminders", after="", thing_id=task["id"])
    assert (reminder["reminder"], reminder["state"], reminder["notification_id"]) == ("due", "fired", told["id"])

    later = datetime.now(UTC) + timedelta(minutes=40)
    other = await ada.add_task("Buy bread", workspace_id=team, assignee_ids=[bob.id], due_at=later.isoformat())
    await inbox(bob, 3)
    async with asyncio.timeout(SECONDS_MAX):
        while not await bob.items("/api/reminders", after="", thing_id=other["id"]):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    lead = f"PT{int((later - datetime.now(UTC)).total_seconds()) - 4}S"
    await bob.write("PATCH", "/api/notification-preferences", {"due_soon": lead})
    told = (await inbox(bob, 4))[0]
    assert (told["kind"], told["title"], told["thing"]["id"]) == ("task.due_soon", "Buy bread", other["id"])
    (moved,) = await bob.items("/api/reminders", after="", thing_id=other["id"])
    steps = (await bob.read(f"/api/reminders/{moved['id']}", after=""))["steps"]
    assert [(one["what"], one["because"]) for one in steps[:2]] == [
        ("scheduled", "sigdep.tasks.TaskCreated"), ("rescheduled", "preferences")
    ]  # fmt: skip
    assert await inbox(ada, 0) == []
    refused = await bob.client.patch("/api/notification-preferences", json={"due_soon": "P8D"})
    assert [one["pointer"] for one in problem(refused, 422)["errors"]] == ["/due_soon"]


async def test_attendees_hear_of_events_and_of_what_becomes_of_them(ada: Person, bob: Person, team: str) -> None:
    calendar = await ada.write("POST", "/api/calendars", {"name": "Team", "workspace_id": team})
    event = {
        "calendar_id": calendar["id"],
        "title": "Plan",
        "start": "2036-12-01T09:00:00",
        "end": "2036-12-01T10:00:00",
        "time_zone": "Europe/Berlin",
        "attendees": [{"user_id": ada.id}, {"user_id": bob.id}],
    }
    made = await ada.write("POST", "/api/events", event)
    one = f"/api/events/{made['id']}"
    await ada.write("PATCH", one, {"title": "The plan"})
    await ada.write("PATCH", one, {"location": "Here"})
    await ada.write("DELETE", one)
    told = [(item["kind"], item["title"]) for item in await inbox(bob, 3)]
    assert told == [("event.cancelled", "The plan"), ("event.changed", "The plan"), ("event.invited", "Plan")]
    assert await inbox(ada, 0) == []


async def test_a_notification_goes_from_unread_to_done(ada: Person, bob: Person, team: str) -> None:
    for title in ("One", "Two", "Three"):
        await ada.add_task(title, workspace_id=team, assignee_ids=[bob.id])
    three, two, one = await inbox(bob, 3)
    for verb, told, state in (("read", one, "read"), ("done", two, "done")):
        changed = await bob.write("POST", f"/api/notifications/{told['id']}/{verb}")
        assert (changed["state"], changed["version"]) == (state, 2)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    snoozed = await bob.write("POST", f"/api/notifications/{three['id']}/snooze", {"until": soon.isoformat()})
    assert snoozed["state"] == "snoozed"
    assert [item["title"] for item in await bob.items("/api/notifications")] == ["One"]
    counts = await bob.read("/api/notifications/counts")
    assert (counts["unread"], counts["snoozed"], counts["at_least"]) == (0, 1, False)
    problem(await bob.client.post(f"/api/notifications/{two['id']}/read"), 409)
    (returned,) = await inbox(bob, 1, state="unread")
    assert (returned["id"], returned["snoozed_until"]) == (three["id"], None)
    assert datetime.now(UTC) >= soon
    await bob.write("POST", f"/api/notifications/{two['id']}/unread")
    assert (await bob.read("/api/notifications/counts"))["unread_by_kind"] == {"task.assigned": 2}
    await bob.write("POST", "/api/notifications/read-all")
    assert [item["state"] for item in await inbox(bob, 3, state="read")] == ["read"] * 3


@pytest.mark.every_broker
async def test_the_inbox_is_live_for_its_person_and_for_nobody_else(ada: Person, bob: Person, team: str) -> None:
    async with live(bob) as his, live(ada) as hers:
        for client in (his, hers):
            await subscribe(client, team, "latest")
            await hear(client, "subscribed")
        await ada.add_task("Buy milk", workspace_id=team, assignee_ids=[bob.id])
        heard = [(await hear(his, "event"))["event"] for _ in range(2)]
        assert sorted(event["type"] for event in heard) == [
            "sigdep.notifications.NotificationPosted",
            "sigdep.tasks.TaskCreated",
        ]
        await bob.write("POST", f"/api/notifications/{(await inbox(bob, 1))[0]['id']}/read")
        assert (await hear(his, "event"))["event"]["type"] == "sigdep.notifications.NotificationMarkedRead"
        assert (await hear(hers, "event"))["event"]["type"] == "sigdep.tasks.TaskCreated"
        await _hears_nothing_more(hers)
    async with live(ada) as again:  # From the beginning, past the room where all others stand.
        await subscribe(again, team)
        for _ in await read_events(ada, team):
            await hear(again, "event")
        await _hears_nothing_more(again)
    ours = "sigdep.notifications."
    assert not [item for item in await read_events(ada, team) if item["event"]["type"].startswith(ours)]
    assert len([item for item in await read_events(bob, team) if item["event"]["type"].startswith(ours)]) == 2


async def test_who_has_left_sees_nothing_any_more_and_nothing_of_it_comes_back(
    ada: Person, bob: Person, team: str
) -> None:
    await ada.add_task("A secret", workspace_id=team, assignee_ids=[bob.id])
    (told,) = await inbox(bob, 1)
    await ada.write("DELETE", f"/api/workspaces/{team}/members/{bob.id}")
    async with asyncio.timeout(SECONDS_MAX):
        while await bob.items("/api/notifications", after=""):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        while (await bob.client.get(f"/api/notifications/{told['id']}")).status_code != 404:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    await ada.invite(bob, team, "member")
    await ada.add_task("A new beginning", workspace_id=team, assignee_ids=[bob.id])
    assert [item["title"] for item in await inbox(bob, 1)] == ["A new beginning"]


async def test_preferences_and_devices_belong_to_their_person(ada: Person, bob: Person) -> None:
    before = await ada.read("/api/notification-preferences")
    assert before["channels"]["task.assigned"] == {"email": False, "fcm": True, "web_push": True}
    edits = {
        "channels": {"task.assigned": {"email": True}},
        "time_zone": "Europe/Berlin",
        "quiet_hours": {"start": "22:00", "end": "07:00"},
        "digest_at": "07:30",
    }
    changed = await ada.write("PATCH", "/api/notification-preferences", edits)
    assert changed["channels"]["task.assigned"] == {"email": True, "fcm": True, "web_push": True}
    assert changed["quiet_hours"] == {"start": "22:00", "end": "07:00", "urgent_passes": False}
    assert await ada.read("/api/notification-preferences") == changed
    answer = await ada.client.patch("/api/notification-preferences", json={"digest_at": "24:00"})
    assert problem(answer, 422)["errors"][0]["pointer"] == "/digest_at"

    keys = {"p256dh": _base64(GENERATOR), "auth": _base64(b"y" * 16)}
    for name, octets in {"p256dh": b"\x04" + b"x" * 64, "auth": b"y" * 15}.items():
        wrong = {"endpoint": "https://push.example.org/1", "keys": keys | {name: _base64(octets)}}
        answer = await ada.client.post("/api/devices", json={"channel": "web_push", "subscription": wrong})
        assert problem(answer, 422)["errors"][0]["pointer"] == f"/subscription/keys/{name}"
    subscription = {"endpoint": "https://push.example.org/1", "keys": keys, "expirationTime": None}
    wish = {"channel": "web_push", "subscription": subscription, "name": "Firefox"}
    device = await ada.write("POST", "/api/devices", wish)
    assert await ada.write("POST", "/api/devices", wish) == device
    assert (await ada.read("/api/devices"))["items"] == [device]
    assert (await bob.read("/api/devices"))["items"] == []
    problem(await bob.client.delete(f"/api/devices/{device['id']}"), 404)
    await ada.write("DELETE", f"/api/devices/{device['id']}")
    assert (await ada.read("/api/devices"))["items"] == []


async def test_what_happens_while_it_is_killed_arrives_once() -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada, signed_up(server.url, "Bob") as bob:
            workspace = await ada.open_workspace()
            await ada.invite(bob, workspace, "member")
            titles = [f"Task {number}" for number in range(12)]
            for number, title in enumerate(titles):
                await ada.add_task(title, workspace_id=workspace, assignee_ids=[bob.id])
                if number % 4 == 3:
                    server.kill()
                    server.start()
            told = await inbox(bob, len(titles))
            assert sorted(item["title"] for item in told) == sorted(titles)
            await ada.add_task("The last", workspace_id=workspace, assignee_ids=[bob.id])
            assert len(await inbox(bob, len(titles) + 1)) == len(titles) + 1
            assert server.stop() == 0
            assert server.run("verify").returncode == 0


async def _hears_nothing_more(client: ClientConnection) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(SILENT_SECONDS):
            while True:
                message = json.loads(await client.recv())
                assert "event" not in message, message


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
