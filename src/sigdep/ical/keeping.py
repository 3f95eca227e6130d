"""What we do not understand, kept as it was written, and bounded."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from sigdep.ical.blocks import Block
from sigdep.ical.lines import Line, read_line, without_breaks
from sigdep.ical.model import Kept

KEPT_CHARACTERS_MAX: Final = 50_000
"""Of one component. An attachment that is written into the calendar may be larger: it is left out, and reported."""
LINE_CHARACTERS_MAX: Final = 20_000

_TOKEN: Final = re.compile(r"[A-Z0-9-]{1,80}", re.ASCII)


class Keeper:
    """Keeps as much of one component as there is room for."""

    def __init__(self) -> None:
        self._room = KEPT_CHARACTERS_MAX
        self.left_out: list[str] = []
        """Names of what was too large."""

    def lines(self, lines: Iterable[Line]) -> tuple[str, ...]:
        return tuple(line.text for line in lines if self._has_room(line))

    def _has_room(self, line: Line) -> bool:
        length = len(line.text)
        if length > min(LINE_CHARACTERS_MAX, self._room):
            self.left_out.append(line.name)
            return False
        self._room -= length
        return True

    def components(self, blocks: Iterable[Block]) -> tuple[Kept, ...]:
        kept: list[Kept] = []
        for block in blocks:
            length = len(block.name) + 20
            if length > self._room or not _TOKEN.fullmatch(block.name):
                self.left_out.append(block.name[:80])
                continue
            self._room -= length
            kept.append(Kept(block.name, self.lines(block.lines), self.components(block.blocks)))
        return tuple(kept)


def write_kept_lines(lines: Iterable[str], understood: Collection[str] = ()) -> Iterator[str]:
    """Those that are content lines, and none of BEGIN, END and what is understood: they can say nothing that the
    component says in another place."""
    for text in lines:
        line = read_line(without_breaks(text))
        if line is not None and line.name not in ("BEGIN", "END") and line.name not in understood:
            yield line.text


def write_kept(components: Iterable[Kept]) -> Iterator[str]:
    for one in components:
        if _TOKEN.fullmatch(one.name):
            yield f"BEGIN:{one.name}"
            yield from write_kept_lines(one.lines)
            yield from write_kept(one.components)
            yield f"END:{one.name}"
