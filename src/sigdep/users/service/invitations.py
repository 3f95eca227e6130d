"""Invitations: making, answering and revoking them."""

from sigdep.kernel.ids import SubjectId
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Answer, Call
from sigdep.users.commands.requests import AnswerInvitation, Invite
from sigdep.users.commands.workspaces import AcceptInvitation, DeclineInvitation, InviteMember, RevokeInvitation
from sigdep.users.credentials.opaque import derived_id
from sigdep.users.domain import workspace
from sigdep.users.domain.addresses import normalised
from sigdep.users.domain.invitations import INVITATION_LIFETIME, InvitationGone
from sigdep.users.domain.workspace_state import Workspace
from sigdep.users.events.people import InvitationId
from sigdep.users.queries import NewInvitation, WorkspaceView
from sigdep.users.service.surroundings import Surroundings
from sigdep.users.service.workspaces import check_may_join, load_person_who_stays, record, workspace_view


class Invitations:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def invite(self, request: Invite, call: Call) -> Answer[NewInvitation]:
        around = self._around
        email_id = around.opaque.email_id(normalised(request.email))
        command = InviteMember(
            workspace_id=request.workspace_id,
            invitation_id=InvitationId(derived_id(call.command_id, "invitation")),
            email=request.email,
            email_id=email_id,
            invitee=(await around.present(around.emails, email_id)).user_id,
            role=request.role,
            expires_at=call.asked_at + INVITATION_LIFETIME,
            by=call.caller.user_id,
            at=call.asked_at,
        )

        async def work(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, command.workspace_id)
            events = workspace.decide(command, place)
            # Sealed with a key of its own, because it holds an address: see MemberInvited.
            unit.record(around.workspaces, command.workspace_id, SubjectId(command.invitation_id), events)
            unit.show(around.workspaces, command.workspace_id)

        outcome = await around.carry_out(call, work)
        return Answer(value=self._newest(outcome.state, command), position=around.position(outcome), created=True)

    def _newest(self, place: Workspace, command: InviteMember) -> NewInvitation:
        """The invitation that was made last, as the answer was shown first.

        A repeat has the same address, being the same request, but would have made another id.
        """
        waiting = [item for item in place.invitations.items() if item[1].email_id == command.email_id]
        if not waiting:
            raise InvitationGone
        invitation_id, invitation = waiting[-1]
        return NewInvitation(
            id=invitation_id,
            workspace_id=place.id,
            email=command.email,
            role=invitation.role,
            invited_by=invitation.by,
            invited_at=invitation.at,
            expires_at=invitation.expires_at,
            token=self._around.opaque.invitation_token(place.id, invitation_id),
        )

    async def answer(self, request: AnswerInvitation, call: Call) -> Answer[WorkspaceView | None]:
        around, user_id = self._around, call.caller.user_id
        read = around.opaque.read_invitation_token(request.token)
        if read is None:
            raise InvitationGone
        workspace_id, invitation_id = read
        if request.accept:
            await check_may_join(around, user_id)

        async def work(unit: UnitOfWork) -> None:
            person = await load_person_who_stays(around, unit, user_id)
            place = await unit.load(around.workspaces, workspace_id)
            kind = AcceptInvitation if request.accept else DeclineInvitation
            command = kind(
                workspace_id=workspace_id,
                invitation_id=invitation_id,
                email_id=person.email_id,
                by=user_id,
                at=call.asked_at,
            )
            record(around, unit, command, place)
            unit.show(around.workspaces, workspace_id)

        outcome = await around.carry_out(call, work)
        position = around.position(outcome)
        if not request.accept:
            return Answer(value=None, position=position)
        return Answer(
            value=workspace_view(outcome.state, user_id, outcome.version), position=position, version=outcome.version
        )

    async def revoke(self, command: RevokeInvitation, call: Call) -> Answer[None]:
        around = self._around

        async def work(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, command.workspace_id)
            record(around, unit, command, place)
            unit.show(around.workspaces, command.workspace_id)

        return Answer(value=None, position=around.position(await around.carry_out(call, work)))
