"""What asyncpg's errors mean to those who ask a read store."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from sigdep.adapters.postgres.errors import translated
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.read_store import ModelGone


@contextmanager
def asking() -> Iterator[None]:
    """Everything that the read store says to the database goes through this."""
    with translated():
        try:
            yield
        except asyncpg.UndefinedTableError as error:
            raise ModelGone("This read model has been replaced. Please try again.") from error
        except (asyncpg.QueryCanceledError, TimeoutError) as error:
            raise Unavailable("The question took too long. Narrow it down, or try again later.") from error
