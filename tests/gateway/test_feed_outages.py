"""The log of one context is away: the others are told to whoever asks, nothing is missed, and one line says so."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from sigdep.gateway.feed import FeedBatch
from sigdep.gateway.feed_source import FeedSource
from sigdep.http.positions import FeedPosition, encode_feed_position
from sigdep.http.stamps import new_id, utc_now
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import CommandId, Position, partition_of
from sigdep.rpc.call import Call, Principal
from tests.gateway import test_feed
from tests.gateway.live_world import NEIGHBOUR, REALM, Listener, World
from tests.gateway.test_feed_tail import counting, follows
from tests.gateway.test_live_order import until
from tests.http.demo import WORKSPACE


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("feed_reach", "feed_source", "live.room", "live.rooms"):
        monkeypatch.setattr(f"sigdep.gateway.{module}.RETRY_SECONDS", 0.1)
    monkeypatch.setattr("sigdep.gateway.live.room.POLL_SECONDS", 0.2)


@pytest.fixture
def world() -> World:
    return World()


@contextmanager
def away(*stores: Any) -> Iterator[None]:
    """These logs refuse to be read. Whoever writes to them does so elsewhere."""

    async def refuse(*_args: Any, **_named: Any) -> Any:
        raise Unavailable("The log is away.")

    async def end(*_args: Any, **_named: Any) -> AsyncIterator[Any]:
        raise Unavailable("The log is away.")
        yield

    with pytest.MonkeyPatch.context() as patch:
        for store in stores:
            for name in ("heads", "read_all"):
                patch.setattr(store, name, refuse)
            patch.setattr(store, "follow", end)
        yield


@asynccontextmanager
async def quiet(world: World) -> AsyncIterator[None]:
    """Both logs have been heard by this gateway, as they are before an outage."""
    async with world.open():
        await world.feed.latest(WORKSPACE)
        yield


async def read(feed: FeedSource, after: FeedPosition | None = None) -> FeedBatch:
    return await feed.read(WORKSPACE, after, 100, Call(asked_at=utc_now(), command_id=CommandId(new_id())))


def texts(batch: FeedBatch) -> list[str]:
    return [event.data["text"] for _, event in batch.events]


@pytest.mark.parametrize("start", ["the beginning", "the end", "a position"])
async def test_whoever_begins_to_listen_hears_the_others_and_later_what_was_missing(world: World, start: str) -> None:
    await world.write("before")
    place = await world.write("before", log="users")
    async with quiet(world):
        with away(world.logs["users"]):
            first, second = Listener(world), Listener(world)
            for listener in (first, second):  # One opens the room, the other comes to it.
                await listener.connect(**({} if start == "the beginning" else {"from_": "latest"}))
                if start == "a position":
                    listener.cut()
                    await listener.connect(from_=place)
                await until(lambda listener=listener: listener.of_kind("subscribed"))
            for number in range(3):
                await world.write(str(number))
                for listener in (first, second):
                    await until(lambda listener=listener, number=number: str(number) in listener.texts())
            await world.write("meanwhile", log="users")
        for listener in (first, second):
            await until(lambda listener=listener: "meanwhile" in listener.texts())
            of_users = ["before", "meanwhile"] if start == "the beginning" else ["meanwhile"]
            assert listener.texts("users") == of_users
            assert listener.texts("notes")[-3:] == ["0", "1", "2"]
            assert listener.of_kind("unsubscribed") == []


async def test_a_reader_who_is_further_than_the_room_in_that_log_misses_nothing_of_it(world: World) -> None:
    """Its place may be of a log that has been restored since: only the log can say."""
    beyond = FeedPosition(partition_of(WORKSPACE), {"notes": Position(0), "users": Position(1_000)})
    async with quiet(world):
        with away(world.logs["users"]):
            first, back = Listener(world), Listener(world)
            await first.connect()
            await until(lambda: first.of_kind("subscribed"))
            await back.connect(from_=encode_feed_position(beyond))
            await world.write("other")
            await until(lambda: first.texts() == back.texts() == ["other"])
        await world.feed.latest(WORKSPACE)
        await asyncio.sleep(0.3)
        await world.write("new", log="users")
        await until(lambda: first.texts() == back.texts() == ["other", "new"])


async def test_a_page_leaves_the_reader_where_it_was_in_a_log_that_is_away(world: World) -> None:
    await world.write("a")
    await world.write("b", log="users")
    async with quiet(world):
        with away(world.logs["users"]):
            page = await read(world.feed)
            assert (texts(page), page.whole, page.more) == (["a"], False, False)
            assert page.next.positions == {"notes": 1, "users": 0}
            await world.write("c")
            page = await read(world.feed, page.next)
            assert texts(page) == ["c"]
        await asyncio.sleep(0.15)
        page = await read(world.feed, page.next)
        assert (texts(page), page.whole) == (["b"], True)
        assert texts(await read(world.feed, page.next)) == []


async def test_a_log_that_goes_away_between_two_pages_is_gone_on_with_after_the_last_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigdep.gateway.feed_source.READ_EVENTS_MAX", 2)
    await world.write(*"abcd")
    notes, asked = world.logs["notes"], 0
    read_all = notes.read_all

    async def once(*args: Any, **named: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Unavailable("The log is away.")
        return await read_all(*args, **named)

    async with quiet(world):
        monkeypatch.setattr(notes, "read_all", once)
        page = await read(world.feed)
        assert (texts(page), page.whole) == (["a", "b"], False)
        await asyncio.sleep(0.15)
        assert texts(await read(world.feed, page.next)) == ["c", "d"]


async def test_where_a_log_ends_that_was_never_heard_here_nobody_can_say(world: World) -> None:
    async with world.open():
        with away(world.logs["users"]), pytest.raises(Unavailable):
            await world.feed.latest(WORKSPACE)
        await asyncio.sleep(0.15)
        await world.write("x", log="users")
        ends = await world.feed.latest(WORKSPACE)
        with away(world.logs["users"]):
            assert await world.feed.latest(WORKSPACE) == ends


async def test_while_all_logs_are_away_nothing_is_pretended(world: World) -> None:
    async with quiet(world):
        with away(*world.logs.values()), pytest.raises(Unavailable):
            await read(world.feed)


async def test_few_ask_a_log_that_is_away(world: World) -> None:
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    async with quiet(world):
        with away(world.logs["users"]), pytest.MonkeyPatch.context() as patch:
            patch.setattr("sigdep.gateway.feed_reach.RETRY_SECONDS", 60.0)
            patch.setattr(world.logs["users"], "heads", counting(world.logs["users"].heads, count))
            for _ in range(100):
                await read(world.feed)
            assert asked == 1


async def test_an_outage_is_one_line_for_each_log_however_many_listen(world: World) -> None:
    world.people.true = world.people.cached = {WORKSPACE: "owner", NEIGHBOUR: "owner", REALM: "owner"}
    async with quiet(world):
        listeners = [Listener(world) for _ in range(30)]
        for number, listener in enumerate(listeners):
            await listener.connect(workspace_id=str((WORKSPACE, NEIGHBOUR, REALM)[number % 3]))
            await until(lambda listener=listener: listener.of_kind("subscribed"))
        await follows(world)
        with capture_logs() as lines:
            with away(*world.logs.values()):
                await asyncio.sleep(1.0)
            await world.write("after")
            await until(lambda: all("after" in listener.texts() for listener in listeners[::3]))
            await until(lambda: len(lines) >= 4)
        said = [(line["log_level"], line.get("context")) for line in lines]
        assert sorted(said) == sorted(
            (level, context) for level in ("warning", "info") for context in ("notes", "users")
        )
        assert not any("exc_info" in line for line in lines)


async def test_a_feed_goes_on_by_what_holds_while_nobody_can_be_asked_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.gateway.feed_endpoint.LOOK_SECONDS", 0.05)
    world = test_feed.World()
    principal = world.people.principal

    async def only_what_is_cached(bearer: str, *, fresh: bool = False) -> Principal:
        if fresh:
            raise Unavailable("Away.")
        return await principal(bearer)

    async with world.served() as client:
        monkeypatch.setattr(world.people, "principal", only_what_is_cached)
        waiting = asyncio.create_task(client.get("/api/feed", params={"wait": 10}))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await world.write("a")
        assert test_feed.texts((await waiting).json()) == ["a"]
        waiting = asyncio.create_task(client.get("/api/feed", params={"wait": 10, "from": "latest"}))
        await asyncio.sleep(0.3)
        world.people.cached = {}
        assert (await waiting).status_code == 404
