"""Free or busy: when people have no time, as far as whoever asks may see their calendars."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from sigdep.calendar.domain import fields
from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.queries import BusyAnswer, BusyTimes, FindBusyTimes, Span
from sigdep.calendar.read_models.appointment_rows import APPOINTMENTS, PARTICIPATIONS
from sigdep.calendar.read_models.calendars import CALENDARS
from sigdep.calendar.read_service.expanding import Expansions, Ready
from sigdep.calendar.read_service.occurrence_lists import span_of
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import PAGE_ROWS_MAX, All, Compare, Row, Select, Value
from sigdep.reading.sources import Sources
from sigdep.recurrence.budget import RuleTooCostly
from sigdep.rpc.call import Answer, Call

USERS_MAX: Final = 50
"""People that one question may be about."""
APPOINTMENTS_MAX: Final = 5_000
"""Of one person, in one question."""
SPANS_MAX: Final = 5_000
"""Occurrences of one person, in one question."""

_ASKED: Final = ("id", "workspace_id", "calendar_id")
_SHOWN: Final = ("id", "version", "document")
_HIDDEN: Final = ("id", "hidden")


class BusyPeople:
    """Answers about people: appointments in every workspace that whoever asks is a member of, too."""

    def __init__(self, sources: Sources, expansions: Expansions) -> None:
        self._store = sources.store
        self._progress = sources.progress
        self._expansions = expansions

    async def find(self, query: FindBusyTimes, call: Call) -> Answer[BusyAnswer]:
        """
        Raises:
            Invalid: it is about too many people, too much of a time, or too many appointments.
        """
        people = tuple(dict.fromkeys(query.user_ids)) or (call.caller.user_id,)
        if len(people) > USERS_MAX:
            raise Invalid.at("user_ids", f"At most {USERS_MAX} people can be asked about at once.")
        zone = fields.time_zone(call.caller.time_zone if query.time_zone is None else query.time_zone, "time_zone")
        since, until = span_of(query.since, query.until, call.asked_at)
        seen = frozenset(call.caller.roles)
        answers = [BusyTimes(user_id=user, busy=await self._busy(user, seen, since, until, zone)) for user in people]
        return Answer(value=BusyAnswer(people=answers))

    async def _busy(
        self, user: UserId, seen: frozenset[WorkspaceId], since: datetime, until: datetime, zone: str
    ) -> Sequence[Span]:
        spans: list[Span] = []
        for row in await self._rows(user, seen, since, until):
            one = self._expansions.of(row)
            if one is not None:
                spans += self._spans(one, user, since, until, zone)
            if len(spans) > SPANS_MAX:
                raise _too_much()
        return merged(spans)

    def _spans(self, one: Ready, user: UserId, since: datetime, until: datetime, zone: str) -> Iterator[Span]:
        """What an appointment takes of the person's time, within the limits of the question."""
        with suppress(RuleTooCostly):
            for found in self._expansions.within(one, since, until, zone):
                if found.starts_at < found.ends_at and takes_time(found.as_it_is, user):
                    yield Span(starts_at=max(found.starts_at, since), ends_at=min(found.ends_at, until))

    async def _rows(
        self, user: UserId, seen: frozenset[WorkspaceId], since: datetime, until: datetime
    ) -> Sequence[Row]:
        """Those of the person's appointments that may be on then, in workspaces that are seen, and not hidden."""
        asked = await self._asked(user, seen, since, until)
        model = self._progress.model_id
        calendars = {row["calendar_id"] for row in asked}
        found = await self._store.get_many(model, CALENDARS, [(one,) for one in calendars], _HIDDEN)
        visible = {row["id"] for row in found.values() if not row["hidden"]}
        keys = [(row["id"],) for row in asked if row["calendar_id"] in visible]
        documents = await self._store.get_many(model, APPOINTMENTS, keys, _SHOWN)
        return [documents[key] for key in keys if key in documents]

    async def _asked(
        self, user: UserId, seen: frozenset[WorkspaceId], since: datetime, until: datetime
    ) -> Sequence[Row]:
        where = All(
            (
                Compare("user_id", "=", user),
                Compare("trashed", "=", False),
                Compare("ends", ">=", since),
                Compare("starts", "<", until),
            )
        )
        rows: list[Row] = []
        after: tuple[Value, ...] | None = None
        while True:
            select = Select(table=PARTICIPATIONS, where=where, limit=PAGE_ROWS_MAX, columns=_ASKED, after=after)
            page = await self._store.select(self._progress.model_id, select)
            rows += [row for row in page.rows if row["workspace_id"] in seen]
            if len(rows) > APPOINTMENTS_MAX:
                raise _too_much()
            if page.next is None:
                return rows
            after = page.next


def _too_much() -> Invalid:
    return Invalid.at("to", "That is too much to look through: ask for a shorter time.")


def takes_time(appointment: Appointment, user: UUID) -> bool:
    """Whether somebody has no time for anything else then: invited and not declined, or, uninvited, whose it is."""
    if not appointment.busy or appointment.status == "cancelled":
        return False
    for attendee in appointment.attendees:
        if attendee.user_id == user:
            return attendee.answer != "declined"
    return appointment.created_by == user


def merged(spans: Iterable[Span]) -> Sequence[Span]:
    """Without overlaps, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.starts_at):
        if found and span.starts_at <= found[-1].ends_at:
            found[-1] = msgspec.structs.replace(found[-1], ends_at=max(found[-1].ends_at, span.ends_at))
        else:
            found.append(span)
    return found
