"""The port by which processes hear at once that what they remember of a user may not hold any more."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from math import inf
from typing import Final, Protocol

from sigdep.contracts.ids import UserId

FORGOTTEN_USERS_MAX: Final = 4_096
"""Told apart. Past it, whatever was known of anybody before is forgotten too."""

Suspects = Collection[UserId] | None
"""Users whose roles or credentials have changed. None: anybody's may have."""

Heard = Callable[[Suspects], None]


class Revocations(Protocol):
    """Carries notices, quickly and without a promise: one may be lost, and then each memory ends by its own bound."""

    def tell(self, suspects: Suspects) -> None:
        """Let every process hear of them. Raises nothing, and waits for nothing."""
        ...

    def listen(self, heard: Heard) -> None:
        """Call this with every notice, of this process and of others. One may come twice."""
        ...


class LocalRevocations:
    """Revocations of this process alone."""

    def __init__(self) -> None:
        self._listeners: list[Heard] = []

    def tell(self, suspects: Suspects) -> None:
        for heard in self._listeners:
            heard(suspects)

    def listen(self, heard: Heard) -> None:
        self._listeners.append(heard)


class Forgotten:
    """Since when nothing may be believed that was known of a user before. Instants are monotonic seconds."""

    def __init__(self, *, settle_seconds: float = 0.0) -> None:
        """
        Args:
            settle_seconds: what is learnt so soon after a notice may be old still, and is not believed later either.
        """
        self._settle_seconds = settle_seconds
        self._users: OrderedDict[UserId, float] = OrderedDict()
        self._everybody = -inf
        self._latest = -inf

    def forget(self, suspects: Suspects, now: float) -> None:
        self._latest = until = now + self._settle_seconds
        if suspects is None:
            self._everybody = until
            self._users.clear()
            return
        for user in suspects:
            self._users[user] = until
            self._users.move_to_end(user)
        while len(self._users) > FORGOTTEN_USERS_MAX:
            _, self._everybody = self._users.popitem(last=False)

    def believes(self, user: UserId, asked_at: float) -> bool:
        """Whether what was asked about a user at that moment may be used still."""
        return asked_at > self._users.get(user, self._everybody)

    def believes_all(self, asked_at: float) -> bool:
        """The same of whatever was asked, about whomever."""
        return asked_at > self._latest
