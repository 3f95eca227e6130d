"""Where nobody has changed anything here, to import version after version gives what the last one alone gives. Where
somebody has, it is still there, or the answer says what became of it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigdep.calendar.commands import AnswerInvitation, EditAppointment, RemoveAppointment
from sigdep.calendar.domain.segments import NOT_ALIKE
from sigdep.calendar.queries import Imported, ListOccurrences
from sigdep.calendar.writing.portions import NothingReadable
from sigdep.contracts.ids import AppointmentId
from sigdep.kernel.errors import NotFound, Refused
from sigdep.recurrence.occurrences import Span, occurrences
from sigdep.recurrence.parse import parse
from sigdep.recurrence.series import Series
from sigdep.recurrence.zones import EARLIEST
from tests.calendar.importing import Place
from tests.ical.samples import calendar

SINCE, UNTIL = datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 3, 20, tzinfo=UTC)
RULES = (
    "FREQ=DAILY;COUNT=12",
    "FREQ=DAILY;INTERVAL=2;UNTIL=20270110T220000Z",
    "FREQ=WEEKLY;COUNT=8",
    "FREQ=WEEKLY;BYDAY=TU,TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=9",
    "FREQ=MONTHLY;BYDAY=1TU;COUNT=4",
)
STARTS = ("2026-12-01T09:00", "2026-12-01T09:00", "2026-12-01T14:00", "2026-12-02T09:00")
EXTRA = (datetime.fromisoformat("2026-12-19T18:00"), datetime.fromisoformat("2027-01-09T07:00"))
ZONED = "TZID=Europe/Berlin"
GUESTS = ("jane@example.com", "john@example.com", "joan@example.com")

Deed = tuple[str, int, int]


@st.composite
def versions(draw: st.DrawFn) -> tuple[str, ...]:
    """All components of one series, as another calendar may have it at one time."""
    start = datetime.fromisoformat(draw(st.sampled_from(STARTS)))
    rule = draw(st.sampled_from(RULES))
    rule = rule if draw(st.booleans()) or "UNTIL" in rule else rule.partition(";COUNT")[0]
    found = starts(start, rule)
    title = draw(st.sampled_from(["Weekly", "Weekly", "Jour fixe"]))
    excluded = draw(st.sets(st.sampled_from(found[1:]), max_size=2))
    guests = draw(st.sets(st.sampled_from(GUESTS), max_size=2))
    extra = draw(st.sets(st.sampled_from(EXTRA), max_size=1))
    lines = [f"RRULE:{rule}", *(f"EXDATE;{ZONED}:{one:%Y%m%dT%H%M%S}" for one in sorted(excluded))]
    lines += [f"RDATE;{ZONED}:{one:%Y%m%dT%H%M%S}" for one in sorted(extra)]
    lines += [f"ATTENDEE:mailto:{one}" for one in sorted(guests)]
    lines += draw(st.sampled_from([[], ["X-KEPT:1"], ["LOCATION:Room 3"], ["CATEGORIES:ONE,TWO"]]))
    texts = [component(start, title, *lines)]
    for one in sorted(draw(st.sets(st.sampled_from(found), max_size=3)) - excluded):
        what = draw(st.sampled_from(["title", "time", "cancelled"]))
        moved = one + timedelta(hours=draw(st.integers(-5, 5))) if what == "time" else one
        more = ["STATUS:CANCELLED"] if what == "cancelled" else []
        name = "Another" if what == "title" else title
        texts.append(component(moved, name, f"RECURRENCE-ID;{ZONED}:{one:%Y%m%dT%H%M%S}", *more))
    for one in sorted(draw(st.sets(st.sampled_from(found[1:6]), max_size=2)) - excluded):
        moved = one + timedelta(hours=draw(st.sampled_from([0, 1, -2])))
        more = draw(st.sampled_from([[], [], [], ["STATUS:CANCELLED"]]))
        identity = f"RECURRENCE-ID;{ZONED};RANGE=THISANDFUTURE:{one:%Y%m%dT%H%M%S}"
        texts.append(component(moved, draw(st.sampled_from(["Later", title])), identity, *more))
        if more:
            break
    return tuple(texts)


def starts(start: datetime, rule: str) -> list[datetime]:
    series = Series(start=start, zone="Europe/Berlin", rules=(parse(rule),))
    return [one.start for one in islice(occurrences(series, Span(EARLIEST)), 10) if isinstance(one.start, datetime)]


def component(start: datetime, title: str, *lines: str) -> str:
    end = start + timedelta(minutes=30)
    times = [f"DTSTART;{ZONED}:{start:%Y%m%dT%H%M%S}", f"DTEND;{ZONED}:{end:%Y%m%dT%H%M%S}"]
    return "\n".join(["UID:series@example.com", *times, f"SUMMARY:{title}", *lines])


def numbered(text: Sequence[str], number: int) -> bytes:
    return calendar(*(f"{one}\nSEQUENCE:{number}" for one in text))


async def shown(place: Place) -> list[tuple[Any, ...]]:
    query = ListOccurrences(calendar_id=(place.calendar.id,), since=SINCE, until=UNTIL, limit=200)
    found = await place.items(query)
    return [(one["starts_at"], one["ends_at"], one["title"], one["location"]) for one in found]


slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(texts=st.lists(versions(), min_size=2, max_size=3))
def test_version_after_version_gives_what_the_last_alone_gives(texts: Sequence[tuple[str, ...]]) -> None:
    async def story() -> None:
        fresh = await Place().open()
        found = await taken(fresh, numbered(texts[-1], 9))
        if found is None or found.skipped_count:
            return
        place = await Place().open()
        for number, text in enumerate(texts):
            await taken(place, numbered(text, number))
        before = await shown(place)
        imported = await place.take(numbered(texts[-1], 9))
        assert imported.conflicts == []
        if imported.skipped_count:  # It says so, and nothing is half done.
            assert imported.skipped[0].reason == NOT_ALIKE
            assert await shown(place) == before
            return
        assert await shown(place) == await shown(fresh)
        await expect_no_change(place, numbered(texts[-1], 9))

    asyncio.run(story())


async def taken(place: Place, text: bytes) -> Imported | None:
    """None: it makes no sense."""
    with suppress(NothingReadable):
        return await place.take(text)
    return None


async def expect_no_change(place: Place, text: bytes) -> None:
    stored = len(await place.events())
    assert (await place.take(text)).unchanged == 1
    assert len(await place.events()) == stored


# ── what people do meanwhile ────────────────────────────────────────────────────────────────────────────

DEEDS = ("retitle one", "move one", "answer one", "cancel one", "retitle", "locate", "shift", "cut", "answer")


class Meanwhile:
    """What people have done here since the import, each deed with a mark that is nowhere else."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.titles: dict[str, str] = {}
        """Of the whole, and of single occurrences."""
        self.answered: set[str] = set()

    async def do(self, deed: Deed) -> None:
        what, which, amount = deed
        query = ListOccurrences(calendar_id=(self.place.calendar.id,), since=SINCE, until=UNTIL, limit=200)
        found = [one for one in await self.place.items(query) if one["occurrence"] is not None]
        if found:
            with suppress(Refused, NotFound):
                await self._do(what, found[which % len(found)], amount)

    async def _do(self, what: str, one: dict[str, Any], amount: int) -> None:
        whole: dict[str, Any] = {"appointment_id": AppointmentId(UUID(one["id"]))}
        names = whole | {"occurrence": one["occurrence"]}
        by = timedelta(minutes=amount)
        later: dict[str, Any] = {
            name: (datetime.fromisoformat(one[name]) + by).isoformat() for name in ("start", "end")
        }
        mark = f"Mark {len(self.titles)}"
        ask = self.place.ask
        match what:
            case "retitle one":
                await ask(EditAppointment, **names, scope="this", title=mark)
                self.titles[mark] = one["occurrence"]
            case "move one":
                await ask(EditAppointment, **names, scope="this", **later)
            case "cancel one":
                await ask(RemoveAppointment, **names, scope="this")
            case "retitle":
                await ask(EditAppointment, **whole, title=mark)
            case "locate":
                await ask(EditAppointment, **whole, location=mark)
            case "shift":
                await ask(EditAppointment, **names, scope="all", **later)
            case "cut":
                await ask(EditAppointment, **names, scope="following", description=mark)
            case "answer" | "answer one":
                guest = GUESTS[amount % len(GUESTS)]
                await ask(AnswerInvitation, **(names if "one" in what else whole), email=guest, answer="tentative")
                self.answered.add(guest)
            case _:
                raise AssertionError(what)


deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 40), st.integers(5, 95)), min_size=1, max_size=4)


@slow
@given(first=versions(), second=versions(), deeds=deeds)
def test_what_people_did_meanwhile_is_there_or_told(
    first: tuple[str, ...], second: tuple[str, ...], deeds: list[Deed]
) -> None:
    async def story() -> None:
        place = await Place().open()
        found = await taken(place, numbered(first, 1))
        if found is None or found.skipped_count:
            return
        meanwhile = Meanwhile(place)
        for deed in deeds:
            await meanwhile.do(deed)
        before = await texts_of(place)
        imported = await taken(place, numbered(second, 2))
        if imported is None:
            return
        told = " ".join(f"{one.here} {one.field} {one.occurrence}" for one in imported.conflicts)
        after = await texts_of(place)
        for mark in before - after:
            assert mark in told
        people = await answers_of(place)
        if "attendees" not in told:
            assert people >= {one for one in meanwhile.answered if f"mailto:{one}" in "".join(second)}
        if imported.skipped_count == 0:
            await expect_no_change(place, numbered(second, 2))

    asyncio.run(story())


async def texts_of(place: Place) -> set[str]:
    """The marks that are somewhere in what is not lost: in what is there, and in the trash."""
    found: set[str] = set()
    everything: list[Any] = list((await place.appointments()).values())
    everything += [it for one in everything for it in one.changed_occurrences]
    for one in everything:
        texts = (one.title, one.location, one.description)
        found.update(text for text in texts if isinstance(text, str) and text.startswith("Mark"))
    return found


async def answers_of(place: Place) -> set[str | None]:
    found: set[str | None] = set()
    for one in (await place.appointments()).values():
        found.update(it.email for it in one.attendees if it.answer == "tentative")
        for changed in one.changed_occurrences:
            found.update(who for who, answer in changed.answers.items() if answer == "tentative")
    return found
