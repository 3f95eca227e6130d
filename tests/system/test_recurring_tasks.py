"""Tasks that recur and remind, as a client sees them."""

import asyncio

from tests.patience import patience
from tests.system.feed import read_feed
from tests.system.person import JSON, Person, new_id, problem

FRIDAYS: JSON = {"rule": "FREQ=WEEKLY;BYDAY=FR"}


async def test_every_friday_at_nine_is_at_nine_whatever_the_clocks_do(ada: Person) -> None:
    zone = {"time_zone": "Europe/Berlin"}
    task = await ada.add_task("Report", recurrence=FRIDAYS, due_at="2030-10-25T09:00:00+02:00", **zone)
    assert task["recurrence"] == {"rule": "FREQ=WEEKLY;BYDAY=FR", "anchor": "schedule"}
    due = []
    for _ in range(2):
        done = await ada.write("POST", f"/api/tasks/{task['id']}/complete")
        task = await ada.task(done["next_id"])
        due.append(task["due_at"])
    assert due == ["2030-11-01T08:00:00Z", "2030-11-08T08:00:00Z"], "Summer time ended on 27 October."


async def test_the_zone_is_that_of_the_profile(ada: Person) -> None:
    await ada.write("PATCH", "/api/users/me", {"time_zone": "Europe/Berlin"})

    async with asyncio.timeout(patience(5)):  # A profile is believed for half a second.
        while True:
            task = await ada.add_task("Report", recurrence=FRIDAYS, due_on="2030-10-25")
            if task["time_zone"] == "Europe/Berlin":
                break
            await asyncio.sleep(0.1)


async def test_the_chain_of_a_series_can_be_followed_both_ways_and_back_in_time(ada: Person) -> None:
    first = await ada.add_task("Water", recurrence={"rule": "FREQ=DAILY"}, due_on="2030-01-01")
    done = await ada.write("POST", f"/api/tasks/{first['id']}/complete")
    position = ada.position
    second = await ada.task(done["next_id"])
    assert (second["previous_id"], second["series_id"], second["occurrence"]) == (first["id"], first["id"], 2)
    skipped = await ada.write("POST", f"/api/tasks/{second['id']}/skip")
    third = await ada.task(skipped["next_id"])
    assert (skipped["status"], third["due_on"], third["occurrence"]) == ("cancelled", "2030-01-03", 3)
    assert [one["id"] for one in await ada.items("/api/tasks", filter="open and has:recurrence")] == [third["id"]]

    then = await ada.read(f"/api/tasks/{second['id']}", at=position)
    assert (then["status"], then["next_id"]) == ("open", None)
    changes = [
        (entry["event"], change["field"], change["after"])
        for entry in await ada.items(f"/api/tasks/{second['id']}/history")
        for change in entry["changes"]
        if entry["event"] != "TaskCreated"
    ]
    assert sorted(changes) == [("TaskRepeated", "next_id", third["id"]), ("TaskSkipped", "status", "cancelled")]
    items, _ = await read_feed(ada)
    kinds = [item["event"]["type"].rpartition(".")[2] for item in items]
    assert kinds[-3:] == ["TaskSkipped", "TaskRepeated", "TaskCreated"]


async def test_reopened_it_takes_back_what_it_was_followed_by(ada: Person) -> None:
    task = await ada.add_task("Pack", recurrence={"rule": "FREQ=DAILY", "anchor": "completion"}, due_on="2030-01-01")
    await ada.add_task("Socks", parent_id=task["id"])
    next_id = (await ada.write("POST", f"/api/tasks/{task['id']}/complete"))["next_id"]
    assert [one["title"] for one in await ada.items(f"/api/tasks/{next_id}/subtasks")] == ["Socks"]
    await ada.write("POST", f"/api/tasks/{task['id']}/reopen")
    assert (await ada.task(next_id))["trashed_at"] is not None
    assert len(await ada.items("/api/tasks", filter="open")) == 2
    again = await ada.write("POST", f"/api/tasks/{task['id']}/complete")
    assert again["next_id"] == next_id
    assert (await ada.task(next_id))["trashed_at"] is None


