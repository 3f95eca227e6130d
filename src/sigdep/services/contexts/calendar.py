"""The context of calendars in the process of `sigdep up`."""

from dataclasses import replace

from sigdep.calendar import context as calendar
from sigdep.services.contexts.house import House, OpenContext
from sigdep.services.menus import CALENDAR, USERS
from sigdep.writing.members import Members


def open_calendar(house: House, members: Members) -> OpenContext:
    """
    Args:
        members: knows who belongs to a workspace.
    """
    projector = house.projector(CALENDAR)
    views = house.stores.contexts[CALENDAR.name].views
    work = calendar.open_calendar(log=house.log(CALENDAR), views=views, progress=projector, members=members, alone=True)
    context = house.opened(CALENDAR, write=work.write, read=work.read, projector=projector)
    reactor = house.reactor(CALENDAR, USERS, calendar.CalendarReactions(context.write))
    return replace(context, reactors=(reactor,))
