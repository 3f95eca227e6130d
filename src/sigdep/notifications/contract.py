"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sigdep.notifications.commands.inbox import (
    MarkAllRead,
    MarkDone,
    MarkRead,
    MarkUnread,
    ReturnNotification,
    SnoozeNotification,
    TellPeople,
)
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetPerson, ForgetWorkspace
from sigdep.notifications.commands.people import (
    ChangePreferences,
    PostDigest,
    RegisterDevice,
    RemoveDevice,
    Unsubscribe,
)
from sigdep.notifications.commands.reminders import SnoozeReminder
from sigdep.notifications.commands.webhooks import (
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    PauseWebhook,
    RedeliverWebhook,
    ReplayWebhook,
    ResumeWebhook,
    RotateWebhookSecret,
)
from sigdep.notifications.queries.deliveries import DueDeliveries, FindAbandonedDeliveries, FindDueDeliveries
from sigdep.notifications.queries.digest import DigestDue, DigestItem, FindDigestItems, FindDigestsDue
from sigdep.notifications.queries.inbox import (
    CountNotifications,
    FindReturning,
    FindUnread,
    Found,
    FoundPage,
    GetNotification,
    ListNotifications,
)
from sigdep.notifications.queries.people import (
    DeclinedKind,
    FindLeadsBehind,
    GetPreferences,
    GetPushKey,
    LeadBehind,
    ListDevices,
)
from sigdep.notifications.queries.reminders import (
    DueReminders,
    DueSoonPage,
    FindDueReminders,
    FindDueSoon,
    FindSchedulesBehind,
    FindUnscheduled,
    GetReminder,
    ListReminders,
    ScheduleBehind,
)
from sigdep.notifications.queries.webhook_deliveries import (
    EndedWebhookDelivery,
    FindDueWebhookDeliveries,
    FindEndedWebhookDeliveries,
    ListWebhookDeliveries,
    WebhookDeliveryPlace,
)
from sigdep.notifications.queries.webhooks import FindWebhooksBehind, GetWebhook, ListWebhooks, WebhookPlace
from sigdep.rpc.contract import ServiceContract

WRITE: Final = ServiceContract(
    name="notifications.write",
    messages=(
        TellPeople,
        MarkRead,
        MarkUnread,
        MarkDone,
        SnoozeNotification,
        ReturnNotification,
        SnoozeReminder,
        MarkAllRead,
        ChangePreferences,
        PostDigest,
        RegisterDevice,
        RemoveDevice,
        ForgetWorkspace,
        ForgetMember,
        ForgetPerson,
        CreateWebhook,
        EditWebhook,
        PauseWebhook,
        ResumeWebhook,
        RotateWebhookSecret,
        ReplayWebhook,
        DeleteWebhook,
        RedeliverWebhook,
        Unsubscribe,
    ),
    values={Unsubscribe: DeclinedKind},
)

READ: Final = ServiceContract(
    name="notifications.read",
    messages=(
        GetNotification,
        ListNotifications,
        CountNotifications,
        GetPreferences,
        ListDevices,
        GetPushKey,
        FindUnread,
        FindReturning,
        FindDigestsDue,
        FindDigestItems,
        GetWebhook,
        ListWebhooks,
        ListWebhookDeliveries,
        FindDueWebhookDeliveries,
        FindWebhooksBehind,
        ListReminders,
        GetReminder,
        FindDueReminders,
        FindDueDeliveries,
        FindAbandonedDeliveries,
        FindSchedulesBehind,
        FindUnscheduled,
        FindDueSoon,
        FindLeadsBehind,
        FindEndedWebhookDeliveries,
    ),
    values={
        FindUnread: FoundPage,
        FindReturning: tuple[Found, ...],
        FindDigestsDue: tuple[DigestDue, ...],
        FindDigestItems: tuple[DigestItem, ...],
        FindDueWebhookDeliveries: tuple[WebhookDeliveryPlace, ...],
        FindWebhooksBehind: tuple[WebhookPlace, ...],
        FindDueReminders: DueReminders,
        FindDueDeliveries: DueDeliveries,
        FindAbandonedDeliveries: DueDeliveries,
        FindSchedulesBehind: tuple[ScheduleBehind, ...],
        FindUnscheduled: tuple[UUID, ...],
        FindDueSoon: DueSoonPage,
        FindLeadsBehind: tuple[LeadBehind, ...],
        FindEndedWebhookDeliveries: tuple[EndedWebhookDelivery, ...],
    },
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)
