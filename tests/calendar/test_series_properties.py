"""Whatever people do to a series, nothing that they have changed or answered is lost, and all of it can be undone."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigdep.calendar.commands import (
    AnswerInvitation,
    EditAppointment,
    RemoveAppointment,
    RestoreAppointment,
    UndoEdit,
)
from sigdep.calendar.domain.appointment import EDITED_FIELDS, Appointment
from sigdep.calendar.domain.past_edits import NothingToUndo
from sigdep.calendar.events.appointments import Attendee, Recurrence
from sigdep.calendar.queries import ListOccurrences
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.errors import Refused
from tests.calendar.world import World

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = datetime(2027, 2, 15, tzinfo=UTC)

GUESTS = tuple(f"guest{number}@example.org" for number in range(12))

SERIES: Sequence[dict[str, Any]] = (
    {"recurrence": Recurrence(rules=("FREQ=DAILY;COUNT=20",))},
    {"recurrence": Recurrence(rules=("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270228T080000Z",))},
    {"recurrence": Recurrence(rules=("FREQ=DAILY",), excluded_dates=("2026-12-03T09:00:00", "2026-12-11T09:00:00"))},
    {"recurrence": Recurrence(rules=("FREQ=WEEKLY",), extra_dates=("2026-12-17T18:00:00/PT2H", "2027-01-04T07:00:00"))},
    {
        "start": "2026-12-01",
        "end": "2026-12-03",
        "time_zone": None,
        "recurrence": Recurrence(rules=("FREQ=WEEKLY;UNTIL=20270301",), excluded_dates=("2026-12-15",)),
    },
)

DEEDS = ("retitle one", "move one", "answer", "cancel", "restore", "shift", "retitle", "cut", "cut and shift", "end")

Deed = tuple[str, int, int]
"""What is done, to which of the occurrences, and by how much."""


class Scene:
    """A series, what was done to it, and what must still be there."""

    def __init__(self, world: World, first: Appointment) -> None:
        self.world = world
        self.first = first
        self.marks: set[str] = set()
        """Titles that single occurrences were given, each once."""
        self.answered: set[str] = set()
        """Guests who have declined one occurrence."""

    async def live(self) -> list[Appointment]:
        found = [one for one in (await self.world.appointments()).values() if one.trashed_at is None]
        return sorted(found, key=lambda one: one.created_at)

    async def shown(self) -> list[dict[str, Any]]:
        return await self.world.items(ListOccurrences(since=SINCE, until=UNTIL, limit=200))

    async def do(self, deed: Deed) -> None:
        """A deed that a rule forbids is none."""
        what, which, amount = deed
        shown = [one for one in await self.shown() if one["occurrence"] is not None]
        if not shown:
            return
        one = shown[which % len(shown)]
        parts = await self.live()
        part = next(found for found in parts if str(found.id) == one["id"])
        with suppress(Refused):
            await self._do(what, amount, one, part)

    async def _do(self, what: str, amount: int, one: dict[str, Any], part: Appointment) -> None:
        names = {"appointment_id": part.id, "occurrence": one["occurrence"]}
        match what:
            case "retitle one" if one["title"] not in self.marks:
                mark = f"mark {len(self.marks) + 1}"
                await self.world.ask(EditAppointment, **names, scope="this", title=mark)
                self.marks.add(mark)
            case "move one":
                await self.world.ask(EditAppointment, **names, scope="this", **moved(one, amount))
            case "answer" if len(self.answered) < len(GUESTS):
                guest = GUESTS[len(self.answered)]
                await self.world.ask(AnswerInvitation, **names, answer="declined", email=guest)
                self.answered.add(guest)
            case "cancel":
                await self.world.ask(RemoveAppointment, **names, scope="this")
            case "restore":
                for changed in part.changed_occurrences:
                    if changed.cancelled:
                        await self.world.ask(RestoreAppointment, appointment_id=part.id, occurrence=changed.occurrence)
            case "shift":
                await self.world.ask(EditAppointment, **names, scope="all", **moved(one, amount))
            case "retitle":
                await self.world.ask(EditAppointment, appointment_id=part.id, title=f"All {amount}")
            case "cut":
                await self.world.ask(EditAppointment, **names, scope="following", title=f"Later {amount}")
            case "cut and shift":
                await self.world.ask(EditAppointment, **names, scope="following", **moved(one, amount))
            case "end":
                await self.world.ask(RemoveAppointment, **names, scope="following")
            case _:
                pass

    async def expect_nothing_lost(self, ended: bool) -> None:
        """What was cut off by an end comes back when that is undone: till then it is only in the log."""
        if ended:
            return
        changed = [one for part in await self.live() for one in part.changed_occurrences]
        titles = [one.title for one in changed if one.title in self.marks]
        assert sorted(map(str, titles)) == sorted(self.marks)
        declined = [guest for one in changed for guest in one.answers]
        assert sorted(declined) == sorted(self.answered)
        titles = [one["title"] for one in await self.shown()]
        for one in changed:
            if isinstance(one.title, str):
                assert titles.count(one.title) == (0 if one.cancelled else 1), one

    async def parts(self) -> list[Appointment]:
        """Also those in the trash, but for what has been put together again. The latest first."""
        found = [one for one in (await self.world.appointments()).values() if one.joined_to is None]
        return sorted(found, key=lambda one: one.created_at, reverse=True)

    async def undo_everything(self) -> None:
        undone = True
        while undone:
            undone = False
            for part in await self.parts():
                with suppress(Refused):
                    before = await self.world.events()
                    await self.world.ask(UndoEdit, appointment_id=part.id)
                    undone = len(await self.world.events()) > len(before)
                if undone:
                    break


def moved(one: dict[str, Any], amount: int) -> dict[str, Any]:
    """Start and end so many hours later; days, where it has days."""
    if one["all_day"]:
        days = timedelta(days=amount % 5 - 2)
        return {name: (datetime.fromisoformat(one[name]) + days).date().isoformat() for name in ("start", "end")}
    hours = timedelta(hours=amount % 31 - 15)
    return {name: (datetime.fromisoformat(one[name]) + hours).isoformat() for name in ("start", "end")}


def content(appointment: Appointment) -> dict[str, Any]:
    """What it says, but for how often it moved, and for answers, which are no edits."""
    fields = {name: getattr(appointment, name) for name in EDITED_FIELDS if name != "sequence"}
    fields["attendees"] = [(one.user_id, one.email) for one in appointment.attendees]
    return fields


deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 60), st.integers(0, 100)), min_size=1, max_size=9)
slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def scene_of(series: dict[str, Any]) -> Scene:
    world = await World().start()
    attendees = tuple(Attendee(email=guest) for guest in GUESTS)
    return Scene(world, await world.schedule(**series, attendees=attendees))


@slow
@given(series=st.sampled_from(SERIES), deeds=deeds)
def test_nothing_that_people_changed_or_answered_is_lost_by_any_later_edit(
    series: dict[str, Any], deeds: list[Deed]
) -> None:
    async def story() -> None:
        scene = await scene_of(series)
        ended = False
        for deed in deeds:
            await scene.do(deed)
            ended |= deed[0] == "end"
            await scene.expect_nothing_lost(ended)

    asyncio.run(story())


@slow
@given(series=st.sampled_from(SERIES), deeds=deeds)
def test_undoing_everything_gives_the_series_as_it_was_with_the_answers_that_it_has_got(
    series: dict[str, Any], deeds: list[Deed]
) -> None:
    async def story() -> None:
        scene = await scene_of(series)
        before = await scene.shown()
        for deed in deeds:
            await scene.do(deed)
        await scene.undo_everything()
        (whole,) = await scene.parts()
        assert content(whole) == content(scene.first)
        assert sorted(guest for one in whole.changed_occurrences for guest in one.answers) == sorted(scene.answered)
        times = [(one["starts_at"], one["ends_at"], one["title"]) for one in await scene.shown()]
        assert times == [(one["starts_at"], one["ends_at"], one["title"]) for one in before]

    asyncio.run(story())


@slow
@given(series=st.sampled_from(SERIES), deeds=deeds, which=st.integers(0, 60))
def test_a_cut_changes_no_occurrence_that_it_does_not_name(
    series: dict[str, Any], deeds: list[Deed], which: int
) -> None:
    async def story() -> None:
        scene = await scene_of(series)
        for deed in deeds:
            await scene.do(deed)
        before = await scene.shown()
        await scene.do(("cut", which, 1))
        after = await scene.shown()
        assert [(one["starts_at"], one["ends_at"]) for one in after] == [
            (one["starts_at"], one["ends_at"]) for one in before
        ]

    asyncio.run(story())


async def test_there_is_nothing_to_undo_where_nothing_was_edited() -> None:
    scene = await scene_of(SERIES[0])
    refused = False
    try:
        await scene.world.ask(UndoEdit, appointment_id=AppointmentId(scene.first.id))
    except NothingToUndo:
        refused = True
    assert refused
