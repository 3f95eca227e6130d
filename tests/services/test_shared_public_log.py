"""One who follows a public log for several: each hears all of it, at its own pace, and the log is read once."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Final

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.public_log import EVERY_TYPE, PublicBatch, PublicLog
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.store import EventStore
from sigdep.services import shared_public_log
from sigdep.services.published_log import PublishedLog
from sigdep.services.shared_public_log import SharedPublicLog
from sigdep.testing.public_log import hear, publish_notes, texts
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, workspace_in, writing

WAIT_SECONDS: Final = 10.0


class Followed:
    """A public log that says how often it is followed, and may be taken away."""

    def __init__(self, log: EventStore) -> None:
        self._published = PublishedLog(log, publish_notes)
        self.followers: list[Positions] = []
        self.at_once = 0
        self.away = asyncio.Event()

    async def follow(self, after: Positions, types: Collection[str] = EVERY_TYPE) -> AsyncGenerator[PublicBatch, None]:
        self.followers.append(dict(after))
        self.at_once += 1
        try:
            async with aclosing(self._published.follow(after, types)) as batches:
                async for batch in batches:
                    yield batch
                    if self.away.is_set():
                        raise Unavailable("The log is away.")
        finally:
            self.at_once -= 1


@pytest.fixture
def log() -> EventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))


async def write(log: EventStore, *notes: str) -> None:
    for number, text in enumerate(notes):
        await log.append(writing(workspace_in(number % 3), new_stream(), text))


async def listen(shared: PublicLog, after: Positions, wanted: int, pause: float = 0.0) -> list[str]:
    heard: list[str] = []
    async with asyncio.timeout(WAIT_SECONDS), aclosing(shared.follow(after)) as batches:
        async for batch in batches:
            heard += texts([batch])
            if len(heard) >= wanted:
                return heard
            await asyncio.sleep(pause)
    return heard


async def until(condition: object) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.001)


async def test_the_log_is_followed_once_for_all_and_not_at_all_when_nobody_listens(log: EventStore) -> None:
    followed = Followed(log)
    shared = SharedPublicLog(followed)
    listeners = [asyncio.create_task(listen(shared, {}, 40)) for _ in range(4)]
    for number in range(40):
        await write(log, str(number))
    assert [await listener for listener in listeners] == [[str(number) for number in range(40)]] * 4
    assert followed.followers == [{}]
    await until(lambda: followed.at_once == 0)


async def test_whoever_is_behind_follows_alone_until_they_have_caught_up(log: EventStore) -> None:
    followed = Followed(log)
    shared = SharedPublicLog(followed)
    await write(log, "a", "b", "c")
    now = await log.heads()
    ahead = asyncio.create_task(listen(shared, now, 6))
    await until(lambda: followed.at_once == 1)
    behind = asyncio.create_task(listen(shared, {}, 9))
    await until(lambda: len(followed.followers) == 2)
    await until(lambda: followed.at_once == 1)
    for text in "defghi":
        await write(log, text)
    assert sorted(await behind) == list("abcdefghi")
    assert sorted(await ahead) == list("defghi")
    assert followed.followers == [now, {}]


async def test_who_is_ahead_of_the_others_hears_nothing_twice(log: EventStore) -> None:
    shared = SharedPublicLog(Followed(log))
    await write(log, *"abcdef")
    slow = asyncio.create_task(listen(shared, {}, 7))
    ahead = asyncio.create_task(listen(shared, await log.heads(), 1))
    await asyncio.sleep(0.05)
    await write(log, "new")
    assert await ahead == ["new"]
    assert sorted(await slow) == ["a", "b", "c", "d", "e", "f", "new"]


async def test_who_is_slow_keeps_nobody_waiting_and_misses_nothing(
    log: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_public_log, "KEPT_SECONDS", 0.05)
    monkeypatch.setattr(shared_public_log, "KEPT_EVENTS_MAX", 3)
    followed = Followed(log)
    shared = SharedPublicLog(followed)
    wanted = [str(number) for number in range(30)]
    quick = asyncio.create_task(listen(shared, {}, 30))
    slow = asyncio.create_task(listen(shared, {}, 30, pause=0.12))
    for text in wanted:
        await write(log, text)
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(quick, 3) == wanted
    assert await slow == wanted
    assert len(followed.followers) > 1


async def test_an_outage_reaches_all_and_all_go_on_from_where_they_were(log: EventStore) -> None:
    followed = Followed(log)
    shared = SharedPublicLog(followed)
    places: list[Positions] = []

    async def listen_until_away() -> None:
        place: dict[Partition, Position] = {}
        try:
            async for batch in shared.follow({}):
                place |= batch.reached
        except Unavailable:
            places.append(place)

    listeners = [asyncio.create_task(listen_until_away()) for _ in range(3)]
    await write(log, "a", "b")
    await asyncio.sleep(0.05)
    followed.away.set()
    await write(log, "c")
    await asyncio.wait_for(asyncio.gather(*listeners), WAIT_SECONDS)
    followed.away.clear()
    await write(log, "d")
    assert len(places) == len(listeners)
    for place in places:
        assert sorted(texts(await hear(shared, 1, place, EVERY_TYPE))) == ["d"]


async def test_all_end_with_the_log(log: EventStore) -> None:
    shared = SharedPublicLog(Followed(log))
    listeners = [asyncio.create_task(listen(shared, {}, 100)) for _ in range(3)]
    await write(log, "a")
    await asyncio.sleep(0.05)
    await log.close()
    assert [await listener for listener in listeners] == [["a"]] * 3
