"""Workspaces come, are renamed, and go."""

from datetime import timedelta

import pytest

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Forbidden, Refused
from sigdep.testing.given import Given
from sigdep.users.commands.workspaces import (
    BeginWorkspaceErasure,
    CancelWorkspaceErasure,
    CreateWorkspace,
    FinishWorkspaceErasure,
    RenameWorkspace,
    RequestWorkspaceErasure,
)
from sigdep.users.domain.workspace import workspace
from sigdep.users.domain.workspace_state import WorkspaceNotFound
from sigdep.users.events.workspaces import (
    WorkspaceErased,
    WorkspaceErasureBegun,
    WorkspaceErasureCancelled,
    WorkspaceErasureRequested,
    WorkspaceRenamed,
)
from tests.users.people import (
    ADA,
    BOB,
    CYD,
    DAN,
    EVE,
    HOME,
    LATER,
    NOON,
    TEAM,
    home_created,
    joined,
    team,
    team_created,
)

given = Given(workspace)

create = CreateWorkspace(workspace_id=TEAM, name="Team", by=ADA, at=NOON)
requested = WorkspaceErasureRequested(workspace_id=TEAM, due_at=LATER, by=ADA, at=NOON)
begun = WorkspaceErasureBegun(workspace_id=TEAM, at=LATER)
erased = WorkspaceErased(workspace_id=TEAM, at=LATER)


def rename(by: UserId, name: str = "Crew") -> RenameWorkspace:
    return RenameWorkspace(workspace_id=TEAM, name=name, by=by, at=LATER)


def test_who_creates_a_workspace_owns_it() -> None:
    given().when(create).then(team_created, joined(ADA, "owner"))


def test_creating_twice_creates_once() -> None:
    given(team_created, joined(ADA, "owner")).when(create).then()


def test_the_id_of_another_workspace_is_refused() -> None:
    given(*team).when(CreateWorkspace(workspace_id=TEAM, name="Team", by=EVE, at=NOON)).refused(Refused)
    given(begun, erased).when(create).refused(Refused)


@pytest.mark.parametrize("by", [ADA, BOB])
def test_an_admin_renames_it(by: UserId) -> None:
    given(*team).when(rename(by)).then(WorkspaceRenamed(workspace_id=TEAM, name="Crew", by=by, at=LATER))


def test_the_same_name_is_no_change() -> None:
    given(*team).when(rename(ADA, "Team")).then()


@pytest.mark.parametrize("by", [CYD, DAN])
def test_others_may_not(by: UserId) -> None:
    given(*team).when(rename(by)).refused(Forbidden, "needs the role admin")


def test_a_stranger_does_not_learn_that_it_exists() -> None:
    given(*team).when(rename(EVE)).refused(WorkspaceNotFound)
    given().when(rename(EVE)).refused(WorkspaceNotFound)


def test_an_owner_requests_its_erasure_once() -> None:
    request = RequestWorkspaceErasure(workspace_id=TEAM, due_at=LATER, by=ADA, at=NOON)
    given(*team).when(request).then(requested).when(request).then()


@pytest.mark.parametrize("by", [BOB, CYD, DAN])
def test_only_an_owner_may(by: UserId) -> None:
    given(*team).when(RequestWorkspaceErasure(workspace_id=TEAM, due_at=LATER, by=by, at=NOON)).refused(Forbidden)


def test_a_personal_workspace_goes_with_its_account_only() -> None:
    given(home_created, joined(ADA, "owner", HOME)).when(
        RequestWorkspaceErasure(workspace_id=HOME, due_at=LATER, by=ADA, at=NOON)
    ).refused(Refused, "goes with its account")


def test_an_owner_takes_the_erasure_back_in_time() -> None:
    cancel = CancelWorkspaceErasure(workspace_id=TEAM, by=ADA, at=NOON)
    after = given(*team, requested).when(cancel).then(WorkspaceErasureCancelled(workspace_id=TEAM, by=ADA, at=NOON))
    after.when(cancel).then()
    after.when(BeginWorkspaceErasure(workspace_id=TEAM, at=LATER)).then()


def test_an_admin_does_not_take_it_back() -> None:
    given(*team, requested).when(CancelWorkspaceErasure(workspace_id=TEAM, by=BOB, at=NOON)).refused(Forbidden)


def test_it_does_not_begin_before_its_time() -> None:
    given(*team, requested).when(BeginWorkspaceErasure(workspace_id=TEAM, at=LATER - timedelta(seconds=1))).then()


def test_when_its_time_has_come_nobody_is_a_member_any_more() -> None:
    after = given(*team, requested).when(BeginWorkspaceErasure(workspace_id=TEAM, at=LATER)).then(begun)
    after.when(rename(ADA)).refused(WorkspaceNotFound)
    after.when(CancelWorkspaceErasure(workspace_id=TEAM, by=ADA, at=LATER)).refused(WorkspaceNotFound)


def test_it_ends_though_the_events_before_cannot_be_read_any_more() -> None:
    finish = FinishWorkspaceErasure(workspace_id=TEAM, at=LATER)
    given(begun).when(finish).then(erased).when(finish).then()
    given(*team).when(finish).then()


def test_it_goes_with_its_only_member() -> None:
    given(home_created, joined(ADA, "owner", HOME)).when(
        BeginWorkspaceErasure(workspace_id=HOME, at=LATER, with_owner=ADA)
    ).then(WorkspaceErasureBegun(workspace_id=HOME, at=LATER))


def test_it_does_not_go_with_one_of_several() -> None:
    given(*team).when(BeginWorkspaceErasure(workspace_id=TEAM, at=LATER, with_owner=ADA)).then()
