"""Components as they are nested: each with its lines, and the components within it."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from sigdep.ical.lines import Line, read_line, unfold
from sigdep.ical.refusals import UnreadableCalendar

NESTING_MAX: Final = 5
"""VCALENDAR, VEVENT, VALARM, and two that only others know."""
BLOCKS_MAX: Final = 50_000


class Block(Struct, frozen=True):
    """From BEGIN to END. `number` is that of its first line."""

    name: str
    number: int
    lines: list[Line] = field(default_factory=list)
    blocks: list["Block"] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    """The numbers of those lines that are no content lines."""

    def text(self, name: str) -> str:
        """The value of the first line of this name, as it is written; empty where there is none."""
        return next((line.value for line in self.lines if line.name == name), "")


def read_blocks(octets: bytes) -> list[Block]:
    """The outermost blocks. What stands outside of all is passed over.

    Raises:
        UnreadableCalendar: it is too large or no UTF-8, is nested too deeply, or its BEGINs and ENDs do not match.
    """
    return nest(unfold(octets)).blocks


def nest(lines: Iterable[tuple[int, str]]) -> Block:
    """What unfolded lines with their numbers say, as a block without a name. Raises UnreadableCalendar."""
    outermost = Block("", 0)
    path = [outermost]
    count = 0
    for number, text in lines:
        line = read_line(text, number)
        if line is None:
            path[-1].unreadable.append(number)
        elif line.name == "BEGIN":
            count += 1
            path.append(_begin(path, line, count))
        elif line.name == "END":
            _end(path, line)
        else:
            path[-1].lines.append(line)
    if len(path) > 1:
        raise UnreadableCalendar(f"the text ends before END:{path[-1].name[:40]}. Is it all there?", path[-1].number)
    return outermost


def _begin(path: list[Block], line: Line, count: int) -> Block:
    if len(path) > NESTING_MAX:
        raise UnreadableCalendar(f"components are nested at most {NESTING_MAX} deep.", line.number)
    if count > BLOCKS_MAX:
        raise UnreadableCalendar(f"a calendar has at most {BLOCKS_MAX:,} components.", line.number)
    block = Block(line.value.strip().upper(), line.number)
    path[-1].blocks.append(block)
    return block


def _end(path: list[Block], line: Line) -> None:
    if len(path) == 1 or path[-1].name != line.value.strip().upper():
        raise UnreadableCalendar(f"END:{line.value[:40]} ends nothing that began here.", line.number)
    path.pop()
