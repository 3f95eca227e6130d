"""What is special to PostgreSQL: its data, its plans, its schema, its settings."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.postgres import event_store, migrations, reader
from sigdep.adapters.postgres.batch import Batch, call
from sigdep.adapters.postgres.connecting import connect
from sigdep.adapters.postgres.errors import NotStorable, OutOfOrder
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.waiting import Waiting
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import WrongExpectedVersion, with_cause
from sigdep.kernel.ids import CommandId, Partition, Position, Positions, StreamId, partition_of
from sigdep.kernel.store import ANSWERS_KEPT_HOURS, AlreadyAnswered, Appended, Snapshot
from sigdep.testing.event_store_setup import everything, outcome
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
    written,
)
from sigdep.testing.servers import PostgreSQL

SAMPLE_KEYS = MemoryKeyRing()


@pytest.fixture
async def store(postgresql_shared_dsn: str, schema: str) -> AsyncIterator[PostgresEventStore]:
    store = await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=schema)
    yield store
    await store.close()


@pytest.fixture
async def database(postgresql_shared_dsn: str, schema: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(postgresql_shared_dsn, server_settings={"search_path": schema})
    yield connection
    await connection.close()


async def test_data_that_cannot_be_stored_hurt_no_neighbour(store: PostgresEventStore) -> None:
    workspace = new_workspace()
    appends = [writing(workspace, new_stream(), str(number)) for number in range(20)]
    appends[13] = writing(workspace, StreamId("note-\x00"), "guilty")
    outcomes = await asyncio.gather(*(outcome(store, append) for append in appends))
    assert [number for number, told in enumerate(outcomes) if not isinstance(told, Appended)] == [13]
    assert isinstance(outcomes[13], NotStorable)
    assert {recorded.stream for recorded in await everything(store)} == {
        append.writes[0].stream for number, append in enumerate(appends) if number != 13
    }


async def test_recorded_at_does_not_follow_a_clock_that_goes_back(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]"
) -> None:
    workspace = new_workspace()
    tomorrow_us = (int(time.time()) + 86_400) * 1_000_000
    await database.execute("ALTER TABLE partition DISABLE TRIGGER append_only")
    await database.execute("UPDATE partition SET recorded_us = $1", tomorrow_us)
    await database.execute("ALTER TABLE partition ENABLE ALWAYS TRIGGER append_only")
    appended = await store.append(writing(workspace, new_stream(), "a"))
    assert appended.recorded_at.timestamp() == tomorrow_us / 1_000_000
    assert not (await store.verify(partition_of(workspace))).faults


async def test_an_answer_is_forgotten_in_the_end(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]"
) -> None:
    workspace = new_workspace()
    first = appending(workspace, answer=answering(workspace, "k", answer=b"first"))
    second = appending(workspace, answer=answering(workspace, "k", answer=b"second"))
    await store.append(first)
    kept_us = ANSWERS_KEPT_HOURS * 3_600_000_000
    await database.execute("UPDATE answer SET recorded_us = recorded_us - $1 + 60000000", kept_us)
    with pytest.raises(AlreadyAnswered):
        await store.append(second)
    await store._reader.forget_answers()
    assert await store.answered(workspace, "k") is not None
    await database.execute("UPDATE answer SET recorded_us = recorded_us - 61000000")
    assert await store.answered(workspace, "k") is None
    await store.append(second)
    kept = await store.answered(workspace, "k")
    assert kept is not None
    assert kept.answer == b"second"
    await database.execute("UPDATE answer SET recorded_us = recorded_us - $1", kept_us)
    await store._reader.forget_answers()
    assert await database.fetchval("SELECT count(*) FROM answer") == 0


async def test_many_old_answers_are_forgotten_bite_by_bite(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "ANSWERS_FORGOTTEN_AT_ONCE", 3)
    workspace = new_workspace()
    await asyncio.gather(
        *(store.append(appending(workspace, answer=answering(workspace, str(number)))) for number in range(10))
    )
    await database.execute("UPDATE answer SET recorded_us = 0")
    await store._reader.forget_answers()
    assert await database.fetchval("SELECT count(*) FROM answer") == 0


@pytest.mark.parametrize("neighbours", [0, 1])
async def test_one_new_stream_in_two_partitions_at_once_is_a_conflict_for_the_slower(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]", schema: str, neighbours: int
) -> None:
    """No counter makes one of them wait: only the stream itself is the same."""
    stream = new_stream()
    faster = writing(workspace_in(3), stream, "a")
    sealed = await Codec(SAMPLE_EVENTS, SAMPLE_KEYS).seal(faster)
    waiting = Waiting(faster, sealed, asyncio.get_running_loop().create_future())
    async with database.transaction():
        await database.fetchrow(call(schema), *Batch([waiting]).arguments())
        slower = [
            asyncio.create_task(outcome(store, writing(workspace_in(4 + number), one, "b")))
            for number, one in enumerate([stream, *(new_stream() for _ in range(neighbours))])
        ]
        async with asyncio.timeout(30):
            while not await database.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                await asyncio.sleep(0.01)
    conflict, *stored = await asyncio.gather(*slower)
    assert isinstance(conflict, WrongExpectedVersion), conflict
    assert conflict.actual == 1
    assert all(isinstance(one, Appended) for one in stored), stored


async def test_a_counter_that_stands_where_events_are_is_no_fault_of_who_writes(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]"
) -> None:
    await store.append(writing(workspace_in(3), new_stream(), "a"))
    await database.execute("ALTER TABLE partition DISABLE TRIGGER append_only")
    await database.execute("UPDATE partition SET head = 0")
    with pytest.raises(OutOfOrder, match="sigdep verify"):
        await store.append(writing(workspace_in(3), new_stream(), "b"))


async def test_repeats_conflicts_and_numbers_in_one_batch_of_many_partitions(store: PostgresEventStore) -> None:
    """Each request of a mixed batch hears of its own places and numbers, in whatever order the batch is sent."""
    workspaces = [workspace_in(number) for number in (60, 3, 31)]
    firsts = [
        appending(workspace, write(workspace, new_stream(), NoteFiled(text="a"), *written("b"), NoteFiled(text="c")))
        for workspace in workspaces
    ]
    told = [await store.append(first) for first in firsts]
    fresh = [
        appending(workspace, write(workspace, new_stream(), *written("x"), NoteFiled(text="y")))
        for workspace in workspaces
    ]
    stale = [writing(first.workspace, first.writes[0].stream, "stale", expected=1) for first in firsts]
    outcomes = await asyncio.gather(
        *(outcome(store, one) for three in zip(firsts, fresh, strict=True) for one in three)
    )
    refused = await asyncio.gather(*(outcome(store, one) for one in stale))
    for place, first in enumerate(told):
        again, new = outcomes[2 * place], outcomes[2 * place + 1]
        assert isinstance(again, Appended)
        assert (again.position, again.numbers, again.recorded_at) == (3, (1, 2), first.recorded_at)
        assert again.repeated
        assert isinstance(new, Appended)
        assert (new.partition, new.position, new.numbers) == (first.partition, 5, (3,))
        assert isinstance(refused[place], WrongExpectedVersion)


@pytest.mark.parametrize("table", ["event", "link"])
@pytest.mark.parametrize(
    "statement", ["TRUNCATE {}", "TRUNCATE {} CASCADE", "UPDATE {} SET partition = partition", "DELETE FROM {}"]
)
async def test_the_past_is_safe_from_superusers_and_replication(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]", table: str, statement: str
) -> None:
    await store.append(writing(new_workspace(), new_stream(), "a"))
    for role in ("origin", "replica"):
        await database.execute(f"SET session_replication_role = {role}")
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await database.execute(statement.format(table))
    assert await database.fetchval(f"SELECT count(*) FROM {table}") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE partition SET head = head - 1 WHERE partition = 3",
        "UPDATE partition SET head = head WHERE partition = 3",
        "UPDATE partition SET chain = decode(repeat('00', 32), 'hex') WHERE partition = 3",
        "UPDATE partition SET head = head + 1 WHERE partition = 3",
        "UPDATE partition SET head = head + 1, chain = sha256(chain), recorded_us = 0 WHERE partition = 3",
        "UPDATE partition SET head = head + 1, chain = sha256(chain), partition = 64 WHERE partition = 3",
        "DELETE FROM partition",
        "TRUNCATE partition",
    ],
)
async def test_where_the_log_ends_only_moves_on(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]", statement: str
) -> None:
    workspace = workspace_in(3)
    await store.append(writing(workspace, new_stream(), "a"))
    for role in ("origin", "replica"):
        await database.execute(f"SET session_replication_role = {role}")
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await database.execute(statement)
    assert (await store.append(writing(workspace, new_stream(), "b"))).position == 2
    assert not (await store.verify(Partition(3))).faults


async def test_a_dump_restored_elsewhere_is_the_same_log(
    store: PostgresEventStore, postgresql_server: PostgreSQL, postgresql_shared_dsn: str, schema: str
) -> None:
    workspace = workspace_in(5)
    await store.append(appending(workspace, write(workspace, new_stream(), NoteFiled(text="a"), *written("b", "c"))))
    elsewhere = postgresql_server.create_database()
    await asyncio.to_thread(copy_schema, postgresql_server, postgresql_shared_dsn, schema, elsewhere)

    copy = await PostgresEventStore.open(
        postgresql_server.dsn(elsewhere), Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=schema
    )
    assert await everything(copy) == await everything(store)
    assert await copy.verify(Partition(5)) == await store.verify(Partition(5))
    appended = await copy.append(appending(workspace, write(workspace, new_stream(), NoteFiled(text="d"))))
    assert (appended.position, appended.numbers) == (4, (2,))
    assert list(await copy.read_all({Partition(5): Position(3)})) == (await everything(copy))[3:]
    await copy.close()
    postgresql_server.drop_database(elsewhere)


def copy_schema(server: PostgreSQL, dsn: str, schema: str, elsewhere: str) -> None:
    """By the tools that people back up with."""
    dump = [str(server.binaries / "pg_dump"), f"--schema={schema}", f"--dbname={dsn}"]
    restore = [str(server.binaries / "psql"), "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={server.dsn(elsewhere)}"]
    dumped = subprocess.run(dump, check=True, capture_output=True, timeout=60).stdout
    subprocess.run(restore, input=dumped, check=True, capture_output=True, timeout=60)


async def test_closing_ends_a_follower_that_is_just_reading(
    store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, next_rows = asyncio.Event(), store._reader.next_rows

    async def next_rows_when_closed(after: Positions, limit: int) -> list[StoredRow]:
        await closed.wait()
        return await next_rows(after, limit)

    async def follow() -> int:
        return sum([len(batch) async for batch in store.follow({})])

    monkeypatch.setattr(store._reader, "next_rows", next_rows_when_closed)
    follower = asyncio.create_task(follow())
    await asyncio.sleep(0.01)
    await store.close()
    closed.set()
    assert await asyncio.wait_for(follower, 5) == 0


async def test_a_newer_database_is_refused_with_a_sentence(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]", postgresql_shared_dsn: str, schema: str
) -> None:
    await database.execute("UPDATE schema_version SET version = 7")
    known = len(event_store.MIGRATIONS)
    refusal = f"event store in schema {schema} has version 7, and this release knows {known}"
    with pytest.raises(OutOfOrder, match=refusal):
        await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=schema)


async def test_only_the_missing_steps_of_a_migration_are_run(
    store: PostgresEventStore,
    database: "asyncpg.Connection[Any]",
    postgresql_shared_dsn: str,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = {name: "SELECT 1 / 0" for step in event_store.MIGRATIONS for name in step}
    steps["later"] = f"CREATE TABLE {schema}.later ()"
    monkeypatch.setattr(migrations, "statements", lambda name, _schema: steps[name])
    for _ in range(2):
        await migrations.migrate(postgresql_shared_dsn, schema, "event_store", (*event_store.MIGRATIONS, ("later",)))
    assert await database.fetchval("SELECT version FROM schema_version") == len(event_store.MIGRATIONS) + 1
    assert await database.fetchval("SELECT count(*) FROM later") == 0


async def test_a_failed_migration_leaves_nothing(
    postgresql_shared_dsn: str, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {"first": f"CREATE TABLE {schema}.first ()", "second": "SELECT 1 / 0"}
    monkeypatch.setattr(migrations, "statements", lambda name, _schema: steps[name])
    with pytest.raises(NotStorable):
        await migrations.migrate(postgresql_shared_dsn, schema, "event_store", (("first",), ("second",)))
    connection = await connect(postgresql_shared_dsn, "test", command_seconds=5)
    assert await connection.fetchval("SELECT to_regnamespace($1)", schema) is None
    await connection.close()


@pytest.mark.parametrize("name", ["", "Tasks", "tasks; DROP TABLE event", 'tasks"', "1tasks", "x" * 41])
async def test_a_schema_has_a_plain_name(postgresql_shared_dsn: str, name: str) -> None:
    with pytest.raises(ValueError, match="A schema is called like"):
        await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=name)


async def test_an_address_of_no_database_is_told_to_operators(postgresql_shared_dsn: str, schema: str) -> None:
    nowhere = urlsplit(postgresql_shared_dsn)._replace(path="/nowhere").geturl()
    with pytest.raises(OutOfOrder) as refusal:
        await PostgresEventStore.open(nowhere, Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=schema)
    assert "nowhere" not in str(refusal.value)
    assert "nowhere" in with_cause(refusal.value)


async def test_appends_run_with_settings_of_their_own(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]", postgresql_shared_dsn: str
) -> None:
    await store.append(writing(new_workspace(), new_stream(), "a"))
    connection = store._appender._connection
    assert connection is not None
    settings = {name: await connection.fetchval(f"SHOW {name}") for name in (
        "plan_cache_mode", "jit", "statement_timeout", "lock_timeout", "synchronous_commit"
    )}  # fmt: skip
    assert settings == {
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",
        "statement_timeout": "2s",
        "lock_timeout": "1s",
        "synchronous_commit": "on",
    }


async def test_a_key_that_another_process_is_just_using_is_used(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]"
) -> None:
    """In another partition, so that no lock of a counter keeps the two apart."""
    workspace, stream = workspace_in(5), new_stream()
    append = appending(workspace, write(workspace, stream, *written("a")), answer=answering(workspace, "k"))
    async with database.transaction():
        await database.execute("INSERT INTO answer VALUES (7, 9e15, 60, $1, 'k', 'f', 'theirs')", workspace)
        ours = asyncio.create_task(store.append(append))
        await asyncio.sleep(0.3)
        assert not ours.done()
    with pytest.raises(AlreadyAnswered) as refusal:
        await ours
    assert refusal.value.kept.answer == b"theirs"
    assert (await store.read(stream)).version == 0


async def test_a_lock_that_is_held_long_is_waited_for(
    store: PostgresEventStore, database: "asyncpg.Connection[Any]"
) -> None:
    """Longer than the lock's own time limit: the batch is sent again."""
    async with database.transaction():
        await database.execute("SELECT FROM partition WHERE partition = 5 FOR UPDATE")
        append = asyncio.create_task(store.append(writing(workspace_in(5), new_stream(), "a")))
        await asyncio.sleep(1.3)
        assert not append.done()
    assert (await append).position == 1


