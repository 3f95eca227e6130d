"""Calendars and events as a client sees them: in one process and in several."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.system.person import JSON, Person, problem

DECEMBER: Mapping[str, Any] = {"from": "2026-12-01T00:00:00Z", "to": "2026-12-08T00:00:00Z"}
STANDUP: Mapping[str, Any] = {
    "title": "Stand-up",
    "start": "2026-12-01T09:00",
    "end": "2026-12-01T09:15",
    "time_zone": "Europe/Berlin",
    "recurrence": {"rules": ["FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"]},
}


async def add(person: Person, **fields: object) -> JSON:
    return await person.write("POST", "/api/events", {**STANDUP, **fields})


async def week(person: Person, **parameters: Any) -> list[tuple[str, str, str]]:
    """Day, start in UTC and title of what is on in the first week of December."""
    items = await person.items("/api/events", **DECEMBER, **parameters)
    return [(one["starts_at"][8:10], one["starts_at"][11:16], one["title"]) for one in items]


async def test_an_event_needs_no_calendar_and_its_week_is_listed_page_by_page(ada: Person) -> None:
    event = await add(ada)
    assert event["recurrence"]["rules"] == STANDUP["recurrence"]["rules"]
    assert event["end"] == "2026-12-01T09:15:00"
    days = [(day, "08:00", "Stand-up") for day in ("01", "02", "03", "04", "07")]
    assert await week(ada) == days
    assert await week(ada, limit=2) == days
    assert await week(ada, calendar_id=event["calendar_id"]) == days
    (calendar,) = await ada.items("/api/calendars")
    assert (calendar["id"], calendar["default"]) == (event["calendar_id"], True)


async def test_a_series_is_changed_here_and_there_cut_and_put_together_again(ada: Person) -> None:
    event = await add(ada)
    path = f"/api/events/{event['id']}"
    await ada.write("PATCH", f"{path}?scope=this&occurrence=2026-12-03T09:00:00", {"title": "Retro"})
    await ada.write("DELETE", f"{path}?scope=this&occurrence=2026-12-02T09:00:00")
    later = {"title": "Later", "start": "2026-12-04T14:00", "end": "2026-12-04T15:00"}
    part = await ada.write("PATCH", f"{path}?scope=following&occurrence=2026-12-04T09:00:00", later)
    assert part["continues"] == event["id"]
    assert await week(ada) == [
        ("01", "08:00", "Stand-up"),
        ("03", "08:00", "Retro"),
        ("04", "13:00", "Later"),
        ("07", "13:00", "Later"),
    ]
    assert (await ada.write("POST", f"/api/events/{part['id']}/undo"))["id"] == event["id"]
    await ada.write("POST", f"{path}/restore?occurrence=2026-12-02T09:00:00")
    titles = ["Stand-up", "Stand-up", "Retro", "Stand-up", "Stand-up"]
    assert [title for _, _, title in await week(ada)] == titles
    history = await ada.items(f"{path}/history")
    assert [one["event"] for one in history][:3] == ["OccurrenceRestored", "SeriesResumed", "SeriesEnded"]
    before = await ada.read(path, at=history[-1]["position"])
    assert before["changed_occurrences"] == []


async def test_who_is_invited_answers_and_others_see_when_they_are_busy(ada: Person, bob: Person) -> None:
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "viewer")
    event = await add(ada, workspace_id=workspace, attendees=[{"user_id": bob.id}, {"email": "Guest@example.org"}])
    path = f"/api/events/{event['id']}"
    await bob.write("POST", f"{path}/answer", {"answer": "accepted"})
    await bob.write("POST", f"{path}/answer", {"answer": "declined", "occurrence": "2026-12-02T09:00:00"})
    asked = {"from": "2026-12-01T00:00:00Z", "to": "2026-12-04T00:00:00Z", "user_ids": f"{bob.id},{ada.id}"}
    found = (await ada.read("/api/free-busy", after=bob.position, **asked))["items"]
    assert [[one["starts_at"] for one in each["busy"]] for each in found] == [
        ["2026-12-01T08:00:00Z", "2026-12-03T08:00:00Z"],
        ["2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z", "2026-12-03T08:00:00Z"],
    ]
    one = await ada.read(f"{path}/occurrences/2026-12-02T09:00:00", after=bob.position)
    assert [each["answer"] for each in one["attendees"]] == ["declined", "needs_action"]


@pytest.mark.parametrize(
    "fields, pointer",
    [
        ({"start": "2026-12-01T09:00:00Z"}, "/start"),
        ({"end": "2026-11-01T09:00"}, "/end"),
        ({"start": "1899-12-31T09:00", "end": "1900-01-01T09:00"}, "/start"),
        ({"start": "2201-01-01", "end": None}, "/start"),
        ({"recurrence": {"rules": [], "extra_dates": ["0001-01-01T09:00"]}}, "/recurrence/extra_dates/0"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"recurrence": {"rules": ["FREQ=SECONDLY"]}}, "/recurrence/rules"),
        ({"recurrence": {"rules": ["FREQ=DAILY", "FREQ=OFTEN"]}}, "/recurrence/rules/1"),
        ({"recurrence": {"rules": [], "excluded_dates": ["2026-12-01T09:00"] * 10_000}}, "/recurrence/excluded_dates"),
        ({"reminders": [{"before": "soon"}]}, "/reminders/0/before"),
        ({"attendees": [{"email": "x@example.org\r\nATTENDEE:y"}]}, "/attendees/0/email"),
        ({"colour": "#ffffff"}, "/colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_place(ada: Person, fields: JSON, pointer: str) -> None:
    answer = await ada.client.post("/api/events", json={**STANDUP, **fields})
    assert problem(answer, 422)["errors"][0]["pointer"] == pointer


async def test_edits_are_undone_by_versions_that_there_can_be(ada: Person) -> None:
    event = await ada.write("POST", "/api/events", STANDUP)
    for version in (0, -1, 2**63):
        answer = await ada.client.post(f"/api/events/{event['id']}/undo", json={"version": version})
        assert problem(answer, 422)["errors"][0]["pointer"] == "/version"
    moved = {"start": "2201-01-01T09:00", "end": "2201-01-01T10:00"}
    for scope in (
        "",
        "?scope=all",
        "?scope=this&occurrence=2026-12-02T09:00",
        "?scope=following&occurrence=2026-12-02T09:00",
    ):
        answer = await ada.client.patch(f"/api/events/{event['id']}{scope}", json=moved)
        assert problem(answer, 422)["errors"][0]["pointer"] == "/start"


async def test_a_write_can_be_repeated_guarded_and_tried_out(ada: Person) -> None:
    key = {"Idempotency-Key": "one"}
    first = await ada.write("POST", "/api/events", STANDUP, headers=key)
    assert await ada.write("POST", "/api/events", STANDUP, headers=key) == first
    path = f"/api/events/{first['id']}"
    tried = await ada.write("PATCH", path, {"title": "New", "dry_run": True})
    assert (tried["title"], tried["version"]) == ("New", 2)
    assert (await ada.read(path))["version"] == 1
    await ada.write("PATCH", path, {"title": "New"}, headers={"If-Match": '"1"'})
    stale = await ada.client.patch(path, json={"title": "Newer"}, headers={"If-Match": '"1"'})
    problem(stale, 412)


async def test_a_token_may_be_good_for_calendars_alone(ada: Person) -> None:
    await add(ada)
    made = await ada.write("POST", "/api/tokens", {"name": "Kitchen", "scopes": ["calendar:read"]})
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await ada.client.get("/api/events", params=DECEMBER, headers=bearer)).status_code == 200
    problem(await ada.client.post("/api/events", json=dict(STANDUP), headers=bearer), 403)
    problem(await ada.client.get("/api/tasks", headers=bearer), 403)


async def test_the_feed_tells_of_events(ada: Person) -> None:
    event = await add(ada)
    told = [one["event"] for one in (await ada.read("/api/feed"))["items"]]
    types = {one["type"]: one for one in told if one["source"] == "/contexts/calendar"}
    assert set(types) == {"sigdep.calendar.CalendarCreated", "sigdep.calendar.AppointmentScheduled"}
    assert types["sigdep.calendar.AppointmentScheduled"]["data"]["appointment_id"] == event["id"]
