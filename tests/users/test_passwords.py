"""Passwords are checked on a few threads, and what does not fit is turned away at once."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import pytest

from sigdep.users.credentials.passwords import MEMORY_KIB, PASSES, Passwords, PasswordsBusy


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """With parameters that are quick and unsafe."""
    passwords = Passwords(memory_kib=64, passes=1, threads=1, waiting_max=2)
    yield passwords
    passwords.close()


async def test_the_right_password_is_right_and_no_other(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert hashed.startswith("$argon2id$")
    assert await passwords.check(hashed, "correct horse")
    assert not await passwords.check(hashed, "Correct horse")


async def test_nobody_has_any_password(passwords: Passwords) -> None:
    assert not await passwords.check(None, "")
    assert not await passwords.check(None, "correct horse")


async def test_a_damaged_hash_fits_no_password(passwords: Passwords) -> None:
    assert not await passwords.check("no hash", "correct horse")


async def test_the_parameters_are_those_that_owasp_asks_for() -> None:
    passwords = Passwords()
    assert f"$m={MEMORY_KIB},t={PASSES},p=1$" in await passwords.hash("correct horse")
    assert (MEMORY_KIB, PASSES) == (19 * 1024, 2)
    passwords.close()


async def test_a_hash_with_other_parameters_is_outdated(passwords: Passwords) -> None:
    stronger = Passwords(memory_kib=128, passes=1, threads=1)
    assert passwords.outdated(await stronger.hash("correct horse"))
    assert not passwords.outdated(await passwords.hash("correct horse"))
    stronger.close()


async def test_more_than_fit_are_turned_away_at_once_and_may_come_back_later(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    results = await asyncio.gather(*(passwords.check(hashed, "x") for _ in range(10)), return_exceptions=True)
    assert [type(result) for result in results].count(PasswordsBusy) == 7  # One thread and two that wait.
    assert await passwords.check(hashed, "correct horse")


async def test_a_caller_who_gives_up_keeps_the_place_until_the_thread_is_free(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    impatient = [asyncio.ensure_future(passwords.check(hashed, "x")) for _ in range(3)]
    await asyncio.sleep(0)
    for job in impatient:
        job.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)
    for _ in range(200):
        if passwords._places == 3:
            break
        await asyncio.sleep(0.01)
    assert passwords._places == 3


async def test_nobody_learns_from_the_time_it_takes_whether_an_account_exists() -> None:
    passwords = Passwords(memory_kib=8 * 1024, passes=2, threads=1)
    hashed = await passwords.hash("correct horse")

    async def seconds(password_hash: str | None) -> float:
        start = time.perf_counter()
        await passwords.check(password_hash, "wrong")
        return time.perf_counter() - start

    known = statistics.median([await seconds(hashed) for _ in range(9)])
    unknown = statistics.median([await seconds(None) for _ in range(9)])
    assert 0.4 < known / unknown < 2.5
    passwords.close()
