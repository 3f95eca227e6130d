"""The file of the event store: one writer, known schemas, nothing of the past changed, no question that scans it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sigdep.adapters.sqlite import event_memory, event_reader
from sigdep.adapters.sqlite.database import TooNew
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.event_transaction import UNPLACED_MAX
from sigdep.adapters.sqlite.file_lock import InUse
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import LogDamaged, Unavailable, WrongExpectedVersion
from sigdep.kernel.ids import Partition, Position
from sigdep.testing.event_store_setup import everything, outcome
from sigdep.testing.sample_events import (
    answering,
    appending,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
    written,
)

HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from sigdep.adapters.sqlite.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


async def test_a_second_process_is_refused_with_a_sentence_and_let_in_when_the_first_has_died(
    log_path: Path, codec: Codec
) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD_THE_LOCK, str(log_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InUse, match=rf"log\.db is in use by another process \({holder.pid}\)\. Stop it first"):
            await SqliteEventStore.open(log_path, codec)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()
    await (await SqliteEventStore.open(log_path, codec)).close()


async def test_so_is_a_second_store_in_this_process(log: SqliteEventStore, log_path: Path, codec: Codec) -> None:
    with pytest.raises(InUse):
        await SqliteEventStore.open(log_path, codec)
    reader = await SqliteEventStore.open(log_path, codec, read_only=True)
    with pytest.raises(Unavailable, match="read only"):
        await reader.append(writing(new_workspace(), new_stream(), "a"))
    await reader.close()


async def test_a_reader_needs_a_log(log_path: Path, codec: Codec) -> None:
    with pytest.raises(Unavailable, match=r"Opening .*log\.db failed"):
        await SqliteEventStore.open(log_path, codec, read_only=True)
    assert not log_path.exists()


async def test_a_log_of_a_later_release_is_refused_and_left_alone(log_path: Path, codec: Codec) -> None:
    await (await SqliteEventStore.open(log_path, codec)).close()
    with closing(sqlite3.connect(log_path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = log_path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(TooNew, match=r"written by a later release of SigDep .its schema is 99"):
            await SqliteEventStore.open(log_path, codec, read_only=read_only)
    assert log_path.read_bytes() == before


async def test_what_is_no_database_is_refused(log_path: Path, codec: Codec) -> None:
    log_path.write_bytes(b"This is a letter to my grandmother. " * 200)
    with pytest.raises(LogDamaged, match="the file is damaged"):
        await SqliteEventStore.open(log_path, codec)
    log_path.unlink()
    await (await SqliteEventStore.open(log_path, codec)).close()  # The failure has left no lock behind.


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path, codec: Codec) -> None:
    with pytest.raises(Unavailable, match=r"log.db.lock cannot be made: No such file"):
        await SqliteEventStore.open(tmp_path / "nowhere" / "log.db", codec)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO event SELECT * FROM event WHERE id = 1",
        "INSERT OR REPLACE INTO event SELECT id + 5000, partition, position + 5000, recorded_us, workspace, stream, "
        "version, command_id, type, schema_version, payload, metadata, subject, number, link FROM event WHERE id = 1",
        "UPDATE head SET position = position - 1",
        "UPDATE head SET link = zeroblob(32)",
        "DELETE FROM head",
        "UPDATE OR REPLACE event SET id = 2 WHERE id = 1",
        "DELETE FROM place",
        "UPDATE place SET id = 1",
    ],
)
async def test_no_other_way_round_the_guards(log: SqliteEventStore, log_path: Path, statement: str) -> None:
    workspace = workspace_in(3)
    for _ in range(3):
        await log.append(writing(workspace, new_stream(), *(["a"] * UNPLACED_MAX)))
    with (
        closing(sqlite3.connect(log_path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)
    assert len(await everything(log)) == 3 * UNPLACED_MAX
    assert not (await log.verify(Partition(3))).faults


async def test_what_must_survive_a_power_cut_is_synced(log: SqliteEventStore) -> None:
    assert log._writer is not None
    [(synchronous,)] = log._writer._connection.execute("PRAGMA synchronous")
    [(journal_mode,)] = log._writer._connection.execute("PRAGMA journal_mode")
    assert (synchronous, journal_mode) == (2, "wal")  # FULL


@pytest.mark.parametrize(
    "statement, values",
    [
        (event_reader._READ_STREAM, ("s", 0, 1, 10)),
        (event_reader._READ_LOG, (5, 10)),
        (event_reader._READ_PARTITION, {"partition": 1, "after": 0, "until": 10}),
        (event_reader._READ_ANSWER, (b"", "k", 0)),
        (event_memory._FIND_VERSIONS.format("(?),(?)"), ("s", "t")),
        (event_memory._FIND_NUMBERS.format("(?),(?)"), (b"s", b"t")),
        (event_memory._FIND_ANSWERS.format("(?,?),(?,?)"), (b"s", "k", b"t", "k")),
        (event_memory._FIND_PLACES, ("s", 0, 1)),
        (event_memory._FIND_UNPLACED, ()),
    ],
)
async def test_no_question_looks_through_a_whole_table(
    log: SqliteEventStore, log_path: Path, statement: str, values: object
) -> None:
    with closing(sqlite3.connect(log_path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]  # type: ignore[arg-type]
    # A question may go through what it asks for itself, and through `placed`, which is one row.
    assert not set(plan) & {f"SCAN {table}" for table in ("event", "place", "answer", "workspace_number", "snapshot")}


async def test_a_stream_that_exists_is_no_new_one_after_a_restart(log_path: Path, codec: Codec) -> None:
    """A new stream is taken for new without looking; here that is wrong, for one of many in a commit."""
    workspace, existing = new_workspace(), new_stream()
    first = await SqliteEventStore.open(log_path, codec)
    await first.append(writing(workspace, existing, "a", "b"))
    await first.close()
    again = await SqliteEventStore.open(log_path, codec)
    results = await asyncio.gather(
        *(outcome(again, writing(workspace, stream, "c")) for stream in (new_stream(), existing, new_stream()))
    )
    assert [type(result).__name__ for result in results] == ["Appended", "WrongExpectedVersion", "Appended"]
    assert isinstance(results[1], WrongExpectedVersion)
    assert results[1].actual == 2
    assert [recorded.position for recorded in await everything(again)] == [1, 2, 3, 4]
    await again.close()


async def test_a_repeat_is_known_after_a_restart_whatever_else_would_refuse_it(log_path: Path, codec: Codec) -> None:
    """By a used key, by a guard that has moved; alone, and among others."""
    workspace, guarded = new_workspace(), new_stream()
    keyed = appending(workspace, write(workspace, new_stream(), *written("a")), answer=answering(new_workspace()))
    guarding = appending(workspace, write(workspace, new_stream(), *written("b")), unchanged={guarded: 0})
    first = await SqliteEventStore.open(log_path, codec)
    stored = [await first.append(append) for append in (keyed, guarding)]
    await first.append(writing(workspace, guarded, "moved"))
    await first.close()
    for batch in ([keyed], [guarding], [writing(workspace, new_stream(), "new"), keyed, guarding]):
        again = await SqliteEventStore.open(log_path, codec)
        results = await asyncio.gather(*(again.append(append) for append in batch))
        for append, result in zip(batch, results, strict=True):
            assert result.repeated == (append in (keyed, guarding))
        await again.close()
    assert [appended.position for appended in stored] == [1, 2]


async def test_events_are_found_whether_they_are_placed_yet_or_not(log_path: Path, codec: Codec) -> None:
    """Around each number where a run of places is written, read from everywhere, before and after a restart."""
    workspaces = [workspace_in(number) for number in (1, 2)]
    store = await SqliteEventStore.open(log_path, codec)
    for number in range(2 * UNPLACED_MAX // 3 + 3):
        await store.append(writing(workspaces[0], new_stream(), "a", "b"))
        await store.append(writing(workspaces[1], new_stream(), "c"))
        if (3 * number) % UNPLACED_MAX not in (0, 1, 2, UNPLACED_MAX - 2, UNPLACED_MAX - 1):
            continue
        await store.close()
        store = await SqliteEventStore.open(log_path, codec)
        head, other = 2 * number + 2, number + 1
        for after in (0, 1, head // 2, head - 1, head):
            rest = await everything(store, {Partition(1): Position(after), Partition(2): Position(other)})
            assert [recorded.position for recorded in rest] == list(range(after + 1, head + 1))
        report = await store.verify(Partition(1))
        assert (report.events, list(report.faults)) == (head, [])
    await store.close()


async def test_nothing_is_remembered_beyond_its_limit_and_nothing_gets_wrong_by_forgetting(
    log: SqliteEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_memory, "VERSIONS_REMEMBERED", 10)
    monkeypatch.setattr(event_memory, "NUMBERS_REMEMBERED", 10)
    workspace, streams = new_workspace(), [new_stream() for _ in range(40)]
    for version in range(3):
        for stream in streams:
            await log.append(writing(workspace, stream, "a", expected=version))
    assert log._writer is not None
    assert len(log._writer._memory._versions) <= 10
    assert {(await log.read(stream)).version for stream in streams} == {3}


async def test_a_closed_log_is_one_file(log_path: Path, codec: Codec) -> None:
    store = await SqliteEventStore.open(log_path, codec)
    await store.append(writing(new_workspace(), new_stream(), "a"))
    await store.close()
    assert sorted(place.name for place in log_path.parent.iterdir()) == ["log.db", "log.db.lock"]


async def test_the_lock_is_let_go_of_when_the_store_is_closed(log_path: Path, codec: Codec) -> None:
    for _ in range(3):
        store = await SqliteEventStore.open(log_path, codec)
        await store.close()
        await store.close()
    assert (log_path.parent / "log.db.lock").read_text() == str(os.getpid())
