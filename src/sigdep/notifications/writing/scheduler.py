"""Finds the reminders whose time has come, and has each of them fired."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

from sigdep.http.stamps import internal_call
from sigdep.kernel.clock import Clock
from sigdep.notifications.queries.reminders import DueReminders, FindDueReminders, WaitingReminder
from sigdep.notifications.writing.due_work import DueWork, Found, Piece
from sigdep.notifications.writing.firing import MISSED
from sigdep.notifications.writing.reminding import Reminding
from sigdep.rpc.call import Service

FIRED_AT_ONCE_MAX: Final = 64
"""Together they share the commits of the log."""


class ReminderScheduler:
    """Run its `work`. Several at once do the same work, and nothing twice."""

    def __init__(self, reminding: Reminding, read: Service, clock: Clock, on_fired: Iterable[DueWork] = ()) -> None:
        """
        Args:
            read: the reading side of this context.
            on_fired: what may have something to do when a reminder has been fired.
        """
        self.work = DueWork("reminders", clock, self._find, FIRED_AT_ONCE_MAX)
        self._reminding, self._read, self._on_fired = reminding, read, tuple(on_fired)

    async def _find(self, now: datetime, limit: int) -> Found:
        found: DueReminders = (await self._read.ask(FindDueReminders(now=now, limit=limit), internal_call())).value
        since = found.due[0].fires_at if found.due else None
        missed = [one for one in found.due if one.fires_at < now - MISSED]
        timely = [one for one in found.due if one.fires_at >= now - MISSED]
        return Found([*self._summaries(missed), *map(self._piece, timely)], found.next_at, since)

    def _piece(self, one: WaitingReminder) -> Piece:
        return Piece(one.reminder_id, one.version, partial(self._fire, one))

    def _summaries(self, missed: Iterable[WaitingReminder]) -> Iterable[Piece]:
        """One for each person and workspace: what lies in one partition can be stored at once."""

        def place(one: WaitingReminder) -> tuple[str, str]:
            return str(one.workspace_id), str(one.user_id)

        for key, group in groupby(sorted(missed, key=place), place):
            ones = tuple(group)
            token = tuple((one.reminder_id, one.version) for one in ones)
            yield Piece(("missed", *key), token, partial(self._summarise, ones))

    async def _fire(self, one: WaitingReminder) -> bool:
        stored = await self._reminding.fire(one.workspace_id, one.reminder_id, one.title)
        self._wake()
        return stored

    async def _summarise(self, ones: tuple[WaitingReminder, ...]) -> bool:
        missed = [(one.reminder_id, one.title) for one in sorted(ones, key=lambda one: one.fires_at)]
        stored = await self._reminding.summarise(ones[0].workspace_id, ones[0].user_id, missed)
        self._wake()
        return stored

    def _wake(self) -> None:
        for work in self._on_fired:
            work.wake()
