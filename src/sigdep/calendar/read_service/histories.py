"""What has happened to one thing: each event with who, when, through what, and what it changed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sigdep.calendar.events.appointments import ChangedOccurrence
from sigdep.calendar.queries import FieldChange, HistoryEntry
from sigdep.kernel.messages import State
from sigdep.kernel.store import RecordedEvent
from sigdep.reading.histories import field_changes, said_of
from sigdep.reading.things import Thing

_SAID_BY_THE_ENTRY: Final = frozenset(
    {"id", "workspace_id", "version", "created_at", "created_by", "updated_at"} | {"trashed_by", "archived_by"}
)
"""Fields whose change the entry itself tells, or that change with every event."""


def history_of(thing: Thing, events: Sequence[RecordedEvent]) -> Iterator[HistoryEntry]:
    """One entry for each event, oldest first."""
    state: Any = thing.absent
    for recorded in events:
        before, state = state, thing.after(state, recorded.event)
        yield HistoryEntry(**said_of(recorded), changes=list(_changes(before, state, thing)))


def _changes(before: State, after: State, thing: Thing) -> Iterator[FieldChange]:
    for field, was, now in field_changes(before, after, _SAID_BY_THE_ENTRY):
        if field == "changed_occurrences":
            yield from _occurrence_changes(was, now)
        else:
            yield FieldChange(field=field, before=None if before is thing.absent else was, after=now)


def _occurrence_changes(were: Sequence[ChangedOccurrence], are: Sequence[ChangedOccurrence]) -> Iterator[FieldChange]:
    before, after = ({one.occurrence: one for one in some} for some in (were, are))
    for occurrence in sorted(before.keys() | after.keys()):
        was, now = before.get(occurrence), after.get(occurrence)
        if was != now:
            yield FieldChange(field=f"occurrences.{occurrence}", before=was, after=now)
