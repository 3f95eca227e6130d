"""What happens in workspaces, in order: the port behind `/api/feed` and `/api/live`, and where a reader begins."""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import UNSET, Struct, UnsetType

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import WorkspaceId
from sigdep.http.positions import FeedPosition, decode_feed_position
from sigdep.kernel.errors import Invalid
from sigdep.kernel.ids import partition_of
from sigdep.rpc.call import Call, WorkspacePosition

LATEST: Final = "latest"


class FeedBatch(Struct, frozen=True, kw_only=True):
    """What one look found."""

    events: Sequence[tuple[FeedPosition, CloudEvent]]
    next: FeedPosition
    more: bool
    """True: there may be more already, also where `events` is empty."""
    whole: bool = True
    """False: a log was away, and nothing of it is told; `next` stays there where it was."""


class Feed(Protocol):
    """The public events of workspaces, from all logs."""

    async def latest(self, workspace: WorkspaceId) -> FeedPosition:
        """Where the logs end at present. One that is away ends where it did when it was last heard.

        Raises:
            Unavailable: a log is away, and has never been heard here.
        """
        ...

    async def after_write(self, workspace: WorkspaceId, write: WorkspacePosition) -> FeedPosition | None:
        """Just after a write in one log; in the others, where they end at present. None: not of this workspace."""
        ...

    async def read(self, workspace: WorkspaceId, after: FeedPosition | None, limit: int, call: Call) -> FeedBatch:
        """The next events, at most `limit`, each log in its order. None: from the beginning.

        Args:
            call: what is for one user alone is left out for all others. One of nobody gets everything, and must see to
                that itself.

        Raises:
            Unavailable: all logs are away. While some are, the others are told.
        """
        ...

    def recent(self, workspace: WorkspaceId, after: FeedPosition, limit: int, call: Call) -> FeedBatch | None:
        """As `read`, of what is at hand because somebody waits for it: it may be a moment behind. None: `read` it."""
        ...

    async def changed(self, workspace: WorkspaceId, after: FeedPosition, timeout_seconds: float) -> bool:
        """Returns once there may be something after a position, or when the time is over (False)."""
        ...


async def starting_place(feed: Feed, workspace: WorkspaceId, given: str | UnsetType, name: str) -> FeedPosition | None:
    """Where a reader wants to begin. None: at the beginning.

    Args:
        given: a position, `latest`, or nothing.
        name: what it came in, to name it in the refusal.

    Raises:
        Invalid: it is no position, or belongs to another workspace.
        Unavailable: where the logs end cannot be told.
    """
    if given is UNSET:
        return None
    if given == LATEST:
        return await feed.latest(workspace)
    position: FeedPosition | WorkspacePosition | None = decode_feed_position(given, name)
    if isinstance(position, WorkspacePosition):
        position = await feed.after_write(workspace, position)
    if position is None or position.partition != partition_of(workspace):
        raise Invalid.at(name, f"{name} is a position of another workspace.")
    return position
