"""The context of tasks in the process of `sigdep up`."""

from dataclasses import replace

from sigdep.services.contexts.house import House, OpenContext
from sigdep.services.menus import TASKS, USERS
from sigdep.tasks import context as tasks
from sigdep.writing.members import Members


def open_tasks(house: House, members: Members) -> OpenContext:
    """
    Args:
        members: knows who belongs to a workspace.
    """
    projector = house.projector(TASKS)
    views = house.stores.contexts[TASKS.name].views
    work = tasks.open_tasks(log=house.log(TASKS), views=views, progress=projector, members=members, alone=True)
    context = house.opened(TASKS, write=work.write, read=work.read, projector=projector)
    reactor = house.reactor(TASKS, USERS, tasks.TasksReactions(context.write))
    return replace(context, reactors=(reactor,))
