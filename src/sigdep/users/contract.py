"""What the services of this context answer, for those who ask them from another process."""

from collections.abc import Sequence
from typing import Final

from sigdep.contracts.ids import UserId
from sigdep.contracts.membership import Contact, FindByEmail, FindContact, FindStrangers
from sigdep.rpc.call import Principal
from sigdep.rpc.contract import ServiceContract
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
from sigdep.users.queries import (
    GetProfile,
    GetPublicKeys,
    GetWorkspace,
    Identify,
    InvitationView,
    ListInvitations,
    ListMembers,
    ListSessions,
    ListTokens,
    ListWorkspaces,
    MemberView,
    Page,
    SessionView,
    TokenView,
    WorkspaceView,
)

WRITE: Final = ServiceContract(
    name="users.write",
    messages=(
        SignUp,
        ChangeAccount,
        EraseAccount,
        KeepAccount,
        SignIn,
        ExchangeRefreshToken,
        RevokeRefreshToken,
        SignOut,
        IssueToken,
        WithdrawToken,
        OpenWorkspace,
        RenameWorkspace,
        EraseWorkspace,
        KeepWorkspace,
        ChangeMemberRole,
        RemoveMember,
        Invite,
        AnswerInvitation,
        RevokeInvitation,
        FindStrangers,
        FindByEmail,
        FindContact,
    ),
    values={FindStrangers: tuple[UserId, ...], FindByEmail: tuple[UserId, ...], FindContact: Contact},
)

READ: Final = ServiceContract(
    name="users.read",
    messages=(
        GetProfile,
        ListSessions,
        ListTokens,
        ListWorkspaces,
        GetWorkspace,
        ListMembers,
        ListInvitations,
        GetPublicKeys,
        Identify,
    ),
    values={
        Identify: Principal,
        ListSessions: Page[SessionView],
        ListTokens: Page[TokenView],
        ListWorkspaces: Page[WorkspaceView],
        ListMembers: Page[MemberView],
        ListInvitations: Page[InvitationView],
    },
)

CONTRACTS: Final[Sequence[ServiceContract]] = (WRITE, READ)
