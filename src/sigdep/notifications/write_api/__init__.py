"""The routes of the context that change something."""

from collections.abc import Sequence

from sigdep.http.routes import Route
from sigdep.notifications.write_api.notifications import inbox_write_routes
from sigdep.notifications.write_api.people import people_write_routes
from sigdep.notifications.write_api.reminders import reminder_write_routes
from sigdep.notifications.write_api.unsubscribing import unsubscribe_routes
from sigdep.notifications.write_api.webhooks import webhook_write_routes
from sigdep.rpc.call import Service


def notification_write_routes(service: Service) -> Sequence[Route]:
    """All of them, carried out by `notifications.write`."""
    return (
        *inbox_write_routes(service),
        *reminder_write_routes(service),
        *people_write_routes(service),
        *webhook_write_routes(service),
        *unsubscribe_routes(service),
    )
