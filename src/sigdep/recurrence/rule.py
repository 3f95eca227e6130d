"""A recurrence rule (RFC 5545 §3.3.10, RFC 7529), which cannot exist unless it makes sense."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final, Literal, get_args

from msgspec import Struct

from sigdep.kernel.errors import Fault, Invalid

Frequency = Literal["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
Skip = Literal["OMIT", "BACKWARD", "FORWARD"]

FREQUENCIES: Final[tuple[Frequency, ...]] = get_args(Frequency)
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)
SKIPS: Final[tuple[Skip, ...]] = get_args(Skip)

INTERVAL_MAX: Final = 10_000_000
COUNT_MAX: Final = 1_000_000

NUMBERS: Final = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (1, 366),
}
"""From and to; those of `FROM_THE_END` may be negative, too."""
FROM_THE_END: Final = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}
WEEKDAY_NUMBER_MAX: Final = 53

_NEVER_WITH: Final[dict[str, tuple[Frequency, ...]]] = {
    "BYWEEKNO": ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY"),
    "BYYEARDAY": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYMONTHDAY": ("WEEKLY",),
}
"""The "N/A" of the table on page 44 of RFC 5545."""


class InvalidRule(Invalid):
    """A part of a rule makes no sense. `part` is its name in RFC 5545, as in BYDAY."""

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"Recurrence rule, {part}: {detail}", (Fault(part, detail),))
        self.part, self.reason = part, detail


class WeekdayNumber(Struct, frozen=True):
    """A weekday, each of them or the one with a number: the second (2) or the last but one (-2) of month or year."""

    weekday: Weekday
    number: int | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """When something happens again. What the rule leaves open is taken from the start that it is expanded from.

    Raises:
        InvalidRule: on making one that makes no sense.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | date | None = None
    """The last moment, included: UTC for starts with a zone, naive for floating ones, a date for dates."""
    by_month: tuple[int, ...] = ()
    by_week_number: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[WeekdayNumber, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    """60 is read as 59: no clock of ours knows leap seconds (RFC 5545 §3.3.12)."""
    by_set_position: tuple[int, ...] = ()
    week_start: Weekday = "MO"
    rscale: Literal["GREGORIAN"] | None = None
    skip: Skip = "OMIT"
    """What becomes of a day that does not exist, as 31 April: left out, the day before or the day after."""

    def __post_init__(self) -> None:
        _check_numbers(self)
        _check_end(self)
        _check_parts(self)

    def numbers(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The lists of numbers by their names in RFC 5545, in the order in which they are applied."""
        yield "BYMONTH", self.by_month
        yield "BYWEEKNO", self.by_week_number
        yield "BYYEARDAY", self.by_year_day
        yield "BYMONTHDAY", self.by_month_day
        yield "BYHOUR", self.by_hour
        yield "BYMINUTE", self.by_minute
        yield "BYSECOND", self.by_second
        yield "BYSETPOS", self.by_set_position


def choices_max(part: str) -> int:
    """How many different values a list can have."""
    if part == "BYDAY":
        return len(WEEKDAYS) * (2 * WEEKDAY_NUMBER_MAX + 1)
    low, high = NUMBERS[part]
    return (high - low + 1) * (2 if part in FROM_THE_END else 1)


def _check_numbers(rule: Rule) -> None:
    for part, numbers in rule.numbers():
        _check_length(part, numbers)
        low, high = NUMBERS[part]
        for number in numbers:
            if not low <= (abs(number) if part in FROM_THE_END else number) <= high:
                other = f" or {-high} to {-low}" if part in FROM_THE_END else ""
                raise InvalidRule(part, f"{number} is not from {low} to {high}{other}.")
    _check_length("BYDAY", rule.by_day)
    for day in rule.by_day:
        if day.number is not None and not 1 <= abs(day.number) <= WEEKDAY_NUMBER_MAX:
            raise InvalidRule("BYDAY", f"{day.number} is not from 1 to 53 or -53 to -1.")


def _check_length(part: str, values: Sequence[object]) -> None:
    if len(values) > choices_max(part):
        raise InvalidRule(part, f"it has {len(values)} values, and there are only {choices_max(part)}.")


def _check_end(rule: Rule) -> None:
    if not 1 <= rule.interval <= INTERVAL_MAX:
        raise InvalidRule("INTERVAL", f"{rule.interval} is not from 1 to {INTERVAL_MAX:,}.")
    if rule.count is not None and not 1 <= rule.count <= COUNT_MAX:
        raise InvalidRule("COUNT", f"{rule.count} is not from 1 to {COUNT_MAX:,}.")
    if rule.count is not None and rule.until is not None:
        raise InvalidRule("UNTIL", "a rule ends by COUNT or by UNTIL, not by both.")
    if isinstance(rule.until, datetime) and rule.until.tzinfo not in (None, UTC):
        raise InvalidRule("UNTIL", "it is in UTC, or has no zone.")
    if isinstance(rule.until, datetime) and rule.until.microsecond:
        raise InvalidRule("UNTIL", "it has whole seconds.")
    if rule.skip != "OMIT" and rule.rscale is None:
        raise InvalidRule("SKIP", "it needs RSCALE=GREGORIAN (RFC 7529 §4.1).")


def _check_parts(rule: Rule) -> None:
    given = dict(rule.numbers())
    for part, frequencies in _NEVER_WITH.items():
        if given[part] and rule.frequency in frequencies:
            raise InvalidRule(part, f"it has no meaning with FREQ={rule.frequency}.")
    if any(day.number is not None for day in rule.by_day):
        if rule.frequency not in ("MONTHLY", "YEARLY"):
            raise InvalidRule("BYDAY", f"a number before a weekday has no meaning with FREQ={rule.frequency}.")
        if rule.by_week_number:
            raise InvalidRule("BYDAY", "a number before a weekday has no meaning with BYWEEKNO.")
    if rule.by_set_position and not rule.by_day and not any(given[part] for part in given if part != "BYSETPOS"):
        raise InvalidRule("BYSETPOS", "it needs another part to choose from, as BYDAY.")
