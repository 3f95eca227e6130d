"""Aggregates are folded, remembered, and begun at a snapshot."""

import msgspec
import pytest
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.kernel import repository as repository_module
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.repository import SNAPSHOT_EVENTS, Repository
from sigdep.kernel.store import EventStore, Snapshot, StreamSlice
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_workspace, write, writing, written
from tests.kernel.notes import NOTES, Note, Notes


class CountingStore(MemoryEventStore):
    """Knows how many events have been read from it."""

    events_read = 0

    async def read(self, *arguments: object, **options: object) -> StreamSlice:
        found = await super().read(*arguments, **options)  # type: ignore[arg-type]
        self.events_read += len(found.events)
        return found


@pytest.fixture
def keys() -> MemoryKeyRing:
    return MemoryKeyRing()


@pytest.fixture
def store(keys: MemoryKeyRing) -> CountingStore:
    return CountingStore(Codec(SAMPLE_EVENTS, keys), MemoryLog())


def another(store: EventStore) -> Repository[Note]:
    """The repository of a process that has just started."""
    return Repository(store, NOTES, alone=True)


async def test_an_unknown_stream_is_the_initial_state(store: CountingStore) -> None:
    found = await another(store).load(NOTES.stream(uuid7()))
    assert (found.state, found.version) == (Note(), 0)


async def test_a_state_is_folded_once_and_then_remembered(store: CountingStore) -> None:
    workspace, identity = new_workspace(), uuid7()
    await store.append(writing(workspace, NOTES.stream(identity), "a", "b"))
    repository = another(store)
    for _ in range(3):
        found = await repository.load(NOTES.stream(identity))
        assert (found.state.texts, found.version) == (("a", "b"), 2)
    assert store.events_read == 2


async def test_refresh_reads_only_what_is_new(store: CountingStore) -> None:
    workspace, stream = new_workspace(), NOTES.stream(uuid7())
    await store.append(writing(workspace, stream, "a", "b"))
    repository = another(store)
    await repository.load(stream)
    await store.append(writing(workspace, stream, "c", expected=2))
    assert (await repository.refresh(stream)).state.texts == ("a", "b", "c")
    assert store.events_read == 3
    assert (await repository.load(stream)).version == 3


async def test_a_state_as_it_was(store: CountingStore) -> None:
    workspace, stream = new_workspace(), NOTES.stream(uuid7())
    await store.append(writing(workspace, stream, "a", "b", "c"))
    assert (await another(store).load_at(stream, Version(2))).texts == ("a", "b")


async def test_an_older_state_never_replaces_a_newer_one(store: CountingStore) -> None:
    repository, stream = another(store), NOTES.stream(uuid7())
    repository.remember(stream, Note(texts=("new",)), Version(2))
    repository.remember(stream, Note(texts=("old",)), Version(1))
    assert (await repository.load(stream)).state.texts == ("new",)


async def test_no_more_states_are_remembered_than_the_limit(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository_module, "CACHED_STATES_MAX", 3)
    monkeypatch.setattr(repository_module, "DOUBTED_STREAMS_MAX", 3)
    repository = another(store)
    for _ in range(10):
        repository.remember(NOTES.stream(uuid7()), Note(), Version(1))
        repository.doubt(NOTES.stream(uuid7()))
    assert len(repository._cache) == 3
    assert len(repository._doubted) == 3


async def test_a_long_stream_is_begun_at_its_snapshot(store: CountingStore) -> None:
    workspace, identity = new_workspace(), uuid7()
    notes = Notes(store, workspace)
    for number in range(SNAPSHOT_EVENTS + 20):
        await notes.say(identity, f"said {number}")
    assert await store.load_snapshot(NOTES.stream(identity), "note-1") is not None
    store.events_read = 0
    found = await another(store).load(NOTES.stream(identity))
    assert store.events_read == 20
    assert found == await notes.repository.load(NOTES.stream(identity))
    assert found.state.number == 1


async def test_a_snapshot_of_another_shape_is_not_used(store: CountingStore) -> None:
    workspace, identity = new_workspace(), uuid7()
    await store.append(writing(workspace, NOTES.stream(identity), "a", "b"))
    for schema, state in (("note-0", b'{"texts":["wrong"]}'), ("note-1", b'{"texts":"no list"}')):
        await store.save_snapshot(
            Snapshot(
                stream=NOTES.stream(identity),
                subject=SubjectId(workspace),
                version=Version(1),
                schema=schema,
                state=state,
            )
        )
        assert (await another(store).load(NOTES.stream(identity))).state.texts == ("a", "b")


async def test_the_erased_leave_no_state_behind(store: CountingStore, keys: MemoryKeyRing) -> None:
    person, identity = new_workspace(), uuid7()
    await store.append(
        msgspec.structs.replace(
            writing(new_workspace(), NOTES.stream(identity), "a"),
            writes=(write(person, NOTES.stream(identity), *written("my name")),),
        )
    )
    await keys.destroy(SubjectId(person))
    found = await another(store).load(NOTES.stream(identity))
    assert (found.state, found.version) == (Note(), 1)


async def test_a_snapshot_that_cannot_be_saved_fails_no_command(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(snapshot: Snapshot) -> None:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(repository_module, "SNAPSHOT_EVENTS", 2)
    monkeypatch.setattr(store, "save_snapshot", fail)
    notes, identity = Notes(store, new_workspace()), uuid7()
    for number in range(5):
        await notes.say(identity, f"said {number}")
    assert (await another(store).load(NOTES.stream(identity))).version == 5
