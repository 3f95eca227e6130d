"""What is lost with a connection or a server is never what was acknowledged, and nothing is stored twice."""

import asyncio
import os
import random
from collections.abc import AsyncIterator

import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres import appender, connecting
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition
from sigdep.kernel.store import AlreadyAnswered
from sigdep.testing.event_store_setup import everything
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteFiled,
    answering,
    appending,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
)
from sigdep.testing.servers import PostgreSQL
from tests.adapters.postgres.proxy import Cut, Proxy, proxied

CRASHES = 50 if os.environ.get("SIGDEP_LONG") == "1" else 3
CUTS = 500 if os.environ.get("SIGDEP_LONG") == "1" else 30


@pytest.fixture
async def proxied_store(postgresql_shared_dsn: str, schema: str) -> AsyncIterator[tuple[Proxy, PostgresEventStore]]:
    """A store that reaches its database through a proxy."""
    async with proxied(postgresql_shared_dsn) as (proxy, dsn):
        store = await PostgresEventStore.open(dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema=schema)
        yield proxy, store
        await store.close()


@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_an_append_whose_connection_is_cut_is_stored_once(
    proxied_store: tuple[Proxy, PostgresEventStore], lost: Cut
) -> None:
    proxy, store = proxied_store
    workspace, stream = new_workspace(), new_stream()
    await store.append(writing(workspace, new_stream(), "connects"))
    proxy.cut(lost, after=stream.encode())
    appended = await store.append(appending(workspace, write(workspace, stream, NoteFiled(text="a"))))
    assert proxy.cuts == 1
    assert (appended.position, appended.numbers, appended.repeated) == (2, (1,), lost == "answer")
    assert [recorded.stream for recorded in await everything(store)][1:] == [stream]


async def test_an_answer_kept_when_the_connection_was_cut_is_found_again(
    proxied_store: tuple[Proxy, PostgresEventStore],
) -> None:
    proxy, store = proxied_store
    workspace = new_workspace()
    await store.append(writing(workspace, new_stream(), "connects"))
    key = answering(workspace, "the-key-of-the-cut", answer=b"a")
    proxy.cut("answer", after=b"the-key-of-the-cut")
    with pytest.raises(AlreadyAnswered) as refusal:
        await store.append(appending(workspace, answer=key))
    assert (proxy.cuts, refusal.value.kept.answer) == (1, b"a")


async def test_appends_under_constant_cuts_are_all_stored_once(
    proxied_store: tuple[Proxy, PostgresEventStore],
) -> None:
    proxy, store = proxied_store
    workspaces, chance, acknowledged = [workspace_in(number) for number in range(4)], random.Random(1), 0
    stored, finished = asyncio.Event(), asyncio.Event()

    async def cut() -> None:
        while proxy.cuts < CUTS:
            stored.clear()
            await stored.wait()  # Else the same batch would be cut for ever.
            proxy.cut(chance.choice(("request", "answer")), after=b"note-")
        finished.set()

    async def append() -> None:
        nonlocal acknowledged
        while not finished.is_set():
            await store.append(writing(chance.choice(workspaces), new_stream(), "a", "b"))
            acknowledged += 2
            stored.set()

    await asyncio.gather(cut(), *(append() for _ in range(16)))
    assert len(await everything(store)) == acknowledged
    for number in range(4):
        assert not (await store.verify(Partition(number))).faults


async def test_what_was_acknowledged_survives_crashes_of_the_server(
    postgresql_server: PostgreSQL, postgresql_shared_dsn: str, schema: str
) -> None:
    store = await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema=schema)
    workspaces = [workspace_in(number) for number in range(4)]
    acknowledged, goal, enough, finished = 0, 0, asyncio.Event(), asyncio.Event()

    async def append() -> None:
        nonlocal acknowledged
        while not finished.is_set():
            await store.append(writing(random.choice(workspaces), new_stream(), "a"))
            acknowledged += 1
            if acknowledged >= goal:
                enough.set()

    appends = [asyncio.create_task(append()) for _ in range(16)]
    for _ in range(CRASHES):
        enough.clear()
        goal = acknowledged + 100
        await enough.wait()
        await asyncio.to_thread(postgresql_server.crash)
        await asyncio.to_thread(postgresql_server.start)
    finished.set()
    await asyncio.gather(*appends)
    assert len(await everything(store)) == acknowledged == sum((await store.heads()).values())
    for number in range(4):
        assert not (await store.verify(Partition(number))).faults
    await store.close()


async def test_a_database_that_stays_away_is_given_up_and_found_again(
    postgresql_server: PostgreSQL, postgresql_shared_dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "AWAY_SECONDS_MAX", 0.3)
    store = await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema=schema)
    workspace = new_workspace()
    await store.append(writing(workspace, new_stream(), "a"))
    await asyncio.to_thread(postgresql_server.crash)
    appends = [writing(workspace, new_stream(), "b") for _ in range(5)]
    try:
        outcomes = await asyncio.gather(*(store.append(append) for append in appends), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Unavailable)] == []
        with pytest.raises(Unavailable, match="database"):
            await store.heads()
    finally:
        await asyncio.to_thread(postgresql_server.start)
    await asyncio.gather(*(store.append(append) for append in appends))
    assert len(await everything(store)) == 6
    await store.close()


async def test_a_server_that_says_nothing_is_given_up_in_time(
    proxied_store: tuple[Proxy, PostgresEventStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, store = proxied_store
    monkeypatch.setattr(connecting, "AWAY_SECONDS_MAX", 0.3)
    monkeypatch.setattr(connecting, "CONNECT_SECONDS_MAX", 0.2)
    monkeypatch.setattr(appender, "COMMAND_SECONDS_MAX", 0.2)
    workspace = new_workspace()
    proxy.hangs = True
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await store.append(writing(workspace, new_stream(), "a"))
    assert asyncio.get_running_loop().time() - begun < 5
    proxy.hangs = False
    monkeypatch.undo()  # A busy machine may need longer than this to connect.
    assert (await store.append(writing(workspace, new_stream(), "a"))).position == 1


async def test_a_follower_goes_on_after_a_crash(
    postgresql_server: PostgreSQL, postgresql_shared_dsn: str, schema: str
) -> None:
    store = await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, MemoryKeyRing()), schema=schema)
    workspace, following = workspace_in(1), store.follow({})
    await store.append(writing(workspace, new_stream(), "a"))
    assert len(await anext(following)) == 1
    await asyncio.to_thread(postgresql_server.crash)
    await asyncio.to_thread(postgresql_server.start)
    await store.append(writing(workspace, new_stream(), "b"))
    assert [recorded.position for recorded in await asyncio.wait_for(anext(following), 10)] == [2]
    await store.close()
