"""What a client says, and what it is told: JSON objects with one field, which names what the message is."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.gateway.live.bounds import PATH
from sigdep.gateway.live.frames import text_frame
from sigdep.http.bodies import BodyReader
from sigdep.http.positions import TEXT_LENGTH_MAX, FeedPosition, encode_feed_position
from sigdep.http.problems import problem_reply
from sigdep.kernel.errors import Invalid

_encode: Final = msgspec.json.Encoder().encode


class Subscribe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Tell me what happens in a workspace."""

    workspace_id: WorkspaceId | UnsetType = UNSET
    """Absent: your personal workspace."""
    from_: Annotated[str, Meta(max_length=TEXT_LENGTH_MAX)] | UnsetType = UNSET
    """A position that you were given, or `latest`: only what happens from now on. Absent: from the beginning."""
    presence: bool = False
    """Tell me too who is here."""


class Unsubscribe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell me no more of a workspace."""

    workspace_id: WorkspaceId


class ClientMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of these, and only one."""

    subscribe: Subscribe | UnsetType = UNSET
    unsubscribe: Unsubscribe | UnsetType = UNSET


class Reached(Struct, frozen=True, kw_only=True):
    """How far a subscription is."""

    workspace_id: WorkspaceId
    position: str


class Ended(Struct, frozen=True, kw_only=True):
    """A subscription that has ended."""

    workspace_id: WorkspaceId
    problem: Raw | UnsetType = UNSET
    """Why, where you did not ask for it (RFC 9457)."""


class Present(Struct, frozen=True, kw_only=True):
    """Who is here: whoever has subscribed to the workspace, each user once."""

    workspace_id: WorkspaceId
    user_ids: Sequence[UserId]
    """The first of them, in the order in which they came."""
    count: int
    """Of all of them."""


class ServerMessage(Struct, frozen=True, kw_only=True):
    """One of these; `position` and `event` go together."""

    position: str | UnsetType = UNSET
    event: CloudEvent | UnsetType = UNSET
    subscribed: Reached | UnsetType = UNSET
    unsubscribed: Ended | UnsetType = UNSET
    heartbeat: Reached | UnsetType = UNSET
    present: Present | UnsetType = UNSET
    error: Raw | UnsetType = UNSET
    """A message of yours was refused (RFC 9457)."""


_reader: Final = BodyReader(ClientMessage)
_HEADERS: Final = {b"content-type": b"application/json"}


def read_message(text: str | None) -> Subscribe | Unsubscribe:
    """
    Args:
        text: None: the message was binary.

    Raises:
        Malformed: it is not JSON.
        Invalid: it is none of our messages.
    """
    if text is None:
        raise Invalid.at("", "Messages are JSON, in text frames.")
    message = _reader.read(text.encode(), _HEADERS)
    if message.subscribe is not UNSET and message.unsubscribe is UNSET:
        return message.subscribe
    if message.unsubscribe is not UNSET and message.subscribe is UNSET:
        return message.unsubscribe
    raise Invalid.at("", "A message has one field: subscribe or unsubscribe.")


def frame_of(message: ServerMessage) -> bytes:
    return text_frame(_encode(message))


def event_frame(position: FeedPosition, event: CloudEvent) -> bytes:
    return frame_of(ServerMessage(position=encode_feed_position(position), event=event))


def subscribed_frame(workspace: WorkspaceId, position: FeedPosition) -> bytes:
    return frame_of(ServerMessage(subscribed=_reached(workspace, position)))


def heartbeat_frame(workspace: WorkspaceId, position: FeedPosition) -> bytes:
    return frame_of(ServerMessage(heartbeat=_reached(workspace, position)))


def unsubscribed_frame(workspace: WorkspaceId, why: Exception | None) -> bytes:
    """
    Args:
        why: None: the client has asked for it.
    """
    problem = UNSET if why is None else _problem(why)
    return frame_of(ServerMessage(unsubscribed=Ended(workspace_id=workspace, problem=problem)))


def error_frame(why: Exception) -> bytes:
    """A message was refused that concerns no subscription."""
    return frame_of(ServerMessage(error=_problem(why)))


def present_frame(workspace: WorkspaceId, users: Sequence[UserId], count: int) -> bytes:
    return frame_of(ServerMessage(present=Present(workspace_id=workspace, user_ids=users, count=count)))


def _reached(workspace: WorkspaceId, position: FeedPosition) -> Reached:
    return Reached(workspace_id=workspace, position=encode_feed_position(position))


def _problem(why: Exception) -> Raw:
    return Raw(problem_reply(why, PATH).body)
