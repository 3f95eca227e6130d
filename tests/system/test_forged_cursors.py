"""Cursors that a client has made itself, with the digest of one of ours: refused on every list, and never a bug."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from sigdep.testing.running_server import RunningServer
from tests.system.malformed import Malformed, forged_cursors
from tests.system.openapi import Operation, operations, read_document
from tests.system.person import JSON, Person, new_id
from tests.system.reminder_sink import scheduled
from tests.system.test_malformed_requests import complaints_about
from tests.system.test_notifications import inbox
from tests.system.test_webhooks import deliveries

TOGETHER: Final = 2
"""Things in each list, so that a page of one leads to another."""


async def test_on_every_list_a_forged_cursor_is_refused(server: RunningServer, ada: Person, bob: Person) -> None:
    lists = [one for one in operations(read_document(server.url)) if _is_list(one)]
    things = await two_of_everything(ada, bob)
    cases: list[Malformed] = []
    for one in lists:
        named = any((parameter["in"], parameter["name"]) == ("query", "workspace_id") for parameter in one.parameters)
        asked: JSON = {"limit": 1} | ({"workspace_id": things["workspace_id"]} if named else {})
        page = await ada.read(one.at(things), **asked)
        assert page["next_cursor"] is not None, f"{one.path} needs {TOGETHER} things for this test."
        cases += forged_cursors(f"{one.at(things)}?{urlencode(asked)}", page["next_cursor"])
    assert len(lists) >= 20
    complaints = await complaints_about(ada, cases)
    assert not complaints, "\n".join(complaints)


def _is_list(operation: Operation) -> bool:
    return any(parameter["name"] == "cursor" for parameter in operation.parameters)


async def two_of_everything(ada: Person, bob: Person) -> dict[str, str]:
    """So much that each list that takes cursors has a second page of one item. Ids by the names of placeholders."""
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "member")
    here = {"workspace_id": workspace}
    webhook = await ada.write("POST", "/api/webhooks", {"url": "http://127.0.0.1:1024/", **here})
    things: dict[str, JSON] = {}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for _ in range(TOGETHER):
        things = {
            "project_id": await ada.write("POST", "/api/projects", {"name": "House", **here}),
            "label_id": await ada.write("POST", "/api/labels", {"name": f"errand {new_id()}", **here}),
            "task_id": await ada.add_task("Paint", due_at=tomorrow, reminders=[{"at": tomorrow}], **here),
            "calendar_id": await ada.write("POST", "/api/calendars", {"name": "Family", **here}),
        }
        await ada.write("POST", "/api/tokens", {"name": "Script", "scopes": ["tasks:read"]})
        path = f"/api/workspaces/{workspace}/invitations"
        await ada.write("POST", path, {"email": f"{new_id()}@example.org", "role": "member"})
        await bob.add_task("Tell Ada", assignee_ids=[ada.id], **here)
    task, calendar = things["task_id"]["id"], things["calendar_id"]["id"]
    for _ in range(TOGETHER):
        await ada.write("POST", f"/api/tasks/{task}/comments", {"text": "Blue"})
        await ada.add_task("Buy a brush", parent_id=task, **here)
        event = {"title": "Party", "start": tomorrow[:16], "calendar_id": calendar, **here}
        things["event_id"] = await ada.write("POST", "/api/events", event)
    for kind, change in (
        ("project", {"name": "Home"}),
        ("label", {"name": "way"}),
        ("calendar", {"name": "We"}),
        ("event", {"title": "Feast"}),
    ):
        await ada.write("PATCH", f"/api/{kind}s/{things[f'{kind}_id']['id']}", change)
    await ada.sign_in()
    await asyncio.gather(inbox(ada, TOGETHER), scheduled(ada, TOGETHER), deliveries(ada, webhook, TOGETHER))
    return {name: thing["id"] for name, thing in things.items()} | {
        "workspace_id": workspace,
        "webhook_id": webhook["id"],
    }
