"""A release that changes a read model: the older build is served and followed until the new one takes its place."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.gateway.health import Remark
from sigdep.kernel.codec import Codec
from sigdep.kernel.document_model import DocumentModel
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Positions, StreamId, WorkspaceId
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Changes, ModelId, ReadStore
from sigdep.kernel.store import Appended, EventStore, RecordedEvent
from sigdep.services import projecting
from sigdep.services.observing.read_models import ReadModelFigures
from sigdep.services.projecting import tables_of
from sigdep.services.projector import Projector
from sigdep.services.rebuilding import Progress, now_and_then, rebuild
from sigdep.services.verifying import verify_read_model
from sigdep.services.views_check import said_of_views
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, new_workspace, writing
from sigdep.testing.sample_read_model import NOTE, NOTES, Note, columns, note_model

WAIT_SECONDS = 20.0

OLDER, NEWER = 1, 2


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


class Gate:
    """Lets so many batches through to the builds that are made beside a certain one, and holds back the next."""

    def __init__(self, read_store: ReadStore, beside: ModelId, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = asyncio.Event()
        self.batches = 0
        self.held: set[ModelId] = set()
        self._beside = beside
        self._commit = read_store.commit
        monkeypatch.setattr(read_store, "commit", self.commit)

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        if model != self._beside and not self.open.is_set():
            if not self.batches:
                self.held.add(model)
                await self.open.wait()
            self.batches -= 1
        await self._commit(model, changes, before=before, after=after)


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[Projector]:
    job = asyncio.create_task(projector.run())
    try:
        yield projector
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def reached(projector: Projector, appended: Appended) -> None:
    await projector.wait_for(appended.partition, appended.position, WAIT_SECONDS)


async def note(projector: Projector, read_store: ReadStore, stream: StreamId) -> tuple[str, ...] | None:
    row = await read_store.get(projector.model_id, NOTES, (UUID(stream.removeprefix("note-")),))
    return None if row is None else note_model().read(row).texts


@pytest.fixture
async def stream(log: EventStore, workspace: WorkspaceId) -> StreamId:
    stream = new_stream()
    await log.append(writing(workspace, stream, "one"))
    return stream


@pytest.fixture
async def older(log: EventStore, read_store: ReadStore, stream: StreamId) -> ModelId:
    """What the release before has made of the first event."""
    del stream
    return await rebuild(log, read_store, note_model(OLDER))


@pytest.fixture
def gate(read_store: ReadStore, older: ModelId, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(read_store, older, monkeypatch)


async def test_the_older_build_is_served_and_followed_until_the_new_one_is_there(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, stream: StreamId, older: ModelId, gate: Gate
) -> None:
    await log.append(writing(workspace, stream, "two", expected=1))
    projector = Projector(log, read_store, note_model(NEWER), retired_kept_seconds=0)
    async with running(projector):
        await until(lambda: bool(gate.held))
        for version, text in ((2, "three"), (3, "four")):
            await reached(projector, await log.append(writing(workspace, stream, text, expected=version)))
        assert projector.model_id == older
        assert await note(projector, read_store, stream) == ("one", "two", "three", "four")
        assert projector.state == "live"
        gate.open.set()
        await until(lambda: projector.model_id != older)
        assert await note(projector, read_store, stream) == ("one", "two", "three", "four")
        await reached(projector, await log.append(writing(workspace, stream, "five", expected=4)))
        assert await note(projector, read_store, stream) == ("one", "two", "three", "four", "five")
        assert await verify_read_model(log, read_store, note_model(NEWER)) == []
        assert projector.rebuilding is None
        await until(lambda: older not in gate.held and projector.state == "live")


async def test_no_read_goes_back_while_the_older_build_gives_way(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, older: ModelId
) -> None:
    streams = [new_stream() for _ in range(20)]
    for stream in streams:
        await log.append(writing(workspace, stream, "0"))
    projector, written = Projector(log, read_store, note_model(NEWER), retired_kept_seconds=0), 1
    async with running(projector), asyncio.timeout(WAIT_SECONDS):
        await until(lambda: projector.has_build)
        while projector.model_id == older or written < 10:
            for stream in streams:
                await reached(projector, await log.append(writing(workspace, stream, str(written), expected=written)))
                assert await note(projector, read_store, stream) == tuple(map(str, range(written + 1)))
            written += 1
    assert await verify_read_model(log, read_store, note_model(NEWER)) == []


async def test_a_restart_in_the_middle_goes_on_with_both_builds(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, stream: StreamId, older: ModelId, gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("sigdep.services.renewing.SERVING_BATCH_EVENTS", 2)
    for version in range(1, 9):
        await log.append(writing(workspace, stream, str(version), expected=version))
    gate.batches = 2
    async with running(Projector(log, read_store, note_model(NEWER))) as projector:
        await until(lambda: bool(gate.held))
        await reached(projector, await log.append(writing(workspace, stream, "last", expected=9)))
    [begun] = gate.held
    assert sum((await read_store.checkpoint(begun)).values()) == 4
    assert sum((await read_store.checkpoint(older)).values()) == 10
    async with running(Projector(log, read_store, note_model(NEWER), retired_kept_seconds=0)) as projector:
        await until(lambda: projector.state == "live")
        assert projector.model_id == older
        gate.open.set()
        await until(lambda: projector.has_build and projector.model_id != older)
        assert projector.model_id == begun
        assert await verify_read_model(log, read_store, note_model(NEWER)) == []


async def test_the_former_release_does_not_take_mixed_rows_for_its_own(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, stream: StreamId, older: ModelId, gate: Gate
) -> None:
    async with running(Projector(log, read_store, note_model(NEWER))) as projector:
        await until(lambda: bool(gate.held))
        await reached(projector, await log.append(writing(workspace, stream, "two", expected=1)))
    former = note_model(OLDER)
    assert await read_store.live("notes", tables_of(former), former.fingerprint) is None
    gate.open.set()
    async with running(Projector(log, read_store, former, retired_kept_seconds=0)) as projector:
        await until(lambda: projector.has_build and projector.model_id != older)
        assert await verify_read_model(log, read_store, former) == []


async def test_rows_that_this_code_cannot_read_are_not_served(
    log: EventStore, read_store: ReadStore, stream: StreamId, older: ModelId, gate: Gate
) -> None:
    changed = DocumentModel("notes", structs.replace(NOTES, documents="note-2"), NOTE, columns)
    projector = Projector(log, read_store, changed, retired_kept_seconds=0)
    async with running(projector):
        await until(lambda: bool(gate.held))
        with pytest.raises(Unavailable, match="not ready"):
            _ = projector.model_id
        assert not projector.is_fit
        gate.open.set()
        await until(lambda: projector.state == "live")
        assert projector.model_id != older
        assert await note(projector, read_store, stream) == ("one",)


class Strange(DocumentModel[Note]):
    """Cannot make sense of a build's rows."""

    def __init__(self, strange: ModelId) -> None:
        super().__init__("notes", NOTES, NOTE, columns, revision=NEWER)
        self._strange = strange

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        if rows.model == self._strange:
            raise ValueError("these rows are not mine")
        await super().project(batch, rows)


