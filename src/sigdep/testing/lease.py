"""The contract suite of leases: every promise of `kernel/lease.py`, for every adapter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import pytest

from sigdep.kernel.lease import Holder, Leases

OpenLeases = Callable[[], Awaitable[Leases]]

SHORT_SECONDS: Final = 0.3
LONG_SECONDS: Final = 60.0
REPLICAS: Final = 8


class LeaseContract:
    """A subclass gives `open_leases`, which opens the same leases each time."""

    @pytest.fixture
    def open_leases(self) -> OpenLeases:
        raise NotImplementedError("The subclass says how its leases are opened.")

    @pytest.fixture
    async def leases(self, open_leases: OpenLeases) -> AsyncIterator[Leases]:
        leases = await open_leases()
        yield leases
        await leases.close()

    async def test_one_holds_a_lease_and_others_do_not(self, leases: Leases) -> None:
        assert await leases.acquire("projector", Holder("one"), LONG_SECONDS) == 1
        assert await leases.acquire("projector", Holder("two"), LONG_SECONDS) is None
        assert await leases.acquire("relay", Holder("two"), LONG_SECONDS) == 1

    async def test_of_all_that_ask_at_once_one_gets_it(self, open_leases: OpenLeases) -> None:
        replicas = [await open_leases() for _ in range(REPLICAS)]
        for round_number in range(1, 6):
            holders = [Holder(f"{round_number} {number}") for number in range(REPLICAS)]
            asking = zip(replicas, holders, strict=True)
            asked = await asyncio.gather(*(one.acquire("projector", holder, LONG_SECONDS) for one, holder in asking))
            (epoch,) = [epoch for epoch in asked if epoch is not None]
            assert epoch == round_number
            await replicas[0].release("projector", epoch)
        for one in replicas:
            await one.close()

    async def test_a_lease_ends_by_itself(self, leases: Leases) -> None:
        assert await leases.acquire("projector", Holder("one"), SHORT_SECONDS) == 1
        assert await leases.acquire("projector", Holder("two"), SHORT_SECONDS) is None
        await asyncio.sleep(SHORT_SECONDS * 1.2)
        assert await leases.acquire("projector", Holder("two"), SHORT_SECONDS) == 2

    async def test_a_lease_that_is_renewed_goes_on(self, leases: Leases) -> None:
        epoch = await leases.acquire("projector", Holder("one"), SHORT_SECONDS)
        assert epoch is not None
        for _ in range(4):
            await asyncio.sleep(SHORT_SECONDS / 2)
            assert await leases.renew("projector", epoch, SHORT_SECONDS)
            assert await leases.acquire("projector", Holder("two"), SHORT_SECONDS) is None

    async def test_a_lease_that_has_ended_is_not_renewed_even_where_nobody_took_it(self, leases: Leases) -> None:
        epoch = await leases.acquire("projector", Holder("one"), SHORT_SECONDS)
        assert epoch is not None
        await asyncio.sleep(SHORT_SECONDS * 1.2)
        assert not await leases.renew("projector", epoch, LONG_SECONDS)
        assert await leases.acquire("projector", Holder("two"), LONG_SECONDS) == 2

    async def test_a_holder_that_slept_can_neither_renew_nor_release_the_lease_of_the_next(
        self, leases: Leases
    ) -> None:
        slept = await leases.acquire("projector", Holder("one"), SHORT_SECONDS)
        assert slept is not None
        await asyncio.sleep(SHORT_SECONDS * 1.2)
        following = await leases.acquire("projector", Holder("two"), LONG_SECONDS)
        assert following is not None
        assert following > slept
        assert not await leases.renew("projector", slept, LONG_SECONDS)
        await leases.release("projector", slept)
        assert await leases.acquire("projector", Holder("one"), LONG_SECONDS) is None
        assert await leases.renew("projector", following, LONG_SECONDS)

    async def test_a_released_lease_can_be_had_at_once(self, leases: Leases) -> None:
        epoch = await leases.acquire("projector", Holder("one"), LONG_SECONDS)
        assert epoch is not None
        for _ in range(2):
            await leases.release("projector", epoch)
        assert not await leases.renew("projector", epoch, LONG_SECONDS)
        assert await leases.acquire("projector", Holder("two"), LONG_SECONDS) == 2

    async def test_a_holder_that_asks_again_gets_a_new_epoch(self, leases: Leases) -> None:
        first = await leases.acquire("projector", Holder("one"), LONG_SECONDS)
        again = await leases.acquire("projector", Holder("one"), LONG_SECONDS)
        assert (first, again) == (1, 2)
        assert first is not None
        assert again is not None
        assert not await leases.renew("projector", first, LONG_SECONDS)
        assert await leases.renew("projector", again, LONG_SECONDS)

    async def test_who_is_started_again_where_the_holder_has_died_need_not_wait(self, leases: Leases) -> None:
        first = await leases.acquire("projector", Holder("dead", "pod", 1), LONG_SECONDS)
        again = await leases.acquire("projector", Holder("alive", "pod", 2), LONG_SECONDS)
        assert (first, again) == (1, 2)
        assert first is not None
        assert again is not None
        assert not await leases.renew("projector", first, LONG_SECONDS)
        await leases.release("projector", first)
        assert await leases.renew("projector", again, LONG_SECONDS)

    async def test_who_was_believed_dead_does_not_get_it_back_from_the_one_at_its_place(self, leases: Leases) -> None:
        assert await leases.acquire("projector", Holder("first", "pod", 1), LONG_SECONDS) == 1
        assert await leases.acquire("projector", Holder("later", "pod", 2), LONG_SECONDS) == 2
        assert await leases.acquire("projector", Holder("first", "pod", 1), LONG_SECONDS) is None
        assert await leases.acquire("projector", Holder("twin", "pod", 2), LONG_SECONDS) is None

    async def test_who_is_started_elsewhere_waits_for_the_end_of_the_lease(self, leases: Leases) -> None:
        assert await leases.acquire("projector", Holder("one", "pod 1", 1), LONG_SECONDS) == 1
        assert await leases.acquire("projector", Holder("two", "pod 2", 2), LONG_SECONDS) is None
        assert await leases.acquire("projector", Holder("three", "", 3), LONG_SECONDS) is None
        assert await leases.acquire("relay", Holder("four", "", 4), LONG_SECONDS) == 1
        assert await leases.acquire("relay", Holder("five", "", 5), LONG_SECONDS) is None

    async def test_what_nobody_has_ever_held_is_neither_renewed_nor_released(self, leases: Leases) -> None:
        epoch = await leases.acquire("relay", Holder("one"), LONG_SECONDS)
        assert epoch is not None
        assert not await leases.renew("projector", epoch, LONG_SECONDS)
        await leases.release("projector", epoch)
        assert await leases.acquire("projector", Holder("one"), LONG_SECONDS) == 1

    async def test_two_never_hold_it_at_once(self, open_leases: OpenLeases) -> None:
        """Holders that are slow lose it now and then; whoever can still renew is alone."""
        replicas = [await open_leases() for _ in range(4)]
        held: list[tuple[int, str]] = []

        async def work(leases: Leases, holder: str) -> None:
            for turn in range(6):
                epoch = await leases.acquire("projector", Holder(holder), 0.05)
                if epoch is None:
                    await asyncio.sleep(0.02)
                    continue
                held.append((epoch, holder))
                await asyncio.sleep(0.03 if turn % 2 else 0.08)
                if await leases.renew("projector", epoch, 0.05):
                    assert max(held)[0] == epoch, "Another one got it before this one had lost it."

        await asyncio.gather(*(work(leases, f"replica {n}") for n, leases in enumerate(replicas)))
        epochs = [epoch for epoch, _ in held]
        assert len(set(epochs)) == len(epochs)
        assert len({holder for _, holder in held}) > 1
        for one in replicas:
            await one.close()
