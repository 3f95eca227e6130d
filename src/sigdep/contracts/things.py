"""What whoever tells people of things may ask of the contexts that own them.

Their writing sides answer, from their logs themselves: the same question about the same version has the same answer.
"""

from uuid import UUID

from msgspec import Struct

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import Query


class FindThing(Query):
    """A task or an appointment as one of its events has left it. One that is not there, or was erased: NotFound."""

    thing_id: UUID
    version: int
    """Of its stream, by that event: `streamversion` of the CloudEvent."""


class ThingThen(Struct, frozen=True, kw_only=True):
    """As much of it as people are told."""

    workspace_id: WorkspaceId
    title: str
    created_by: UserId
    people: tuple[UserId, ...]
    """Whom it concerns: a task's assignees, the users among an appointment's attendees."""
    people_before: tuple[UserId, ...]
    """Whom it concerned just before that event."""
