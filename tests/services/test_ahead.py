"""Projecting ahead of what is stored gives what batch by batch gives, whatever fails on the way."""

import asyncio
from collections.abc import Sequence
from random import Random
from uuid import UUID

import pytest

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.document_model import DocumentModel
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Positions
from sigdep.kernel.projection import PARKED, Rows
from sigdep.kernel.read_store import Changes, CheckpointMoved, ModelId, Row, Select
from sigdep.kernel.store import RecordedEvent
from sigdep.services import projecting
from sigdep.services.ahead import Ahead
from sigdep.services.rebuilding import begin, fill
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteRenamed,
    NoteWritten,
    appending,
    new_stream,
    new_workspace,
    write,
    writing,
)
from sigdep.testing.sample_read_model import NOTE, NOTES, Note, columns


class Troubled(DocumentModel[Note]):
    """Chokes on "poison" while it projects, on "misfit" when that is stored; a renamed note forgets its workspace."""

    def __init__(self) -> None:
        super().__init__("notes", NOTES, NOTE, self._troubled, forget=[NoteRenamed])

    @staticmethod
    def _troubled(note: Note) -> Row:
        misfit: Row = {"last": "", "count": "no number"}
        return misfit if "misfit" in note.texts else columns(note)

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        if any(getattr(recorded.event, "text", None) == "poison" for recorded in batch):
            raise ValueError
        await super().project(batch, rows)


class Slow(MemoryReadStore):
    """Stores a batch only when the next one has surely been projected."""

    async def commit(self, model: ModelId, changes: Changes, *, before: Positions, after: Positions) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        await super().commit(model, changes, before=before, after=after)


@pytest.fixture
def log() -> MemoryEventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))


@pytest.mark.parametrize("trouble", [["poison", "misfit"], ["poison", "rename"]])  # A misfit may be forgotten in time.
@pytest.mark.parametrize("seed", range(20))
async def test_whatever_the_batches_and_whatever_fails(
    log: MemoryEventStore, seed: int, trouble: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "PAUSES_SECONDS", ())
    random = Random(seed)
    places = [(workspace, new_stream()) for workspace in (new_workspace(), new_workspace()) for _ in range(4)]
    versions = dict.fromkeys((stream for _, stream in places), 0)
    for _ in range(40):
        workspace, stream = random.choice(places)
        text = random.choice([*"abcdefghi", *trouble])
        event = NoteRenamed(name="n") if text == "rename" else NoteWritten(text=text)
        await log.append(appending(workspace, write(workspace, stream, event, expected=versions[stream])))
        versions[stream] += 1

    plain = MemoryReadStore()
    build = await begin(log, plain, Troubled())
    while batch := await log.read_all(build.positions, limit=1):
        await build.apply(batch)
    expected = await everything(plain, build.model)

    for batch_events in (1, 2, 3, 7, 100):
        store = Slow()
        build = await begin(log, store, Troubled())
        await fill(build, log, batch_events=batch_events)
        assert await everything(store, build.model) == expected
        assert build.positions == await store.checkpoint(build.model) == await log.heads()


async def everything(store: MemoryReadStore, model: ModelId) -> tuple[Sequence[Row], Sequence[Row]]:
    notes = await store.select(model, Select(table=NOTES, limit=1_000))
    parked = await store.select(model, Select(table=PARKED, limit=1_000))
    return notes.rows, [{**row, "position": 0} for row in parked.rows]


async def test_what_was_projected_on_top_of_a_batch_that_failed_is_not_stored(
    log: MemoryEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cured(Troubled):
        @staticmethod
        def _troubled(note: Note) -> Row:
            return Troubled._troubled(note) if note.texts[-1] == "misfit" else columns(note)

    monkeypatch.setattr(projecting, "PAUSES_SECONDS", ())
    workspace, stream = new_workspace(), new_stream()
    for version, text in enumerate(("fine", "misfit", "cured")):
        await log.append(writing(workspace, stream, text, expected=version))
    store, read_model = Slow(), Cured()
    build = await begin(log, store, read_model)
    await fill(build, log, batch_events=1)
    [row], [parked] = await everything(store, build.model)
    assert read_model.read(row).texts == ("fine",)
    assert (parked["stream"], parked["version"]) == (stream, 2)


@pytest.mark.parametrize("error", [CheckpointMoved("moved"), Unavailable("away")])
async def test_a_store_that_refuses_is_heard_of_and_positions_say_what_is_stored(
    log: MemoryEventStore, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = new_workspace()
    for text in ("a", "b", "c", "d"):
        await log.append(writing(workspace, new_stream(), text))
    store = MemoryReadStore()
    build = await begin(log, store, Troubled())
    commit, committed = store.commit, 0

    async def refuse_the_third(*arguments: object, **named: object) -> None:
        nonlocal committed
        committed += 1
        if committed == 3:
            raise error
        await commit(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "commit", refuse_the_third)
    with pytest.raises(type(error)):
        await fill(build, log, batch_events=1)
    assert list(build.positions.values()) == [2]
    assert build.positions == await store.checkpoint(build.model)
    await fill(build, log, batch_events=1)
    assert len((await everything(store, build.model))[0]) == 4


async def test_the_next_batch_is_projected_while_one_is_stored(
    log: MemoryEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, stream = new_workspace(), new_stream()
    await log.append(writing(workspace, stream, "a"))
    await log.append(writing(workspace, stream, "b", expected=1))
    store, stored = MemoryReadStore(), asyncio.Event()
    build = await begin(log, store, Troubled())
    commit = store.commit

    async def slow(*arguments: object, **named: object) -> None:
        await stored.wait()
        await commit(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "commit", slow)
    first, second = await log.read_all({})
    projected: list[int] = []
    project = Troubled.project

    async def watched(self: Troubled, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        await project(self, batch, rows)
        projected.append(batch[0].version)

    monkeypatch.setattr(Troubled, "project", watched)
    async with Ahead(build) as ahead:
        await ahead.apply([first])
        applying = asyncio.create_task(ahead.apply([second]))
        while len(projected) < 2:
            await asyncio.sleep(0)
        assert build.positions == {}
        stored.set()
        await applying
    row = await store.get(build.model, NOTES, (UUID(stream.removeprefix("note-")),))
    assert row is not None
    assert Troubled().read(row).texts == ("a", "b")
