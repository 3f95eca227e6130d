"""What a person's account decides."""

from datetime import timedelta

from sigdep.kernel.errors import Refused
from sigdep.kernel.messages import UNSET
from sigdep.testing.given import Given
from sigdep.users.commands.people import (
    BeginUserErasure,
    CancelUserErasure,
    ChangeEmail,
    ChangePassword,
    EditProfile,
    FinishUserErasure,
    RegisterUser,
    RehashPassword,
    RequestUserErasure,
)
from sigdep.users.domain.user import UserNotFound, user
from sigdep.users.events.people import (
    EmailChanged,
    PasswordChanged,
    PasswordRehashed,
    ProfileEdited,
    UserErased,
    UserErasureBegun,
    UserErasureCancelled,
    UserErasureRequested,
)
from tests.users.people import (
    ADA,
    ADAS_EMAIL,
    BOBS_EMAIL,
    HOME,
    LATER,
    NOON,
    OTHER_SESSION,
    SESSION,
    registered,
)

given = Given(user)

register = RegisterUser(
    user_id=ADA,
    email="ada@example.com",
    email_id=ADAS_EMAIL,
    name="Ada",
    password_hash="$argon2id$first",
    personal_workspace_id=HOME,
    time_zone="Europe/London",
    locale="en-GB",
    at=NOON,
)
requested = UserErasureRequested(user_id=ADA, due_at=LATER, at=NOON)
begun = UserErasureBegun(user_id=ADA, email_id=ADAS_EMAIL, personal_workspace_id=HOME, at=LATER)
erased = UserErased(user_id=ADA, at=LATER)
password_changed = PasswordChanged(user_id=ADA, password_hash="$argon2id$second", kept_session_id=SESSION, at=LATER)


def test_a_stranger_registers() -> None:
    given().when(register).then(registered)


def test_an_id_is_given_once() -> None:
    given(registered).when(register).refused(Refused, "this id")


def test_the_id_of_an_erased_person_is_not_given_again() -> None:
    given(begun, erased).when(register).refused(Refused, "this id")


def test_an_edit_names_only_what_changed() -> None:
    given(registered).when(EditProfile(user_id=ADA, at=LATER, name="Ada L.", locale="en-GB")).then(
        ProfileEdited(user_id=ADA, at=LATER, name="Ada L.", time_zone=UNSET, locale=UNSET)
    )


def test_an_edit_without_a_change_is_no_event() -> None:
    given(registered).when(EditProfile(user_id=ADA, at=LATER, name="Ada")).then()


def test_an_unnamed_field_is_never_wiped() -> None:
    after = (
        given(registered)
        .when(EditProfile(user_id=ADA, at=LATER, name="A"))
        .then(ProfileEdited(user_id=ADA, at=LATER, name="A"))
    )
    assert (after.state.name, after.state.time_zone, after.state.locale) == ("A", "Europe/London", "en-GB")


def test_an_address_changes() -> None:
    given(registered).when(ChangeEmail(user_id=ADA, email="a@b.c", email_id=BOBS_EMAIL, at=LATER)).then(
        EmailChanged(user_id=ADA, email="a@b.c", email_id=BOBS_EMAIL, at=LATER)
    )


def test_the_same_address_is_no_change() -> None:
    given(registered).when(ChangeEmail(user_id=ADA, email="ada@example.com", email_id=ADAS_EMAIL, at=LATER)).then()


def test_a_new_password_ends_all_sessions_but_the_one_that_asks() -> None:
    after = (
        given(registered)
        .when(ChangePassword(user_id=ADA, password_hash="$argon2id$second", session_id=SESSION, at=LATER))
        .then(password_changed)
    )
    assert after.state.admits(SESSION, 0)
    assert not after.state.admits(OTHER_SESSION, 0)
    assert after.state.admits(OTHER_SESSION, 1)


def test_the_session_that_was_kept_ends_when_another_one_changes_the_password() -> None:
    again = PasswordChanged(user_id=ADA, password_hash="$3", kept_session_id=OTHER_SESSION, at=LATER)
    state = given(registered, password_changed, again).state
    assert not state.admits(SESSION, 0)
    assert state.admits(OTHER_SESSION, 1)


def test_a_password_is_hashed_anew_without_ending_a_session() -> None:
    rehash = RehashPassword(user_id=ADA, old_hash="$argon2id$first", password_hash="$new", at=LATER)
    after = given(registered).when(rehash).then(PasswordRehashed(user_id=ADA, password_hash="$new", at=LATER))
    assert after.state.admits(OTHER_SESSION, 0)


def test_an_old_password_hashed_anew_does_not_undo_a_change() -> None:
    given(registered, password_changed).when(
        RehashPassword(user_id=ADA, old_hash="$argon2id$first", password_hash="$new", at=LATER)
    ).then()


def test_erasure_is_requested_once() -> None:
    request = RequestUserErasure(user_id=ADA, due_at=LATER, at=NOON)
    given(registered).when(request).then(requested).when(request).then()


def test_erasure_is_taken_back_in_time() -> None:
    cancelled = UserErasureCancelled(user_id=ADA, at=NOON)
    after = given(registered, requested).when(CancelUserErasure(user_id=ADA, at=NOON)).then(cancelled)
    after.when(BeginUserErasure(user_id=ADA, at=LATER)).then()
    after.when(CancelUserErasure(user_id=ADA, at=NOON)).then()


def test_erasure_does_not_begin_before_its_time() -> None:
    given(registered, requested).when(BeginUserErasure(user_id=ADA, at=LATER - timedelta(seconds=1))).then()


def test_nobody_is_erased_who_did_not_ask() -> None:
    given(registered).when(BeginUserErasure(user_id=ADA, at=LATER)).then()


def test_when_erasure_begins_nothing_personal_is_left_in_the_state() -> None:
    after = given(registered, requested).when(BeginUserErasure(user_id=ADA, at=LATER)).then(begun)
    assert (after.state.name, after.state.email, after.state.password_hash) == ("", "", "")
    after.when(EditProfile(user_id=ADA, at=LATER, name="Ada")).refused(UserNotFound)
    after.when(CancelUserErasure(user_id=ADA, at=LATER)).refused(UserNotFound)


def test_erasure_ends_though_the_events_before_cannot_be_read_any_more() -> None:
    given(begun).when(FinishUserErasure(user_id=ADA, at=LATER)).then(erased).when(
        FinishUserErasure(user_id=ADA, at=LATER)
    ).then()


def test_erasure_does_not_end_before_it_began() -> None:
    given(registered, requested).when(FinishUserErasure(user_id=ADA, at=LATER)).then()
