"""Whom every process must ask about again, now that something has happened: what stands in a Principal may be old."""

from collections.abc import Sequence

from sigdep.contracts.ids import UserId
from sigdep.http.revocations import Suspects
from sigdep.kernel.store import RecordedEvent
from sigdep.users.events.people import (
    EmailChanged,
    EmailClaimed,
    EmailEvent,
    EmailReleased,
    PasswordChanged,
    PasswordRehashed,
    ProfileEdited,
    UserErased,
    UserErasureBegun,
    UserErasureCancelled,
    UserErasureRequested,
    UserEvent,
    UserRegistered,
)
from sigdep.users.events.sessions import (
    SessionEnded,
    SessionEvent,
    SessionRefreshed,
    SessionStarted,
    TokenEvent,
    TokenMade,
    TokenRevoked,
)
from sigdep.users.events.workspaces import (
    InvitationAccepted,
    InvitationDeclined,
    InvitationForgotten,
    InvitationRevoked,
    MemberAdded,
    MemberInvited,
    MemberRemoved,
    MemberRoleChanged,
    WorkspaceCreated,
    WorkspaceErased,
    WorkspaceErasureBegun,
    WorkspaceErasureCancelled,
    WorkspaceErasureRequested,
    WorkspaceEvent,
    WorkspaceRenamed,
)

AnyUsersEvent = UserEvent | EmailEvent | WorkspaceEvent | SessionEvent | TokenEvent


def suspects(batch: Sequence[RecordedEvent] | None) -> Suspects:
    """All whom these events make suspect. Empty: nobody.

    Args:
        batch: None: any events at all.
    """
    if batch is None:
        return None
    found: set[UserId] = set()
    for recorded in batch:
        if not isinstance(recorded.event, AnyUsersEvent):
            continue  # Its key has been destroyed, which other events have told before.
        one = _suspects(recorded.event)
        if one is None:
            return None
        found.update(one)
    return found


def _suspects(event: AnyUsersEvent) -> Suspects:
    """There is no default: a new event must say whether it takes something away, or this is a type error."""
    match event:
        case PasswordChanged() | UserErasureBegun() | UserErased() | SessionEnded() | TokenRevoked():
            return (event.user_id,)
        case MemberAdded() | MemberRoleChanged() | MemberRemoved() | ProfileEdited():
            return (event.user_id,)
        case WorkspaceErasureBegun():
            return None  # It names none of its members.
        case UserRegistered() | EmailChanged() | PasswordRehashed() | UserErasureRequested() | UserErasureCancelled():
            return ()
        case WorkspaceCreated() | WorkspaceRenamed() | WorkspaceErasureRequested() | WorkspaceErasureCancelled():
            return ()
        case MemberInvited() | InvitationAccepted() | InvitationDeclined() | InvitationRevoked():
            return ()
        case InvitationForgotten() | WorkspaceErased() | SessionStarted() | SessionRefreshed() | TokenMade():
            return ()
        case EmailClaimed() | EmailReleased():
            return ()
