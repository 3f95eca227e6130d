"""Reads a rule as iCalendar writes it: `FREQ=MONTHLY;BYDAY=-1FR`."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from sigdep.kernel.errors import Fault
from sigdep.recurrence.rule import (
    FREQUENCIES,
    NUMBERS,
    SKIPS,
    WEEKDAYS,
    InvalidRule,
    Rule,
    WeekdayNumber,
    choices_max,
)
from sigdep.recurrence.text import read_moment

RULE_CHARACTERS_MAX: Final = 8_000
"""More than a rule needs that names every day of the year from both ends."""

_NUMBER: Final = re.compile(r"[+-]?\d{1,8}", re.ASCII)
_WEEKDAY: Final = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


class UnreadableRule(InvalidRule):
    """Text that is no rule. `column` is where the part begins, from 1."""

    def __init__(self, part: str, detail: str, column: int) -> None:
        super().__init__(part, detail)
        self.detail = f"Recurrence rule, column {column}, {part}: {detail}"
        self.faults = (Fault(part, self.detail),)
        self.column = column


def parse(text: str) -> Rule:
    """The rule. Names are read without regard to case, and a semicolon after the last part, which some calendars
    write, is passed over; nothing else is forgiven.

    Raises:
        UnreadableRule: the text is no rule, or the rule makes no sense; it names the part and its column.
    """
    if len(text) > RULE_CHARACTERS_MAX:
        raise UnreadableRule("RRULE", f"at most {RULE_CHARACTERS_MAX:,} characters are read.", RULE_CHARACTERS_MAX + 1)
    if not text.isascii():
        column = next(place for place, character in enumerate(text, 1) if not character.isascii())
        raise UnreadableRule("RRULE", "only plain letters, digits and signs have a meaning here.", column)
    columns: dict[str, int] = {}
    fields: dict[str, Any] = {}
    for name, value, column in _parts(text):
        if name in columns:
            raise UnreadableRule(name, "it is there twice.", column)
        columns[name] = column
        field, read = _known(name, column)
        try:
            fields[field] = read(name, value)
        except InvalidRule as error:
            raise UnreadableRule(name, error.reason, column) from None
    if "frequency" not in fields:
        raise UnreadableRule("FREQ", "every rule has one, as FREQ=DAILY.", 1)
    try:
        return Rule(**fields)
    except InvalidRule as error:
        raise UnreadableRule(error.part, error.reason, columns.get(error.part, 1)) from None


def _parts(text: str) -> Iterator[tuple[str, str, int]]:
    column = 1
    pieces = text.upper().split(";")
    if len(pieces) > 1 and not pieces[-1]:
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition("=")
        if not (name and equals and value):
            raise UnreadableRule(name[:20] or "RRULE", "expected a name, = and a value, as FREQ=DAILY.", column)
        yield name, value, column
        column += len(piece) + 1


Reader = Callable[[str, str], Any]


def _known(name: str, column: int) -> tuple[str, Reader]:
    try:
        return _PARTS[name]
    except KeyError:
        raise UnreadableRule(name[:20], f"there is no such part. There are {', '.join(_PARTS)}.", column) from None


def _one_of(*choices: str) -> Reader:
    def read(name: str, value: str) -> str:
        if value not in choices:
            raise InvalidRule(name, f'"{value[:20]}" is none of {", ".join(choices)}.')
        return value

    return read


def _calendar(name: str, value: str) -> str:
    if value != "GREGORIAN":
        raise InvalidRule(name, f'the calendar "{value[:20]}" is not supported, only GREGORIAN.')
    return value


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 8:
        raise InvalidRule(name, f'"{value[:20]}" is no whole number of at most 8 digits.')
    return int(value)


def _moment(name: str, value: str) -> Any:
    moment = read_moment(value)
    if moment is None:
        raise InvalidRule(name, f'"{value[:20]}" is no date or time, as 19971224 or 19971224T000000Z.')
    return moment


def _values(name: str, value: str) -> Iterator[str]:
    """Each once, in the order in which they were written."""
    values = value.split(",")
    if len(values) > 2 * choices_max(name):
        raise InvalidRule(name, f"it has {len(values)} values, and there are only {choices_max(name)}.")
    yield from values


def _numbers(name: str, value: str) -> tuple[int, ...]:
    signed = NUMBERS[name][0] == 1 and name != "BYMONTH"
    found: dict[int, None] = {}
    for one in _values(name, value):
        if not _NUMBER.fullmatch(one) or (not signed and not one.isdigit()):
            leap = " Leap months are of other calendars." if name == "BYMONTH" and one.endswith("L") else ""
            raise InvalidRule(name, f'"{one[:20]}" is no number.{leap}')
        found[int(one)] = None
    return tuple(found)


def _weekdays(name: str, value: str) -> tuple[WeekdayNumber, ...]:
    found: dict[WeekdayNumber, None] = {}
    for one in _values(name, value):
        match = _WEEKDAY.fullmatch(one)
        if match is None:
            raise InvalidRule(name, f'"{one[:20]}" is no weekday, as MO, or 2MO for the second Monday.')
        found[WeekdayNumber(match[2], int(match[1]) if match[1] else None)] = None  # type: ignore[arg-type]
    return tuple(found)


_PARTS: Final[dict[str, tuple[str, Reader]]] = {
    "FREQ": ("frequency", _one_of(*FREQUENCIES)),
    "INTERVAL": ("interval", _number),
    "COUNT": ("count", _number),
    "UNTIL": ("until", _moment),
    "BYMONTH": ("by_month", _numbers),
    "BYWEEKNO": ("by_week_number", _numbers),
    "BYYEARDAY": ("by_year_day", _numbers),
    "BYMONTHDAY": ("by_month_day", _numbers),
    "BYDAY": ("by_day", _weekdays),
    "BYHOUR": ("by_hour", _numbers),
    "BYMINUTE": ("by_minute", _numbers),
    "BYSECOND": ("by_second", _numbers),
    "BYSETPOS": ("by_set_position", _numbers),
    "WKST": ("week_start", _one_of(*WEEKDAYS)),
    "RSCALE": ("rscale", _calendar),
    "SKIP": ("skip", _one_of(*SKIPS)),
}
