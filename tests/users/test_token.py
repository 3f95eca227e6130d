"""Personal access tokens."""

from datetime import datetime

from sigdep.kernel.errors import Invalid, NotFound, Refused
from sigdep.testing.given import Given
from sigdep.users.commands.sessions import MakeToken, RevokeToken
from sigdep.users.domain.token import token
from sigdep.users.events.sessions import TokenMade, TokenRevoked
from tests.users.people import ADA, BOB, LATER, NOON, TOKEN

given = Given(token)


def make(expires_at: datetime | None) -> MakeToken:
    return MakeToken(
        token_id=TOKEN, user_id=ADA, name="laptop", scopes=("tasks:read",), sha256="ab", ending="xyz",
        expires_at=expires_at, at=NOON,
    )  # fmt: skip


made = TokenMade(
    token_id=TOKEN, user_id=ADA, name="laptop", scopes=("tasks:read",), sha256="ab", ending="xyz",
    expires_at=LATER, at=NOON,
)  # fmt: skip
revoke = RevokeToken(token_id=TOKEN, user_id=ADA, at=LATER)


def test_a_token_is_made_once() -> None:
    given().when(make(LATER)).then(made).when(make(LATER)).refused(Refused)


def test_a_token_expires_in_the_future() -> None:
    given().when(make(NOON)).refused(Invalid)


def test_revoking_twice_revokes_once() -> None:
    given(made).when(revoke).then(TokenRevoked(token_id=TOKEN, user_id=ADA, at=LATER)).when(revoke).then()


def test_nobody_revokes_the_token_of_another() -> None:
    given(made).when(RevokeToken(token_id=TOKEN, user_id=BOB, at=LATER)).refused(NotFound)
    given().when(revoke).refused(NotFound)
