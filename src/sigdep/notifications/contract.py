"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final

from sigdep.notifications.commands import (
    ChangePreferences,
    ForgetMember,
    ForgetPerson,
    ForgetWorkspace,
    MarkAllRead,
    MarkDone,
    MarkRead,
    MarkUnread,
    PostDigest,
    RegisterDevice,
    RemoveDevice,
    ReturnNotification,
    SnoozeNotification,
    TellPeople,
)
from sigdep.notifications.queries import (
    CountNotifications,
    DigestDue,
    FindDigestItems,
    FindDigestsDue,
    FindReturning,
    FindUnread,
    Found,
    FoundPage,
    GetNotification,
    GetPreferences,
    ListDevices,
    ListNotifications,
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
    ),
    values={
        FindUnread: FoundPage,
        FindReturning: tuple[Found, ...],
        FindDigestsDue: tuple[DigestDue, ...],
        FindDigestItems: tuple[str, ...],
    },
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)
