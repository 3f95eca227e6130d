"""When something goes wrong while the log is written: the guilty fail, the others are stored, nothing is half done."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from sigdep.adapters.sqlite import event_writer
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import SigdepError, Unavailable
from sigdep.kernel.ids import Partition, SubjectId, Version
from sigdep.kernel.store import ANSWERS_KEPT_HOURS, Append, Appended, Snapshot
from sigdep.testing.event_store_setup import everything, in_order
from sigdep.testing.sample_events import (
    NoteFiled,
    answering,
    appending,
    new_stream,
    new_workspace,
    workspace_in,
    write,
    writing,
)

PARTITION = Partition(5)


def connection_of(store: SqliteEventStore) -> sqlite3.Connection:
    assert store._writer is not None
    return store._writer._connection


async def results_of(store: SqliteEventStore, appends: Sequence[Append]) -> list[Appended | BaseException]:
    return await asyncio.gather(*(store.append(append) for append in appends), return_exceptions=True)


def limit_size(store: SqliteEventStore, more_pages: int) -> None:
    """As if the disk had room for so many more pages."""
    connection = connection_of(store)
    [(pages,)] = connection.execute("PRAGMA page_count")
    connection.execute(f"PRAGMA max_page_count={pages + more_pages}")


async def test_on_a_full_disk_what_fits_is_stored_and_the_rest_is_told(log: SqliteEventStore) -> None:
    workspace = workspace_in(PARTITION)
    await log.append(writing(workspace, new_stream(), "before"))
    limit_size(log, 40)
    appends = [writing(workspace, new_stream(), "small" if number != 7 else "x" * 500_000) for number in range(20)]
    results = await results_of(log, appends)
    assert [isinstance(result, Appended) for result in results] == [number != 7 for number in range(20)]
    assert isinstance(results[7], Unavailable)
    assert "the disk is full" in str(results[7])
    limit_size(log, 10_000)
    again = await log.append(appends[7])
    assert (again.position, again.repeated) == (21, False)
    assert len(await everything(log)) == 21
    assert not (await log.verify(PARTITION)).faults


async def test_a_disk_that_fills_up_slowly_loses_nothing_it_has_taken(log: SqliteEventStore) -> None:
    workspace, stored = workspace_in(PARTITION), 0
    limit_size(log, 30)
    for _ in range(20):
        results = await results_of(log, [writing(workspace, new_stream(), "x" * 2_000) for _ in range(10)])
        stored += sum(isinstance(result, Appended) for result in results)
        assert all(isinstance(result, Appended | Unavailable) for result in results)
    assert 10 < stored < 200
    assert len(await everything(log)) == stored
    report = await log.verify(PARTITION)
    assert (report.events, list(report.faults)) == (stored, [])


async def test_of_a_batch_only_what_cannot_be_stored_fails(log: SqliteEventStore) -> None:
    """A key that is no Unicode, and a version that is no 64-bit number: SQLite takes neither."""
    workspace = workspace_in(PARTITION)
    appends = [writing(workspace, new_stream(), "a") for _ in range(30)]
    appends[11] = appending(workspace, answer=answering(new_workspace(), "\ud800"))
    appends[23] = appending(workspace, write(workspace, new_stream(), NoteFiled(text="a")), unchanged={new_stream(): 0})
    appends[24] = writing(workspace, appends[0].writes[0].stream, "a", expected=2**70)
    results = await results_of(log, appends)
    failed = [number for number, result in enumerate(results) if not isinstance(result, Appended)]
    assert failed == [11, 24]
    assert len(await everything(log)) == 28
    assert not (await log.verify(PARTITION)).faults


async def test_numbers_of_what_failed_are_given_out_again(log: SqliteEventStore) -> None:
    workspace = workspace_in(PARTITION)

    def filing(key: str) -> Append:
        event = NoteFiled(text="a")
        return appending(workspace, write(workspace, new_stream(), event), answer=answering(new_workspace(), key))

    results = await results_of(log, [filing("k"), filing("\ud800"), filing("k")])
    assert [result.numbers for result in results if isinstance(result, Appended)] == [(1,), (2,)]
    assert (await log.append(filing("k"))).numbers == (3,)


class FailingConnection:
    """A connection whose COMMIT fails when it is told to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.commits_to_fail = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if statement == "COMMIT" and self.commits_to_fail:
            self.commits_to_fail -= 1
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, *values)  # type: ignore[arg-type]


