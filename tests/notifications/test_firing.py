"""When its time has come a reminder is told once, whoever looks; or it says why not."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from sigdep.kernel.channel import Postponed, Undeliverable
from sigdep.kernel.errors import NotFound
from sigdep.notifications.commands.people import ChangePreferences, Choice
from sigdep.notifications.commands.reminders import SnoozeReminder
from sigdep.notifications.domain.retrying import PAUSES
from sigdep.notifications.queries.inbox import ListNotifications
from sigdep.notifications.queries.reminders import ListReminders
from sigdep.notifications.writing import firing, sender
from tests.notifications.reminding_world import (
    ADA,
    BOB,
    DAY,
    EMAILED,
    MINUTE,
    NOON,
    TEAM,
    World,
    due_of,
    open_world,
    reminder_of,
    steps_of,
)


async def emailed(world: World) -> None:
    """Ada wants reminders by e-mail, and nothing else of it changes."""
    await world.ask(ChangePreferences(user_id=ADA, workspace_id=TEAM, choices=EMAILED, at=world.clock.at))


async def test_it_is_told_when_its_time_has_come_and_once() -> None:
    async with open_world() as world:
        await emailed(world)
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        await world.fire(NOON + MINUTE - timedelta(milliseconds=1))
        assert await world.events("NotificationPosted") == []
        await world.fire(NOON + MINUTE)
        await world.fire()
        (posted,) = await world.events("NotificationPosted")
        assert (posted.title, posted.kind, posted.occurred_at, posted.body) == (
            "Buy milk", "reminder", NOON + MINUTE, ""
        )  # fmt: skip
        await world.send()
        await world.send()
        (message,) = world.wire.sent
        history = await world.history(reminder_of(milk))
        assert steps_of(history) == ["scheduled", "fired"]
        (delivery,) = history.deliveries
        assert message.key == str(delivery.id)
        assert (delivery.state, [step.what for step in delivery.steps]) == ("sent", ["requested", "attempted", "sent"])
        assert world.figures.late == [0.0]


async def test_whoever_is_slower_tells_nobody() -> None:
    """Both have seen it due, at the same version, before either has stored anything."""
    async with open_world() as world:
        await emailed(world)
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        one, two = world.process("one"), world.process("two")
        world.clock.at = NOON + MINUTE
        await world.caught_up()
        found = [await side.scheduler.work.find(world.clock.at, 10) for side in (one, two)]
        done = await asyncio.gather(*(seen.pieces[0].do() for seen in found))
        assert sorted(done) == [False, True]
        assert len(await world.events("ReminderFired")) == 1
        assert len(await world.events("NotificationPosted")) == 1
        await world.caught_up()
        tries = [await side.sender.work.find(world.clock.at, 10) for side in (one, two)]
        assert sorted(await asyncio.gather(*(seen.pieces[0].do() for seen in tries))) == [False, True]
        assert len(world.wire.sent) == 1


async def test_a_thing_that_is_over_by_now_is_not_told_even_if_nobody_has_said_so_yet() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        world.owner.items[milk].is_open = False
        await world.fire(NOON + MINUTE)
        history = await world.history(reminder_of(milk))
        assert (history.state, history.why) == ("suppressed", "not_due")
        assert await world.events("NotificationPosted") == []


async def test_who_has_nothing_to_do_with_it_by_now_is_not_told() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE, people=(ADA, BOB))
        await world.say(milk)
        world.owner.items[milk].due = [due_of(NOON + MINUTE, (BOB,))]
        await world.fire(NOON + MINUTE)
        assert [event.recipient_id for event in await world.events("NotificationPosted")] == [BOB]


async def test_the_title_is_that_of_now() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        world.owner.items[milk].title = "Buy oat milk"
        await world.fire(NOON + MINUTE)
        (posted,) = await world.events("NotificationPosted")
        assert posted.title == "Buy oat milk"


async def test_an_owner_that_is_away_keeps_nothing_back() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        world.owner.is_away = world.roster.is_away = True
        await world.fire(NOON + MINUTE)
        (posted,) = await world.events("NotificationPosted")
        assert posted.title == "Buy milk"
        (fired,) = await world.events("ReminderFired")
        assert not fired.confirmed


async def test_who_has_left_the_workspace_is_not_told() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE, people=(ADA, BOB))
        await world.say(milk)
        world.roster.members.discard(BOB)
        await world.fire(NOON + MINUTE)
        assert [event.recipient_id for event in await world.events("NotificationPosted")] == [ADA]
        (suppressed,) = await world.events("ReminderSuppressed")
        assert suppressed.why == "not_a_member"


async def test_a_late_reminder_says_by_how_much() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        await world.fire(NOON + MINUTE + timedelta(hours=3, minutes=5))
        (posted,) = await world.events("NotificationPosted")
        assert posted.body == "This reminder is late by 3 h 5 min."
        assert (await world.history(reminder_of(milk))).late_seconds == timedelta(hours=3, minutes=5).total_seconds()


async def test_what_is_a_day_late_is_told_in_one_summary_of_each_person() -> None:
    async with open_world() as world:
        await emailed(world)
        things = [world.thing(f"Thing {number}", NOON + number * MINUTE, people=(ADA, BOB)) for number in range(1, 31)]
        over = world.thing("Over", NOON + MINUTE)
        for thing in (*things, over):
            await world.say(thing)
        world.owner.items[over].is_open = False
        await world.fire(NOON + 2 * DAY)
        await world.fire()
        posted = await world.events("NotificationPosted")
        assert sorted((one.recipient_id, one.kind, one.title) for one in posted) == [
            (ADA, "reminders.missed", "You have missed 30 reminders"),
            (BOB, "reminders.missed", "You have missed 30 reminders"),
        ]
        assert posted[0].body.splitlines()[0] == "2026-11-27 12:01 UTC: Thing 1"
        assert posted[0].body.splitlines()[-1] == f"and {30 - firing.TITLES_MAX} more"
        missed = await world.history(reminder_of(things[3]))
        assert (missed.state, missed.why) == ("suppressed", "missed")
        assert missed.notification_id in {one.notification_id for one in posted}
        assert len(missed.deliveries) == 1
        assert (await world.history(reminder_of(over))).why == "not_due"


async def test_two_who_summarise_at_once_tell_it_once() -> None:
    async with open_world() as world:
        for number in range(1, 6):
            await world.say(world.thing(f"Thing {number}", NOON + number * MINUTE))
        world.clock.at = NOON + 2 * DAY
        await world.caught_up()
        sides = world.process("one"), world.process("two")
        found = [await side.scheduler.work.find(world.clock.at, 10) for side in sides]
        await asyncio.gather(*(piece.do() for seen in found for piece in seen.pieces))
        assert len(await world.events("NotificationPosted")) == 1
        assert len(await world.events("ReminderSuppressed")) == 5


async def test_snoozed_it_comes_again_unless_the_thing_is_done_by_then() -> None:
    async with open_world() as world:
        milk, tea = world.thing("Buy milk", NOON + MINUTE), world.thing("Tea", NOON + MINUTE)
        for thing in (milk, tea):
            await world.say(thing)
        await world.fire(NOON + MINUTE)
        for thing in (milk, tea):
            until = NOON + 10 * MINUTE
            await world.ask(SnoozeReminder(reminder_id=reminder_of(thing), until=until, by=ADA, at=world.clock.at))
        world.clock.at = NOON + 5 * MINUTE
        world.owner.items[tea].is_open = False
        await world.say(tea, "TaskCompleted")
        await world.fire(NOON + 10 * MINUTE)
        assert steps_of(await world.history(reminder_of(milk))) == ["scheduled", "fired", "snoozed", "fired"]
        over = await world.history(reminder_of(tea))
        assert (steps_of(over), over.why) == (["scheduled", "fired", "snoozed", "suppressed"], "done")
        assert [one.title for one in await world.events("NotificationPosted")].count("Buy milk") == 2
        assert world.figures.late == [0.0, 0.0, 0.0]


async def test_nobody_sees_or_snoozes_the_reminders_of_others() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        await world.fire(NOON + MINUTE)
        with pytest.raises(NotFound):
            await world.history(reminder_of(milk), BOB)
        snooze = SnoozeReminder(reminder_id=reminder_of(milk), until=NOON + DAY, by=BOB, at=NOON)
        with pytest.raises(NotFound):
            await world.ask(snooze, BOB)
        assert (await world.ask(ListReminders(), BOB)).items == []
        assert (await world.ask(ListNotifications(), BOB)).items == []


async def test_a_clock_that_goes_back_fires_nothing_twice_and_keeps_nothing_back() -> None:
    async with open_world() as world:
        early, late = world.thing("Early", NOON + MINUTE), world.thing("Late", NOON + 90 * MINUTE)
        for thing in (early, late):
            await world.say(thing)
        await world.fire(NOON + 60 * MINUTE)
        await world.fire(NOON - 60 * MINUTE)
        await world.fire(NOON + 2 * MINUTE)
        assert [one.title for one in await world.events("NotificationPosted")] == ["Early"]
        await world.fire(NOON + 90 * MINUTE)
        assert {one.title for one in await world.events("NotificationPosted")} == {"Early", "Late"}
        assert len(await world.events("ReminderFired")) == 2


# ── sending ─────────────────────────────────────────────────────────────────────────────────────────────


async def fired(world: World) -> None:
    await emailed(world)
    await world.say(world.thing("Buy milk", NOON + MINUTE))
    await world.fire(NOON + MINUTE)


async def test_what_is_busy_is_tried_again_with_the_same_key_until_it_is_given_up() -> None:
    async with open_world() as world:
        await fired(world)
        world.wire.outcomes = [Postponed(reason="busy")] * 20
        for _ in range(20):
            await world.send()
            world.clock.at += timedelta(hours=3)
        assert len(world.wire.sent) == len(PAUSES["email"]) + 1
        assert len({message.key for message in world.wire.sent}) == 1
        (failed,) = await world.events("DeliveryFailed")
        assert "busy" in failed.why
        assert world.figures.delivered_as == ["postponed"] * 7 + ["failed"]
        assert world.figures.calls == 8


async def test_what_can_never_arrive_is_tried_once() -> None:
    async with open_world() as world:
        await fired(world)
        world.wire.outcomes = [Undeliverable(reason="There is no such mailbox.", target_is_gone=True)]
        await world.send()
        world.clock.at += DAY
        await world.send()
        assert len(world.wire.sent) == 1
        (failed,) = await world.events("DeliveryFailed")
        assert failed.target_is_gone


async def test_a_process_that_dies_in_a_call_leaves_a_doubt_and_another_repeats_it_with_the_same_key() -> None:
    async with open_world() as world:
        await fired(world)
        dying = world.process("dying")
        world.wire.held = asyncio.Event()
        (piece,) = (await dying.sender.work.find(world.clock.at, 10)).pieces
        task = asyncio.ensure_future(piece.do())
        while not world.wire.sent:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        world.wire.held = None
        await world.send()
        assert len(world.wire.sent) == 1  # Its lease lasts.
        world.clock.at += sender.LEASE
        await world.send()
        first, second = world.wire.sent
        assert first.key == second.key
        assert first == second
        milk = next(iter(world.owner.items))
        (delivery,) = (await world.history(reminder_of(milk))).deliveries
        assert (delivery.state, delivery.attempts, delivery.in_doubt) == ("sent", 2, 1)
        assert [step.in_doubt for step in delivery.steps if step.what == "attempted"] == [False, True]


async def test_who_takes_the_place_of_one_that_died_repeats_at_once_what_that_was_trying() -> None:
    async with open_world() as world:
        await fired(world)
        world.wire.outcomes = [asyncio.CancelledError()]
        (piece,) = (await world.process("place").sender.work.find(world.clock.at, 10)).pieces
        with suppress(asyncio.CancelledError):
            await piece.do()
        await world.send(world.process("place", incarnation=2))
        first, second = world.wire.sent
        assert first == second
        assert [event.in_doubt for event in await world.events("DeliveryAttempted")] == [False, True]


async def test_nothing_goes_out_to_who_has_left_meanwhile_or_after_days() -> None:
    async with open_world() as world:
        await fired(world)
        world.roster.members.discard(ADA)
        await world.send()
        world.roster.members.add(ADA)
        await world.say(world.thing("Tea", NOON + 2 * MINUTE))
        await world.fire(NOON + 2 * MINUTE)
        world.clock.at += sender.OF_USE + MINUTE
        await world.send()
        assert world.wire.sent == []
        assert {event.why for event in await world.events("DeliverySuppressed")} == {"not_a_member", "too_old"}


async def test_nothing_goes_out_by_a_way_that_was_declined_meanwhile() -> None:
    async with open_world() as world:
        await fired(world)
        declined = (Choice(kind="reminder", channel="email", wanted=False),)
        await world.ask(ChangePreferences(user_id=ADA, workspace_id=TEAM, choices=declined, at=world.clock.at))
        await world.send()
        assert world.wire.sent == []
        assert {event.why for event in await world.events("DeliverySuppressed")} == {"declined"}
