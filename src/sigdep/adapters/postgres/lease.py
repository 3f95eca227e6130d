# ruff: noqa: S608  The schema's name has been checked.
"""Leases in the PostgreSQL database of a service, one row each: every step is one statement."""

from datetime import timedelta
from typing import Final

from sigdep.adapters.postgres.connecting import Pool, open_pool, quoted
from sigdep.adapters.postgres.errors import Away, translated
from sigdep.adapters.postgres.migrations import Step, migrate
from sigdep.kernel.lease import Epoch, Holder

MIGRATIONS: Final[tuple[Step, ...]] = (("lease_1",), ("lease_2",))

CONNECTIONS_MAX: Final = 2

STATEMENT_SECONDS_MAX: Final = 1.0
"""A lease whose renewal takes longer is soon lost: better to ask again at once."""


class PostgresLeases:
    """See `Leases`; make it with `open`. A step waits for the disk, so that a crash gives out no epoch twice."""

    def __init__(self, pool: Pool, schema: str) -> None:
        self._pool = pool
        self._schema = schema

    @classmethod
    async def open(cls, dsn: str, *, schema: str = "leases") -> "PostgresLeases":
        """
        Args:
            schema: made where it is missing.

        Raises:
            OutOfOrder: a newer release has been here, or the database cannot be used.
            Unavailable: it is away.
        """
        await migrate(dsn, quoted(schema), "lease", MIGRATIONS)
        with translated():
            settings = {"application_name": "sigdep leases"}
            pool = await open_pool(
                dsn, settings, connections_max=CONNECTIONS_MAX, command_seconds=STATEMENT_SECONDS_MAX
            )
        return cls(pool, schema)

    async def acquire(self, name: str, holder: Holder, seconds: float) -> Epoch | None:
        # The row is locked before its time is compared: of two that come at once, the second sees the first.
        epoch = await self._ask(
            f"INSERT INTO {self._schema}.lease AS held (name, epoch, holder, held_until, place, incarnation)"
            " VALUES ($1, 1, $2, clock_timestamp() + $3, $4, $5)"
            " ON CONFLICT (name) DO UPDATE"
            " SET epoch = held.epoch + 1, holder = excluded.holder, held_until = clock_timestamp() + $3,"
            " place = excluded.place, incarnation = excluded.incarnation"
            " WHERE held.held_until <= clock_timestamp() OR held.holder = excluded.holder"
            " OR (held.place = excluded.place AND held.place <> '' AND held.incarnation < excluded.incarnation)"
            " RETURNING epoch",
            name,
            holder.name,
            timedelta(seconds=seconds),
            holder.place,
            holder.incarnation,
        )
        return None if epoch is None else Epoch(epoch)

    async def renew(self, name: str, epoch: Epoch, seconds: float) -> bool:
        renewed = await self._ask(
            f"UPDATE {self._schema}.lease SET held_until = clock_timestamp() + $3"
            " WHERE name = $1 AND epoch = $2 AND held_until > clock_timestamp() RETURNING epoch",
            name,
            epoch,
            timedelta(seconds=seconds),
        )
        return renewed is not None

    async def release(self, name: str, epoch: Epoch) -> None:
        await self._ask(
            f"UPDATE {self._schema}.lease SET held_until = least(held_until, clock_timestamp())"
            " WHERE name = $1 AND epoch = $2 RETURNING epoch",
            name,
            epoch,
        )

    async def close(self) -> None:
        with translated():
            await self._pool.close()

    async def _ask(self, statement: str, *arguments: object) -> int | None:
        with translated():
            try:
                found: int | None = await self._pool.fetchval(statement, *arguments)
            except TimeoutError as error:
                raise Away("The database took too long to answer for a lease.") from error
        return found