async def test_a_commit_that_fails_once_is_tried_in_halves(
    log: SqliteEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_in(PARTITION)
    connection = FailingConnection(connection_of(log))
    monkeypatch.setattr(log._writer, "_connection", connection)
    connection.commits_to_fail = 1
    results = await results_of(log, [writing(workspace, new_stream(), "a") for _ in range(9)])
    assert all(isinstance(result, Appended) for result in results)
    connection.commits_to_fail = 1
    with pytest.raises(Unavailable, match="Writing to the log failed: disk I/O error"):
        await log.append(writing(workspace, new_stream(), "b"))
    await log.append(writing(workspace, new_stream(), "c"))
    assert [recorded.position for recorded in await everything(log)] == list(range(1, 11))
    assert not (await log.verify(PARTITION)).faults


async def test_somebody_else_who_writes_keeps_us_waiting_only_briefly(log: SqliteEventStore, log_path: Path) -> None:
    other = sqlite3.connect(log_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable, match="locked"):
        await log.append(writing(new_workspace(), new_stream(), "a"))
    assert asyncio.get_running_loop().time() - begun < 1
    other.execute("ROLLBACK")
    other.close()
    await log.append(writing(new_workspace(), new_stream(), "a"))


async def test_whoever_is_cancelled_holds_up_nobody(log: SqliteEventStore) -> None:
    workspace = new_workspace()
    tasks = [asyncio.create_task(log.append(writing(workspace, new_stream(), "a"))) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Appended) for result in results[1::2])
    assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
    await log.append(writing(workspace, new_stream(), "a"))


async def test_more_than_can_wait_is_refused_at_once(log: SqliteEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_writer, "WAITING_MAX", 5)
    workspace = new_workspace()
    results = await results_of(log, [writing(workspace, new_stream(), "a") for _ in range(20)])
    assert [type(result) for result in results] == [Appended] * 5 + [Unavailable] * 15
    assert "Try again soon" in str(results[-1])
    await log.append(writing(workspace, new_stream(), "a"))


async def test_more_bytes_than_can_wait_are_refused_too(log: SqliteEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_writer, "WAITING_BYTES_MAX", 10_000)
    workspace = new_workspace()
    results = await results_of(log, [writing(workspace, new_stream(), "x" * 4_000) for _ in range(5)])
    assert [type(result) for result in results] == [Appended] * 2 + [Unavailable] * 3
    await log.append(writing(workspace, new_stream(), "x" * 40_000))  # Alone, anything within the port's limits.


async def test_all_that_waits_shares_a_commit_of_any_partitions(log: SqliteEventStore) -> None:
    statements: list[str] = []
    connection_of(log).set_trace_callback(statements.append)
    await results_of(log, [writing(new_workspace(), new_stream(), "a") for _ in range(200)])
    assert statements.count("COMMIT") == 1
    assert len(set(statements)) < 25  # Each is told again for every row that a trigger looks at.


async def test_a_commit_is_bounded(log: SqliteEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_writer, "COMMIT_EVENTS_MAX", 10)
    monkeypatch.setattr(event_writer, "COMMIT_BYTES_MAX", 5_000)
    statements: list[str] = []
    connection_of(log).set_trace_callback(statements.append)
    workspace = new_workspace()
    await results_of(log, [writing(workspace, new_stream(), "a", "b") for _ in range(20)])
    assert statements.count("COMMIT") == 4
    statements.clear()
    await results_of(log, [writing(workspace, new_stream(), "x" * 2_000) for _ in range(9)])
    assert statements.count("COMMIT") == 3


async def test_recorded_at_never_goes_back_even_if_the_clock_does(
    log: SqliteEventStore, log_path: Path, codec: Codec
) -> None:
    now = [2_000_000_000_000_000]
    assert log._writer is not None
    log._writer._clock_us = lambda: now[0]
    workspace = workspace_in(PARTITION)
    for step in (0, -3_600_000_000, 1, 7_200_000_000, -1):
        now[0] += step
        appended = await log.append(writing(workspace, new_stream(), "a"))
        assert appended.recorded_at == (await everything(log))[-1].recorded_at
    assert in_order([recorded.recorded_at for recorded in await everything(log)])
    await log.close()
    again = await SqliteEventStore.open(log_path, codec)  # By the real clock it is years earlier.
    await again.append(writing(workspace, new_stream(), "a"))
    assert in_order([recorded.recorded_at for recorded in await everything(again)])
    assert not (await again.verify(PARTITION)).faults
    await again.close()


