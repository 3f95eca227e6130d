"""Random histories of an event store, each step compared with the memory model.

class Machine(EventStoreMachine):
    async def open_store(self, codec: Codec) -> EventStore: ...

TestAgainstTheModel = Machine.TestCase
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.ids import Partition, Position, StreamId, SubjectId, Version, WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.kernel.store import Append, Appended, EventStore, RecordedEvent, Snapshot
from sigdep.testing.event_store_setup import WAIT_SECONDS, everything, outcome
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteFiled,
    NoteWritten,
    answering,
    appending,
    new_command,
    new_stream,
    workspace_in,
    write,
)

T = TypeVar("T")

STREAMS = 5
"""Few, so that appends meet."""

stream_numbers = st.integers(0, STREAMS - 1)
few_events = st.lists(
    st.sampled_from([NoteWritten(text="a"), NoteWritten(text="b"), NoteFiled(text="c")]), min_size=1, max_size=3
).map(tuple)
off_by = st.sampled_from([0, 0, 0, -1, 1])
"""Added to a stream's version to make an expectation: mostly right."""


class EventStoreMachine(RuleBasedStateMachine):
    """Two workspaces in one partition and one in another; every append goes to the store and to the model."""

    async def open_store(self, codec: Codec) -> EventStore:
        """Open the store on `folder`: the same data each time during one history, empty at its begin."""
        raise NotImplementedError

    async def clean_up(self) -> None:
        """After a history, when the store has been closed."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.keys = MemoryKeyRing()
        self.codec = Codec(SAMPLE_EVENTS, self.keys)
        self.store = self.run(self.open_store(self.codec))
        self.model = MemoryEventStore(self.codec)
        self.workspaces = [workspace_in(11), workspace_in(11), workspace_in(12)]
        self.streams = {workspace: [new_stream() for _ in range(STREAMS)] for workspace in self.workspaces}
        self.subjects = {stream: SubjectId(uuid7()) for streams in self.streams.values() for stream in streams}
        self.stored: list[Append] = []
        self.callers = [uuid7(), uuid7()]
        self.reached: dict[Partition, Position] = {}
        self.heard: dict[Partition, Position] = {}
        self.following = self.store.follow({})
        self.hear()

    @rule(
        place=st.integers(0, 2),
        changes=st.dictionaries(stream_numbers, st.tuples(few_events, off_by), max_size=3),
        guards=st.dictionaries(stream_numbers, off_by, max_size=2),
        key=st.none() | st.tuples(st.integers(0, 1), st.sampled_from("xyz")),
    )
    def append(
        self,
        place: int,
        changes: dict[int, tuple[tuple[Event, ...], int]],
        guards: dict[int, int],
        key: tuple[int, str] | None,
    ) -> None:
        workspace = self.workspaces[place]
        append = appending(
            workspace,
            *(self.written(workspace, number, events, off) for number, (events, off) in changes.items()),
            unchanged={
                self.streams[workspace][number]: max(0, self.version(workspace, number) + off)
                for number, off in guards.items()
                if number not in changes
            },
            answer=None if key is None else answering(self.callers[key[0]], key[1], answer=new_command().bytes),
        )
        self.both(append)

    @rule(which=st.integers(0, 1_000_000))
    def repeat(self, which: int) -> None:
        """The same append again, some time later."""
        if self.stored:
            self.both(self.stored[which % len(self.stored)])

    @rule(which=st.integers(0, 1_000_000), events=few_events)
    def repeat_with_other_events(self, which: int, events: tuple[Event, ...]) -> None:
        """Another append that claims to be an earlier command."""
        if self.stored:
            earlier = self.stored[which % len(self.stored)]
            others = tuple(msgspec.structs.replace(one, events=events) for one in earlier.writes)
            self.both(msgspec.structs.replace(earlier, writes=others, answer=None))

    @rule(place=st.integers(0, 2), changes=st.lists(st.tuples(stream_numbers, few_events, st.booleans()), max_size=12))
    def append_many_at_once(self, place: int, changes: Sequence[tuple[int, tuple[Event, ...], bool]]) -> None:
        """The model has no "at once": it takes what was stored in the order of the store, and then the rest."""
        workspace = self.workspaces[place]
        appends = [
            appending(workspace, self.written(workspace, number, events, -1 if stale else 0))
            for number, events, stale in changes
        ]
        results = self.run(_all_outcomes(self.store, appends))
        pairs = sorted(
            zip(appends, results, strict=True),
            key=lambda pair: pair[1].position if isinstance(pair[1], Appended) else 1_000_000,
        )
        for append, result in pairs:
            self.compare(append, result, self.run(outcome(self.model, append)), at_once=True)

    @rule(place=st.integers(0, 2), number=stream_numbers, after=st.integers(0, 5), until=st.none() | st.integers(0, 8))
    def read(self, place: int, number: int, after: int, until: int | None) -> None:
        stream = self.streams[self.workspaces[place]][number]
        last = None if until is None else Version(until)
        found, expected = (
            self.run(one.read(stream, after=Version(after), until=last)) for one in (self.store, self.model)
        )
        assert found.version == expected.version
        assert _comparable(found.events) == _comparable(expected.events)

    @rule(limit=st.integers(1, 7))
    def read_on(self, limit: int) -> None:
        for recorded in self.run(self.store.read_all(self.reached, limit=limit)):
            assert recorded.position == self.reached.get(recorded.partition, 0) + 1
            self.reached[recorded.partition] = recorded.position

    @rule()
    def hear_on(self) -> None:
        """One follower, who comes to rest in the end: the next batch is told at once, later ones wait for this rule."""
        while self.heard != self.run(self.store.heads()):
            told = self.run(asyncio.wait_for(self.hearing, WAIT_SECONDS))
            self.hear()
            log = {(recorded.partition, recorded.position): recorded for recorded in self.run(everything(self.model))}
            for recorded in told:
                assert recorded.position == self.heard.get(recorded.partition, 0) + 1
                self.heard[recorded.partition] = recorded.position
                expected = log[recorded.partition, recorded.position]
                if expected.event is None:  # It may have been told before it was erased.
                    expected = msgspec.structs.replace(expected, event=recorded.event)
                assert _comparable([recorded]) == _comparable([expected])
        self.run(asyncio.sleep(0.001))

    @rule(place=st.integers(0, 2), number=stream_numbers, version=st.integers(1, 9), schema=st.sampled_from("st"))
    def save_snapshot(self, place: int, number: int, version: int, schema: str) -> None:
        stream = self.streams[self.workspaces[place]][number]
        snapshot = Snapshot(
            stream=stream, subject=self.subjects[stream], version=Version(version), schema=schema, state=uuid7().bytes
        )
        for one in (self.store, self.model):
            self.run(_try_to_save(one, snapshot))
        for asked in "st":
            found, expected = (self.run(one.load_snapshot(stream, asked)) for one in (self.store, self.model))
            assert found == expected

    @rule(caller=st.integers(0, 1), key=st.sampled_from("xyz"))
    def ask_for_an_answer(self, caller: int, key: str) -> None:
        found, expected = (self.run(one.answered(self.callers[caller], key)) for one in (self.store, self.model))
        assert found == expected

    @rule(place=st.integers(0, 2), number=stream_numbers, really=st.sampled_from([True, False, False]))
    def erase(self, place: int, number: int, really: bool) -> None:
        if really:
            self.run(self.keys.destroy(self.subjects[self.streams[self.workspaces[place]][number]]))

    @rule()
    def open_again(self) -> None:
        self.close()
        self.store = self.run(self.open_store(self.codec))
        self.following = self.store.follow(self.heard)
        self.hear()

    @rule()
    def verify(self) -> None:
        for partition, head in self.run(self.model.heads()).items():
            report = self.run(self.store.verify(partition))
            assert (report.events, list(report.faults)) == (head, [])

    @invariant()
    def the_log_is_that_of_the_model(self) -> None:
        if not hasattr(self, "store"):
            return
        assert self.run(self.store.heads()) == self.run(self.model.heads())

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        found, expected = (self.run(everything(one)) for one in (self.store, self.model))
        by_place = {(recorded.partition, recorded.position): recorded for recorded in found}
        in_order = [by_place[recorded.partition, recorded.position] for recorded in expected]
        assert _comparable(in_order) == _comparable(expected)
        self.close()
        self.run(self.clean_up())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.temporary.cleanup()

    def hear(self) -> None:
        """Let the follower look for what comes next, while whatever else is done."""
        self.hearing = self.loop.create_task(_next_batch(self.following))

    def close(self) -> None:
        self.hearing.cancel()
        self.run(asyncio.wait([self.hearing]))
        self.run(self.store.close())

    def written(self, workspace: WorkspaceId, number: int, events: tuple[Event, ...], off: int) -> Any:
        stream = self.streams[workspace][number]
        expected = max(0, self.version(workspace, number) + off)
        return write(self.subjects[stream], stream, *events, expected=expected)

    def version(self, workspace: WorkspaceId, number: int) -> Version:
        return self.run(self.model.read(StreamId(self.streams[workspace][number]))).version

    def both(self, append: Append) -> None:
        result = self.run(outcome(self.store, append))
        self.compare(append, result, self.run(outcome(self.model, append)))

    def compare(
        self,
        append: Append,
        found: Appended | SigdepError,
        expected: Appended | SigdepError,
        *,
        at_once: bool = False,
    ) -> None:
        """`at_once`: one that was refused may have met its stream before others moved it on."""
        if isinstance(found, Appended) and isinstance(expected, Appended):
            assert (found.partition, found.position, found.numbers, found.repeated) == (
                expected.partition,
                expected.position,
                expected.numbers,
                expected.repeated,
            )
            if append.writes and not found.repeated:
                self.stored.append(append)
        else:
            assert type(found) is type(expected)
            assert at_once or str(found) == str(expected)


async def _all_outcomes(store: EventStore, appends: Sequence[Append]) -> list[Appended | SigdepError]:
    return await asyncio.gather(*(outcome(store, append) for append in appends))


async def _next_batch(following: AsyncIterator[Sequence[RecordedEvent]]) -> Sequence[RecordedEvent]:
    return await anext(following)


async def _try_to_save(store: EventStore, snapshot: Snapshot) -> None:
    try:
        await store.save_snapshot(snapshot)
    except SigdepError:
        return


def _comparable(events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Without the time, which no two clocks agree on."""
    return [msgspec.structs.replace(recorded, recorded_at=None) for recorded in events]
