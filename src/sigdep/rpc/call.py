"""What accompanies a message to a service, and what comes back: the same in one process and across a network."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Generic, Literal, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role, at_least
from sigdep.kernel.errors import Forbidden, NotFound, Stale, Unauthenticated
from sigdep.kernel.ids import CommandId, Partition, Position, StreamId, Version
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.store import AnswerKey, Metadata
from sigdep.telemetry.trace import is_sampled

V = TypeVar("V")

WORKSPACE_ITSELF: Final = "This workspace"

MEMBERSHIPS_MAX: Final = 1_000
"""Workspaces of one user: their roles travel with every call."""


class Principal(Struct, frozen=True, kw_only=True):
    """Who is asking, as the gateway has made sure of it."""

    user_id: UserId
    personal_workspace_id: WorkspaceId
    roles: Mapping[WorkspaceId, Role]
    """In every workspace that the user is a member of, at most one second old."""
    credential: Literal["session", "token"] = "session"
    credential_id: UUID | None = None
    """The session's or token's id."""
    scopes: frozenset[str] | None = None
    """What a token is limited to, as in `tasks:read`. None: everything that its user may."""
    time_zone: str = "UTC"
    """IANA name, from the user's profile: where their days begin and end."""

    def require(self, workspace: WorkspaceId, needed: Role, what: str) -> None:
        """
        Args:
            what: the thing that is asked for, to name it in the refusal: "This task".

        Raises:
            NotFound: no member of the workspace: they may not even know that it exists.
            Forbidden: a member with a lesser role.
        """
        role = self.roles.get(workspace)
        if role is None:
            place = "it" if what == WORKSPACE_ITSELF else "its workspace"
            raise NotFound(f"{what} does not exist, or you are no member of {place}.")
        if not at_least(role, needed):
            raise Forbidden(f"This needs the role {needed} in the workspace; yours is {role}.")


class WorkspacePosition(Struct, frozen=True):
    """How far into the log of one context: what `Sigdep-Position` stands for."""

    context: str
    partition: Partition
    position: Position


class FeedPosition(Struct, frozen=True):
    """How far into the feed of a workspace: one number for each log, of the workspace's partition."""

    partition: Partition
    positions: Mapping[str, Position]
    """By context."""


class Call(Struct, frozen=True, kw_only=True):
    """What accompanies a message. Clock and ids are stamped here, at the edge: nothing below makes any."""

    asked_at: datetime
    """UTC, whole microseconds."""
    command_id: CommandId
    principal: Principal | None = None
    """None: nobody has signed in. Few messages accept that."""
    address: str | None = None
    """The caller's network address, by which guesses of passwords are counted. Never stored."""
    request_id: str | None = None
    traceparent: str | None = None
    """W3C Trace Context: where in its trace whoever asks is."""
    answer_key: AnswerKey | None = None
    """From `Idempotency-Key`."""
    if_match: Version | None = None
    dry_run: bool = False
    min_position: WorkspacePosition | None = None
    """A read waits until it reflects this."""
    passport: str | None = None
    """Stands for `principal` on the way to another process, signed: see `rpc/passports.py`."""
    min_feed: FeedPosition | None = None
    """A read waits until it reflects what the feed has told up to here."""

    @property
    def caller(self) -> Principal:
        """
        Raises:
            Unauthenticated: nobody has signed in.
        """
        if self.principal is None:
            raise Unauthenticated("Sign in first: send Authorization: Bearer <token>.")
        return self.principal

    def least(self, context: str, home: Partition | None = None) -> WorkspacePosition | None:
        """What a read from the log of a context must reflect. None: whatever it does.

        Args:
            home: where that log keeps what happens in workspaces, if it is not in the partition of each.
        """
        feed = self.min_feed
        if feed is not None and context in feed.positions:
            return WorkspacePosition(context, feed.partition if home is None else home, feed.positions[context])
        given = self.min_position
        return given if given is not None and given.context == context else None

    def require_nobody(self) -> None:
        """
        Raises:
            Forbidden: somebody has signed in. What is about all people, services ask by themselves.
        """
        if self.principal is not None:
            raise Forbidden("Nobody may ask for this: services ask it by themselves.")

    def match(self, stream: StreamId, version: Version) -> None:
        """
        Raises:
            Stale: the caller's If-Match names another version.
        """
        if self.if_match is not None and self.if_match != version:
            raise Stale(stream, self.if_match, version)

    @property
    def metadata(self) -> Metadata:
        who = self.principal
        return Metadata(
            actor=who.user_id if who else None,
            client=who.credential if who else None,
            credential=who.credential_id if who else None,
            request=self.request_id,
            trace=self.traceparent if is_sampled(self.traceparent) else None,
        )


class Encoded(Struct, frozen=True):
    """JSON that is ready to be sent, as a read model keeps it."""

    json: bytes


class Answer(Struct, Generic[V], frozen=True, kw_only=True):
    """What a service answers."""

    value: V
    """The thing asked for, or the new state of the thing written."""
    position: WorkspacePosition | None = None
    """For a write: where it stands. For a read: what it reflects."""
    version: Version | None = None
    """Of the one thing in `value`: its ETag."""
    created: bool = False
    """True: 201."""


class Service(Protocol):
    """A context's commands or its queries, wherever they run."""

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        """Carry out one message. Raises SigdepError only; anything else is a bug."""
        ...
