"""What a task that recurs goes by: its rule, the date it is counted from, and when the next one is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from sigdep.kernel.errors import Invalid
from sigdep.tasks.commands.tasks import SkipTask
from sigdep.tasks.domain.next_occurrence import next_of, step_from
from sigdep.tasks.domain.schedule import NoDate
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import TASK, DoesNotRecur, Finished
from sigdep.tasks.events.tasks import (
    TaskCompleted,
    TaskCreated,
    TaskRecurrence,
    TaskReminder,
    TaskRepeated,
    TaskSchedule,
    TaskSkipped,
)
from sigdep.testing.given import Given
from tests.tasks.stories import ADA, BREAD, LATER, MILK, NOON, create, created, edit, edited

given = Given(TASK)

FRIDAYS = TaskRecurrence(rule="FREQ=WEEKLY;BYDAY=FR")
FRIDAY, NEXT_FRIDAY = date(2026, 11, 27), date(2026, 12, 4)
WEEKLY = created(recurrence=FRIDAYS, due_on=FRIDAY, schedule=TaskSchedule(start="2026-11-27", original="2026-11-27"))
skip = SkipTask(task_id=MILK, by=ADA, at=LATER)


def recurring(rule: str, anchor: Any = "schedule", zone: str = "Europe/Berlin", **fields: Any) -> Task:
    """A task as it is when it was created so."""
    command = create(recurrence=TaskRecurrence(rule=rule, anchor=anchor), time_zone=zone, **fields)
    return given(*TASK.decide(command, TASK.initial)).state


def at(text: str) -> datetime:
    """An instant, as `2026-11-27T09:00 Europe/Berlin`; without a zone in UTC."""
    wall, _, zone = text.partition(" ")
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone or "UTC")).astimezone(UTC)


def following(task: Task, done_at: datetime) -> TaskCreated | None:
    step = step_from(task, done_at)
    return None if step is None else next_of(task, step, BREAD, {}, ADA, done_at)


def chain(task: Task, done: list[datetime]) -> list[Any]:
    """What each of the next ones is due on or at, done one after the other; None: that was the end."""
    found: list[Any] = []
    for done_at in done:
        made = following(task, done_at)
        if made is None:
            return [*found, None]
        found.append(made.due_on or made.due_at or made.scheduled_at)
        task = given(made).state
    return found


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────


def test_a_task_is_created_with_its_rule_in_one_way_of_writing() -> None:
    asked = TaskRecurrence(rule="byday=fr;freq=weekly;interval=1;")
    past = given().when(create(recurrence=asked, due_on=FRIDAY)).then(WEEKLY)
    assert (past.state.series_id, past.state.occurrence, past.state.next_id) == (MILK, 1, None)


def test_a_rule_that_is_set_later_begins_a_series() -> None:
    schedule = TaskSchedule(start="2026-11-27", original="2026-11-27")
    past = given(created(due_on=FRIDAY)).when(edit(recurrence=FRIDAYS))
    state = past.then(edited(recurrence=FRIDAYS, schedule=schedule)).state
    assert (state.series_id, state.occurrence) == (MILK, 1)


@pytest.mark.parametrize(
    "fields, pointer, saying",
    [
        ({"recurrence": TaskRecurrence(rule="FREQ=WEEKLY")}, "/recurrence", "needs a date"),
        ({"recurrence": TaskRecurrence(rule="often"), "due_on": FRIDAY}, "/recurrence/rule", "FREQ=DAILY"),
        ({"recurrence": TaskRecurrence(rule="FREQ=HOURLY"), "due_on": FRIDAY}, "/recurrence/rule", "time of day"),
        ({"recurrence": TaskRecurrence(rule="X" * 1_001), "due_on": FRIDAY}, "/recurrence/rule", "1,000"),
        (
            {"recurrence": TaskRecurrence(rule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "due_on": FRIDAY},
            "/recurrence/rule",
            "never happens again",
        ),
        (
            {"recurrence": TaskRecurrence(rule="FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"), "due_at": NOON},
            "/recurrence/rule",
            "",
        ),
        (
            {"recurrence": TaskRecurrence(rule="FREQ=DAILY;COUNT=1000000;BYDAY=MO"), "due_on": FRIDAY},
            "/recurrence/rule",
            "10,000 steps",
        ),
        ({"recurrence": TaskRecurrence(rule="FREQ=DAILY;UNTIL=20270101"), "due_at": NOON}, "/recurrence/rule", "UNTIL"),
        ({"time_zone": "Europe/Atlantis"}, "/time_zone", "Atlantis"),
        ({"time_zone": "../etc/passwd"}, "/time_zone", "no time zone"),
        ({"reminders": (TaskReminder(),)}, "/reminders/0", "one way"),
        ({"reminders": (TaskReminder(before="PT5M"), TaskReminder(at=NOON, before="PT5M"))}, "/reminders/1", "one way"),
        ({"reminders": (TaskReminder(before="-PT5M"),)}, "/reminders/0/before", "no duration"),
        ({"reminders": (TaskReminder(before="P9999W"),)}, "/reminders/0/before", "3,660 days"),
        ({"reminders": (TaskReminder(at=datetime(2026, 1, 1)),)}, "/reminders/0/at", "offset"),  # noqa: DTZ001
        ({"reminders": tuple(TaskReminder(before=f"PT{n}M") for n in range(21))}, "/reminders", "20"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(fields: dict[str, Any], pointer: str, saying: str) -> None:
    for command, task in ((create(**fields), TASK.initial), (edit(**fields), given(created()).state)):
        with pytest.raises(Invalid) as refusal:
            TASK.decide(command, task)
        assert [fault.pointer for fault in refusal.value.faults] == [pointer]
        assert saying in refusal.value.detail


def test_reminders_are_kept_once_each_in_one_way_of_writing() -> None:
    asked = (
        TaskReminder(before="PT600S"),
        TaskReminder(before="PT10M"),
        TaskReminder(before="P1W"),
        TaskReminder(at=NOON),
    )
    kept = (TaskReminder(before="PT10M"), TaskReminder(before="P7D"), TaskReminder(at=NOON))
    given().when(create(reminders=asked)).then(created(reminders=kept))
    given(created(reminders=kept)).when(edit(reminders=asked)).then()
    given(created(reminders=kept)).when(edit(reminders=())).then(edited(reminders=()))


# ── what is edited ──────────────────────────────────────────────────────────────────────────────────────


def test_a_date_alone_moves_this_occurrence_only() -> None:
    monday = date(2026, 11, 30)
    past = given(WEEKLY).when(edit(due_on=monday)).then(edited(due_on=monday))
    assert chain(past.state, [at("2026-11-30T12:00")]) == [NEXT_FRIDAY]
    earlier = given(WEEKLY).when(edit(due_on=date(2026, 11, 26))).then(edited(due_on=date(2026, 11, 26)))
    assert chain(earlier.state, [at("2026-11-26T12:00")]) == [NEXT_FRIDAY], "Friday's was done on Thursday."


def test_the_rule_named_along_with_another_date_is_counted_from_that_one() -> None:
    daily = TaskRecurrence(rule="FREQ=DAILY;INTERVAL=3")
    task = given(*TASK.decide(create(recurrence=daily, due_on=FRIDAY), TASK.initial)).state
    moved = given(created(recurrence=daily, due_on=FRIDAY, schedule=task.schedule))
    later, schedule = date(2026, 11, 28), TaskSchedule(start="2026-11-28", original="2026-11-28")
    state = moved.when(edit(recurrence=daily, due_on=later)).then(edited(due_on=later, schedule=schedule)).state
    assert chain(state, [at("2026-11-28T12:00")]) == [date(2026, 12, 1)]


def test_the_same_rule_sent_again_changes_nothing() -> None:
    given(WEEKLY).when(edit(recurrence=FRIDAYS, title="Buy milk")).then()


def test_another_rule_counts_from_the_occurrence_that_gets_it() -> None:
    fifth = replace(WEEKLY, series_id=BREAD, occurrence=5, previous_id=BREAD)
    twice = TaskRecurrence(rule="FREQ=DAILY;COUNT=2", anchor="completion")
    schedule = TaskSchedule(start="2026-11-27", original="2026-11-27", since=5)
    state = given(fifth).when(edit(recurrence=twice)).then(edited(recurrence=twice, schedule=schedule)).state
    assert (state.series_id, state.occurrence) == (BREAD, 5)
    assert chain(state, [at("2026-11-27T12:00"), at("2026-11-28T12:00")]) == [date(2026, 11, 28), None]


def test_a_time_in_place_of_a_date_is_what_the_rule_counts_from() -> None:
    schedule = TaskSchedule(start="2026-11-22T13:00:00", original="2026-11-22T13:00:00")
    past = given(WEEKLY).when(edit(due_on=None, due_at=LATER))
    past.then(edited(due_on=None, due_at=LATER, schedule=schedule))


def test_what_recurs_keeps_a_date() -> None:
    given(WEEKLY).when(edit(due_on=None)).refused(NoDate, "recurrence: null")
    given(WEEKLY).when(edit(due_on=None, recurrence=FRIDAYS)).refused(Invalid, "needs a date")
    past = given(WEEKLY).when(edit(due_on=None, recurrence=None))
    assert past.then(edited(due_on=None, recurrence=None, schedule=None)).state.series_id == MILK


# ── skipping ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_occurrence_is_skipped_once() -> None:
    skipped = TaskSkipped(task_id=MILK, by=ADA, at=LATER)
    past = given(WEEKLY).when(skip).then(skipped)
    assert past.state.status == "cancelled"
    repeated = TaskRepeated(task_id=MILK, next_id=BREAD, by=ADA, at=LATER)
    given(WEEKLY, skipped, repeated).when(skip).then()


def test_the_last_one_is_skipped_once() -> None:
    last = recurring("FREQ=DAILY;COUNT=1", due_on=FRIDAY)
    events = TASK.decide(skip, last)
    assert events == [TaskSkipped(task_id=MILK, by=ADA, at=LATER)]
    assert TASK.decide(skip, TASK.fold(last, events)) == []


def test_only_what_recurs_and_is_not_done_is_skipped() -> None:
    given(created()).when(skip).refused(DoesNotRecur)
    given(WEEKLY, TaskCompleted(task_id=MILK, by=ADA, at=LATER)).when(skip).refused(Finished, "done")


# ── the next one, by schedule ───────────────────────────────────────────────────────────────────────────


def test_the_next_is_the_one_after_the_date_whenever_this_one_is_done() -> None:
    task = recurring(FRIDAYS.rule, due_on=FRIDAY)
    for done in ("2026-11-20T12:00", "2026-11-27T12:00", "2026-12-04T22:59"):
        assert chain(task, [at(done)]) == [NEXT_FRIDAY]


def test_of_those_that_were_missed_there_is_one_and_it_is_not_past() -> None:
    daily = recurring("FREQ=DAILY", due_on=date(2026, 11, 1))
    assert chain(daily, [at("2026-11-22T12:00")] * 2) == [date(2026, 11, 22), date(2026, 11, 23)], "Today's is to do."
    assert chain(daily, [at("2026-11-22T23:30")]) == [date(2026, 11, 23)], "In Berlin it is tomorrow."
    nine = recurring("FREQ=DAILY", due_at=at("2026-11-01T09:00 Europe/Berlin"))
    assert chain(nine, [at("2026-11-22T09:00 Europe/Berlin")]) == [at("2026-11-22T09:00 Europe/Berlin")]
    assert chain(nine, [at("2026-11-22T09:01 Europe/Berlin")]) == [at("2026-11-23T09:00 Europe/Berlin")]


def test_an_interval_keeps_step_with_its_start() -> None:
    task = recurring("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", due_on=FRIDAY)
    assert chain(task, [at("2026-12-05T12:00")]) == [date(2026, 12, 11)]
    assert chain(task, [at("2026-12-12T12:00")]) == [date(2026, 12, 25)]


def test_a_month_from_the_31st_stays_at_the_31st() -> None:
    task = recurring("FREQ=MONTHLY;RSCALE=GREGORIAN;SKIP=BACKWARD", due_on=date(2027, 1, 31))
    done = [at("2027-01-31T12:00"), at("2027-02-28T12:00"), at("2027-03-31T12:00")]
    assert chain(task, done) == [date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


def test_count_and_until_end_the_series() -> None:
    three = recurring("FREQ=DAILY;COUNT=3", due_on=FRIDAY)
    assert chain(three, [at("2026-11-20T12:00")] * 3) == [date(2026, 11, 28), date(2026, 11, 29), None]
    assert chain(three, [at("2026-12-20T12:00")]) == [None], "All three days have gone."
    until = recurring("FREQ=DAILY;UNTIL=20261128", due_on=FRIDAY)
    assert chain(until, [at("2026-11-20T12:00")] * 2) == [date(2026, 11, 28), None]
    until = recurring("FREQ=DAILY;UNTIL=20261128T120000Z", due_at=at("2026-11-27T12:00"))
    assert chain(until, [at("2026-11-20T12:00")] * 2) == [at("2026-11-28T12:00"), None]


def test_a_series_ends_with_the_years_that_the_api_takes() -> None:
    assert chain(recurring("FREQ=YEARLY", due_on=date(2200, 3, 1)), [NOON]) == [None]


def test_all_dates_go_the_same_way() -> None:
    task = recurring(
        FRIDAYS.rule,
        due_at=at("2026-11-27T17:00 Europe/Berlin"),
        scheduled_at=at("2026-11-26T08:30 Europe/Berlin"),
        reminders=(TaskReminder(before="PT10M"), TaskReminder(at=at("2026-11-25T07:00 Europe/Berlin"))),
    )
    made = following(task, NOON)
    assert made is not None
    assert made.due_at == at("2026-12-04T17:00 Europe/Berlin")
    assert made.scheduled_at == at("2026-12-03T08:30 Europe/Berlin")
    assert made.reminders == (TaskReminder(before="PT10M"), TaskReminder(at=at("2026-12-02T07:00 Europe/Berlin")))


def test_a_scheduled_time_that_was_put_off_does_not_put_off_the_series() -> None:
    task = recurring("FREQ=DAILY", scheduled_at=at("2026-11-23T08:00 Europe/Berlin"))
    snoozed = replace(task, scheduled_at=at("2026-11-23T15:40 Europe/Berlin"))
    assert chain(snoozed, [at("2026-11-23T16:00 Europe/Berlin")]) == [at("2026-11-24T08:00 Europe/Berlin")]


@pytest.mark.parametrize(
    "zone, before, night, after",
    [
        # Summer begins: 02:30 is left out, and read with the offset before the leap (RFC 5545 §3.3.5).
        ("Europe/Berlin", "2027-03-27T01:30", "2027-03-28T01:30", "2027-03-29T00:30"),
        # Summer ends: 02:30 comes twice, and means the first.
        ("Europe/Berlin", "2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("America/New_York", "2027-03-13T07:30", "2027-03-14T07:30", "2027-03-15T06:30"),
        ("America/New_York", "2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"),
        ("Australia/Lord_Howe", "2026-10-02T15:45", "2026-10-03T15:45", "2026-10-04T15:15"),
        ("Australia/Lord_Howe", "2027-04-02T14:45", "2027-04-03T14:45", "2027-04-04T15:15"),
    ],
)
def test_a_time_on_the_wall_stays_the_same_over_a_night_of_clock_change(
    zone: str, before: str, night: str, after: str
) -> None:
    task = recurring("FREQ=DAILY", due_at=at(before), zone=zone)
    assert chain(task, [at(before)] * 2) == [at(night), at(after)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland"])
def test_every_friday_at_nine_is_at_nine_all_year(zone: str) -> None:
    task = recurring(FRIDAYS.rule, due_at=at(f"2026-01-02T09:00 {zone}"), zone=zone)
    done = [at(f"2026-01-02T09:00 {zone}") + timedelta(weeks=week) for week in range(52)]
    walls = {
        (one.astimezone(ZoneInfo(zone)).weekday(), one.astimezone(ZoneInfo(zone)).hour) for one in chain(task, done)
    }
    assert walls == {(4, 9)}


# ── the next one, by completion ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "rule, due, done, expected",
    [
        ("FREQ=DAILY;INTERVAL=3", FRIDAY, "2026-12-10T12:00", date(2026, 12, 13)),
        ("FREQ=DAILY;INTERVAL=3", FRIDAY, "2026-11-20T12:00", date(2026, 11, 23)),
        ("FREQ=DAILY;INTERVAL=3", FRIDAY, "2026-12-10T23:30", date(2026, 12, 14)),  # The 11th, in Berlin.
        ("FREQ=WEEKLY;BYDAY=FR", FRIDAY, "2026-11-27T12:00", NEXT_FRIDAY),
        ("FREQ=MONTHLY", FRIDAY, "2027-01-31T12:00", date(2027, 2, 28)),
        ("FREQ=MONTHLY;BYMONTHDAY=31", FRIDAY, "2027-01-31T12:00", date(2027, 3, 31)),
        ("FREQ=DAILY;INTERVAL=3", at("2026-11-27T08:00"), "2026-12-10T17:23", at("2026-12-13T08:00")),
        ("FREQ=DAILY;BYHOUR=9,18", at("2026-11-27T08:00"), "2026-12-10T17:30", at("2026-12-11T08:00")),
        ("FREQ=HOURLY;INTERVAL=4", at("2026-11-27T08:00"), "2026-12-10T17:23:45", at("2026-12-10T21:23:45")),
    ],
)
def test_it_is_counted_from_the_completion(rule: str, due: Any, done: str, expected: Any) -> None:
    dates = {"due_at": due} if isinstance(due, datetime) else {"due_on": due}
    assert chain(recurring(rule, "completion", **dates), [at(done)]) == [expected]


def test_by_completion_count_counts_what_was_made_and_until_is_a_last_date() -> None:
    three = recurring("FREQ=DAILY;COUNT=3", "completion", due_on=FRIDAY)
    assert chain(three, [at("2027-06-01T12:00")] * 3) == [date(2027, 6, 2), date(2027, 6, 2), None]
    until = recurring("FREQ=DAILY;UNTIL=20261129", "completion", due_on=FRIDAY)
    assert chain(until, [at("2026-11-28T12:00"), at("2026-11-29T12:00")]) == [date(2026, 11, 29), None]
