"""Commands are carried out once, whole or not at all, and never refused because of something outdated."""

import asyncio
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.kernel import executor
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import KeyReused, Refused, StreamBusy, Unavailable, WrongExpectedVersion
from sigdep.kernel.ids import NO_STREAM, SubjectId, WorkspaceId, partition_of
from sigdep.kernel.store import Append, Appended, Metadata
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.testing.sample_events import SAMPLE_EVENTS, NoteWritten, answering, new_command, new_workspace
from tests.kernel.notes import NOTES, Note, Notes, decide


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def store(log: MemoryLog) -> MemoryEventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()), log)


@pytest.fixture
def workspace() -> WorkspaceId:
    return new_workspace()


@pytest.fixture
def notes(store: MemoryEventStore, workspace: WorkspaceId) -> Notes:
    return Notes(store, workspace)


async def test_a_command_s_outcome_is_the_new_state_with_its_number(notes: Notes, workspace: WorkspaceId) -> None:
    for number in (1, 2):
        outcome = await notes.say(uuid7(), "a")
        assert outcome.state == Note(texts=("a",), number=number)
        assert (outcome.version, outcome.position, outcome.partition) == (1, number, partition_of(workspace))
        assert not outcome.repeated


async def test_the_number_is_in_the_state_that_the_next_command_sees(notes: Notes) -> None:
    identity = uuid7()
    await notes.say(identity, "a")
    assert (await notes.say(identity, "b")).state == Note(texts=("a", "b"), number=1)


async def test_nothing_to_do_stores_nothing_and_tells_the_head(notes: Notes) -> None:
    identity = uuid7()
    await notes.say(identity, "a")
    outcome = await notes.say(identity, "a")
    assert (outcome.version, outcome.position, outcome.state.texts) == (1, 1, ("a",))


async def test_a_refusal_stores_nothing(notes: Notes) -> None:
    identity = uuid7()
    await notes.say(identity, "close")
    with pytest.raises(Refused):
        await notes.say(identity, "more")
    assert (await notes.store.read(NOTES.stream(identity))).version == 1


async def test_a_dry_run_shows_what_would_be_and_stores_nothing(notes: Notes) -> None:
    identity = uuid7()
    outcome = await notes.say(identity, "a", dry_run=True)
    assert (outcome.state.texts, outcome.version, outcome.position) == (("a",), 1, 0)
    assert (await notes.store.read(NOTES.stream(identity))).version == 0
    assert (await notes.repository.load(NOTES.stream(identity))).version == 0


async def test_one_unit_sees_what_it_has_decided_itself(notes: Notes, workspace: WorkspaceId) -> None:
    one, other = uuid7(), uuid7()

    async def work(unit: UnitOfWork) -> None:
        for said in ("a", "b"):
            for identity in (one, other):
                note = await unit.load(notes.repository, identity)
                unit.record(notes.repository, identity, SubjectId(workspace), decide(said, note))
        unit.show(notes.repository, other)
        unit.show(notes.repository, one)

    outcome = await notes.executor.execute(workspace, new_command(), work, metadata=Metadata())
    assert [outcome.states[shown.stream] for shown in outcome.shown] == [
        Note(texts=("a", "b"), number=2),
        Note(texts=("a", "b"), number=1),
    ]
    assert outcome.position == 4
    assert await notes.repository.load(NOTES.stream(one)) == await Notes(notes.store, workspace).repository.load(
        NOTES.stream(one)
    )


async def test_a_second_process_is_not_refused_because_of_what_it_remembers(
    store: MemoryEventStore, workspace: WorkspaceId
) -> None:
    first, second = Notes(store, workspace, alone=False), Notes(store, workspace, alone=False)
    identity = uuid7()
    await first.say(identity, "close")
    await second.executor.execute(workspace, new_command(), _load(second, identity), metadata=Metadata())
    await _reopen(first, identity)
    # `second` remembers the note as closed.
    assert (await second.say(identity, "more")).version == 3
    assert second.attempts == 2


async def test_nor_does_it_take_something_for_done_that_is_not(store: MemoryEventStore, workspace: WorkspaceId) -> None:
    first, second = Notes(store, workspace, alone=False), Notes(store, workspace, alone=False)
    identity = uuid7()
    await second.say(identity, "a")
    await first.say(identity, "b")
    assert (await second.say(identity, "a", dry_run=True)).state.texts == ("a", "b", "a")
    await first.say(identity, "c")
    assert (await second.say(identity, "a")).state.texts == ("b", "c", "a")


async def test_a_dry_run_is_not_run_on_something_outdated(store: MemoryEventStore, workspace: WorkspaceId) -> None:
    first, second = Notes(store, workspace, alone=False), Notes(store, workspace, alone=False)
    identity = uuid7()
    await second.say(identity, "a")
    await first.say(identity, "b")
    assert (await second.say(identity, "c", dry_run=True)).state.texts == ("a", "b", "c")


