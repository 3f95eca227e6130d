"""What another calendar says of a series, in the parts that the series has here."""

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sigdep.calendar.commands import EditAppointment, ScheduleAppointment
from sigdep.calendar.domain.appointment import ABSENT, Appointment, evolve
from sigdep.calendar.domain.appointment_decisions import decide
from sigdep.calendar.domain.cutting import Cut, cut
from sigdep.calendar.domain.parting import LaterPart, cut_command, name_moved, parted
from sigdep.calendar.domain.series import series_of
from sigdep.calendar.domain.times import read_when, write_when
from sigdep.calendar.events.appointments import ChangedOccurrence
from sigdep.kernel.errors import Invalid
from sigdep.recurrence.budget import Budget
from sigdep.recurrence.originals import Originals
from sigdep.recurrence.series import Series

NOT_ALIKE: Final = "It is in parts here that the text does not have: change it here, part by part."


class Version(Struct, frozen=True, kw_only=True):
    """All that another calendar says under one UID."""

    schedule: ScheduleAppointment
    """The series as it would be made, with its changed occurrences."""
    later: tuple[LaterPart, ...] = ()
    meant: Series | None = None

    @property
    def start(self) -> str:
        return write_when(read_when(self.schedule.start, "/start"))

    @property
    def cuts(self) -> list[LaterPart]:
        """Those that go on."""
        return [one for one in self.later if one.fields is not None]

    @property
    def ends(self) -> str | None:
        """Where it ends by RANGE=THISANDFUTURE."""
        return next((one.original for one in self.later if one.fields is None), None)

    def without(self, dropped: Collection[str]) -> "Version":
        """The same without these later parts: what is different about single occurrences in them stays, in the part
        before."""
        changed = [list(self.schedule.changed_occurrences)]
        kept: list[LaterPart] = []
        for one in self.later:
            if one.original not in dropped:
                kept.append(one)
                changed.append(list(one.changed))
                continue
            before = (kept[-1].original, kept[-1].begins) if kept else (self.start, self.start)
            for it in one.changed:
                name = name_moved(name_moved(it.occurrence, one.begins, one.original), *before)
                changed[-1].append(replace(it, occurrence=name))
        return replace(
            self,
            schedule=replace(self.schedule, changed_occurrences=_each_once(changed[0])),
            later=tuple(replace(one, changed=_each_once(its)) for one, its in zip(kept, changed[1:], strict=True)),
        )

    def segments(self, labels: Sequence[str]) -> list["Segment"]:
        """The parts from these occurrences on, the first before all of them.

        Args:
            labels: by the starts that the first part would give them, in their order.

        Raises:
            Invalid: it cannot be cut there.
        """
        return list(_segments(self, labels))


class NewCut(NamedTuple):
    """A later part that begins within a segment."""

    later: LaterPart
    at: "Halves"
    """The segment as it would go on without it."""
    part: Appointment
    """As it goes on."""


class Segment(NamedTuple):
    whole: Appointment | None
    """As if there were no later parts within it. None: nothing happens in it."""
    label: str
    """Where it begins, by the start that the first part would give the occurrence."""
    cuts: Sequence[NewCut] = ()


class _Going(NamedTuple):
    """The series from some occurrence on, without an end but its own."""

    part: Appointment
    label: str

    def named(self, label: str) -> str:
        return name_moved(label, self.label, self.part.start)

    def changed(self, later: LaterPart, version: Version) -> "_Going":
        """As the later part has it."""
        part, occurrence = _unchanged(self.part), self.named(later.original)
        command = cut_command(later, occurrence, part, version.schedule)
        if occurrence == part.start:
            made = reduce(evolve, decide(replace(command, scope="all"), part), part)
        else:
            continued = cut(command, part).continued
            assert continued is not None
            made = evolve(ABSENT, continued)
        behind = [one.original for one in version.later if one.original > later.original and one.fields is not None]
        changed = next(one.changed for one in version.without(behind).later if one.original == later.original)
        return _Going(replace(made, changed_occurrences=changed), later.original)

    def starts_behind(self, label: str | None) -> bool:
        """Nothing of it is before that."""
        name = None if label is None else _first_from(self.part, self.named(label))
        return name is not None and name <= self.part.start

    def before(self, label: str | None) -> Appointment:
        halves = None if label is None else halved(self.part, self.named(label))
        return self.part if halves is None else halves.before

    def behind(self, label: str) -> "_Going | None":
        if self.starts_behind(label):
            return self
        halves = halved(self.part, self.named(label))
        if halves is None:
            return None
        if halves.after.start != halves.occurrence:  # An extra date comes before what the rule begins with.
            raise Invalid(NOT_ALIKE)
        return _Going(halves.after, name_moved(halves.after.start, self.part.start, self.label))


