"""Load, decide, append; and start over when another writer was faster."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from sigdep.kernel.errors import KeyReused, SigdepError, StreamBusy, WrongExpectedVersion
from sigdep.kernel.ids import CommandId, Position, WorkspaceId, category_of, partition_of
from sigdep.kernel.repository import Repository
from sigdep.kernel.store import AlreadyAnswered, AnswerKey, EventStore, KeptAnswer, Metadata
from sigdep.kernel.unit_of_work import Outcome, Shown, UnitOfWork

ATTEMPTS_MAX: Final = 32
"""Lost races before we say that the stream is busy. Of so many who change one thing at once, each gets through."""

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
