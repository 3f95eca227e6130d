"""The feed shows a member all that happens, in order, once, and nobody else anything."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx
import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import WorkspaceId
from sigdep.gateway import feed_endpoint as feed_module
from sigdep.gateway import feed_source as feed_source_module
from sigdep.gateway.application import create_application
from sigdep.gateway.feed import FeedBatch
from sigdep.gateway.feed_source import FeedSource, Log
from sigdep.http.positions import FeedPosition, encode_feed_position, encode_position
from sigdep.http.stamps import new_id
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId, Partition, Position, StreamId, SubjectId, Version, partition_of
from sigdep.kernel.messages import Event
from sigdep.kernel.store import Append, RecordedEvent, StreamWrite
from sigdep.rpc.call import WorkspacePosition
from tests.gateway.serving import serving
from tests.http.demo import OTHER_WORKSPACE, SETTINGS, WORKSPACE, People
from tests.patience import patience

NEIGHBOUR = WorkspaceId(UUID(int=WORKSPACE.int + 0x100))
"""Another workspace in the same partition."""

TOGETHER = WorkspaceId(UUID(int=5))
"""Under it the second log keeps everything of everybody, as the log of users does."""


def everybody_together(_workspace: WorkspaceId) -> Partition:
    return partition_of(TOGETHER)


class EmptyFeed:
    """For the documents: nothing ever happens."""

    async def latest(self, workspace: WorkspaceId) -> FeedPosition:
        return FeedPosition(partition_of(workspace), {})

    async def after_write(self, workspace: WorkspaceId, write: WorkspacePosition) -> FeedPosition | None:
        return await self.latest(workspace)

    async def read(self, workspace: WorkspaceId, after: FeedPosition | None, limit: int, call: Any) -> FeedBatch:
        return FeedBatch(events=(), next=await self.latest(workspace), more=False)

    def recent(self, workspace: WorkspaceId, after: FeedPosition, limit: int, call: Any) -> FeedBatch | None:
        return None

    async def changed(self, workspace: WorkspaceId, after: FeedPosition, timeout_seconds: float) -> bool:
        await asyncio.sleep(timeout_seconds)
        return False


class NoteWritten(Event):
    text: str
    workspace: WorkspaceId


class NoteHidden(Event):
    text: str
    workspace: WorkspaceId


def publish(recorded: RecordedEvent) -> CloudEvent | None:
    if not isinstance(recorded.event, NoteWritten):
        return None
    return CloudEvent(
        id=f"{recorded.partition}-{recorded.position}",
        source="/contexts/notes",
        type="sigdep.notes.NoteWritten",
        time=recorded.recorded_at,
        subject=recorded.stream,
        datacontenttype="application/json",
        data={"text": recorded.event.text},
        workspaceid=recorded.event.workspace,
        streamversion=recorded.version,
    )


class World:
    """Two logs, a feed over them, and people."""

    def __init__(self) -> None:
        codec = Codec([NoteWritten, NoteHidden], MemoryKeyRing())
        self.notes = MemoryEventStore(codec)
        self.others = MemoryEventStore(codec)
        self.people = People()

    async def write(
        self, *texts: str, workspace: WorkspaceId = WORKSPACE, kind: type[Event] = NoteWritten, other: bool = False
    ) -> Position:
        store = self.others if other else self.notes
        appended = await store.append(
            Append(
                workspace=TOGETHER if other else workspace,
                command_id=CommandId(new_id()),
                writes=(
                    StreamWrite(
                        stream=StreamId(f"note-{new_id()}"),
                        subject=SubjectId(workspace),
                        expected_version=Version(0),
                        events=tuple(kind(text=text, workspace=workspace) for text in texts),
                    ),
                ),
            )
        )
        return appended.position

    @asynccontextmanager
    async def served(self) -> AsyncIterator[httpx.AsyncClient]:
        logs = [
            Log(context="notes", store=self.notes, publish=publish),
            Log(context="others", store=self.others, publish=publish, partition_for=everybody_together),
        ]
        async with FeedSource(logs) as feed:
            application = create_application([], identities=self.people, settings=SETTINGS, feed=feed)
            async with (
                serving(application) as port,
                httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer good"}, timeout=30
                ) as client,
            ):
                yield client
        await self.notes.close()
        await self.others.close()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.served() as client:
        yield client


def texts(page: Any) -> list[str]:
    return [item["event"]["data"]["text"] for item in page["items"]]


async def test_it_begins_at_the_beginning_and_goes_on_from_where_it_ended(
    client: httpx.AsyncClient, world: World
) -> None:
    await world.write("a", "b")
    await world.write("c", other=True)
    first = (await client.get("/api/feed")).json()
    assert texts(first) == ["a", "b", "c"]
    await world.write("d")
    second = (await client.get("/api/feed", params={"from": first["next"]})).json()
    assert texts(second) == ["d"]
    third = await client.get("/api/feed", params={"from": second["next"]})
    assert texts(third.json()) == []
    assert third.headers["sigdep-position"] == third.json()["next"]


async def test_every_event_is_a_position_to_go_on_from(client: httpx.AsyncClient, world: World) -> None:
    for number in range(4):
        await world.write(f"a{number}", f"b{number}", other=number % 2 == 1)
    whole = (await client.get("/api/feed")).json()
    for number, item in enumerate(whole["items"]):
        rest = (await client.get("/api/feed", params={"from": item["position"]})).json()
        assert texts(rest) == texts(whole)[number + 1 :]


async def test_pages_of_any_size_together_show_all_of_it_once(client: httpx.AsyncClient, world: World) -> None:
    for number in range(30):
        await world.write(f"{number}", other=number % 3 == 0)
        await world.write("not yours", workspace=NEIGHBOUR, other=number % 2 == 0)
        await world.write("not public", kind=NoteHidden)
    seen: list[str] = []
    position: dict[str, str] = {}
    while True:
        page = (await client.get("/api/feed", params={"limit": 7, **position})).json()
        seen += texts(page)
        position = {"from": page["next"]}
        assert len(page["items"]) <= 7
        if not page["more"]:
            break
    assert sorted(seen, key=int) == [str(number) for number in range(30)]


async def test_a_poll_that_only_finds_what_is_others_says_how_far_it_came(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "SEARCH_SECONDS_MAX", 0)
    monkeypatch.setattr(feed_source_module, "SCANNED_EVENTS_MAX", 10)
    monkeypatch.setattr(feed_source_module, "READ_EVENTS_MAX", 10)
    for _ in range(15):
        await world.write("not yours", "nor this", workspace=NEIGHBOUR)
    await world.write("yours")
    position: dict[str, str] = {}
    pages: list[Any] = []
    while not pages or pages[-1]["more"]:
        pages.append((await client.get("/api/feed", params=position)).json())
        position = {"from": pages[-1]["next"]}
    assert [texts(page) for page in pages] == [[], [], [], ["yours"]]


async def test_events_are_cloud_events(client: httpx.AsyncClient, world: World) -> None:
    await world.write("a")
    (item,) = (await client.get("/api/feed")).json()["items"]
    event = item["event"]
    assert (event["specversion"], event["type"], event["data"]) == ("1.0", "sigdep.notes.NoteWritten", {"text": "a"})
    assert all(name.isalnum() and name.islower() for name in event)
    assert event["time"].endswith("Z")


async def test_it_waits_for_what_is_to_come_and_answers_at_once_when_it_does(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "LOOK_SECONDS", 5.0)
    await world.write("old")
    start = (await client.get("/api/feed", params={"from": "latest"})).json()
    assert start["items"] == []
    waiting = asyncio.create_task(client.get("/api/feed", params={"from": start["next"], "wait": 20}))
    await asyncio.sleep(0.2)
    await world.write("hidden", kind=NoteHidden)
    await world.write("neighbour's", workspace=NEIGHBOUR)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    started = perf_counter()
    await world.write("new")
    assert texts((await waiting).json()) == ["new"]
    assert perf_counter() - started < patience(2)


async def test_it_does_not_wait_longer_than_it_was_asked_to(client: httpx.AsyncClient) -> None:
    started = perf_counter()
    page = (await client.get("/api/feed", params={"wait": 1})).json()
    assert page["items"] == []
    assert 0.9 < perf_counter() - started < patience(3)


async def test_the_position_of_a_write_is_one_to_go_on_from(client: httpx.AsyncClient, world: World) -> None:
    await world.write("before")
    await world.write("other before", other=True)
    position = WorkspacePosition("notes", partition_of(WORKSPACE), await world.write("mine"))
    await world.write("after")
    page = (await client.get("/api/feed", params={"from": encode_position(position)})).json()
    assert texts(page) == ["after"]
    other = WorkspacePosition("others", partition_of(TOGETHER), await world.write("other mine", other=True))
    await world.write("other after", other=True)
    page = (await client.get("/api/feed", params={"from": encode_position(other)})).json()
    assert texts(page) == ["other after"]


async def test_a_position_past_the_end_of_a_restored_log_goes_on_at_its_end(
    client: httpx.AsyncClient, world: World
) -> None:
    await world.write("a")
    beyond = encode_position(WorkspacePosition("notes", partition_of(WORKSPACE), Position(99)))
    page = (await client.get("/api/feed", params={"from": beyond})).json()
    await world.write("b")
    assert texts((await client.get("/api/feed", params={"from": page["next"]})).json()) == ["b"]


@pytest.mark.parametrize(
    "parameters, name",
    [
        ({"from": "nonsense"}, "from"),
        ({"from": ""}, "from"),
        ({"from": encode_position(WorkspacePosition("notes", Partition(3), Position(1)))}, "from"),
        ({"from": encode_position(WorkspacePosition("unheard", partition_of(WORKSPACE), Position(1)))}, "from"),
        ({"from": encode_feed_position(FeedPosition(Partition(3), {}))}, "from"),
        ({"limit": 0}, "limit"),
        ({"wait": 26}, "wait"),
        ({"workspace_id": "x"}, "workspace_id"),
        ({"after": "x"}, "after"),
    ],
)
async def test_what_makes_no_sense_is_named(client: httpx.AsyncClient, parameters: dict[str, Any], name: str) -> None:
    answer = await client.get("/api/feed", params=parameters)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, name)


async def test_a_stranger_hears_nothing_not_even_that_there_is_something(
    client: httpx.AsyncClient, world: World
) -> None:
    await world.write("secret", workspace=OTHER_WORKSPACE)
    answer = await client.get("/api/feed", params={"workspace_id": str(OTHER_WORKSPACE)})
    assert answer.status_code == 404
    assert (await client.get("/api/feed", headers={"Authorization": "Bearer reader"})).status_code == 403


async def test_who_has_just_become_a_member_is_let_in(client: httpx.AsyncClient, world: World) -> None:
    await world.write("welcome", workspace=OTHER_WORKSPACE)
    world.people.true = {WORKSPACE: "owner", OTHER_WORKSPACE: "viewer"}
    answer = await client.get("/api/feed", params={"workspace_id": str(OTHER_WORKSPACE)})
    assert texts(answer.json()) == ["welcome"]


@pytest.mark.parametrize("loss", ["membership", "token"])
async def test_whoever_is_removed_while_waiting_is_told_within_a_second(
    client: httpx.AsyncClient, world: World, loss: str
) -> None:
    waiting = asyncio.create_task(client.get("/api/feed", params={"wait": 20}))
    await asyncio.sleep(0.3)
    world.people.true = {} if loss == "membership" else world.people.true
    world.people.revoked = loss == "token"
    started = perf_counter()
    assert (await waiting).status_code == (404 if loss == "membership" else 401)
    assert perf_counter() - started < patience(1)


class Stream:
    """A client of server-sent events."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines = answer.aiter_lines()
        self.last_id = ""

    async def next_text(self) -> str:
        async for line in self.lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
            if line.startswith("data: "):
                item = json.loads(line.removeprefix("data: "))
                assert item["position"] == self.last_id
                text: str = item["event"]["data"]["text"]
                return text
        return "<end>"


