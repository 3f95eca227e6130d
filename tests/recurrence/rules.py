"""Random rules that make sense, with starts, and the moments up to which a literal reading of them is not too slow."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from sigdep.recurrence.rule import FREQUENCIES, WEEKDAYS, Frequency, InvalidRule, Rule, WeekdayNumber

FAR: dict[Frequency, timedelta] = {
    "YEARLY": timedelta(days=366 * 9),
    "MONTHLY": timedelta(days=366 * 3),
    "WEEKLY": timedelta(days=400),
    "DAILY": timedelta(days=400),
    "HOURLY": timedelta(days=60),
    "MINUTELY": timedelta(days=2),
    "SECONDLY": timedelta(hours=2),
}
INTERVALS: dict[Frequency, st.SearchStrategy[int]] = {
    "HOURLY": st.integers(1, 30),
    "MINUTELY": st.integers(1, 100),
    "SECONDLY": st.integers(1, 4000),
}
starts = st.datetimes(datetime(1996, 1, 1), datetime(2030, 12, 31)).map(lambda moment: moment.replace(microsecond=0))
edges = st.sampled_from(
    [
        datetime(2024, 2, 29, 9),
        datetime(2027, 1, 3, 23, 59, 59),
        datetime(2014, 12, 30, 0, 0),
        datetime(2000, 1, 31, 12),
        datetime(1900, 3, 1, 8, 30),
        datetime(2016, 12, 31, 6),
    ]
)


def numbers(low: int, high: int, *, negative: bool = False, most: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    one = st.integers(low, high)
    if negative:
        one = one | st.integers(-high, -low)
    return st.lists(one, max_size=most).map(tuple)


@st.composite
def rules(draw: st.DrawFn, frequencies: tuple[Frequency, ...] = FREQUENCIES) -> tuple[Rule, datetime]:
    frequency = draw(st.sampled_from(frequencies))
    many = frequency in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
    parts: dict[str, Any] = {
        "interval": draw(st.just(1) | INTERVALS.get(frequency, st.integers(1, 5))),
        "week_start": draw(st.sampled_from(WEEKDAYS)),
    }
    if draw(st.booleans()):
        parts["by_month"] = draw(numbers(1, 12))
    if frequency == "YEARLY" and draw(st.integers(0, 2)) == 0:
        parts["by_week_number"] = draw(numbers(1, 53, negative=True))
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY") and draw(st.integers(0, 2)) == 0:
        parts["by_year_day"] = draw(numbers(1, 366, negative=True, most=12))
    if frequency != "WEEKLY" and draw(st.booleans()):
        parts["by_month_day"] = draw(numbers(1, 31, negative=True))
    if draw(st.booleans()):
        parts["by_day"] = draw(st.lists(_weekdays(frequency, parts), max_size=4).map(tuple))
    if draw(st.integers(0, 2)) == 0:
        parts["by_hour"] = draw(numbers(0, 23, most=3))
        parts["by_minute"] = draw(numbers(0, 59, most=3 if many else 5))
        parts["by_second"] = draw(numbers(0, 60, most=2 if many else 5))
    if draw(st.integers(0, 2)) == 0:
        parts["by_set_position"] = draw(numbers(1, 6, negative=True, most=3))
    try:
        return Rule(frequency=frequency, **parts), draw(starts | edges)
    except InvalidRule:
        assume(False)
        raise


def _weekdays(frequency: Frequency, parts: dict[str, Any]) -> st.SearchStrategy[WeekdayNumber]:
    number: st.SearchStrategy[int | None] = st.none()
    if frequency in ("MONTHLY", "YEARLY") and not parts.get("by_week_number"):
        number = st.none() | st.sampled_from([1, 2, 3, 5, -1, -2, -5])
        if frequency == "YEARLY" and not parts.get("by_month"):
            number = number | st.integers(6, 53) | st.integers(-53, -6)
    return st.builds(WeekdayNumber, st.sampled_from(WEEKDAYS), number)
