"""People come into a workspace invited by address, and by their own acceptance."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Forbidden, Refused
from sigdep.testing.given import Given
from sigdep.users.commands.workspaces import (
    AcceptInvitation,
    DeclineInvitation,
    ForgetInvitation,
    InviteMember,
    RevokeInvitation,
)
from sigdep.users.domain import members
from sigdep.users.domain.invitations import INVITATIONS_MAX, AlreadyInvited, AlreadyMember, InvitationGone
from sigdep.users.domain.members import TooManyMembers
from sigdep.users.domain.workspace import workspace
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.events.people import EmailId, InvitationId
from sigdep.users.events.workspaces import (
    InvitationAccepted,
    InvitationDeclined,
    InvitationForgotten,
    InvitationRevoked,
    MemberAdded,
    WorkspaceErasureBegun,
)
from tests.users.people import (
    ADA,
    ADAS_EMAIL,
    BOB,
    BOBS_EMAIL,
    CYD,
    DAN,
    EVE,
    HOME,
    INVITATION,
    LATER,
    NOON,
    OTHER_INVITATION,
    TEAM,
    home_created,
    identity,
    invited,
    joined,
    team,
)

given = Given(workspace)

invite = InviteMember(
    workspace_id=TEAM,
    invitation_id=INVITATION,
    email="eve@example.com",
    email_id=BOBS_EMAIL,
    invitee=EVE,
    role="member",
    expires_at=NOON + timedelta(days=7),
    by=BOB,
    at=NOON,
)
accept = AcceptInvitation(workspace_id=TEAM, invitation_id=INVITATION, email_id=BOBS_EMAIL, by=EVE, at=LATER)
decline = DeclineInvitation(workspace_id=TEAM, invitation_id=INVITATION, email_id=BOBS_EMAIL, by=EVE, at=LATER)
revoke = RevokeInvitation(workspace_id=TEAM, invitation_id=INVITATION, by=BOB, at=LATER)
accepted = InvitationAccepted(workspace_id=TEAM, invitation_id=INVITATION, by=EVE, at=LATER)
came_in = MemberAdded(workspace_id=TEAM, user_id=EVE, role="member", by=BOB, at=LATER)


def test_an_admin_invites() -> None:
    given(*team).when(invite).then(invited())


@pytest.mark.parametrize("by", [CYD, DAN])
def test_a_member_or_a_viewer_does_not(by: UserId) -> None:
    given(*team).when(replace(invite, by=by)).refused(Forbidden)


def test_a_stranger_learns_nothing() -> None:
    given(*team).when(replace(invite, by=EVE)).refused(WorkspaceNotFound)
    given(*team, invited()).when(replace(revoke, by=EVE)).refused(WorkspaceNotFound)


def test_only_an_owner_invites_an_owner() -> None:
    given(*team).when(replace(invite, role="owner")).refused(Forbidden)
    given(*team).when(replace(invite, role="owner", by=ADA)).then(replace(invited("owner"), by=ADA))


def test_nobody_is_invited_to_a_personal_workspace() -> None:
    given(home_created, joined(ADA, "owner", HOME)).when(replace(invite, workspace_id=HOME, by=ADA)).refused(
        Refused, "for one person"
    )


def test_a_member_is_not_invited_again() -> None:
    given(*team).when(replace(invite, invitee=CYD)).refused(AlreadyMember)


def test_an_address_without_an_account_is_invited() -> None:
    given(*team).when(replace(invite, invitee=None)).then(invited())


def test_one_address_has_one_invitation_at_a_time() -> None:
    again = replace(invite, invitation_id=OTHER_INVITATION)
    given(*team, invited()).when(again).refused(AlreadyInvited)
    a_week_later = replace(again, at=NOON + timedelta(days=7))
    given(*team, invited()).when(a_week_later).then(
        replace(invited(invitation_id=OTHER_INVITATION), at=NOON + timedelta(days=7))
    )


def test_only_so_many_invitations_can_wait() -> None:
    waiting = [
        replace(invited(), invitation_id=InvitationId(identity(1000 + n)), email_id=EmailId(identity(2000 + n)))
        for n in range(INVITATIONS_MAX)
    ]
    given(*team, *waiting[:-1]).when(invite).then(invited())
    given(*team, *waiting).when(invite).refused(Refused, "can wait")


def test_accepting_brings_one_in_with_the_role_that_was_offered() -> None:
    given(*team, invited()).when(accept).then(accepted, came_in).when(accept).refused(InvitationGone)


def test_somebody_else_cannot_accept_it() -> None:
    given(*team, invited()).when(replace(accept, email_id=ADAS_EMAIL)).refused(Forbidden, "another address")
    given(*team, invited()).when(replace(decline, email_id=ADAS_EMAIL)).refused(Forbidden, "another address")


def test_an_invitation_expires() -> None:
    late = NOON + timedelta(days=7)
    given(*team, invited()).when(replace(accept, at=late)).refused(InvitationGone)
    given(*team, invited()).when(replace(decline, at=late)).refused(InvitationGone)


def test_a_member_who_accepts_keeps_their_role() -> None:
    given(*team, invited("admin"), joined(EVE, "viewer")).when(accept).then(accepted)


def test_a_full_workspace_takes_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigdep.users.domain.invitations.MEMBERS_MAX", len(team) - 1)
    given(*team, invited()).when(accept).refused(TooManyMembers)
    assert members.MEMBERS_MAX == 1_000


def test_declining_ends_it() -> None:
    declined = InvitationDeclined(workspace_id=TEAM, invitation_id=INVITATION, by=EVE, at=LATER)
    given(*team, invited()).when(decline).then(declined).when(accept).refused(InvitationGone)


def test_revoking_ends_it() -> None:
    revoked = InvitationRevoked(workspace_id=TEAM, invitation_id=INVITATION, by=BOB, at=LATER)
    given(*team, invited()).when(revoke).then(revoked).when(accept).refused(InvitationGone)


def test_only_an_owner_revokes_the_invitation_of_an_owner() -> None:
    given(*team, invited("owner")).when(revoke).refused(Forbidden)


@pytest.mark.parametrize("by", [CYD, DAN])
def test_a_member_or_a_viewer_revokes_nothing(by: UserId) -> None:
    given(*team, invited()).when(replace(revoke, by=by)).refused(Forbidden)


def test_what_was_never_made_is_gone_too() -> None:
    given(*team).when(accept).refused(InvitationGone)
    given(*team).when(revoke).refused(InvitationGone)


def test_a_workspace_that_goes_takes_its_invitations_along() -> None:
    begun = WorkspaceErasureBegun(workspace_id=TEAM, at=LATER)
    given(*team, invited(), begun).when(accept).refused(InvitationGone)


def test_a_forgotten_invitation_cannot_be_accepted() -> None:
    forget = ForgetInvitation(workspace_id=TEAM, invitation_id=INVITATION, at=LATER)
    forgotten = InvitationForgotten(workspace_id=TEAM, invitation_id=INVITATION, at=LATER)
    given(*team, invited()).when(forget).then(forgotten).when(accept).refused(InvitationGone)


def test_an_invitation_is_forgotten_though_its_key_is_gone() -> None:
    given(*team).when(ForgetInvitation(workspace_id=TEAM, invitation_id=INVITATION, at=LATER)).then(
        InvitationForgotten(workspace_id=TEAM, invitation_id=INVITATION, at=LATER)
    )
