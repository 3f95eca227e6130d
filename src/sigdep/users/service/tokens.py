"""Personal access tokens: making and revoking them."""

from typing import Final

from sigdep.kernel.errors import Forbidden, Refused
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.read_store import Compare
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Answer, Call
from sigdep.users.commands.requests import IssueToken, WithdrawToken
from sigdep.users.commands.sessions import MakeToken, RevokeToken
from sigdep.users.credentials.opaque import derived_id, fingerprint
from sigdep.users.domain import token
from sigdep.users.domain.texts import check_line
from sigdep.users.domain.token import Token
from sigdep.users.domain.user import ErasurePending, UserNotFound
from sigdep.users.events.people import TokenId
from sigdep.users.queries import NewToken
from sigdep.users.read_models.credentials import TOKENS
from sigdep.users.service.surroundings import Surroundings, partition_for

TOKENS_MAX: Final = 100
"""Of one person. Counted in the read model, so that a few more may slip through at one moment."""

ENDING_LENGTH: Final = 4


class ScopeTooWide(Forbidden):
    """A token makes no token that may do more than itself."""

    def __init__(self) -> None:
        super().__init__("A token can only make tokens with scopes of its own. Sign in to make this one.")


class Tokens:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def issue(self, request: IssueToken, call: Call) -> Answer[NewToken]:
        around = self._around
        outcome = await around.answered(call)
        if outcome is None:
            await self._check_may_make(request, call)
            command = self._command(request, call)

            async def work(unit: UnitOfWork) -> None:
                state = await unit.load(around.tokens, command.token_id)
                unit.record(around.tokens, command.token_id, SubjectId(command.user_id), token.decide(command, state))
                unit.show(around.tokens, command.token_id)

            outcome = await around.carry_out(call, work, partition=partition_for(command.user_id))
        return Answer(value=self._new_token(outcome.state), position=around.position(outcome), created=True)

    async def _check_may_make(self, request: IssueToken, call: Call) -> None:
        around, caller = self._around, call.caller
        if caller.scopes is not None and not caller.scopes.issuperset(request.scopes):
            raise ScopeTooWide
        person = await around.present(around.users, caller.user_id)
        if person.status != "active":
            raise UserNotFound
        if person.erased_at is not None:
            raise ErasurePending
        mine = Compare("user_id", "=", caller.user_id)
        if await around.reads.count(TOKENS, mine) >= TOKENS_MAX:
            raise Refused(f"You have {TOKENS_MAX} tokens. Revoke one first.")

    def _command(self, request: IssueToken, call: Call) -> MakeToken:
        user_id = call.caller.user_id
        token_id = request.token_id or TokenId(derived_id(call.command_id, "token"))
        secret = self._around.opaque.access_token(user_id, token_id)
        return MakeToken(
            token_id=token_id,
            user_id=user_id,
            name=check_line(request.name, "/name"),
            scopes=tuple(sorted(set(request.scopes))),
            sha256=fingerprint(secret),
            ending=secret[-ENDING_LENGTH:],
            expires_at=request.expires_at,
            at=call.asked_at,
        )

    def _new_token(self, state: Token) -> NewToken:
        """
        Raises:
            UserNotFound: its owner has been erased since.
        """
        if state.status == "absent":
            raise UserNotFound
        return NewToken(
            id=state.id,
            name=state.name,
            scopes=state.scopes,
            ending=state.ending,
            created_at=state.created_at,
            expires_at=state.expires_at,
            token=self._around.opaque.access_token(state.user_id, state.id),
        )

    async def withdraw(self, request: WithdrawToken, call: Call) -> Answer[None]:
        around, user_id = self._around, call.caller.user_id
        command = RevokeToken(token_id=request.token_id, user_id=user_id, at=call.asked_at)

        async def work(unit: UnitOfWork) -> None:
            state = await unit.load(around.tokens, command.token_id)
            unit.record(around.tokens, command.token_id, SubjectId(user_id), token.decide(command, state))
            unit.show(around.tokens, command.token_id)

        outcome = await around.carry_out(call, work, partition=partition_for(user_id))
        return Answer(value=None, position=around.position(outcome))
