# ruff: noqa: S608  The schema's name has been checked.
"""Leases in the PostgreSQL database of a service, one row each: every step is one statement."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import asyncpg

from sigdep.adapters.postgres.connecting import Pool, open_pool, quoted
from sigdep.adapters.postgres.errors import Away, translated
from sigdep.adapters.postgres.migrations import Step, migrate
from sigdep.adapters.postgres.renewals import Renewal, Renewals
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
        self._renewals = Renewals(self._renew)

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
        acquired = await self._ask(
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
        return Epoch(acquired[0]["epoch"]) if acquired else None

    async def renew(self, name: str, epoch: Epoch, seconds: float) -> bool:
        return await self._renewals.renew(Renewal(name, epoch, seconds))

    async def release(self, name: str, epoch: Epoch) -> None:
        await self._ask(
            f"UPDATE {self._schema}.lease SET held_until = least(held_until, clock_timestamp())"
            " WHERE name = $1 AND epoch = $2 RETURNING epoch",
            name,
            epoch,
        )

    async def close(self) -> None:
        await self._renewals.close()
        with translated():
            await self._pool.close()

    async def _renew(self, renewals: Sequence[Renewal]) -> Collection[tuple[str, Epoch]]:
        names, epochs, seconds = zip(*renewals, strict=True) if renewals else ((), (), ())
        renewed = await self._ask(
            f"UPDATE {self._schema}.lease AS held SET held_until = clock_timestamp() + wanted.lasting"
            " FROM unnest($1::text[], $2::bigint[], $3::interval[]) AS wanted (name, epoch, lasting)"
            " WHERE held.name = wanted.name AND held.epoch = wanted.epoch AND held.held_until > clock_timestamp()"
            " RETURNING held.name, held.epoch",
            names,
            epochs,
            [timedelta(seconds=one) for one in seconds],
        )
        return {(row["name"], row["epoch"]) for row in renewed}

    async def _ask(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        with translated():
            try:
                return await self._pool.fetch(statement, *arguments)
            except TimeoutError as error:
                raise Away("The database took too long to answer for a lease.") from error
