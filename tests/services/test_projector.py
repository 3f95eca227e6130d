"""The projector, on real stores: it follows, rebuilds, waits, sets poison aside and halts where the log is damaged."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.document_model import DocumentModel
from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.kernel.ids import Partition, Position, Positions, StreamId, WorkspaceId, partition_of
from sigdep.kernel.projection import PARKED, Rows
from sigdep.kernel.read_store import Changes, CheckpointMoved, Key, ModelGone, ModelId, ReadStore, Row, Select
from sigdep.kernel.store import Appended, EventStore, RecordedEvent
from sigdep.services import projecting
from sigdep.services.back_off import PAUSE_SECONDS_MAX
from sigdep.services.projecting import tables_of
from sigdep.services.projector import Projector
from sigdep.services.rebuilding import Progress, begin, fill, rebuild
from sigdep.services.verifying import verify_read_model
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing
from sigdep.testing.sample_read_model import NOTES, Note, note_model
from tests.services.conftest import Pauses

WAIT_SECONDS = 20.0


@pytest.fixture
async def log() -> AsyncIterator[EventStore]:
    store = MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite"])
async def read_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReadStore]:
    store: ReadStore = (
        MemoryReadStore() if request.param == "memory" else await SqliteReadStore.open(tmp_path / "views.db")
    )
    yield store
    await store.close()


@pytest.fixture
def workspace() -> WorkspaceId:
    return new_workspace()


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[Projector]:
    job = asyncio.create_task(projector.run())
    try:
        yield projector
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def reached(projector: Projector, appended: Appended) -> None:
    await projector.wait_for(appended.partition, appended.position, WAIT_SECONDS)


async def until(condition: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)


def key(stream: StreamId) -> Key:
    return (UUID(stream.removeprefix("note-")),)


async def note(projector: Projector, read_store: ReadStore, stream: StreamId) -> tuple[str, ...] | None:
    """What the read model knows of a note."""
    row = await read_store.get(projector.model_id, NOTES, key(stream))
    return None if row is None else note_model().read(row).texts


async def all_rows(read_store: ReadStore, model: ModelId) -> Sequence[Row]:
    return (await read_store.select(model, Select(table=NOTES, limit=1_000))).rows


class Fussy(DocumentModel[Note]):
    """Chokes on some texts."""

    def __init__(self, *poison: str) -> None:
        usual = note_model()
        super().__init__("notes", NOTES, usual._decider, usual._columns)
        self.poison = set(poison)

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        for recorded in batch:
            if getattr(recorded.event, "text", None) in self.poison:
                raise ValueError("the poison's text must be told to nobody")
        await super().project(batch, rows)


# ── following ────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_wants_to_know_is_told_of_events_once_reads_reflect_them(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    told: list[Sequence[RecordedEvent] | None] = []
    reflected: list[bool] = []

    def applied(events: Sequence[RecordedEvent] | None) -> None:
        told.append(events)
        positions = projector.positions
        reflected.extend(positions[recorded.partition] >= recorded.position for recorded in events or ())

    await log.append(writing(workspace, new_stream(), "a"))
    projector = Projector(log, read_store, note_model(), on_applied=applied)
    async with running(projector):
        await until(lambda: projector.is_fit)
        assert told
        assert set(map(type, told)) == {type(None)}, "What others may have applied could be any events."
        told.clear()
        appended = [await log.append(writing(workspace, new_stream(), "a")) for _ in range(3)]
        await reached(projector, appended[-1])
        await until(lambda: sum(len(events or ()) for events in told) == 3)
        assert reflected == [True] * 3
        told.clear()
        await projector.rebuild()
        assert None in told


async def test_what_was_written_can_be_read_when_its_position_is_reached(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    stream = new_stream()
    before = await log.append(writing(workspace, stream, "one"))
    async with running(Projector(log, read_store, note_model())) as projector:
        await reached(projector, before)
        assert await note(projector, read_store, stream) == ("one",)
        after = await log.append(writing(workspace, stream, "two", "three", expected=1))
        await reached(projector, after)
        assert await note(projector, read_store, stream) == ("one", "two", "three")
        assert projector.positions == {after.partition: after.position}
        await until(lambda: projector.state == "live")
        assert projector.is_fit


async def test_a_restart_goes_on_where_it_was(log: EventStore, read_store: ReadStore, workspace: WorkspaceId) -> None:
    first, second = new_stream(), new_stream()
    async with running(Projector(log, read_store, note_model())) as projector:
        await reached(projector, await log.append(writing(workspace, first, "one")))
        built = projector.model_id
    await log.append(writing(workspace, second, "two"))
    told: list[Progress] = []
    async with running(Projector(log, read_store, note_model(), on_progress=told.append)) as projector:
        await reached(projector, await log.append(writing(workspace, first, "three", expected=1)))
        assert projector.model_id == built
        assert await note(projector, read_store, first) == ("one", "three")
        assert await note(projector, read_store, second) == ("two",)
    assert told == []


async def test_a_position_that_does_not_come_is_unavailable_in_time(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    async with running(Projector(log, read_store, note_model())) as projector:
        appended = await log.append(writing(workspace, new_stream(), "one"))
        await reached(projector, appended)
        with pytest.raises(Unavailable) as refused:
            await projector.wait_for(appended.partition, Position(appended.position + 1), timeout_seconds=0.02)
        assert refused.value.retry_after_seconds > 0
        await reached(projector, await log.append(writing(workspace, new_stream(), "two")))


async def test_many_wait_and_each_hears_of_its_own_position(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    partition = partition_of(workspace)
    async with running(Projector(log, read_store, note_model())) as projector:
        waiting = [
            asyncio.create_task(projector.wait_for(partition, Position(position), WAIT_SECONDS))
            for position in range(1, 201)
        ]
        for _ in range(4):
            await log.append(writing(workspace, new_stream(), *["text"] * 25))
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(*waiting[:100])
        assert not any(one.done() for one in waiting[100:])
        for one in waiting[100:]:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_two_projectors_of_one_read_model_apply_every_event_once(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    stream = new_stream()
    async with running(Projector(log, read_store, note_model())) as one:
        await until(lambda: one.state == "live")
        async with running(Projector(log, read_store, note_model())) as other:
            for version in range(99):
                await log.append(writing(workspace, stream, str(version), expected=version))
            appended = await log.append(writing(workspace, stream, "99", expected=99))
            await reached(one, appended)
            await reached(other, appended)
            assert await note(one, read_store, stream) == tuple(map(str, range(100)))
            assert one.model_id == other.model_id


async def test_it_bears_with_a_read_store_that_is_away(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = new_stream()
    async with running(Projector(log, read_store, note_model())) as projector:
        await reached(projector, await log.append(writing(workspace, stream, "one")))
        commit = read_store.commit

        async def away(*_arguments: Any, **_named: Any) -> None:
            raise Unavailable("The database is away.")

        monkeypatch.setattr(read_store, "commit", away)
        appended = await log.append(writing(workspace, stream, "two", expected=1))
        await until(lambda: projector.state == "waiting: The database is away.")
        assert not projector.is_fit
        monkeypatch.setattr(read_store, "commit", commit)
        await reached(projector, appended)
        assert await note(projector, read_store, stream) == ("one", "two")


async def test_a_log_that_is_away_is_asked_less_and_less_often_and_it_is_not_fit_meanwhile(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, pauses: Pauses
) -> None:
    heads, fit = log.heads, list[bool]()

    async def away(*_arguments: Any, **_named: Any) -> Positions:
        fit.append(projector.is_fit)
        raise Unavailable("The log is away.")

    monkeypatch.setattr(log, "heads", away)
    async with running(Projector(log, read_store, note_model())) as projector:
        await until(lambda: len(pauses) > 8)
        assert pauses[:6] == [0.1, 0.2, 0.4, 0.8, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX]
        assert projector.state == "waiting: The log is away."
        assert not any(fit), "Nobody has answered it."
        monkeypatch.setattr(log, "heads", heads)
        await until(lambda: projector.state == "live")
        await reached(projector, await log.append(writing(workspace, new_stream(), "one")))
        pauses.clear()
        monkeypatch.setattr(log, "heads", away)
        monkeypatch.setattr(read_store, "commit", away)
        await log.append(writing(workspace, new_stream(), "two"))
        await until(lambda: len(pauses) > 4)
        assert pauses[:2] == [0.1, 0.2], "It had gone on in between."


@pytest.mark.parametrize("error", [CheckpointMoved("notes"), ModelGone("notes"), Unavailable("It is away.")], ids=repr)
async def test_whatever_stops_each_commit_it_is_tried_less_and_less_often(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, pauses: Pauses,
    error: Exception,
) -> None:  # fmt: skip
    async def failing(*_arguments: Any, **_named: Any) -> None:
        raise error

    async with running(Projector(log, read_store, note_model())) as projector:
        await until(lambda: projector.state == "live")
        monkeypatch.setattr(read_store, "commit", failing)
        await log.append(writing(workspace, new_stream(), "one"))
        await until(lambda: len(pauses) > 8)
    assert pauses[:6] == [0.1, 0.2, 0.4, 0.8, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX]


async def test_a_damaged_log_halts_it_and_reads_go_on(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = new_stream()
    appended = await log.append(writing(workspace, stream, "one"))

    async def damaged(_after: Positions) -> AsyncIterator[Sequence[RecordedEvent]]:
        raise LogDamaged("Position 3/7 is missing.")
        yield

    monkeypatch.setattr(log, "follow", damaged)
    projector = Projector(log, read_store, note_model())
    async with asyncio.timeout(WAIT_SECONDS):
        await projector.run()
    assert projector.state == "halted: Position 3/7 is missing."
    assert not projector.is_fit
    assert await note(projector, read_store, stream) == ("one",)
    with pytest.raises(Unavailable, match="halted"):
        await projector.wait_for(appended.partition, Position(appended.position + 1))


async def test_it_stops_when_the_log_is_closed(log: EventStore, read_store: ReadStore) -> None:
    projector = Projector(log, read_store, note_model())
    job = asyncio.create_task(projector.run())
    await until(lambda: projector.state == "live")
    await log.close()
    async with asyncio.timeout(WAIT_SECONDS):
        await job
    assert projector.state == "stopped"


# ── rebuilding ───────────────────────────────────────────────────────────────────────────────────────────


async def test_other_tables_are_not_served(log: EventStore, read_store: ReadStore, workspace: WorkspaceId) -> None:
    await log.append(writing(workspace, new_stream(), "one"))
    model = await read_store.prepare("notes", [PARKED], "older")
    await read_store.switch(model, [PARKED])
    projector = Projector(log, read_store, note_model())
    with pytest.raises(Unavailable, match="not ready"):
        _ = projector.model_id
    async with running(projector):
        await until(lambda: projector.state == "live")
        assert len(await all_rows(read_store, projector.model_id)) == 1


async def test_a_rebuild_beside_the_live_one_loses_nothing_and_never_goes_back(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    streams = [new_stream() for _ in range(20)]
    for stream in streams:
        await log.append(writing(workspace, stream, "0"))
    told: list[Progress] = []
    projector = Projector(log, read_store, note_model(), on_progress=told.append, retired_kept_seconds=0)
    async with running(projector):
        await until(lambda: projector.state == "live")
        before, written = projector.model_id, 1

        async def write_on() -> None:
            nonlocal written
            while projector.model_id == before or written < 10:
                for stream in streams:
                    appended = await log.append(writing(workspace, stream, str(written), expected=written))
                    await reached(projector, appended)
                    assert await note(projector, read_store, stream) == tuple(map(str, range(written + 1)))
                written += 1

        async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as jobs:
            jobs.create_task(projector.rebuild())
            jobs.create_task(write_on())
        assert projector.model_id != before
        for stream in streams:
            assert await note(projector, read_store, stream) == tuple(map(str, range(written)))
        assert await verify_read_model(log, read_store, note_model()) == []
        with pytest.raises(Unavailable):
            await read_store.checkpoint(before)
    assert told[-1].done <= told[-1].total
    assert told[-1].events_per_second > 0


async def test_rebuilds_at_once_do_not_sweep_each_other_away(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    stream = new_stream()
    appended = await log.append(writing(workspace, stream, "one"))
    async with running(Projector(log, read_store, note_model(), retired_kept_seconds=0)) as projector:
        await asyncio.gather(*(projector.rebuild() for _ in range(4)))
        await reached(projector, appended)
        assert await note(projector, read_store, stream) == ("one",)


async def test_an_interrupted_rebuild_is_taken_up_again(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    for number in range(12):
        await log.append(writing(workspace, new_stream(), str(number)))

    def interrupt(progress: Progress) -> None:
        if progress.done == 10:
            raise KeyError("killed")

    with pytest.raises(KeyError):
        await fill(await begin(log, read_store, note_model()), log, interrupt, batch_events=5)
    told: list[Progress] = []
    model = await rebuild(log, read_store, note_model(), told.append)
    assert [progress.done for progress in told] == [12]
    assert len(await all_rows(read_store, model)) == 12


# ── poison ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projecting, "PAUSES_SECONDS", (0.0, 0.0))


@pytest.mark.usefixtures("_quick")
async def test_poison_sets_its_stream_aside_and_the_others_go_on(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = new_stream(), new_stream()
    read_model = Fussy("poison")
    async with running(Projector(log, read_store, read_model)) as projector:
        await reached(projector, await log.append(writing(workspace, bad, "fine")))
        await log.append(writing(workspace, bad, "before", "poison", "after", expected=1))
        await log.append(writing(workspace, bad, "later", expected=4))
        await reached(projector, await log.append(writing(workspace, good, "good")))
        assert await note(projector, read_store, bad) == ("fine", "before")
        assert await note(projector, read_store, good) == ("good",)
        assert projector.parked_streams == 1
        parked = (await read_store.select(projector.model_id, Select(table=PARKED))).rows
        assert [(row["stream"], row["version"], row["reason"]) for row in parked] == [(bad, 3, "ValueError")]
        assert "told to nobody" not in capsys.readouterr().out

        assert await projector.replay_parked() == 0
        assert projector.parked_streams == 1
        read_model.poison.clear()
        assert await projector.replay_parked() == 1
        assert await note(projector, read_store, bad) == ("fine", "before", "poison", "after", "later")
        await reached(projector, await log.append(writing(workspace, bad, "last", expected=5)))
        assert await note(projector, read_store, bad) == ("fine", "before", "poison", "after", "later", "last")
        assert projector.parked_streams == 0
        assert (await read_store.select(projector.model_id, Select(table=PARKED))).rows == []
    assert await verify_read_model(log, read_store, note_model()) == []


@pytest.mark.usefixtures("_quick")
async def test_a_stream_that_comes_back_gets_no_further_than_the_others_are(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    bad, read_model = new_stream(), Fussy("poison")
    build = await begin(log, read_store, read_model)
    await log.append(writing(workspace, bad, "poison"))
    await build.apply(await log.read_all({}))
    await log.append(writing(workspace, bad, "next", expected=1))
    read_model.poison.clear()
    assert await build.replay_parked() == 1
    await build.apply(await log.read_all(build.positions))
    [row] = await all_rows(read_store, build.model)
    assert read_model.read(row).texts == ("poison", "next")


@pytest.mark.usefixtures("_quick")
async def test_what_is_set_aside_stays_so_over_a_restart_and_comes_back_with_the_fix(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    bad = new_stream()
    await log.append(writing(workspace, bad, "poison"))
    for read_model, seen in (
        (Fussy("poison"), None),
        (Fussy("poison"), None),
        (Fussy(), ("poison", "one", "two", "three")),
    ):
        async with running(Projector(log, read_store, read_model)) as projector:
            await until(lambda: projector.state == "live")
            history = await log.read(bad)
            texts = ["one", "two", "three"][history.version - 1 : history.version]
            if texts:
                await reached(projector, await log.append(writing(workspace, bad, *texts, expected=history.version)))
            assert await note(projector, read_store, bad) == seen


@pytest.mark.usefixtures("_quick")
async def test_a_failure_that_passes_sets_nothing_aside(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    class Passing(Fussy):
        failures = 3

        async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
            if batch and Passing.failures:
                Passing.failures -= 1
                raise OSError("a moment")
            await super().project(batch, rows)

    stream = new_stream()
    async with running(Projector(log, read_store, Passing())) as projector:
        await reached(projector, await log.append(writing(workspace, stream, "one")))
        assert await note(projector, read_store, stream) == ("one",)
        assert projector.parked_streams == 0


@pytest.mark.usefixtures("_quick")
async def test_code_that_fails_on_everything_halts_instead_of_setting_everything_aside(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "PARKED_STREAMS_MAX", 3)
    for _ in range(5):
        await log.append(writing(workspace, new_stream(), "poison"))
    projector = Projector(log, read_store, Fussy("poison"))
    async with asyncio.timeout(WAIT_SECONDS):
        await projector.run()
    assert projector.state.startswith("halted: notes fails on more than 3 streams")


# ── verifying ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("in_scratch", [False, True])
async def test_verifying_names_every_row_that_is_not_what_the_log_says(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, in_scratch: bool
) -> None:
    streams = sorted(new_stream() for _ in range(5))
    for stream in streams:
        await log.append(writing(workspace, stream, "one"))
    model = await rebuild(log, read_store, note_model())
    await log.append(writing(workspace, streams[4], "not projected yet", expected=1))
    scratch = MemoryReadStore() if in_scratch else None
    assert await verify_read_model(log, read_store, note_model(), scratch=scratch) == []

    rows = {key(stream): await read_store.get(model, NOTES, key(stream)) for stream in streams}
    changed = {**(rows[key(streams[1])] or {}), "last": "changed", "count": 7}
    stray = {**(rows[key(streams[2])] or {}), "id": UUID(int=0)}
    await read_store.commit(
        model, Changes((), [(NOTES, key(streams[0]))], [(NOTES, changed), (NOTES, stray)]), before={}, after={}
    )
    found = await verify_read_model(log, read_store, note_model(), scratch=scratch)
    assert [(one.table, one.key, one.detail) for one in found] == [
        ("notes", (UUID(int=0),), "should not be there"),
        ("notes", key(streams[0]), "is missing"),
        ("notes", key(streams[1]), "differs in last, count"),
    ]
    assert await read_store.live("notes~verify", tables_of(note_model())) is None


async def test_verifying_beside_a_projector_at_work_finds_nothing(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId
) -> None:
    streams = [new_stream() for _ in range(10)]
    async with running(Projector(log, read_store, note_model())) as projector:
        await until(lambda: projector.state == "live")
        done = asyncio.Event()

        async def write_on() -> None:
            version = 0
            while not done.is_set():
                for stream in streams:
                    await reached(projector, await log.append(writing(workspace, stream, "x", expected=version)))
                version += 1

        writer = asyncio.create_task(write_on())
        for _ in range(5):
            assert await verify_read_model(log, read_store, note_model()) == []
        done.set()
        await writer


async def test_a_read_model_that_was_never_made_does_not_pass(log: EventStore, read_store: ReadStore) -> None:
    [difference] = await verify_read_model(log, read_store, note_model())
    assert "rebuild it" in difference.detail


def test_waiting_is_bounded(log: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.services.waiters.WAITERS_MAX", 1)

    async def scenario() -> None:
        projector = Projector(log, MemoryReadStore(), note_model())
        first = asyncio.create_task(projector.wait_for(Partition(0), Position(1)))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await projector.wait_for(Partition(0), Position(1))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(scenario())
