"""Hashes and checks passwords with argon2id, on a few threads of its own and never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from sigdep.kernel.errors import Unavailable

T = TypeVar("T")

# OWASP Password Storage Cheat Sheet, second choice for argon2id: about 70 ms of one core, and 19 MiB while it lasts.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1

THREADS: Final = 2
"""argon2 lets go of the interpreter's lock: so many cores at most are busy with passwords."""

WAITING_MAX: Final = 32
"""Passwords that wait for a thread. At 70 ms each the last one waits for about a second."""

BUSY_SECONDS: Final = 2.0


class PasswordsBusy(Unavailable):
    """More people sign in than this machine can check the passwords of."""

    def __init__(self) -> None:
        super().__init__("Too many people are signing in at this moment. Please try again.", BUSY_SECONDS)


class Passwords:
    """A bounded pool: what does not fit is turned away at once, so that a flood of sign-ins stalls nobody else."""

    def __init__(
        self,
        *,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        threads: int = THREADS,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._hasher = PasswordHasher(memory_cost=memory_kib, time_cost=passes, parallelism=LANES, type=Type.ID)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._places = threads + waiting_max
        # Checked for addresses that nobody has, so that they take the same time as any other. Made beside the start,
        # and before whatever else the pool is given.
        self._nobodys = self._pool.submit(self._hasher.hash, "")

    async def hash(self, password: str) -> str:
        """
        Raises:
            PasswordsBusy: the queue is full.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def check(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password. None: there is no such account; takes as long, and is false.

        Raises:
            PasswordsBusy: the queue is full.
        """
        right = await self._run(lambda: self._matches(password_hash or self._nobodys.result(), password))
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._places == 0:
            raise PasswordsBusy
        self._places -= 1
        future = self._pool.submit(work)
        # The place is free when the thread is, not when the caller has lost patience.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._give_back))
        return await asyncio.wrap_future(future)

    def _give_back(self) -> None:
        self._places += 1
