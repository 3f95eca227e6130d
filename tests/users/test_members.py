"""Roles: owner > admin > member > viewer. An owner always remains."""

import pytest

from sigdep.contracts.ids import UserId
from sigdep.contracts.roles import Role
from sigdep.kernel.errors import Forbidden, NotFound
from sigdep.testing.given import Given
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveErasedMember, RemoveMember
from sigdep.users.domain.members import LastOwner
from sigdep.users.domain.workspace import workspace
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.events.workspaces import MemberRemoved, MemberRoleChanged, WorkspaceErasureBegun
from tests.users.people import ADA, BOB, CYD, DAN, EVE, LATER, TEAM, joined, team, team_created

given = Given(workspace)


def change(by: UserId, of: UserId, to: Role) -> ChangeMemberRole:
    return ChangeMemberRole(workspace_id=TEAM, user_id=of, role=to, by=by, at=LATER)


def changed(by: UserId | None, of: UserId, to: Role) -> MemberRoleChanged:
    return MemberRoleChanged(workspace_id=TEAM, user_id=of, role=to, by=by, at=LATER)


def remove(by: UserId, whom: UserId) -> RemoveMember:
    return RemoveMember(workspace_id=TEAM, user_id=whom, by=by, at=LATER)


def removed(by: UserId | None, whom: UserId) -> MemberRemoved:
    return MemberRemoved(workspace_id=TEAM, user_id=whom, by=by, at=LATER)


@pytest.mark.parametrize("to", ["admin", "viewer"])
@pytest.mark.parametrize("by", [ADA, BOB])
def test_an_admin_changes_roles(by: UserId, to: Role) -> None:
    given(*team).when(change(by, CYD, to)).then(changed(by, CYD, to))


def test_the_same_role_is_no_change() -> None:
    given(*team).when(change(ADA, CYD, "member")).then()


@pytest.mark.parametrize("by", [CYD, DAN])
def test_a_member_or_a_viewer_changes_no_role_not_even_their_own(by: UserId) -> None:
    given(*team).when(change(by, by, "admin")).refused(Forbidden)
    given(*team).when(change(by, BOB, "viewer")).refused(Forbidden)


def test_a_stranger_learns_nothing() -> None:
    given(*team).when(change(EVE, CYD, "viewer")).refused(WorkspaceNotFound)
    given(*team).when(remove(EVE, CYD)).refused(WorkspaceNotFound)
    given(*team).when(remove(EVE, EVE)).refused(WorkspaceNotFound)


def test_only_an_owner_makes_owners() -> None:
    given(*team).when(change(BOB, CYD, "owner")).refused(Forbidden)
    given(*team).when(change(BOB, BOB, "owner")).refused(Forbidden)
    given(*team).when(change(ADA, CYD, "owner")).then(changed(ADA, CYD, "owner"))


def test_an_admin_cannot_touch_an_owner() -> None:
    given(*team).when(change(BOB, ADA, "viewer")).refused(Forbidden)
    given(*team).when(remove(BOB, ADA)).refused(Forbidden)
    given(*team, joined(EVE, "owner")).when(remove(BOB, EVE)).refused(Forbidden)


def test_the_last_owner_stays_one() -> None:
    given(*team).when(change(ADA, ADA, "admin")).refused(LastOwner)
    given(*team).when(remove(ADA, ADA)).refused(LastOwner)


def test_one_of_two_owners_may_go() -> None:
    two = (*team, joined(EVE, "owner"))
    given(*two).when(change(ADA, ADA, "member")).then(changed(ADA, ADA, "member"))
    given(*two).when(remove(ADA, ADA)).then(removed(ADA, ADA))
    given(*two).when(remove(ADA, EVE)).then(removed(ADA, EVE))


@pytest.mark.parametrize("who", [BOB, CYD, DAN])
def test_everybody_else_may_leave(who: UserId) -> None:
    given(*team).when(remove(who, who)).then(removed(who, who))


def test_an_admin_removes_members() -> None:
    given(*team).when(remove(BOB, CYD)).then(removed(BOB, CYD)).when(remove(CYD, CYD)).refused(WorkspaceNotFound)


@pytest.mark.parametrize("by", [CYD, DAN])
def test_a_member_or_a_viewer_removes_nobody(by: UserId) -> None:
    given(*team).when(remove(by, BOB)).refused(Forbidden)


def test_who_is_no_member_has_no_role() -> None:
    given(*team).when(change(ADA, EVE, "admin")).refused(NotFound)
    given(*team).when(remove(ADA, EVE)).refused(NotFound)


def test_when_the_only_owner_is_erased_the_next_in_rank_inherits() -> None:
    erase = RemoveErasedMember(workspace_id=TEAM, user_id=ADA, at=LATER)
    given(*team).when(erase).then(changed(None, BOB, "owner"), removed(None, ADA))
    given(team_created, joined(ADA, "owner"), joined(DAN, "viewer"), joined(CYD, "member"), joined(EVE, "member")).when(
        erase
    ).then(changed(None, CYD, "owner"), removed(None, ADA))


def test_when_one_of_several_owners_is_erased_nobody_inherits() -> None:
    given(*team, joined(EVE, "owner")).when(RemoveErasedMember(workspace_id=TEAM, user_id=ADA, at=LATER)).then(
        removed(None, ADA)
    )


def test_who_has_left_already_is_not_removed_again() -> None:
    erase = RemoveErasedMember(workspace_id=TEAM, user_id=EVE, at=LATER)
    given(*team).when(erase).then()
    given(WorkspaceErasureBegun(workspace_id=TEAM, at=LATER)).when(erase).then()
