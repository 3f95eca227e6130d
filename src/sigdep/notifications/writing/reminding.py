"""Carries out what reminders need: schedules a thing, fires what is due, tells of what was missed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol
from uuid import uuid5

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.http.stamps import internal_call, new_id
from sigdep.kernel.clock import Clock
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import CommandId
from sigdep.kernel.keys import KeyDestroyed
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.notifications.commands.people import ApplyLead
from sigdep.notifications.commands.reminders import ScheduleThing
from sigdep.notifications.events.reminders import ReminderFired, ReminderId, Suppression
from sigdep.notifications.writing.attempt import Attempt, Surroundings, own
from sigdep.notifications.writing.firing import fire, summarise
from sigdep.notifications.writing.owners import Owners
from sigdep.notifications.writing.people import change_preferences
from sigdep.notifications.writing.scheduling import Difference, schedule_thing
from sigdep.rpc.call import Call, WorkspacePosition

APPENDS_MAX: Final = 200
"""For one thing, in one go. The horizon comes back to what is left over."""


class ReminderFigures(Protocol):
    """Whoever counts."""

    def fired(self, late_seconds: float) -> None: ...


class Reminding:
    """The reminders of all things. What it does is safe to repeat, and safe when others do the same at once."""

    def __init__(
        self,
        around: Surroundings,
        executor: Executor,
        *,
        owners: Owners,
        clock: Clock,
        zones: str,
        figures: ReminderFigures,
    ) -> None:
        """
        Args:
            around: of the writing side, whose remembered states must be the only ones of this process.
            zones: the edition of the time-zone data.
        """
        self.zones = zones
        self._around, self._executor = around, executor
        self._owners, self._clock, self._figures = owners, clock, figures

    async def schedule(
        self,
        command: ScheduleThing,
        call: Call,
        *,
        why: Suppression,
        position: WorkspacePosition | None = None,
        is_new: bool = False,
    ) -> bool:
        """See `schedule_thing`. As often as it takes until all is recorded.

        Returns:
            Whether anything was.

        Raises:
            Unavailable: the owner is away.
        """
        stored, rest = False, None
        for number in range(APPENDS_MAX):
            before, rest = rest, None

            async def work(attempt: Attempt, before: Difference | None = before) -> None:
                nonlocal rest
                rest = await schedule_thing(
                    attempt, self._owners, command, why, position, self.zones, is_new=is_new, rest=before
                )

            part = replace(call, command_id=CommandId(uuid5(call.command_id, f"schedule {number}")))
            stored |= await self._execute(command.workspace_id, part, work)
            if rest is None:
                break
        return stored

    async def fire(self, workspace: WorkspaceId, one: ReminderId, title: str) -> bool:
        """See `fire`. Returns whether anything was recorded."""
        fired: ReminderFired | None = None

        async def work(attempt: Attempt) -> None:
            nonlocal fired
            fired = await fire(attempt, self._owners, one, title, attempt.call.asked_at)

        stored = await self._execute(workspace, await self._call(), work)
        if stored and fired is not None:
            self._figures.fired(fired.late_seconds)
        return stored

    async def summarise(
        self, workspace: WorkspaceId, user_id: UserId, missed: Sequence[tuple[ReminderId, str]]
    ) -> bool:
        """See `summarise`. Returns whether anything was recorded."""

        async def work(attempt: Attempt) -> None:
            await summarise(attempt, self._owners, user_id, missed, attempt.call.asked_at)

        return await self._execute(workspace, await self._call(), work)

    async def apply_lead(self, user_id: UserId, lead: str) -> bool:
        """Record that all is scheduled by it that a person is told of because it is due soon."""

        async def work(attempt: Attempt) -> None:
            await change_preferences(attempt, ApplyLead(user_id=user_id, lead=lead, at=attempt.call.asked_at))

        return await self._execute(own(user_id), await self._call(), work)

    async def _call(self) -> Call:
        """One that is not taken for another's: who comes second sees that somebody was faster."""
        return replace(internal_call(), asked_at=await self._clock.now(), command_id=CommandId(new_id()))

    async def _execute(self, workspace: WorkspaceId, call: Call, perform: Callable[[Attempt], Awaitable[None]]) -> bool:
        """Whether anything was stored. A workspace that has been erased needs nothing any more."""
        stored = False

        async def work(unit: UnitOfWork) -> None:
            nonlocal stored
            await perform(Attempt(self._around, unit, call))
            stored = not unit.empty

        try:
            await self._executor.execute(workspace, call.command_id, work, metadata=call.metadata)
        except KeyDestroyed:
            return False
        return stored
