"""Reads the files of cases: a rule | a start | what comes of it, one case a line.

A time stands for itself; a date means the start's time on it, and `19970902-11` each day from the second to the
eleventh. A row of three dots at the end says that it goes on, `-` that nothing comes of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from sigdep.recurrence.expansion import Expansion
from sigdep.recurrence.parse import parse
from sigdep.recurrence.text import read_moment

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    rule: str
    start: datetime | date
    expected: list[datetime]
    goes_on: bool

    @property
    def times(self) -> int:
        """How many to ask for: one more than expected tells whether it ends where it should."""
        return len(self.expected) + (not self.goes_on)

    def found(self) -> list[datetime]:
        return list(islice(Expansion(parse(self.rule), self.start).starts(), self.times))


def read_cases(name: str) -> list[Case]:
    return [_case(line) for line in read_rules(name)]


def read_rules(name: str) -> list[str]:
    """The lines of a file that has rules alone."""
    lines = (CASES / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _case(line: str) -> Case:
    rule, begin, expected = (part.strip() for part in line.split(" | "))
    start = _moment(begin)
    words = expected.split()
    goes_on = words[-1] == "..."
    times = [time for word in words if word not in ("-", "...") for time in _times(word, start)]
    return Case(rule, start, times, goes_on)


def _moment(text: str) -> datetime | date:
    moment = read_moment(text)
    assert moment is not None, text
    return moment


def _times(word: str, start: datetime | date) -> Iterator[datetime]:
    first, _, last = word.partition("-")
    moment = _moment(first)
    if isinstance(moment, datetime):
        yield moment
        return
    time = start.time() if isinstance(start, datetime) else datetime.min.time()
    for day in range(moment.day, int(last or moment.day) + 1):
        yield datetime.combine(moment.replace(day=day), time)
