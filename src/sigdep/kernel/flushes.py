"""What a store has committed together: plain numbers, for whoever measures."""

from typing import Final

GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Flushes are counted by the least of these that is not exceeded; larger ones last."""


class Sizes:
    """How often a group had how many."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(GROUP_SIZES) + 1)
        """For each of GROUP_SIZES, and for all above."""
        self.sum = 0

    def add(self, size: int) -> None:
        self.counts[min(max(0, size - 1).bit_length(), len(GROUP_SIZES))] += 1
        self.sum += size


class Flushes:
    """All flushes of one store in this process, since it was opened."""

    __slots__ = ("appends", "events", "seconds")

    def __init__(self) -> None:
        self.appends = Sizes()
        """In each flush, those that were refused included."""
        self.events = Sizes()
        self.seconds = 0.0
        """That all of them took, one after the other."""

    def add(self, appends: int, events: int, seconds: float) -> None:
        self.appends.add(appends)
        self.events.add(events)
        self.seconds += seconds
