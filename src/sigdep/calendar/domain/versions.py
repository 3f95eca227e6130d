"""A later version of a series that was imported, whatever parts it has by now, here and in the other calendar."""

from collections.abc import Sequence
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from sigdep.calendar.domain.appointment import ABSENT, EDITED_FIELDS, Appointment, evolve
from sigdep.calendar.domain.merging import Importer, merge, same
from sigdep.calendar.domain.parting import LaterPart, Part, name_moved, parted
from sigdep.calendar.domain.segments import NOT_ALIKE, Halves, Segment, Version, halved
from sigdep.calendar.domain.three_way import Conflict
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentEvent,
    AppointmentRestored,
    AppointmentScheduled,
    AppointmentTrashed,
)
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.errors import Invalid


class Present(Struct, frozen=True):
    """A part of the series as it is here."""

    appointment: Appointment
    label: str
    """Where it begins, by the start that the first part would give the occurrence in the version that was imported."""
    reachable: bool = True
    """Neither in the trash nor in another calendar."""


class Outcome(Struct):
    """What is to be stored, of each part, and what is to be told."""

    parts: list[Part]
    imported: tuple[AppointmentId, ...]
    """What the later parts of the version are here."""
    conflicts: list[Conflict]

    @property
    def changed(self) -> bool:
        return any(events for _, events in self.parts)


def merge_version(base: Version | None, there: Version, here: Sequence[Present], by: Importer) -> Outcome:
    """
    Args:
        base: what was imported last. None: nothing was.
        here: the parts, in their order.

    Raises:
        Invalid: it makes no sense, or the parts cannot be compared.
        OccurrencesCollide, CannotSplit
    """
    (first, events), *_ = parted(there.schedule, there.later, there.meant)
    if not there.later and same(reduce(evolve, events, ABSENT), here[0].appointment):
        return Outcome([(first, [])], (), [])  # It may have been exported from here, without its later parts.
    return _Merging(base, there, here, by).outcome()


class _Merging:
    def __init__(self, base: Version | None, there: Version, here: Sequence[Present], by: Importer) -> None:
        self._here, self._by = here, by
        labels = [one.label for one in here[1:]]
        if labels != sorted(set(labels)):
            raise Invalid(NOT_ALIKE)
        self._began = there.start if base is None else base.start
        self._begins = there.start
        theirs = [self._moved(one) for one in labels]
        before = {} if base is None else {self._moved(one.original): one for one in base.cuts}
        joined = before.keys() - set(theirs)
        self._conflicts = [
            Conflict("recurrence", None, None, "here", one.original)
            for one in there.cuts
            if one.original in joined and not _alike(one, before[one.original])
        ]
        self._all = there.cuts
        self._there = there.without(joined)
        self._theirs = self._there.segments(theirs)
        self._were: Sequence[Segment] = [Segment(None, label) for label in (self._began, *labels)]
        if base is not None:
            gone = {one.original for one in base.cuts}.difference(labels)
            self._were = base.without(gone).segments(labels)
        self._parts: list[Part] = []
        self._ids = dict(zip(theirs, (one.appointment.id for one in here[1:]), strict=True))

    def outcome(self) -> Outcome:
        for was, theirs, present in zip(self._were, self._theirs, self._here, strict=True):
            self._part(was, theirs, present)
        first = self._here[0].appointment.id  # Stands for what was put together again.
        imported = tuple(self._ids.get(one.original, first) for one in self._all)
        return Outcome(self._parts, imported, self._conflicts)

    def _moved(self, name: str) -> str:
        """Where the version has what was there in the one before."""
        return name_moved(name, self._began, self._begins)

    def _part(self, were: Segment, theirs: Segment, present: Present) -> None:
        was, ours = were.whole, present.appointment
        self._ids |= dict.fromkeys((theirs.label, *(one.later.original for one in theirs.cuts)), ours.id)
        if not present.reachable and ours.trashed_at is not None and was is None and theirs.whole is not None:
            self._bring_back(theirs, ours)
        elif not present.reachable:
            if theirs.whole is not None and (was is None or not same(was, theirs.whole) or theirs.cuts):
                self._conflicts.append(Conflict("trashed_at", None, None, "here", ours.start))
        elif theirs.whole is None:
            if was is not None:
                self._give_up(was, ours)
        else:
            first = present is self._here[0]
            merged = merge(
                was,
                theirs.whole,
                ours,
                self._by,
                sequence=self._there.schedule.sequence if first else None,
                begins=name_moved(self._moved(were.label), theirs.label, theirs.whole.start),
            )
            self._add(ours.id, merged.events, merged.conflicts)
            self._cut(theirs, merged.state)

    def _add(self, identity: AppointmentId, events: list[AppointmentEvent], conflicts: list[Conflict]) -> None:
        self._parts.append((identity, events))
        self._conflicts += conflicts

    def _give_up(self, was: Appointment, ours: Appointment) -> None:
        """The other calendar has nothing any more where this part was."""
        trashed = AppointmentTrashed(appointment_id=ours.id, by=self._by.by, at=self._by.at)
        lost = [] if same(was, ours) else [Conflict("trashed_at", None, self._by.at.isoformat(), "there", ours.start)]
        self._add(ours.id, [trashed], lost)

    def _bring_back(self, theirs: Segment, ours: Appointment) -> None:
        """The other calendar had nothing there for a while."""
        assert theirs.whole is not None
        restored = AppointmentRestored(appointment_id=ours.id, by=self._by.by, at=self._by.at)
        merged = merge(ours, theirs.whole, evolve(ours, restored), self._by, sequence=None)
        self._add(ours.id, [restored, *merged.events], merged.conflicts)
        self._cut(theirs, merged.state)

    # ── new later parts ─────────────────────────────────────────────────────────────────────────────────

    def _cut(self, theirs: Segment, ours: Appointment) -> None:
        whole = theirs.whole
        for one in theirs.cuts:
            assert whole is not None
            mine = halved(ours, name_moved(one.at.occurrence, whole.start, ours.start))
            if mine is None:
                raise Invalid(NOT_ALIKE)
            merged = merge(one.at.after, one.part, mine.after, self._by, sequence=None)
            edited = (event for event in merged.events if isinstance(event, AppointmentEdited))
            names = next((event.renamed for event in edited), {})
            self._parts[-1][1].append(replace(mine.cut.ended, by=self._by.by, at=self._by.at, renamed=names))
            ours, whole = merged.state, one.part
            self._add(ours.id, [self._begun(mine, ours)], merged.conflicts)
            self._ids[one.later.original] = ours.id

    def _begun(self, mine: Halves, state: Appointment) -> AppointmentScheduled:
        """The part begins as it is: one event says it, and to undo the cut undoes it."""
        assert mine.cut.continued is not None
        return AppointmentScheduled(
            appointment_id=state.id,
            workspace_id=state.workspace_id,
            uid=state.uid,
            by=self._by.by,
            at=self._by.at,
            changed_occurrences=state.changed_occurrences,
            continues=mine.cut.continued.continues,
            **{name: getattr(state, name) for name in EDITED_FIELDS},
        )


def _alike(one: LaterPart, other: LaterPart) -> bool:
    return (one.fields, one.changed) == (other.fields, other.changed)
