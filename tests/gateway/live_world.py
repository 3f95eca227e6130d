"""Two logs, as two contexts keep them, a feed over both, people, and whoever listens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from sigdep.adapters.memory.event_store import MemoryEventStore
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import MemberRemoved
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.feed_source import FeedSource, Log, Publish
from sigdep.gateway.live.closing import Close
from sigdep.gateway.live.hub import Hub
from sigdep.gateway.live.session import Session
from sigdep.http.positions import encode_position
from sigdep.http.presence import Presence
from sigdep.http.stamps import new_id
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId, Partition, StreamId, SubjectId, Version, partition_of
from sigdep.kernel.messages import Event
from sigdep.kernel.store import Append, RecordedEvent, StreamWrite
from sigdep.rpc.call import WorkspacePosition
from tests.http.demo import WORKSPACE, People

NEIGHBOUR: Final = WorkspaceId(UUID(int=WORKSPACE.int + 0x100))
"""Another workspace in the same partition."""

REALM: Final = WorkspaceId(UUID(int=5))
"""Under it the log of users keeps everything of everybody."""

KEPT_FRAMES_MAX: Final = 8


class Noted(Event):
    text: str
    workspace: WorkspaceId
    recipient: UserId | None = None


class Left(Event):
    user: UserId
    workspace: WorkspaceId


def realm(_workspace: WorkspaceId) -> Partition:
    return partition_of(REALM)


def publishing(context: str) -> Publish:
    def publish(recorded: RecordedEvent) -> CloudEvent | None:
        recipient: UserId | None = None
        match recorded.event:
            case Noted(text=text, workspace=workspace) as noted:
                recipient = noted.recipient
                kind, data = "notes.Noted", {"text": text}
            case Left(user=user, workspace=workspace):
                kind = "users.MemberRemoved"
                fact: Any = MemberRemoved(workspace_id=workspace, user_id=user, removed_at=recorded.recorded_at)
                data = fact
            case _:
                return None
        return CloudEvent(
            id=f"{recorded.partition}-{recorded.position}",
            source=f"/contexts/{context}",
            type=f"sigdep.{kind}",
            time=recorded.recorded_at,
            subject=recorded.stream,
            datacontenttype="application/json",
            data=data,
            workspaceid=workspace,
            streamversion=recorded.version,
            recipientid=None if recipient is None else str(recipient),
        )

    return publish


class World:
    def __init__(self) -> None:
        codec = Codec([Noted, Left], MemoryKeyRing())
        self.logs = {"notes": MemoryEventStore(codec), "users": MemoryEventStore(codec)}
        self.people = People()
        self.written: dict[str, list[str]] = {"notes": [], "users": []}
        """The texts of the workspace, by log."""

    @asynccontextmanager
    async def open(self, presence: Presence | None = None) -> AsyncIterator[Hub]:
        logs = [
            Log(context="notes", store=self.logs["notes"], publish=publishing("notes")),
            Log(context="users", store=self.logs["users"], publish=publishing("users"), partition_for=realm),
        ]
        async with FeedSource(logs) as self.feed, Hub(self.feed, self.people, presence=presence) as self.hub:
            yield self.hub
        for log in self.logs.values():
            await log.close()

    async def write(self, *texts: str, log: str = "notes", workspace: WorkspaceId = WORKSPACE) -> str:
        """Returns the position, as a client is told it."""
        if workspace == WORKSPACE:
            self.written[log] += texts
        return await self.record(log, workspace, *(Noted(text=text, workspace=workspace) for text in texts))

    async def whisper(self, text: str, to: UserId) -> None:
        """Something for one of them alone."""
        await self.record("notes", WORKSPACE, Noted(text=text, workspace=WORKSPACE, recipient=to))

    async def record(self, log: str, workspace: WorkspaceId, *events: Event) -> str:
        home = REALM if log == "users" else workspace
        appended = await self.logs[log].append(
            Append(
                workspace=home,
                command_id=CommandId(new_id()),
                writes=(
                    StreamWrite(
                        stream=StreamId(f"note-{new_id()}"),
                        subject=SubjectId(home),
                        expected_version=Version(0),
                        events=events,
                    ),
                ),
            )
        )
        return encode_position(WorkspacePosition(log, partition_of(home), appended.position))

    async def remove(self, user: UserId) -> None:
        await self.record("users", WORKSPACE, Left(user=user, workspace=WORKSPACE))


class Listener:
    """A client, and the outlet through which it hears: it may stop reading, and then what it is sent is kept for it."""

    def __init__(self, world: World, token: str = "good") -> None:
        self._world = world
        self._token = token
        self._session: Session | None = None
        self._kept: list[bytes] = []
        self.reads = True
        self.closed = True
        self.close_code: Close | None = None
        self.messages: list[Any] = []
        """All that were ever heard, whatever the connection."""

    async def connect(self, **subscribe: Any) -> None:
        """Come back with the last position, unless another start is given."""
        self.closed, self.close_code, self._kept = False, None, []
        principal = await self._world.people.principal(self._token)
        self._session = self._world.hub.open(principal, self._token, self)
        if "from_" in subscribe:
            subscribe["from"] = subscribe.pop("from_")
        elif self.position is not None:
            subscribe["from"] = self.position
        self.say({"subscribe": subscribe})

    def say(self, message: Any) -> None:
        assert self._session is not None
        self._session.hear(json.dumps(message))

    def cut(self) -> None:
        """The connection is lost, and what was on its way."""
        if self._session is not None:
            self.closed = True
            self._kept = []
            self._world.hub.close(self._session)
            self._session = None

    def stop_reading(self) -> None:
        self.reads = False

    def read_on(self) -> None:
        self.reads = True
        kept, self._kept = self._kept, []
        for frames in kept:
            self._hear(frames)

    @property
    def position(self) -> str | None:
        """The last one that was heard."""
        return next((message["position"] for message in reversed(self.messages) if "position" in message), None)

    @property
    def events(self) -> list[Any]:
        return [message["event"] for message in self.messages if "event" in message]

    def texts(self, log: str | None = None) -> list[str]:
        found = [event for event in self.events if log is None or event["source"] == f"/contexts/{log}"]
        return [event["data"]["text"] for event in found if "text" in event["data"]]

    def of_kind(self, name: str) -> list[Any]:
        return [message[name] for message in self.messages if name in message]

    # What follows is the outlet.

    @property
    def waiting(self) -> bool:
        return bool(self._kept)

    def send_frames(self, frames: bytes) -> None:
        if self.closed:
            return
        if self.reads:
            self._hear(frames)
        elif len(self._kept) >= KEPT_FRAMES_MAX:
            self.end(Close.TOO_SLOW)
        else:
            self._kept.append(frames)

    def end(self, code: Close) -> None:
        if not self.closed:
            self.closed, self.close_code, self._kept = True, code, []

    async def drained(self) -> None:
        while self._kept and not self.closed:
            await asyncio.sleep(0.001)

    def _hear(self, frames: bytes) -> None:
        self.messages += [json.loads(payload) for payload in payloads(frames)]


def payloads(frames: bytes) -> list[bytes]:
    """What stands in unmasked text frames (RFC 6455 §5.2)."""
    found = []
    while frames:
        assert frames[0] == 0x81
        length, start = frames[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(frames[2:start], "big")
        found.append(frames[start : start + length])
        assert len(found[-1]) == length
        frames = frames[start + length :]
    return found
