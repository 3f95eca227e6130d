"""The read model of the context: notifications, reminders, deliveries, preferences and devices, projected together."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sigdep.kernel.projection import Rows, until_each
from sigdep.kernel.read_store import All, Compare, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.notifications.domain.delivery import DELIVERY
from sigdep.notifications.domain.devices import DEVICES
from sigdep.notifications.domain.notification import NOTIFICATION
from sigdep.notifications.domain.preferences import PREFERENCES
from sigdep.notifications.domain.reminder_decisions import REMINDER
from sigdep.notifications.domain.schedule import SCHEDULE
from sigdep.notifications.domain.webhook_decisions import WEBHOOK
from sigdep.notifications.domain.webhook_delivery import WEBHOOK_DELIVERY
from sigdep.notifications.events.oblivion import MemberForgotten, PersonForgotten, WorkspaceForgotten
from sigdep.notifications.events.webhook_records import WebhookRecordsExpired
from sigdep.notifications.read_models.deliveries import delivery_model
from sigdep.notifications.read_models.notifications import NOTIFICATIONS, notification_model
from sigdep.notifications.read_models.people import DEVICE_ROWS, PREFERENCE_ROWS, device_model, preference_model
from sigdep.notifications.read_models.reminders import reminder_model, schedule_model
from sigdep.notifications.read_models.webhooks import forget_expired, webhook_delivery_model, webhook_model

REVISION: Final = 1
"""Raise it when a row comes out otherwise and neither the tables nor a decider's schema show it."""

Forgotten = WorkspaceForgotten | MemberForgotten | PersonForgotten | WebhookRecordsExpired
FORGOTTEN: tuple[type[Forgotten], ...] = (
    WorkspaceForgotten,
    MemberForgotten,
    PersonForgotten,
    WebhookRecordsExpired,
)


class NotificationsReadModel:
    """What `notifications.read` answers from."""

    name: Final = "notifications"

    def __init__(self) -> None:
        self._parts = (
            notification_model(),
            reminder_model(),
            schedule_model(),
            delivery_model(),
            preference_model(),
            device_model(),
            webhook_model(),
            webhook_delivery_model(),
        )
        self.tables: Sequence[Table] = tuple(table for part in self._parts for table in part.tables)
        deciders = (NOTIFICATION, REMINDER, SCHEDULE, DELIVERY, PREFERENCES, DEVICES, WEBHOOK, WEBHOOK_DELIVERY)
        schemas = [decider.schema for decider in deciders]
        self.fingerprint = sha256(f"{REVISION}|{schemas}|{self.tables}".encode()).hexdigest()

    async def project(self, batch: Sequence[RecordedEvent], rows: Rows) -> None:
        for events, forgotten in until_each(batch, FORGOTTEN):
            for part in self._parts:
                await part.project(events, rows)
            if forgotten is not None:
                self._forget(forgotten, rows)

    def _forget(self, forgotten: Forgotten, rows: Rows) -> None:
        if isinstance(forgotten, WebhookRecordsExpired):
            forget_expired(rows, forgotten)
            return
        for part in self._parts:
            part.forget()
        match forgotten:
            case WorkspaceForgotten():
                for table in self.tables:
                    rows.delete_where(table, Compare("workspace_id", "=", forgotten.workspace_id))
            case MemberForgotten():
                here = Compare("workspace_id", "=", forgotten.workspace_id)
                rows.delete_where(NOTIFICATIONS, All((here, Compare("recipient_id", "=", forgotten.user_id))))
            case PersonForgotten():
                # What is their own stands under their id; what they were told in workspaces went when they left these.
                for table in (PREFERENCE_ROWS, DEVICE_ROWS):
                    rows.delete_where(table, Compare("workspace_id", "=", forgotten.user_id))
