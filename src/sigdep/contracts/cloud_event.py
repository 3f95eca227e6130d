"""The envelope of every public event: CloudEvents 1.0 in its JSON format."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.ids import Partition, Position
from sigdep.kernel.store import RecordedEvent

Name = Annotated[str, Meta(min_length=1)]


class CloudEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="specversion", tag="1.0"):
    """One fact, as others hear of it (CloudEvents 1.0.2 §2.4, JSON format §2).

    Those from `workspaceid` on are extension attributes: their names are lower-case letters and digits (§3.1).
    """

    id: Name
    """With `source`, unique for ever: a consumer that has seen it skips it."""
    source: Name
    """The context that tells it, as a URI reference: `/contexts/tasks`."""
    type: Name
    """What has happened, as in `sigdep.tasks.TaskCompleted`."""
    time: Annotated[datetime, Meta(tz=True)]
    """When it was recorded, UTC."""
    subject: str | None = None
    """The stream that it belongs to, as in `task-018f…`."""
    datacontenttype: Literal["application/json"] | None = None
    """Present when `data` is."""
    data: Any = None
    """The fact itself, in the shape that `type` names."""
    workspaceid: WorkspaceId | None = None
    streamversion: int | None = None
    """Place of the event in its stream, from 1: a consumer that misses one notices."""
    actorid: str | None = None
    """The user who asked for it. Absent: the system itself."""
    traceparent: str | None = None
    """Where in its trace it was recorded (extension for distributed tracing). Absent: it is not traced."""
    recipientid: str | None = None
    """The only user who may hear of it. Absent: whoever may hear of the workspace."""


def told(
    recorded: RecordedEvent,
    fact: Struct,
    *,
    source: str,
    types: str,
    workspace_id: WorkspaceId | None,
    recipient_id: str | None = None,
) -> CloudEvent:
    """The fact that others hear when this event has been recorded.

    Args:
        types: what stands before the name of the fact in the `type`, as in `sigdep.tasks.`.
    """
    actor = recorded.metadata.actor
    return CloudEvent(
        id=f"{recorded.partition}-{recorded.position}",
        source=source,
        type=types + type(fact).__name__,
        time=recorded.recorded_at,
        subject=recorded.stream,
        datacontenttype="application/json",
        data=fact,
        workspaceid=workspace_id,
        streamversion=recorded.version,
        actorid=None if actor is None else str(actor),
        traceparent=recorded.metadata.trace,
        recipientid=recipient_id,
    )


def place_of(event: CloudEvent) -> tuple[Partition, Position]:
    """Where it stands in the log of its context: `told` names events by their places."""
    partition, _, position = event.id.partition("-")
    return Partition(int(partition)), Position(int(position))


def value_of(event: CloudEvent, name: str) -> Any:
    """One field of what it says, without reading the rest. None: it says nothing of it, or that there is nothing.

    In one process the data is the fact itself, across a network it is JSON.
    """
    value = event.data.get(name) if isinstance(event.data, dict) else getattr(event.data, name, None)
    return None if value is UNSET else value
