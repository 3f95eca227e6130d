"""What a notification decides on its way from unread to done."""

from datetime import timedelta
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.notifications.commands.inbox import MarkDone, MarkRead, MarkUnread, ReturnNotification, SnoozeNotification
from sigdep.notifications.domain.notification import (
    ABSENT,
    NOTIFICATION,
    NotificationIsDone,
    NotificationNotFound,
    evolve,
    notification_id,
)
from sigdep.notifications.events.inbox import (
    NotificationMarkedDone,
    NotificationMarkedRead,
    NotificationMarkedUnread,
    NotificationReturned,
    NotificationSnoozed,
)
from sigdep.testing.given import Given
from tests.notifications.stories import ADA, BOB, KEY, LATER, NOON, TOLD, posted

EVENING = LATER + timedelta(hours=6)

given = Given(NOTIFICATION)

IDS: Any = {"notification_id": TOLD, "recipient_id": BOB}
ASKED: Any = {"notification_id": TOLD, "by": BOB, "at": LATER}
read, unread, done = MarkRead(**ASKED), MarkUnread(**ASKED), MarkDone(**ASKED)
marked_read = NotificationMarkedRead(**IDS, at=LATER)
marked_unread = NotificationMarkedUnread(**IDS, at=LATER)
marked_done = NotificationMarkedDone(**IDS, at=LATER)
snoozed = NotificationSnoozed(**IDS, until=EVENING, at=LATER)


def test_it_is_read_once_and_unread_again() -> None:
    given(posted()).when(read).then(marked_read).when(read).then().when(unread).then(marked_unread)


def test_done_is_not_read_by_mistake_and_comes_back_only_as_unread() -> None:
    given(posted()).when(done).then(marked_done)
    given(posted(), marked_done).when(read).refused(NotificationIsDone)
    given(posted(), marked_done).when(unread).then(marked_unread)


def test_what_was_snoozed_returns_when_its_time_has_come_and_not_before() -> None:
    past = given(posted()).when(SnoozeNotification(**ASKED, until=EVENING)).then(snoozed)
    assert past.state.snoozed_until == EVENING
    past.when(ReturnNotification(notification_id=TOLD, at=EVENING - timedelta(seconds=1))).then()
    returned = past.when(ReturnNotification(notification_id=TOLD, at=EVENING)).then(
        NotificationReturned(**IDS, at=EVENING)
    )
    assert (returned.state.state, returned.state.snoozed_until) == ("unread", None)
    returned.when(ReturnNotification(notification_id=TOLD, at=EVENING)).then()


@pytest.mark.parametrize("instead", [marked_read, marked_unread, marked_done])
def test_what_was_snoozed_and_then_marked_does_not_return(instead: Any) -> None:
    given(posted(), snoozed, instead).when(ReturnNotification(notification_id=TOLD, at=EVENING)).then()


def test_nothing_is_snoozed_until_a_time_that_has_passed() -> None:
    given(posted()).when(SnoozeNotification(**ASKED, until=LATER)).refused(Invalid, "time to come")


def test_what_does_not_exist_cannot_be_marked() -> None:
    given().when(read).refused(NotificationNotFound)


def test_what_follows_upon_something_forgotten_says_nothing() -> None:
    assert evolve(ABSENT, marked_read) is ABSENT


def test_the_same_news_has_one_id_for_each_person() -> None:
    assert notification_id(KEY, BOB) == TOLD
    assert len({notification_id(KEY, BOB), notification_id(KEY, ADA), notification_id("another", BOB)}) == 3


def test_it_says_what_it_was_told() -> None:
    state = given(posted(body="Two bottles", urgent=True)).state
    assert (state.title, state.body, state.urgent, state.state, state.version) == (
        "Buy milk",
        "Two bottles",
        True,
        "unread",
        1,
    )
    assert (state.posted_at, state.recipient_id) == (NOON, BOB)
