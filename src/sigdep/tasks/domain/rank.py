"""Ranks: strings that sort a list by hand. One between two others can always be made, and no other ever changes.

A rank is a sequence of whole numbers, compared one by one, and one that begins another comes before it:
`[7] < [7, -3] < [7, 0] < [8]`. So there is room between any two ranks: beside the numbers, or one number
deeper. Numbers count in both directions without an end, so that inserting at the same place again and
again counts on and grows by a character now and then, where halving the distance would grow by one
every few inserts (ORDPATH: O'Neil et al., SIGMOD 2004).

As text each number leads with a character that says how many digits follow, so that comparing two ranks
code point by code point, as every database can, compares the numbers.
"""

from bisect import bisect_right
from datetime import UTC, datetime
from typing import Final

from sigdep.kernel.errors import Refused

DIGITS: Final = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""Ascending by code point. Safe in URLs and JSON."""

RANK_LENGTH_MAX: Final = 200
"""Characters. Reached only by hundreds of inserts that alternate between both sides of one gap."""

NUMBER_DIGITS_MAX: Final = 10
STEP: Final = 16
"""The distance to a new neighbour: it leaves room beside it for a few more before ranks grow deeper."""

_BASE: Final = len(DIGITS)
_VALUE: Final = {digit: value for value, digit in enumerate(DIGITS)}
_ZERO: Final = _BASE // 2
"""Leads the number 0. Leads below and above it are small numbers, and further out counts of digits."""

_SMALL: Final = _ZERO - 1 - NUMBER_DIGITS_MAX
"""Numbers from -_SMALL to _SMALL take one character."""

_POWERS: Final[list[int]] = [_BASE**digits for digits in range(NUMBER_DIGITS_MAX + 1)]
_STARTS: Final = [_SMALL + sum(_POWERS[:digits]) for digits in range(1, NUMBER_DIGITS_MAX + 2)]
"""The least positive number with 1 digit after its lead, with 2 digits …; the last has more than are allowed."""

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)

Numbers = list[int]


class NoRoom(Refused):
    """The rank between two others would be too long."""


def of_instant(at: datetime, index: int = 0) -> str:
    """The rank of what is created at this instant: after all that is older, without looking at any of it.

    Args:
        index: place among what one command creates at the same instant.
    """
    elapsed = at - _EPOCH
    return _written([(elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds + index])


def between(before: str | None, after: str | None) -> str:
    """A rank that sorts between two others; None stands for the list's end on that side.

    Two ranks that are equal, or the wrong way round, have nothing between them: the result comes directly
    after `before`, which is as near as one can get.

    Raises:
        ValueError: one of them is no rank.
        NoRoom: it would have more than RANK_LENGTH_MAX characters.
    """
    low = None if before is None else _numbers(before)
    high = None if after is None else _numbers(after)
    rank = _written(_between(low, high))
    if len(rank) > RANK_LENGTH_MAX:
        raise NoRoom("There is no room left between these two. Move one of them elsewhere first.")
    return rank


def is_rank(text: str) -> bool:
    try:
        return len(text) <= RANK_LENGTH_MAX and bool(_numbers(text))
    except ValueError:
        return False


def _between(low: Numbers | None, high: Numbers | None) -> Numbers:
    if low is None:
        return [0] if high is None else [high[0] - STEP]
    if high is None:
        return [low[0] + STEP]
    if low >= high:
        return [*low, 0]
    shared = 0
    while shared < len(low) and low[shared] == high[shared]:
        shared += 1
    if shared == len(low):
        return [*low, high[shared] - STEP]
    if high[shared] - low[shared] >= 2:
        return [*low[:shared], _number_between(low[shared], high[shared])]
    # Neighbours: go deeper, behind whatever there is below the lower one.
    deeper = low[shared + 1] + STEP if len(low) > shared + 1 else 0
    return [*low[: shared + 1], deeper]


def _number_between(low: int, high: int) -> int:
    """A step away from the nearer past, or the middle where there is no room for steps."""
    return low + STEP if high - low > 2 * STEP else (low + high) // 2


def _written(numbers: Numbers) -> str:
    return "".join(map(_text_of, numbers))


def _text_of(number: int) -> str:
    size = abs(number)
    if size <= _SMALL:
        return DIGITS[_ZERO + number]
    count = bisect_right(_STARTS, size)
    if count > NUMBER_DIGITS_MAX:
        raise NoRoom("There is no room left at this end of the list. Move something else there first.")
    rest = size - _STARTS[count - 1]
    if number < 0:  # The larger its size, the earlier it sorts.
        rest = _POWERS[count] - 1 - rest
    digits = ""
    for _ in range(count):
        rest, digit = divmod(rest, _BASE)
        digits = DIGITS[digit] + digits
    lead = _ZERO + _SMALL + count if number > 0 else _ZERO - _SMALL - count
    return DIGITS[lead] + digits


def _numbers(rank: str) -> Numbers:
    numbers: Numbers = []
    place = 0
    while place < len(rank):
        lead = _value(rank[place]) - _ZERO
        count = max(0, abs(lead) - _SMALL)
        digits = rank[place + 1 : place + 1 + count]
        if len(digits) < count or count > NUMBER_DIGITS_MAX:
            raise ValueError(f"{rank!r} is no rank: it ends too early.")
        numbers.append(_number(lead, digits) if count else lead)
        place += 1 + count
    if not numbers:
        raise ValueError("An empty text is no rank.")
    return numbers


def _number(lead: int, digits: str) -> int:
    rest = 0
    for digit in digits:
        rest = rest * _BASE + _value(digit)
    count = len(digits)
    if lead > 0:
        return _STARTS[count - 1] + rest
    return -(_STARTS[count - 1] + _POWERS[count] - 1 - rest)


def _value(digit: str) -> int:
    value = _VALUE.get(digit)
    if value is None:
        raise ValueError(f"{digit!r} does not occur in ranks.")
    return value
