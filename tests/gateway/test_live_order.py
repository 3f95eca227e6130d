"""Whatever happens to connections: a listener hears each log in its order, misses nothing and hears nothing twice."""

import asyncio
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.gateway.live import room as room_module
from sigdep.gateway.live.frames import text_frame
from sigdep.gateway.live.messages import event_frame
from sigdep.gateway.live.recent import Entry
from sigdep.gateway.live.subscription import Subscription
from sigdep.http.positions import FeedPosition, encode_feed_position
from sigdep.http.stamps import new_id, utc_now
from sigdep.kernel.ids import CommandId, Position, Positions, partition_of
from sigdep.rpc.call import Call
from tests.gateway.live_world import NEIGHBOUR, Listener, World, payloads
from tests.http.demo import USER, WORKSPACE

LISTENERS: Final = 3
DONE_SECONDS_MAX: Final = 8.0

logs = st.sampled_from(["notes", "users"])
listeners = st.integers(0, LISTENERS - 1)
steps = st.one_of(
    st.tuples(st.just("write"), logs, st.integers(1, 6)),
    st.tuples(st.just("write elsewhere"), logs, st.integers(1, 6)),
    st.tuples(st.just("connect"), listeners, st.none()),
    st.tuples(st.just("cut"), listeners, st.none()),
    st.tuples(st.just("stop reading"), listeners, st.none()),
    st.tuples(st.just("read on"), listeners, st.none()),
    st.tuples(st.just("let others"), st.integers(1, 12), st.none()),
)


async def until(condition: Any) -> None:
    async with asyncio.timeout(DONE_SECONDS_MAX):
        while not condition():
            await asyncio.sleep(0.001)


async def act(world: World, everybody: list[Listener], step: Any) -> None:
    what, who, many = step
    match what:
        case "write":
            number = len(world.written[who])
            await world.write(*(f"{who} {number + more}" for more in range(many)), log=who)
        case "write elsewhere":
            await world.write(*["not yours"] * many, log=who, workspace=NEIGHBOUR)
        case "connect":
            everybody[who].cut()
            await everybody[who].connect()
        case "cut":
            everybody[who].cut()
        case "stop reading":
            everybody[who].stop_reading()
        case "read on":
            everybody[who].read_on()
        case _:
            for _ in range(who):
                await asyncio.sleep(0)


async def live_through(story: list[Any]) -> None:
    world = World()
    everybody = [Listener(world) for _ in range(LISTENERS)]
    async with world.open():
        for step in story:
            await act(world, everybody, step)
        for listener in everybody:
            listener.read_on()
            if listener.closed:
                listener.cut()
                await listener.connect()
        await world.write("last")
        await until(lambda: all("last" in listener.texts() for listener in everybody))
        await until(
            lambda: all(len(listener.events) >= sum(map(len, world.written.values())) for listener in everybody)
        )
        for listener in everybody:
            for log, texts in world.written.items():
                assert listener.texts(log) == texts
            listener.cut()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=40))
def test_nothing_is_missed_and_nothing_comes_twice_whatever_happens_to_connections(story: list[Any]) -> None:
    asyncio.run(live_through(story))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=40))
