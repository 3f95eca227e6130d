"""How long it is listed what the webhooks of a workspace were told.

Streams `hookrecords-<workspace id>`, in their workspace. Instants are UTC.
"""

from datetime import datetime

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Event


class WebhookRecordsExpired(Event):
    """Of deliveries that had ended by then the list knows nothing any more. The log keeps all of them."""

    workspace_id: WorkspaceId
    until: datetime
    at: datetime
