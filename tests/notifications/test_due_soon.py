"""People are told that a task is due soon which has no reminders of its own: once, as long before as they want."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from sigdep.contracts.reminding import DUE
from sigdep.kernel.errors import Invalid
from sigdep.kernel.messages import UNSET, UnsetType
from sigdep.notifications.commands.people import ChangePreferences
from sigdep.notifications.domain.reminder import reminder_id
from sigdep.notifications.events.inbox import NotificationPosted, Thing
from sigdep.notifications.queries.people import GetPreferences
from sigdep.notifications.queries.reminders import ReminderHistory
from sigdep.notifications.writing.nearing import NEAR
from tests.notifications.reminding_world import ADA, BOB, DAY, MINUTE, NOON, TEAM, World, open_world, steps_of

HOUR = timedelta(hours=1)


async def wants(world: World, lead: str | None, time_zone: str | UnsetType = UNSET) -> None:
    command = ChangePreferences(user_id=ADA, workspace_id=TEAM, due_soon=lead, time_zone=time_zone, at=world.clock.at)
    await world.ask(command)


async def told(world: World) -> list[NotificationPosted]:
    return await world.events("NotificationPosted")


async def created(world: World, title: str, due_at: datetime, **task: Any) -> UUID:
    """A task, and the event that says so."""
    task_id = world.task_due(title, due_at, **task)
    await world.say(task_id, reminds=False, due_at=due_at)
    return task_id


async def history_of(world: World, task: UUID) -> ReminderHistory:
    return await world.history(reminder_id(Thing(kind="task", id=task), DUE, ADA))


async def test_it_is_told_an_hour_before_and_once() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR, people=(ADA, BOB))
        await world.fire(NOON + 4 * HOUR - MINUTE)
        assert await told(world) == []
        await world.fire(NOON + 4 * HOUR)
        await world.fire(NOON + 4 * HOUR + MINUTE)
        posted = await told(world)
        assert {one.recipient_id for one in posted} == {ADA, BOB}
        assert {(one.kind, one.title, one.occurred_at, one.link) for one in posted} == {
            ("task.due_soon", "Pay the rent", NOON + 4 * HOUR, f"/tasks/{task}")
        }
        await world.say(task, "TaskEdited", reminds=False)
        await world.fire(NOON + 6 * HOUR)
        assert len(await told(world)) == len(posted)


@pytest.mark.parametrize(
    "lead, before",
    [("PT0S", timedelta(0)), ("PT10M", 10 * MINUTE), ("P1D", DAY), ("P7D", 7 * DAY)],
)
async def test_each_is_told_as_long_before_as_they_want(lead: str, before: timedelta) -> None:
    async with open_world() as world:
        await wants(world, lead)
        due = NOON + 7 * DAY + HOUR
        task = await created(world, "Pay the rent", due)
        assert (await history_of(world, task)).due_at == due - before


async def test_a_day_before_is_at_the_same_time_of_their_clock() -> None:
    """In Sydney clocks leapt on 4 October 2026: noon of the day before is 23 hours earlier."""
    async with open_world() as world:
        world.clock.at = datetime.fromisoformat("2026-09-30T00:00:00Z")
        await wants(world, "P1D", "Australia/Sydney")
        task = await created(world, "Pay the rent", datetime.fromisoformat("2026-10-04T12:00:00+11:00"))
        assert (await history_of(world, task)).due_at == datetime.fromisoformat("2026-10-03T12:00:00+10:00")


@pytest.mark.parametrize("lead", ["", "1 hour", "-PT1H", "P8D", "PT169H"])
async def test_what_is_no_lead_is_refused(lead: str) -> None:
    async with open_world() as world:
        with pytest.raises(Invalid) as refused:
            await wants(world, lead)
        assert [fault.pointer for fault in refused.value.faults] == ["/due_soon"]


async def test_the_preferences_say_what_is_wanted() -> None:
    async with open_world() as world:
        assert (await world.ask(GetPreferences())).due_soon == "PT1H"
        await wants(world, "PT120M")
        assert (await world.ask(GetPreferences())).due_soon == "PT2H"
        await wants(world, None)
        assert (await world.ask(GetPreferences())).due_soon is None


async def test_what_is_due_sooner_than_they_want_to_be_told_is_not_told() -> None:
    """Whoever writes it knows that."""
    async with open_world() as world:
        await created(world, "Call back", NOON + 30 * MINUTE)
        await world.fire(NOON + HOUR)
        assert await told(world) == []


async def test_who_wants_to_hear_of_none_is_told_of_none_and_may_ask_why() -> None:
    async with open_world() as world:
        await wants(world, None)
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        await world.fire(NOON + 5 * HOUR)
        shown = await history_of(world, task)
        assert (shown.state, shown.why, await told(world)) == ("suppressed", "unwanted", [])


async def test_who_wants_to_hear_of_none_is_told_of_none_in_a_summary() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        await wants(world, None)
        await world.fire(NOON + 3 * DAY)
        assert ((await history_of(world, task)).why, await told(world)) == ("unwanted", [])


async def test_who_changes_their_mind_is_told_at_the_new_time() -> None:
    async with open_world() as world:
        far, near = await created(world, "Pay the rent", NOON + 2 * DAY), await created(world, "Shop", NOON + 3 * HOUR)
        bobs = await created(world, "Bob's", NOON + 2 * DAY, people=(BOB,))
        before = await world.history(reminder_id(Thing(kind="task", id=bobs), DUE, BOB), BOB)
        await wants(world, "P1D")
        await world.work(world.side.leads.work)
        moved, kept = await history_of(world, far), await history_of(world, near)
        assert (moved.due_at, steps_of(moved), moved.steps[-1].because) == (
            NOON + DAY, ["scheduled", "rescheduled"], "preferences"
        )  # fmt: skip
        assert (kept.due_at, steps_of(kept)) == (NOON + 2 * HOUR, ["scheduled"]), "A day before it has passed."
        assert await world.history(reminder_id(Thing(kind="task", id=bobs), DUE, BOB), BOB) == before
        asked = len(world.owner.asked)
        await world.work(world.side.leads.work)
        assert len(world.owner.asked) == asked, "It is done."


async def test_what_was_scheduled_in_the_moment_of_the_change_is_put_right_when_it_is_due() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        await wants(world, "PT10M")
        await world.fire(NOON + 4 * HOUR)
        assert (await told(world), (await history_of(world, task)).due_at) == ([], NOON + 5 * HOUR - 10 * MINUTE)
        await world.fire(NOON + 5 * HOUR - 10 * MINUTE)
        assert len(await told(world)) == 1


async def test_what_is_far_off_leaves_no_trace_until_it_comes_near() -> None:
    async with open_world() as world:
        due = NOON + 30 * DAY
        task = await created(world, "Renew the passport", due)
        await world.work(world.side.nearing.work)
        assert (world.log.streams, world.owner.asked) == ({}, [])
        world.clock.at = due - NEAR + MINUTE
        await world.work(world.side.nearing.work)
        shown = await history_of(world, task)
        assert (shown.due_at, [step.because for step in shown.steps]) == (due - HOUR, ["horizon"])


async def test_a_walk_goes_over_all_pages_and_asks_only_about_what_is_unknown() -> None:
    async with open_world() as world:
        tasks = [world.task_due(f"Task {number}", NOON + 2 * DAY + number * MINUTE) for number in range(7)]
        world.owner.page = 3
        for _ in range(3):
            await world.work(world.side.nearing.work)
        assert {one.thing_id for one in world.owner.asked} == set(tasks)
        assert len(await world.events("ReminderScheduled")) == len(tasks)
        asked = len(world.owner.asked)
        for _ in range(3):
            await world.work(world.side.nearing.work)
        assert len(world.owner.asked) == asked


async def test_what_is_opened_again_or_comes_back_is_told_though_nothing_was_known_of_it() -> None:
    for what in ("TaskReopened", "TaskRestored"):
        async with open_world() as world:
            task = world.task_due("Pay the rent", NOON + 5 * HOUR)
            await world.say(task, what, reminds=False)
            assert (await history_of(world, task)).due_at == NOON + 4 * HOUR


async def test_what_is_done_is_not_told() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        world.owner.items[task].is_open = False
        await world.say(task, "TaskCompleted", reminds=False)
        await world.fire(NOON + 5 * HOUR)
        assert ((await history_of(world, task)).why, await told(world)) == ("done", [])


async def test_what_is_put_off_is_told_at_its_new_time() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        await world.fire(NOON + 4 * HOUR)
        _due(world, task, NOON + DAY)
        await world.say(task, "TaskEdited", reminds=False, due_at=NOON + DAY)
        await world.fire(NOON + DAY - HOUR)
        assert sorted(one.occurred_at for one in await told(world)) == [NOON + 4 * HOUR, NOON + DAY - HOUR]


async def test_what_is_brought_forward_past_its_time_is_told_when_it_is_due() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        _due(world, task, NOON + 10 * MINUTE)
        await world.say(task, "TaskEdited", reminds=False, due_at=NOON + 10 * MINUTE)
        await world.fire(NOON + 10 * MINUTE)
        assert [one.occurred_at for one in await told(world)] == [NOON + 10 * MINUTE]


async def test_who_has_it_no_more_is_not_told_and_who_has_it_now_is() -> None:
    async with open_world() as world:
        task = await created(world, "Pay the rent", NOON + 5 * HOUR)
        _due(world, task, NOON + 5 * HOUR, people=(BOB,))
        await world.say(task, "TaskEdited", reminds=False)
        await world.fire(NOON + 4 * HOUR)
        assert [one.recipient_id for one in await told(world)] == [BOB]


def _due(world: World, task: UUID, at: datetime, **changed: Any) -> None:
    moved = world.task_due("", at, **changed)
    world.owner.items[task].due = world.owner.items.pop(moved).due
