"""Whether the parts of a service are fit, as its health says it."""

from collections.abc import Callable

from sigdep.kernel.sealed_log import SealedLog
from sigdep.services.distributed.role import Check


def said(fault: Callable[[], str | None]) -> Check:
    """What a part says of itself."""

    async def check() -> str | None:
        return fault()

    return check


def log_check(log: SealedLog) -> Check:
    """Whether it can be asked."""

    async def check() -> str | None:
        await log.heads()
        return None

    return check
