"""The GET routes of the context."""

from collections.abc import Sequence

from sigdep.http.routes import Route
from sigdep.notifications.read_api.inbox import inbox_read_routes
from sigdep.notifications.read_api.webhooks import webhook_read_routes
from sigdep.rpc.call import Service


def notification_read_routes(service: Service) -> Sequence[Route]:
    """All of them, answered by `notifications.read`."""
    return (*inbox_read_routes(service), *webhook_read_routes(service))
