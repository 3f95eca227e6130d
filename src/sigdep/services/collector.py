"""Sets Python's cycle collector to a process that holds many small objects for long."""

import gc
from typing import Final

THRESHOLDS: Final = (20_000, 20, 50)
"""Allocations between collections of the youngest generation, and of each in the next. By default it looks every 700:
a fifth of the time of a rebuild went into finding nothing."""


def calm_collector() -> None:
    """Look less often, and never again at what the start has made. Call it once, when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