async def test_a_lost_race_is_run_again(store: MemoryEventStore, workspace: WorkspaceId) -> None:
    first, second = Notes(store, workspace, alone=False), Notes(store, workspace, alone=False)
    identity = uuid7()
    await second.say(identity, "a")
    await first.say(identity, "b")
    assert (await second.say(identity, "c")).state.texts == ("a", "b", "c")
    assert second.attempts == 2


async def test_all_who_change_one_thing_at_once_get_through(notes: Notes) -> None:
    identity = uuid7()
    outcomes = await asyncio.gather(*(notes.say(identity, str(number)) for number in range(30)))
    assert sorted(outcome.version for outcome in outcomes) == list(range(1, 31))


async def test_a_guard_that_moves_starts_the_command_over(store: MemoryEventStore, workspace: WorkspaceId) -> None:
    first, second = Notes(store, workspace, alone=False), Notes(store, workspace, alone=False)
    identity, guarded = uuid7(), uuid7()
    await second.say(guarded, "a")
    await first.say(guarded, "b")
    await second.say(identity, "c", guarding=guarded)
    assert second.attempts == 2


async def test_after_too_many_lost_races_the_stream_is_busy(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(append: Append) -> Appended:
        raise WrongExpectedVersion(append.writes[0].stream, NO_STREAM, NO_STREAM)

    monkeypatch.setattr(executor, "ATTEMPTS_MAX", 5)
    monkeypatch.setattr(notes.store, "append", lose)
    with pytest.raises(StreamBusy, match="5 times"):
        await notes.say(uuid7(), "a")
    assert notes.attempts == 5


async def test_a_repeat_with_the_key_gives_the_first_outcome_again(notes: Notes) -> None:
    identity, key = uuid7(), answering(new_workspace())
    first = await notes.say(identity, "a", key=key)
    await notes.say(identity, "b")
    for again in (await notes.say(identity, "c", key=key), await notes.executor.answered(key)):
        assert again is not None
        assert again.repeated
        assert (again.states, again.position, again.version) == (first.states, first.position, first.version)
    assert (await notes.store.read(NOTES.stream(identity))).version == 2


async def test_a_repeat_of_nothing_to_do_is_known_too(notes: Notes) -> None:
    identity, key = uuid7(), answering(new_workspace())
    await notes.say(identity, "a")
    first = await notes.say(identity, "a", key=key)
    await notes.say(identity, "b")
    again = await notes.executor.answered(key)
    assert again is not None
    assert (again.state.texts, again.version) == (first.state.texts, first.version) == (("a",), 1)


async def test_a_key_is_for_one_request(notes: Notes) -> None:
    caller, identity = new_workspace(), uuid7()
    await notes.say(identity, "a", key=answering(caller, fingerprint=b"one"))
    other = answering(caller, fingerprint=b"another")
    with pytest.raises(KeyReused):
        await notes.say(identity, "b", key=other)
    with pytest.raises(KeyReused):
        await notes.executor.answered(other)
    assert await notes.executor.answered(answering(caller, "unused")) is None


async def test_a_dry_run_uses_up_no_key(notes: Notes) -> None:
    key = answering(new_workspace())
    await notes.say(uuid7(), "a", key=key, dry_run=True)
    assert await notes.executor.answered(key) is None


class AbsentMindedStore(MemoryEventStore):
    """Stores, and then cannot say that it has."""

    failing = True

    async def append(self, append: Append) -> Appended:
        appended = await super().append(append)
        if self.failing:
            raise Unavailable("The connection was lost.")
        return appended


async def test_after_an_unknown_outcome_nothing_remembered_is_relied_on(log: MemoryLog, workspace: WorkspaceId) -> None:
    store = AbsentMindedStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()), log)
    notes, identity = Notes(store, workspace), uuid7()
    store.failing = False
    await notes.say(identity, "a")
    store.failing = True
    with pytest.raises(Unavailable):
        await notes.say(identity, "close")
    store.failing = False
    with pytest.raises(Refused):
        await notes.say(identity, "more")


async def test_nor_after_a_request_that_was_cancelled_while_it_was_stored(
    store: MemoryEventStore, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The append of a cancelled request may land after others have read the stream."""
    notes, identity = Notes(store, workspace), uuid7()
    await notes.say(identity, "a")
    landing: list[Append] = []
    store_now = store.append

    async def store_later(append: Append) -> Appended:
        landing.append(append)
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(store, "append", store_later)
    saying = asyncio.create_task(notes.say(identity, "b"))
    await asyncio.sleep(0.01)
    saying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saying
    assert (await notes.repository.load(NOTES.stream(identity))).version == 1
    await store_now(landing[0])
    monkeypatch.setattr(store, "append", store_now)
    # "b" has been said last, although what is remembered says otherwise of "a".
    assert (await notes.say(identity, "a")).state.texts == ("a", "b", "a")


def _load(notes: Notes, identity: UUID) -> executor.Work:
    async def work(unit: UnitOfWork) -> None:
        await unit.load(notes.repository, identity)

    return work


async def _reopen(notes: Notes, identity: UUID) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.load(notes.repository, identity)
        unit.record(notes.repository, identity, SubjectId(notes.workspace), [NoteWritten(text="open")])

    await notes.executor.execute(notes.workspace, new_command(), work, metadata=Metadata())
