"""Appends without end and prints what has been acknowledged: for the test that kills it.

Usage: python writing_process.py <log> <keys>; each line is `<partition> <position> <stream> <stream>`.
"""

import asyncio
import os
import sys
from pathlib import Path

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.kernel.codec import Codec
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteFiled, appending, new_stream, workspace_in, write, written

WRITERS = 8


async def main(log: Path, keys: Path) -> None:
    ring = await SqliteKeyRing.open(keys, b"k" * 32)
    store = await SqliteEventStore.open(log, Codec(SAMPLE_EVENTS, ring))
    workspaces = [workspace_in(number % 4) for number in range(WRITERS)]

    async def write_for_ever(number: int) -> None:
        workspace = workspaces[number]
        while True:
            stream, other = new_stream(), new_stream()
            appended = await store.append(
                appending(
                    workspace,
                    write(workspace, stream, NoteFiled(text="a"), *written("b")),
                    write(workspace, other, *written("c")),
                )
            )
            os.write(1, f"{appended.partition} {appended.position} {stream} {other}\n".encode())

    await asyncio.gather(*(write_for_ever(number) for number in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