async def test_of_many_who_complete_one_task_at_once_all_get_the_same_next(ada: Person) -> None:
    for _ in range(5):
        task = await ada.add_task("Race", recurrence={"rule": "FREQ=DAILY"}, due_on="2030-01-01")
        answers = await asyncio.gather(*(ada.client.post(f"/api/tasks/{task['id']}/complete") for _ in range(8)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["next_id"] for answer in answers}) == 1
        ada.position = max((answer.headers["Sigdep-Position"] for answer in answers), key=len)
    assert len(await ada.items("/api/tasks", filter="open")) == 5


async def test_a_partial_edit_wipes_no_rule_and_no_reminder(ada: Person) -> None:
    reminders = [{"before": "PT10M"}, {"at": "2030-01-04T08:00:00Z"}]
    task = await ada.add_task("Report", recurrence=FRIDAYS, due_on="2030-01-04", reminders=reminders)
    assert task["reminders"] == reminders
    edited = await ada.edit_task(task["id"], title="Weekly report")
    same = ("recurrence", "reminders", "time_zone", "schedule", "due_on")
    assert {name: edited[name] for name in same} == {name: task[name] for name in same}
    cleared = await ada.edit_task(task["id"], recurrence=None, reminders=None)
    assert (cleared["recurrence"], cleared["reminders"], cleared["due_on"]) == (None, [], "2030-01-04")
    history = await ada.items(f"/api/tasks/{task['id']}/history")
    last = {change["field"]: change["before"] for change in max(history, key=lambda one: one["version"])["changes"]}
    assert (last["recurrence"], last["reminders"]) == (task["recurrence"], reminders)


async def test_what_makes_no_sense_is_refused_where_it_stands_and_soon(ada: Person) -> None:
    hostile = "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"
    dated: JSON = {"title": "x", "due_at": "2030-01-04T08:00:00Z"}
    for body, pointer in (
        ({"title": "x", "recurrence": FRIDAYS}, "/recurrence"),
        (dated | {"recurrence": {"rule": hostile}}, "/recurrence/rule"),
        (dated | {"recurrence": {"rule": "BYDAY=FR"}}, "/recurrence/rule"),
        (dated | {"recurrence": {"rule": "FREQ=DAILY;" + "BYDAY=MO," * 50_000}}, "/recurrence/rule"),
        (dated | {"recurrence": FRIDAYS, "time_zone": "Mars/Olympus"}, "/time_zone"),
        (dated | {"recurrence": FRIDAYS | {"count": 1}}, "/recurrence/count"),
        (dated | {"reminders": [{"before": "PT5M", "at": "2030-01-04T08:00:00Z"}]}, "/reminders/0"),
        (dated | {"reminders": [{"before": f"PT{n}M"} for n in range(21)]}, "/reminders"),
    ):
        answer = await ada.client.post("/api/tasks", json=body)
        assert [fault["pointer"] for fault in problem(answer, 422)["errors"]] == [pointer]
        assert answer.elapsed.total_seconds() < 5
    task = await ada.add_task("x")
    assert problem(await ada.client.post(f"/api/tasks/{task['id']}/skip"), 409)["type"].endswith("/refused")


async def test_a_batch_and_a_dry_run_do_the_same(ada: Person) -> None:
    first, dry = new_id(), {"dry_run": True}
    operations: list[JSON] = [
        {
            "method": "create",
            "id": first,
            "title": "Water",
            "recurrence": {"rule": "FREQ=DAILY"},
            "due_on": "2030-01-01",
        },
        {"method": "skip", "id": first},
    ]
    tried = await ada.write("POST", "/api/batch", {"operations": [one | dry for one in operations]})
    assert [one["status"] for one in tried["results"]] == ["cancelled", "cancelled"]
    assert await ada.items("/api/tasks") == []
    done = await ada.write("POST", "/api/batch", {"operations": operations})
    assert (await ada.task(done["results"][0]["next_id"]))["due_on"] == "2030-01-02"
