"""Recurrence rules against python-dateutil, and how long hostile ones are worked on.

    python -m benchmarks.recurrence [repetitions]

A rule is read from its text and gives its next hundred times: from its start, and from a day ten years later, where
dateutil has to walk. Ours and theirs by turns; the figures are those of each one's quickest repetition.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from dateutil.rrule import rrule, rrulestr

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.recurrence.budget import RuleTooCostly
from sigdep.recurrence.duration import Duration
from sigdep.recurrence.expansion import Expansion, midnight
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Series
from tests.recurrence.case_files import Case, read_cases

REPETITIONS: Final = 30
TIMES: Final = 100
START: Final = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001  # On the wall.
LATER: Final = datetime(2036, 1, 5, 9, 0)  # noqa: DTZ001
LIBRARY: Final = "dateutil"
RULES: Final = {
    "daily": "FREQ=DAILY",
    "every third day": "FREQ=DAILY;INTERVAL=3",
    "working days": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "every other week, Monday and Thursday": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
    "monthly": "FREQ=MONTHLY",
    "the last Friday of the month": "FREQ=MONTHLY;BYDAY=-1FR",
    "the last working day of the month": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "the first and the fifteenth": "FREQ=MONTHLY;BYMONTHDAY=1,15",
    "yearly": "FREQ=YEARLY",
    "the fourth Thursday of November": "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
    "every two hours of the working day": "FREQ=HOURLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,11,13,15,17",
    "every fifteen minutes": "FREQ=MINUTELY;INTERVAL=15",
}
SERIES: Final = ("daily", "working days", "monthly")
ZONE: Final = "Europe/Berlin"
HOSTILE: Final = {
    "every second, for ever": "FREQ=SECONDLY",
    "30 February": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "31 February, by seconds": "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31",
    "every seventh day, on another weekday": "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "a second one of one": "FREQ=YEARLY;BYMONTHDAY=1;BYSETPOS=2",
    "every second of the year but one": f"FREQ=YEARLY;BYHOUR={','.join(map(str, range(24)))}"
    f";BYMINUTE={','.join(map(str, range(60)))};BYSECOND={','.join(map(str, range(60)))};BYSETPOS=-2",
}
HOSTILE_MS_TARGET: Final = 50.0

Question = Callable[[], list[datetime]]


def _ours(rule: str, begin: datetime) -> Question:
    return lambda: list(islice(Expansion(parse(rule), START).starts(begin), TIMES))


def _theirs(rule: str, begin: datetime) -> Question:
    def ask() -> list[datetime]:
        found = rrulestr(rule, dtstart=START)
        assert isinstance(found, rrule)
        return list(islice(found, TIMES) if begin == START else found.xafter(begin, count=TIMES, inc=True))

    return ask


def tell(name: str, rule: str, repetitions: int) -> Figure:
    """Occurrences a second, with starts and ends on the wall and in UTC, which no rival tells."""
    series = Series(start=START, zone=ZONE, duration=Duration(seconds=3600), rules=(parse(rule),))
    span = Span(LATER.replace(tzinfo=UTC))
    quickest = min(_seconds(lambda: list(islice(occurrences(series, span), TIMES))) for _ in range(repetitions))
    return Figure(name=name, value=TIMES / quickest, unit="times/s")


def _seconds(question: Callable[[], object]) -> float:
    begun = time.perf_counter()
    question()
    return time.perf_counter() - begun


def compare(name: str, ours: Question, theirs: Question, repetitions: int) -> Figure:
    """Times a second, if both give the same."""
    assert ours() == theirs(), f"they differ: {name}"
    quickest = {"ours": float("inf"), "theirs": float("inf")}
    for _ in range(repetitions):
        quickest["ours"] = min(quickest["ours"], _seconds(ours))
        quickest["theirs"] = min(quickest["theirs"], _seconds(theirs))
    rate, other = TIMES / quickest["ours"], TIMES / quickest["theirs"]
    return Figure(name=name, value=rate, unit="times/s", against=LIBRARY, other=other)


def withstand(name: str, rule: str, repetitions: int) -> Figure:
    """Milliseconds until all of a hostile rule is told, or refused."""

    def ask() -> None:
        try:
            list(Expansion(parse(rule), START).starts())
        except RuleTooCostly:
            return

    quickest = min(_seconds(ask) for _ in range(repetitions))
    return Figure(name=name, value=quickest * 1_000, unit="ms", against="the limit", other=HOSTILE_MS_TARGET)


def answer_published_cases() -> Figure:
    """How many of the cases that libical publishes each of the two answers as they say."""
    cases = read_cases("libical")
    right = sum(case.found() == case.expected for case in cases)
    others = sum(_dateutil_finds(case) == case.expected for case in cases)
    return Figure(name="of libical's cases", value=right, unit="right", against=LIBRARY, other=others)


def _dateutil_finds(case: Case) -> list[datetime] | None:
    try:
        return list(islice(rrulestr(case.rule, dtstart=midnight(case.start)), case.times))
    except ValueError:
        return None  # It cannot read the rule.


def run(repetitions: int = REPETITIONS) -> list[Figure]:
    figures = [answer_published_cases()]
    for name, rule in RULES.items():
        figures.append(compare(name, _ours(rule, START), _theirs(rule, START), repetitions))
        figures.append(
            compare(f"{name}, ten years on", _ours(rule, LATER), _theirs(rule, LATER), max(1, repetitions // 5))
        )
    figures += [tell(f"a series in {ZONE}: {name}", RULES[name], repetitions) for name in SERIES]
    figures += [withstand(f"hostile: {name}", rule, max(1, repetitions // 5)) for name, rule in HOSTILE.items()]
    return figures


def main() -> None:
    figures = run(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS)
    print_figures("Recurrence", figures)
    print(f"\nKept in {keep_figures('recurrence', figures)}")


if __name__ == "__main__":
    main()
