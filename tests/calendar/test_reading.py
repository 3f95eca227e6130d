"""What readers see: what is on when, who is busy, what there is to be reminded of."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from sigdep.calendar.commands import (
    AnswerInvitation,
    ArchiveCalendar,
    CreateCalendar,
    EditAppointment,
    RemoveAppointment,
    TrashCalendar,
)
from sigdep.calendar.domain.series import series_of
from sigdep.calendar.events.appointments import Attendee, Recurrence, Reminder
from sigdep.calendar.queries import (
    FindBusyTimes,
    GetAppointment,
    GetHistory,
    GetOccurrence,
    ListAppointments,
    ListCalendars,
    ListOccurrences,
)
from sigdep.calendar.read_models.model import CalendarReadModel
from sigdep.contracts.reminding import FindReminders, ThingReminders
from sigdep.kernel.errors import Invalid, NotFound
from sigdep.kernel.read_store import PAGE_ROWS_MAX, Key, Row, Select
from sigdep.recurrence.occurrences import Span, occurrences
from tests.calendar.stories import ADA, BOB, CY, DAILY, EVE, TEAM, day
from tests.calendar.world import World

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)

RULES = (
    "FREQ=DAILY", "FREQ=DAILY;COUNT=9", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=HOURLY;INTERVAL=9",
)  # fmt: skip


async def everything(world: World) -> Mapping[str, Mapping[Key, Row]]:
    """All rows of the read model."""
    found: dict[str, dict[Key, Row]] = {}
    for table in CalendarReadModel().tables:
        page = await world.views.select(world.model_id, Select(table=table, limit=PAGE_ROWS_MAX))
        found[table.name] = {tuple(row[column] for column in table.key): row for row in page.rows}
    return found


async def populate(world: World, chance: Random, count: int) -> None:
    """Appointments of all kinds, some of them changed."""
    for number in range(count):
        start = datetime(2026, 11, 20) + timedelta(days=chance.randrange(40), hours=chance.randrange(24))  # noqa: DTZ001
        lasts = chance.choice([timedelta(0), timedelta(minutes=30), timedelta(hours=20), timedelta(days=9)])
        zone = chance.choice(["Europe/Berlin", "Asia/Tokyo", "America/New_York", None])
        fields: dict[str, Any] = {
            "start": start.isoformat(),
            "end": (start + lasts).isoformat(),
            "time_zone": zone,
        }
        if chance.random() < 0.3:
            fields = {"start": start.date().isoformat(), "end": None, "time_zone": None}
        if chance.random() < 0.5:
            rule = chance.choice(RULES if fields["end"] else RULES[:4])
            fields["recurrence"] = Recurrence(rules=(rule,))
        one = await world.schedule(title=f"No {number}", **fields)
        if one.recurrence is not None and chance.random() < 0.6:
            await world.ask(
                EditAppointment, appointment_id=one.id, occurrence=one.start, title="Other", **_later(one.start, chance)
            )
        if chance.random() < 0.1:
            await world.ask(RemoveAppointment, appointment_id=one.id)


def _later(start: str, chance: Random) -> dict[str, Any]:
    by = timedelta(days=chance.randrange(-9, 9))
    if "T" not in start:
        day = datetime.fromisoformat(start) + by
        return {"start": day.date().isoformat(), "end": (day + timedelta(days=2)).date().isoformat()}
    moved = datetime.fromisoformat(start) + by
    return {"start": moved.isoformat(), "end": (moved + timedelta(hours=1)).isoformat()}


async def recomputed(world: World, since: datetime, until: datetime, zone: str) -> list[tuple[Any, ...]]:
    """From the log alone, appointment by appointment."""
    found: list[tuple[Any, ...]] = []
    for one in (await world.appointments()).values():
        if one.trashed_at is None:
            found += [
                (each.starts_at, one.id, each.original.isoformat(), each.ends_at)
                for each in occurrences(series_of(one), Span(since, until, zone))
            ]
    return [(str(one), starts_at, ends_at) for starts_at, one, _, ends_at in sorted(found)]


@pytest.mark.parametrize("seed", range(4))
async def test_a_list_shows_what_the_log_says_page_by_page(world: World, seed: int) -> None:
    chance = Random(seed)
    await populate(world, chance, 30)
    for _ in range(6):
        since = DECEMBER + timedelta(days=chance.randrange(-14, 40), hours=chance.randrange(24))
        until = since + timedelta(days=chance.choice([1, 7, 31, 90]))
        zone = chance.choice(["UTC", "Pacific/Auckland", "America/Los_Angeles"])
        query = ListOccurrences(since=since, until=until, time_zone=zone, limit=chance.choice([3, 20, 200]))
        shown = [
            (one["id"], datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"]))
            for one in await world.items(query)
        ]
        assert shown == await recomputed(world, since, until, zone)


@pytest.mark.parametrize("batch_events", [1, 3, 1_000])
async def test_rows_do_not_depend_on_how_events_are_cut_into_batches(world: World, batch_events: int) -> None:
    await populate(world, Random(7), 25)
    await world.project(batch_events)
    stepwise = await everything(world)
    await world.rebuild()
    assert await everything(world) == stepwise
    assert stepwise["appointments"]
    assert stepwise["participations"]


async def test_people_who_are_not_invited_any_more_leave_the_rows(world: World) -> None:
    one = await world.schedule(workspace_id=TEAM, attendees=(Attendee(user_id=BOB),))
    await world.project()
    await world.ask(EditAppointment, appointment_id=one.id, attendees=())
    await world.project()
    assert [row["user_id"] for row in (await everything(world))["participations"].values()] == [ADA]


async def test_an_occurrence_shows_all_that_is_different_about_it(world: World) -> None:
    one = await world.schedule(recurrence=DAILY, attendees=(Attendee(email="guest@example.org"),))
    names: dict[str, Any] = {"appointment_id": one.id, "occurrence": day(2)}
    afternoon: dict[str, Any] = {"start": day(2, "14:00"), "end": day(2, "15:00")}
    await world.ask(EditAppointment, **names, title="Retro", location="Room 1", **afternoon)
    await world.ask(AnswerInvitation, **names, answer="declined", email="guest@example.org")
    first, second = (await world.items(ListOccurrences(since=DECEMBER, until=DECEMBER + timedelta(days=2))))[:2]
    assert (first["title"], first["changed"], first["occurrence"]) == ("Stand-up", False, day(1))
    assert (second["title"], second["location"], second["changed"]) == ("Retro", "Room 1", True)
    assert (second["occurrence"], second["start"], second["starts_at"]) == (
        day(2), day(2, "14:00:00"), "2026-12-02T13:00:00Z",
    )  # fmt: skip
    assert second["attendees"][0]["answer"] == "declined"
    assert second["occurrence_id"] == f"{one.id}_{day(2)}"
    single = await world.query(GetOccurrence(appointment_id=one.id, occurrence=day(2)))
    assert (single.title, single.starts_at) == ("Retro", datetime(2026, 12, 2, 13, tzinfo=UTC))


async def test_a_cancelled_occurrence_is_not_shown(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    await world.ask(RemoveAppointment, appointment_id=one.id, occurrence=day(2))
    shown = await world.items(ListOccurrences(since=DECEMBER, until=DECEMBER + timedelta(days=3)))
    assert [each["occurrence"] for each in shown] == [day(1), day(3)]
    with pytest.raises(NotFound):
        await world.query(GetOccurrence(appointment_id=one.id, occurrence=day(2)))


async def test_a_day_is_seen_from_where_one_is(world: World) -> None:
    await world.schedule(start="2026-12-24", end=None, time_zone=None)
    query = ListOccurrences(since=datetime(2026, 12, 23, 10, tzinfo=UTC), until=datetime(2026, 12, 23, 12, tzinfo=UTC))
    assert await world.items(query) == []
    (shown,) = await world.items(query, time_zone="Pacific/Auckland")
    assert (shown["starts_at"], shown["all_day"]) == ("2026-12-23T11:00:00Z", True)


async def test_words_of_title_description_and_location_are_found(world: World) -> None:
    await world.schedule(title="Plan the garden", recurrence=DAILY)
    await world.schedule(title="Lunch", location="Garden café")
    await world.schedule(title="Lunch")
    query = ListOccurrences(since=DECEMBER, until=DECEMBER + timedelta(days=1), q="gard")
    assert [one["title"] for one in await world.items(query)] == ["Plan the garden", "Lunch"]


async def test_archived_calendars_are_shown_where_they_are_named(world: World) -> None:
    work = (await world.ask(CreateCalendar, name="Work")).value.id
    await world.schedule(calendar_id=work, title="Meeting")
    await world.schedule(title="Lunch")
    await world.ask(ArchiveCalendar, calendar_id=work)
    query = ListOccurrences(since=DECEMBER)
    assert [one["title"] for one in await world.items(query)] == ["Lunch"]
    named = ListOccurrences(since=DECEMBER, calendar_id=(work,))
    assert [one["title"] for one in await world.items(named)] == ["Meeting"]
    assert [one["name"] for one in await world.items(ListCalendars(archived=False))] == ["Calendar"]


async def test_strangers_see_nothing(world: World) -> None:
    one = await world.schedule(workspace_id=TEAM)
    for query in (
        GetAppointment(appointment_id=one.id),
        GetOccurrence(appointment_id=one.id, occurrence=one.start),
        ListAppointments(calendar_id=one.calendar_id),
        ListOccurrences(calendar_id=(one.calendar_id,)),
        ListOccurrences(workspace_id=TEAM),
        GetHistory(thing="appointment", id=one.id),
    ):
        with pytest.raises(NotFound):
            await world.query(query, by=EVE)
        await world.query(query, by=CY)


@pytest.mark.parametrize(
    "span",
    [
        {"since": DECEMBER, "until": DECEMBER},
        {"since": DECEMBER, "until": DECEMBER + timedelta(days=2_000)},
        {"since": DECEMBER, "time_zone": "Atlantis"},
    ],
)
async def test_a_span_that_makes_no_sense_is_refused(world: World, span: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await world.query(ListOccurrences(**span))


async def test_the_past_is_shown_as_it_was(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    then = (await world.events())[-1].recorded_at
    await world.ask(EditAppointment, appointment_id=one.id, title="New")
    query = ListOccurrences(since=DECEMBER, until=DECEMBER + timedelta(days=1), at=then)
    assert [each["title"] for each in await world.items(query)] == ["Stand-up"]
    assert (await world.query(GetAppointment(appointment_id=one.id, at=then)))["title"] == "Stand-up"
    assert (await world.query(GetAppointment(appointment_id=one.id)))["title"] == "New"


async def test_a_history_says_what_each_edit_changed(world: World) -> None:
    one = await world.schedule(recurrence=DAILY)
    await world.ask(EditAppointment, appointment_id=one.id, title="New")
    await world.ask(EditAppointment, appointment_id=one.id, occurrence=day(2), title="Retro")
    history = await world.query(GetHistory(thing="appointment", id=one.id, newest_first=True))
    newest, before = history.entries[:2]
    assert (newest.event, newest.changes[0].field) == ("OccurrenceEdited", f"occurrences.{day(2)}")
    assert [(one.field, one.before, one.after) for one in before.changes] == [("title", "Stand-up", "New")]


# ── free or busy ────────────────────────────────────────────────────────────────────────────────────────


async def busy(world: World, *people: Any, by: Any = ADA) -> list[list[tuple[str, str]]]:
    """Hours of 1 December in UTC."""
    query = FindBusyTimes(since=DECEMBER, until=DECEMBER + timedelta(days=1), user_ids=people)
    answer = await world.query(query, by=by)
    return [[(f"{one.starts_at:%H:%M}", f"{one.ends_at:%H:%M}") for one in each.busy] for each in answer.people]


async def test_busy_times_are_those_of_who_comes_and_touching_ones_are_one(world: World) -> None:
    team: dict[str, Any] = {"workspace_id": TEAM, "time_zone": "UTC"}
    both = (Attendee(user_id=ADA), Attendee(user_id=BOB))
    one = await world.schedule(**team, start=day(1, "09:00"), end=day(1, "10:00"), attendees=both)
    await world.schedule(**team, start=day(1, "10:00"), end=day(1, "11:00"), attendees=both, recurrence=DAILY)
    await world.schedule(**team, start=day(1, "12:00"), end=day(1, "13:00"), attendees=both, busy=False)
    await world.schedule(**team, start=day(1, "14:00"), end=day(1, "15:00"))
    assert await busy(world, ADA, BOB) == [[("09:00", "11:00"), ("14:00", "15:00")], [("09:00", "11:00")]]
    await world.ask(AnswerInvitation, by=BOB, appointment_id=one.id, answer="declined")
    assert await busy(world, BOB) == [[("10:00", "11:00")]]


async def test_who_shares_no_workspace_sees_nothing_of_another(world: World) -> None:
    await world.schedule(time_zone="UTC")
    assert await busy(world) == [[("09:00", "09:15")]]
    assert await busy(world, ADA, by=BOB) == [[]]
    assert await busy(world, ADA, by=EVE) == [[]]


async def test_what_is_in_the_trash_keeps_nobody_busy(world: World) -> None:
    work = (await world.ask(CreateCalendar, name="Work")).value.id
    await world.schedule(time_zone="UTC", calendar_id=work)
    await world.ask(TrashCalendar, calendar_id=work)
    assert await busy(world) == [[]]


# ── reminders ───────────────────────────────────────────────────────────────────────────────────────────


async def due(world: World, appointment: Any, days: int = 3) -> ThingReminders:
    query = FindReminders(thing_id=appointment.id, since=DECEMBER, until=DECEMBER + timedelta(days=days))
    found: ThingReminders = await world.query(query, by=None)
    return found


async def test_each_occurrence_has_its_reminders_for_all_who_come(world: World) -> None:
    people = (Attendee(user_id=BOB), Attendee(user_id=CY), Attendee(email="guest@example.org"))
    one = await world.schedule(
        workspace_id=TEAM, recurrence=DAILY, reminders=(Reminder(before="PT10M"),), attendees=people
    )
    await world.ask(AnswerInvitation, by=CY, appointment_id=one.id, answer="declined")
    await world.ask(AnswerInvitation, by=BOB, appointment_id=one.id, answer="declined", occurrence=day(2))
    await world.ask(RemoveAppointment, appointment_id=one.id, occurrence=day(3))
    found = await due(world, one)
    assert [(f"{each.due_at:%dT%H:%M}", each.occurrence, each.recipients) for each in found.due] == [
        ("01T07:50", "2026-12-01T08:00:00Z", (ADA, BOB)),
        ("02T07:50", "2026-12-02T08:00:00Z", (ADA,)),
    ]
    assert (found.title, found.complete_until) == ("Stand-up", DECEMBER + timedelta(days=3))


async def test_it_is_said_whether_a_reminder_may_follow(world: World) -> None:
    ten_minutes = (Reminder(before="PT10M"),)
    series = await world.schedule(recurrence=DAILY, reminders=ten_minutes)
    single = await world.schedule(reminders=ten_minutes)
    at_last = await world.schedule(reminders=(Reminder(at=DECEMBER + timedelta(days=20)),))
    silent = await world.schedule(reminders=())
    assert [(await due(world, one, days=10)).continues for one in (series, single, at_last, silent)] == [
        True, False, True, False
    ]  # fmt: skip
    assert (await due(world, single, days=0)).continues
    await world.ask(RemoveAppointment, appointment_id=series.id)
    assert not (await due(world, series)).continues


async def test_a_day_before_is_by_the_calendar_where_the_clocks_change(world: World) -> None:
    one = await world.schedule(
        start="2027-03-28T09:00", end="2027-03-28T10:00", reminders=(Reminder(before="P1D"), Reminder(before="PT24H"))
    )
    query = FindReminders(thing_id=one.id, since=DECEMBER, until=DECEMBER + timedelta(days=200))
    found = await world.query(query, by=None)
    assert [(each.reminder, f"{each.due_at:%dT%H:%M}") for each in found.due] == [
        ("PT24H", "27T07:00"),
        ("P1D", "27T08:00"),
    ]


async def test_days_begin_in_the_zone_of_the_calendar(world: World) -> None:
    tokyo = (await world.ask(CreateCalendar, name="Tokyo", time_zone="Asia/Tokyo")).value.id
    one = await world.schedule(
        start="2026-12-02", end=None, time_zone=None, calendar_id=tokyo, reminders=(Reminder(before="PT1H"),)
    )
    (found,) = (await due(world, one)).due
    assert (found.due_at, found.occurrence) == (datetime(2026, 12, 1, 14, tzinfo=UTC), "")


async def test_a_reminder_at_an_instant_is_one(world: World) -> None:
    at = DECEMBER + timedelta(hours=5)
    one = await world.schedule(recurrence=DAILY, reminders=(Reminder(at=at),))
    assert [(each.reminder, each.due_at) for each in (await due(world, one)).due] == [("2026-12-01T05:00:00Z", at)]


async def test_what_is_cancelled_or_gone_reminds_nobody(world: World) -> None:
    kept: dict[str, Any] = {"recurrence": DAILY, "reminders": (Reminder(before="PT10M"),)}
    cancelled = await world.schedule(status="cancelled", **kept)
    trashed = await world.schedule(**kept)
    await world.ask(RemoveAppointment, appointment_id=trashed.id)
    assert (await due(world, cancelled)).due == (await due(world, trashed)).due == ()


async def test_more_reminders_than_one_answer_takes_are_asked_for_again(world: World) -> None:
    hourly = Recurrence(rules=("FREQ=HOURLY",))
    one = await world.schedule(recurrence=hourly, reminders=(Reminder(before="PT10M"),))
    found, since = [], DECEMBER
    until = DECEMBER + timedelta(days=60)
    while since < until:
        part = await world.query(FindReminders(thing_id=one.id, since=since, until=until), by=None)
        assert part.complete_until > since
        found += part.due
        since = part.complete_until
    expected = 60 * 24 - 8  # The first is at eight.
    assert len(found) == len({(each.reminder, each.occurrence) for each in found})
    assert len([each for each in found if each.reminder == "PT10M"]) in (expected, expected + 1)
