"""Carries out the erasures whose time has come: destroys keys, and says so in the log.

Each has three steps, and each step can be repeated: its beginning is stored, from which there is
no way back; the keys are destroyed; its end is stored. A crash between two of them loses nothing,
because the facts of an erasure are sealed with a key that is never destroyed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.kernel.errors import SigdepError
from sigdep.kernel.executor import Work
from sigdep.kernel.ids import CommandId, SubjectId
from sigdep.kernel.read_store import Compare, Order, Row, Select
from sigdep.kernel.store import Metadata
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.users.commands.people import BeginUserErasure, FinishUserErasure, ReleaseEmail
from sigdep.users.commands.workspaces import (
    BeginWorkspaceErasure,
    FinishWorkspaceErasure,
    ForgetInvitation,
    RemoveErasedMember,
)
from sigdep.users.credentials.opaque import derived_id
from sigdep.users.domain import email, user, workspace
from sigdep.users.domain.realm import REALM, SYSTEM
from sigdep.users.events.people import InvitationId
from sigdep.users.read_models.erasures import ERASURES
from sigdep.users.read_models.workspaces import INVITATIONS
from sigdep.users.service.past_erasures import destroy_returned_keys
from sigdep.users.service.surroundings import Surroundings
from sigdep.users.service.token_uses import TokenUses

DUE_MAX: Final = 200
"""Carried out in one run. The rest is for the next."""

WORKSPACES_AT_ONCE: Final = 100
"""That one append takes a person out of."""


@dataclass(slots=True)
class ErasureReport:
    """What one run has done."""

    done: int = 0
    again: int = 0
    """Keys that had come back, as from an older backup, and are destroyed once more."""
    failed: list[SigdepError] = field(default_factory=list)
    """Each is tried again in the next run."""


class Erasures:
    def __init__(self, around: Surroundings, uses: TokenUses) -> None:
        self._around = around
        self._uses = uses
        self._past_is_done = False
        """Whether no key of who was erased before this process began has come back."""

    async def run_due(self, now: datetime) -> ErasureReport:
        """Carry out what is due; the first time, also what was carried out and is undone by keys of an older backup.

        Safe to repeat, and to run in several processes at once.

        Raises:
            Unavailable: we cannot tell at present what is due.
        """
        report = ErasureReport()
        await self._around.reads.wait_until_caught_up()
        if not self._past_is_done:
            await self._repeat_past(report)
        due = Select(table=ERASURES, where=Compare("due_at", "<=", now), order=(Order("due_at"),), limit=DUE_MAX)
        for row in (await self._around.reads.select(due)).rows:
            try:
                await self._carry_out(row, now)
            except SigdepError as error:
                report.failed.append(error)
            else:
                report.done += 1
        return report

    async def _repeat_past(self, report: ErasureReport) -> None:
        try:
            report.again = await destroy_returned_keys(self._around.reads, self._around.keys)
        except SigdepError as error:
            report.failed.append(error)
        else:
            self._past_is_done = True

    async def _carry_out(self, row: Row, now: datetime) -> None:
        subject, kind, workspace_id = row["subject_id"], row["kind"], row["workspace_id"]
        assert isinstance(subject, UUID)
        if kind == "user":
            await self.erase_user(UserId(subject), now)
        elif kind == "workspace":
            await self.erase_workspace(WorkspaceId(subject), now)
        else:
            assert isinstance(workspace_id, UUID)
            await self._forget_invitation(WorkspaceId(workspace_id), InvitationId(subject), now)

    async def erase_user(self, user_id: UserId, now: datetime) -> None:
        """Where their time has come, or their erasure has begun; else nothing."""
        around = self._around
        await self._execute(user_id, "begin", lambda unit: self._begin_user(unit, user_id, now))
        person = await around.present(around.users, user_id)
        if person.status != "erasing":
            return
        await around.reads.wait_until_caught_up()
        await self._leave_workspaces(user_id, now)
        await self._forget_invitations_to(person.email_id, now)
        await around.keys.destroy(SubjectId(user_id))
        await self.erase_workspace(person.personal_workspace_id, now)
        await self._uses.forget(user_id)
        around.sessions.forget_where(lambda session: session.user_id == user_id)
        around.tokens.forget_where(lambda token: token.user_id == user_id)

        async def finish(unit: UnitOfWork) -> None:
            state = await unit.load(around.users, user_id)
            events = user.decide(FinishUserErasure(user_id=user_id, at=now), state)
            unit.record(around.users, user_id, SYSTEM, events)

        await self._execute(user_id, "finish", finish)

    async def _begin_user(self, unit: UnitOfWork, user_id: UserId, now: datetime) -> None:
        """The person, their address and their personal workspace, at once."""
        around = self._around
        person = await unit.load(around.users, user_id)
        events = user.decide(BeginUserErasure(user_id=user_id, at=now), person)
        if not events:
            return
        unit.record(around.users, user_id, SYSTEM, events)
        claim = await unit.load(around.emails, person.email_id)
        released = email.decide(ReleaseEmail(user_id=user_id, at=now), claim)
        unit.record(around.emails, person.email_id, SYSTEM, released)
        await self._leave(unit, person.personal_workspace_id, user_id, now)

    async def _leave_workspaces(self, user_id: UserId, now: datetime) -> None:
        """All of them: nobody who is being erased comes into another one. Those of theirs alone are erased."""
        places = iter(await self._around.reads.roles_of(user_id))
        while some := tuple(islice(places, WORKSPACES_AT_ONCE)):
            leave = partial(self._leave_all, places=some, user_id=user_id, now=now)
            await self._execute(some[0], f"leave {user_id}", leave)
            for workspace_id in some:
                if (await self._around.present(self._around.workspaces, workspace_id)).status == "erasing":
                    await self.erase_workspace(workspace_id, now)

    async def _leave_all(self, unit: UnitOfWork, places: Sequence[WorkspaceId], user_id: UserId, now: datetime) -> None:
        for workspace_id in places:
            await self._leave(unit, workspace_id, user_id, now)

    async def _leave(self, unit: UnitOfWork, workspace_id: WorkspaceId, user_id: UserId, now: datetime) -> None:
        """A workspace of theirs alone goes with them; another goes on without them."""
        around = self._around
        place = await unit.load(around.workspaces, workspace_id)
        begun = workspace.decide(BeginWorkspaceErasure(workspace_id=workspace_id, at=now, with_owner=user_id), place)
        if begun:
            unit.record(around.workspaces, workspace_id, SYSTEM, begun)
            return
        command = RemoveErasedMember(workspace_id=workspace_id, user_id=user_id, at=now)
        unit.record(around.workspaces, workspace_id, SubjectId(workspace_id), workspace.decide(command, place))

    async def erase_workspace(self, workspace_id: WorkspaceId, now: datetime) -> None:
        """Where its time has come, or its erasure has begun; else nothing."""
        around = self._around

        async def begin(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, workspace_id)
            events = workspace.decide(BeginWorkspaceErasure(workspace_id=workspace_id, at=now), place)
            unit.record(around.workspaces, workspace_id, SYSTEM, events)

        await self._execute(workspace_id, "begin", begin)
        if (await around.present(around.workspaces, workspace_id)).status != "erasing":
            return
        await around.reads.wait_until_caught_up()  # From now on it invites nobody, and all whom it has are known.
        invitations = Select(table=ERASURES, where=Compare("workspace_id", "=", workspace_id))
        async for rows in around.reads.pages(invitations):
            for row in rows:
                await around.keys.destroy(SubjectId(row["subject_id"]))  # type: ignore[arg-type]  # By its kind.
        await around.keys.destroy(SubjectId(workspace_id))

        async def finish(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, workspace_id)
            events = workspace.decide(FinishWorkspaceErasure(workspace_id=workspace_id, at=now), place)
            unit.record(around.workspaces, workspace_id, SYSTEM, events)

        await self._execute(workspace_id, "finish", finish)

    async def _forget_invitations_to(self, email_id: UUID, now: datetime) -> None:
        """Whoever invited them loses the address that they wrote down."""
        theirs = Select(table=INVITATIONS, where=Compare("email_id", "=", email_id))
        async for rows in self._around.reads.pages(theirs):
            for row in rows:
                await self._forget_invitation(row["workspace_id"], row["invitation_id"], now)  # type: ignore[arg-type]

    async def _forget_invitation(self, workspace_id: WorkspaceId, invitation_id: InvitationId, now: datetime) -> None:
        around = self._around
        await around.keys.destroy(SubjectId(invitation_id))

        async def forget(unit: UnitOfWork) -> None:
            place = await unit.load(around.workspaces, workspace_id)
            command = ForgetInvitation(workspace_id=workspace_id, invitation_id=invitation_id, at=now)
            unit.record(around.workspaces, workspace_id, SubjectId(workspace_id), workspace.decide(command, place))

        await self._execute(invitation_id, "forget", forget)

    async def _execute(self, subject: UUID, step: str, work: Work) -> None:
        """One step, whose command id follows from what it is about: a repeat is the same command."""
        command_id = CommandId(derived_id(CommandId(subject), f"erasure: {step}"))
        await self._around.executor.execute(REALM, command_id, work, metadata=Metadata())
