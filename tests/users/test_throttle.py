"""How often one may guess a password."""

from datetime import timedelta

import pytest

from sigdep.users.credentials import throttle
from sigdep.users.credentials.throttle import (
    ACCOUNT_GUESSES,
    GUESS_SECONDS,
    GUESSES,
    GuessLimit,
    Throttle,
    TooManyGuesses,
)
from tests.users.people import NOON


def test_guesses_are_counted_by_account_and_address_and_one_more_comes_with_time() -> None:
    limit = Throttle()
    for _ in range(GUESSES):
        limit.charge("ada", "192.0.2.1", NOON)
    with pytest.raises(TooManyGuesses) as refused:
        limit.charge("ada", "192.0.2.1", NOON)
    assert refused.value.retry_after_seconds == GUESS_SECONDS
    limit.charge("ada", "192.0.2.1", NOON + timedelta(seconds=GUESS_SECONDS))
    with pytest.raises(TooManyGuesses):
        limit.charge("ada", "192.0.2.1", NOON + timedelta(seconds=GUESS_SECONDS))


def test_a_stranger_elsewhere_does_not_lock_the_owner_out() -> None:
    limit = Throttle()
    for _ in range(GUESSES):
        limit.charge("ada", "192.0.2.1", NOON)
    limit.charge("ada", "198.51.100.7", NOON)


def test_many_addresses_together_do_not_guess_for_ever() -> None:
    limit = Throttle()
    for number in range(ACCOUNT_GUESSES):
        limit.charge("ada", f"192.0.2.{number}", NOON)
    with pytest.raises(TooManyGuesses):
        limit.charge("ada", "198.51.100.7", NOON)


def test_a_success_forgives() -> None:
    limit = Throttle()
    for _ in range(5 * GUESSES):
        limit.charge("ada", "192.0.2.1", NOON)
        limit.forgive("ada", "192.0.2.1")


def test_only_so_many_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEYS_MAX", 2)
    limit = GuessLimit(1, 60)
    for key in ("a", "b", "c"):
        limit.charge(key, NOON)
    limit.charge("a", NOON)  # Forgotten: it was the oldest.
    with pytest.raises(TooManyGuesses):
        limit.charge("c", NOON)
