"""Rebuilds the read model of tasks in small batches and says how far it is: for the test that kills it.

Usage: python rebuilding_process.py <log> <keys> <read store>; each line is the number of events projected, the last
one `switched`.
"""

import asyncio
import os
import sys
from pathlib import Path

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.codec import Codec
from sigdep.services.projecting import tables_of
from sigdep.services.rebuilding import begin, fill
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.read_models.model import TasksReadModel

BATCH_EVENTS = 300


async def main(log: Path, keys: Path, views: Path) -> None:
    ring = await SqliteKeyRing.open(keys, b"k" * 32)
    store = await SqliteEventStore.open(log, Codec(EVENTS, ring), read_only=True)
    read_store, read_model = await SqliteReadStore.open(views), TasksReadModel()
    build = await begin(store, read_store, read_model)
    await fill(
        build, store, lambda progress: (os.write(1, b"%d\n" % progress.done), None)[1], batch_events=BATCH_EVENTS
    )
    await read_store.switch(build.model, tables_of(read_model))
    os.write(1, b"switched\n")


if __name__ == "__main__":
    asyncio.run(main(*map(Path, sys.argv[1:])))
