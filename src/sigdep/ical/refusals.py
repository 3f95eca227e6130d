"""Why a calendar, or one component of it, is not read."""

from sigdep.kernel.errors import Invalid


class UnreadableCalendar(Invalid):
    """The text as a whole is no calendar, or is larger than what we read. `line` is counted from 1; 0 where no single
    line is to blame."""

    def __init__(self, detail: str, line: int = 0) -> None:
        super().__init__(f"Line {line:,}: {detail}" if line else detail)
        self.line = line


class UnreadableComponent(Invalid):
    """One component makes no sense: it is passed over, and the others are read."""
