"""Who follows the log on PostgreSQL is told by it, and asks no more often than there is something to read."""

import asyncio
from collections.abc import Sequence

import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.reader import Reader
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import Positions
from sigdep.testing.event_store_setup import WAIT_SECONDS
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing

APPENDS = 20
OTHER_LOOKS_MAX = 10
"""One or two at the beginning; on a slow machine some by the clock."""


async def test_a_follower_asks_once_for_each_append(
    postgresql_shared_dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Positions] = []
    next_rows = Reader.next_rows

    async def watched(reader: Reader, after: Positions, limit: int) -> Sequence[StoredRow]:
        asked.append(after)
        return await next_rows(reader, after, limit)

    monkeypatch.setattr(Reader, "next_rows", watched)
    codec, workspace = Codec(SAMPLE_EVENTS, MemoryKeyRing()), new_workspace()
    store = await PostgresEventStore.open(postgresql_shared_dsn, codec, schema=schema)
    following = store.follow({})
    for _ in range(APPENDS):
        waiting = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.01)  # It comes to rest.
        await store.append(writing(workspace, new_stream(), "a"))
        assert len(await asyncio.wait_for(waiting, WAIT_SECONDS)) == 1
    await store.close()
    assert len(asked) <= APPENDS + OTHER_LOOKS_MAX
