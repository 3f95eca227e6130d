"""Webhooks of a real server: a receiver that verifies hears what happens, once for each event, and nobody else's."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from sigdep.testing.running_server import RunningServer, running_server
from sigdep.testing.webhook_sink import WebhookSink
from tests.system.person import JSON, Person, new_id, problem, signed_up

SECONDS_MAX: Final = 60.0
LOOK_AGAIN_SECONDS: Final = 0.05


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    sink = WebhookSink()
    await sink.start()
    yield sink
    await sink.stop()


async def made(person: Person, sink: WebhookSink, **fields: object) -> JSON:
    webhook = await person.write("POST", "/api/webhooks", {"url": sink.url, **fields})
    sink.secret = webhook["secret"]
    return webhook


async def heard(sink: WebhookSink, count: int) -> list[JSON]:
    """What has arrived, once it is as much as that."""
    async with asyncio.timeout(SECONDS_MAX):
        while len(sink.records.arrived) < count:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    assert sink.records.faults == []
    return [json.loads(one.raw[1]) for one in sink.records.arrived]


async def until(person: Person, path: str, **fields: Any) -> JSON:
    """What is there, once it is so."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            found = await person.read(path)
            if all(found[name] == value for name, value in fields.items()):
                return found
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def deliveries(person: Person, webhook: JSON, count: int, **parameters: str) -> list[JSON]:
    path = f"/api/webhooks/{webhook['id']}/deliveries"
    async with asyncio.timeout(SECONDS_MAX):
        while len(items := await person.items(path, after=None, **parameters)) < count:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return items


@pytest.mark.every_broker
async def test_what_happens_in_its_workspace_arrives_once(ada: Person, bob: Person, sink: WebhookSink) -> None:
    await ada.add_task("Before")
    webhook = await made(ada, sink)
    task = await ada.add_task("Buy milk")
    await bob.add_task("Somebody else's")
    await ada.write("POST", f"/api/tasks/{task['id']}/complete")
    first, second = await heard(sink, 2)
    types = [first["type"], second["type"]]
    assert sorted(types) == ["sigdep.tasks.TaskCompleted", "sigdep.tasks.TaskCreated"]
    created = first if first["type"].endswith("TaskCreated") else second
    assert (created["workspaceid"], created["data"]["title"]) == (ada.workspace, "Buy milk")
    feed = await ada.read("/api/feed", workspace_id=ada.workspace)
    assert created in [item["event"] for item in feed["items"]]
    sent = await deliveries(ada, webhook, 2, state="sent")
    assert sorted(one["id"] for one in sent) == sorted(sink.records.keys)
    assert {one["tried"][0]["outcome"] for one in sent} == {"sent"}


async def test_what_happens_in_calendars_arrives_too(ada: Person, sink: WebhookSink) -> None:
    await made(ada, sink, event_types=["sigdep.calendar.*"])
    await ada.add_task("Not of its types")
    await ada.write("POST", "/api/calendars", {"name": "Work"})
    (event,) = await heard(sink, 1)
    assert event["type"].startswith("sigdep.calendar.")
    assert event["workspaceid"] == ada.workspace


async def test_only_administrators_have_webhooks(ada: Person, bob: Person, sink: WebhookSink) -> None:
    team = await ada.open_workspace()
    await ada.invite(bob, team, "member")
    webhook = await made(ada, sink, workspace_id=team)
    one = f"/api/webhooks/{webhook['id']}"
    for status in (403, 404):
        body = {"url": sink.url, "workspace_id": team}
        problem(await bob.client.post("/api/webhooks", json=body), status)
        problem(await bob.client.get("/api/webhooks", params={"workspace_id": team}), status)
        problem(await bob.client.get(one), status)
        problem(await bob.client.get(f"{one}/deliveries"), status)
        problem(await bob.client.patch(one, json={"description": "mine"}), status)
        problem(await bob.client.post(f"{one}/rotate", json={}), status)
        problem(await bob.client.post(f"{one}/replay", json={"from": ada.position}), status)
        problem(await bob.client.delete(one), status)
        if status == 403:
            await ada.write("DELETE", f"/api/workspaces/{team}/members/{bob.id}")
    assert (await ada.read(one))["version"] == webhook["version"]