async def test_answers_are_kept_as_long_as_promised_and_then_cleared_bit_by_bit(log: SqliteEventStore) -> None:
    hour_us = 3_600_000_000
    now = [1_000 * hour_us]
    assert log._writer is not None
    log._writer._clock_us = lambda: now[0]
    caller, workspace = new_workspace(), new_workspace()

    async def keep(*keys: int) -> None:
        await results_of(log, [appending(workspace, answer=answering(caller, f"k{key}")) for key in keys])

    def stored() -> list[int]:
        with closing(sqlite3.connect(log._path)) as connection:
            return [int(key.removeprefix("k")) for (key,) in connection.execute("SELECT key FROM answer ORDER BY id")]

    await keep(*range(100))
    now[0] += ANSWERS_KEPT_HOURS * hour_us
    await keep(100, 101)
    assert stored() == list(range(102))
    now[0] += 1
    await keep(102, 103)
    assert stored() == list(range(4, 104))
    await keep(*range(104, 200))
    assert stored() == list(range(100, 200))


async def test_a_snapshot_that_cannot_be_stored_fails_alone(log: SqliteEventStore) -> None:
    workspace = new_workspace()

    def snapshot(version: int) -> Snapshot:
        return Snapshot(
            stream=new_stream(), subject=SubjectId(workspace), version=Version(version), schema="s", state=b"{}"
        )

    results = await asyncio.gather(
        log.save_snapshot(snapshot(1)),
        log.append(writing(workspace, new_stream(), "a")),
        log.save_snapshot(snapshot(2**70)),
        log.append(writing(workspace, new_stream(), "b")),
        return_exceptions=True,
    )
    assert [isinstance(result, Exception) for result in results] == [False, False, True, False]


async def test_nothing_of_the_driver_leaves_the_store(
    log: SqliteEventStore, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = log._reader._connection
    reading.close()
    for asking in (log.read(new_stream()), log.read_all({}), log.answered(new_workspace(), "k")):
        with pytest.raises(Unavailable, match="Reading the log failed"):
            await asking
    with pytest.raises(Unavailable):
        await log.load_snapshot(new_stream(), "s")
    connection_of(log).close()
    with pytest.raises(SigdepError):
        await log.append(writing(new_workspace(), new_stream(), "a"))


class SlowConnection(FailingConnection):
    """A connection whose COMMIT takes its time."""

    seconds = 0.01
    in_the_event_loop = 0

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if statement == "COMMIT":
            self.in_the_event_loop += threading.current_thread() is threading.main_thread()
            time.sleep(self.seconds)
        return super().execute(statement, *values)


async def test_a_slow_disk_does_not_stop_the_event_loop_and_a_quick_one_needs_no_thread(
    log: SqliteEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "QUICK_COMMIT_SECONDS", 0.005)  # A busy machine is slow at its quickest.
    workspace = workspace_in(PARTITION)
    connection = SlowConnection(connection_of(log))
    monkeypatch.setattr(log._writer, "_connection", connection)

    async def commits_in_the_event_loop(count: int) -> int:
        connection.in_the_event_loop = 0
        for _ in range(count):
            await log.append(writing(workspace, new_stream(), "a"))
        return connection.in_the_event_loop

    assert await commits_in_the_event_loop(20) < 10
    assert await commits_in_the_event_loop(64) == 1  # To see whether it still is slow.
    connection.seconds = 0
    monkeypatch.setattr(event_writer, "COMMITS_PER_PROBE", 2)
    await commits_in_the_event_loop(100)
    assert await commits_in_the_event_loop(20) > 10
    assert len(await everything(log)) == 204
    assert not (await log.verify(PARTITION)).faults


async def test_the_write_ahead_log_stays_small_under_any_load(
    log: SqliteEventStore, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_writer, "CHECKPOINT_BYTES", 1_000_000)
    for _ in range(100):
        await results_of(log, [writing(new_workspace(), new_stream(), "x" * 1_000) for _ in range(100)])
    assert log_path.stat().st_size > 10_000_000
    assert log_path.with_name("log.db-wal").stat().st_size < 4_000_000
