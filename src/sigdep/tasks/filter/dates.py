"""Words for days and instants, and the span of time that they mean in somebody's time zone."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
LATEST: Final = datetime.max.replace(tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS: Final = ("day", "week", "month", "quarter", "year")
_NEAR: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_WHICH: Final = {"last": -1, "this": 0, "next": 1}
_RELATIVE: Final = re.compile(r"([+-])(\d{1,5})(min|h|d|w|m|y)", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(z|[+-]\d{2}:\d{2})?", re.ASCII)

WORDS: Final = ("now", *_NEAR, *WEEKDAYS, *_WHICH, "start", "end")
"""What a date may begin with, for suggestions."""


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from `start` on and before `end`, UTC. An instant is a span of one microsecond."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment and the place from which words like "tomorrow" are understood."""

    now: datetime
    """UTC."""
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """The first instant of a local day. Where the clocks skip midnight, that is the moment of the change."""
        try:
            return datetime.combine(day, time(), self.zone).astimezone(UTC)
        except OverflowError:
            return EARLIEST if day.year < 1000 else LATEST

    def end_of(self, day: date) -> datetime:
        """The first instant after a local day."""
        return LATEST if day == date.max else self.start_of(day + timedelta(days=1))

    def day_at(self, instant: datetime) -> date:
        """The last day that has begun by the instant. (Where clocks go back over midnight, a day begins once.)"""
        try:
            day = instant.astimezone(self.zone).date()
        except OverflowError:
            return date.min if instant.year < 1000 else date.max
        return day + timedelta(days=1) if day < date.max and self.end_of(day) <= instant else day


_SOME_CLOCK: Final = Clock(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))


def word_count(words: Sequence[str]) -> int:
    """How many of the words that follow each other belong to one date: `end of next month` are four."""
    match [word.lower() for word in words[:4]]:
        case [("start" | "end"), "of", word, *_] if word in _WHICH:
            return min(4, len(words))
        case [("start" | "end"), "of", *_]:
            return min(3, len(words))
        case [word, *_] if word in _WHICH:
            return min(2, len(words))
        case _:
            return min(1, len(words))


def span_of(text: str, clock: Clock) -> Span | None:
    """What the words mean, or None where they mean no time."""
    words = text.lower().split()
    try:
        return _instant(words, clock) or _days(words, clock)
    except (ValueError, OverflowError):
        return None  # 2026-02-30, or the year 12000.


def is_time(text: str) -> bool:
    """True for words that mean some time, whatever the clock."""
    return span_of(text, _SOME_CLOCK) is not None


def _instant(words: list[str], clock: Clock) -> Span | None:
    if words == ["now"]:
        return _point(clock.now)
    if len(words) != 1:
        return None
    if _INSTANT.fullmatch(words[0]):
        instant = datetime.fromisoformat(words[0].upper())
        return _point((instant if instant.tzinfo else instant.replace(tzinfo=clock.zone)).astimezone(UTC))
    relative = _RELATIVE.fullmatch(words[0])
    if relative is not None and relative[3] in ("min", "h"):
        count = int(relative[1] + relative[2])
        return _point(clock.now + (timedelta(hours=count) if relative[3] == "h" else timedelta(minutes=count)))
    return None


def _point(instant: datetime) -> Span:
    return Span(instant, instant + _MICROSECOND if instant < LATEST else LATEST)


def _days(words: list[str], clock: Clock) -> Span | None:
    match words:
        case [word]:
            day = _day(word, clock.today)
            first, last = day, day
        case [which, unit] if which in _WHICH and unit in UNITS:
            first, last = _unit(unit, _WHICH[which], clock.today)
        case ["start", "of", *rest]:
            first, last = _edge(rest, clock.today, 0)
        case ["end", "of", *rest]:
            first, last = _edge(rest, clock.today, -1)
        case _:
            return None
    if first is None or last is None:
        return None
    return Span(clock.start_of(first), clock.end_of(last))


Days = tuple[date | None, date | None]
"""The first and the last of them."""


def _edge(words: list[str], today: date, edge: int) -> Days:
    """The first (0) or last (-1) day of a unit, this one unless the words say which."""
    match words:
        case [unit] if unit in UNITS:
            day = _unit(unit, 0, today)[edge]
        case [which, unit] if which in _WHICH and unit in UNITS:
            day = _unit(unit, _WHICH[which], today)[edge]
        case _:
            day = None
    return day, day


def _day(word: str, today: date) -> date | None:
    if word in _NEAR:
        return today + timedelta(days=_NEAR[word])
    if word in WEEKDAYS:
        return today + timedelta(days=(WEEKDAYS.index(word) - today.weekday()) % 7)
    if _DATE.fullmatch(word):
        return date.fromisoformat(word)
    relative = _RELATIVE.fullmatch(word)
    if relative is not None and relative[3] in _MOVES:
        return _MOVES[relative[3]](today, int(relative[1] + relative[2]))
    return None


def _unit(unit: str, which: int, today: date) -> Days:
    """The first and last day of the last (-1), this (0) or next (1) unit. Weeks begin on Monday (ISO 8601)."""
    if unit == "day":
        day = today + timedelta(days=which)
        return day, day
    if unit == "week":
        monday = today + timedelta(days=7 * which - today.weekday())
        return monday, monday + timedelta(days=6)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = today.replace(month=(today.month - 1) // months * months + 1, day=1)
    return add_months(first, months * which), add_months(first, months * (which + 1)) - timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last where it is shorter.

    Raises:
        ValueError: beyond the calendar.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


_MOVES: Final[dict[str, Callable[[date, int], date]]] = {
    "d": lambda day, count: day + timedelta(days=count),
    "w": lambda day, count: day + timedelta(weeks=count),
    "m": add_months,
    "y": lambda day, count: add_months(day, 12 * count),
}
