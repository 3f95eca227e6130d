"""What is done here when other contexts speak: people are told, or what was told is forgotten."""

from sigdep.notifications.reactions.calendar import CalendarReactions
from sigdep.notifications.reactions.tasks import TasksReactions
from sigdep.notifications.reactions.users import UsersReactions

__all__ = ["CalendarReactions", "TasksReactions", "UsersReactions"]
