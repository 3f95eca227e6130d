"""The end of each log at hand: whoever waits asks no log for what comes, and a log that is away keeps back no other."""

import asyncio
from typing import Any, Final

import pytest

from sigdep.gateway import feed_source, feed_tail
from sigdep.gateway.feed_tail import FeedTail
from sigdep.gateway.live import room as room_module
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Position, partition_of
from tests.gateway.live_world import Listener, World
from tests.gateway.test_live_order import until
from tests.http.demo import WORKSPACE

HERE: Final = partition_of(WORKSPACE)


async def test_whoever_is_woken_finds_what_came_without_asking_the_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    world, asked = World(), 0
    async with world.open():
        listener = Listener(world)
        await listener.connect()
        await follows(world)
        for text in ("first", "second"):
            await world.write(text)
            await until(lambda text=text: text in listener.texts())

        def asked_once() -> None:
            nonlocal asked
            asked += 1

        for log in world.logs.values():
            for name in ("heads", "read_all"):
                monkeypatch.setattr(log, name, counting(getattr(log, name), asked_once))
        for number in range(30):
            await world.write(str(number), log="notes" if number % 3 else "users")
            await until(lambda number=number: str(number) in listener.texts())
        assert asked == 0
        assert len(listener.texts()) == 32


async def follows(world: World) -> None:
    """Return once somebody waits, and so the logs are followed."""
    await until(lambda: all(tail.head(HERE) is not None for tail in world.feed._tails.values()))


def counting(ask: Any, count: Any) -> Any:
    async def counted(*args: Any, **named: Any) -> Any:
        count()
        return await ask(*args, **named)

    return counted


async def test_while_one_log_is_away_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_source, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(room_module, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(room_module, "POLL_SECONDS", 0.2)
    world = World()
    async with world.open():
        listener = Listener(world)
        await listener.connect()
        await follows(world)
        await world.write("before")
        await until(lambda: listener.texts() == ["before"])
        away = world.logs["users"]

        async def refuse(*_args: Any, **_named: Any) -> Any:
            raise Unavailable("The log is away.")

        with monkeypatch.context() as outage:
            outage.setattr(away, "heads", refuse)
            outage.setattr(away, "read_all", refuse)
            for number in range(10):
                await world.write(str(number))
                await until(lambda number=number: str(number) in listener.texts())
                await asyncio.sleep(0.1)
            await world.write("meanwhile", log="users")
        await until(lambda: "meanwhile" in listener.texts())
        await world.write("after", log="users")
        await until(lambda: "after" in listener.texts())
        assert listener.texts("notes") == ["before", *map(str, range(10))]
        assert listener.texts("users") == ["meanwhile", "after"]


async def test_little_is_kept_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    world, now, tail = World(), 100.0, FeedTail()
    monkeypatch.setattr(feed_tail, "monotonic", lambda: now)
    monkeypatch.setattr(feed_tail, "KEPT_EVENTS_MAX", 3)
    await world.write(*"abcde")
    events = await world.logs["notes"].read_all({})
    assert (tail.head(HERE), tail.covers(HERE, Position(0))) == (None, False)
    tail.begin({})
    tail.take(events[:2])
    assert (tail.head(HERE), tail.covers(HERE, Position(0))) == (2, True)
    assert list(tail.after(HERE, Position(1))) == list(events[1:2])
    tail.take(events[2:])
    assert (tail.head(HERE), tail.covers(HERE, Position(1)), tail.covers(HERE, Position(2))) == (5, False, True)
    now += feed_tail.KEPT_SECONDS + 1
    assert (tail.covers(HERE, Position(2)), tail.covers(HERE, Position(5))) == (False, True)
    assert list(tail.after(HERE, Position(2))) == []
    tail.end()
    assert (tail.head(HERE), tail.covers(HERE, Position(5))) == (None, False)
