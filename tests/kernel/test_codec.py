"""Events become bytes and come back, whatever has become of their classes; and changed bytes are noticed."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec, StoredEvent, instant
from sigdep.kernel.errors import LogDamaged
from sigdep.kernel.ids import Position, StreamId, SubjectId, Version, partition_of
from sigdep.kernel.messages import Event
from sigdep.kernel.store import EVENT_BYTES_MAX, Append, EventTooLarge
from sigdep.testing.sample_events import (
    FORMER_EVENTS,
    SAMPLE_EVENTS,
    Former,
    NoteFiled,
    NoteRenamed,
    NoteWritten,
    appending,
    new_stream,
    new_workspace,
    write,
)


def placed(append: Append, events: Sequence[StoredEvent], number: int | None = None) -> list[StoredRow]:
    """The rows that a store would make of an append to a new stream."""
    return [
        StoredRow(
            partition_of(append.workspace),
            Position(place),
            1_700_000_000_123_456,
            append.workspace,
            event.stream,
            Version(place),
            append.command_id,
            event.type,
            event.schema_version,
            event.payload,
            event.metadata,
            event.subject,
            number if event.numbered else None,
        )
        for place, event in enumerate(events, 1)
    ]


async def row_of(event: Event, keys: MemoryKeyRing, known: Sequence[type[Event]] = SAMPLE_EVENTS) -> StoredRow:
    workspace = new_workspace()
    append = appending(workspace, write(workspace, new_stream(), event))
    [row] = placed(append, await Codec(known, keys).seal(append), 7)
    return row


async def test_an_event_comes_back() -> None:
    keys, said = MemoryKeyRing(), NoteWritten(text="Ünïcode \u2028")
    row = await row_of(said, keys)
    [recorded] = await Codec(SAMPLE_EVENTS, keys).unseal([row])
    assert recorded.event == said
    assert recorded.recorded_at.isoformat() == "2023-11-14T22:13:20.123456+00:00"


async def test_nothing_that_was_said_is_legible_in_what_is_stored() -> None:
    row = await row_of(NoteWritten(text="a secret"), MemoryKeyRing())
    assert b"secret" not in msgspec.json.encode(row)


async def test_the_store_s_number_is_in_the_event() -> None:
    keys = MemoryKeyRing()
    [recorded] = await Codec(SAMPLE_EVENTS, keys).unseal([await row_of(NoteFiled(text="a"), keys)])
    assert recorded.event == NoteFiled(text="a", number=7)


async def test_an_old_event_is_read_in_its_present_shape() -> None:
    keys = MemoryKeyRing()
    row = await row_of(Former.NoteRenamed(title="old"), keys, FORMER_EVENTS)
    [recorded] = await Codec(SAMPLE_EVENTS, keys).unseal([row])
    assert recorded.event == NoteRenamed(name="old")


async def test_upcasters_are_applied_one_after_another() -> None:
    class NoteRenamed(Event):
        schema_version = 3
        upcasters = {1: lambda old: {"name": old["title"]}, 2: lambda old: {"label": old["name"].upper()}}  # noqa: RUF012
        label: str

    keys = MemoryKeyRing()
    row = await row_of(Former.NoteRenamed(title="old"), keys, FORMER_EVENTS)
    [recorded] = await Codec([NoteRenamed], keys).unseal([row])
    assert recorded.event == NoteRenamed(label="OLD")


async def test_an_event_of_a_later_release_halts_the_reader() -> None:
    keys = MemoryKeyRing()
    row = await row_of(NoteRenamed(name="new"), keys)
    with pytest.raises(LogDamaged, match="newer than this release"):
        await Codec(FORMER_EVENTS, keys).unseal([row])


async def test_an_unknown_event_halts_the_reader() -> None:
    keys = MemoryKeyRing()
    row = await row_of(NoteWritten(text="a"), keys)
    with pytest.raises(LogDamaged, match="'NoteWritten', which this release does not know"):
        await Codec([NoteFiled], keys).unseal([row])


async def test_an_event_that_its_class_no_longer_takes_halts_the_reader() -> None:
    class NoteWritten(Event):
        text: int

    keys = MemoryKeyRing()
    row = await row_of(SAMPLE_EVENTS[0](text="a"), keys)
    with pytest.raises(LogDamaged, match="NoteWritten cannot be read"):
        await Codec([NoteWritten], keys).unseal([row])


@pytest.mark.parametrize(
    "change",
    [
        {"stream": StreamId("note-another")},
        {"type": "NoteFiled"},
        {"schema_version": 2},
        {"payload": bytes(60)},
        {"payload": b""},
    ],
)
async def test_what_was_sealed_for_one_place_is_not_read_at_another(change: dict[str, Any]) -> None:
    keys = MemoryKeyRing()
    row = msgspec.structs.replace(await row_of(NoteWritten(text="a"), keys), **change)
    with pytest.raises(LogDamaged):
        await Codec(SAMPLE_EVENTS, keys).unseal([row])


async def test_nor_with_another_subject_s_key() -> None:
    keys, other = MemoryKeyRing(), SubjectId(new_workspace())
    await keys.obtain(other)
    row = msgspec.structs.replace(await row_of(NoteWritten(text="a"), keys), subject=other)
    with pytest.raises(LogDamaged):
        await Codec(SAMPLE_EVENTS, keys).unseal([row])


async def test_the_digest_covers_everything_that_is_stored() -> None:
    workspace, keys = new_workspace(), MemoryKeyRing()
    append = appending(workspace, write(workspace, new_stream(), NoteWritten(text="a")))
    [event] = await Codec(SAMPLE_EVENTS, keys).seal(append)
    [row] = placed(append, [event])
    assert row.digest == event.digest
    for change in (
        {"workspace": new_workspace()},
        {"command_id": new_workspace()},
        {"stream": row.stream[:-1]},
        {"subject": SubjectId(new_workspace())},
        {"type": row.type + "x"},
        {"schema_version": 2},
        {"payload": row.payload + b"x"},
        {"metadata": b"{} "},
        # What leaves one part does not pass by entering the next.
        {"stream": row.stream[:-1], "type": row.stream[-1] + row.type},
        {"payload": row.payload + row.metadata[:1], "metadata": row.metadata[1:]},
    ):
        assert msgspec.structs.replace(row, **change).digest != row.digest


async def test_what_the_erased_said_is_none_and_the_rest_stays() -> None:
    keys = MemoryKeyRing()
    row = await row_of(NoteWritten(text="a"), keys)
    await keys.destroy(row.subject)
    [recorded] = await Codec(SAMPLE_EVENTS, keys).unseal([row])
    assert recorded.event is None
    assert (recorded.stream, recorded.type, recorded.position) == (row.stream, "NoteWritten", 1)


async def test_an_event_over_the_limit_is_refused() -> None:
    with pytest.raises(EventTooLarge, match="1,048,576 bytes"):
        await row_of(NoteWritten(text="x" * EVENT_BYTES_MAX), MemoryKeyRing())


async def test_an_event_that_no_reader_would_know_is_not_stored() -> None:
    class Stray(Event):
        text: str

    for event in (Stray(text="a"), Former.NoteRenamed(title="same name, another class")):
        with pytest.raises(ValueError, match="no event of this context"):
            await row_of(event, MemoryKeyRing())


def test_the_codec_refuses_types_that_it_could_not_read_again() -> None:
    class Gap(Event):
        schema_version = 3
        upcasters = {1: lambda old: old}  # noqa: RUF012

    class Unnumbered(Event):
        numbered = True

    with pytest.raises(ValueError, match="Two events are called NoteRenamed"):
        Codec([NoteRenamed, Former.NoteRenamed], MemoryKeyRing())
    with pytest.raises(ValueError, match="Gap has no upcaster from schema version 2"):
        Codec([Gap], MemoryKeyRing())
    with pytest.raises(ValueError, match="Unnumbered asks for a number"):
        Codec([Unnumbered], MemoryKeyRing())


def test_an_instant_keeps_its_microseconds() -> None:
    assert instant(1).isoformat() == "1970-01-01T00:00:00.000001+00:00"
    assert instant(253_402_300_799_999_999).isoformat() == "9999-12-31T23:59:59.999999+00:00"
