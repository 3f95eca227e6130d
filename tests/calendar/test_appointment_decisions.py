"""What an appointment decides, and what it refuses."""

from typing import Any
from uuid import UUID

import pytest

from sigdep.calendar.commands import AnswerInvitation, EditAppointment, RemoveAppointment, RestoreAppointment
from sigdep.calendar.domain.appointment_decisions import (
    APPOINTMENT,
    InTrash,
    NotInvited,
    OccurrenceIsCancelled,
    OccurrenceNotFound,
)
from sigdep.calendar.domain.series import OccurrencesCollide
from sigdep.calendar.events.appointments import (
    AppointmentEdited,
    AppointmentRestored,
    AppointmentTrashed,
    Attendee,
    InvitationAnswered,
    OccurrenceCancelled,
    OccurrenceEdited,
    OccurrenceRestored,
    Recurrence,
    Reminder,
)
from sigdep.contracts.ids import UserId
from sigdep.kernel.errors import Invalid
from sigdep.testing.given import Given
from tests.calendar.stories import ADA, BOB, DAILY, LATER, PLAY, STANDUP, day, edit, schedule, scheduled

given = Given(APPOINTMENT)

BERLIN = "Europe/Berlin"
BY_ADA: dict[str, Any] = {"appointment_id": STANDUP, "by": ADA, "at": LATER}


CROWDED = tuple(f"2026-12-02T{minute // 60:02}:{minute % 60:02}" for minute in range(1_001))


def edited(**fields: Any) -> AppointmentEdited:
    return AppointmentEdited(**BY_ADA, **fields)


def moved(occurrence: str = day(8), **fields: Any) -> OccurrenceEdited:
    return OccurrenceEdited(**BY_ADA, occurrence=occurrence, **fields)


# ── making one ──────────────────────────────────────────────────────────────────────────────────────────


def test_times_are_kept_with_their_seconds_and_the_id_is_the_uid() -> None:
    given().when(schedule()).then(scheduled())


def test_without_an_end_it_lasts_an_hour_or_a_day() -> None:
    given().when(schedule(end=None)).then(scheduled(end=day(1, "10:00:00")))
    all_day: dict[str, Any] = {"start": "2026-12-01", "end": "2026-12-02", "time_zone": None}
    given().when(schedule(start="2026-12-01", end=None)).then(scheduled(**all_day))


def test_an_e_mail_address_and_a_reminder_are_kept_in_one_form() -> None:
    asked = schedule(attendees=(Attendee(email="Bob@Example.org"),), reminders=(Reminder(before="PT90M"),) * 2)
    kept: dict[str, Any] = {
        "attendees": (Attendee(email="bob@example.org"),),
        "reminders": (Reminder(before="PT1H30M"),),
    }
    given().when(asked).then(scheduled(**kept))


