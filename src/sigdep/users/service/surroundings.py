"""What carrying out a command may look at and change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Refused
from sigdep.kernel.executor import Executor, Work
from sigdep.kernel.ids import CommandId, WorkspaceId
from sigdep.kernel.keys import KeyDestroyed, KeyRing
from sigdep.kernel.messages import State
from sigdep.kernel.repository import Repository
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import Outcome, UnitOfWork
from sigdep.rpc.call import Call, WorkspacePosition
from sigdep.users.credentials.opaque import Opaque, derived_id
from sigdep.users.credentials.passwords import Passwords
from sigdep.users.credentials.signing import AccessTokens
from sigdep.users.credentials.throttle import Throttle
from sigdep.users.domain.email import Email, email
from sigdep.users.domain.realm import REALM, RESERVED
from sigdep.users.domain.session import Session, session
from sigdep.users.domain.token import Token, token
from sigdep.users.domain.user import User, UserNotFound, user
from sigdep.users.domain.workspace import workspace
from sigdep.users.domain.workspace_state import Workspace
from sigdep.users.service.reading import CONTEXT, Reads

S = TypeVar("S", bound=State)


class IdTaken(Refused):
    """Ids seal what they are about: a person and a workspace with one id would be erased together."""

    def __init__(self) -> None:
        super().__init__("This id is in use. Choose another, or leave it to us.")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What an operator may set."""

    erase_grace: timedelta = timedelta(days=14)
    """In which an erasure can be taken back."""
    throttled: bool = True
    """Guesses of passwords are limited."""


class Surroundings:
    """The aggregates of this context, and everything beside the log that deciding needs."""

    def __init__(
        self,
        store: EventStore,
        *,
        keys: KeyRing,
        reads: Reads,
        opaque: Opaque,
        passwords: Passwords,
        access_tokens: AccessTokens,
        rules: Rules,
        alone: bool,
    ) -> None:
        """
        Args:
            alone: no other process writes to this store.
        """
        self.store = store
        self.keys = keys
        self.reads = reads
        self.opaque = opaque
        self.passwords = passwords
        self.access_tokens = access_tokens
        self.rules = rules
        self.alone = alone
        self.throttle = Throttle() if rules.throttled else None
        self.users: Repository[User] = Repository(store, user, alone=alone)
        self.emails: Repository[Email] = Repository(store, email, alone=alone)
        self.workspaces: Repository[Workspace] = Repository(store, workspace, alone=alone)
        self.sessions: Repository[Session] = Repository(store, session, alone=alone)
        self.tokens: Repository[Token] = Repository(store, token, alone=alone)
        self.repositories: Sequence[Repository[Any]] = (
            self.users,
            self.emails,
            self.workspaces,
            self.sessions,
            self.tokens,
        )
        self.executor = Executor(store, self.repositories)

    async def present(self, repository: Repository[S], identity: UUID) -> S:
        """An aggregate as it is now, though another process may have changed it: for whatever decides who may enter."""
        stream = repository.decider.stream(identity)
        found = await (repository.load(stream) if self.alone else repository.refresh(stream))
        return found.state

    async def answered(self, call: Call) -> Outcome | None:
        """What a first request with this call's idempotency key led to, if there was one."""
        return None if call.answer_key is None else await self.executor.answered(call.answer_key)

    async def carry_out(
        self, call: Call, work: Work, *, partition: WorkspaceId = REALM, actor: UserId | None = None
    ) -> Outcome:
        """Do the work and store what it decided, once; a repeat by an idempotency key gets the first outcome again.

        Args:
            actor: who it is that is only just signing up or in.
        """
        answered = await self.answered(call)
        if answered is not None:
            return answered
        try:
            return await self.executor.execute(
                partition,
                call.command_id,
                work,
                metadata=call.metadata if actor is None else replace(call.metadata, actor=actor),
                answer_key=call.answer_key,
                dry_run=call.dry_run,
            )
        except KeyDestroyed as error:
            # The erasure overtook the request: whom it is about is gone.
            raise UserNotFound from error

    async def check_id_is_free(self, unit: UnitOfWork, identity: UUID) -> None:
        """Neither a person nor a workspace has this id, and none gets it before this unit is stored.

        Raises:
            IdTaken: one has.
        """
        person = await unit.load(self.users, identity, guard=True)
        place = await unit.load(self.workspaces, identity, guard=True)
        if identity in RESERVED or person.status != "absent" or place.status != "absent":
            raise IdTaken

    def position(self, outcome: Outcome) -> WorkspacePosition:
        return WorkspacePosition(CONTEXT, outcome.partition, outcome.position)


def partition_for(user_id: UserId) -> WorkspaceId:
    """Where a person's sessions and tokens stand in the log."""
    return WorkspaceId(user_id)


def aside(call: Call, purpose: str) -> Call:
    """The call of something that a command does besides, in an append of its own."""
    return replace(call, command_id=CommandId(derived_id(call.command_id, purpose)), answer_key=None, if_match=None)
