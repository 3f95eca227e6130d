"""The commands of this context, carried out: the service `users.write`."""

from collections.abc import Sequence
from typing import Any

from sigdep.contracts.ids import UserId
from sigdep.contracts.membership import Contact, FindByEmail, FindContact, FindStrangers
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call
from sigdep.users.commands.requests import (
    AnswerInvitation,
    ChangeAccount,
    EraseAccount,
    EraseWorkspace,
    ExchangeRefreshToken,
    Invite,
    IssueToken,
    KeepAccount,
    KeepWorkspace,
    OpenWorkspace,
    RevokeRefreshToken,
    SignIn,
    SignOut,
    SignUp,
    WithdrawToken,
)
from sigdep.users.commands.workspaces import ChangeMemberRole, RemoveMember, RenameWorkspace, RevokeInvitation
from sigdep.users.service.accounts import Accounts
from sigdep.users.service.invitations import Invitations
from sigdep.users.service.roll import MemberRoll
from sigdep.users.service.sessions import Sessions
from sigdep.users.service.surroundings import Surroundings
from sigdep.users.service.tokens import Tokens
from sigdep.users.service.workspaces import Workspaces


class UsersWrite:
    """A Service (`rpc/call.py`) of the commands that the public API can ask for, and of what only the log can tell."""

    def __init__(self, around: Surroundings) -> None:
        accounts, sessions, tokens = Accounts(around), Sessions(around), Tokens(around)
        workspaces, invitations = Workspaces(around), Invitations(around)
        self._handlers: dict[type[Command | Query], Any] = {
            SignUp: accounts.sign_up,
            ChangeAccount: accounts.change,
            EraseAccount: accounts.erase,
            KeepAccount: accounts.keep,
            SignIn: sessions.sign_in,
            ExchangeRefreshToken: sessions.refresh,
            RevokeRefreshToken: sessions.revoke,
            SignOut: sessions.sign_out,
            IssueToken: tokens.issue,
            WithdrawToken: tokens.withdraw,
            OpenWorkspace: workspaces.open,
            RenameWorkspace: workspaces.rename,
            EraseWorkspace: workspaces.erase,
            KeepWorkspace: workspaces.keep,
            ChangeMemberRole: workspaces.change_role,
            RemoveMember: workspaces.remove_member,
            Invite: invitations.invite,
            AnswerInvitation: invitations.answer,
            RevokeInvitation: invitations.revoke,
            FindStrangers: self._find_strangers,
            FindByEmail: self._find_by_email,
            FindContact: self._find_contact,
        }
        self._roll = MemberRoll(around)

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        handle = self._handlers.get(type(message))
        if handle is None:
            raise TypeError(f"users.write carries out no {type(message).__name__}.")
        answer: Answer[Any] = await handle(message, call)
        return answer

    async def _find_strangers(self, query: FindStrangers, _call: Call) -> Answer[Sequence[UserId]]:
        return Answer(value=tuple(await self._roll.are_members(query.workspace_id, query.user_ids)))

    async def _find_by_email(self, query: FindByEmail, call: Call) -> Answer[Sequence[UserId]]:
        call.require_nobody()
        return Answer(value=await self._roll.with_emails(query.workspace_id, query.emails))

    async def _find_contact(self, query: FindContact, call: Call) -> Answer[Contact]:
        call.require_nobody()
        return Answer(value=await self._roll.contact(query.user_id))
