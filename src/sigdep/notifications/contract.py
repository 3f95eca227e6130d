"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final

from sigdep.notifications.commands import (
    ChangePreferences,
    CreateWebhook,
    DeleteWebhook,
    EditWebhook,
    ForgetMember,
    ForgetPerson,
    ForgetWorkspace,
    MarkAllRead,
    MarkDone,
    MarkRead,
    MarkUnread,
    PauseWebhook,
    PostDigest,
    RedeliverWebhook,
    RegisterDevice,
    RemoveDevice,
    ReplayWebhook,
    ResumeWebhook,
    ReturnNotification,
    RotateWebhookSecret,
    SnoozeNotification,
    TellPeople,
)
from sigdep.notifications.queries import (
    CountNotifications,
    DigestDue,
    FindDigestItems,
    FindDigestsDue,
    FindDueWebhookDeliveries,
    FindReturning,
    FindUnread,
    FindWebhooksBehind,
    Found,
    FoundPage,
    GetNotification,
    GetPreferences,
    GetWebhook,
    ListDevices,
    ListNotifications,
    ListWebhookDeliveries,
    ListWebhooks,
    WebhookDeliveryPlace,
    WebhookPlace,
)
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
    ),
)

READ: Final = ServiceContract(
    name="notifications.read",
    messages=(
        GetNotification,
        ListNotifications,
        CountNotifications,
        GetPreferences,
        ListDevices,
        FindUnread,
        FindReturning,
        FindDigestsDue,
        FindDigestItems,
        GetWebhook,
        ListWebhooks,
        ListWebhookDeliveries,
        FindDueWebhookDeliveries,
        FindWebhooksBehind,
    ),
    values={
        FindUnread: FoundPage,
        FindReturning: tuple[Found, ...],
        FindDigestsDue: tuple[DigestDue, ...],
        FindDigestItems: tuple[str, ...],
        FindDueWebhookDeliveries: tuple[WebhookDeliveryPlace, ...],
        FindWebhooksBehind: tuple[WebhookPlace, ...],
    },
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)
