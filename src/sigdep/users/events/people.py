"""What has happened to people, and to the addresses that keep them apart.

Streams: `user-<user id>`, and `email-<email id>`, which keeps addresses unique.
"""

from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Event, UnsetType

EmailId = NewType("EmailId", UUID)
"""Made of a normalised address with a secret of the server: the address itself stands in no stream's name."""


SessionId = NewType("SessionId", UUID)


TokenId = NewType("TokenId", UUID)


InvitationId = NewType("InvitationId", UUID)


SessionEnding = Literal["signed_out", "reused"]
"""`reused`: somebody came with a refresh token that had been exchanged before, so that it must have been stolen."""


class UserRegistered(Event):
    user_id: UserId
    email: str
    email_id: EmailId
    name: str
    password_hash: str
    personal_workspace_id: WorkspaceId
    time_zone: str
    locale: str
    at: datetime


class ProfileEdited(Event):
    """Some of these have a new value."""

    user_id: UserId
    at: datetime
    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET


class EmailChanged(Event):
    user_id: UserId
    email: str
    email_id: EmailId
    at: datetime


class PasswordChanged(Event):
    """Sessions that began with an older password are over, but for the one that changed it."""

    user_id: UserId
    password_hash: str
    kept_session_id: SessionId | None
    at: datetime


class PasswordRehashed(Event):
    """The same password, hashed with the parameters of today."""

    user_id: UserId
    password_hash: str
    at: datetime


class UserErasureRequested(Event):
    user_id: UserId
    due_at: datetime
    at: datetime


class UserErasureCancelled(Event):
    user_id: UserId
    at: datetime


class UserErasureBegun(Event):
    """There is no way back: the person's key is about to be destroyed. Sealed with the system's key."""

    user_id: UserId
    email_id: EmailId
    personal_workspace_id: WorkspaceId
    at: datetime


class UserErased(Event):
    """The person's key is destroyed. Sealed with the system's key."""

    user_id: UserId
    at: datetime


UserEvent = (
    UserRegistered
    | ProfileEdited
    | EmailChanged
    | PasswordChanged
    | PasswordRehashed
    | UserErasureRequested
    | UserErasureCancelled
    | UserErasureBegun
    | UserErased
)


class EmailClaimed(Event):
    user_id: UserId
    at: datetime


class EmailReleased(Event):
    """Anybody may claim it now. Sealed with the system's key when its person is erased."""

    at: datetime


EmailEvent = EmailClaimed | EmailReleased
