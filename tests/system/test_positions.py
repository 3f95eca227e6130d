"""Positions that a client hands on: what it has heard of is there, whichever answer it heard it from."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import pytest

from tests.system.feed import read_feed
from tests.system.person import Person, problem

ROUNDS: Final = 20
FAR: Final = 1_000_000
"""More events than any test stores."""


async def test_what_the_feed_has_told_is_in_every_list_that_is_asked_with_its_position(ada: Person) -> None:
    position = ""
    for _ in range(ROUNDS):
        task = await ada.add_task("Buy milk")
        event = await ada.write("POST", "/api/events", {"title": "Party", "start": "2026-12-01T09:00"})
        workspace = await ada.open_workspace()
        _, position = await read_feed(ada, position)
        tasks, events, workspaces = await asyncio.gather(
            ada.items("/api/tasks", after=position, sort="-created_at"),
            ada.read(f"/api/events/{event['id']}", after=position),
            ada.items("/api/workspaces", after=position),
        )
        assert tasks[0]["id"] == task["id"]
        assert events["id"] == event["id"]
        assert workspace in [one["id"] for one in workspaces]


@pytest.mark.parametrize(
    "context, path",
    [
        ("tasks", "/api/tasks"),
        ("calendar", "/api/calendars"),
        ("users", "/api/workspaces"),
        ("notifications", "/api/notifications"),
    ],
)
async def test_a_service_waits_for_its_own_log_and_for_no_other(ada: Person, context: str, path: str) -> None:
    _, position = await read_feed(ada)
    answer = await ada.client.get("/api/feed", headers={"Sigdep-Min-Position": position})
    assert answer.headers["Sigdep-Position"] == answer.json()["next"]
    ahead = _moved_on(position, context)
    others = {"/api/tasks", "/api/calendars", "/api/workspaces", "/api/notifications"} - {path}
    headers = {"Sigdep-Min-Position": ahead}
    waited, *answers = await asyncio.gather(*(ada.client.get(one, headers=headers) for one in (path, *others)))
    assert "Retry-After" in waited.headers
    assert problem(waited, 503)
    assert [answer.status_code for answer in answers] == [200] * len(others)


def _moved_on(position: str, context: str) -> str:
    """A position of the feed at which the log of one context is far ahead of what is stored."""
    kind, partition, *places = urlsafe_b64decode(position + "=" * (-len(position) % 4)).decode().split(".")
    reached = dict(zip(places[::2], map(int, places[1::2]), strict=True))
    assert context in reached
    reached[context] += FAR
    clear = ".".join((kind, partition, *(f"{name}.{number}" for name, number in reached.items())))
    return urlsafe_b64encode(clear.encode()).rstrip(b"=").decode()
