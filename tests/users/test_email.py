"""An address belongs to one account at a time."""

from sigdep.testing.given import Given
from sigdep.users.commands.people import ClaimEmail, ReleaseEmail
from sigdep.users.domain.email import EmailTaken, email
from sigdep.users.events.people import EmailClaimed, EmailReleased
from tests.users.people import ADA, BOB, LATER, NOON

given = Given(email)
claimed = EmailClaimed(user_id=ADA, at=NOON)


def test_a_free_address_is_claimed() -> None:
    given().when(ClaimEmail(user_id=ADA, at=NOON)).then(claimed)


def test_an_address_has_one_owner() -> None:
    given(claimed).when(ClaimEmail(user_id=BOB, at=LATER)).refused(EmailTaken)


def test_claiming_twice_claims_once() -> None:
    given(claimed).when(ClaimEmail(user_id=ADA, at=LATER)).then()


def test_a_released_address_is_free_for_another() -> None:
    released = EmailReleased(at=LATER)
    after = given(claimed).when(ReleaseEmail(user_id=ADA, at=LATER)).then(released)
    after.when(ClaimEmail(user_id=BOB, at=LATER)).then(EmailClaimed(user_id=BOB, at=LATER))


def test_nobody_releases_the_address_of_another() -> None:
    given(claimed).when(ReleaseEmail(user_id=BOB, at=LATER)).then()
