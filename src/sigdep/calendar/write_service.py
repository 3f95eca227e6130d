"""The commands of this context, carried out: who may ask, what is decided, what is stored, what is answered."""

import asyncio
from typing import Any, Final

from msgspec.structs import replace

from sigdep.calendar.commands import (
    AppointmentCommand,
    CalendarCommand,
    CreateCalendar,
    EndFeeds,
    FeedCommand,
    ForgetWorkspace,
    ImportCalendar,
    ScheduleAppointment,
)
from sigdep.calendar.domain.workspace import decide as decide_workspace
from sigdep.calendar.queries import Imported, SkippedEntry
from sigdep.calendar.writing.access import WriteCommand, things_of, workspace_of
from sigdep.calendar.writing.appointments import change_appointment
from sigdep.calendar.writing.attempt import Attempt, Surroundings
from sigdep.calendar.writing.calendars import change_calendar
from sigdep.calendar.writing.feeds import change_feed, end_feeds
from sigdep.calendar.writing.imports import take_over
from sigdep.calendar.writing.past import find_thing
from sigdep.calendar.writing.portions import SECONDS_MAX, Readers, TakenOver, Tally
from sigdep.contracts.things import FindThing
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import Position, partition_of
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Answer, Call, WorkspacePosition
from sigdep.writing.carrying_out import Done, done_before, execute
from sigdep.writing.erased import KEPT, erased_is_not_found
from sigdep.writing.members import Members
from sigdep.writing.turns import Turns

CONTEXT: Final = "calendar"


class CalendarWrite:
    """A Service (`rpc/call.py`) of every command in `commands.py`."""

    def __init__(self, store: EventStore, *, members: Members, alone: bool) -> None:
        """
        Args:
            alone: no other process writes to this store.
        """
        self._around = Surroundings(store, members=members, alone=alone)
        self._executor = Executor(store, self._around.repositories)
        self._turns = Turns()
        self._readers = Readers()

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        if isinstance(message, FindThing):
            with erased_is_not_found():
                return Answer(value=await find_thing(self._around, message, call))
        if not isinstance(message, WriteCommand):
            raise TypeError(f"calendar.write carries out no {type(message).__name__}.")
        with erased_is_not_found():
            if isinstance(message, ImportCalendar):
                return await self._import(message, call)
            done = await done_before(self._executor, call) or await self._carry_out(message, call)
            return self._answer(message, done, new=not call.dry_run)

    async def _carry_out(self, command: WriteCommand, call: Call) -> Done[Attempt]:
        workspace = await workspace_of(self._around, command, call)
        attempt: Attempt | None = None

        async def work(unit: UnitOfWork) -> None:
            nonlocal attempt
            attempt = Attempt(self._around, unit, call)
            await self._perform(attempt, command)

        things = things_of(command)
        if things:
            async with self._turns.of(things):
                outcome = await execute(self._executor, workspace, work, call)
        else:
            outcome = await execute(self._executor, workspace, work, call)
        return Done(outcome, None if outcome.repeated else attempt)

    async def _import(self, command: ImportCalendar, call: Call) -> Answer[Imported]:
        """Some at a time. No key makes it repeatable: it is, as it changes nothing the second time."""
        until = asyncio.get_running_loop().time() + SECONDS_MAX
        workspace = await workspace_of(self._around, command, call)
        portion = await self._readers.read(command.text, command.skip)
        tally, rest, position = Tally(portion), portion.entries, Position(0)
        call = replace(call, answer_key=None, if_match=None)
        uids = frozenset(entry.uid for entry in portion.reading.calendar.entries)
        results: list[TakenOver | SkippedEntry] = []
        new = False

        async def work(unit: UnitOfWork) -> None:
            nonlocal results
            results = await take_over(Attempt(self._around, unit, call), command, rest, new=new, uids=uids)

        while True:  # Once at least: whether the calendar takes anything is found out in any case.
            position = (await execute(self._executor, workspace, work, call)).position
            tally.add(results)
            rest = rest[len(results) :]
            new = sum(isinstance(one, TakenOver) and one.became == "created" for one in results) > len(results) // 2
            if not rest or asyncio.get_running_loop().time() > until:
                break
        where = WorkspacePosition(CONTEXT, partition_of(workspace), position)
        return Answer(value=tally.shown(), position=where)

    async def _perform(self, attempt: Attempt, command: WriteCommand) -> None:
        """Decide and record, and say which state the answer shows."""
        around, show = self._around, attempt.unit.show
        if isinstance(command, AppointmentCommand):
            show(around.appointments, await change_appointment(attempt, command))
        elif isinstance(command, CalendarCommand):
            show(around.calendars, await change_calendar(attempt, command))
        elif isinstance(command, FeedCommand):
            show(around.feeds, await change_feed(attempt, command))
        elif isinstance(command, EndFeeds):
            show(around.departures, await end_feeds(attempt, command))
        elif isinstance(command, ForgetWorkspace):
            await self._forget(attempt, command)
        else:
            raise TypeError("An import is carried out by itself, some events at a time.")

    async def _forget(self, attempt: Attempt, command: ForgetWorkspace) -> None:
        around, workspace_id = self._around, command.workspace_id
        workspace = await attempt.unit.load(around.workspaces, workspace_id)
        attempt.unit.record(around.workspaces, workspace_id, KEPT, decide_workspace(command, workspace))
        attempt.unit.show(around.workspaces, workspace_id)
        around.appointments.forget_where(lambda state: state.workspace_id == workspace_id)
        around.calendars.forget_where(lambda state: state.workspace_id == workspace_id)
        around.feeds.forget_where(lambda state: state.workspace_id == workspace_id)
        around.departures.forget_where(lambda state: state.workspace_id == workspace_id)
        around.uids.forget_where(lambda state: state.workspace_id == workspace_id)

    def _answer(self, command: WriteCommand, done: Done[Attempt], *, new: bool) -> Answer[Any]:
        outcome = done.outcome
        position = WorkspacePosition(CONTEXT, outcome.partition, outcome.position)
        if isinstance(command, ForgetWorkspace | EndFeeds):
            return Answer(value=None, position=position)
        new = new and (done.attempt is None or not done.attempt.repeated)
        new = new and isinstance(command, ScheduleAppointment | CreateCalendar)
        return Answer(value=outcome.state, version=outcome.version, position=position, created=new)
