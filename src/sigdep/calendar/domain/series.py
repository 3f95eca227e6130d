"""An appointment as the recurrence engine sees it, and what becomes of its occurrences when it moves."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from msgspec.structs import replace

from sigdep.calendar.domain.appointment import Appointment
from sigdep.calendar.domain.times import Times, known_when, moved, of_kind, read_when, write_when
from sigdep.calendar.events.appointments import ChangedOccurrence, Recurrence
from sigdep.kernel.errors import Invalid, Refused
from sigdep.kernel.messages import UNSET
from sigdep.recurrence.budget import Budget, RuleTooCostly
from sigdep.recurrence.duration import Duration, InvalidDuration, format_duration, parse_duration
from sigdep.recurrence.expansion import midnight
from sigdep.recurrence.format import format_rule
from sigdep.recurrence.occurrences import Occurrence, Span, occurrence, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.rule import Rule
from sigdep.recurrence.series import Extra, InvalidSeries, Override, Series, When
from sigdep.recurrence.zones import EARLIEST, UnknownZone, shift, to_instant, to_wall, zone_named

CROWD: Final = 1_000
CROWD_DAYS: Final = 31
"""More than so many occurrences in so many days are no appointment: lists could not show anything beside it."""

REMINDED: Final = 20_000
"""Reminders for all people together, in as many days, of which each is kept by itself."""

_LOOKED_AT: Final = 2 * CROWD
_GLANCE: Final = 3
"""What happens once a day at most cannot crowd: whether its next time is found at all is all that is asked."""
_BELOW_DAYS: Final = frozenset({"HOURLY", "MINUTELY", "SECONDLY"})
_PARTS: Final = {
    "RRULE": "/recurrence/rules",
    "UNTIL": "/recurrence/rules",
    "RDATE": "/recurrence/extra_dates",
    "EXDATE": "/recurrence/excluded_dates",
    "RECURRENCE-ID": "/changed_occurrences",
    "RANGE": "/changed_occurrences",
    "DTSTART": "/start",
    "DURATION": "/end",
}
_NONE: Final = Recurrence()


class OccurrencesCollide(Refused):
    """Two occurrences that people have changed would become one, and one of the changes would be lost."""


def times_of(appointment: Appointment) -> Times:
    return Times(_known(appointment.start), _known(appointment.end), appointment.time_zone)


def series_of(appointment: Appointment) -> Series:
    """
    Raises:
        Invalid: the recurrence makes no sense; it says where.
    """
    rule = appointment.recurrence or _NONE
    times = times_of(appointment)
    try:
        extra = tuple(_extra(text, place) for place, text in enumerate(rule.extra_dates))
        lasting = {one.start: one.duration for one in extra}
        return Series(
            start=times.start,
            zone=times.zone,
            duration=times.duration,
            rules=tuple(read_rule(text, place) for place, text in enumerate(rule.rules)),
            extra=extra,
            excluded=tuple(
                read_when(text, f"/recurrence/excluded_dates/{place}") for place, text in enumerate(rule.excluded_dates)
            ),
            overrides=tuple(_override(one, times, lasting) for one in appointment.changed_occurrences),
        )
    except InvalidSeries as error:
        raise Invalid.at(_PARTS.get(error.part, "/recurrence"), error.detail) from None
    except UnknownZone as error:
        raise Invalid.at("/time_zone", error.detail) from None
    except InvalidDuration as error:
        raise Invalid.at("/end", error.detail) from None
    except Invalid as error:
        if error.faults and error.faults[0].pointer.startswith("/"):
            raise
        raise Invalid.at("/recurrence/rules", error.detail) from None


def read_rule(text: str, place: int) -> Rule:
    """
    Raises:
        Invalid: it is no rule.
    """
    try:
        return parse(text)
    except Invalid as error:
        raise Invalid.at(f"/recurrence/rules/{place}", error.detail) from None


def _extra(text: str, place: int) -> Extra:
    pointer = f"/recurrence/extra_dates/{place}"
    start, slash, duration = text.partition("/")
    try:
        return Extra(start=read_when(start, pointer), duration=parse_duration(duration) if slash else None)
    except InvalidDuration as error:
        raise Invalid.at(pointer, error.detail) from None


def _override(changed: ChangedOccurrence, series: Times, lasting: Mapping[When, Duration | None]) -> Override:
    original = _known(changed.occurrence)
    if changed.start is UNSET or changed.end is UNSET:
        return Override(original=original, duration=lasting.get(original), cancelled=changed.cancelled)
    zone = None if changed.time_zone is UNSET else changed.time_zone
    times = Times(_known(changed.start), _known(changed.end), zone or series.zone)
    return Override(
        original=original,
        start=times.start,
        zone=zone if zone != series.zone and times.timed else None,
        duration=times.duration,
        cancelled=changed.cancelled,
    )


def _known(text: str) -> When:
    return read_when(text, "/start")


def written(series: Series) -> Recurrence:
    """The rules and dates of a series as text."""
    return Recurrence(
        rules=tuple(map(format_rule, series.rules)),
        extra_dates=tuple(map(_written_extra, series.extra)),
        excluded_dates=tuple(map(write_when, series.excluded)),
    )


def _written_extra(extra: Extra) -> str:
    start = write_when(extra.start)
    return start if extra.duration is None else f"{start}/{format_duration(extra.duration)}"


def check_series(series: Series, *, reminders: int = 0, people: int = 1, budget: Budget | None = None) -> None:
    """
    Args:
        reminders: of each occurrence, for each person.
        people: who are reminded.
        budget: what may be spent on it, and shows what was. None: as much as any question may cost.

    Raises:
        Invalid: it happens too often, or with too many reminders, or it takes too long to find out when.
    """
    most = min(CROWD, CROWD // reminders, REMINDED // (reminders * people)) if reminders else CROWD
    looked_at = _LOOKED_AT if most < CROWD_DAYS or any(map(_may_crowd, series.rules)) else _GLANCE
    try:
        found = [one.starts_at for one in islice(occurrences(series, Span(EARLIEST), budget), looked_at)]
    except RuleTooCostly:
        raise _too_often("it takes too long to find out when it happens") from None
    if _is_crowd(found, most) or _is_crowd(sorted(midnight(one.start) for one in series.extra), most):
        beside = f" with {reminders:,} reminders for {people:,} people" if most < CROWD else ""
        raise _too_often(f"it happens more than {most:,} times in {CROWD_DAYS} days{beside}")


def _is_crowd(times: Sequence[datetime], most: int) -> bool:
    return any(last - first < timedelta(days=CROWD_DAYS) for first, last in zip(times, times[most:], strict=False))


def _may_crowd(rule: Rule) -> bool:
    """Whether it can happen more than once a day."""
    return rule.frequency in _BELOW_DAYS or bool(rule.by_hour or rule.by_minute or rule.by_second)


def _too_often(why: str) -> Invalid:
    return Invalid.at("/recurrence/rules", f"This is too much of a recurrence: {why}.")


def find_occurrence(series: Series, when: When) -> Occurrence | None:
    """What became of the one that the series starts then. None: there is none, or it was cancelled."""
    return occurrence(series, when) if isinstance(when, datetime) == series.timed else None


def original_of(text: str, appointment: Appointment) -> When | None:
    """The original start that a caller names: as a time on the wall or a date, or as an instant, which is the same.

    None: it is nothing of the kind.
    """
    found = known_when(text)
    if found is None:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            return None
        if instant.tzinfo is None or appointment.all_day:
            return None
        found = to_wall(instant.astimezone(UTC), zone_named(appointment.time_zone or "UTC"))
    return of_kind(found, _known(appointment.start)) if appointment.all_day else found


# ── what becomes of a series when it moves ──────────────────────────────────────────────────────────────


def moved_recurrence(old: Series, new_times: Times) -> Recurrence:
    """The rules and dates that give the series the same occurrences as before, at its new time.

    Rules speak of days and stay as they are, but for their end, which is a moment.
    """
    start = new_times.start
    rules = tuple(moved_rule(rule, old, new_times) for rule in old.rules)
    extra = tuple(replace(one, start=moved(one.start, old.start, start)) for one in old.extra)
    bare = Series(start=start, zone=new_times.zone, duration=new_times.duration, rules=rules, extra=extra)
    excluded = dict.fromkeys(_nearest(one, old, bare) for one in old.excluded)
    return written(replace(bare, excluded=tuple(excluded)))


def moved_rule(rule: Rule, old: Series, new_times: Times) -> Rule:
    """Its days stay, and its end goes along."""
    if rule.until is None:
        return rule
    until: When = rule.until
    if isinstance(until, datetime) and until.tzinfo is not None:
        until = to_wall(until, zone_named(old.zone or "UTC"))
    if not new_times.timed:
        return replace(rule, until=midnight(moved(until, old.start, new_times.start)).date())
    if not isinstance(until, datetime):  # The last moment of the day.
        wall = shift(midnight(until), timedelta(days=1, seconds=-1))
    else:
        wall = midnight(moved(until, old.start, new_times.start))
    return replace(rule, until=to_instant(wall, zone_named(new_times.zone)) if new_times.zone else wall)


def renaming(
    old: Series, new: Series, names: Sequence[str], known: Mapping[str, str], start: When | None = None
) -> dict[str, str]:
    """The identities that changed occurrences have in the moved series: nothing that people have changed is lost.

    An occurrence that the series does not have any more keeps its identity, and goes on beside the others.

    Args:
        known: what earlier moves have made of identities; asked first.
        start: what has become of the old start. None: the new one.

    Raises:
        OccurrencesCollide
    """
    start = new.start if start is None else start
    if old.timed == new.timed and old.start == start and not known:
        return {}
    bare = replace(new, excluded=(), overrides=())
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in names:
        original = _known(name)
        preferred = [known[name]] if name in known else []
        there = [write_when(one) for one in _candidates(original, old.start, start) if _has(bare, one)]
        kept = write_when(of_kind(original, new.start))
        choice = next((one for one in (*preferred, *there, kept) if one not in taken), None)
        if choice is None:
            raise OccurrencesCollide(
                f"Two occurrences that were changed would become one, {kept}. Restore or undo one of the changes first."
            )
        taken.add(choice)
        if choice != name:
            found[name] = choice
    return found


def _candidates(original: When, old: When, new: When) -> Iterator[When]:
    yield moved(original, old, new)
    if isinstance(new, datetime):
        yield datetime.combine(midnight(original).date(), new.time())
    yield of_kind(original, new)


def _nearest(excluded: When, old: Series, new: Series) -> When:
    found = (one for one in _candidates(excluded, old.start, new.start) if _has(new, one))
    return next(found, moved(excluded, old.start, new.start))


def _has(series: Series, when: When) -> bool:
    return occurrence(series, when, budget=Budget()) is not None
