"""The context of notifications in the process of `sigdep up`."""

from dataclasses import replace
from functools import partial

from sigdep.notifications import context as notifications
from sigdep.notifications.writing.attempt import Members
from sigdep.rpc.call import Service
from sigdep.services.contexts.house import House, OpenContext
from sigdep.services.menus import CALENDAR, NOTIFICATIONS, TASKS, USERS
from sigdep.services.timing import run_timers


def open_notifications(
    house: House, members: Members, *, tasks: Service, calendar: Service, users: Service
) -> OpenContext:
    """
    Args:
        members: knows who belongs to a workspace.
        tasks: the writing side of tasks, which knows what they were.
        calendar: the writing side of calendar, which knows what appointments were.
        users: the writing side of users, which knows who has an address.
    """
    projector = house.projector(NOTIFICATIONS)
    log = house.log(NOTIFICATIONS)
    read = notifications.open_read(log=log, views=house.stores.contexts[NOTIFICATIONS.name].views, progress=projector)
    write = notifications.open_write(log=log, members=members, read=read, alone=True)
    context = house.opened(NOTIFICATIONS, write=write, read=read, projector=projector)
    reactors = (
        house.reactor(NOTIFICATIONS, USERS, notifications.UsersReactions(context.write)),
        house.reactor(NOTIFICATIONS, CALENDAR, notifications.CalendarReactions(context.write, calendar=calendar)),
        house.reactor(NOTIFICATIONS, TASKS, notifications.TasksReactions(context.write, tasks=tasks, users=users)),
    )
    timers = notifications.Timers(context.write, context.read)
    return replace(context, reactors=reactors, chores={"notification timers": partial(run_timers, timers)})
