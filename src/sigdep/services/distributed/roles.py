"""Which roles there are, and what opens each. A process loads the code of its own role alone."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Final

from sigdep.services.distributed.role import Role
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.watch import Watch

Open = Callable[[ServiceSettings, Watch], AbstractAsyncContextManager[Role]]

ROLES: Final[Mapping[str, str]] = {
    "tasks.write": "tasks_roles:tasks_write",
    "tasks.read": "tasks_roles:tasks_read",
    "calendar.write": "calendar_roles:calendar_write",
    "calendar.read": "calendar_roles:calendar_read",
    "notifications.write": "notifications_roles:notifications_write",
    "notifications.read": "notifications_roles:notifications_read",
    "users.write": "users_roles:users_write",
    "users.read": "users_roles:users_read",
}


def opener(role: str) -> Open:
    """
    Raises:
        KeyError: there is no such role.
    """
    module, _, function = ROLES[role].partition(":")
    found: Open = getattr(import_module(f"{__package__}.{module}"), function)
    return found
