"""`/api/live` of a real server: two people, a removal, reconnections under writers, slow readers, and kill -9."""

import asyncio
import contextlib
import json
from collections import defaultdict
from time import perf_counter
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sigdep.testing.running_server import running_server
from tests.patience import patience
from tests.system.conftest import Say
from tests.system.person import Person, signed_up

SECONDS_MAX: Final = 60.0
WRITERS: Final = 4
KILLS: Final = 3


def live(person: Person) -> connect:
    """A connection that takes all that it is told: one that holds back cannot see the other side close, and waits."""
    url = str(person.client.base_url).rstrip("/").replace("http://", "ws://")
    return connect(f"{url}/api/live", additional_headers={"Authorization": f"Bearer {person.token}"}, max_queue=None)


async def subscribe(client: ClientConnection, workspace: str, start: str | None = None) -> None:
    asked = {"workspace_id": workspace} | ({"from": start} if start else {})
    await client.send(json.dumps({"subscribe": asked}))


async def hear(client: ClientConnection, kind: str) -> Any:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            message = json.loads(await client.recv())
            if kind in message:
                return message


class Memory:
    """What one person has heard, over all of their connections."""

    def __init__(self) -> None:
        self.position: str | None = None
        self.titles: list[str] = []
        self.versions: dict[str, list[int]] = defaultdict(list)

    async def listen(self, client: ClientConnection, events_max: int) -> None:
        """Until the connection ends, or so many events have come."""
        for _ in range(events_max):
            message = await hear(client, "event")
            self.position = message["position"]
            event = message["event"]
            self.versions[event["subject"]].append(event["streamversion"])
            if event["type"] == "sigdep.tasks.TaskCreated":
                self.titles.append(event["data"]["title"])


@pytest.mark.every_broker
async def test_what_one_does_another_sees_until_they_are_removed(ada: Person, bob: Person) -> None:
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "viewer")
    async with live(bob) as client:
        await subscribe(client, workspace, "latest")
        await hear(client, "subscribed")
        started = perf_counter()
        await ada.add_task("Buy milk", workspace_id=workspace)
        assert (await hear(client, "event"))["event"]["data"]["title"] == "Buy milk"
        assert perf_counter() - started < patience(2)
        await ada.write("DELETE", f"/api/workspaces/{workspace}/members/{bob.id}")
        started = perf_counter()
        ended = await hear(client, "unsubscribed")
        assert perf_counter() - started < patience(1)
        assert ended["unsubscribed"]["problem"]["status"] == 404
        await ada.add_task("A secret", workspace_id=workspace)
        await bob.add_task("My own")
        await subscribe(client, bob.workspace)
        assert (await hear(client, "event"))["event"]["data"]["title"] == "My own"


async def test_a_session_that_has_ended_closes_its_connection(ada: Person) -> None:
    async with live(ada) as client:
        await subscribe(client, ada.workspace)
        await hear(client, "subscribed")
        sessions = await ada.read("/api/sessions")
        (session,) = sessions["items"]
        await ada.write("DELETE", f"/api/sessions/{session['id']}")
        started = perf_counter()
        async with asyncio.timeout(SECONDS_MAX):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await client.recv()
        assert (client.close_code, perf_counter() - started < patience(1)) == (4401, True)


@pytest.mark.every_broker
async def test_who_keeps_losing_their_connection_under_writers_hears_everything_once(ada: Person) -> None:
    memory = Memory()

    async def write(writer: int) -> None:
        for number in range(25):
            await ada.add_task(f"{writer}.{number}")

    async def listen() -> None:
        events = 0
        while len(memory.titles) < WRITERS * 25:
            async with live(ada) as client:
                await subscribe(client, ada.workspace, memory.position)
                await memory.listen(client, min(7 + events % 5, WRITERS * 25 - len(memory.titles)))
            events += 1

    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(listen(), *(write(writer) for writer in range(WRITERS)))
    assert sorted(memory.titles) == sorted(f"{writer}.{number}" for writer in range(WRITERS) for number in range(25))
    for writer in range(WRITERS):
        own = [title for title in memory.titles if title.startswith(f"{writer}.")]
        assert own == [f"{writer}.{number}" for number in range(25)]


async def test_after_kill_9_a_listener_goes_on_where_it_was(say: Say) -> None:
    memory, titles = Memory(), [f"{kill}.{number}" for kill in range(KILLS) for number in range(20)]
    with running_server() as server:
        async with signed_up(server.url) as ada:
            for kill in range(KILLS):
                async with live(ada) as client:
                    await subscribe(client, ada.workspace, memory.position)
                    listening = asyncio.create_task(memory.listen(client, 10_000))
                    for title in titles[20 * kill : 20 * (kill + 1)]:
                        await ada.add_task(title)
                    server.kill()
                    with contextlib.suppress(ConnectionClosed):
                        await listening
                server.start()
                await ada.move_to(server.url)
            say(f"{len(memory.titles)} of {len(titles)} changes were heard before the last kill")
            async with live(ada) as client, asyncio.timeout(SECONDS_MAX):
                await subscribe(client, ada.workspace, memory.position)
                await memory.listen(client, len(titles) - len(memory.titles))
    assert memory.titles == titles
    assert all(versions == list(range(1, len(versions) + 1)) for versions in memory.versions.values())
