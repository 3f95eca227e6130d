"""What the owner of a thing says becomes reminders: scheduled once, moved along, and suppressed with the reason."""

from datetime import timedelta

from sigdep.notifications.events.reminders import ReminderScheduled, ScheduleChanged
from sigdep.notifications.queries.reminders import ListReminders
from sigdep.notifications.writing import scheduling
from tests.notifications.reminding_world import (
    ADA,
    BOB,
    DAY,
    MINUTE,
    NOON,
    due_of,
    open_world,
    reminder_of,
    steps_of,
)


async def test_each_person_has_a_reminder_of_their_own_and_hearing_of_it_twice_changes_nothing() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE, people=(ADA, BOB))
        await world.say(milk)
        await world.say(milk)
        scheduled = await world.events("ReminderScheduled")
        assert {event.user_id for event in scheduled} == {ADA, BOB}
        assert len(scheduled) == 2
        shown = (await world.ask(ListReminders())).items
        assert [(one.title, one.state, one.due_at) for one in shown] == [("Buy milk", "scheduled", NOON + MINUTE)]


async def test_a_thing_without_reminders_leaves_no_trace_and_nobody_is_asked_about_it() -> None:
    async with open_world() as world:
        thing = world.thing("Buy milk")
        await world.say(thing, reminds=False)
        await world.say(thing, "TaskEdited", reminds=False)
        assert world.log.streams == {}
        assert world.owner.asked == []


async def test_what_has_reminders_and_no_date_is_asked_about_again_when_it_has_one() -> None:
    async with open_world() as world:
        thing = world.thing("Buy milk")
        await world.say(thing)
        world.owner.items[thing].due = [due_of(world.clock.at + DAY)]
        await world.say(thing, "TaskEdited", reminds=False)
        await world.fire(world.clock.at + DAY)
        assert world.figures.late == [0.0]


async def test_what_was_over_when_it_was_asked_for_is_not_scheduled() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON - MINUTE, NOON + MINUTE)
        await world.say(milk)
        assert [event.due_at for event in await world.events("ReminderScheduled")] == [NOON + MINUTE]


async def test_what_is_moved_is_rescheduled_and_who_is_none_of_it_any_more_is_not_reminded() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE, people=(ADA, BOB))
        await world.say(milk)
        world.owner.items[milk].due = [due_of(NOON + 5 * MINUTE)]
        await world.say(milk, "TaskEdited")
        ada = await world.history(reminder_of(milk))
        bob = await world.history(reminder_of(milk, user=BOB), BOB)
        assert steps_of(ada) == ["scheduled", "rescheduled"]
        assert ada.due_at == NOON + 5 * MINUTE
        assert steps_of(bob) == ["scheduled", "suppressed"]
        assert (bob.why, bob.steps[-1].because) == ("changed", "sigdep.tasks.TaskEdited")


async def test_what_is_done_is_suppressed_and_opened_again_it_is_scheduled_again() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        world.owner.items[milk].is_open = False
        await world.say(milk, "TaskCompleted")
        assert (await world.history(reminder_of(milk))).why == "done"
        world.owner.items[milk].is_open = True
        await world.say(milk, "TaskReopened")
        again = await world.history(reminder_of(milk))
        assert steps_of(again) == ["scheduled", "suppressed", "scheduled"]
        assert again.state == "scheduled"


async def test_what_is_gone_is_not_reminded_of() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        del world.owner.items[milk]
        await world.say(milk, "TaskTrashed")
        assert (await world.history(reminder_of(milk))).why == "removed"


async def test_a_missed_or_snoozed_reminder_is_suppressed_when_its_thing_is_done() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        await world.say(milk)
        world.clock.at = NOON + 2 * MINUTE  # Nobody has fired it.
        world.owner.items[milk].is_open = False
        await world.say(milk, "TaskCompleted")
        assert (await world.history(reminder_of(milk))).why == "done"


async def test_only_the_next_weeks_are_scheduled_and_the_horizon_moves_on() -> None:
    async with open_world() as world:
        days = [NOON + number * DAY for number in range(1, 60)]
        tea = world.thing("Tea", continues=True)
        world.owner.items[tea].due = [due_of(day, occurrence=f"{day:%Y-%m-%d}") for day in days]
        await world.say(tea)
        assert len(await world.events("ReminderScheduled")) == scheduling.HORIZON.days - 1
        await world.work(world.side.horizon.work)
        assert len(await world.events("ScheduleChanged")) == 1
        world.clock.at = NOON + 10 * DAY
        await world.work(world.side.horizon.work)
        scheduled = await world.events("ReminderScheduled")
        assert len(scheduled) == scheduling.HORIZON.days - 1 + 10
        assert {event.because for event in scheduled} == {"sigdep.tasks.TaskCreated", "horizon"}


