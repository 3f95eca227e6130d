"""A process that serves `tasks.write` over a log in a folder, until it is killed.

    python -m tests.rpc.serving_process FOLDER PORT

Writes its port once it serves.
"""

import asyncio
import sys
from pathlib import Path

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.kernel.codec import Codec
from sigdep.rpc.server import RpcServer
from sigdep.tasks.contract import WRITE
from sigdep.tasks.events.stored import EVENTS
from sigdep.tasks.write_service import TasksWrite
from tests.tasks.write_side import Roster, Shelf

WRAPPING_KEY = b"e" * 32


async def open_log(folder: Path) -> SqliteEventStore:
    keys = await SqliteKeyRing.open(folder / "keys.db", WRAPPING_KEY)
    return await SqliteEventStore.open(folder / "tasks.log.db", Codec(EVENTS, keys))


async def main(folder: Path, port: int) -> None:
    log = await open_log(folder)
    server = RpcServer({WRITE: TasksWrite(log, members=Roster({}), neighbours=Shelf(), alone=True)})
    sys.stdout.write(f"{await server.start(f'127.0.0.1:{port}')}\n")
    sys.stdout.flush()
    await server.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