def _segments(version: Version, labels: Sequence[str]) -> Iterator[Segment]:
    going: _Going | None = _whole(version)
    begin = version.start
    for end in (*labels, None):
        bound = min((one for one in (end, version.ends) if one is not None), default=None)
        if going is None or going.starts_behind(bound):
            yield Segment(None, begin)
        else:
            segment = Segment(going.before(bound), going.label)
            within = [one for one in version.cuts if going.label < one.original]
            cuts, going = _cut(segment, going, bound, within, version)
            yield segment._replace(cuts=cuts)
        if end is not None:
            begin = end
            over = going is None or (version.ends is not None and version.ends <= end)
            going = None if over or going is None else _at(going, end, version)


def _cut(
    segment: Segment, going: _Going, bound: str | None, later: Sequence[LaterPart], version: Version
) -> tuple[list[NewCut], _Going]:
    """The later parts within the segment, and how the series goes on behind them."""
    cuts: list[NewCut] = []
    assert segment.whole is not None
    now = _Going(segment.whole, segment.label)
    for one in later:
        if bound is None or one.original < bound:
            at = halved(now.part, now.named(one.original))
            if at is None or at.occurrence != now.named(one.original):
                raise Invalid(NOT_ALIKE)
            going = going.changed(one, version)
            now = _Going(going.before(bound), going.label)
            cuts.append(NewCut(one, at, now.part))
    return cuts, going


def _whole(version: Version) -> _Going:
    alone = version.without({one.original for one in version.later})
    (_, events), *_ = parted(alone.schedule, (), None)
    return _Going(reduce(evolve, events, ABSENT), version.start)


def _at(going: _Going, label: str, version: Version) -> _Going | None:
    behind = going.behind(label)
    later = None if behind is None else next((one for one in version.cuts if one.original == behind.label), None)
    return behind if later is None else going.changed(later, version)


def _unchanged(part: Appointment) -> Appointment:
    """Where it is cut does not depend on what is different about single occurrences."""
    return replace(part, changed_occurrences=())


def _each_once(changed: list[ChangedOccurrence]) -> tuple[ChangedOccurrence, ...]:
    return tuple({one.occurrence: one for one in changed}.values())


class Halves(NamedTuple):
    """A series that was cut without being changed."""

    cut: Cut
    before: Appointment
    after: Appointment
    occurrence: str
    """Where the second half begins."""


def halved(part: Appointment, occurrence: str) -> Halves | None:
    """Cut at the occurrence, or at the first one behind it, be it cancelled or not. None: there is none.

    Raises:
        Invalid: nothing would be before it.
        CannotSplit
    """
    name = _first_from(part, occurrence)
    if name is None:
        return None
    if name <= part.start:
        raise Invalid(NOT_ALIKE)
    cancelled = tuple(one for one in part.changed_occurrences if one.occurrence == name and one.cancelled)
    others = tuple(one for one in part.changed_occurrences if one not in cancelled)
    command = EditAppointment(
        appointment_id=part.id, by=part.created_by, at=part.updated_at, scope="following", occurrence=name
    )
    ended, continued = cut(command, replace(part, changed_occurrences=others))
    assert continued is not None
    ended = replace(ended, left=(*ended.left, *(one.occurrence for one in cancelled)))
    continued = replace(continued, changed_occurrences=(*cancelled, *continued.changed_occurrences))
    return Halves(Cut(ended, continued), evolve(part, ended), evolve(ABSENT, continued), name)


def _first_from(part: Appointment, occurrence: str) -> str | None:
    originals = Originals(series_of(_unchanged(part)), Budget())
    for one in originals.between(originals.key(read_when(occurrence, "/occurrence"))):
        return write_when(one.wall.date() if part.all_day else one.wall)
    return None