async def test_no_plan_reads_the_whole_log(
    postgresql_shared_dsn: str, schema: str, database: "asyncpg.Connection[Any]"
) -> None:
    """Neither with the plans of an empty log, which connections keep, nor with those of a long one."""
    store = await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=schema)
    before = await scans(database, schema)  # Making an index is one.
    await use_everything(store)
    for _ in range(20):
        await store.append(writing(new_workspace(), new_stream(), *(["a"] * 1_000)))
    await use_everything(store)
    await store.close()  # Its sessions tell the server their statistics when they end.
    await database.execute("ANALYZE")
    store = await PostgresEventStore.open(postgresql_shared_dsn, Codec(SAMPLE_EVENTS, SAMPLE_KEYS), schema=schema)
    await use_everything(store)
    await store.close()
    assert await scans(database, schema, index_scans_min=60) == before


async def use_everything(store: PostgresEventStore) -> None:
    """Every statement that the store has, often enough to see what it does when plans are kept."""
    for _ in range(10):
        workspace, stream, guarded = new_workspace(), new_stream(), new_stream()
        filing = appending(
            workspace,
            write(workspace, stream, NoteFiled(text="a")),
            unchanged={guarded: 0},
            answer=answering(workspace, "k"),
        )
        await store.append(filing)
        assert (await store.append(filing)).repeated
        stale = appending(workspace, filing.writes[0], command=CommandId(new_workspace()))
        used = appending(workspace, answer=answering(workspace, "k"))
        await asyncio.gather(*(outcome(store, one) for one in (stale, used, writing(workspace, new_stream(), "b"))))
        await store.read(stream)
        await store.read_all({}, limit=10)
        await store.answered(workspace, "k")
        await store.save_snapshot(
            Snapshot(stream=stream, subject=workspace, version=1, schema="s", state=b"{}")  # type: ignore[arg-type]
        )
        await store.load_snapshot(stream, "s")
        await store._reader.forget_answers()
        await store.verify(partition_of(workspace))


