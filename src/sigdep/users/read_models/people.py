"""Who is who: the profile of each person, and which of their sessions a changed password has ended."""

from typing import Any, Final

from sigdep.contracts.ids import UserId
from sigdep.kernel.messages import UNSET, Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Key, Table
from sigdep.kernel.store import RecordedEvent
from sigdep.users.events.people import (
    EmailChanged,
    PasswordChanged,
    PasswordRehashed,
    ProfileEdited,
    UserErasureBegun,
    UserErasureCancelled,
    UserErasureRequested,
    UserRegistered,
)

PEOPLE: Final = Table(
    name="people",
    columns=(
        Column("user_id", "uuid"),
        Column("email", "text"),
        Column("name", "text"),
        Column("time_zone", "text"),
        Column("locale", "text"),
        Column("personal_workspace_id", "uuid"),
        Column("password_number", "integer"),
        Column("kept_session_id", "uuid"),
        Column("created_at", "instant"),
        Column("erased_at", "instant"),
        Column("version", "integer"),
    ),
    key=("user_id",),
)

Change = ProfileEdited | EmailChanged | PasswordChanged | PasswordRehashed | UserErasureRequested | UserErasureCancelled


def key_of(event: Event) -> Key | None:
    """The row that the event changes."""
    return (event.user_id,) if isinstance(event, Change) else None


def project(recorded: RecordedEvent, event: Event, rows: Rows) -> None:
    if isinstance(event, UserRegistered):
        rows.put(
            PEOPLE,
            {
                "user_id": event.user_id,
                "email": event.email,
                "name": event.name,
                "time_zone": event.time_zone,
                "locale": event.locale,
                "personal_workspace_id": event.personal_workspace_id,
                "password_number": 0,
                "kept_session_id": None,
                "created_at": event.at,
                "erased_at": None,
                "version": recorded.version,
            },
        )
    elif isinstance(event, UserErasureBegun):
        rows.delete(PEOPLE, (event.user_id,))
    elif isinstance(event, Change):
        _change(event.user_id, recorded, event, rows)


def _change(user_id: UserId, recorded: RecordedEvent, event: Change, rows: Rows) -> None:
    row = rows.get(PEOPLE, (user_id,))
    if row is not None:  # None: the person is erased, and the key is only just being destroyed.
        rows.put(PEOPLE, {**row, **_changes(event, row), "version": recorded.version})


def _changes(event: Change, row: Any) -> dict[str, Any]:
    match event:
        case ProfileEdited():
            edited = {"name": event.name, "time_zone": event.time_zone, "locale": event.locale}
            return {column: value for column, value in edited.items() if value is not UNSET}
        case EmailChanged():
            return {"email": event.email}
        case PasswordChanged():
            return {"password_number": row["password_number"] + 1, "kept_session_id": event.kept_session_id}
        case PasswordRehashed():
            return {}
        case UserErasureRequested():
            return {"erased_at": event.due_at}
        case UserErasureCancelled():
            return {"erased_at": None}