def test_nor_when_little_is_kept_at_hand_and_others_come_while_one_is_written_to(
    story: list[Any],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sigdep.gateway.live.recent.RECENT_EVENTS_MAX", 2)
        patch.setattr("sigdep.gateway.live.rooms.BATCH_EVENTS_MAX", 2)
        patch.setattr(room_module, "BATCH_EVENTS_MAX", 3)
        patch.setattr(room_module, "AUDIENCE_PART", 1)
        patch.setattr("sigdep.gateway.feed_tail.KEPT_EVENTS_MAX", 3)
        asyncio.run(live_through(story))


@given(st.lists(st.binary(max_size=300) | st.sampled_from([b"x" * 65_535, b"x" * 65_536]), max_size=5))
def test_frames_hold_what_was_put_into_them(written: list[bytes]) -> None:
    assert payloads(b"".join(map(text_frame, written))) == written


def test_who_is_ahead_of_the_room_is_never_told_a_position_that_lies_behind() -> None:
    def at(notes: int, users: int) -> FeedPosition:
        return FeedPosition(partition_of(WORKSPACE), {"notes": Position(notes), "users": Position(users)})

    event = CloudEvent(id="1", source="/contexts/notes", type="t", time=utc_now(), data={"text": "a"})
    old, new = (Entry(place, event, event_frame(place, event)) for place in (at(1, 5), at(2, 5)))
    listener = Listener(World())
    listener.closed = False
    subscription = Subscription(WORKSPACE, USER, listener, presence=False)
    assert subscription.take([old, new], at(1, 9)) == 1
    assert [message["position"] for message in listener.messages] == [encode_feed_position(at(2, 9))]


async def test_who_comes_back_late_hears_all_of_it_though_it_is_not_kept_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sigdep.gateway.live.recent.RECENT_EVENTS_MAX", 5)
    world = World()
    async with world.open():
        stays, comes_back = Listener(world), Listener(world)
        await stays.connect()
        await comes_back.connect()
        await world.write("a")
        await until(lambda: comes_back.texts() == ["a"])
        comes_back.cut()
        await world.write(*map(str, range(20)))
        await until(lambda: len(stays.texts()) == 21)
        await comes_back.connect()
        await world.write("b")
        await until(lambda: "b" in comes_back.texts())
        assert comes_back.texts() == world.written["notes"]


async def test_who_begins_after_a_write_of_theirs_hears_what_comes_after_it_once() -> None:
    """The position of a write is ahead of what the others in the room have heard, in one log or in both."""
    world = World()
    first, second = Listener(world), Listener(world)
    async with world.open():
        await first.connect()
        for number in range(40):
            mine = await world.write(f"mine {number}", log="notes" if number % 2 else "users")
            await second.connect(from_=mine)
            await until(lambda number=number: len(second.of_kind("subscribed")) == number + 1)
            await world.write(f"after {number}", log="users")
            await until(lambda number=number: f"after {number}" in second.texts())
            heard = second.texts()
            assert f"mine {number}" not in heard
            assert heard.count(f"after {number}") == 1
            position = second.position
            second.cut()
            # What it was told as its position holds also for what it had passed by itself.
            again = Listener(world)
            await again.connect(from_=position)
            await world.write(f"then {number}")
            await until(lambda number=number, again=again: f"then {number}" in again.texts())
            assert again.texts() == [f"then {number}"]
            again.cut()
        first.cut()


async def test_a_position_past_the_end_of_a_restored_log_goes_on_at_its_end() -> None:
    world, longer = World(), World()
    async with longer.open():
        await longer.write(*map(str, range(20)))
        beyond = await longer.write("beyond")
    async with world.open():
        other, listener = Listener(world), Listener(world)
        await world.write("a", "b")
        await other.connect()
        await until(lambda: other.texts() == ["a", "b"])
        await listener.connect(from_=beyond)
        await until(lambda: listener.of_kind("subscribed"))
        await asyncio.sleep(0.05)
        await world.write("c")
        await until(lambda: listener.texts() == ["c"])


async def test_who_comes_back_after_a_moment_does_not_make_us_read_the_log() -> None:
    world = World()
    async with world.open() as hub:
        stays, comes_back = Listener(world), Listener(world)
        await stays.connect()
        await comes_back.connect()
        await world.write("a")
        await until(lambda: comes_back.texts() == ["a"])
        read = hub.counts.catch_ups
        comes_back.cut()
        await world.write(*map(str, range(100)))
        await until(lambda: len(stays.texts()) == 101)
        await comes_back.connect()
        await until(lambda: comes_back.texts() == stays.texts())
        assert hub.counts.catch_ups == read


async def test_who_was_told_an_event_before_the_store_counted_it_is_not_told_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    async with world.open():
        call = Call(asked_at=utc_now(), command_id=CommandId(new_id()))
        await world.write("a")
        before = await world.logs["notes"].heads()
        await world.write("b")
        told = await world.feed.read(WORKSPACE, None, 10, call)

        async def heads() -> Positions:
            return before

        monkeypatch.setattr(world.logs["notes"], "heads", heads)
        again = await world.feed.read(WORKSPACE, told.next, 10, call)
        assert (len(told.events), again.events, again.next) == (2, [], told.next)
