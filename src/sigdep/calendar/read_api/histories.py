"""Histories as clients see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from sigdep.calendar.queries import FieldChange, GetHistory, History
from sigdep.calendar.read_service.things import CONTEXT
from sigdep.contracts.ids import AppointmentId, CalendarId
from sigdep.http.positions import encode_position
from sigdep.http.read_parameters import HistoryParameters
from sigdep.http.routes import Listing
from sigdep.kernel.ids import partition_of
from sigdep.rpc.call import Answer, Call, Service, WorkspacePosition


class HistoryLine(Struct, frozen=True, kw_only=True):
    """One event."""

    version: int
    """Of the thing, by this event."""
    position: str
    """For `?at=`: the state right after this event."""
    event: str
    at: datetime
    """When it was stored."""
    by: UUID | None
    """The user. null: the system itself."""
    client: str | None
    """Through what: `session`, `token`, `reaction`."""
    credential_id: UUID | None
    """The session's or token's id."""
    request_id: str | None
    erased: bool
    """What it said has been erased together with the key that it was sealed with."""
    changes: Sequence[FieldChange]


async def show_history(
    service: Service,
    thing: Literal["calendar", "appointment"],
    identity: CalendarId | AppointmentId,
    query: HistoryParameters,
    call: Call,
) -> Answer[Listing[HistoryLine]]:
    question = GetHistory(
        thing=thing,
        id=identity,
        newest_first=query.order == "newest",
        cursor=query.cursor,
        limit=query.limit,
    )
    answer: Answer[History] = await service.ask(question, call)
    items = _items(answer.value)
    return Answer(value=Listing(items=items, next_cursor=answer.value.next_cursor), position=answer.position)


def _items(history: History) -> Sequence[HistoryLine]:
    partition = partition_of(history.workspace_id)
    return [
        HistoryLine(
            version=entry.version,
            position=encode_position(WorkspacePosition(CONTEXT, partition, entry.position)),
            event=entry.event,
            at=entry.at,
            by=entry.by,
            client=entry.client,
            credential_id=entry.credential_id,
            request_id=entry.request_id,
            erased=entry.erased,
            changes=entry.changes,
        )
        for entry in history.entries
    ]
