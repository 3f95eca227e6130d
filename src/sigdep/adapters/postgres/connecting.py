"""How connections to PostgreSQL are made, and how long a database that is away is waited for."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg

from sigdep.adapters.postgres.errors import Away, translated
from sigdep.kernel.errors import Unavailable

T = TypeVar("T")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

AWAY_SECONDS_MAX: Final = 10.0
"""A database that has been away for so long is given up: Unavailable. A restart after a crash is shorter."""

PAUSE_SECONDS_MIN: Final = 0.02
PAUSE_SECONDS_MAX: Final = 0.5
"""Between attempts, doubled each time."""

CONNECT_SECONDS_MAX: Final = 5.0

READ_SECONDS_MAX: Final = 30.0
"""For one statement of a reader."""

READ_CONNECTIONS_MAX: Final = 8

SCHEMA_PATTERN: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Patience:
    """Bears with a database that is away, in pauses that double, and not for ever."""

    def __init__(self) -> None:
        self._away_since: float | None = None
        self._pause = PAUSE_SECONDS_MIN

    async def wait(self, error: Away) -> None:
        """Wait before the next attempt.

        Raises:
            Away: the error, once the database has been away for AWAY_SECONDS_MAX.
        """
        now = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since >= AWAY_SECONDS_MAX:
            raise error
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, PAUSE_SECONDS_MAX)

    def answered(self) -> None:
        """It is there again."""
        self._away_since = None
        self._pause = PAUSE_SECONDS_MIN


async def connect(dsn: str, application: str, *, command_seconds: float, **settings: str) -> Connection:
    with translated():
        return await asyncpg.connect(
            dsn,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=command_seconds,
            server_settings=_settings(application, settings),
        )


async def open_pool(
    dsn: str, settings: Mapping[str, str], *, connections_max: int, command_seconds: float, connections_min: int = 1
) -> Pool:
    """For statements that leave a session as it was: none is reset, that would be a round trip for each question.

    Raises whatever asyncpg does.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=connections_min,
        max_size=connections_max,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=command_seconds,
        reset=_leave_as_it_is,
        server_settings=dict(settings),
    )


class Reading:
    """A pool whose questions are asked again when the database was away: they change nothing, or not a second time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._closed = False

    @classmethod
    async def open(cls, dsn: str, application: str) -> "Reading":
        with translated():
            return cls(
                await open_pool(
                    dsn,
                    _settings(application, {}),
                    connections_max=READ_CONNECTIONS_MAX,
                    command_seconds=READ_SECONDS_MAX,
                )
            )

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return await self._ask(lambda: self._pool.fetch(statement, *arguments))

    async def fetchrow(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        return await self._ask(lambda: self._pool.fetchrow(statement, *arguments))

    async def execute(self, statement: str, *arguments: Any) -> str:
        """Run a statement that may be run twice. Returns its command tag."""
        return await self._ask(lambda: self._pool.execute(statement, *arguments))

    async def close(self) -> None:
        """Finish the questions that have been asked, and take no more."""
        self._closed = True
        with translated():
            await self._pool.close()

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        patience = Patience()
        while not self._closed:  # Patience ends.
            try:
                with translated():
                    return await question()
            except Away as error:
                await patience.wait(error)
        raise Unavailable("The connections to the database have been closed.")


def quoted(schema: str) -> str:
    """The schema's name, as it may stand in a statement.

    Raises:
        ValueError: it is no plain name.
    """
    if not SCHEMA_PATTERN.fullmatch(schema):
        raise ValueError(f"A schema is called like tasks or tasks_2, not {schema!r}.")
    return schema


def _settings(application: str, settings: dict[str, str]) -> dict[str, str]:
    """A generic plan for each statement, made once, and by index: it is still in use when the log has grown long."""
    planning = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
    return {"application_name": application} | planning | settings


async def _leave_as_it_is(_connection: Any) -> None:
    """What asyncpg itself does before it, it does without asking the server."""