async def scans(database: "asyncpg.Connection[Any]", schema: str, index_scans_min: int = 0) -> dict[str, int]:
    """How often each table that grows was read from end to end, once the statistics of so much use have arrived."""
    query = "SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables WHERE schemaname = $1"
    await asyncio.sleep(0.1)
    for _ in range(100):
        rows = await database.fetch(query, schema)
        if all(row["idx_scan"] >= index_scans_min for row in rows if row["relname"] in ("event", "answer", "snapshot")):
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("The statistics have not arrived.")
    growing = ("event", "link", "answer", "number", "snapshot")
    return {row["relname"]: row["seq_scan"] for row in rows if row["relname"] in growing}


async def test_who_lags_little_is_not_kept_waiting_by_who_lags_much(store: PostgresEventStore) -> None:
    for number, count in ((1, 40), (2, 3), (3, 30)):
        await store.append(writing(workspace_in(number), new_stream(), *["text"] * count))

    async def places(after: Positions, limit: int) -> list[tuple[int, int]]:
        return [(recorded.partition, recorded.position) for recorded in await store.read_all(after, limit=limit)]

    assert await places({}, 12) == [(n, at) for n, last in ((1, 4), (2, 3), (3, 4)) for at in range(1, last + 1)]
    behind: Positions = {Partition(1): Position(4), Partition(2): Position(3), Partition(3): Position(28)}
    assert await places(behind, 12) == [(1, 5), (1, 6), (1, 7), (1, 8), (1, 9), (1, 10), (3, 29), (3, 30)]
    assert await places({}, 2) == [(1, 1), (2, 1)]
    assert await places({**behind, Partition(1): Position(40)}, 12) == [(3, 29), (3, 30)]
