"""Calendars as iCalendar text: export, and feeds."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from sigdep.calendar.queries import CalendarText, ExportCalendar, Feed, GetFeed, ReadFeed
from sigdep.contracts.ids import CalendarId
from sigdep.http.files import File
from sigdep.http.routes import Parameters, Route
from sigdep.kernel.errors import NotFound, Refused
from sigdep.rpc.call import Answer, Call, Service

MEDIA_TYPE: Final = "text/calendar"
TOKEN_LENGTH_MAX: Final = 200


class FeedParameters(Parameters, frozen=True, kw_only=True):
    token: Annotated[str, Meta(max_length=TOKEN_LENGTH_MAX)]
    """The secret."""


class TextReads:
    """Handlers: from parameters to queries."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def export(self, call: Call, calendar_id: CalendarId) -> Answer[File]:
        """Everything that is not in the trash, with what came along when it was imported. Importing it here again
        changes nothing.
        """
        return _file(await self.service.ask(ExportCalendar(calendar_id=calendar_id), call))

    async def read_feed(self, call: Call, calendar_id: CalendarId, query: FeedParameters) -> Answer[File]:
        """For calendars elsewhere that subscribe to this one: nobody signs in, the token is the secret. Ask again with
        `If-None-Match`, about once an hour.
        """
        return _file(await self.service.ask(ReadFeed(calendar_id=calendar_id, token=query.token), call))

    async def get_feed(self, call: Call, calendar_id: CalendarId) -> Answer[Feed]:
        """The secret itself is not kept, so that nobody can be shown it again."""
        return await self.service.ask(GetFeed(calendar_id=calendar_id), call)


def _file(answer: Answer[CalendarText]) -> Answer[File]:
    text = answer.value
    file = File(content=text.content, media_type=MEDIA_TYPE, name=f"{text.name}.ics", modified_at=text.modified_at)
    return Answer(value=file, position=answer.position)


def text_read_routes(service: Service) -> Sequence[Route]:
    handlers = TextReads(service)
    one = "/api/calendars/{calendar_id}"
    return (
        Route(
            method="GET",
            path=f"{one}/export",
            handle=handlers.export,
            summary="Export a calendar as iCalendar text.",
            tag="calendars",
            scope="calendar:read",
            errors=(Refused,),
            media_type=MEDIA_TYPE,
        ),
        Route(
            method="GET",
            path=f"{one}/feed",
            handle=handlers.get_feed,
            summary="Whether the calendar has a secret address.",
            tag="calendars",
            scope="calendar:read",
        ),
        Route(
            method="GET",
            path=f"{one}.ics",
            handle=handlers.read_feed,
            summary="Subscribe to a calendar.",
            tag="calendars",
            scope=None,
            errors=(NotFound, Refused),
            media_type=MEDIA_TYPE,
        ),
    )
