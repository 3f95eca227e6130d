"""Who follows closely is handed what was committed; who does not, reads. Nothing is kept for long."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.sqlite import log_end
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.log_end import Commit, LogEnd, events_after
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import Partition, Position, Positions
from sigdep.kernel.store import READ_EVENTS_MAX, RecordedEvent
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, workspace_in, writing

PARTITION, OTHER = Partition(5), Partition(6)


class CountingCodec(Codec):
    """Knows how many events have been read back."""

    opened = 0

    async def unseal(self, rows: Sequence[StoredRow]) -> list[RecordedEvent]:
        self.opened += len(rows)
        return await super().unseal(rows)


def place(position: int, other: int = 0) -> Positions:
    return {PARTITION: Position(position), OTHER: Position(other)}


def commit(before: Positions, after: Positions) -> Commit:
    """Of rows that nobody looks into."""
    size = sum(after.values()) - sum(before.values())
    return Commit((), [()] * size, before, after)


async def test_who_has_caught_up_is_told_what_comes_without_reading_it(tmp_path: Path) -> None:
    codec = CountingCodec(SAMPLE_EVENTS, MemoryKeyRing())
    store = await SqliteEventStore.open(tmp_path / "log.db", codec)
    await store.append(writing(workspace_in(PARTITION), new_stream(), "before"))
    following = store.follow({})
    assert len(await anext(following)) == codec.opened == 1
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0.01)  # It has looked, and waits.
    for _ in range(3):
        await store.append(writing(workspace_in(PARTITION), new_stream(), "a", "b"))
        assert [recorded.type for recorded in await waiting] == ["NoteWritten", "NoteWritten"]
        waiting = asyncio.ensure_future(anext(following))
    assert codec.opened == 1
    await store.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_who_has_fallen_behind_reads_and_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_end, "KEPT_EVENTS_MAX", 4)
    codec = CountingCodec(SAMPLE_EVENTS, MemoryKeyRing())
    store = await SqliteEventStore.open(tmp_path / "log.db", codec)
    following = store.follow({})
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0.01)
    await store.append(writing(workspace_in(PARTITION), new_stream(), "a"))
    heard = [*await waiting]
    for _ in range(6):
        await store.append(writing(workspace_in(PARTITION), new_stream(), "b"))
    while len(heard) < 7:
        heard += await anext(following)
    assert [recorded.position for recorded in heard] == [1, 2, 3, 4, 5, 6, 7]
    assert codec.opened == 6
    await store.close()


async def test_a_place_within_a_commit_is_told_the_rest() -> None:
    end, first, second = LogEnd({}), commit({}, place(3)), commit(place(3), place(3, 2))
    end.add(first)
    end.add(second)
    assert list(end.after({}) or ()) == list(end.after(place(2)) or ()) == [first, second]
    assert list(end.after(place(3)) or ()) == [second]
    assert list(end.after(place(2, 2)) or ()) == [first, second]
    assert end.after(place(3, 2)) == ()
    end.forget()


async def test_a_place_before_what_is_kept_must_be_read() -> None:
    end = LogEnd(place(7))
    end.add(commit(place(7), place(8)))
    assert end.after(place(6)) is None
    assert end.after(place(7, 1)) is not None
    end.forget()
    assert end.after(place(7)) is None
    assert end.after(place(8)) == ()


async def test_no_more_is_kept_than_one_batch() -> None:
    end, reached = LogEnd({}), 0
    for _ in range(5):
        end.add(commit(place(reached), place(reached + READ_EVENTS_MAX // 4)))
        reached += READ_EVENTS_MAX // 4
    assert end.after(place(0)) is None
    assert sum(kept.size for kept in end.after(place(READ_EVENTS_MAX // 4)) or ()) == READ_EVENTS_MAX
    end.forget()


async def test_nor_for_longer_than_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_end, "KEPT_SECONDS", 0.05)
    end = LogEnd({})
    end.add(commit({}, place(1)))
    await asyncio.sleep(0.03)
    end.add(commit(place(1), place(2)))
    async with asyncio.timeout(20):
        while end.after(place(1)) is not None:
            await asyncio.sleep(0.005)
    assert end.after(place(0)) is None
    assert end.after(place(2)) == ()


async def test_of_a_commit_that_is_known_in_part_the_rest_is_told(tmp_path: Path) -> None:
    codec = CountingCodec(SAMPLE_EVENTS, MemoryKeyRing())
    store = await SqliteEventStore.open(tmp_path / "log.db", codec)
    await store.append(writing(workspace_in(PARTITION), new_stream(), "a", "b", "c"))
    assert store._end is not None
    commits = store._end.after(place(1))
    assert [recorded.position for recorded in events_after(place(1), commits or ())] == [2, 3]
    await store.close()
