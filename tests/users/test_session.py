"""A session is a family of refresh tokens, of which only the newest is good."""

from datetime import timedelta

import pytest

from sigdep.kernel.errors import NotFound, Refused
from sigdep.testing.given import Given
from sigdep.users.commands.sessions import EndSession, RefreshSession, StartSession
from sigdep.users.domain.session import IDLE_MAX, LOST_ANSWER_GRACE, SESSION_MAX, SessionOver, session
from sigdep.users.events.sessions import SessionEnded, SessionRefreshed, SessionStarted
from tests.users.people import ADA, BOB, NOON, SESSION

given = Given(session)
started = SessionStarted(
    session_id=SESSION, user_id=ADA, password_number=0, device=None, expires_at=NOON + SESSION_MAX, at=NOON
)
MINUTE = timedelta(minutes=1)


def refresh(generation: int, after: timedelta = MINUTE) -> RefreshSession:
    return RefreshSession(session_id=SESSION, generation=generation, at=NOON + after)


def refreshed(generation: int, after: timedelta = MINUTE) -> SessionRefreshed:
    return SessionRefreshed(session_id=SESSION, user_id=ADA, generation=generation, at=NOON + after)


def ended(reason: str, after: timedelta = MINUTE) -> SessionEnded:
    assert reason in ("signed_out", "reused")
    return SessionEnded(session_id=SESSION, user_id=ADA, reason=reason, at=NOON + after)  # type: ignore[arg-type]


def test_a_session_starts_once() -> None:
    start = StartSession(
        session_id=SESSION, user_id=ADA, password_number=0, device=None, expires_at=NOON + SESSION_MAX, at=NOON
    )
    given().when(start).then(started).when(start).refused(Refused)


def test_the_newest_token_gives_the_next_generation() -> None:
    given(started).when(refresh(1)).then(refreshed(2)).when(refresh(2)).then(refreshed(3))


def test_the_token_before_may_come_again_while_its_answer_may_have_been_lost() -> None:
    given(started, refreshed(2)).when(refresh(1, MINUTE + LOST_ANSWER_GRACE)).then()


def test_a_moment_later_it_ends_the_family() -> None:
    late = MINUTE + LOST_ANSWER_GRACE + timedelta(microseconds=1)
    given(started, refreshed(2)).when(refresh(1, late)).then(ended("reused", late)).when(refresh(2)).refused(
        SessionOver
    )


def test_a_token_two_generations_old_ends_the_family_at_once() -> None:
    given(started, refreshed(2), refreshed(3)).when(refresh(1)).then(ended("reused"))


def test_a_token_of_a_generation_that_never_was_is_refused() -> None:
    given(started).when(refresh(2)).refused(SessionOver)


@pytest.mark.parametrize("late", [IDLE_MAX, SESSION_MAX])
def test_a_session_that_nobody_refreshes_is_over(late: timedelta) -> None:
    given(started).when(refresh(1, late)).refused(SessionOver)


def test_a_session_is_over_after_its_longest_time_however_often_it_is_refreshed() -> None:
    recently = SESSION_MAX - MINUTE
    given(started, refreshed(2, recently)).when(refresh(2, SESSION_MAX - timedelta(seconds=1))).then(
        refreshed(3, SESSION_MAX - timedelta(seconds=1))
    )
    given(started, refreshed(2, recently)).when(refresh(2, SESSION_MAX)).refused(SessionOver)


def test_signing_out_twice_signs_out_once() -> None:
    end = EndSession(session_id=SESSION, user_id=ADA, at=NOON + MINUTE)
    given(started).when(end).then(ended("signed_out")).when(end).then()


def test_nobody_ends_the_session_of_another() -> None:
    given(started).when(EndSession(session_id=SESSION, user_id=BOB, at=NOON)).refused(NotFound)
    given().when(EndSession(session_id=SESSION, user_id=BOB, at=NOON)).refused(NotFound)


def test_an_ended_session_is_not_refreshed() -> None:
    given(started, ended("signed_out")).when(refresh(1)).refused(SessionOver)
