"""Jobs: what fails is started again, ever later while it goes on failing, and soon when it had run well."""

import asyncio
from typing import Final

import pytest

from sigdep.services import jobs
from sigdep.services.jobs import Jobs

FAILURES: Final = 20
"""Pauses that doubled each time would take a quarter of an hour."""


class Failing:
    """A job that fails after a while, some number of times, and then has nothing to do."""

    def __init__(self, after_seconds: float, failures: int = FAILURES) -> None:
        self.after_seconds = after_seconds
        self.failures = failures
        self.done = asyncio.Event()

    async def run(self) -> None:
        await asyncio.sleep(self.after_seconds)
        if self.failures == 0:
            self.done.set()
            return
        self.failures -= 1
        raise ValueError("no good")


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(jobs, "PAUSE_SECONDS_MAX", 1_000.0)
    monkeypatch.setattr(jobs, "STEADY_SECONDS", 0.02)


async def test_a_job_that_had_run_well_is_started_again_soon_however_often_it_has_failed() -> None:
    job = Failing(after_seconds=0.03)
    async with Jobs() as running, asyncio.timeout(120):
        running.start("steady", job.run)
        await job.done.wait()
    assert job.failures == 0


async def test_a_job_that_fails_at_once_waits_longer_each_time_and_is_named_meanwhile() -> None:
    job = Failing(after_seconds=0.0)
    async with Jobs() as running:
        running.start("broken", job.run)
        async with asyncio.timeout(120):
            while job.failures > FAILURES - 8:
                await asyncio.sleep(0.01)
        assert running.fault() == "broken: ValueError"
        await asyncio.sleep(0.05)
        assert job.failures > 0
