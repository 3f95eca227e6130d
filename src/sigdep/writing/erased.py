"""What a workspace leaves behind when its key is destroyed, and what is said of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.keys import KeyDestroyed

KEPT: Final = SubjectId(UUID(int=0))
"""Whose key seals what must outlive every workspace and person. Nobody has this id, so nobody destroys the key."""


@contextmanager
def erased_is_not_found() -> Iterator[None]:
    """A workspace whose key is destroyed does not exist any more, even where a state is still remembered."""
    try:
        yield
    except KeyDestroyed:
        raise NotFound("This workspace has been erased.") from None