async def test_what_became_due_while_nobody_looked_so_far_ahead_is_found_late() -> None:
    async with open_world() as world:
        tea = world.thing("Tea", continues=True)
        world.owner.items[tea].due = [due_of(NOON + 40 * DAY, occurrence="one")]
        await world.say(tea)
        assert await world.events("ReminderScheduled") == []
        world.clock.at = NOON + 41 * DAY
        await world.work(world.side.horizon.work)
        assert [event.due_at for event in await world.events("ReminderScheduled")] == [NOON + 40 * DAY]


async def test_new_time_zone_data_moves_what_it_changes() -> None:
    async with open_world() as world:
        milk, tea = world.thing("Milk", NOON + DAY), world.thing("Tea", NOON + DAY)
        await world.say(milk)
        await world.say(tea)
        world.owner.items[milk].due = [due_of(NOON + DAY - timedelta(hours=1))]
        newer = world.process("two", zones="2027a")
        await world.work(newer.horizon.work)
        moved = await world.history(reminder_of(milk))
        assert (steps_of(moved), moved.steps[-1].because) == (["scheduled", "rescheduled"], "zones")
        assert steps_of(await world.history(reminder_of(tea))) == ["scheduled"]
        asked = len(world.owner.asked)
        await world.work(newer.horizon.work)
        assert len(world.owner.asked) == asked


async def test_more_than_one_append_takes_is_scheduled_in_several() -> None:
    async with open_world() as world:
        world.owner.page = 300
        tea = world.thing("Tea")
        world.owner.items[tea].due = [
            due_of(NOON + number * MINUTE, occurrence=str(number)) for number in range(1, 1_000)
        ]
        await world.say(tea)
        scheduled: list[ReminderScheduled] = await world.events("ReminderScheduled")
        changes: list[ScheduleChanged] = await world.events("ScheduleChanged")
        assert len({event.reminder_id for event in scheduled}) == len(scheduled) == 999
        assert [len(change.planned) for change in changes] == [400, 400, 199]
        assert changes[-1].known_until == NOON + scheduling.HORIZON
        assert not changes[-1].continues
        assert len(world.owner.asked) == 4  # Its pages, once, and not for each append.


async def test_an_answer_that_is_older_than_what_is_stored_by_now_is_asked_for_again() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        other = world.process("two")
        world.side = world.process("one")

        async def moved() -> None:
            world.owner.items[milk].due = [due_of(NOON + 5 * MINUTE)]
            await world.say(milk, "TaskEdited", side=other)

        world.owner.overtaken_by = moved
        await world.say(milk)
        history = await world.history(reminder_of(milk))
        assert (history.due_at, steps_of(history)) == (NOON + 5 * MINUTE, ["scheduled"])


async def test_what_lies_beyond_the_horizon_of_a_clock_that_went_back_stays_as_it_is() -> None:
    async with open_world() as world:
        tea = world.thing("Tea", NOON + MINUTE, NOON + scheduling.HORIZON - MINUTE)
        await world.say(tea)
        world.clock.at = NOON - DAY
        world.owner.items[tea].title = "Green tea"
        await world.say(tea, "TaskEdited")
        assert await world.events("ReminderSuppressed") == []


async def test_two_who_hear_of_a_thing_at_once_schedule_it_once() -> None:
    async with open_world() as world:
        milk = world.thing("Buy milk", NOON + MINUTE)
        other = world.process("two")
        world.side = world.process("one")
        await world.say(milk, side=world.side)
        world.owner.items[milk].due = [due_of(NOON + 3 * MINUTE)]
        await world.say(milk, "TaskEdited", side=other)
        world.owner.items[milk].due = [due_of(NOON + 5 * MINUTE)]
        await world.say(milk, "TaskEdited", side=world.side)  # What it remembers is older than what is stored.
        history = await world.history(reminder_of(milk))
        assert history.due_at == NOON + 5 * MINUTE
        assert steps_of(history) == ["scheduled", "rescheduled", "rescheduled"]
