"""The GET routes of the context."""

from collections.abc import Sequence

from sigdep.http.routes import Route
from sigdep.rpc.call import Service
from sigdep.tasks.read_api.others import label_read_routes, project_read_routes
from sigdep.tasks.read_api.tasks import task_read_routes


def routes(read: Service) -> Sequence[Route]:
    """All of them, answered by `tasks.read`."""
    return (*task_read_routes(read), *project_read_routes(read), *label_read_routes(read))
