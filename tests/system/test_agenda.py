"""Tasks and events in one agenda, as a client sees it."""

from typing import Any

import pytest

from tests.system.person import Person, problem

WEEK = {"from": "2030-11-25T00:00:00Z", "to": "2030-12-02T00:00:00Z"}


@pytest.mark.every_broker
async def test_tasks_and_events_of_a_week_stand_in_one_list_page_by_page(ada: Person) -> None:
    await ada.write(
        "POST",
        "/api/events",
        {
            "title": "Stand-up",
            "start": "2030-11-26T09:00",
            "end": "2030-11-26T09:15",
            "time_zone": "Europe/Berlin",
            "recurrence": {"rules": ["FREQ=DAILY;COUNT=3"]},
        },
    )
    after_event = ada.position
    await ada.add_task("Report", due_at="2030-11-27T07:59:00Z")
    await ada.add_task("Call", scheduled_at="2030-11-27T08:01:00Z", due_at="2031-11-27T08:01:00Z")
    await ada.add_task("Holiday", due_on="2030-11-27")
    done = await ada.add_task("Done", due_on="2030-11-27")
    await ada.write("POST", f"/api/tasks/{done['id']}/complete")
    await ada.read("/api/events", after=after_event, **WEEK)  # Both contexts have seen what was written.
    expected = ["Stand-up", "Holiday", "Report", "Stand-up", "Call", "Stand-up"]
    items: list[Any] = []
    for limit in (1, 4, 50):
        items = await ada.items("/api/agenda", **WEEK, limit=limit, time_zone="Europe/Berlin")
        assert [item[item["kind"]]["title"] for item in items] == expected
    holiday, standup = items[1], items[3]
    assert (holiday["all_day"], holiday["starts_at"]) == (True, "2030-11-26T23:00:00Z")
    assert holiday["task"] == (await ada.items("/api/tasks", q="Holiday"))[0]
    assert standup["event"] == (await ada.items("/api/events", **WEEK))[1]
    assert (standup["starts_at"], standup["ends_at"]) == ("2030-11-27T08:00:00Z", "2030-11-27T08:15:00Z")


async def test_an_agenda_is_for_members_and_for_tokens_of_both_scopes(ada: Person, bob: Person) -> None:
    answer = await bob.client.get("/api/agenda", params={"workspace_id": ada.workspace})
    assert problem(answer, 404)["status"] == 404
    for scopes, status in ((["tasks:read"], 403), (["calendar:read"], 403), (["tasks:read", "calendar:read"], 200)):
        made: Any = await ada.write("POST", "/api/tokens", {"name": "t", "scopes": scopes})
        answer = await ada.client.get("/api/agenda", headers={"Authorization": f"Bearer {made['token']}"})
        assert answer.status_code == status
