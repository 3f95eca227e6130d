"""What a newcomer does in the first five minutes."""

import pytest

from tests.system.feed import read_feed
from tests.system.person import Person


@pytest.mark.every_broker
async def test_a_task_is_made_listed_done_and_remembered(ada: Person) -> None:
    milk = await ada.add_task("Buy milk", priority="high", due_on="2026-12-24")
    assert (milk["title"], milk["status"], milk["version"]) == ("Buy milk", "open", 1)
    assert milk["created_by"] == ada.id

    assert [task["id"] for task in await ada.items("/api/tasks", status="open")] == [milk["id"]]

    done = await ada.write("POST", f"/api/tasks/{milk['id']}/complete")
    assert (done["status"], done["completed_by"], done["version"]) == ("done", ada.id, 2)
    assert await ada.task(milk["id"]) == done
    assert await ada.items("/api/tasks", status="open") == []

    history = await ada.items(f"/api/tasks/{milk['id']}/history")
    assert [entry["version"] for entry in sorted(history, key=lambda entry: entry["version"])] == [1, 2]


@pytest.mark.every_broker
async def test_the_feed_tells_what_has_happened_in_order(ada: Person) -> None:
    milk = await ada.add_task("Buy milk")
    await ada.edit_task(milk["id"], priority="low")
    await ada.write("POST", f"/api/tasks/{milk['id']}/complete")
    items, _ = await read_feed(ada)
    events = [item["event"] for item in items]
    assert [event["type"].rpartition(".")[2] for event in events if event["subject"].endswith(milk["id"])] == [
        "TaskCreated",
        "TaskEdited",
        "TaskCompleted",
    ]


@pytest.mark.every_broker
async def test_a_quick_walk_through_projects_labels_and_comments(ada: Person) -> None:
    project = await ada.write("POST", "/api/projects", {"name": "House"})
    label = await ada.write("POST", "/api/labels", {"name": "errand"})
    task = await ada.add_task("Paint the door", project_id=project["id"], labels=[label["id"]])
    await ada.write("POST", f"/api/tasks/{task['id']}/comments", {"text": "Blue, I think"})
    assert [item["id"] for item in await ada.items("/api/tasks", project_id=project["id"])] == [task["id"]]
    assert [item["text"] for item in await ada.items(f"/api/tasks/{task['id']}/comments")] == ["Blue, I think"]
    assert [item["id"] for item in await ada.items("/api/tasks", q="door")] == [task["id"]]
    found = await ada.items("/api/tasks", filter="label:errand and priority < high")
    assert [item["id"] for item in found] == [task["id"]]
