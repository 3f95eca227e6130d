"""Up to when what the webhooks of a workspace were told has been taken off the list."""

from datetime import datetime
from typing import Any, Final

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.messages import State
from sigdep.notifications.events.webhook_records import WebhookRecordsExpired


class WebhookRecords(State):
    until: datetime | None = None


def expire(
    records: WebhookRecords, workspace_id: WorkspaceId, until: datetime, at: datetime
) -> list[WebhookRecordsExpired]:
    """Nothing where it is the last that was said: whoever looks may not have seen it yet."""
    if until == records.until:
        return []
    return [WebhookRecordsExpired(workspace_id=workspace_id, until=until, at=at)]


def evolve(_records: WebhookRecords, event: WebhookRecordsExpired) -> WebhookRecords:
    """Never raises: what is in the log has happened."""
    return WebhookRecords(until=event.until)


def _decide(command: object, _records: WebhookRecords) -> list[WebhookRecordsExpired]:
    raise TypeError(f"Records of webhooks decide about no {type(command).__name__}: see `writing/webhook_records.py`.")


WEBHOOK_RECORDS: Final = Decider[Any, WebhookRecords](
    category="hookrecords", initial=WebhookRecords(), decide=_decide, evolve=evolve, schema="hookrecords-1"
)
