"""What is asked for all at once: seldom, in good time, and what holds while nobody answers."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sigdep.kernel.errors import LogDamaged, Unavailable
from sigdep.users.service import confirming as module
from sigdep.users.service.confirming import AWAY_SECONDS_MAX, EARLY_SECONDS, GOOD_SECONDS, Confirmation


class Answers:
    """Whoever is asked, and the clock by which it is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked = 0
        self.raising: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.confirmation = Confirmation(self._answer, steady=lambda: self.now)

    async def _answer(self) -> None:
        self.asked += 1
        await self.open.wait()
        if self.raising is not None:
            raise self.raising

    async def settled(self) -> None:
        """Once nobody is being asked any more."""
        async with asyncio.timeout(5):
            while self.confirmation._asking is not None:
                await asyncio.sleep(0)


@pytest.fixture
async def answers() -> Answers:
    return Answers()


async def test_ten_thousand_who_want_to_know_are_two_questions_in_half_a_second(answers: Answers) -> None:
    for _ in range(100):
        await asyncio.gather(*(answers.confirmation.until() for _ in range(100)))
        answers.now += GOOD_SECONDS / 100
    assert answers.asked == GOOD_SECONDS / EARLY_SECONDS


async def test_an_answer_is_good_from_when_it_was_asked_for(answers: Answers) -> None:
    answers.open.clear()
    waiting = asyncio.create_task(answers.confirmation.until())
    await asyncio.sleep(0)
    begun, answers.now = answers.now, answers.now + 0.1
    answers.open.set()
    assert await waiting == begun + GOOD_SECONDS


async def test_it_is_asked_again_early_and_nobody_waits_for_that(answers: Answers) -> None:
    good = await answers.confirmation.until()
    answers.open.clear()
    answers.now += EARLY_SECONDS
    assert await answers.confirmation.until() == good
    await asyncio.sleep(0)
    assert answers.asked == 2
    answers.open.set()
    await answers.settled()
    assert await answers.confirmation.until() == good + EARLY_SECONDS
    assert answers.asked == 2


async def test_an_answer_to_an_old_question_is_not_taken_for_a_new_one(answers: Answers) -> None:
    await answers.confirmation.until()
    answers.now += EARLY_SECONDS
    answers.open.clear()
    await answers.confirmation.until()
    answers.now += 2 * GOOD_SECONDS
    waiting = asyncio.create_task(answers.confirmation.until())
    anew = asyncio.create_task(answers.confirmation.anew())
    await asyncio.sleep(0)
    answers.open.set()
    assert await waiting == answers.now + GOOD_SECONDS
    await anew
    assert answers.asked == 3


async def test_while_nobody_answers_it_goes_on_for_a_bounded_time_and_is_asked_no_more_often(answers: Answers) -> None:
    await answers.confirmation.until()
    answers.raising = Unavailable("Away.")
    answers.now += GOOD_SECONDS
    outage = answers.now
    while answers.now < outage + AWAY_SECONDS_MAX:
        for _ in range(10):
            assert await answers.confirmation.until() > answers.now
        await answers.settled()
        answers.now += EARLY_SECONDS
    assert answers.asked <= 2 + AWAY_SECONDS_MAX / EARLY_SECONDS
    with pytest.raises(Unavailable) as refused:
        await answers.confirmation.until()
    assert refused.value.retry_after_seconds
    await answers.settled()
    answers.raising = None
    answers.now += EARLY_SECONDS
    with pytest.raises(Unavailable):
        await answers.confirmation.until()
    await answers.settled()
    assert await answers.confirmation.until() == answers.now + GOOD_SECONDS


async def test_an_installation_that_slept_goes_on_too(answers: Answers) -> None:
    await answers.confirmation.until()
    answers.raising = Unavailable("Away.")
    answers.now += 3_600.0
    assert await answers.confirmation.until() > answers.now


async def test_who_hangs_is_waited_for_once(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS_MAX", 0.05)
    answers.open.clear()
    assert await answers.confirmation.until() > answers.now
    for asked in range(1, 4):
        assert answers.asked == asked
        answers.now += EARLY_SECONDS
        for _ in range(100):
            await answers.confirmation.until()
            assert answers.confirmation._asking is not None  # Nobody has waited for its end.
        await answers.settled()


@pytest.mark.parametrize("error", [LogDamaged("A position is missing."), ValueError("A bug.")])
async def test_what_will_not_get_better_is_not_borne_with(answers: Answers, error: Exception) -> None:
    await answers.confirmation.until()
    answers.raising = error
    answers.now += GOOD_SECONDS
    with pytest.raises(Unavailable):
        await answers.confirmation.until()


async def test_asked_anew_nothing_is_borne_with(answers: Answers) -> None:
    await answers.confirmation.until()
    answers.raising = Unavailable("Away.")
    with pytest.raises(Unavailable):
        await answers.confirmation.anew()


async def test_an_outage_is_said_once(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for level in ("info", "warning", "error"):
        monkeypatch.setattr(module._log, level, lambda event, *, level=level, **_: said.append(level), raising=False)
    for raising in (Unavailable("Away."), None, Unavailable("Away.")):
        answers.raising = raising
        for _ in range(10):
            await answers.confirmation.until()
            await answers.settled()
            answers.now += EARLY_SECONDS
    assert said == ["warning", "info", "warning"]


async def test_who_gives_up_takes_nobody_along(answers: Answers) -> None:
    answers.open.clear()
    ways: tuple[Callable[[], Awaitable[object]], ...] = (answers.confirmation.until, answers.confirmation.anew)
    impatient = [asyncio.ensure_future(way()) for way in ways]
    patient = asyncio.ensure_future(answers.confirmation.until())
    await asyncio.sleep(0)
    for one in impatient:
        one.cancel()
    await asyncio.sleep(0)
    answers.open.set()
    assert await patient == answers.now + GOOD_SECONDS
