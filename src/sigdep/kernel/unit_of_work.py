"""Load, decide, append, all or nothing; and start over when another writer was faster."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from sigdep.kernel.codec import with_number
from sigdep.kernel.errors import KeyReused, SigdepError, StreamBusy, WrongExpectedVersion
from sigdep.kernel.ids import (
    CommandId,
    Partition,
    Position,
    StreamId,
    SubjectId,
    Version,
    WorkspaceId,
    category_of,
    partition_of,
)
from sigdep.kernel.messages import Event, State
from sigdep.kernel.repository import Loaded, Repository
from sigdep.kernel.store import (
    AlreadyAnswered,
    AnswerKey,
    Append,
    Appended,
    EventStore,
    KeptAnswer,
    Metadata,
    StreamWrite,
)

S = TypeVar("S", bound=State)

ATTEMPTS_MAX: Final = 32
"""Lost races before we say that the stream is busy. Of so many who change one thing at once, each gets through."""


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

    def begin(self, repository: Repository[S], identity: UUID) -> S:
        """The same for an id that was made for this very command: without looking whether it exists.

        Not for an id that a client chose: it could be in use in another partition, which only looking finds out.
        """
        stream = repository.decider.stream(identity)
        touched = self._touched.get(stream)
        if touched is None:
            found = repository.begin(stream)
            touched = self._touched[stream] = _Touched(repository, found, found.state)
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


Work = Callable[[UnitOfWork], Awaitable[None]]
"""Loads, decides and records. It may run several times, so it must have no effect of its own."""


class Executor:
    """Carries out commands on one context's log.

    A refusal, a decision to change nothing, or a dry run that rests on remembered state is taken
    again on fresh state before anybody hears of it.
    """

    def __init__(self, store: EventStore, repositories: Sequence[Repository[Any]]) -> None:
        self.store = store
        self._by_category = {repository.decider.category: repository for repository in repositories}

    async def execute(
        self,
        workspace: WorkspaceId,
        command_id: CommandId,
        work: Work,
        *,
        metadata: Metadata,
        answer_key: AnswerKey | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Do the work and store what it decided, once: an `answer_key` seen before gives the first outcome again.

        Raises what the work raises, what `store.append` raises other than a lost race, and

            KeyReused: the key was used for another request.
            StreamBusy: ATTEMPTS_MAX races were lost.
        """
        for _ in range(ATTEMPTS_MAX):
            unit = UnitOfWork(workspace)
            try:
                await work(unit)
            except SigdepError:
                if await unit.others_were_faster():
                    continue
                raise
            if (dry_run or unit.empty) and await unit.others_were_faster():
                continue
            if dry_run or (unit.empty and answer_key is None):
                return unit.outcome(await self._head(workspace))
            try:
                appended = await self.store.append(unit.append(command_id, metadata, answer_key))
            except WrongExpectedVersion:
                await unit.refresh()
                continue
            except AlreadyAnswered as error:
                assert answer_key is not None  # The store says so only of a key that it was given.
                return await self._outcome_of(error.kept, answer_key)
            except BaseException:  # A cancelled request too: its append goes on without it.
                unit.doubt()
                raise
            await unit.stored(appended)
            return unit.outcome(appended.position)
        raise StreamBusy(
            f"Others changed the same thing {ATTEMPTS_MAX} times while we were deciding. Please try again."
        )

    async def answered(self, key: AnswerKey) -> Outcome | None:
        """The outcome of the first request with this key, if there was one: the same states at the same versions.

        Ask before looking at any state: a repeat of "create" must not hear that the thing exists.

        Raises:
            KeyReused: that was another request.
        """
        kept = await self.store.answered(key.caller, key.key)
        return None if kept is None else await self._outcome_of(kept, key)

    async def _outcome_of(self, kept: KeptAnswer, key: AnswerKey) -> Outcome:
        if kept.fingerprint != key.fingerprint:
            raise KeyReused("This Idempotency-Key was used with another request. Use a new key for a new request.")
        shown = msgspec.json.decode(kept.answer, type=list[Shown])
        states = {
            one.stream: await self._by_category[category_of(one.stream)].load_at(one.stream, one.version)
            for one in shown
        }
        return Outcome(partition=kept.partition, position=kept.position, shown=shown, states=states, repeated=True)

    async def _head(self, workspace: WorkspaceId) -> Position:
        return (await self.store.heads()).get(partition_of(workspace), Position(0))
