"""What the contexts are asked whose things people are reminded of."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.contracts.reminding import DUE, DueReminder, FindReminders, ThingReminders
from sigdep.http.stamps import internal_call
from sigdep.kernel.errors import NotFound, Unavailable
from sigdep.notifications.domain.reminder import Reminder
from sigdep.notifications.events.inbox import Thing, ThingKind
from sigdep.rpc.call import Service, WorkspacePosition

PAGES_MAX: Final = 16
"""Answers that are put together of one thing. What follows is asked for later."""

CONFIRM_SECONDS_MAX: Final = 0.4
"""A reminder waits so long for its owner's word, and is then told without it."""

PASSED_OVER_SECONDS: Final = 1.0
"""An owner that did not answer is not waited for by other reminders for so long."""

_INSTANT: Final = timedelta(microseconds=1)


class Owners:
    """The reading sides of the contexts, by the kind of their things."""

    def __init__(self, services: Mapping[ThingKind, Service]) -> None:
        self._services = services
        self._silent_until: dict[ThingKind, float] = {}

    async def find(
        self, thing: Thing, since: datetime, until: datetime, position: WorkspacePosition | None
    ) -> ThingReminders | None:
        """All that is due in a span of time. None: there is no such thing.

        Args:
            position: what the answer must reflect.

        Raises:
            Unavailable: its owner is away, or does not reflect the position in time.
        """
        said = await self._ask(thing, since, until, position)
        if said is None:
            return None
        due, asked_from = [*said.due], since
        for _ in range(PAGES_MAX):
            if not asked_from < said.complete_until < until:
                break
            asked_from = said.complete_until
            said = await self._ask(thing, asked_from, until, position)
            if said is None:
                return None
            due += said.due
        return replace(said, due=tuple(due), continues=said.continues or said.complete_until < until)

    async def confirm(self, reminder: Reminder) -> "Confirmed":
        """Whether it is still due, by what its owner says now."""
        kind, loop = reminder.thing.kind, asyncio.get_running_loop()
        asked_for = reminder.starts_at if reminder.reminder == DUE else reminder.due_at
        if loop.time() < self._silent_until.get(kind, 0.0):
            return None
        try:
            async with asyncio.timeout(CONFIRM_SECONDS_MAX):
                said = await self._ask(reminder.thing, asked_for, asked_for + _INSTANT, None)
        except (TimeoutError, Unavailable):
            self._silent_until[kind] = loop.time() + PASSED_OVER_SECONDS
            return None
        if said is None:
            return False
        occurrence = reminder.thing.occurrence or ""
        for one in said.due:
            is_this = (one.reminder, one.occurrence) == (reminder.reminder, occurrence)
            if is_this and reminder.user_id in one.recipients:
                return said.title
        return False

    async def _ask(
        self, thing: Thing, since: datetime, until: datetime, position: WorkspacePosition | None
    ) -> ThingReminders | None:
        service = self._services.get(thing.kind)
        if service is None:
            raise Unavailable(f"Nobody here knows of the reminders of a {thing.kind}.")
        query = FindReminders(thing_id=thing.id, since=since, until=until)
        try:
            said: ThingReminders = (await service.ask(query, replace(internal_call(), min_position=position))).value
        except NotFound:
            return None
        return said


Confirmed = str | bool | None
"""The thing's title: it is due. False: it is not. None: its owner could not be asked."""


def occurrence_of(thing: Thing, due: DueReminder) -> Thing:
    """The thing as the reminder is about it."""
    return replace(thing, occurrence=due.occurrence or None)


def people_of(due: DueReminder) -> tuple[UserId, ...]:
    """Each once."""
    return tuple(dict.fromkeys(due.recipients))