@asynccontextmanager
async def streaming(client: httpx.AsyncClient, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    async with client.stream("GET", f"/api/feed{query}", headers={"Accept": "text/event-stream", **headers}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        yield Stream(answer)


async def test_a_stream_tells_what_was_and_what_comes(client: httpx.AsyncClient, world: World) -> None:
    await world.write("a", "b")
    async with streaming(client) as stream:
        assert [await stream.next_text(), await stream.next_text()] == ["a", "b"]
        for number in range(5):
            await world.write(f"c{number}", other=number % 2 == 0)
            assert await stream.next_text() == f"c{number}"


async def test_who_comes_back_goes_on_after_the_last_event_seen(client: httpx.AsyncClient, world: World) -> None:
    await world.write("a", "b", "c")
    async with streaming(client) as stream:
        await stream.next_text()
        seen = stream.last_id
    async with streaming(client, "?from=latest", **{"Last-Event-ID": seen}) as again:
        assert [await again.next_text(), await again.next_text()] == ["b", "c"]


async def test_a_quiet_stream_shows_that_it_lives(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "HEARTBEAT_SECONDS", 0.2)
    async with streaming(client) as stream:
        await world.write("neighbour's", workspace=NEIGHBOUR)
        async for line in stream.lines:
            if line == ": heartbeat":
                break
        moved_on = (await anext(stream.lines)).removeprefix("id: ")
    await world.write("mine")
    async with streaming(client, **{"Last-Event-ID": moved_on}) as again:
        assert await again.next_text() == "mine"


@pytest.mark.parametrize("loss", ["membership", "token"])
async def test_a_stream_ends_within_a_second_of_its_reader_being_removed(
    client: httpx.AsyncClient, world: World, loss: str
) -> None:
    async with streaming(client) as stream:
        await world.write("a")
        assert await stream.next_text() == "a"
        world.people.true = {} if loss == "membership" else world.people.true
        world.people.revoked = loss == "token"
        started = perf_counter()
        assert await stream.next_text() == "<end>"
        assert perf_counter() - started < patience(1)


async def test_a_stream_goes_on_at_once_when_there_is_more_than_a_page(world: World) -> None:
    await world.write(*"abcde")
    async with world.served() as client, streaming(client, "?limit=2") as stream:
        started = perf_counter()
        assert [await stream.next_text() for _ in range(5)] == list("abcde")
        assert perf_counter() - started < patience(2)


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_the_end_of_the_server_ends_the_feeds(world: World, accept: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Bearer good", "Accept": accept}, timeout=30) as outsider:
        async with world.served() as client:
            url = str(client.base_url.join("/api/feed?wait=20"))
            asking = asyncio.create_task(outsider.get(url))
            await asyncio.sleep(0.3)
            assert not asking.done()
            started = perf_counter()
        assert (await asking).status_code == 200
        assert perf_counter() - started < patience(2)


async def test_a_user_cannot_hold_any_number_of_feeds(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "USER_FEEDS_MAX", 1)
    async with streaming(client):
        assert (await client.get("/api/feed")).status_code == 429
    await asyncio.sleep(0.7)
    assert (await client.get("/api/feed")).status_code == 200


async def test_a_log_that_cannot_be_tailed_is_read_nevertheless(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.2)

    def follow(after: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(world.notes, "follow", follow)
    async with world.served() as client:
        waiting = asyncio.create_task(client.get("/api/feed", params={"wait": 10}))
        await asyncio.sleep(0.1)
        await world.write("a")
        assert texts((await waiting).json()) == ["a"]
