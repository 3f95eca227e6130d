"""A batch sees the rows as its own events have left them, and what it commits is the same in one piece or in many."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.kernel.document_model import DocumentModel
from sigdep.kernel.ids import CommandId, Partition, Position, StreamId, SubjectId, Version, WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows, apply
from sigdep.kernel.read_store import Compare, Key, Row, Select
from sigdep.kernel.store import Metadata, RecordedEvent
from sigdep.testing.read_store_samples import ITEMS, fill, identity, item, new_model
from sigdep.testing.sample_events import NoteFiled, NoteRenamed, NoteWritten
from sigdep.testing.sample_read_model import NOTES, Note, note_model

SMALL = Compare("size", "<", 10)

Step = tuple[str, int, int]


async def carry_out(rows: Rows, step: Step) -> None:
    what, number, size = step
    match what:
        case "put":
            rows.put(ITEMS, item(number, size=size))
        case "delete":
            rows.delete(ITEMS, (identity(number),))
        case "fetch":
            await rows.fetch(ITEMS, [(identity(number),)])
        case "grow":
            await rows.fetch(ITEMS, [(identity(number),)])
            row = rows.get(ITEMS, (identity(number),))
            rows.put(ITEMS, item(number, size=size if row is None else int(str(row["size"])) + size))
        case _:
            rows.delete_where(ITEMS, SMALL)


steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "fetch", "grow", "delete small"]), st.integers(1, 2), st.integers(0, 12)
    ),
    min_size=2,
    max_size=12,
)


@example({1: 3}, [("delete small", 1, 0), ("grow", 1, 5)], [])
@example({1: 3}, [("grow", 1, 5), ("delete small", 1, 0), ("grow", 1, 5)], [])
@given(st.dictionaries(st.integers(1, 2), st.integers(0, 20)), steps, st.lists(st.integers(1, 4)))
def test_steps_in_one_batch_leave_what_they_leave_one_by_one(
    stored: dict[int, int], steps: list[Step], batches: list[int]
) -> None:
    async def outcome(sizes: Sequence[int]) -> Sequence[Row]:
        store = MemoryReadStore()
        model = await new_model(store, "m")
        await fill(store, model, [item(number, size=size) for number, size in stored.items()])
        for batch in pieces(steps, sizes):
            rows = Rows(store, model)
            for step in batch:
                await carry_out(rows, step)
            await store.commit(model, rows.changes(), before={}, after={})
        return (await store.select(model, Select(table=ITEMS))).rows

    assert asyncio.run(outcome(batches)) == asyncio.run(outcome([1] * len(steps)))


def pieces(whole: Sequence[Step], sizes: Sequence[int]) -> list[Sequence[Step]]:
    ends = [*accumulate(sizes)]
    return [whole[start:end] for start, end in zip([0, *ends], [*ends, len(whole)], strict=True)]


async def test_a_row_fetched_by_a_few_columns_can_still_be_deleted_by_others() -> None:
    store = MemoryReadStore()
    model = await new_model(store, "m")
    await fill(store, model, [item(1, size=5), item(2, size=50)])
    rows = Rows(store, model)
    rows.delete_where(ITEMS, SMALL)
    await rows.fetch(ITEMS, [(identity(1),), (identity(2),)], ("id", "status"))
    assert rows.get(ITEMS, (identity(1),)) is None
    assert rows.get(ITEMS, (identity(2),)) is not None


async def test_a_row_that_nobody_fetched_cannot_be_read() -> None:
    store = MemoryReadStore()
    rows = Rows(store, await new_model(store, "m"))
    with pytest.raises(KeyError):
        rows.get(ITEMS, (identity(1),))


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────

WORKSPACES = [WorkspaceId(UUID(int=number)) for number in (1, 2)]


def recorded(position: int, note: int, event: Event | None) -> RecordedEvent:
    """One note of a workspace: odd notes are in one, even ones in the other."""
    return RecordedEvent(
        partition=Partition(0),
        position=Position(position),
        workspace=WORKSPACES[note % 2],
        stream=StreamId(f"note-{UUID(int=note)}"),
        version=Version(position),
        subject=SubjectId(WORKSPACES[note % 2]),
        command_id=CommandId(UUID(int=position)),
        type=type(event).__name__ if event else "NoteWritten",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
        metadata=Metadata(),
        event=event,
    )


class NothingForgotten(Event):
    """Not of any note."""


said = st.tuples(
    st.integers(1, 4),
    st.one_of(
        st.none(),
        st.builds(NoteWritten, text=st.text(max_size=3)),
        st.builds(NoteFiled, text=st.just("f"), number=st.integers(1, 9)),
        st.builds(NoteRenamed, name=st.just("n")),
    ),
)
histories = st.lists(said, max_size=20).map(
    lambda many: [recorded(position, note, event) for position, (note, event) in enumerate(many, 1)]
)


def forgetting() -> DocumentModel[Note]:
    """NoteRenamed stands for the event by which a workspace is forgotten."""
    return note_model(forget=[NoteRenamed])


@given(histories, st.lists(st.integers(1, 6)), st.sampled_from([note_model, forgetting]))
def test_documents_are_the_same_whatever_the_batches(
    history: list[RecordedEvent], sizes: list[int], make: Callable[[], DocumentModel[Note]]
) -> None:
    one_by_one = asyncio.run(projected(history, [1] * len(history), make))
    assert asyncio.run(projected(history, sizes, make)) == one_by_one
    assert asyncio.run(projected(history, [], make)) == one_by_one


async def projected(
    history: Sequence[RecordedEvent], sizes: Sequence[int], make: Callable[[], DocumentModel[Note]]
) -> Sequence[Row]:
    store, read_model = MemoryReadStore(), make()
    model = await store.prepare("notes", read_model.tables, "f")
    ends = [0, *accumulate(sizes), len(history)]
    for start, end in pairwise(ends):
        if history[start:end]:
            await apply(store, model, read_model, history[start:end], await store.checkpoint(model))
    return (await store.select(model, Select(table=NOTES))).rows


async def one(*history: RecordedEvent, forget: bool = False) -> tuple[DocumentModel[Note], Row | None]:
    read_model = forgetting() if forget else note_model()
    rows = await projected(history, [], lambda: read_model)
    return read_model, rows[0] if rows else None


async def test_a_row_has_the_state_its_columns_and_where_it_comes_from() -> None:
    read_model, row = await one(recorded(1, 1, NoteWritten(text="a")), recorded(2, 1, NoteFiled(text="b", number=7)))
    assert row is not None
    assert read_model.read(row) == Note(texts=("a", "b"), number=7)
    assert {**row, "document": b""} == {
        "id": UUID(int=1), "workspace_id": WORKSPACES[1], "version": 2, "last": "b", "count": 2, "document": b"",
    }  # fmt: skip


async def test_what_an_erased_person_said_is_passed_over() -> None:
    _, row = await one(recorded(1, 1, None))
    assert row is None
    read_model, row = await one(recorded(1, 1, NoteWritten(text="a")), recorded(2, 1, None))
    assert row is not None
    assert read_model.read(row).texts == ("a",)


async def test_a_forgotten_workspace_takes_all_its_rows_and_no_others() -> None:
    store, read_model = MemoryReadStore(), forgetting()
    model = await store.prepare("notes", read_model.tables, "f")
    await apply(store, model, read_model, [recorded(n, n, NoteWritten(text="a")) for n in (1, 2, 3)], {})
    batch = [recorded(4, 5, NoteWritten(text="in the batch")), recorded(5, 1, NoteRenamed(name="forget"))]
    await apply(store, model, read_model, batch, await store.checkpoint(model))
    keys: list[Key] = [(row["id"],) for row in (await store.select(model, Select(table=NOTES))).rows]
    assert keys == [(UUID(int=1),), (UUID(int=2),)]
    left = await store.get(model, NOTES, (UUID(int=1),))
    assert left is not None
    assert read_model.read(left) == Note(name="forget")


async def test_a_batch_that_failed_leaves_no_trace_in_memory() -> None:
    store, read_model = MemoryReadStore(), note_model()
    model = await store.prepare("notes", read_model.tables, "f")
    await apply(store, model, read_model, [recorded(1, 1, NoteWritten(text="a"))], {})
    await read_model.project([recorded(2, 1, NoteWritten(text="lost"))], Rows(store, model))
    await apply(store, model, read_model, [recorded(2, 1, NoteWritten(text="b"))], {Partition(0): Position(1)})
    row = await store.get(model, NOTES, (UUID(int=1),))
    assert row is not None
    assert read_model.read(row).texts == ("a", "b")


def test_the_fingerprint_names_the_code() -> None:
    assert note_model().fingerprint == note_model().fingerprint
    different = {note_model().fingerprint, note_model(revision=2).fingerprint, forgetting().fingerprint}
    assert len(different) == 3
