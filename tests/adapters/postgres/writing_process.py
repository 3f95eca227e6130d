"""A process that appends to a log and prints a line for each append that was acknowledged. Run by tests."""

import asyncio
import random
import sys
from uuid import UUID

from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import WorkspaceId
from sigdep.kernel.store import AlreadyAnswered
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteFiled,
    answering,
    appending,
    new_stream,
    workspace_in,
    write,
    writing,
)

WRAPPING_KEY = bytes(32)
WRITERS = 16
CALLER = UUID(int=1)
KEYS = 200
"""Idempotency keys that all processes draw from."""


async def main(dsn: str, schema: str, partitions: int, appends: int) -> None:
    ring = await PostgresKeyRing.open(dsn, WRAPPING_KEY, schema=f"{schema}_keys")
    store = await PostgresEventStore.open(dsn, Codec(SAMPLE_EVENTS, ring), schema=schema)
    workspaces = [workspace_in(number) for number in range(partitions)]
    try:
        await asyncio.gather(*(_write(store, workspaces, appends) for _ in range(WRITERS)))
    finally:
        await store.close()
        await ring.close()


async def _write(store: PostgresEventStore, workspaces: list[WorkspaceId], appends: int) -> None:
    for number in range(appends):
        workspace, stream = random.choice(workspaces), new_stream()
        if number % 4:
            append = writing(workspace, stream, "a", "b")
        else:
            # The same few keys of one caller in whatever partition: processes race for them.
            key = answering(CALLER, f"key {random.randrange(KEYS)}")
            append = appending(workspace, write(workspace, stream, NoteFiled(text="c")), answer=key)
        try:
            appended = await store.append(append)
        except AlreadyAnswered:
            continue
        sys.stdout.write(f"{appended.partition} {appended.position} {stream}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