async def test_a_webhook_ends_with_the_membership_of_its_keeper(ada: Person, bob: Person, sink: WebhookSink) -> None:
    team = await ada.open_workspace()
    await ada.invite(bob, team, "admin")
    webhook = await made(bob, sink, workspace_id=team, event_types=["sigdep.tasks.*"], description="Bob's")
    one = f"/api/webhooks/{webhook['id']}"
    assert webhook["kept_by"] == bob.id
    await ada.write("DELETE", f"/api/workspaces/{team}/members/{bob.id}")
    disabled = await until(ada, one, state="disabled")
    assert "no member" in disabled["why"]
    await ada.add_task("Not for Bob", workspace_id=team)
    async with asyncio.timeout(SECONDS_MAX):
        while not await ada.items("/api/notifications", after="", kind="webhook.disabled"):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    await asyncio.sleep(1.5)
    assert sink.records.asked == 0
    resumed = await ada.write("POST", f"{one}/resume")
    assert (resumed["kept_by"], resumed["created_by"]) == (ada.id, bob.id)
    (event,) = await heard(sink, 1)
    assert event["data"]["title"] == "Not for Bob"


async def test_the_secret_is_shown_once(ada: Person, sink: WebhookSink) -> None:
    body = {"url": sink.url, "id": new_id(), "description": "CI"}
    answer = await ada.client.post("/api/webhooks", json=body)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    webhook = answer.json()
    again = await ada.client.post("/api/webhooks", json=body)
    assert again.status_code == 200
    one = await ada.read(f"/api/webhooks/{webhook['id']}", after=answer.headers["Sigdep-Position"])
    (listed,) = (await ada.read("/api/webhooks"))["items"]
    edited = await ada.write("PATCH", f"/api/webhooks/{webhook['id']}", {"description": "Build"})
    for shown in (again.json(), one, listed, edited):
        assert webhook["secret"] not in json.dumps(shown)
    assert edited["description"] == "Build"


@pytest.mark.parametrize(
    "url",
    [
        *("http://192.168.1.1/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/"),
        *("https://2130706432/", "https://0x0a.1/", "https://user:pw@example.com/", "ftp://example.com/", "nonsense"),
        *("https://[::ffff:10.0.0.1]/", "https://example.com:25/", "https://example.com./", "https://exa mple.com/"),
    ],
)
async def test_an_address_that_leads_inside_is_refused_at_once(ada: Person, url: str) -> None:
    found = problem(await ada.client.post("/api/webhooks", json={"url": url}), 422)
    assert found["errors"][0]["pointer"] == "/url"


async def test_while_a_secret_is_replaced_receivers_may_know_either(ada: Person, sink: WebhookSink) -> None:
    webhook = await made(ada, sink)
    new = await ada.write("POST", f"/api/webhooks/{webhook['id']}/rotate", {"overlap_hours": 1})
    assert new["secret"] != webhook["secret"]
    await ada.add_task("Signed twice")
    await heard(sink, 1)
    sink.secret = new["secret"]
    await ada.add_task("Signed twice again")
    await heard(sink, 2)
    newest = await ada.write("POST", f"/api/webhooks/{webhook['id']}/rotate", {"overlap_hours": 0})
    sink.secret = newest["secret"]
    await ada.add_task("Signed once")
    await heard(sink, 3)
    signatures = [one.raw[0]["webhook-signature"].count("v1,") for one in sink.records.arrived]
    assert signatures == [2, 2, 1]


async def test_a_webhook_that_was_paused_goes_on_where_it_stopped(ada: Person, sink: WebhookSink) -> None:
    webhook = await made(ada, sink, event_types=["sigdep.tasks.TaskCreated"])
    one = f"/api/webhooks/{webhook['id']}"
    await ada.add_task("One")
    await heard(sink, 1)
    assert (await ada.write("POST", f"{one}/pause"))["state"] == "paused"
    for title in ("Two", "Three"):
        task = await ada.add_task(title)
        await ada.edit_task(task["id"], title=f"{title}!")
    await asyncio.sleep(1.5)
    assert len(sink.records.arrived) == 1
    await ada.write("POST", f"{one}/resume")
    titles = [event["data"]["title"] for event in await heard(sink, 3)]
    assert sorted(titles) == ["One", "Three", "Two"]
    await until(ada, one, catching_up=False)
    await ada.add_task("Four")
    assert len(await heard(sink, 4)) == len(set(sink.records.keys)) == 4


async def test_a_replay_sends_the_same_under_the_same_ids(ada: Person, sink: WebhookSink) -> None:
    await ada.add_task("From before it was made")
    start = ada.position
    await ada.add_task("Also from before")
    webhook = await made(ada, sink)
    await ada.add_task("From after")
    await heard(sink, 1)
    (before,) = sink.records.keys
    await deliveries(ada, webhook, 1, state="sent")
    await ada.write("POST", f"/api/webhooks/{webhook['id']}/replay", {"from": start})
    events = await heard(sink, 3)
    assert [event["data"]["title"] for event in events[1:]].count("Also from before") == 1
    assert sink.records.keys.count(before) == 2
    await until(ada, f"/api/webhooks/{webhook['id']}", catching_up=False)
    problem(await ada.client.post(f"/api/webhooks/{webhook['id']}/replay", json={"from": "nonsense"}), 422)


