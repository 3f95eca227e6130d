"""The people, places and times of the stories that these tests tell."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.users.events.people import EmailId, InvitationId, SessionId, TokenId, UserRegistered
from sigdep.users.events.workspaces import MemberAdded, MemberInvited, WorkspaceCreated

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def identity(number: int) -> UUID:
    return UUID(f"019aab00-0000-7000-8000-{number:012}")


ADA, BOB, CYD, DAN, EVE = (UserId(identity(n)) for n in range(1, 6))
HOME, TEAM = WorkspaceId(identity(11)), WorkspaceId(identity(12))
ADAS_EMAIL, BOBS_EMAIL = EmailId(identity(21)), EmailId(identity(22))
SESSION, OTHER_SESSION = SessionId(identity(31)), SessionId(identity(32))
TOKEN = TokenId(identity(41))
INVITATION, OTHER_INVITATION = InvitationId(identity(51)), InvitationId(identity(52))

registered = UserRegistered(
    user_id=ADA,
    email="ada@example.com",
    email_id=ADAS_EMAIL,
    name="Ada",
    password_hash="$argon2id$first",
    personal_workspace_id=HOME,
    time_zone="Europe/London",
    locale="en-GB",
    at=NOON,
)

home_created = WorkspaceCreated(workspace_id=HOME, name="Personal", personal=True, by=ADA, at=NOON)
team_created = WorkspaceCreated(workspace_id=TEAM, name="Team", personal=False, by=ADA, at=NOON)


def joined(user_id: UserId, role: Role, workspace_id: WorkspaceId = TEAM) -> MemberAdded:
    return MemberAdded(workspace_id=workspace_id, user_id=user_id, role=role, by=ADA, at=NOON)


team = (team_created, joined(ADA, "owner"), joined(BOB, "admin"), joined(CYD, "member"), joined(DAN, "viewer"))
"""A workspace with one of each role. Eve is a stranger to it."""


def invited(role: Role = "member", invitation_id: InvitationId = INVITATION) -> MemberInvited:
    return MemberInvited(
        workspace_id=TEAM,
        invitation_id=invitation_id,
        email="eve@example.com",
        email_id=BOBS_EMAIL,
        role=role,
        expires_at=NOON + timedelta(days=7),
        by=BOB,
        at=NOON,
    )
