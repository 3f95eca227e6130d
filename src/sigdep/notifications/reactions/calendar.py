"""Tells attendees what others have done with appointments. Users know these as events."""

from collections.abc import Collection, Sequence
from typing import Final, get_args

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import (
    AppointmentEdited,
    AppointmentScheduled,
    AppointmentTrashed,
    Attending,
    OccurrenceCancelled,
    OccurrenceEdited,
    SeriesEnded,
)
from sigdep.contracts.ids import UserId
from sigdep.contracts.things import ThingThen
from sigdep.kernel.messages import UNSET
from sigdep.notifications.events.inbox import Kind, Thing
from sigdep.notifications.reactions.telling import Item, fact_of, is_news, tell, thing_then
from sigdep.rpc.call import Service

CALENDAR: Final = "sigdep.calendar."

Fact = (
    AppointmentScheduled | AppointmentEdited | OccurrenceEdited | OccurrenceCancelled | SeriesEnded | AppointmentTrashed
)


class CalendarReactions:
    """Safe to repeat: who was told of an event is not told again, and everybody is told at most once of each.

    Who is no attendee any more hears that it is cancelled, as calendars tell each other (RFC 5546 §3.2.5).
    """

    types: Final = frozenset(CALENDAR + fact.__name__ for fact in get_args(Fact))

    def __init__(self, service: Service, *, calendar: Service) -> None:
        """
        Args:
            service: tells people.
            calendar: says what an appointment was when it happened.
        """
        self._service = service
        self._calendar = calendar

    async def react(self, event: CloudEvent) -> None:
        if not is_news(event):
            return
        match event.type.removeprefix(CALENDAR):
            case "AppointmentScheduled":
                await self._scheduled(event, fact_of(event, AppointmentScheduled))
            case "AppointmentEdited":
                await self._edited(event, fact_of(event, AppointmentEdited))
            case "OccurrenceEdited":
                await self._occurrence_edited(event, fact_of(event, OccurrenceEdited))
            case "OccurrenceCancelled":
                await self._concerned(event, fact_of(event, OccurrenceCancelled), "event.cancelled")
            case "SeriesEnded":
                ended = fact_of(event, SeriesEnded)
                if ended.continued_by is None:  # Else the other part tells what has become of it.
                    await self._concerned(event, ended, "event.changed")
            case _:
                await self._concerned(event, fact_of(event, AppointmentTrashed), "event.cancelled")

    async def _scheduled(self, event: CloudEvent, fact: AppointmentScheduled) -> None:
        """The later part of a series that was cut in two is no new invitation."""
        then = await thing_then(self._calendar, event, fact.appointment_id)
        if then is not None:
            kind: Kind = "event.invited" if fact.continues is None else "event.changed"
            await tell(self._service, event, kind, _item(fact, then), then.people)

    async def _edited(self, event: CloudEvent, fact: AppointmentEdited) -> None:
        kind = _what_became_of(fact)
        if kind is None and fact.attendees is UNSET:
            return
        then = await thing_then(self._calendar, event, fact.appointment_id)
        if then is None:
            return
        item = _item(fact, then)
        new, gone = _without(then.people, then.people_before), _without(then.people_before, then.people)
        await tell(self._service, event, "event.invited", item, new)
        await tell(self._service, event, "event.cancelled", item, gone)
        if kind is not None:
            await tell(self._service, event, kind, item, _without(then.people, new))

    async def _occurrence_edited(self, event: CloudEvent, fact: OccurrenceEdited) -> None:
        kind = _what_became_of(fact)
        if kind is None and fact.attendees is UNSET:
            return
        then = await thing_then(self._calendar, event, fact.appointment_id)
        if then is None:
            return
        item = _item(fact, then)
        attending = then.people if fact.attendees is UNSET else _users(fact.attendees)
        new = _without(attending, then.people)
        await tell(self._service, event, "event.invited", item, new)
        if kind is not None:
            await tell(self._service, event, kind, item, _without(attending, new))

    async def _concerned(self, event: CloudEvent, fact: Fact, kind: Kind) -> None:
        then = await thing_then(self._calendar, event, fact.appointment_id)
        if then is not None:
            await tell(self._service, event, kind, _item(fact, then), then.people)


def _what_became_of(fact: AppointmentEdited | OccurrenceEdited) -> Kind | None:
    """None: nothing that somebody who means to be there must hear."""
    if fact.status == "cancelled":
        return "event.cancelled"
    moved = (fact.start, fact.end, fact.time_zone, fact.location)
    return "event.changed" if any(value is not UNSET for value in moved) else None


def _item(fact: Fact, then: ThingThen) -> Item:
    occurrence = getattr(fact, "occurrence", None)
    return Item(
        workspace_id=then.workspace_id,
        thing=Thing(kind="appointment", id=fact.appointment_id, occurrence=occurrence),
        title=then.title,
        by=fact.by,
        link=f"/events/{fact.appointment_id}",
    )


def _users(attending: Sequence[Attending]) -> Sequence[UserId]:
    return [one.user_id for one in attending if one.user_id is not None]


def _without(people: Collection[UserId], others: Collection[UserId]) -> Sequence[UserId]:
    return [user for user in people if user not in others]
