"""A person's account: its profile, its password, and its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.messages import UNSET, State
from sigdep.users.commands.people import (
    BeginUserErasure,
    CancelUserErasure,
    ChangeEmail,
    ChangePassword,
    EditProfile,
    FinishUserErasure,
    RegisterUser,
    RehashPassword,
    RequestUserErasure,
    UserCommand,
)
from sigdep.users.events.people import (
    EmailChanged,
    EmailId,
    PasswordChanged,
    PasswordRehashed,
    ProfileEdited,
    SessionId,
    UserErased,
    UserErasureBegun,
    UserErasureCancelled,
    UserErasureRequested,
    UserEvent,
    UserRegistered,
)

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class User(State):
    """What deciding remembers of a person, and what they see of themselves. Empty again once they are being erased."""

    status: Literal["absent", "active", "erasing", "erased"] = "absent"
    id: UserId = UserId(_NOBODY)
    email: str = ""
    email_id: EmailId = EmailId(_NOBODY)
    name: str = ""
    password_hash: str = ""
    password_number: int = 0
    """How often it has been changed."""
    kept_session_id: SessionId | None = None
    """The session that changed the password last: it goes on."""
    personal_workspace_id: WorkspaceId = WorkspaceId(_NOBODY)
    time_zone: str = "UTC"
    locale: str = "en"
    created_at: datetime = _NEVER
    erased_at: datetime | None = None
    """When the account will be erased, if that has been asked for."""

    def admits(self, session_id: SessionId, password_number: int) -> bool:
        """Whether a session that began with the given password is still good."""
        return self.status == "active" and (
            password_number == self.password_number or session_id == self.kept_session_id
        )


class UserNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This account does not exist.")


class ErasurePending(Refused):
    """The account is to be erased, so nothing new may depend on it."""

    def __init__(self) -> None:
        super().__init__("This account is about to be erased. Keep it first: POST /api/users/me/keep.")


def decide(command: UserCommand, user: User) -> Sequence[UserEvent]:
    if isinstance(command, RegisterUser):
        return _register(command, user)
    if isinstance(command, FinishUserErasure):
        return [UserErased(user_id=command.user_id, at=command.at)] if user.status == "erasing" else []
    if isinstance(command, BeginUserErasure):
        return _begin_erasure(command, user)
    if user.status != "active":
        raise UserNotFound
    return _change(command, user)


def _register(command: RegisterUser, user: User) -> Sequence[UserEvent]:
    if user.status != "absent":
        raise Refused("Another user has this id.")
    return [
        UserRegistered(
            user_id=command.user_id,
            email=command.email,
            email_id=command.email_id,
            name=command.name,
            password_hash=command.password_hash,
            personal_workspace_id=command.personal_workspace_id,
            time_zone=command.time_zone,
            locale=command.locale,
            at=command.at,
        )
    ]


def _begin_erasure(command: BeginUserErasure, user: User) -> Sequence[UserEvent]:
    if user.status != "active" or user.erased_at is None or user.erased_at > command.at:
        return []  # It has been cancelled, or was begun already.
    return [
        UserErasureBegun(
            user_id=command.user_id,
            email_id=user.email_id,
            personal_workspace_id=user.personal_workspace_id,
            at=command.at,
        )
    ]


def _change(
    command: EditProfile | ChangeEmail | ChangePassword | RehashPassword | RequestUserErasure | CancelUserErasure,
    user: User,
) -> Sequence[UserEvent]:
    match command:
        case EditProfile():
            return _edit_profile(command, user)
        case ChangeEmail():
            if command.email == user.email:
                return []
            return [
                EmailChanged(user_id=command.user_id, email=command.email, email_id=command.email_id, at=command.at)
            ]
        case ChangePassword():
            return [
                PasswordChanged(
                    user_id=command.user_id,
                    password_hash=command.password_hash,
                    kept_session_id=command.session_id,
                    at=command.at,
                )
            ]
        case RehashPassword():
            if command.old_hash != user.password_hash:
                return []  # It has been changed meanwhile.
            return [PasswordRehashed(user_id=command.user_id, password_hash=command.password_hash, at=command.at)]
        case RequestUserErasure():
            if user.erased_at is not None:
                return []
            return [UserErasureRequested(user_id=command.user_id, due_at=command.due_at, at=command.at)]
        case CancelUserErasure():
            return [UserErasureCancelled(user_id=command.user_id, at=command.at)] if user.erased_at else []


def _edit_profile(command: EditProfile, user: User) -> Sequence[ProfileEdited]:
    """Only what has another value than before."""
    event = ProfileEdited(
        user_id=command.user_id,
        at=command.at,
        name=UNSET if command.name == user.name else command.name,
        time_zone=UNSET if command.time_zone == user.time_zone else command.time_zone,
        locale=UNSET if command.locale == user.locale else command.locale,
    )
    return [] if event.name is event.time_zone is event.locale is UNSET else [event]


def evolve(user: User, event: UserEvent) -> User:
    match event:
        case UserRegistered():
            return User(
                status="active",
                id=event.user_id,
                email=event.email,
                email_id=event.email_id,
                name=event.name,
                password_hash=event.password_hash,
                personal_workspace_id=event.personal_workspace_id,
                time_zone=event.time_zone,
                locale=event.locale,
                created_at=event.at,
            )
        case ProfileEdited():
            return replace(
                user,
                name=user.name if event.name is UNSET else event.name,
                time_zone=user.time_zone if event.time_zone is UNSET else event.time_zone,
                locale=user.locale if event.locale is UNSET else event.locale,
            )
        case EmailChanged():
            return replace(user, email=event.email, email_id=event.email_id)
        case PasswordChanged():
            return replace(
                user,
                password_hash=event.password_hash,
                password_number=user.password_number + 1,
                kept_session_id=event.kept_session_id,
            )
        case PasswordRehashed():
            return replace(user, password_hash=event.password_hash)
        case UserErasureRequested():
            return replace(user, erased_at=event.due_at)
        case UserErasureCancelled():
            return replace(user, erased_at=None)
        case UserErasureBegun():
            # Nothing personal stays in the state: a snapshot of it is not sealed with the person's key.
            return User(
                status="erasing",
                id=event.user_id,
                email_id=event.email_id,
                personal_workspace_id=event.personal_workspace_id,
            )
        case UserErased():
            return User(status="erased", id=event.user_id)


user: Final = Decider(category="user", initial=User(), decide=decide, evolve=evolve, schema="user-1")
