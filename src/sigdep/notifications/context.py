"""The menu of this context: everything that it offers, and what opens it."""

from collections.abc import Collection
from typing import Any, Final

from sigdep.kernel.decider import Decider
from sigdep.notifications.domain.delivery import DELIVERY
from sigdep.notifications.domain.devices import DEVICES
from sigdep.notifications.domain.notification import NOTIFICATION
from sigdep.notifications.domain.oblivion import PERSON, WORKSPACE
from sigdep.notifications.domain.preferences import PREFERENCES
from sigdep.notifications.events import EVENTS

__all__ = ["DECIDERS", "EVENTS"]

DECIDERS: Final[Collection[Decider[Any, Any]]] = (NOTIFICATION, DELIVERY, PREFERENCES, DEVICES, WORKSPACE, PERSON)
