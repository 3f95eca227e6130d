"""How much work one question may cost, and the refusal of the question that costs more."""

from typing import Final

from sigdep.kernel.errors import Invalid

STEPS_MAX: Final = 10_000
"""A step is a period that was looked at, a time that was found or a line of the series that was read: at most about
three microseconds, so that a question is answered or refused within 50 ms. Ten years of daily occurrences are 3,650."""


class RuleTooCostly(Invalid):
    """Nobody waits for the answer: the rule happens too often for what was asked, or next to never."""


class Budget:
    """The steps that are left to one question."""

    __slots__ = ("left", "steps")

    def __init__(self, steps: int = STEPS_MAX) -> None:
        self.steps = steps
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Raises RuleTooCostly when nothing is left."""
        self.left -= steps
        if self.left < 0:
            raise RuleTooCostly(
                f"After {self.steps:,} steps the recurrence has no answer: ask for a shorter time, or make the rule"
                " happen less often or more plainly."
            )
