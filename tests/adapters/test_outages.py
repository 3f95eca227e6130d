"""How a broker is borne with that is away, or lets nobody in."""

import asyncio

import pytest

from sigdep.adapters.outages import Away, OutOfOrder, Threshold


class Door:
    """Opens when it is told to, and counts who knocks."""

    def __init__(self, refusal: Exception) -> None:
        self.refusal: Exception | None = refusal
        self.knocks = 0

    async def connect(self) -> str:
        self.knocks += 1
        if self.refusal is not None:
            raise self.refusal
        return "in"


async def test_who_comes_after_somebody_who_was_not_let_in_is_told_so_without_another_attempt() -> None:
    door, threshold = Door(OutOfOrder("Not you.")), Threshold(refused_seconds=600)
    for _ in range(5):
        with pytest.raises(OutOfOrder, match=r"Not you\."):
            await threshold.cross(door.connect)
    assert door.knocks == 1


async def test_after_a_while_it_is_tried_again() -> None:
    door, threshold = Door(OutOfOrder("Not you.")), Threshold(refused_seconds=0.05)
    with pytest.raises(OutOfOrder):
        await threshold.cross(door.connect)
    door.refusal = None
    await asyncio.sleep(0.06)
    assert await threshold.cross(door.connect) == "in"
    assert door.knocks == 2


async def test_a_server_that_is_away_is_tried_each_time() -> None:
    door, threshold = Door(Away("Not now.")), Threshold(refused_seconds=600)
    for _ in range(3):
        with pytest.raises(Away):
            await threshold.cross(door.connect)
    assert door.knocks == 3
