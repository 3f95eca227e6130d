"""Moves what people are told of tasks that are due soon, when they want to be told sooner or later."""

from datetime import datetime
from functools import partial
from typing import Final

from msgspec.structs import replace

from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.notifications.commands.reminders import ScheduleThing
from sigdep.notifications.queries.people import FindLeadsBehind, LeadBehind
from sigdep.notifications.queries.reminders import DueSoonPage, DueSoonPlace, DueSoonThing, FindDueSoon
from sigdep.notifications.writing.due_work import DueWork, Found, Piece
from sigdep.notifications.writing.firing import PREFERENCES
from sigdep.notifications.writing.reminding import Reminding
from sigdep.rpc.call import Service

LOOK_SECONDS: Final = 2.0

AT_ONCE_MAX: Final = 4
"""People."""

PAGES_MAX: Final = 500
"""Of one person, in one go. Whoever has more is left as behind as they are, and looked at again."""


class Leads:
    """Run its `work`. Several at once do the same work, and nothing twice.

    What is scheduled in the moment of the change, by what they wanted before, is put right when it is due: see `fire`.
    """

    def __init__(self, reminding: Reminding, read: Service, clock: Clock) -> None:
        """
        Args:
            read: the reading side of this context.
        """
        self.work = DueWork("due soon of people", clock, self._find, AT_ONCE_MAX, look_seconds=LOOK_SECONDS)
        self._reminding, self._read, self._clock = reminding, read, clock

    async def _find(self, now: datetime, limit: int) -> Found:
        behind: tuple[LeadBehind, ...] = (
            await self._read.ask(FindLeadsBehind(now=now, limit=limit), internal_call())
        ).value
        return Found([Piece(one.user_id, one.version, partial(self._apply, one)) for one in behind], None)

    async def _apply(self, one: LeadBehind) -> bool:
        after: DueSoonPlace | None = None
        for _ in range(PAGES_MAX):
            query = FindDueSoon(user_id=one.user_id, after=after)
            page: DueSoonPage = (await self._read.ask(query, internal_call())).value
            for thing in page.things:
                await self._move(thing)
            after = page.next
            if after is None:
                return await self._reminding.apply_lead(one.user_id, one.lead)
        return False

    async def _move(self, one: DueSoonThing) -> None:
        now = await self._clock.now()
        command = ScheduleThing(workspace_id=one.workspace_id, thing=one.thing, because=PREFERENCES, since=now, at=now)
        await self._reminding.schedule(command, replace(internal_call(), asked_at=now), why="changed")
