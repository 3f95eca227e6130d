"""The GET routes of the context."""

from collections.abc import Sequence

from sigdep.calendar.read_api.calendars import calendar_read_routes
from sigdep.calendar.read_api.events import event_read_routes
from sigdep.calendar.read_api.texts import text_read_routes
from sigdep.http.routes import Route
from sigdep.rpc.call import Service


def routes(read: Service) -> Sequence[Route]:
    """All of them, answered by `calendar.read`."""
    return (*event_read_routes(read), *calendar_read_routes(read), *text_read_routes(read))
