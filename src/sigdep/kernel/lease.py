"""The port of leases: which one of several replicas does what only one shall do."""

from typing import NewType, Protocol

from msgspec import Struct

Epoch = NewType("Epoch", int)
"""Numbers the holders of one lease, from 1, in their order. It only ever grows."""


class Holder(Struct, frozen=True):
    """A process, as one that holds leases."""

    name: str
    """No other process has it, and none will have after a restart."""
    place: str = ""
    """Where one process at a time runs, and is started again when it has died: a pod, a supervisor's program. Empty:
    nobody has said so."""
    incarnation: int = 0
    """Of the processes of one place a later one has a higher number."""


class Leases(Protocol):
    """Leases that all replicas of a service share, each under a name. The clock of whoever keeps them decides.

    A lease is held by one holder at a time. It does not stop a holder that was asleep when its time ran out, and that
    goes on when it wakes: what is done under a lease must bear that, or be fenced by something that has moved on
    meanwhile, such as a checkpoint or the epoch.

    Every method raises Unavailable while the leases cannot be reached; then it is not known whether it was done.
    """

    async def acquire(self, name: str, holder: Holder, seconds: float) -> Epoch | None:
        """Hold the lease for so long. None: somebody else holds it.

        A holder who asks again gets a new epoch, and the old one ends: for an answer that was lost on its way. So does
        a later process of the same place: the former one has died, and need not be waited for. Should it be alive all
        the same, it has lost the lease and does not get it back from the later one, so that it never goes to and fro.
        """
        ...

    async def renew(self, name: str, epoch: Epoch, seconds: float) -> bool:
        """Hold it for so long from now. False: it is not held under that epoch any more, and never will be."""
        ...

    async def release(self, name: str, epoch: Epoch) -> None:
        """Let the next one have it. Safe to repeat, and nothing where it has another epoch by now."""
        ...

    async def close(self) -> None: ...
