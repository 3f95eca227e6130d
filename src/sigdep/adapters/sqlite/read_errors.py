"""What SQLite's errors mean to those who ask a read store."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.kernel.read_store import ModelGone

QUESTION_SECONDS_MAX: Final = 2.0
"""How long one question may take."""


@contextmanager
def translated() -> Iterator[None]:
    """
    Raises:
        Invalid: a value does not fit.
        ModelGone: the build's tables have been dropped.
        Unavailable: anything else that the database may say.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError) as error:
        raise Invalid(f"A value does not fit its column: {error}.") from error
    except sqlite3.ProgrammingError as error:
        raise Unavailable("The read store is closed.") from error
    except sqlite3.Error as error:
        if str(error).startswith("no such table"):
            raise ModelGone("This read model has been replaced. Please try again.") from error
        if str(error) == "interrupted":
            raise Unavailable(
                f"The question took longer than {QUESTION_SECONDS_MAX:.0f} s. Narrow it down, or try again later."
            ) from error
        raise Unavailable(f"The read store cannot be used at the moment: {error}.") from error
