"""Processes are stopped together, those that are named and no others."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sigdep.services.distributed.supervisor import Program, Supervisor
from tests.patience import patience

SLOW_TO_STOP = "trap 'sleep 2; exit 0' TERM; while :; do sleep 0.1; done"

NAMES = ("first", "second", "third", "fourth", "fifth", "sixth")


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(lambda _program: None)
    for name in NAMES:
        command = ("/bin/sh", "-c", SLOW_TO_STOP)
        supervisor.start(Program(name=name, command=command, environment=os.environ, log=tmp_path / name))
    async with asyncio.timeout(patience(10)):
        while not all(program.process_id for program in supervisor.programs):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)  # For the shells to hear of signals.
    yield supervisor
    await supervisor.stop(NAMES)


async def test_many_take_no_longer_to_stop_than_one(supervisor: Supervisor) -> None:
    begun = asyncio.get_running_loop().time()
    await supervisor.stop(NAMES)
    assert asyncio.get_running_loop().time() - begun < 2 * len(NAMES) - 2
    assert not supervisor.programs


async def test_those_that_are_not_named_go_on(supervisor: Supervisor) -> None:
    await supervisor.stop(NAMES[:2])
    assert [program.name for program in supervisor.programs] == list(NAMES[2:])
    for program in supervisor.programs:
        assert program.process_id is not None
        os.kill(program.process_id, 0)
    assert {program.restarts for program in supervisor.programs} == {0}
