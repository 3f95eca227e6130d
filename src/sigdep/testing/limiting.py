"""The contract suites of rate limits: every promise of `http/limiting.py`, for every adapter."""

import asyncio
import time
from typing import Final

import pytest

from sigdep.http.limiting import Limiters, Rate

SLOW: Final = Rate(per_second=0.01, burst=20)
"""Within a test nothing of it comes back."""

STEADY: Final = Rate(per_second=5, burst=50)
"""Ten seconds until a burst is whole again: a machine may stand still for as long, and nothing is lost."""

HAMMERED_SECONDS: Final = 1.5
HAMMERS: Final = 10


class LimiterContract:
    """A subclass gives `limiters`, which have counted nothing yet."""

    @pytest.fixture
    def limiters(self) -> Limiters:
        raise NotImplementedError("The subclass says how its limiters are made.")

    async def test_a_burst_passes_and_nothing_after_it(self, limiters: Limiters) -> None:
        limiter = limiters.limiter("requests", SLOW)
        allowances = [await limiter.take("ada") for _ in range(SLOW.burst)]
        assert [allowance.remaining for allowance in allowances] == list(range(SLOW.burst - 1, -1, -1))
        assert {(allowance.limit, allowance.retry_seconds) for allowance in allowances} == {(SLOW.burst, 0)}
        assert allowances[0].reset_seconds == pytest.approx(100, abs=1)
        assert allowances[-1].reset_seconds == pytest.approx(2_000, abs=60)
        for _ in range(3 * SLOW.burst):  # What is refused costs nothing.
            refused = await limiter.take("ada")
            assert refused.remaining == 0
            assert 40 < refused.retry_seconds <= 100

    async def test_after_the_burst_one_passes_in_each_interval(self, limiters: Limiters) -> None:
        limiter = limiters.limiter("requests", STEADY)
        passed, refused = 0, 0
        began = ended = time.monotonic()
        while ended - began < HAMMERED_SECONDS or not refused:
            taken = await asyncio.gather(*(limiter.take("ada") for _ in range(HAMMERS)))
            refused = sum(bool(allowance.retry_seconds) for allowance in taken)
            passed += HAMMERS - refused
            ended = time.monotonic()
            await asyncio.sleep(0.001)
        assert passed == pytest.approx(STEADY.burst + STEADY.per_second * (ended - began), abs=2)

    async def test_whoever_waits_as_long_as_they_are_told_passes(self, limiters: Limiters) -> None:
        limiter = limiters.limiter("requests", Rate(per_second=5, burst=2))
        for _ in range(2):
            await limiter.take("ada")
        for _ in range(3):
            wait = (await limiter.take("ada")).retry_seconds
            if wait:  # It may have passed since, where the machine stood still.
                assert wait <= 0.2
                await asyncio.sleep(wait + 0.002)
                assert not (await limiter.take("ada")).retry_seconds

    async def test_callers_and_limiters_are_counted_apart(self, limiters: Limiters) -> None:
        one, other = (limiters.limiter(name, Rate(per_second=0.01, burst=1)) for name in ("requests", "sign-ins"))
        assert not (await one.take("ada")).retry_seconds
        assert (await one.take("ada")).retry_seconds
        assert not (await one.take("bob")).retry_seconds
        assert not (await other.take("ada")).retry_seconds

    async def test_who_has_used_up_their_burst_is_known_without_counting(self, limiters: Limiters) -> None:
        limiter = limiters.limiter("requests", Rate(per_second=0.01, burst=2))
        assert limiter.exhausted("ada") == 0
        await limiter.take("ada")
        assert limiter.exhausted("ada") == 0
        await limiter.take("ada")
        for _ in range(10):
            assert 40 < limiter.exhausted("ada") <= 100
        assert limiter.exhausted("bob") == 0

    async def test_of_many_at_once_a_burst_passes(self, limiters: Limiters) -> None:
        limiter = limiters.limiter("requests", SLOW)
        allowances = await asyncio.gather(*(limiter.take("ada") for _ in range(500)))
        assert sum(not allowance.retry_seconds for allowance in allowances) == SLOW.burst


class SharedLimiterContract(LimiterContract):
    """For limiters that gateways share. A subclass gives `others` too: those of another gateway."""

    @pytest.fixture
    def others(self) -> Limiters:
        raise NotImplementedError("The subclass says how another gateway's limiters are made.")

    async def test_two_gateways_share_one_allowance(self, limiters: Limiters, others: Limiters) -> None:
        here, there = limiters.limiter("requests", SLOW), others.limiter("requests", SLOW)
        remaining = [(await limiter.take("ada")).remaining for _ in range(SLOW.burst // 2) for limiter in (here, there)]
        assert remaining == list(range(SLOW.burst - 1, -1, -1))
        assert (await here.take("ada")).retry_seconds
        assert (await there.take("ada")).retry_seconds

    async def test_of_many_at_once_at_both_a_burst_passes(self, limiters: Limiters, others: Limiters) -> None:
        both = [limiters.limiter("requests", SLOW), others.limiter("requests", SLOW)]
        allowances = await asyncio.gather(*(both[number % 2].take("ada") for number in range(500)))
        assert sum(not allowance.retry_seconds for allowance in allowances) == SLOW.burst
