"""Follows the streams of appointments: folds each appointment, and puts its row and those of its people."""

from collections.abc import Sequence
from typing import Final, TypeGuard, get_args

import msgspec

from sigdep.calendar.domain.appointment import ABSENT, Appointment, evolve
from sigdep.calendar.events.appointments import AppointmentEvent, AppointmentScheduled
from sigdep.calendar.read_models.appointment_rows import (
    APPOINTMENTS,
    PARTICIPATIONS,
    appointment_row,
    participants_of,
    participation_key,
    participation_row,
)
from sigdep.kernel.folded_states import FoldedStates
from sigdep.kernel.ids import StreamId
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.store import RecordedEvent

Streams = dict[StreamId, list[tuple[RecordedEvent, AppointmentEvent]]]

_TYPES: Final = frozenset(get_args(AppointmentEvent))


def is_appointment_event(event: Event | None) -> TypeGuard[AppointmentEvent]:
    return type(event) in _TYPES


class AppointmentModel:
    """One part of the context's read model."""

    tables = (APPOINTMENTS, PARTICIPATIONS)

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._states = FoldedStates[Appointment, AppointmentEvent](
            APPOINTMENTS, Appointment, lambda event: event.appointment_id
        )

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        """Apply the events of one batch, among which nothing is forgotten."""
        streams: Streams = {}
        for recorded in batch:
            event = recorded.event
            if is_appointment_event(event):
                streams.setdefault(recorded.stream, []).append((recorded, event))
        if not streams:
            return
        found = await self._states.before(streams, rows)
        for stream, events in streams.items():
            before = found.get(stream)
            after = _fold(before, events)
            if after is not None:
                version = events[-1][0].version
                self._put(before, after, version, rows)
                self._states.remember(stream, version, after)

    def forget(self) -> None:
        """Whatever is remembered may be of a workspace that has been erased."""
        self._states.forget()

    def _put(self, before: Appointment | None, after: Appointment, version: int, rows: Rows) -> None:
        row = appointment_row(after, version=version, document=self._encode(after))
        rows.put(APPOINTMENTS, row)
        people = participants_of(after)
        for user in sorted(people):
            rows.put(PARTICIPATIONS, participation_row(user, row))
        if before is not None:
            for user in participants_of(before) - people:
                rows.delete(PARTICIPATIONS, (participation_key(user, after.id),))


def _fold(before: Appointment | None, events: Sequence[tuple[RecordedEvent, AppointmentEvent]]) -> Appointment | None:
    """What the events made of it. None: its beginning has been erased, and these have only not been yet."""
    appointment = before
    for _, event in events:
        if appointment is not None or type(event) is AppointmentScheduled:
            appointment = evolve(appointment or ABSENT, event)
    return appointment