async def test_from_a_position_on_when_it_is_made(ada: Person, sink: WebhookSink) -> None:
    await ada.add_task("Too early")
    start = ada.position
    await ada.add_task("One")
    await made(ada, sink, **{"from": start})
    await ada.add_task("Two")
    assert sorted(event["data"]["title"] for event in await heard(sink, 2)) == ["One", "Two"]


async def test_what_fails_is_tried_again_under_the_same_id(ada: Person, sink: WebhookSink) -> None:
    webhook = await made(ada, sink)
    sink.answer_status = 503
    await ada.add_task("Not yet")
    (waiting,) = await deliveries(ada, webhook, 1, state="waiting")
    async with asyncio.timeout(SECONDS_MAX):
        while not (waiting := (await deliveries(ada, webhook, 1))[0])["why"]:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    assert waiting["why"] == "The receiver answered 503."
    assert waiting["tried"][0]["outcome"] == "failed"
    sink.answer_status = None
    await heard(sink, 1)
    assert sink.records.keys == [waiting["id"]]
    (sent,) = await deliveries(ada, webhook, 1, state="sent")
    assert [one["outcome"] for one in sent["tried"]][-1] == "sent"
    again = await ada.write("POST", f"/api/webhooks/{webhook['id']}/deliveries/{sent['id']}/redeliver")
    assert again["state"] == "waiting"
    await heard(sink, 2)
    assert set(sink.records.keys) == {sent["id"]}


async def test_a_receiver_that_is_gone_is_told_nothing_more_and_its_owner_is(ada: Person, sink: WebhookSink) -> None:
    webhook = await made(ada, sink, description="The old CI")
    sink.answer_status = 410
    await ada.add_task("Nobody hears this")
    disabled = await until(ada, f"/api/webhooks/{webhook['id']}", state="disabled")
    assert "410" in disabled["why"]
    async with asyncio.timeout(SECONDS_MAX):
        while not (told := await ada.items("/api/notifications", after="", kind="webhook.disabled")):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    assert "The old CI" in told[0]["title"]
    assert told[0]["thing"]["id"] == webhook["id"]
    asked = sink.records.asked
    await ada.add_task("Nor this")
    await asyncio.sleep(1.5)
    assert sink.records.asked == asked
    sink.answer_status = None
    await ada.write("POST", f"/api/webhooks/{webhook['id']}/resume")
    titles = sorted(event["data"]["title"] for event in await heard(sink, 2))
    assert titles == ["Nobody hears this", "Nor this"]


async def test_a_deleted_webhook_is_gone(ada: Person, sink: WebhookSink) -> None:
    webhook = await made(ada, sink)
    await ada.write("DELETE", f"/api/webhooks/{webhook['id']}")
    problem(await ada.client.get(f"/api/webhooks/{webhook['id']}", headers={"Sigdep-Min-Position": ada.position}), 404)
    assert (await ada.read("/api/webhooks"))["items"] == []
    problem(await ada.client.post(f"/api/webhooks/{webhook['id']}/resume", json={}), 404)
    await ada.add_task("Unheard")
    await asyncio.sleep(1.5)
    assert sink.records.asked == 0


async def test_a_workspace_has_twenty_at_most(ada: Person, sink: WebhookSink) -> None:
    for _ in range(20):
        await made(ada, sink, event_types=["sigdep.tasks.*"])
    problem(await ada.client.post("/api/webhooks", json={"url": sink.url}), 409)


async def test_after_kill_nine_nothing_is_missing_and_ids_are_the_same(sink: WebhookSink) -> None:
    server: RunningServer
    with running_server(outgoing_allow="127.0.0.0/8") as server:
        async with signed_up(server.url) as ada:
            await made(ada, sink, event_types=["sigdep.tasks.TaskCreated"])
            sent = 0
            for _ in range(3):
                await asyncio.gather(*(ada.add_task(f"Task {sent + number}") for number in range(20)))
                sent += 20
                server.kill()
                server.start()
                await ada.move_to(server.url)
            events = await heard_all(sink, sent)
            assert {event["data"]["title"] for event in events} == {f"Task {number}" for number in range(sent)}
            ids = {json.loads(one.raw[1])["id"]: one.key for one in sink.records.arrived}
            assert len(ids) == len(set(ids.values())) == sent
        assert server.stop() == 0
        verified = server.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def heard_all(sink: WebhookSink, distinct: int) -> list[JSON]:
    async with asyncio.timeout(4 * SECONDS_MAX):
        while len(set(sink.records.keys)) < distinct:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return [json.loads(one.raw[1]) for one in sink.records.arrived]
