"""Where answers come from: the live read model, or the log."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import Version, partition_of
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog, RecordedEvent
from sigdep.reading.moments import Moment, until
from sigdep.reading.past import Past
from sigdep.reading.progress import Progress
from sigdep.reading.things import Thing
from sigdep.reading.views import LiveView, View
from sigdep.rpc.call import Call

_WORKSPACE: Final = ("workspace_id",)


class Sources:
    """What every part of a read service needs, and what the caller may see of it."""

    def __init__(
        self,
        store: ReadStore,
        log: EventLog,
        progress: Progress,
        *,
        context: str,
        read_model: Callable[[], ReadModel],
        things: str,
    ) -> None:
        """
        Args:
            context: whose log and read model these are, as positions name it.
            read_model: makes one that is empty, for the past to be folded into.
            things: what they are about, as a refusal says it: `tasks`.
        """
        self.context = context
        self.store = store
        self.log = log
        self.progress = progress
        self._past = Past(log, context, read_model, things)

    def workspace(self, asked: WorkspaceId | None, call: Call) -> WorkspaceId:
        """The workspace that a list is about.

        Raises:
            NotFound: the caller is no member of it.
        """
        workspace = asked or call.caller.personal_workspace_id
        call.caller.require(workspace, "viewer", "This workspace")
        return workspace

    async def workspace_of(self, thing: Thing, identity: UUID, call: Call) -> WorkspaceId:
        """The workspace of a thing, be it seen by the read model or not yet.

        Raises:
            NotFound: there is no such thing, or the caller is no member of its workspace.
        """
        row = await self.store.get(self.progress.model_id, thing.table, (identity,), _WORKSPACE)
        if row is None:
            return (await self.events(thing, identity, call, until=Version(1)))[0].workspace
        workspace = row["workspace_id"]
        assert isinstance(workspace, UUID)
        call.caller.require(WorkspaceId(workspace), "viewer", thing.name)
        return WorkspaceId(workspace)

    async def events(
        self, thing: Thing, identity: UUID, call: Call, *, until: Version | None = None
    ) -> Sequence[RecordedEvent]:
        """A thing's events, of which there is one at least.

        Raises:
            NotFound: there is no such thing, or the caller is no member of its workspace.
        """
        events = (await self.log.read(thing.stream(identity), until=until)).events
        if not events:
            raise not_found(thing)
        call.caller.require(events[0].workspace, "viewer", thing.name)
        return events

    def by_then(self, events: Sequence[RecordedEvent], at: Moment) -> Sequence[RecordedEvent]:
        """Those of a thing's events that had happened at that time.

        Raises:
            Invalid: a position that says nothing about the thing's workspace.
        """
        self._past.check(at, events[0].workspace)
        return until(events, at)

    def now(self) -> LiveView:
        return LiveView(self.context, self.store, self.progress)

    async def view(self, workspace: WorkspaceId, at: Moment | None, call: Call) -> View:
        """The rows of now, or of then.

        Raises:
            Invalid: there is no answer for that time.
        """
        if at is None:
            return self.now()
        return await self._past.view(workspace, at, call.asked_at)

    async def catch_up(self, workspace: WorkspaceId) -> None:
        """Wait until the read model has seen all that had been stored when this was called.

        Raises:
            Unavailable: it took too long.
        """
        partition = partition_of(workspace)
        head = (await self.log.heads()).get(partition)
        if head is not None:
            await self.progress.wait_for(partition, head)


def not_found(thing: Thing) -> NotFound:
    return NotFound(f"{thing.name} does not exist, or you are no member of its workspace.")
