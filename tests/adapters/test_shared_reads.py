"""Who follows the log beside others reads it once with them, and is told all the same."""

import asyncio
from typing import Any

from sigdep.adapters import shared_reads
from sigdep.adapters.shared_reads import SharedReads
from sigdep.kernel.ids import Partition, Position, Positions

START = {Partition(1): Position(1)}


class Log:
    """Says what is to be read, once it is told to."""

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Positions] = []
        self.go_on = asyncio.Event()

    async def read(self, after: Positions) -> Any:
        self.asked.append(after)
        answer = self.answers.pop(0)
        await self.go_on.wait()
        return answer


def shared_reads_of(log: "Log") -> Any:
    """Of what is no events, for this does not look into them."""
    return SharedReads(log.read)


async def test_who_asks_from_the_same_place_reads_with_the_others() -> None:
    log = Log(["one"], ["two"])
    shared = shared_reads_of(log)
    asking = [asyncio.create_task(shared.after(place)) for place in (START, {**START, Partition(2): Position(0)})]
    await asyncio.sleep(0)
    log.go_on.set()
    assert await asyncio.gather(*asking) == [["one"], ["one"]]
    assert await shared.after(START) == ["one"]
    assert await shared.after({Partition(1): Position(2)}) == ["two"]
    assert len(log.asked) == 2


async def test_what_another_did_not_find_is_looked_for_again() -> None:
    """What comes between the two questions wakes nobody any more."""
    log = Log([], ["one"])
    shared = shared_reads_of(log)
    first, second = asyncio.create_task(shared.after(START)), asyncio.create_task(shared.after(START))
    await asyncio.sleep(0)
    log.go_on.set()
    assert (await first, await second) == ([], ["one"])


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    log = Log(["one"])
    shared = shared_reads_of(log)
    first, second = asyncio.create_task(shared.after(START)), asyncio.create_task(shared.after(START))
    await asyncio.sleep(0)
    first.cancel()
    log.go_on.set()
    assert await second == ["one"]


async def test_nothing_is_told_from_memory_for_long(monkeypatch: Any) -> None:
    monkeypatch.setattr(shared_reads, "KEPT_SECONDS", 0.01)
    log = Log(["one"], ["erased"])
    log.go_on.set()
    shared = shared_reads_of(log)
    assert await shared.after(START) == ["one"]
    await asyncio.sleep(0.1)
    assert await shared.after(START) == ["erased"]
