"""Workspaces and their members."""

from typing import Final

from msgspec.structs import replace

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import Forbidden, Refused
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.read_store import Compare
from sigdep.kernel.unit_of_work import Outcome, UnitOfWork
from sigdep.rpc.call import MEMBERSHIPS_MAX, Answer, Call
from sigdep.users.commands.requests import EraseWorkspace, KeepWorkspace, OpenWorkspace
from sigdep.users.commands.workspaces import (
    CancelWorkspaceErasure,
    ChangeMemberRole,
    CreateWorkspace,
    RemoveMember,
    RenameWorkspace,
    RequestWorkspaceErasure,
    WorkspaceCommand,
)
from sigdep.users.credentials.opaque import derived_id
from sigdep.users.domain import workspace
from sigdep.users.domain.texts import check_line
from sigdep.users.domain.user import ErasurePending, User, UserNotFound
from sigdep.users.domain.workspace_state import Workspace, WorkspaceNotFound
from sigdep.users.queries import MemberView, WorkspaceView
from sigdep.users.read_models.workspaces import MEMBERSHIPS
from sigdep.users.service.surroundings import Surroundings

_TOO_MANY: Final = f"You belong to {MEMBERSHIPS_MAX:,} workspaces already. Leave one first."


class Workspaces:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def open(self, request: OpenWorkspace, call: Call) -> Answer[WorkspaceView]:
        around, user_id = self._around, call.caller.user_id
        command = CreateWorkspace(
            workspace_id=request.workspace_id or WorkspaceId(derived_id(call.command_id, "workspace")),
            name=check_line(request.name, "/name"),
            by=user_id,
            at=call.asked_at,
        )
        existed = [False]

        async def work(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, command.workspace_id)
            existed[0] = place.status != "absent"
            if not existed[0]:
                await around.check_id_is_free(unit, command.workspace_id)
            await load_person_who_stays(around, unit, user_id)
            record(around, unit, command, place)
            unit.show(around.workspaces, command.workspace_id)

        outcome = await around.answered(call)
        if outcome is None:
            await check_may_join(around, user_id)
            outcome = await around.carry_out(call, work)
        return self._answer(outcome, user_id, created=not existed[0])

    async def rename(self, command: RenameWorkspace, call: Call) -> Answer[WorkspaceView]:
        command = replace(command, name=check_line(command.name, "/name"))
        return self._answer(await self._change(command, call), command.by)

    async def erase(self, request: EraseWorkspace, call: Call) -> Answer[WorkspaceView]:
        if call.caller.credential != "session":
            raise Forbidden("Sign in to erase a workspace: a token is not enough.")
        command = RequestWorkspaceErasure(
            workspace_id=request.workspace_id,
            due_at=call.asked_at + self._around.rules.erase_grace,
            by=call.caller.user_id,
            at=call.asked_at,
        )
        return self._answer(await self._change(command, call), command.by)

    async def keep(self, request: KeepWorkspace, call: Call) -> Answer[WorkspaceView]:
        command = CancelWorkspaceErasure(workspace_id=request.workspace_id, by=call.caller.user_id, at=call.asked_at)
        return self._answer(await self._change(command, call), command.by)

    async def change_role(self, command: ChangeMemberRole, call: Call) -> Answer[MemberView]:
        outcome = await self._change(command, call)
        place: Workspace = outcome.state
        if command.user_id not in place.members:
            raise WorkspaceNotFound  # Erased since this was first answered.
        member = place.members[command.user_id]
        person = await self._around.present(self._around.users, command.user_id)
        return Answer(
            value=MemberView(
                user_id=command.user_id,
                workspace_id=command.workspace_id,
                role=member.role,
                since=member.since,
                name=person.name,
                email=person.email,
            ),
            position=self._around.position(outcome),
        )

    async def remove_member(self, command: RemoveMember, call: Call) -> Answer[None]:
        outcome = await self._change(command, call)
        return Answer(value=None, position=self._around.position(outcome))

    async def _change(self, command: WorkspaceCommand, call: Call) -> Outcome:
        around = self._around

        async def work(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, command.workspace_id)
            place.role_of(call.caller.user_id)  # A stranger is not told that their version is stale.
            stream = around.workspaces.decider.stream(command.workspace_id)
            call.match(stream, unit.version(around.workspaces, command.workspace_id))
            record(around, unit, command, place)
            unit.show(around.workspaces, command.workspace_id)

        return await around.carry_out(call, work)

    def _answer(self, outcome: Outcome, user_id: UserId, *, created: bool = False) -> Answer[WorkspaceView]:
        return Answer(
            value=workspace_view(outcome.state, user_id, outcome.version),
            position=self._around.position(outcome),
            version=outcome.version,
            created=created,
        )


def record(around: Surroundings, unit: UnitOfWork, command: WorkspaceCommand, place: Workspace) -> Workspace:
    """Decide, and record the events sealed with the workspace's key."""
    subject = SubjectId(command.workspace_id)
    return unit.record(around.workspaces, command.workspace_id, subject, workspace.decide(command, place))


async def load_person_who_stays(around: Surroundings, unit: UnitOfWork, user_id: UserId) -> User:
    """Somebody who is about to belong to one more workspace.

    The unit fails if they ask to be erased meanwhile: what belongs to them is looked up only when they do.

    Raises:
        ErasurePending: they are about to be erased.
    """
    person = await unit.load(around.users, user_id, guard=True)
    if person.status != "active":
        raise UserNotFound
    if person.erased_at is not None:
        raise ErasurePending
    return person


async def check_may_join(around: Surroundings, user_id: UserId) -> None:
    """
    Raises:
        Refused: they belong to as many workspaces as one can. Counted in the read model, so that a few may slip by.
    """
    mine = Compare("user_id", "=", user_id)
    if await around.reads.count(MEMBERSHIPS, mine) >= MEMBERSHIPS_MAX:
        raise Refused(_TOO_MANY)


def workspace_view(place: Workspace, user_id: UserId, version: Version) -> WorkspaceView:
    """
    Raises:
        WorkspaceNotFound: the user is no member.
    """
    return WorkspaceView(
        id=place.id,
        name=place.name,
        personal=place.personal,
        role=place.role_of(user_id),
        created_by=place.created_by,
        created_at=place.created_at,
        erased_at=place.erased_at,
        version=version,
    )
