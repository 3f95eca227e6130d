"""Whose key must be destroyed, and when: people, workspaces, and invitations that are over. And whose has been."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Compare, Index, Key, Table
from sigdep.users.events.people import UserErased, UserErasureBegun, UserErasureCancelled, UserErasureRequested
from sigdep.users.events.workspaces import (
    InvitationAccepted,
    InvitationDeclined,
    InvitationForgotten,
    InvitationRevoked,
    MemberInvited,
    WorkspaceErased,
    WorkspaceErasureBegun,
    WorkspaceErasureCancelled,
    WorkspaceErasureRequested,
)

Kind = Literal["user", "workspace", "invitation"]

ERASURES: Final = Table(
    name="erasures",
    columns=(
        Column("subject_id", "uuid"),
        Column("kind", "text"),
        Column("due_at", "instant"),
        Column("workspace_id", "uuid"),
    ),
    key=("subject_id",),
    indexes=(Index(("due_at",)), Index(("workspace_id",))),
)
"""`workspace_id`: of an invitation. One that was begun is due at once."""

ERASED: Final = Table(
    name="erased",
    columns=(Column("subject_id", "uuid"), Column("kind", "text"), Column("workspace_id", "uuid")),
    key=("subject_id",),
    indexes=(Index(("workspace_id",)),),
)
"""Kept for good: keys may come back with an older backup. Of an erased workspace one row, invitations included."""

Over = InvitationAccepted | InvitationDeclined | InvitationRevoked


def key_of(event: Event) -> Key | None:
    """The row that the event changes."""
    return (event.invitation_id,) if isinstance(event, Over) else None


def project(event: Event, rows: Rows) -> None:
    match event:
        case UserErasureRequested():
            _put(rows, event.user_id, "user", event.due_at)
        case UserErasureBegun():
            _put(rows, event.user_id, "user", event.at)
        case UserErasureCancelled():
            rows.delete(ERASURES, (event.user_id,))
        case UserErased():
            _put_erased(rows, event.user_id, "user")
        case WorkspaceErasureRequested():
            _put(rows, event.workspace_id, "workspace", event.due_at)
        case WorkspaceErasureBegun():
            _put(rows, event.workspace_id, "workspace", event.at)
        case WorkspaceErasureCancelled():
            rows.delete(ERASURES, (event.workspace_id,))
        case WorkspaceErased():
            for table in (ERASURES, ERASED):  # Of its invitations.
                rows.delete_where(table, Compare("workspace_id", "=", event.workspace_id))
            _put_erased(rows, event.workspace_id, "workspace")
        case MemberInvited():
            _put(rows, event.invitation_id, "invitation", event.expires_at, event.workspace_id)
        case InvitationForgotten():
            _put_erased(rows, event.invitation_id, "invitation", event.workspace_id)
        case InvitationAccepted() | InvitationDeclined() | InvitationRevoked():
            row = rows.get(ERASURES, (event.invitation_id,))
            if row is not None:  # None: its key is destroyed already.
                rows.put(ERASURES, {**row, "due_at": event.at})
        case _:
            pass


def _put(rows: Rows, subject: UUID, kind: Kind, due_at: datetime, workspace_id: WorkspaceId | None = None) -> None:
    rows.put(ERASURES, {"subject_id": subject, "kind": kind, "due_at": due_at, "workspace_id": workspace_id})


def _put_erased(rows: Rows, subject: UUID, kind: Kind, workspace_id: WorkspaceId | None = None) -> None:
    rows.delete(ERASURES, (subject,))
    rows.put(ERASED, {"subject_id": subject, "kind": kind, "workspace_id": workspace_id})
