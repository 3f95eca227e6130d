"""The query service of the context: who may ask, and which part of it answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sigdep.kernel.ids import Version
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import ModelGone, ReadStore
from sigdep.kernel.store import EventLog
from sigdep.notifications.domain.devices import Devices, device_view
from sigdep.notifications.domain.preferences import Preferences, view
from sigdep.notifications.queries.deliveries import FindAbandonedDeliveries, FindDueDeliveries
from sigdep.notifications.queries.digest import FindDigestItems, FindDigestsDue
from sigdep.notifications.queries.inbox import (
    CountNotifications,
    FindReturning,
    FindUnread,
    GetNotification,
    ListNotifications,
)
from sigdep.notifications.queries.people import (
    DeviceList,
    FindLeadsBehind,
    GetPreferences,
    GetPushKey,
    ListDevices,
    PreferencesView,
    PushKey,
)
from sigdep.notifications.queries.reminders import (
    FindDueReminders,
    FindDueSoon,
    FindSchedulesBehind,
    FindUnscheduled,
    GetReminder,
    ListReminders,
)
from sigdep.notifications.queries.webhook_deliveries import (
    FindDueWebhookDeliveries,
    FindEndedWebhookDeliveries,
    ListWebhookDeliveries,
)
from sigdep.notifications.queries.webhooks import FindWebhooksBehind, GetWebhook, ListWebhooks
from sigdep.notifications.read_models.people import DEVICE_ROWS, PREFERENCE_ROWS
from sigdep.notifications.read_service.chores import Chores
from sigdep.notifications.read_service.digests import Digests
from sigdep.notifications.read_service.inbox import Inbox
from sigdep.notifications.read_service.reminders import Reminders
from sigdep.notifications.read_service.rows import CONTEXT, Rows, state_in
from sigdep.notifications.read_service.webhooks import Webhooks
from sigdep.reading.progress import Progress
from sigdep.rpc.call import Answer, Call

Handler = Callable[[Any, Call], Awaitable[Answer[Any]]]


class NotificationsRead:
    """A Service (`rpc/call.py`) of every query in `queries.py`."""

    def __init__(self, store: ReadStore, log: EventLog, progress: Progress, push_key: Callable[[], str]) -> None:
        """
        Args:
            store: where the read model `notifications` is kept.
            log: the context's log, for what the read model has not seen yet.
            progress: of the projector of the read model.
            push_key: by what browsers know this server. Empty: nothing is pushed to them.
        """
        self._rows: Final = Rows(store, progress)
        self._progress: Final = progress
        self._push_key = push_key
        digests, chores = Digests(self._rows), Chores(self._rows)
        inbox = Inbox(self._rows, log, digests)
        webhooks = Webhooks(self._rows, log)
        reminders = Reminders(self._rows, log)
        self._handlers: Final[Mapping[type, Handler]] = {
            GetNotification: inbox.get,
            ListNotifications: inbox.find,
            CountNotifications: inbox.count,
            GetPreferences: self._get_preferences,
            ListDevices: self._list_devices,
            GetPushKey: self._get_push_key,
            FindUnread: chores.find_unread,
            FindReturning: chores.find_returning,
            FindDigestsDue: digests.find_due,
            FindDigestItems: digests.find_items,
            GetWebhook: webhooks.get,
            ListWebhooks: webhooks.find,
            ListWebhookDeliveries: webhooks.deliveries,
            FindDueWebhookDeliveries: webhooks.find_due,
            FindEndedWebhookDeliveries: webhooks.find_ended,
            FindWebhooksBehind: webhooks.find_behind,
            ListReminders: reminders.find,
            GetReminder: reminders.get,
            FindDueReminders: reminders.find_due,
            FindDueDeliveries: reminders.find_due_deliveries,
            FindAbandonedDeliveries: reminders.find_abandoned,
            FindSchedulesBehind: reminders.find_behind,
            FindUnscheduled: reminders.find_unscheduled,
            FindDueSoon: reminders.find_due_soon,
            FindLeadsBehind: chores.find_leads_behind,
        }

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        handler = self._handlers.get(type(message))
        if handler is None:
            raise TypeError(f"notifications.read does not answer {type(message).__name__}.")
        least = call.least(CONTEXT)
        if least is not None:
            await self._progress.wait_for(least.partition, least.position)
        try:
            return await handler(message, call)
        except ModelGone:
            return await handler(message, call)  # A rebuild has been switched to meanwhile; its rows are live now.

    async def _get_preferences(self, _query: GetPreferences, call: Call) -> Answer[PreferencesView]:
        who = call.caller
        position = self._rows.reflected(who.user_id)
        row = await self._rows.get(PREFERENCE_ROWS, (who.user_id,))
        preferences = Preferences() if row is None else state_in(row, Preferences)
        shown = view(preferences, time_zone=who.time_zone)
        return Answer(value=shown, version=Version(shown.version), position=position)

    async def _get_push_key(self, _query: GetPushKey, call: Call) -> Answer[PushKey]:
        position = self._rows.reflected(call.caller.user_id)
        return Answer(value=PushKey(application_server_key=self._push_key() or None), position=position)

    async def _list_devices(self, _query: ListDevices, call: Call) -> Answer[DeviceList]:
        who = call.caller
        position = self._rows.reflected(who.user_id)
        row = await self._rows.get(DEVICE_ROWS, (who.user_id,))
        devices = Devices() if row is None else state_in(row, Devices)
        return Answer(value=DeviceList(items=[device_view(one) for one in devices.devices]), position=position)
