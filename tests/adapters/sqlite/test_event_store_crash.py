"""kill -9 of a writing process, again and again on one log: nothing acknowledged is lost, nothing is half there."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import Partition, Position, WorkspaceId
from sigdep.kernel.store import RecordedEvent
from sigdep.testing.event_store_setup import everything
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteFiled

ROUNDS = 50 if os.environ.get("SIGDEP_LONG") == "1" else 10
Acknowledged = tuple[Partition, Position, str, str]
"""Where an append's last event stands, and the streams of its events."""

WRITER = Path(__file__).with_name("writing_process.py")


def write_and_be_killed(log: Path, keys: Path) -> list[Acknowledged]:
    """What a process had acknowledged when it was killed in the middle of its work."""
    process = subprocess.Popen([sys.executable, WRITER, log, keys], stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = [process.stdout.readline()]  # Wait until it is at work.
    reading = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
    reading.start()
    time.sleep(random.uniform(0.02, 0.3))
    process.kill()
    process.wait()
    reading.join()
    process.stdout.close()
    complete = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return [
        (Partition(int(partition)), Position(int(position)), stream, other)
        for partition, position, stream, other in complete
    ]


async def test_a_killed_writer_loses_nothing_that_it_has_acknowledged(tmp_path: Path) -> None:
    log, keys = tmp_path / "log.db", tmp_path / "keys.db"
    acknowledged: list[Acknowledged] = []
    for _ in range(ROUNDS):
        killed = write_and_be_killed(log, keys)
        assert killed
        acknowledged += killed
        ring = await SqliteKeyRing.open(keys, b"k" * 32)
        store = await SqliteEventStore.open(log, Codec(SAMPLE_EVENTS, ring))
        stored = {(recorded.partition, recorded.position): recorded for recorded in await everything(store)}
        for partition, position, stream, other in acknowledged:
            streams = [stored[partition, Position(place)].stream for place in range(position - 2, position + 1)]
            assert streams == [stream, stream, other]
        heads = await store.heads()
        assert len(stored) == sum(heads.values())
        for partition, head in heads.items():
            assert head % 3 == 0  # Each append is there with all of its three events, or not at all.
            report = await store.verify(partition)
            assert (report.events, list(report.faults)) == (head, [])
        assert_numbers_without_gap(stored.values())
        await store.close()
        await ring.close()


def assert_numbers_without_gap(events: Iterable[RecordedEvent]) -> None:
    numbers: dict[WorkspaceId, list[int]] = {}
    for recorded in events:
        if isinstance(recorded.event, NoteFiled):
            numbers.setdefault(recorded.workspace, []).append(recorded.event.number)
    for of_workspace in numbers.values():
        assert of_workspace == list(range(1, len(of_workspace) + 1))