@pytest.mark.parametrize(
    "fields, pointer",
    [
        ({"title": " "}, "/title"),
        ({"start": "2026-12-01T09:00:00Z"}, "/start"),
        ({"start": "2026-13-01"}, "/start"),
        ({"all_day": True}, "/start"),
        ({"end": day(1, "08:00:00")}, "/end"),
        ({"end": "2026-12-02"}, "/end"),
        ({"start": "2026-12-01", "end": "2026-12-01"}, "/end"),
        ({"end": "2046-12-01T09:00:00"}, "/end"),
        ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
        ({"recurrence": Recurrence(rules=("FREQ=NEVER",))}, "/recurrence/rules/0"),
        ({"recurrence": Recurrence(rules=("FREQ=DAILY", "FREQ=DAILY;COUNT=0"))}, "/recurrence/rules/1"),
        ({"recurrence": Recurrence(rules=("FREQ=DAILY;UNTIL=20261231",))}, "/recurrence/rules"),
        ({"recurrence": Recurrence(rules=("FREQ=SECONDLY",))}, "/recurrence/rules"),
        ({"recurrence": Recurrence(rules=("FREQ=MINUTELY;BYMONTH=12",))}, "/recurrence/rules"),
        ({"recurrence": Recurrence(extra_dates=CROWDED)}, "/recurrence/rules"),
        ({"recurrence": Recurrence(excluded_dates=("2026-12-02",))}, "/recurrence/excluded_dates"),
        ({"recurrence": Recurrence(extra_dates=("2026-12-02T09:00/P",))}, "/recurrence/extra_dates/0"),
        ({"recurrence": Recurrence(excluded_dates=(day(2),) * 2_001)}, "/recurrence/excluded_dates"),
        ({"attendees": (Attendee(),)}, "/attendees/0"),
        ({"attendees": (Attendee(email="a@b.c"), Attendee(email="A@B.C"))}, "/attendees/1"),
        ({"attendees": (Attendee(email="a@b.c\r\nX:1"),)}, "/attendees/0/email"),
        ({"reminders": (Reminder(before="10 minutes"),)}, "/reminders/0/before"),
        ({"reminders": (Reminder(),)}, "/reminders/0"),
        ({"url": "not a url"}, "/url"),
        ({"url": "JavaScript:alert(1)"}, "/url"),
        ({"url": "data:text/html,<script>"}, "/url"),
        ({"time_zone": "localtime"}, "/time_zone"),
        ({"extra_properties": ("X-A:1\r\nATTENDEE:2",)}, "/extra_properties/0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_named(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        APPOINTMENT.decide(schedule(**fields), APPOINTMENT.initial)
    assert refused.value.faults[0].pointer == pointer


def reminded(count: int, *people: UUID) -> dict[str, Any]:
    return {
        "reminders": tuple(Reminder(before=f"PT{number}M") for number in range(count)),
        "attendees": tuple(Attendee(user_id=UserId(one)) for one in people),
    }


HOURLY = Recurrence(rules=("FREQ=HOURLY",))
CROWD = [UUID(int=number) for number in range(32)]


@pytest.mark.parametrize(
    "fields",
    [
        {"recurrence": HOURLY} | reminded(2),
        {"recurrence": HOURLY} | reminded(1, *CROWD),
        {"recurrence": DAILY} | reminded(20, *CROWD),
        {"recurrence": Recurrence(extra_dates=CROWDED[:1_000])} | reminded(2),
    ],
)
def test_reminders_that_nobody_could_bear_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        APPOINTMENT.decide(schedule(**fields), APPOINTMENT.initial)
    assert refused.value.faults[0].pointer == "/recurrence/rules"


@pytest.mark.parametrize(
    "fields",
    [
        {"recurrence": HOURLY} | reminded(1, *CROWD[:20]),
        {"recurrence": DAILY} | reminded(20, *CROWD[:30]),
        {"recurrence": DAILY} | reminded(2, *CROWD),
    ],
)
def test_reminders_of_many_people_every_day_are_taken(fields: dict[str, Any]) -> None:
    assert APPOINTMENT.decide(schedule(**fields), APPOINTMENT.initial)


def test_reminders_of_one_occurrence_count_too() -> None:
    hourly = given(scheduled(recurrence=HOURLY)).state
    with pytest.raises(Invalid):
        APPOINTMENT.decide(edit(occurrence=day(8), reminders=reminded(2)["reminders"]), hourly)


# ── all of it ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_names_what_it_changes_and_nothing_else() -> None:
    given(scheduled()).when(edit(title="Daily", location=None, busy=True)).then(edited(title="Daily"))
    given(scheduled()).when(edit(title="Stand-up")).then()


def test_another_calendar_is_an_edit() -> None:
    given(scheduled()).when(edit(calendar_id=PLAY)).then(edited(calendar_id=PLAY))


def test_when_only_the_start_is_named_the_end_stays() -> None:
    given(scheduled()).when(edit(start=day(1, "09:05:00"))).then(edited(start=day(1, "09:05:00"), sequence=1))
    with pytest.raises(Invalid):
        APPOINTMENT.decide(edit(start=day(1, "09:30:00")), given(scheduled()).state)


def test_changed_occurrences_go_along_when_the_series_moves() -> None:
    given(scheduled(), moved(title="Retro")).when(edit(start=day(1, "10:00"), end=day(1, "10:15"))).then(
        edited(
            start=day(1, "10:00:00"),
            end=day(1, "10:15:00"),
            sequence=1,
            renamed={day(8): day(8, "10:00:00")},
        )
    )


def test_the_end_of_a_rule_and_excluded_dates_go_along_too() -> None:
    before = Recurrence(rules=("FREQ=DAILY;UNTIL=20261210T080000Z",), excluded_dates=(day(3),))
    after = Recurrence(rules=("FREQ=DAILY;UNTIL=20261210T090000Z",), excluded_dates=(day(3, "10:00:00"),))
    given(scheduled(recurrence=before)).when(edit(start=day(1, "10:00"), end=day(1, "10:15"))).then(
        edited(start=day(1, "10:00:00"), end=day(1, "10:15:00"), recurrence=after, sequence=1)
    )


def test_in_another_zone_it_is_at_the_same_time_on_the_wall_and_ends_on_the_same_day() -> None:
    before = Recurrence(rules=("FREQ=DAILY;UNTIL=20261210T080000Z",))
    after = Recurrence(rules=("FREQ=DAILY;UNTIL=20261210T140000Z",))
    given(scheduled(recurrence=before)).when(edit(time_zone="America/New_York")).then(
        edited(time_zone="America/New_York", recurrence=after, sequence=1)
    )


def test_a_series_can_become_all_day_with_all_that_was_changed() -> None:
    before = Recurrence(rules=("FREQ=DAILY;UNTIL=20261210T080000Z",), excluded_dates=(day(3),))
    after = Recurrence(rules=("FREQ=DAILY;UNTIL=20261210",), excluded_dates=("2026-12-03",))
    given(scheduled(recurrence=before), moved(title="Retro")).when(edit(all_day=True)).then(
        edited(
            start="2026-12-01",
            end="2026-12-02",
            time_zone=None,
            recurrence=after,
            sequence=1,
            renamed={day(8): "2026-12-08"},
        )
    )


def test_a_new_rule_leaves_changed_occurrences_where_they_are() -> None:
    weekly = Recurrence(rules=("FREQ=WEEKLY",))
    given(scheduled(), moved(day(9), title="Retro")).when(edit(recurrence=weekly)).then(
        edited(recurrence=weekly, sequence=1)
    )


def test_two_changed_occurrences_never_become_one() -> None:
    twice = Recurrence(rules=("FREQ=DAILY;BYHOUR=9,15",))
    past = given(scheduled(recurrence=twice), moved(day(8), title="A"), moved(day(8, "15:00:00"), title="B"))
    with pytest.raises(OccurrencesCollide):
        APPOINTMENT.decide(edit(all_day=True, recurrence=DAILY), past.state)


def test_from_one_occurrence_all_of_them_are_moved_alike() -> None:
    asked = edit(scope="all", occurrence=day(8), start=day(9, "11:00"), end=day(9, "12:00"))
    given(scheduled()).when(asked).then(edited(start=day(2, "11:00:00"), end=day(2, "12:00:00"), sequence=1))


def test_who_stays_invited_keeps_their_answer() -> None:
    bob, guest = Attendee(user_id=BOB, answer="accepted"), Attendee(email="guest@example.org", answer="declined")
    past = given(scheduled(attendees=(bob, guest)))
    past.when(edit(attendees=(Attendee(user_id=BOB, role="chair"),))).then(
        edited(attendees=(Attendee(user_id=BOB, role="chair", answer="accepted"),))
    )


# ── one occurrence ──────────────────────────────────────────────────────────────────────────────────────


def test_one_occurrence_is_changed_alone() -> None:
    given(scheduled()).when(edit(occurrence=day(8), title="Retro")).then(moved(title="Retro"))


def test_the_time_of_one_occurrence_is_kept_as_a_whole() -> None:
    asked = edit(occurrence=day(8), end=day(8, "10:00"))
    given(scheduled()).when(asked).then(moved(start=day(8), end=day(8, "10:00:00"), time_zone=BERLIN))


def test_an_occurrence_is_known_by_its_original_start_wherever_it_was_moved() -> None:
    past = given(scheduled(), moved(start=day(8, "14:00:00"), end=day(8, "15:00:00"), time_zone=BERLIN))
    past.when(edit(occurrence=day(8), title="Retro")).then(moved(title="Retro"))
    with pytest.raises(OccurrenceNotFound):
        APPOINTMENT.decide(edit(occurrence=day(8, "14:00:00"), title="Retro"), past.state)


def test_an_occurrence_may_be_named_by_its_instant() -> None:
    given(scheduled()).when(edit(occurrence="2026-12-08T08:00:00Z", title="Retro")).then(moved(title="Retro"))


@pytest.mark.parametrize("occurrence", [day(8, "10:00:00"), "2026-12-08", "2026-11-30T09:00:00"])
def test_what_is_no_occurrence_is_not_found(occurrence: str) -> None:
    with pytest.raises(OccurrenceNotFound):
        APPOINTMENT.decide(edit(occurrence=occurrence, title="Retro"), given(scheduled()).state)


@pytest.mark.parametrize(
    "fields, pointer",
    [
        ({"occurrence": day(8), "recurrence": DAILY}, "/recurrence"),
        ({"occurrence": day(8), "calendar_id": PLAY}, "/calendar_id"),
        ({"occurrence": "soon"}, "occurrence"),
        ({"scope": "this"}, "occurrence"),
        ({"scope": "following"}, "occurrence"),
        ({"occurrence": day(8), "time_zone": None}, "/time_zone"),
    ],
)
def test_what_one_occurrence_cannot_have_is_refused(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        APPOINTMENT.decide(edit(title="Retro", **fields), given(scheduled()).state)
    assert refused.value.faults[0].pointer == pointer


def test_of_an_appointment_that_is_no_series_there_is_one_occurrence() -> None:
    given(scheduled(recurrence=None)).when(edit(occurrence=day(1), title="Once")).then(edited(title="Once"))


# ── cancelling, trash ───────────────────────────────────────────────────────────────────────────────────


def test_an_occurrence_is_cancelled_once_and_restored_with_all_that_was_different() -> None:
    remove = RemoveAppointment(**BY_ADA, scope="this", occurrence=day(8))
    restore = RestoreAppointment(**BY_ADA, occurrence=day(8))
    cancelled = OccurrenceCancelled(**BY_ADA, occurrence=day(8))
    given(scheduled(), moved(title="Retro")).when(remove).then(cancelled)
    past = given(scheduled(), moved(title="Retro"), cancelled)
    past.when(remove).then()
    with pytest.raises(OccurrenceIsCancelled):
        APPOINTMENT.decide(edit(occurrence=day(8), title="X"), past.state)
    past.when(restore).then(OccurrenceRestored(**BY_ADA, occurrence=day(8)))
    again = given(scheduled(), moved(title="Retro"), cancelled, OccurrenceRestored(**BY_ADA, occurrence=day(8)))
    assert again.state.changed_occurrences[0].title == "Retro"


def test_what_is_in_the_trash_is_restored_before_it_is_changed() -> None:
    trashed = AppointmentTrashed(**BY_ADA)
    given(scheduled()).when(RemoveAppointment(**BY_ADA)).then(trashed)
    past = given(scheduled(), trashed)
    past.when(RemoveAppointment(**BY_ADA)).then()
    with pytest.raises(InTrash):
        APPOINTMENT.decide(EditAppointment(**BY_ADA, title="X"), past.state)
    past.when(RestoreAppointment(**BY_ADA)).then(AppointmentRestored(**BY_ADA))


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_to_all_occurrences_or_to_one() -> None:
    bob: dict[str, Any] = {"appointment_id": STANDUP, "by": BOB, "at": LATER}
    invited = scheduled(attendees=(Attendee(user_id=BOB),))
    to_all = InvitationAnswered(**bob, attendee=str(BOB), answer="accepted")
    to_one = InvitationAnswered(**bob, attendee=str(BOB), answer="declined", occurrence=day(8))
    given(invited).when(AnswerInvitation(**bob, answer="accepted")).then(to_all)
    given(invited, to_all).when(AnswerInvitation(**bob, answer="accepted")).then()
    given(invited, to_all).when(AnswerInvitation(**bob, answer="declined", occurrence=day(8))).then(to_one)
    given(invited, to_all, to_one).when(AnswerInvitation(**bob, answer="declined", occurrence=day(8))).then()


def test_only_who_is_invited_answers() -> None:
    with pytest.raises(NotInvited):
        APPOINTMENT.decide(AnswerInvitation(**BY_ADA, answer="accepted"), given(scheduled()).state)
