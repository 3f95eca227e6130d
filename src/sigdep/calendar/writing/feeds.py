"""Commands to the feed of a calendar."""

from msgspec.structs import replace

from sigdep.calendar.commands import FeedCommand, OpenFeed
from sigdep.calendar.domain.calendar import CalendarNotFound, changeable
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
