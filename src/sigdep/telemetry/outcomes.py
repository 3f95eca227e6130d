"""How something ended, in few words: labels of figures, and what spans say."""

import asyncio
from collections.abc import Mapping
from typing import Final

from sigdep.kernel.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    SigdepError,
    TooMany,
    Unauthenticated,
    Unavailable,
    WrongExpectedVersion,
)

OK: Final = "ok"
BUG: Final = "bug"

_OUTCOMES: Final[Mapping[type[BaseException], str]] = {
    NotFound: "not_found",
    Unauthenticated: "unauthenticated",
    Forbidden: "forbidden",
    Invalid: "invalid",
    Refused: "refused",
    WrongExpectedVersion: "conflict",
    TooMany: "too_many",
    Unavailable: "unavailable",
    SigdepError: "refused",
    asyncio.CancelledError: "cancelled",
    GeneratorExit: "cancelled",
    BaseException: BUG,
}

OUTCOMES: Final = frozenset((OK, *_OUTCOMES.values()))
"""All that there are: a label with these values is bounded."""


def outcome_of(error: BaseException) -> str:
    """By the nearest ancestor that has a word."""
    return next(_OUTCOMES[ancestor] for ancestor in type(error).__mro__ if ancestor in _OUTCOMES)


def is_failure(error: BaseException) -> bool:
    """Whether an operator should know: something is away, or is a bug."""
    return outcome_of(error) in ("unavailable", BUG)
