"""Commands to the feeds of calendars."""

from uuid import UUID

from msgspec.structs import replace

from sigdep.calendar.commands import EndFeeds, FeedCommand, OpenFeed
from sigdep.calendar.domain.calendar import CalendarNotFound, changeable
from sigdep.calendar.domain.departure import decide as decide_departure
from sigdep.calendar.domain.departure import departure_of
from sigdep.calendar.domain.feed import decide
from sigdep.calendar.writing.attempt import Attempt
from sigdep.contracts.ids import CalendarId


async def change_feed(attempt: Attempt, command: FeedCommand) -> CalendarId:
    """Decide and record. A feed of an archived calendar can be closed, and not opened.

    Raises:
        CalendarNotFound, CalendarReadOnly
    """
    calendars, feeds = attempt.around.calendars, attempt.around.feeds
    calendar = await attempt.unit.load(calendars, command.calendar_id, guard=True)
    if calendar.version == 0 or calendar.workspace_id != attempt.workspace:
        raise CalendarNotFound
    if isinstance(command, OpenFeed):
        changeable(calendar)
        command = replace(command, workspace_id=attempt.workspace)
    feed = await attempt.unit.load(feeds, command.calendar_id)
    attempt.record(feeds, command.calendar_id, decide(command, feed))
    return command.calendar_id


async def end_feeds(attempt: Attempt, command: EndFeeds) -> UUID:
    """Decide and record, in one place for all of them."""
    departures, which = attempt.around.departures, departure_of(command.workspace_id, command.user_id)
    attempt.record(departures, which, decide_departure(command, await attempt.unit.load(departures, which)))
    return which
