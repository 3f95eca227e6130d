"""Import into a calendar, and the secret of its feed."""

import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from sigdep.calendar.commands import CloseFeed, ImportCalendar, OpenFeed
from sigdep.calendar.domain.feed import OpenedFeed, digest_of
from sigdep.calendar.queries import Imported
from sigdep.calendar.write_api import bodies
from sigdep.contracts.ids import CalendarId
from sigdep.http.routes import Route
from sigdep.kernel.errors import Refused
from sigdep.kernel.ids import text_of
from sigdep.rpc.call import Answer, Call, Service

SECRET_OCTETS: Final = 32


class ShownAlready(Refused):
    """A secret is shown once, also to the same request."""


class TextWrites:
    """Handlers: from bodies to commands."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def import_events(
        self, call: Call, calendar_id: CalendarId, body: bodies.CalendarFile, query: bodies.WhichPart
    ) -> Answer[Imported]:
        """Each event by its UID: what the calendar has not is created, what is new in the text since it was imported is
        updated, and the same text once more changes nothing. What was changed here stays; what was changed both here
        and in the text is as the text has it, and `conflicts` names it. What makes no sense, is older (SEQUENCE), or is
        in the trash here is skipped, with a sentence for each; the others are imported. A text of which nothing makes
        sense is refused. `dry_run` answers what would happen.

        The body is the iCalendar text itself, at most 6,000,000 octets of it, as `text/calendar`. One request takes
        over 5,000 events; a text of more is refused before anything is stored, unless it is asked for part by part:
        with `skip=0`, then with each answer's `next_skip`, until that is null.
        """
        command = ImportCalendar(
            calendar_id=calendar_id, text=body.content, by=call.caller.user_id, at=call.asked_at, skip=query.skip
        )
        return await self.service.ask(command, call)

    async def open_feed(self, call: Call, calendar_id: CalendarId) -> Answer[bodies.OpenedFeedAddress]:
        """The answer holds the address, which is a secret: whoever knows it can read the calendar, without signing in.
        It is shown once. A former address stops working.
        """
        token = secrets.token_urlsafe(SECRET_OCTETS)
        command = OpenFeed(calendar_id=calendar_id, sha256=digest_of(token), by=call.caller.user_id, at=call.asked_at)
        answer: Answer[OpenedFeed] = await self.service.ask(command, call)
        opened = answer.value
        if call.dry_run or opened.opened_at is None or not hmac.compare_digest(opened.sha256 or "", digest_of(token)):
            raise ShownAlready(
                "The address is shown once, and is not kept here. Ask again, without dry_run and with another"
                " Idempotency-Key, for a new one."
            )
        shown = bodies.OpenedFeedAddress(
            calendar_id=calendar_id,
            path=f"/api/calendars/{text_of(calendar_id)}.ics?token={token}",
            token=token,
            opened_at=opened.opened_at,
        )
        return Answer(value=shown, position=answer.position)

    async def close_feed(self, call: Call, calendar_id: CalendarId) -> Answer[None]:
        """Its address stops working at once."""
        command = CloseFeed(calendar_id=calendar_id, by=call.caller.user_id, at=call.asked_at)
        answer = await self.service.ask(command, call)
        return Answer(value=None, position=answer.position)


def text_write_routes(service: Service) -> Sequence[Route]:
    handlers = TextWrites(service)
    one = "/api/calendars/{calendar_id}"
    return (
        Route(
            method="POST",
            path=f"{one}/import",
            handle=handlers.import_events,
            summary="Import events from iCalendar text.",
            tag="calendars",
            scope="calendar:write",
            errors=(Refused,),
        ),
        Route(
            method="POST",
            path=f"{one}/feed",
            handle=handlers.open_feed,
            summary="Make a secret address at which the calendar can be subscribed to.",
            tag="calendars",
            scope="calendar:write",
            errors=(Refused,),
            secret=True,
        ),
        Route(
            method="DELETE",
            path=f"{one}/feed",
            handle=handlers.close_feed,
            summary="Let the secret address stop working.",
            tag="calendars",
            scope="calendar:write",
            errors=(Refused,),
        ),
    )
