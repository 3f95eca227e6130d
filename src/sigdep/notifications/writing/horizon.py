"""Keeps reminders scheduled far enough ahead, and by the time-zone data of today."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.notifications.commands.reminders import ScheduleThing
from sigdep.notifications.queries.reminders import FindSchedulesBehind, ScheduleBehind
from sigdep.notifications.writing.due_work import DueWork, Found, Piece
from sigdep.notifications.writing.reminding import Reminding
from sigdep.rpc.call import Service

AHEAD: Final = timedelta(days=28)
"""Whatever is known for less is looked at again: about once a week for each thing that goes on."""

LOOK_SECONDS: Final = 60.0

AT_ONCE_MAX: Final = 4
"""Few, for nothing of it is urgent."""

HORIZON: Final = "horizon"
ZONES: Final = "zones"
"""What led to an event."""


class Horizon:
    """Run its `work`. Several at once do the same work, and nothing twice."""

    def __init__(self, reminding: Reminding, read: Service, clock: Clock) -> None:
        self.work = DueWork("horizon", clock, self._find, AT_ONCE_MAX, look_seconds=LOOK_SECONDS)
        self._reminding, self._read, self._clock = reminding, read, clock

    async def _find(self, now: datetime, limit: int) -> Found:
        query = FindSchedulesBehind(known_before=now + AHEAD, now=now, zones=self._reminding.zones, limit=limit)
        behind: tuple[ScheduleBehind, ...] = (await self._read.ask(query, internal_call())).value
        return Found([Piece(one.thing.id, one.version, partial(self._extend, one)) for one in behind], None)

    async def _extend(self, one: ScheduleBehind) -> bool:
        now = await self._clock.now()
        because = HORIZON if one.zones == self._reminding.zones else ZONES
        command = ScheduleThing(workspace_id=one.workspace_id, thing=one.thing, because=because, since=now, at=now)
        call = replace(internal_call(), asked_at=now)
        return await self._reminding.schedule(command, call, why="changed")
