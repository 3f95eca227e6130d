"""What is asked of people's accounts and addresses."""

from datetime import datetime

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.messages import UNSET, Command, UnsetType
from sigdep.users.events.people import EmailId, SessionId


class RegisterUser(Command):
    user_id: UserId
    email: str
    email_id: EmailId
    name: str
    password_hash: str
    personal_workspace_id: WorkspaceId
    time_zone: str
    locale: str
    at: datetime


class EditProfile(Command):
    user_id: UserId
    at: datetime
    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET


class ChangeEmail(Command):
    user_id: UserId
    email: str
    email_id: EmailId
    at: datetime


class ChangePassword(Command):
    user_id: UserId
    password_hash: str
    session_id: SessionId | None
    """The session that asks, which goes on."""
    at: datetime


class RehashPassword(Command):
    user_id: UserId
    old_hash: str
    password_hash: str
    at: datetime


class RequestUserErasure(Command):
    user_id: UserId
    due_at: datetime
    at: datetime


class CancelUserErasure(Command):
    user_id: UserId
    at: datetime


class BeginUserErasure(Command):
    user_id: UserId
    at: datetime


class FinishUserErasure(Command):
    """The person's key is destroyed."""

    user_id: UserId
    at: datetime


UserCommand = (
    RegisterUser
    | EditProfile
    | ChangeEmail
    | ChangePassword
    | RehashPassword
    | RequestUserErasure
    | CancelUserErasure
    | BeginUserErasure
    | FinishUserErasure
)


class ClaimEmail(Command):
    user_id: UserId
    at: datetime


class ReleaseEmail(Command):
    user_id: UserId
    at: datetime


EmailCommand = ClaimEmail | ReleaseEmail
