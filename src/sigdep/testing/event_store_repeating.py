"""Contract of the event store, repeats: the same command, the same idempotency key."""

import asyncio

import pytest

from sigdep.kernel.errors import SigdepError, WrongExpectedVersion
from sigdep.kernel.ids import Position, StreamId, WorkspaceId, partition_of
from sigdep.kernel.store import ANSWERS_KEPT_HOURS, AlreadyAnswered, Appended, EventStore, KeptAnswer
from sigdep.testing.event_store_setup import EventStoreSetup, everything, head, outcome, texts
from sigdep.testing.sample_events import (
    NoteFiled,
    answering,
    appending,
    new_command,
    new_stream,
    new_workspace,
    write,
    writing,
    written,
)


def same_place(first: Appended, again: Appended | SigdepError) -> bool:
    """True: `again` is the answer to a repeat of what `first` answered."""
    return (
        isinstance(again, Appended)
        and again.repeated
        and not first.repeated
        and (again.partition, again.position, again.recorded_at, again.numbers)
        == (first.partition, first.position, first.recorded_at, first.numbers)
    )


class RepeatingContract(EventStoreSetup):
    async def test_a_repeated_command_is_stored_once(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        append = writing(workspace, stream, "a", "b")
        first = await store.append(append)
        await store.append(writing(workspace, stream, "c", expected=2))
        assert same_place(first, await store.append(append))
        assert await texts(store, stream) == ["a", "b", "c"]

    async def test_another_command_at_the_same_version_is_a_conflict(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        await store.append(writing(workspace, stream, "a"))
        with pytest.raises(WrongExpectedVersion):
            await store.append(writing(workspace, stream, "a"))

    async def test_a_repeat_with_more_events_is_a_conflict(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        command = new_command()
        await store.append(appending(workspace, write(workspace, stream, *written("a")), command=command))
        for events in (written("a", "b"), written("a", "b", "c")):
            with pytest.raises(WrongExpectedVersion):
                await store.append(appending(workspace, write(workspace, stream, *events), command=command))
            await store.append(writing(workspace, stream, "x", expected=(await store.read(stream)).version))

    async def test_a_repeat_over_several_streams_gives_numbers_and_place_again(
        self, store: EventStore, workspace: WorkspaceId
    ) -> None:
        one, other = new_stream(), new_stream()
        append = appending(
            workspace,
            write(workspace, one, NoteFiled(text="a"), *written("b")),
            write(workspace, other, NoteFiled(text="c")),
        )
        first = await store.append(append)
        assert first.numbers == (1, 2)
        await store.append(writing(workspace, one, "d", expected=2))
        assert same_place(first, await store.append(append))
        assert await head(store, workspace) == 4

    async def test_half_of_a_command_is_no_repeat(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        command, other = new_command(), new_stream()
        await store.append(appending(workspace, write(workspace, stream, *written("a")), command=command))
        with pytest.raises(WrongExpectedVersion):
            await store.append(
                appending(
                    workspace,
                    write(workspace, stream, *written("a")),
                    write(workspace, other, *written("b")),
                    command=command,
                )
            )
        assert await texts(store, other) == []

    async def test_a_repeat_is_known_although_its_guard_has_moved(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        guarded = new_stream()
        append = appending(workspace, write(workspace, stream, *written("a")), unchanged={guarded: 0})
        first = await store.append(append)
        await store.append(writing(workspace, guarded, "b"))
        assert same_place(first, await store.append(append))

    async def test_repeats_among_conflicts_and_new_ones_each_get_their_own_answer(
        self, store: EventStore, workspace: WorkspaceId
    ) -> None:
        old = [writing(workspace, new_stream(), "old") for _ in range(10)]
        firsts = [await store.append(append) for append in old]
        stale = [writing(workspace, append.writes[0].stream, "stale") for append in old]
        new = [writing(workspace, new_stream(), "new") for _ in range(10)]
        mixed = [append for three in zip(old, stale, new, strict=True) for append in three]
        results = await asyncio.gather(*(outcome(store, append) for append in mixed))
        assert all(same_place(*pair) for pair in zip(firsts, results[0::3], strict=True))
        assert {type(result) for result in results[1::3]} == {WrongExpectedVersion}
        assert [isinstance(result, Appended) and not result.repeated for result in results[2::3]] == [True] * 10
        assert len(await everything(store)) == 20

    async def test_the_same_command_sent_twice_at_once_is_stored_once(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        append = writing(workspace, stream, "a")
        one, other = await asyncio.gather(store.append(append), store.append(append))
        assert {one.repeated, other.repeated} == {True, False}
        assert one.position == other.position == 1
        assert await texts(store, stream) == ["a"]

    async def test_an_answer_is_kept_with_its_place(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        caller = new_workspace()
        assert await store.answered(caller, "k") is None
        await store.append(
            appending(
                workspace,
                write(workspace, stream, *written("a", "b")),
                answer=answering(caller, answer=b"shown", fingerprint=b"f1"),
            )
        )
        assert await store.answered(caller, "k") == KeptAnswer(
            fingerprint=b"f1", answer=b"shown", partition=partition_of(workspace), position=Position(2)
        )

    async def test_a_used_key_is_told_and_writes_nothing(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        """Even where the versions would conflict too: a repeat of "create" must not hear that the thing exists."""
        caller = new_workspace()
        first = appending(workspace, write(workspace, stream, *written("a")), answer=answering(caller, answer=b"first"))
        await store.append(first)
        for again in (stream, new_stream()):
            with pytest.raises(AlreadyAnswered) as refusal:
                await store.append(
                    appending(
                        workspace,
                        write(workspace, again, *written("b")),
                        answer=answering(caller, answer=b"second"),
                    )
                )
            assert refusal.value.kept == await store.answered(caller, "k")
            assert refusal.value.kept.answer == b"first"
        assert await head(store, workspace) == 1

    async def test_the_same_command_with_the_same_key_is_a_repeat(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        append = appending(workspace, write(workspace, stream, *written("a")), answer=answering(new_workspace()))
        first = await store.append(append)
        assert same_place(first, await store.append(append))

    async def test_keys_belong_to_their_caller(self, store: EventStore, workspace: WorkspaceId) -> None:
        for caller in (new_workspace(), new_workspace()):
            await store.append(
                appending(workspace, write(workspace, new_stream(), *written("a")), answer=answering(caller))
            )
        assert await head(store, workspace) == 2

    async def test_a_key_is_known_in_every_workspace(self, store: EventStore) -> None:
        caller = new_workspace()
        await store.append(appending(new_workspace(), answer=answering(caller)))
        for _ in range(8):  # Most likely in other partitions than the first.
            with pytest.raises(AlreadyAnswered):
                await store.append(appending(new_workspace(), answer=answering(caller)))

    async def test_a_conflict_keeps_no_answer(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        caller = new_workspace()
        with pytest.raises(WrongExpectedVersion):
            await store.append(
                appending(
                    workspace,
                    write(workspace, stream, *written("a"), expected=3),
                    answer=answering(caller),
                )
            )
        assert await store.answered(caller, "k") is None

    async def test_an_answer_is_kept_also_where_nothing_changed(
        self, store: EventStore, workspace: WorkspaceId, stream: StreamId
    ) -> None:
        caller = new_workspace()
        await store.append(writing(workspace, stream, "a"))
        appended = await store.append(appending(workspace, answer=answering(caller, answer=b"same")))
        assert appended.position == 1
        kept = await store.answered(caller, "k")
        assert kept is not None
        assert (kept.answer, kept.position) == (b"same", 1)
        with pytest.raises(AlreadyAnswered):
            await store.append(appending(workspace, answer=answering(caller)))

    async def test_an_answer_is_forgotten_when_its_time_is_over(
        self, store: EventStore, workspace: WorkspaceId
    ) -> None:
        """Also where nobody has cleared it away yet: a job with a fixed key is not answered from the past."""
        caller = new_workspace()
        for answer in (b"first", b"second"):
            await store.append(
                appending(
                    workspace, write(workspace, new_stream(), *written("a")), answer=answering(caller, answer=answer)
                )
            )
            await self.age_answers(ANSWERS_KEPT_HOURS - 1)
            kept = await store.answered(caller, "k")
            assert kept is not None
            assert kept.answer == answer
            with pytest.raises(AlreadyAnswered):
                await store.append(appending(workspace, answer=answering(caller)))
            await self.age_answers(1.1)
            assert await store.answered(caller, "k") is None
        assert await head(store, workspace) == 2

    async def test_of_two_at_once_with_one_key_one_is_stored(self, store: EventStore, workspace: WorkspaceId) -> None:
        for number in range(10):
            caller = new_workspace()
            results = await asyncio.gather(
                *(
                    outcome(
                        store,
                        appending(
                            workspace,
                            write(workspace, new_stream(), *written("a")),
                            answer=answering(caller, answer=str(sender).encode()),
                        ),
                    )
                    for sender in range(3)
                )
            )
            [winner] = [sender for sender, result in enumerate(results) if isinstance(result, Appended)]
            for sender, result in enumerate(results):
                if sender != winner:
                    assert isinstance(result, AlreadyAnswered)
                    assert result.kept.answer == str(winner).encode()
            assert await head(store, workspace) == number + 1
