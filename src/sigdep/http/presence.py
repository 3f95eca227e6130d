"""The port of presence: who is in which workspace at present, told to each other by whoever is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sigdep.contracts.ids import UserId, WorkspaceId

PRESENT_USERS_MAX: Final = 100
"""Named of one workspace. All are counted."""

WORKSPACES_AT_ONCE: Final = 100
"""Asked about in one question."""

Changed = Callable[[WorkspaceId], None]


@dataclass(frozen=True, slots=True)
class Present:
    """Who is in a workspace, each user once."""

    users: Sequence[UserId]
    """The first PRESENT_USERS_MAX, in the order in which they came."""
    count: int
    """Of all of them."""


NOBODY: Final = Present((), 0)


class Presence(Protocol):
    """Who is present. What this process says itself is known to it at once; of others it may hear a little later.

    A process that dies without a word is present for a while longer, and then is not.
    """

    def enter(self, workspace: WorkspaceId, user: UserId) -> None:
        """The user is here, at this gateway. Waits for nothing, and is safe to repeat."""
        ...

    def leave(self, workspace: WorkspaceId, user: UserId) -> None:
        """The user is not here any more; they may be elsewhere. Safe to repeat."""
        ...

    async def present(self, workspaces: Collection[WorkspaceId]) -> Mapping[WorkspaceId, Present]:
        """Who is in each of these, at most WORKSPACES_AT_ONCE, wherever they are.

        Raises:
            SharedAway: of what gateways share.
        """
        ...

    def listen(self, changed: Changed) -> None:
        """Call this when somebody came or went, here or elsewhere. A hint: a notice may be lost, or be one too many."""
        ...
