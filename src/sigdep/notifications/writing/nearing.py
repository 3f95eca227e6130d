"""Schedules what people are told of tasks that are due soon, as these come near."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.reminding import DuePlace, DueTask, DueTasks, FindDueTasks
from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.notifications.commands.reminders import ScheduleThing
from sigdep.notifications.domain.preferences import LEAD_DAYS_MAX
from sigdep.notifications.events.inbox import Thing
from sigdep.notifications.queries.reminders import FindUnscheduled
from sigdep.notifications.writing.due_work import DueWork, Found, Piece
from sigdep.notifications.writing.horizon import HORIZON
from sigdep.notifications.writing.reminding import Reminding
from sigdep.rpc.call import Service

NEAR: Final = timedelta(days=LEAD_DAYS_MAX + 1)
"""What is due by then is scheduled: a day before anybody may want to be told of it."""

LOOK_SECONDS: Final = 3_600.0
"""From one walk over all that comes near to the next."""

AT_ONCE_MAX: Final = 4
"""Few, for nothing of it is urgent."""


class Nearing:
    """Run its `work`. Several at once do the same work, and nothing twice.

    Most tasks that are due are due a long time after they are written, and done before. So nothing is stored about one
    before it comes near; one that is due soon when it is written is scheduled by the reaction to that.
    """

    def __init__(self, reminding: Reminding, *, tasks: Service, read: Service, clock: Clock) -> None:
        """
        Args:
            tasks: the reading side of tasks.
            read: the reading side of this context.
        """
        self.work = DueWork("tasks that come near", clock, self._find, AT_ONCE_MAX, look_seconds=LOOK_SECONDS)
        self._reminding, self._tasks, self._read, self._clock = reminding, tasks, read, clock
        self._after: DuePlace | None = None
        """How far this walk has come. What failed is found by the next."""

    async def _find(self, now: datetime, limit: int) -> Found:
        query = FindDueTasks(since=now, until=now + NEAR, after=self._after, limit=limit)
        page: DueTasks = (await self._tasks.ask(query, internal_call())).value
        known = FindUnscheduled(things=tuple(one.task_id for one in page.tasks))
        unscheduled = frozenset((await self._read.ask(known, internal_call())).value)
        self._after = page.next
        pieces = [
            Piece(one.task_id, one.due_at, partial(self._schedule, one))
            for one in page.tasks
            if one.task_id in unscheduled
        ]
        return Found(pieces, now if page.next is not None else None)

    async def _schedule(self, one: DueTask) -> bool:
        """What comes to nothing is no failure: it is due sooner than its people want to be told."""
        now = await self._clock.now()
        thing = Thing(kind="task", id=one.task_id)
        command = ScheduleThing(workspace_id=one.workspace_id, thing=thing, because=HORIZON, since=now, at=now)
        await self._reminding.schedule(command, replace(internal_call(), asked_at=now), why="changed", is_new=True)
        return True
