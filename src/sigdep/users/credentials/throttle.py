"""How often one may guess a password: by account and by address, forgiven at the first success."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from sigdep.kernel.errors import TooMany

KEYS_MAX: Final = 20_000
"""Accounts and addresses that are remembered. The one that guessed longest ago is forgotten first."""

GUESSES: Final = 10
"""Wrong passwords in a row for one account from one address."""

GUESS_SECONDS: Final = 30.0
"""One more guess after so many seconds: 2,880 a day."""

ACCOUNT_GUESSES: Final = 100
"""Wrong passwords in a row for one account from everywhere. So many, lest strangers lock its owner out."""

ACCOUNT_GUESS_SECONDS: Final = 5.0


class TooManyGuesses(TooMany):
    def __init__(self, wait: timedelta) -> None:
        super().__init__("Too many wrong passwords. Wait a little before the next one.", wait.total_seconds())


class GuessLimit:
    """A leaky bucket for each key, kept as the instant at which it will be empty (GCRA)."""

    def __init__(self, guesses: int, seconds: float) -> None:
        self._every = timedelta(seconds=seconds)
        self._full = self._every * guesses
        self._empty_at: OrderedDict[object, datetime] = OrderedDict()

    def charge(self, key: object, at: datetime) -> None:
        """
        Raises:
            TooManyGuesses: the bucket is full. Nothing is charged.
        """
        empty_at = max(self._empty_at.get(key, at), at) + self._every
        if empty_at - at > self._full:
            raise TooManyGuesses(empty_at - at - self._full)
        self._empty_at[key] = empty_at
        self._empty_at.move_to_end(key)
        if len(self._empty_at) > KEYS_MAX:
            self._empty_at.popitem(last=False)

    def refund(self, key: object) -> None:
        """Take back what was charged last."""
        if key in self._empty_at:
            self._empty_at[key] -= self._every

    def forgive(self, key: object) -> None:
        self._empty_at.pop(key, None)


class Throttle:
    """Charged before the password is looked at, so that guesses made at the same moment count too."""

    def __init__(self) -> None:
        self._pairs = GuessLimit(GUESSES, GUESS_SECONDS)
        self._accounts = GuessLimit(ACCOUNT_GUESSES, ACCOUNT_GUESS_SECONDS)

    def charge(self, account: object, address: str | None, at: datetime) -> None:
        """
        Raises:
            TooManyGuesses: too many wrong passwords.
        """
        self._pairs.charge((account, address), at)
        self._accounts.charge(account, at)

    def refund(self, account: object, address: str | None) -> None:
        """The password was not looked at after all."""
        self._pairs.refund((account, address))
        self._accounts.refund(account)

    def forgive(self, account: object, address: str | None) -> None:
        """The password was right."""
        self._pairs.forgive((account, address))
        self._accounts.forgive(account)
