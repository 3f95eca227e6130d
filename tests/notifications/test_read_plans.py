"""What is asked all day walks along an index, and reads little more than it shows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import UserId
from sigdep.kernel.projection import Rows
from sigdep.kernel.read_store import Compare, Select
from sigdep.notifications.domain.notification import NOTIFICATION, Notification
from sigdep.notifications.events.inbox import NotificationId
from sigdep.notifications.queries.digest import FindDigestsDue
from sigdep.notifications.queries.inbox import (
    CountNotifications,
    FindReturning,
    FindUnread,
    ListNotifications,
    Standing,
)
from sigdep.notifications.queries.people import FindLeadsBehind
from sigdep.notifications.read_models.notifications import NOTIFICATIONS, notification_columns
from sigdep.notifications.read_models.people import PREFERENCE_ROWS
from tests.notifications.stories import BOB, NOON, posted
from tests.notifications.world import World

PEOPLE = 20
NOTIFICATIONS_MANY = 4_000
STANDINGS: tuple[Standing, ...] = ("read", "done", "read", "done", "unread", "read", "read", "done", "done", "snoozed")

STEPS_MAX = 6_000
"""SQLite counts its own steps. To look at every notification takes 30,000 and more."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Twenty people with many notifications each."""
    store = await SqliteReadStore.open(tmp_path / "views.db")
    world = await World(store).start()
    rows = Rows(store, world.model_id)
    first: Notification = NOTIFICATION.fold(NOTIFICATION.initial, [posted()])
    for number in range(NOTIFICATIONS_MANY):
        state = STANDINGS[number // PEOPLE % len(STANDINGS)]
        at = NOON + timedelta(minutes=number)
        one = replace(
            first,
            id=NotificationId(UUID(int=(1 << 100) + number)),
            recipient_id=BOB if number % PEOPLE == 0 else UserId(UUID(int=1_000 + number % PEOPLE)),
            state=state,
            posted_at=at,
            snoozed_until=at + timedelta(days=30) if state == "snoozed" else None,
        )
        own: dict[str, Any] = {
            "id": one.id,
            "workspace_id": one.workspace_id,
            "version": 1,
            "document": msgspec.json.encode(one),
        }
        rows.put(NOTIFICATIONS, {**notification_columns(one), **own})
        due = NOON + timedelta(days=1) if number % 2 else None
        who = {"id": UUID(int=(2 << 100) + number), "workspace_id": UUID(int=(2 << 100) + number)}
        rows.put(
            PREFERENCE_ROWS, {**who, "version": 1, "document": b"{}", "digest_due_at": due, "lead_behind_since": None}
        )
    await store.commit(world.model_id, rows.changes(), before={}, after={})
    yield world
    await store.close()


HOT: dict[str, tuple[Any, UserId | None]] = {
    "the inbox": (ListNotifications(), BOB),
    "what is unread": (ListNotifications(state=("unread",)), BOB),
    "what is done": (ListNotifications(state=("done",)), BOB),
    "the counts": (CountNotifications(), BOB),
    "what is to be marked": (FindUnread(user_id=BOB), None),
    "what returns": (FindReturning(now=NOON, limit=200), None),
    "whose digest is due": (FindDigestsDue(now=NOON, limit=200), None),
    "who wants to be told sooner": (FindLeadsBehind(now=NOON, limit=200), None),
}


async def test_it_reads_little_more_than_it_shows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    store: Any = world.store
    select = store._select

    def counted(connection: Any, *arguments: Any) -> Any:
        connection.set_progress_handler(count, 100)
        return select(connection, *arguments)

    monkeypatch.setattr(store, "_select", counted)
    await store.select(world.model_id, Select(table=NOTIFICATIONS, where=Compare("kind", "=", "digest")))
    assert steps > STEPS_MAX, "The steps are counted."
    taken: dict[str, int] = {}
    for name, (question, by) in HOT.items():
        steps = 0
        await world.ask(question, by)
        taken[name] = steps
    assert max(taken.values()) < STEPS_MAX, taken
