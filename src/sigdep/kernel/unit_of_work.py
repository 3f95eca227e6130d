"""What one attempt at a command has read and is about to write, all or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from sigdep.kernel.codec import with_number
from sigdep.kernel.ids import (
    CommandId,
    Partition,
    Position,
    StreamId,
    SubjectId,
    Version,
    WorkspaceId,
    partition_of,
)
from sigdep.kernel.messages import Event, State
from sigdep.kernel.repository import Loaded, Repository
from sigdep.kernel.store import (
    AnswerKey,
    Append,
    Appended,
    Metadata,
    StreamWrite,
)

S = TypeVar("S", bound=State)


class Shown(Struct, frozen=True):
    """A stream that the answer shows, and at which version. Kept with an idempotency key."""

    stream: StreamId
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command led to."""

    partition: Partition
    position: Position
    """A reader that has come so far sees all of it."""
    shown: Sequence[Shown]
    states: dict[StreamId, Any]
    """The shown aggregates' states at those versions."""
    repeated: bool = False
    """True: answered again from an earlier request with the same idempotency key."""

    @property
    def state(self) -> Any:
        """The first shown aggregate's state."""
        return self.states[self.shown[0].stream]

    @property
    def version(self) -> Version:
        return self.shown[0].version


@dataclass(slots=True)
class _Touched:
    repository: Repository[Any]
    found: Loaded[Any]
    state: Any
    subject: SubjectId | None = None
    events: list[Event] = field(default_factory=list)
    guarded: bool = False


@dataclass(slots=True)
class UnitOfWork:
    """One attempt at one command: what it has read, and what it is about to write."""

    workspace: WorkspaceId
    _touched: dict[StreamId, _Touched] = field(default_factory=dict)
    _shown: list[StreamId] = field(default_factory=list)

    async def load(self, repository: Repository[S], identity: UUID, *, guard: bool = False) -> S:
        """An aggregate's state, with what this unit has already decided about it.

        `guard`: the command fails (and starts over) if the stream changes before it is stored.
        """
        stream = repository.decider.stream(identity)
        touched = self._touched.get(stream)
        if touched is None:
            found = await repository.load(stream)
            touched = self._touched[stream] = _Touched(repository, found, found.state)
        touched.guarded |= guard
        state: S = touched.state
        return state

    def begin(self, repository: Repository[S], identity: UUID, *, guard: bool = False) -> S:
        """The same for an id that was made for this very command: without looking whether it exists.

        Not for an id that a client chose: it could be in use in another partition, which only looking finds out.

        `guard`: nothing is recorded about it, and the command starts over if it does exist.
        """
        stream = repository.decider.stream(identity)
        touched = self._touched.get(stream)
        if touched is None:
            found = repository.begin(stream)
            touched = self._touched[stream] = _Touched(repository, found, found.state)
        touched.guarded |= guard
        state: S = touched.state
        return state

    def record(self, repository: Repository[S], identity: UUID, subject: SubjectId, events: Iterable[Event]) -> S:
        """Add events to an aggregate that this unit has loaded. Returns its new state."""
        touched = self._touched[repository.decider.stream(identity)]
        for event in events:
            touched.events.append(event)
            touched.state = repository.decider.evolve(touched.state, event)
        touched.subject = subject
        state: S = touched.state
        return state

    def show(self, repository: Repository[Any], identity: UUID) -> None:
        """The answer to the command shows this aggregate."""
        self._shown.append(repository.decider.stream(identity))

    def version(self, repository: Repository[Any], identity: UUID) -> Version:
        """Where an aggregate's stream stands, what this unit has recorded included.

        What counts events in a state is less: those of an erased subject are not folded.
        """
        return self._version_of(repository.decider.stream(identity))

    @property
    def empty(self) -> bool:
        return not any(touched.events for touched in self._touched.values())

    def append(self, command_id: CommandId, metadata: Metadata, answer_key: AnswerKey | None) -> Append:
        answer = None
        if answer_key is not None:
            answer = msgspec.structs.replace(answer_key, answer=msgspec.json.encode(self.shown()))
        return Append(
            workspace=self.workspace,
            command_id=command_id,
            writes=self.writes(),
            unchanged=self.unchanged(),
            metadata=metadata,
            answer=answer,
        )

    def writes(self) -> tuple[StreamWrite, ...]:
        return tuple(
            StreamWrite(
                stream=stream,
                subject=touched.subject,
                expected_version=touched.found.version,
                events=tuple(touched.events),
            )
            for stream, touched in self._touched.items()
            if touched.events and touched.subject is not None
        )

    def unchanged(self) -> dict[StreamId, Version]:
        return {
            stream: touched.found.version
            for stream, touched in self._touched.items()
            if touched.guarded and not touched.events
        }

    def shown(self) -> list[Shown]:
        return [Shown(stream, self._version_of(stream)) for stream in self._shown]

    def _version_of(self, stream: StreamId) -> Version:
        touched = self._touched[stream]
        return Version(touched.found.version + len(touched.events))

    def outcome(self, position: Position) -> Outcome:
        shown = self.shown()
        return Outcome(
            partition=partition_of(self.workspace),
            position=position,
            shown=shown,
            states={one.stream: self._touched[one.stream].state for one in shown},
        )

    async def stored(self, appended: Appended) -> None:
        """Take in the numbers that the store gave, and keep the new states for the next command."""
        numbers = iter(appended.numbers)
        for stream, touched in self._touched.items():
            if not touched.events:
                continue
            if any(event.numbered for event in touched.events):
                numbered = [with_number(e, next(numbers)) if e.numbered else e for e in touched.events]
                touched.state = touched.repository.decider.fold(touched.found.state, numbered)
            touched.repository.confirm(stream, touched.state, self._version_of(stream))
            if touched.subject is not None:
                await touched.repository.snapshot_if_due(stream, touched.subject, touched.found.version)

    def doubt(self) -> None:
        """Nobody knows whether this unit has been stored, or will be in a moment."""
        for stream, touched in self._touched.items():
            if touched.events:
                touched.repository.doubt(stream)

    async def others_were_faster(self) -> bool:
        """Read what others have added to the streams that came from memory. False: nothing, what we saw still holds."""
        moved = False
        for stream, touched in self._touched.items():
            if touched.found.cached:
                now = await touched.repository.refresh(stream)
                moved |= now.version != touched.found.version
        return moved

    async def refresh(self) -> None:
        """Read everything again before the next attempt."""
        for stream, touched in self._touched.items():
            await touched.repository.refresh(stream)