async def test_older_rows_that_the_code_chokes_on_do_not_keep_it_from_its_own(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, stream: StreamId, older: ModelId, gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(projecting, "PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(projecting, "PARKED_STREAMS_MAX", 0)
    appended = await log.append(writing(workspace, stream, "two", expected=1))
    projector = Projector(log, read_store, Strange(older), retired_kept_seconds=0)
    async with running(projector):
        await until(lambda: bool(gate.held) and projector.state.startswith("rebuilding"))
        assert projector.model_id == older
        assert not projector.is_fit
        gate.open.set()
        await reached(projector, appended)
        assert projector.model_id != older
        assert await note(projector, read_store, stream) == ("one", "two")


async def test_a_read_store_that_goes_away_in_the_middle_is_waited_for(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, stream: StreamId, older: ModelId, gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async with running(Projector(log, read_store, note_model(NEWER), retired_kept_seconds=0)) as projector:
        await until(lambda: bool(gate.held))
        passing = read_store.commit

        async def away(*_arguments: Any, **_named: Any) -> None:
            raise Unavailable("The database is away.")

        monkeypatch.setattr(read_store, "commit", away)
        appended = await log.append(writing(workspace, stream, "two", expected=1))
        await until(lambda: projector.state.startswith("waiting"))
        assert projector.model_id == older
        monkeypatch.setattr(read_store, "commit", passing)
        await reached(projector, appended)
        assert await note(projector, read_store, stream) == ("one", "two")
        gate.open.set()
        await until(lambda: projector.model_id != older)
        assert await verify_read_model(log, read_store, note_model(NEWER)) == []


# ── what is said of it ───────────────────────────────────────────────────────────────────────────────────


async def test_how_far_it_is_stands_in_the_figures_in_the_health_and_on_the_log(
    log: EventStore, read_store: ReadStore, workspace: WorkspaceId, stream: StreamId, gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("sigdep.services.renewing.SERVING_BATCH_EVENTS", 2)
    monkeypatch.setattr("sigdep.services.renewing.now_and_then", partial(now_and_then, every_seconds=0.0))
    await log.append(writing(workspace, stream, *map(str, range(1, 10)), expected=1))
    gate.batches = 2
    projector, registry = Projector(log, read_store, note_model(NEWER)), CollectorRegistry()
    figures = ReadModelFigures()
    figures.add(projector)
    registry.register(figures)

    def shown(name: str) -> float | None:
        return registry.get_sample_value(f"sigdep_rebuild_{name}", {"read_model": "notes"})

    with capture_logs() as lines:
        async with running(projector):
            await until(lambda: bool(gate.held) and projector.state == "live")
            assert (shown("done_events"), shown("all_events")) == (6, 10)
            assert shown("events_per_second")
            said = said_of_views(projector)
            assert isinstance(said, Remark)
            assert "6 of 10 events" in said
            gate.open.set()
            await until(lambda: said_of_views(projector) is None)
            assert (shown("done_events"), shown("events_per_second")) == (0, 0)
    progress = [(line["done_events"], line["all_events"]) for line in lines if "done_events" in line]
    assert progress == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]
    assert [line["events"] for line in lines if line["event"] == "a read model has been made anew"] == [10]


def test_what_is_quick_is_not_news(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = 100.0, list[int]()
    monkeypatch.setattr("sigdep.services.rebuilding.time.monotonic", lambda: now)
    tell = now_and_then(lambda progress: told.append(progress.done), every_seconds=5.0)
    for seconds in range(12):
        now = 100.0 + seconds
        tell(Progress(seconds, 12, 1.0))
    assert told == [5, 10]
