"""iCalendar texts against the library icalendar, and how long hostile ones are worked on.

    python -m benchmarks.ical [repetitions]

Ours and theirs by turns; the figures are those of each one's quickest repetition. Ours also makes a series of every
entry, to see whether it makes sense.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

import icalendar

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.ical.reading import read
from sigdep.ical.writing import write
from sigdep.kernel.errors import Invalid
from tests.ical.hostile import HOSTILE
from tests.ical.samples import SAMPLES, octets

REPETITIONS: Final = 10
LIBRARY: Final = "icalendar"
ORDINARY_OCTETS: Final = 100_000
HOSTILE_MS_TARGET: Final = 50.0
"""For each 100 kB, and for what is less."""


def ordinary(name: str) -> bytes:
    """A calendar of the shape that a program writes, with its components over and over under other UIDs."""
    text = SAMPLES[name]
    before, begin, rest = text.partition("BEGIN:VEVENT")
    components, end, after = (begin + rest).rpartition("END:VEVENT\n")
    components += end
    copies = ORDINARY_OCTETS // len(components) + 1
    return octets(before + "".join(components.replace("UID:", f"UID:{copy}-") for copy in range(copies)) + after)


def _quickest(question: Callable[[], object], repetitions: int) -> float:
    """Milliseconds."""
    best = float("inf")
    for _ in range(repetitions):
        begun = time.perf_counter()
        question()
        best = min(best, time.perf_counter() - begun)
    return best * 1_000


def compare(name: str, repetitions: int) -> list[Figure]:
    """Milliseconds to read 100 kB, and to write what was read."""
    text = ordinary(name)
    ours, theirs = read(text).calendar, icalendar.Calendar.from_ical(text)
    share = len(text) / ORDINARY_OCTETS
    questions: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "read": (lambda: read(text), lambda: icalendar.Calendar.from_ical(text)),
        "write": (lambda: write(ours), theirs.to_ical),
    }
    return [
        Figure(
            name=f"{verb} 100 kB as {name} writes it",
            value=_quickest(mine, repetitions) / share,
            unit="ms",
            against=LIBRARY,
            other=_quickest(other, repetitions) / share,
        )
        for verb, (mine, other) in questions.items()
    ]


def withstand(name: str, repetitions: int) -> Figure:
    """Milliseconds for each 100 kB until a hostile text is read or refused."""
    text = HOSTILE[name]

    def ask() -> None:
        try:
            read(text)
        except Invalid:
            return

    share = max(1.0, len(text) / ORDINARY_OCTETS)
    value = _quickest(ask, repetitions) / share
    return Figure(name=f"hostile: {name}", value=value, unit="ms", against="the limit", other=HOSTILE_MS_TARGET)


def run(repetitions: int = REPETITIONS) -> list[Figure]:
    figures = [figure for name in SAMPLES for figure in compare(name, repetitions)]
    return figures + [withstand(name, max(1, repetitions // 5)) for name in HOSTILE]


def main() -> None:
    figures = run(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS)
    print_figures("iCalendar", figures)
    print(f"\nKept in {keep_figures('ical', figures)}")


if __name__ == "__main__":
    main()
