"""Work that is due is taken up at once, by few at a time; what fails is tried again and holds nothing up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sigdep.kernel.errors import Unavailable
from sigdep.notifications.writing.due_work import DueWork, Found, Piece
from tests.notifications.reminding_world import NOON, Clock

PATIENCE_SECONDS = 20.0

Do = Callable[[], Awaitable[bool]]


class Board:
    """Pieces by their number, until they are done."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pieces: dict[int, tuple[datetime, Do]] = {}
        self.version = 1
        self.is_away = False
        self.looks = 0

    async def find(self, now: datetime, limit: int) -> Found:
        self.looks += 1
        if self.is_away:
            raise Unavailable("It is away.")
        due = [(at, key, do) for key, (at, do) in self.pieces.items() if at <= now]
        to_come = [at for at, _ in self.pieces.values() if at > now]
        pieces = [Piece(key, self.version, do) for at, key, do in sorted(due, key=lambda one: one[:2])[:limit]]
        return Found(pieces, min(to_come, default=None), min((at for at, _, _ in due), default=None))


async def running(work: DueWork, until: Callable[[], bool]) -> None:
    job = asyncio.create_task(work.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not until():
                await asyncio.sleep(0.005)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def test_each_piece_is_done_once_also_while_it_is_still_shown_as_due() -> None:
    clock = Clock()
    board, done = Board(clock), list[int]()

    def do(number: int) -> Do:
        async def piece() -> bool:
            done.append(number)
            return True

        return piece

    board.pieces = {number: (NOON, do(number)) for number in range(200)}
    await running(DueWork("test", clock, board.find, 8), lambda: len(done) >= 200 and board.looks > 5)
    assert sorted(done) == list(range(200))


async def test_no_more_are_at_it_at_once_than_may_be() -> None:
    clock = Clock()
    board, busy, most, done = Board(clock), 0, 0, 0

    async def piece() -> bool:
        nonlocal busy, most, done
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.001)
        busy -= 1
        done += 1
        return True

    board.pieces = dict.fromkeys(range(100), (NOON, piece))
    await running(DueWork("test", clock, board.find, 7), lambda: done == 100)
    assert most == 7


async def test_what_fails_is_tried_again_later_and_the_others_go_on() -> None:
    clock = Clock()
    board, tries, done = Board(clock), 0, list[int]()

    async def failing() -> bool:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError("A bug.")
        del board.pieces[0]
        return True

    async def fine() -> bool:
        done.append(tries)
        return True

    board.pieces = {0: (NOON - timedelta(hours=1), failing), 1: (NOON, fine)}
    await running(DueWork("test", clock, board.find, 1), lambda: tries == 3)
    assert done == [1]


async def test_what_came_to_nothing_is_looked_at_again() -> None:
    """As when the clock went back between finding it due and doing it."""
    clock = Clock()
    board, tries = Board(clock), 0

    async def piece() -> bool:
        nonlocal tries
        tries += 1
        return tries == 2

    board.pieces = {0: (NOON, piece)}
    await running(DueWork("test", clock, board.find, 1), lambda: tries == 2)


async def test_what_becomes_due_is_done_then_and_a_clock_that_leaps_is_noticed() -> None:
    clock = Clock()
    board, done = Board(clock), list[datetime]()

    async def piece() -> bool:
        done.append(clock.at)
        return True

    board.pieces = {0: (NOON + timedelta(hours=1), piece)}
    work = DueWork("test", clock, board.find, 1)

    async def leap() -> None:
        await asyncio.sleep(0.05)
        clock.at = NOON + timedelta(hours=2)

    leaping = asyncio.create_task(leap())
    await running(work, lambda: bool(done))
    await leaping
    assert done == [NOON + timedelta(hours=2)]
    assert work.found == 0


async def test_whoever_is_away_is_asked_again_and_then_all_is_done() -> None:
    clock = Clock()
    board, done = Board(clock), 0
    board.is_away = True

    async def piece() -> bool:
        nonlocal done
        done += 1
        return True

    board.pieces = {0: (NOON, piece)}

    async def come_back() -> None:
        while board.looks < 2:
            await asyncio.sleep(0.005)
        board.is_away = False

    back = asyncio.create_task(come_back())
    await running(DueWork("test", clock, board.find, 1), lambda: done == 1)
    await back
