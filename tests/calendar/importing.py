"""A calendar of the team to import into, and texts to be imported."""

from datetime import UTC, datetime
from typing import Any

from sigdep.calendar.commands import (
    CreateCalendar,
    ImportCalendar,
)
from sigdep.calendar.domain.calendar import Calendar
from sigdep.calendar.queries import ExportCalendar, Imported, ListAppointments, ListOccurrences
from tests.calendar.stories import TEAM
from tests.calendar.world import World
from tests.ical.samples import calendar

WEEKLY = """UID:weekly@example.com
SEQUENCE:{sequence}
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:20261201T090000
DTEND;TZID=Europe/Berlin:20261201T093000
RRULE:FREQ=WEEKLY;COUNT=6
SUMMARY:{title}
{more}"""
MOVED = """UID:weekly@example.com
SEQUENCE:{sequence}
RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000
DTSTART;TZID=Europe/Berlin:20261208T140000
DTEND;TZID=Europe/Berlin:20261208T143000
SUMMARY:Weekly, later"""


def weekly(title: str = "Weekly", sequence: int = 1, more: str = "X-KEPT:1") -> str:
    return WEEKLY.format(title=title, sequence=sequence, more=more)


def moved(sequence: int = 1) -> str:
    return MOVED.format(sequence=sequence)


class Place(World):
    """With a calendar of the team to import into."""

    calendar: Calendar

    async def open(self) -> "Place":
        await self.start()
        answer = await self.ask(CreateCalendar, name="Imported", workspace_id=TEAM, time_zone="Europe/Berlin")
        self.calendar = answer.value
        return self

    async def take(self, text: bytes, **options: Any) -> Imported:
        answer = await self.ask(ImportCalendar, calendar_id=self.calendar.id, text=text, **options)
        imported: Imported = answer.value
        return imported

    async def kept(self, uid: str | None = None) -> list[dict[str, Any]]:
        return await self.items(ListAppointments(calendar_id=self.calendar.id, uid=uid))

    async def one(self, uid: str = "weekly@example.com") -> dict[str, Any]:
        (found,) = await self.kept(uid)
        return found

    async def shown(self) -> list[str]:
        since, until = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 30, tzinfo=UTC)
        found = await self.items(ListOccurrences(calendar_id=(self.calendar.id,), since=since, until=until))
        return [f"{one['start'][5:16]} {one['title']}" for one in found]

    async def text(self) -> bytes:
        exported = await self.query(ExportCalendar(calendar_id=self.calendar.id))
        content: bytes = exported.content
        return content


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.created, imported.updated, imported.unchanged, imported.skipped_count


def many(count: int, more: str = "") -> bytes:
    return calendar(*(f"UID:{n}@example.com\nDTSTART:20260101T090000Z\nSUMMARY:{n}{more}" for n in range(count)))


FOLLOWING = """UID:weekly@example.com
RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:{original}
DTSTART;TZID=Europe/Berlin:{start}00
DTEND;TZID=Europe/Berlin:{start}45
SUMMARY:{title}"""


def following(original: str, start: str, title: str = "Following") -> str:
    return FOLLOWING.format(original=original, start=start, title=title)
