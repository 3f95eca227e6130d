"""The inbox: who is told, who sees it, and what becomes of it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from sigdep.kernel.errors import Forbidden, KeyReused, NotFound, Stale
from sigdep.kernel.ids import SubjectId, Version
from sigdep.kernel.store import AnswerKey
from sigdep.notifications.commands.inbox import (
    MarkAllRead,
    MarkDone,
    MarkRead,
    ReturnNotification,
    SnoozeNotification,
    TellPeople,
)
from sigdep.notifications.commands.oblivion import ForgetMember, ForgetWorkspace
from sigdep.notifications.domain.notification import NotificationNotFound
from sigdep.notifications.events.inbox import NotificationPosted
from sigdep.notifications.queries.inbox import CountNotifications, FindUnread, GetNotification
from sigdep.notifications.timers import Timers
from sigdep.notifications.write_service import RECIPIENTS_AT_ONCE
from sigdep.rpc.call import Principal
from sigdep.services.verifying import verify_read_model
from tests.notifications.stories import ADA, BOB, EVE, HOME, LATER, NOON, TEAM, TOLD, identity
from tests.notifications.world import World


async def test_everybody_is_told_once_however_often_it_is_said(world: World) -> None:
    carol = identity(3)
    world.roles[carol] = {TEAM: "viewer"}  # type: ignore[index]
    for _ in range(2):
        await world.tell(BOB, carol, BOB)  # type: ignore[arg-type]
        await world.process().ask(TellPeople(**_news(), recipients=(BOB,)), world.call(None))
    assert [one.title for one in await world.inbox()] == ["Buy milk"]
    assert await world.types() == ["NotificationPosted", "NotificationPosted"]


async def test_nobody_is_told_what_they_did_or_what_is_none_of_their_business(world: World) -> None:
    await world.tell(ADA, EVE)
    assert await world.types() == []


async def test_many_people_are_told_with_several_appends(world: World) -> None:
    people = [identity(100 + number) for number in range(RECIPIENTS_AT_ONCE + 1)]
    world.roles |= {one: {TEAM: "viewer"} for one in people}  # type: ignore[misc]
    await world.tell(*people)  # type: ignore[arg-type]
    events = [recorded.event for recorded in await world.events()]
    assert {event.recipient_id for event in events if isinstance(event, NotificationPosted)} == set(people)
    assert len(events) == len(people)


async def test_only_its_recipient_sees_or_changes_it(world: World) -> None:
    await world.tell(BOB)
    assert await world.inbox(ADA) == []
    for who in (ADA, EVE):
        with pytest.raises(NotificationNotFound):
            await world.ask(GetNotification(notification_id=TOLD), who)
        with pytest.raises(NotificationNotFound):
            await world.ask(MarkRead(notification_id=TOLD, by=who, at=NOON), who)
    assert (await world.ask(GetNotification(notification_id=TOLD))).value.recipient_id == BOB


async def test_what_was_told_is_there_before_it_is_projected(world: World) -> None:
    await world.tell(BOB)
    assert (await world.ask(GetNotification(notification_id=TOLD))).value.title == "Buy milk"


async def test_nobody_tells_people_anything_themselves(world: World) -> None:
    asked: list[Any] = [
        TellPeople(**_news(), recipients=(BOB,)),
        ReturnNotification(notification_id=TOLD, at=NOON),
        ForgetWorkspace(workspace_id=TEAM, at=NOON),
        ForgetMember(workspace_id=TEAM, user_id=BOB, removed_at=NOON, at=NOON),
        FindUnread(user_id=BOB),
    ]
    for message in asked:
        with pytest.raises(Forbidden):
            await world.ask(message, ADA)
    with pytest.raises(Forbidden):
        await world.ask(MarkAllRead(by=BOB, at=NOON), ADA)


async def test_the_list_shows_the_newest_first_page_by_page(world: World) -> None:
    for number in range(7):
        await world.tell(BOB, key=str(number), title=str(number))
    assert [one.title for one in await world.inbox(limit=3)] == ["6", "5", "4", "3", "2", "1", "0"]
    await world.ask(MarkDone(notification_id=(await world.inbox())[0].id, by=BOB, at=LATER))
    assert [one.title for one in await world.inbox(limit=4)] == ["5", "4", "3", "2", "1", "0"]
    assert [one.title for one in await world.inbox(state=("done",))] == ["6"]
    assert [one.title for one in await world.inbox(state=("done", "unread"), kind=("reminder",))] == []
    assert [one.title for one in await world.inbox(workspace_id=TEAM, limit=5)][-1] == "0"
    with pytest.raises(NotFound):
        await world.inbox(workspace_id=HOME)


async def test_all_that_is_unread_is_marked_at_once_in_every_workspace(world: World) -> None:
    world.roles[BOB][HOME] = "viewer"
    for number in range(30):
        await world.tell(BOB, key=str(number), workspace_id=(TEAM, HOME)[number % 2])
    await world.project()
    await world.ask(MarkAllRead(by=BOB, at=LATER, workspace_id=HOME))
    assert Counter(one.state for one in await world.inbox()) == {"read": 15, "unread": 15}
    answer = await world.ask(MarkAllRead(by=BOB, at=LATER))
    assert answer.value is None
    assert Counter(one.state for one in await world.inbox()) == {"read": 30}
    assert (await world.types()).count("NotificationMarkedRead") == 30


async def test_a_repeated_key_changes_nothing_that_came_later(world: World) -> None:
    await world.tell(BOB)
    await world.project()
    key = AnswerKey(caller=BOB, key="once", fingerprint=b"x" * 32)
    await world.ask(MarkAllRead(by=BOB, at=LATER), answer_key=key)
    await world.tell(BOB, key="another")
    await world.project()
    await world.ask(MarkAllRead(by=BOB, at=LATER), answer_key=key)
    assert sorted(one.state for one in await world.inbox()) == ["read", "unread"]
    other = AnswerKey(caller=BOB, key="once", fingerprint=b"y" * 32)
    with pytest.raises(KeyReused):
        await world.ask(MarkRead(notification_id=TOLD, by=BOB, at=LATER), answer_key=other)


async def test_a_stale_version_is_refused_and_a_dry_run_stores_nothing(world: World) -> None:
    await world.tell(BOB)
    read = MarkRead(notification_id=TOLD, by=BOB, at=LATER)
    assert (await world.ask(read, dry_run=True)).value.state == "read"
    assert await world.types() == ["NotificationPosted"]
    assert (await world.ask(read)).version == 2
    with pytest.raises(Stale):
        await world.ask(MarkDone(notification_id=TOLD, by=BOB, at=LATER), if_match=Version(1))


async def test_counts_are_of_what_waits(world: World) -> None:
    for number, kind in enumerate(("task.assigned", "task.assigned", "task.mentioned", "reminder")):
        await world.tell(BOB, key=str(number), kind=kind)
    newest = (await world.inbox())[0]
    until = LATER + timedelta(days=1)
    await world.ask(SnoozeNotification(notification_id=newest.id, until=until, by=BOB, at=LATER))
    await world.project()
    counts = (await world.ask(CountNotifications())).value
    assert (counts.unread, counts.snoozed, counts.at_least) == (3, 1, False)
    assert counts.unread_by_kind == {"task.assigned": 2, "task.mentioned": 1}


async def test_what_was_snoozed_returns_once_when_two_look_at_the_same_time(world: World) -> None:
    await world.tell(BOB)
    await world.ask(SnoozeNotification(notification_id=TOLD, until=LATER, by=BOB, at=NOON))
    assert await world.inbox() == []
    timers = [Timers(world.process(), world.read) for _ in range(2)]
    await timers[0].run_due(LATER - timedelta(seconds=1))
    assert await world.inbox() == []
    for one in timers:
        await one.run_due(LATER)
    assert [one.state for one in await world.inbox()] == ["unread"]
    assert (await world.types()).count("NotificationReturned") == 1


async def test_who_has_left_sees_nothing_before_anybody_has_heard_of_it(world: World) -> None:
    await world.tell(BOB)
    await world.project()
    del world.roles[BOB][TEAM]
    assert await world.inbox() == []
    assert (await world.ask(CountNotifications())).value.unread == 0
    with pytest.raises(NotificationNotFound):
        await world.ask(GetNotification(notification_id=TOLD))
    with pytest.raises(NotificationNotFound):
        await world.ask(MarkRead(notification_id=TOLD, by=BOB, at=LATER))


async def test_who_comes_back_begins_anew_and_an_old_removal_forgets_nothing_new(world: World) -> None:
    await world.tell(BOB, key="old")
    left = ForgetMember(workspace_id=TEAM, user_id=BOB, removed_at=LATER, at=LATER)
    await world.ask(left, None)
    await world.tell(BOB, key="new", title="New")
    await world.ask(left, None)
    assert [one.title for one in await world.inbox()] == ["New"]
    await _is_what_the_log_says(world)


async def test_an_erased_workspace_is_forgotten(world: World) -> None:
    await world.tell(BOB)
    await world.project()
    await world.keys.destroy(SubjectId(TEAM))
    for _ in range(2):
        await world.ask(ForgetWorkspace(workspace_id=TEAM, at=LATER), None)
    assert await world.inbox() == []
    with pytest.raises(NotFound):
        await world.ask(GetNotification(notification_id=TOLD))
    with pytest.raises(NotFound):
        await world.tell(BOB, key="another")
    assert (await world.types()).count("WorkspaceForgotten") == 1
    await _is_what_the_log_says(world)


async def test_a_principal_with_no_workspaces_at_all_has_an_empty_inbox(world: World) -> None:
    principal = Principal(user_id=EVE, personal_workspace_id=identity(9), roles={})  # type: ignore[arg-type]
    assert (await world.ask(CountNotifications(), EVE, principal=principal)).value.unread == 0


async def _is_what_the_log_says(world: World) -> None:
    await world.project()
    assert await verify_read_model(world.events_store, world.store, world.model) == []


def _news() -> dict[str, Any]:
    return {
        "workspace_id": TEAM,
        "kind": "task.assigned",
        "title": "Buy milk",
        "key": "/contexts/tasks#3-17",
        "occurred_at": NOON,
        "at": NOON,
    }
