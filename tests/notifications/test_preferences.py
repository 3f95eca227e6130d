"""What people want to be told, by which ways, and when they want quiet."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.notifications.commands.people import ChangePreferences, Choice, DeclineEmails, PostDigest
from sigdep.notifications.domain.preferences import (
    PREFERENCES,
    Preferences,
    digest_day,
    digest_due,
    not_before,
    view,
    wants,
)
from sigdep.notifications.events.people import DigestPosted, PreferencesChanged, QuietHours, Unsubscribed
from sigdep.recurrence.zones import UnknownZone
from sigdep.testing.given import Given
from tests.notifications.stories import BOB, HOME, LATER, NOON

given = Given(PREFERENCES)

NIGHT = QuietHours(start="22:00", end="07:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def change(**fields: Any) -> ChangePreferences:
    return ChangePreferences(user_id=BOB, workspace_id=HOME, at=LATER, **fields)


def changed(**fields: Any) -> PreferencesChanged:
    return PreferencesChanged(user_id=BOB, workspace_id=HOME, **({"at": LATER} | fields))


def test_an_edit_names_what_it_changes_and_nothing_else() -> None:
    email = Choice(kind="task.assigned", channel="email", wanted=True)
    as_it_is = Choice(kind="task.assigned", channel="fcm", wanted=True)
    past = given().when(change(choices=(email, as_it_is), digest_at="07:30"))
    after = past.then(changed(channels={"task.assigned": {"email": True}}, digest_at="07:30"))
    assert wants(after.state, "task.assigned", "email")
    assert wants(after.state, "task.assigned", "fcm")
    assert not wants(after.state, "task.mentioned", "email")
    after.when(change(choices=(email,), digest_at="07:30")).then()
    off = Choice(kind="task.assigned", channel="fcm", wanted=False)
    later = after.when(change(choices=(off,))).then(changed(channels={"task.assigned": {"fcm": False}}))
    assert later.state.channels == {"task.assigned": {"email": True, "fcm": False}}
    assert later.state.digest_at == "07:30"


def test_none_clears() -> None:
    past = given(changed(quiet_hours=NIGHT, digest_at="07:30"))
    after = past.when(change(quiet_hours=None, digest_at=None)).then(changed(quiet_hours=None, digest_at=None))
    assert (after.state.quiet_hours, after.state.digest_at) == (None, None)


@pytest.mark.parametrize("text", ["24:00", "7:30", "07:60", "07:30:00", "", "noon"])
def test_a_time_of_the_day_is_one(text: str) -> None:
    given().when(change(digest_at=text)).refused(Invalid, "hours and minutes")
    given().when(change(quiet_hours=QuietHours(start=text, end="07:00"))).refused(Invalid, "hours and minutes")


def test_a_time_zone_is_one() -> None:
    given().when(change(time_zone="Mars/Olympus")).refused(UnknownZone)


@pytest.mark.parametrize(
    "zone, now, until",
    [
        ("Europe/Berlin", "2026-11-22T21:59:59+01:00", None),
        ("Europe/Berlin", "2026-11-22T22:00:00+01:00", "2026-11-23T07:00:00+01:00"),
        ("Europe/Berlin", "2026-11-23T06:59:59+01:00", "2026-11-23T07:00:00+01:00"),
        ("Europe/Berlin", "2026-11-23T07:00:00+01:00", None),
        # The clocks go back in this night, and forward in the other: seven is seven.
        ("Europe/Berlin", "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("Europe/Berlin", "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("Asia/Kathmandu", "2026-11-22T23:00:00+05:45", "2026-11-23T07:00:00+05:45"),
    ],
)
def test_quiet_hours_last_until_morning_where_the_person_is(zone: str, now: str, until: str | None) -> None:
    preferences = given(changed(time_zone=zone, quiet_hours=NIGHT)).state
    assert not_before(preferences, utc(now), urgent=False) == (None if until is None else utc(until))


def test_quiet_hours_within_a_day_end_on_the_same() -> None:
    preferences = given(changed(time_zone="UTC", quiet_hours=QuietHours(start="11:00", end="13:00"))).state
    assert not_before(preferences, NOON, urgent=False) == NOON + timedelta(hours=1)
    assert not_before(preferences, NOON + timedelta(hours=1), urgent=False) is None
    same = QuietHours(start="11:00", end="11:00")
    assert not_before(given(changed(quiet_hours=same)).state, NOON, urgent=False) is None


def test_what_is_urgent_passes_only_where_that_is_wanted() -> None:
    midnight = utc("2026-11-22T23:00:00+00:00")
    passes = QuietHours(start="22:00", end="07:00", urgent_passes=True)
    assert not_before(given(changed(quiet_hours=NIGHT)).state, midnight, urgent=True) is not None
    assert not_before(given(changed(quiet_hours=passes)).state, midnight, urgent=True) is None
    assert not_before(given(changed(quiet_hours=passes)).state, midnight, urgent=False) is not None


def test_a_digest_is_due_once_a_day_at_the_persons_time() -> None:
    wanted = given(changed(time_zone="America/New_York", digest_at="07:30", at=utc("2026-11-22T09:00:00-05:00")))
    assert digest_due(wanted.state) == utc("2026-11-23T07:30:00-05:00")
    assert digest_due(Preferences()) is None
    on = date(2026, 11, 23)
    post = PostDigest(user_id=BOB, workspace_id=HOME, on=on, title="Unread: 1 mention", at=LATER)
    after = wanted.when(post).then(DigestPosted(user_id=BOB, on=on, at=LATER))
    after.when(post).then()
    assert digest_due(after.state) == utc("2026-11-24T07:30:00-05:00")


def test_after_a_long_stop_only_the_last_digest_is_made() -> None:
    preferences = given(changed(time_zone="UTC", digest_at="07:30", at=NOON)).state
    assert digest_day(preferences, NOON + timedelta(days=5)) == date(2026, 11, 27)
    assert digest_day(preferences, utc("2026-11-27T06:00:00+00:00")) == date(2026, 11, 26)
    assert digest_day(preferences, utc("2026-11-27T07:30:00+00:00")) == date(2026, 11, 27)
    late = given(
        changed(time_zone="UTC", digest_at="07:30", at=NOON), DigestPosted(user_id=BOB, on=date(2026, 11, 26), at=LATER)
    )
    assert digest_due(late.state) == utc("2026-11-27T07:30:00+00:00")


def test_one_who_has_said_nothing_sees_what_everybody_has() -> None:
    shown = view(Preferences(), time_zone="Europe/Berlin")
    assert (shown.time_zone, shown.quiet_hours, shown.digest_at, shown.version) == ("Europe/Berlin", None, None, 0)
    assert shown.channels["reminder"] == {"email": False, "fcm": True, "web_push": True}
    assert shown.channels["event.invited"] == {"email": True, "fcm": True, "web_push": True}


def test_whoever_unsubscribes_first_has_said_nothing_of_their_time_zone() -> None:
    """Times on the wall need that of the profile all the same, when they say something of them."""
    decline = DeclineEmails(user_id=BOB, kind="digest", at=NOON)
    after = given().when(decline).then(Unsubscribed(user_id=BOB, kind="digest", at=NOON))
    shown = view(after.state, time_zone="Europe/Berlin")
    assert (shown.time_zone, shown.channels["digest"]["email"], shown.version) == ("Europe/Berlin", False, 1)
    assert not after.state.zoned
    after.when(decline).then()
    assert given(changed(digest_at="07:30")).state.zoned
