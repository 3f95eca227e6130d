"""What aiohttp and the server say when they fail, in the kernel's words, and without the content that they quote."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import aiohttp

from sigdep.kernel.errors import Invalid, SigdepError, Unavailable
from sigdep.kernel.read_store import ModelGone

GONE: Final = "index_not_found_exception"
"""Also where the name of a build leads nowhere."""

PASSING: Final = frozenset((408, 429, 502, 503, 504))
NOT_LET_IN: Final = frozenset((401, 403))


@contextmanager
def translated() -> Iterator[None]:
    """Everything that goes over the network goes through this."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError.
        raise Unavailable(f"The search index cannot be reached: {type(error).__name__}.") from error


def refusal(status: int, error: Any) -> SigdepError:
    """What we say of an answer that is an error.

    Args:
        error: its `error`, of which only the type is told: the reason may quote what was written.
    """
    kind = str(error.get("type", "unknown")) if isinstance(error, Mapping) else "unknown"
    if kind == GONE:
        return ModelGone("The search index does not have this build.")
    if status in NOT_LET_IN:
        return Unavailable(f"The search index does not let us in ({status}): see the name and password in its address.")
    if status in PASSING or not 400 <= status < 500:
        return Unavailable(f"The search index cannot answer just now ({status}, {kind}).")
    return Invalid(f"The search index refuses this ({status}, {kind}).")
