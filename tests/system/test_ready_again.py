"""kill -9 of each service in turn: how long it takes until everything can be written and read again."""

import asyncio
import os
from collections.abc import Sequence
from statistics import median
from typing import Final

import pytest

from sigdep.services.distributed.process import NAMES
from tests.system.conftest import LONG, Say
from tests.system.faults import READY_SECONDS_MAX, chaos_cluster, is_answered, kill, percentile, until_answered
from tests.system.person import signed_up

ROUNDS: Final = int(os.environ.get("SIGDEP_ROUNDS", "50" if LONG else "2"))

READY_SECONDS: Final = 3.0
"""p99, on a machine that has nothing else to do: held to where all rounds are run."""

STEADY_SECONDS: Final = 0.7
"""Between two deaths; with nine services each has run long enough to be started again at once."""


@pytest.mark.timeout(120 + 2 * READY_SECONDS_MAX + 12 * ROUNDS * len(NAMES))
async def test_a_service_that_was_killed_is_soon_replaced(say: Say) -> None:
    took: dict[str, list[float]] = {name: [] for name in NAMES}
    async with chaos_cluster() as cluster, signed_up(cluster.url) as ada:
        for _ in range(ROUNDS):
            for name in NAMES:
                await asyncio.sleep(STEADY_SECONDS)
                assert await is_answered(ada)
                await kill(name)(cluster)
                took[name].append(await until_answered(ada))
    for name, seconds in took.items():
        say(f"{name:<12} ready again: {_told(seconds)}")
    everything = [one for seconds in took.values() for one in seconds]
    say(f"{'all':<12} ready again: {_told(everything)}, {len(everything)} kills")
    if LONG:
        assert percentile(everything, 99) < READY_SECONDS


def _told(seconds: Sequence[float]) -> str:
    return f"p50 {median(seconds):.2f} s, p99 {percentile(seconds, 99):.2f} s, at most {max(seconds):.2f} s"
