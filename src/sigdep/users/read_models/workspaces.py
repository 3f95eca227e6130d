"""Which workspaces there are, who belongs to them in which role, and who is invited."""

from typing import Final

from sigdep.kernel.messages import Event
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Column, Compare, Index, Key, Row, Table
from sigdep.kernel.store import RecordedEvent
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
    WorkspaceErasureBegun,
    WorkspaceErasureCancelled,
    WorkspaceErasureRequested,
    WorkspaceEvent,
    WorkspaceRenamed,
)

WORKSPACES: Final = Table(
    name="workspaces",
    columns=(
        Column("workspace_id", "uuid"),
        Column("name", "text"),
        Column("personal", "boolean"),
        Column("created_by", "uuid"),
        Column("created_at", "instant"),
        Column("erased_at", "instant"),
        Column("version", "integer"),
    ),
    key=("workspace_id",),
)

MEMBERSHIPS: Final = Table(
    name="memberships",
    columns=(
        Column("user_id", "uuid"),
        Column("workspace_id", "uuid"),
        Column("role", "text"),
        Column("since", "instant"),
    ),
    key=("user_id", "workspace_id"),
    indexes=(Index(("workspace_id", "since")),),
)

INVITATIONS: Final = Table(
    name="invitations",
    columns=(
        Column("invitation_id", "uuid"),
        Column("workspace_id", "uuid"),
        Column("email", "text"),
        Column("email_id", "uuid"),
        Column("role", "text"),
        Column("invited_by", "uuid"),
        Column("invited_at", "instant"),
        Column("expires_at", "instant"),
    ),
    key=("invitation_id",),
    indexes=(Index(("workspace_id", "invited_at")), Index(("email_id",))),
)
"""Those that wait for an answer or have expired."""


def key_of(event: Event) -> Key | None:
    """The workspace's row that the event changes: each has its version."""
    return (event.workspace_id,) if isinstance(event, WorkspaceEvent) else None


def membership_key_of(event: Event) -> Key | None:
    """The membership's row that the event changes."""
    return (event.user_id, event.workspace_id) if isinstance(event, MemberRoleChanged) else None


def project(recorded: RecordedEvent, event: Event, rows: Rows) -> None:
    if not isinstance(event, WorkspaceEvent):
        return
    _project_workspace(recorded, event, rows)
    _project_memberships(event, rows)
    _project_invitations(event, rows)


def _project_workspace(recorded: RecordedEvent, event: WorkspaceEvent, rows: Rows) -> None:
    if isinstance(event, WorkspaceCreated):
        row: Row | None = {
            "workspace_id": event.workspace_id,
            "name": event.name,
            "personal": event.personal,
            "created_by": event.by,
            "created_at": event.at,
            "erased_at": None,
        }
    else:
        row = rows.get(WORKSPACES, (event.workspace_id,))
    if isinstance(event, WorkspaceErasureBegun):
        rows.delete(WORKSPACES, (event.workspace_id,))
    elif row is not None:
        rows.put(WORKSPACES, {**row, **_changes(event), "version": recorded.version})


def _changes(event: WorkspaceEvent) -> Row:
    match event:
        case WorkspaceRenamed():
            return {"name": event.name}
        case WorkspaceErasureRequested():
            return {"erased_at": event.due_at}
        case WorkspaceErasureCancelled():
            return {"erased_at": None}
        case _:
            return {}


def _project_memberships(event: WorkspaceEvent, rows: Rows) -> None:
    match event:
        case MemberAdded():
            row: Row = {
                "user_id": event.user_id,
                "workspace_id": event.workspace_id,
                "role": event.role,
                "since": event.at,
            }
            rows.put(MEMBERSHIPS, row)
        case MemberRoleChanged():
            found = rows.get(MEMBERSHIPS, (event.user_id, event.workspace_id))
            if found is not None:
                rows.put(MEMBERSHIPS, {**found, "role": event.role})
        case MemberRemoved():
            rows.delete(MEMBERSHIPS, (event.user_id, event.workspace_id))
        case WorkspaceErasureBegun():
            rows.delete_where(MEMBERSHIPS, Compare("workspace_id", "=", event.workspace_id))
        case _:
            pass


def _project_invitations(event: WorkspaceEvent, rows: Rows) -> None:
    match event:
        case MemberInvited():
            row: Row = {
                "invitation_id": event.invitation_id,
                "workspace_id": event.workspace_id,
                "email": event.email,
                "email_id": event.email_id,
                "role": event.role,
                "invited_by": event.by,
                "invited_at": event.at,
                "expires_at": event.expires_at,
            }
            rows.put(INVITATIONS, row)
        case InvitationAccepted() | InvitationDeclined() | InvitationRevoked() | InvitationForgotten():
            rows.delete(INVITATIONS, (event.invitation_id,))
        case WorkspaceErasureBegun():
            rows.delete_where(INVITATIONS, Compare("workspace_id", "=", event.workspace_id))
        case _:
            pass
