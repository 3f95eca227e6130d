"""Whether the parts of a service are fit, as its health says it."""

from collections.abc import Callable

from sigdep.gateway.health import Check
from sigdep.kernel.sealed_log import SealedLog
from sigdep.services.projector import Projector


def said(fault: Callable[[], str | None]) -> Check:
    """What a part says of itself."""

    async def check() -> str | None:
        return fault()

    return check


def projector_check(projector: Projector) -> Check:
    return said(lambda: None if projector.is_fit else f"It is {projector.state}.")


def log_check(log: SealedLog) -> Check:
    """Whether it can be asked."""

    async def check() -> str | None:
        await log.heads()
        return None

    return check
