"""A session: a family of refresh tokens, of which only the newest is good."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from msgspec.structs import replace

from sigdep.contracts.ids import UserId
from sigdep.kernel.decider import Decider
from sigdep.kernel.errors import NotFound, Refused
from sigdep.kernel.messages import State
from sigdep.users.commands.sessions import EndSession, RefreshSession, SessionCommand, StartSession
from sigdep.users.events.people import SessionId
from sigdep.users.events.sessions import SessionEnded, SessionEvent, SessionRefreshed, SessionStarted

LOST_ANSWER_GRACE: Final = timedelta(seconds=10)
"""So long the token before may be exchanged again, for the very same new one: its answer may have been lost
(RFC 9700 §4.14.2 asks for reuse to be noticed, and networks do lose answers)."""

IDLE_MAX: Final = timedelta(days=30)
"""A session that nobody refreshes for so long is over."""

SESSION_MAX: Final = timedelta(days=180)
"""After so long one has to sign in again."""

_NOBODY: Final = UUID(int=0)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Session(State):
    status: Literal["absent", "open", "ended"] = "absent"
    id: SessionId = SessionId(_NOBODY)
    user_id: UserId = UserId(_NOBODY)
    password_number: int = 0
    generation: int = 0
    """Of the refresh token that is good at present, from 1."""
    refreshed_at: datetime = _NEVER
    expires_at: datetime = _NEVER

    def over_at(self, at: datetime) -> bool:
        return self.status != "open" or at >= min(self.expires_at, self.refreshed_at + IDLE_MAX)


class SessionOver(Refused):
    """The session has ended or expired."""

    def __init__(self) -> None:
        super().__init__("This session is over. Sign in again.")


def decide(command: SessionCommand, session: Session) -> Sequence[SessionEvent]:
    match command:
        case StartSession():
            return _start(command, session)
        case RefreshSession():
            return _refresh(command, session)
        case EndSession():
            if session.status == "absent" or session.user_id != command.user_id:
                raise NotFound("You have no such session.")
            return [] if session.status == "ended" else [_ended(session, command)]


def _start(command: StartSession, session: Session) -> Sequence[SessionEvent]:
    if session.status != "absent":
        raise Refused("Another session has this id.")
    return [
        SessionStarted(
            session_id=command.session_id,
            user_id=command.user_id,
            password_number=command.password_number,
            device=command.device,
            expires_at=command.expires_at,
            at=command.at,
        )
    ]


def _refresh(command: RefreshSession, session: Session) -> Sequence[SessionEvent]:
    """The session's next generation; nothing for a repeat within the grace; its end for any older token."""
    if session.over_at(command.at) or command.generation > session.generation:
        raise SessionOver
    if command.generation == session.generation:
        return [
            SessionRefreshed(
                session_id=session.id, user_id=session.user_id, generation=session.generation + 1, at=command.at
            )
        ]
    if command.generation == session.generation - 1 and command.at <= session.refreshed_at + LOST_ANSWER_GRACE:
        return []
    return [SessionEnded(session_id=session.id, user_id=session.user_id, reason="reused", at=command.at)]


def _ended(session: Session, command: EndSession) -> SessionEnded:
    return SessionEnded(session_id=session.id, user_id=session.user_id, reason=command.reason, at=command.at)


def evolve(session: Session, event: SessionEvent) -> Session:
    match event:
        case SessionStarted():
            return Session(
                status="open",
                id=event.session_id,
                user_id=event.user_id,
                password_number=event.password_number,
                generation=1,
                refreshed_at=event.at,
                expires_at=event.expires_at,
            )
        case SessionRefreshed():
            return replace(session, generation=event.generation, refreshed_at=event.at)
        case SessionEnded():
            return replace(session, status="ended")


session: Final = Decider(category="session", initial=Session(), decide=decide, evolve=evolve, schema="session-1")
