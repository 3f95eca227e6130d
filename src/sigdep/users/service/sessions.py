"""Sessions: signing in, refreshing, signing out."""

from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Invalid, Refused, Unauthenticated
from sigdep.kernel.ids import SubjectId
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Answer, Call
from sigdep.users.commands.people import RehashPassword
from sigdep.users.commands.requests import ExchangeRefreshToken, RevokeRefreshToken, SignIn, SignOut
from sigdep.users.commands.sessions import EndSession, RefreshSession, StartSession
from sigdep.users.credentials.opaque import derived_id
from sigdep.users.domain import session, user
from sigdep.users.domain.addresses import normalised
from sigdep.users.domain.session import SESSION_MAX, Session, SessionOver
from sigdep.users.domain.texts import check_line
from sigdep.users.domain.user import User, UserNotFound
from sigdep.users.events.people import SessionId
from sigdep.users.queries import SessionTokens
from sigdep.users.service.accounts import session_of
from sigdep.users.service.guesses import check_password
from sigdep.users.service.surroundings import Surroundings, aside, partition_for


class WrongPassword(Unauthenticated):
    """The same for an address that nobody has: who has an account here is nobody's business."""

    def __init__(self) -> None:
        super().__init__("The email address or the password is wrong.")


class InvalidGrant(Refused):
    """RFC 6749 §5.2: the refresh token is unknown, expired, revoked, or has been used before."""

    def __init__(self) -> None:
        super().__init__("This refresh token is not valid any more. Sign in again.")


class Sessions:
    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def sign_in(self, request: SignIn, call: Call) -> Answer[SessionTokens]:
        around = self._around
        outcome = await around.answered(call)
        if outcome is None:
            person = await self._recognise(request, call)
            command = StartSession(
                session_id=SessionId(derived_id(call.command_id, "session")),
                user_id=person.id,
                password_number=person.password_number,
                device=None if request.device is None else check_line(request.device, "/device"),
                expires_at=call.asked_at + SESSION_MAX,
                at=call.asked_at,
            )

            async def work(unit: UnitOfWork) -> None:
                state = await unit.load(around.sessions, command.session_id)
                unit.record(around.sessions, command.session_id, SubjectId(person.id), session.decide(command, state))
                unit.show(around.sessions, command.session_id)

            outcome = await around.carry_out(call, work, partition=partition_for(person.id), actor=person.id)
        return Answer(value=self._tokens(outcome.state, call), position=around.position(outcome), created=True)

    async def _recognise(self, request: SignIn, call: Call) -> User:
        """
        Raises:
            WrongPassword: the address or the password.
        """
        around = self._around
        try:
            email_id = around.opaque.email_id(normalised(request.email))
        except Invalid:
            email_id = around.opaque.email_id(request.email)  # No address, so that nobody has it.
        owner = (await around.present(around.emails, email_id)).user_id
        person = None if owner is None else await around.present(around.users, owner)
        if not await check_password(around, email_id, person, request.password, call) or person is None:
            raise WrongPassword
        if around.passwords.outdated(person.password_hash):
            await self._rehash(person, request.password, call)
        return person

    async def _rehash(self, person: User, password: str, call: Call) -> None:
        """With the parameters of today, now that the password is at hand."""
        around = self._around
        command = RehashPassword(
            user_id=person.id,
            old_hash=person.password_hash,
            password_hash=await around.passwords.hash(password),
            at=call.asked_at,
        )

        async def work(unit: UnitOfWork) -> None:
            state = await unit.load(around.users, person.id)
            unit.record(around.users, person.id, SubjectId(person.id), user.decide(command, state))

        await around.carry_out(aside(call, "rehash"), work, actor=person.id)

    async def refresh(self, request: ExchangeRefreshToken, call: Call) -> Answer[SessionTokens]:
        """
        Raises:
            InvalidGrant: and where the token had been exchanged before, its session is over now.
        """
        around = self._around
        read = around.opaque.read_refresh_token(request.refresh_token)
        if read is None:
            raise InvalidGrant
        session_id, generation = read
        user_id = (await around.present(around.sessions, session_id)).user_id
        command = RefreshSession(session_id=session_id, generation=generation, at=call.asked_at)

        async def work(unit: UnitOfWork) -> None:
            await around.present(around.users, user_id)
            state = await unit.load(around.sessions, session_id)
            person = await unit.load(around.users, user_id)
            if not person.admits(session_id, state.password_number):
                raise SessionOver
            unit.record(around.sessions, session_id, SubjectId(user_id), session.decide(command, state))
            unit.show(around.sessions, session_id)

        try:
            outcome = await around.carry_out(call, work, partition=partition_for(user_id), actor=user_id)
        except (SessionOver, UserNotFound) as error:
            raise InvalidGrant from error
        if outcome.state.status != "open":
            raise InvalidGrant
        return Answer(value=self._tokens(outcome.state, call), position=around.position(outcome))

    async def revoke(self, request: RevokeRefreshToken, call: Call) -> Answer[None]:
        """End the session that a refresh token belongs to, whichever of its generations it is (RFC 7009 §2.1)."""
        read = self._around.opaque.read_refresh_token(request.token)
        found = None if read is None else await self._around.present(self._around.sessions, read[0])
        if found is None or found.status != "open":
            return Answer(value=None)  # RFC 7009 §2.2: what does not exist is revoked already.
        return await self._end(found.id, found.user_id, call)

    async def sign_out(self, request: SignOut, call: Call) -> Answer[None]:
        session_id = request.session_id or session_of(call)
        if session_id is None:
            raise Refused("A token has no session to end. Revoke it: DELETE /api/tokens/{id}.")
        return await self._end(session_id, call.caller.user_id, call)

    async def _end(self, session_id: SessionId, user_id: UserId, call: Call) -> Answer[None]:
        around = self._around
        command = EndSession(session_id=session_id, user_id=user_id, at=call.asked_at)

        async def work(unit: UnitOfWork) -> None:
            state = await unit.load(around.sessions, session_id)
            unit.record(around.sessions, session_id, SubjectId(user_id), session.decide(command, state))
            unit.show(around.sessions, session_id)

        outcome = await around.carry_out(call, work, partition=partition_for(user_id), actor=user_id)
        return Answer(value=None, position=around.position(outcome))

    def _tokens(self, state: Session, call: Call) -> SessionTokens:
        around = self._around
        return SessionTokens(
            access_token=around.access_tokens.sign(
                state.user_id, state.id, token_id=derived_id(call.command_id, "access token"), at=call.asked_at
            ),
            expires_in=around.access_tokens.lifetime_seconds,
            refresh_token=around.opaque.refresh_token(state.id, state.generation),
        )
