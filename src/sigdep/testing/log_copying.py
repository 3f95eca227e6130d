"""The contract suite of copying a log: every promise of LogSource and LogTarget in `kernel/log_copy.py`."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
import pytest
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.kernel import log_copy
from sigdep.kernel.chain import StoredRow
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import SigdepError, Unavailable, WrongExpectedVersion
from sigdep.kernel.ids import Partition, Position, Version, WorkspaceId
from sigdep.kernel.log_copy import (
    BEFORE_FIRST,
    PAGE_ROWS,
    ChainEnd,
    LinkedBatch,
    LogSource,
    LogTarget,
    Portion,
    StoredAnswer,
    TargetTaken,
    WorkspaceNumber,
)
from sigdep.kernel.store import AlreadyAnswered, EventStore
from sigdep.testing.event_store_setup import everything, head
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteFiled,
    answering,
    appending,
    new_stream,
    workspace_in,
    write,
    writing,
    written,
)

T = TypeVar("T")

PARTITION = Partition(7)
OTHER_PARTITION = Partition(8)


class LogPlace(Protocol):
    """Where a log can be: the same data each time that something is opened there."""

    async def open_store(self, codec: Codec) -> EventStore: ...

    async def open_source(self) -> LogSource: ...

    async def open_target(self) -> LogTarget: ...


class LogCopyContract:
    """A subclass gives `new_place`."""

    @pytest.fixture
    def new_place(self) -> Callable[[], LogPlace]:
        """Each call gives an empty place."""
        raise NotImplementedError("The subclass says where its logs are.")

    @pytest.fixture
    async def opened(self) -> AsyncIterator[AsyncExitStack]:
        async with AsyncExitStack() as stack:
            yield stack

    @pytest.fixture
    def codec(self) -> Codec:
        return Codec(SAMPLE_EVENTS, MemoryKeyRing())

    @pytest.fixture
    def workspace(self) -> WorkspaceId:
        return workspace_in(PARTITION)

    @pytest.fixture
    async def place(self, new_place: Callable[[], LogPlace], codec: Codec, workspace: WorkspaceId) -> LogPlace:
        """Batches of 1, 3, 1 and 2 events in PARTITION and one in the next, with two numbers and two answers."""
        place = new_place()
        store = await place.open_store(codec)
        filed = NoteFiled(text="filed")
        await store.append(writing(workspace, new_stream(), "first"))
        await store.append(appending(workspace, write(workspace, new_stream(), filed, *written("x", "y"))))
        answer = answering(UUID(int=1), "ä key", answer=b"\0\xff", fingerprint=b"print")
        await store.append(appending(workspace, write(workspace, new_stream(), filed), answer=answer))
        await store.append(appending(workspace, write(workspace, new_stream(), *written("a", "b"))))
        other = workspace_in(OTHER_PARTITION)
        await store.append(appending(other, write(other, new_stream(), filed), answer=answering(UUID(int=2), "k")))
        await store.close()
        return place

    @pytest.fixture
    async def source(self, place: LogPlace, opened: AsyncExitStack) -> LogSource:
        source = await place.open_source()
        opened.push_async_callback(source.close)
        return source

    @pytest.fixture
    def empty(self, new_place: Callable[[], LogPlace]) -> LogPlace:
        return new_place()

    @pytest.fixture
    async def target(self, empty: LogPlace, opened: AsyncExitStack) -> LogTarget:
        target = await empty.open_target()
        opened.push_async_callback(target.close)
        assert await target.begin()
        return target

    async def test_every_batch_comes_with_the_link_that_was_made_for_it(self, source: LogSource) -> None:
        ends = await source.ends()
        assert {partition: end.position for partition, end in ends.items()} == {PARTITION: 7, OTHER_PARTITION: 1}
        for partition, end in ends.items():
            place = BEFORE_FIRST
            for batch in await batches(source, partition):
                place = place.after(batch)
                assert await source.link_at(partition, place.position) == place.link
            assert place == end
        assert [len(batch.rows) for batch in await batches(source, PARTITION)] == [1, 3, 1, 2]

    async def test_only_the_end_of_a_batch_has_a_link(self, source: LogSource) -> None:
        for position in (0, 2, 3, 6, 8):
            assert await source.link_at(PARTITION, Position(position)) is None
        assert await source.link_at(Partition(9), Position(1)) is None

    @pytest.mark.parametrize("after", [1, 4, 5, 7])
    async def test_reading_begins_behind_any_batch(self, source: LogSource, after: int) -> None:
        everything = [row for batch in await batches(source, PARTITION) for row in batch.rows]
        rest = [row for batch in await batches(source, PARTITION, Position(after)) for row in batch.rows]
        assert rest == everything[after:]

    async def test_a_partition_without_events_has_no_portions(self, source: LogSource) -> None:
        assert await batches(source, Partition(9)) == []

    async def test_portions_are_bounded(self, source: LogSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_copy, "PORTION_EVENTS_MAX", 4)
        portions = [portion async for portion in source.portions(PARTITION, Position(0))]
        assert [[len(batch.rows) for batch in portion] for portion in portions] == [[1, 3], [1, 2]]
        monkeypatch.setattr(log_copy, "PORTION_BYTES_MAX", 1)
        portions = [portion async for portion in source.portions(PARTITION, Position(0))]
        assert [len(portion) for portion in portions] == [1, 1, 1, 1]

    async def test_what_was_taken_is_what_was_given(self, source: LogSource, target: LogTarget) -> None:
        await copy(source, target)
        assert await held(target) == await held(source)

    async def test_a_copy_is_a_log_like_any_other(
        self, source: LogSource, target: LogTarget, empty: LogPlace, codec: Codec, workspace: WorkspaceId
    ) -> None:
        await copy(source, target)
        ends = await target.ends()
        await target.finish()
        await target.close()
        store = await empty.open_store(codec)
        for partition, end in ends.items():
            report = await store.verify(partition)
            assert (report.head, list(report.faults)) == (end.link, [])
        assert len(await everything(store)) == 8
        again = answering(UUID(int=1), "ä key")
        with pytest.raises(AlreadyAnswered) as refusal:
            await store.append(appending(workspace, write(workspace, new_stream(), *written("z")), answer=again))
        assert (refusal.value.kept.answer, refusal.value.kept.position) == (b"\0\xff", 5)
        numbered = await store.append(appending(workspace, write(workspace, new_stream(), NoteFiled(text="third"))))
        assert (numbered.numbers, numbered.position) == ((3,), 8)
        first = (await everything(store))[0]
        with pytest.raises(WrongExpectedVersion):
            await store.append(writing(workspace, first.stream, "late"))
        await store.append(writing(workspace, first.stream, "in time", expected=first.version))
        assert not (await store.verify(PARTITION)).faults
        assert len(await everything(store)) == 10
        await store.close()

    async def test_a_copy_can_be_copied_back_when_it_has_gone_on(
        self,
        source: LogSource,
        target: LogTarget,
        empty: LogPlace,
        new_place: Callable[[], LogPlace],
        codec: Codec,
        workspace: WorkspaceId,
        opened: AsyncExitStack,
    ) -> None:
        await copy(source, target)
        await target.finish()
        await target.close()
        store = await empty.open_store(codec)
        for _ in range(3):
            await store.append(writing(workspace, new_stream(), "more", "and more"))
        await store.close()
        onward = await empty.open_source()
        opened.push_async_callback(onward.close)
        last = await new_place().open_target()
        opened.push_async_callback(last.close)
        await last.begin()
        await copy(onward, last)
        assert await held(last) == await held(onward)

    async def test_a_portion_that_does_not_continue_the_log_is_refused(
        self, source: LogSource, target: LogTarget
    ) -> None:
        [first, second, *_] = await batches(source, PARTITION)
        with pytest.raises(TargetTaken):
            await target.take([second])
        assert await target.ends() == {}
        await target.take([first])
        with pytest.raises(TargetTaken):
            await target.take([first])
        assert await target.ends() == {PARTITION: BEFORE_FIRST.after(first)}
        assert await batches(target, PARTITION) == [first]

    async def test_a_portion_is_taken_whole_or_not_at_all(self, source: LogSource, target: LogTarget) -> None:
        [first, second, third, _] = await batches(source, PARTITION)
        rows: Sequence[StoredRow] = third.rows
        same_place = LinkedBatch([*rows, msgspec.structs.replace(rows[0], position=Position(6))], third.link)
        with pytest.raises(SigdepError):
            await target.take([first, second, same_place])
        assert (await target.ends(), await batches(target, PARTITION)) == ({}, [])
        await copy(source, target)
        assert await held(target) == await held(source)

    async def test_an_interrupted_copy_goes_on_where_it_was(
        self, source: LogSource, target: LogTarget, empty: LogPlace, opened: AsyncExitStack
    ) -> None:
        [first, second, *rest] = await batches(source, PARTITION)
        await target.take([first, second])
        await target.close()
        again = await empty.open_target()
        opened.push_async_callback(again.close)
        assert await again.begin()
        assert await again.ends() == {PARTITION: ChainEnd(Position(4), second.last.recorded_us, second.link)}
        await again.take(rest)
        await copy(source, again, partitions=[OTHER_PARTITION])
        assert await held(again) == await held(source)

    async def test_no_store_opens_a_draft(self, target: LogTarget, empty: LogPlace, codec: Codec) -> None:
        await target.close()
        with pytest.raises(Unavailable, match="interrupted"):
            await empty.open_store(codec)
        with pytest.raises(Unavailable, match="interrupted"):
            await empty.open_source()
        again = await empty.open_target()
        for _ in range(2):
            await again.finish()
        await again.close()
        await (await empty.open_store(codec)).close()

    async def test_a_whole_log_is_not_begun_again(self, place: LogPlace) -> None:
        target = await place.open_target()
        assert not await target.begin()
        await target.close()
        await (await place.open_source()).close()

    async def test_answers_of_an_interrupted_copy_are_forgotten(self, source: LogSource, target: LogTarget) -> None:
        expired = StoredAnswer(UUID(int=3), "old", b"f", b"a", PARTITION, Position(1), 1)
        await target.take_answers([expired])
        await target.forget_answers()
        await copy(source, target)
        assert await pages(target.answers()) == await pages(source.answers())

    async def test_many_numbers_and_answers_come_in_pages(self, target: LogTarget) -> None:
        many = PAGE_ROWS + 1
        numbers = [WorkspaceNumber(WorkspaceId(uuid7()), number) for number in range(1, many + 1)]
        # The same moment for all: what is committed together has one time.
        answers = [StoredAnswer(UUID(int=7), f"{n}", b"f", b"a", PARTITION, Position(n), 5) for n in range(many)]
        await target.take_numbers(numbers)
        await target.take_answers(answers)
        assert [len(page) async for page in target.numbers()] == [PAGE_ROWS, 1]
        assert set(await pages(target.numbers())) == set(numbers)
        assert [len(page) async for page in target.answers()] == [PAGE_ROWS, 1]
        assert {answer.key for answer in await pages(target.answers())} == {answer.key for answer in answers}

    async def test_answers_come_the_oldest_first(self, target: LogTarget) -> None:
        older = StoredAnswer(UUID(int=9), "z", b"f", b"a", PARTITION, Position(1), 1)
        younger = StoredAnswer(UUID(int=1), "a", b"f", b"a", PARTITION, Position(1), 2)
        await target.take_answers([older, younger])
        assert await pages(target.answers()) == [older, younger]

    async def test_a_number_replaces_the_one_before(self, target: LogTarget, workspace: WorkspaceId) -> None:
        for number in (1, 5):
            await target.take_numbers([WorkspaceNumber(workspace, number)])
        assert await pages(target.numbers()) == [WorkspaceNumber(workspace, 5)]

    async def test_versions_follow_those_of_the_copy(
        self, source: LogSource, target: LogTarget, empty: LogPlace, codec: Codec, workspace: WorkspaceId
    ) -> None:
        streams = {row.stream: row.version for batch in await batches(source, PARTITION) for row in batch.rows}
        await copy(source, target)
        await target.finish()
        await target.close()
        store = await empty.open_store(codec)
        for stream, version in streams.items():
            assert (await store.read(stream)).version == version
            await store.append(writing(workspace, stream, "next", expected=Version(version)))
        assert await head(store, workspace) == 7 + len(streams)
        await store.close()

    async def test_closing_twice_is_harmless(self, source: LogSource, target: LogTarget) -> None:
        for _ in range(2):
            await source.close()
            await target.close()


async def copy(source: LogSource, target: LogTarget, partitions: Sequence[Partition] | None = None) -> None:
    for partition in await source.ends() if partitions is None else partitions:
        async for portion in source.portions(partition, Position(0)):
            await target.take(portion)
    async for numbers in source.numbers():
        await target.take_numbers(numbers)
    await target.forget_answers()
    async for answers in source.answers():
        await target.take_answers(answers)


async def batches(source: LogSource, partition: Partition, after: Position = BEFORE_FIRST.position) -> Portion:
    return [batch async for portion in source.portions(partition, after) for batch in portion]


async def pages(found: AsyncIterator[Sequence[T]]) -> list[T]:
    return [row async for page in found for row in page]


async def held(source: LogSource) -> Mapping[str, Any]:
    """Everything of a log."""
    ends = await source.ends()
    return {
        "ends": ends,
        "batches": {partition: await batches(source, partition) for partition in ends},
        "numbers": sorted(await pages(source.numbers()), key=lambda number: number.workspace),
        "answers": sorted(await pages(source.answers()), key=lambda answer: (answer.kept_us, answer.caller)),
    }
