"""Leases in memory: for replicas that are jobs of one process, as in tests."""

import time
from dataclasses import dataclass

from sigdep.kernel.lease import Epoch, Holder


@dataclass
class _Lease:
    epoch: Epoch
    holder: Holder
    until: float
    """On the monotonic clock, in seconds."""


class MemoryLeases:
    """See `Leases`."""

    def __init__(self) -> None:
        self._leases: dict[str, _Lease] = {}

    async def acquire(self, name: str, holder: Holder, seconds: float) -> Epoch | None:
        now, held = time.monotonic(), self._leases.get(name)
        if held is not None and held.until > now and not _follows(holder, held.holder):
            return None
        epoch = Epoch(1 if held is None else held.epoch + 1)
        self._leases[name] = _Lease(epoch, holder, now + seconds)
        return epoch

    async def renew(self, name: str, epoch: Epoch, seconds: float) -> bool:
        now, held = time.monotonic(), self._leases.get(name)
        if held is None or held.epoch != epoch or held.until <= now:
            return False
        held.until = now + seconds
        return True

    async def release(self, name: str, epoch: Epoch) -> None:
        held = self._leases.get(name)
        if held is not None and held.epoch == epoch:
            held.until = time.monotonic()

    async def close(self) -> None:
        """Nothing to let go of."""


def _follows(holder: Holder, held: Holder) -> bool:
    """Whether it is the very one that holds it, or a later one at its place."""
    later = holder.place == held.place != "" and holder.incarnation > held.incarnation
    return later or holder.name == held.name
