"""From an event of others to the command that tells people of it, whatever it is about."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.contracts.events import PublicEvent
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.http.stamps import internal_call, utc_now
from sigdep.kernel.errors import NotFound
from sigdep.kernel.ids import CommandId
from sigdep.notifications.commands.inbox import TellPeople
from sigdep.notifications.events.inbox import Kind, Thing
from sigdep.rpc.call import Call, Service

E = TypeVar("E", bound=PublicEvent)

NEWS_FOR: Final = timedelta(days=7)
"""Of what is older nobody is told any more: whoever comes from a release that knew no notifications has years of it."""

_COMMANDS: Final = UUID("8d0f3a4e-6c1d-5f7e-9f6a-2d4c8b1e7a35")
"""Namespace (RFC 9562 §5.5) of the ids of commands that follow from events."""


class Item(Struct, frozen=True, kw_only=True):
    """What an event says to those whom it concerns."""

    workspace_id: WorkspaceId
    thing: Thing
    title: str
    by: UserId
    link: str
    body: str = ""


def is_news(event: CloudEvent) -> bool:
    return utc_now() - event.time <= NEWS_FOR


def fact_of(event: CloudEvent, kind: type[E]) -> E:
    """In one process the data is the event itself, whose fields may say nothing (UNSET): no attribute may say that."""
    return msgspec.convert(msgspec.to_builtins(event.data), kind)


def call_after(event: CloudEvent, purpose: str) -> Call:
    """The clock is that of now: quiet hours are asked about when something goes out, which may be late."""
    command_id = CommandId(uuid5(_COMMANDS, f"{_key(event)} {purpose}"))
    return replace(internal_call(), command_id=command_id, traceparent=event.traceparent)


async def thing_then(owner: Service, event: CloudEvent, thing_id: UUID) -> ThingThen | None:
    """A thing as the event has left it. None: it has been erased since."""
    assert event.streamversion is not None
    query = FindThing(thing_id=thing_id, version=event.streamversion)
    try:
        found: ThingThen = (await owner.ask(query, internal_call())).value
    except NotFound:
        return None
    return found


async def tell(service: Service, event: CloudEvent, kind: Kind, item: Item, to: Collection[UserId]) -> None:
    """Everybody but who did it. Nobody is told of a workspace that has been erased meanwhile."""
    recipients = tuple(user for user in dict.fromkeys(to) if user != item.by)
    if not recipients:
        return
    call = call_after(event, kind)
    command = TellPeople(
        workspace_id=item.workspace_id,
        recipients=recipients,
        kind=kind,
        title=item.title,
        key=_key(event),
        occurred_at=event.time,
        at=call.asked_at,
        body=item.body,
        thing=item.thing,
        link=item.link,
        by=item.by,
    )
    try:
        await service.ask(command, call)
    except NotFound:
        return


def _key(event: CloudEvent) -> str:
    """Of what is told of an event, whatever it is called."""
    return f"{event.source}#{event.id}"
