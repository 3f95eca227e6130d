"""A request that is given up is no cancelled task: what comes after it in the same task goes on as ever."""

import asyncio
from typing import Any

import pytest

from sigdep.gateway import deadlines
from sigdep.gateway.deadlines import Deadlines
from sigdep.http.exchange import Exchange
from sigdep.http.refusals import DeadlinePassed
from sigdep.http.stamps import new_id
from tests.gateway.test_routing import Point


async def test_a_task_goes_on_after_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.01)

    async def sleeps(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    async def unused(*_: Any) -> Any:
        raise AssertionError

    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": [], "endpoint": Point("/")}
    Exchange(scope, new_id())
    with pytest.raises(DeadlinePassed, match=r"no answer after 0\.05 seconds"):
        await Deadlines(sleeps, 0.05)(scope, unused, unused)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    async with asyncio.timeout(1):
        await asyncio.sleep(0)
