"""A client that plans as well: events, series and parts of them, and reminders that come while it writes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.system.ledger import Write, Writer
from tests.system.person import JSON, new_id

AHEAD_SECONDS: Final = (2.0, 8.0)
"""From when a reminder is asked for until it is due, at least and at most."""

FIRST: Final = datetime(2036, 1, 1, 9)  # noqa: DTZ001  A time on the wall.
"""Of each series: so far ahead that it reminds of nothing by itself."""

CHANGED_DAYS: Final = 10
"""Single occurrences are changed within so many days of a series."""
CUT_DAYS: Final = (20, 60)
"""A series is cut in two here, from the last day to the first: no part repeats what was changed before."""

OF_TASKS: Final[Mapping[str, float]] = {"task": 9, "reminding task": 1}
OF_CALENDARS: Final[Mapping[str, float]] = {
    "series": 2,
    "title": 2,
    "occurrence": 2,
    "cut": 1,
    "calendar": 0.5,
    "reminding event": 1,
}
"""What it does, and how often in comparison. A series must be there before it is changed."""
ALL: Final = {**OF_TASKS, **OF_CALENDARS}


class Planner(Writer):
    def __init__(self, name: str, seed: int, kinds: Mapping[str, float]) -> None:
        """
        Args:
            kinds: what it does, and how often in comparison.
        """
        super().__init__(name, seed)
        self._kinds = kinds
        self.due: dict[str, datetime] = {}
        """When each mark is to be reminded of."""
        self.certain: set[str] = set()
        """Marks of which a reminder must come: they were acknowledged before they were due."""
        self.calendars: list[str] = []
        self.events: list[str] = []
        self._cuts: dict[str, int] = {}
        """By the id of a series, the day of its next cut."""

    def _remember(self, write: Write) -> None:
        if write.mark in self.due:  # Nobody changes it, so that it is called the same when its reminder comes.
            if datetime.now(UTC) < self.due[write.mark]:
                self.certain.add(write.mark)
            return
        super()._remember(write)
        if write.path == "/api/calendars":
            self.calendars.append(write.body["id"])
        elif write.path == "/api/events":
            self.events.append(write.body["id"])
            self._cuts[write.body["id"]] = CUT_DAYS[1]
        elif "scope=following" in write.path:
            assert write.answer is not None
            self.events.append(write.answer.json()["id"])

    def _next(self) -> Write:
        kind = self._random.choices(list(self._kinds), list(self._kinds.values()))[0]
        if kind == "task":
            return super()._next()
        mark = self._mark()
        if kind == "calendar":
            return Write(mark, "POST", "/api/calendars", {"id": new_id(), "name": mark})
        if kind == "reminding task":
            reminders = [{"at": self._soon(mark).isoformat()}]
            return Write(mark, "POST", "/api/tasks", {"id": new_id(), "title": mark, "reminders": reminders})
        if kind == "reminding event":
            at_once = {"time_zone": "UTC", "reminders": [{"before": "PT0S"}]}
            return Write(mark, "POST", "/api/events", _event(mark, self._soon(mark)) | at_once)
        if kind == "series" or not self._cuts:
            return self._series(mark)
        return self._change(mark, kind)

    def _soon(self, mark: str) -> datetime:
        """A whole second: a time on the wall has no parts of one here."""
        ahead = timedelta(seconds=self._random.uniform(*AHEAD_SECONDS))
        self.due[mark] = (datetime.now(UTC) + ahead).replace(microsecond=0)
        return self.due[mark]

    def _series(self, mark: str) -> Write:
        recurrence = {"time_zone": "Europe/Berlin", "recurrence": {"rules": ["FREQ=DAILY"]}}
        kept = {"calendar_id": self._random.choice(self.calendars)} if self.calendars else {}
        return Write(mark, "POST", "/api/events", _event(mark, FIRST) | recurrence | kept)

    def _change(self, mark: str, kind: str) -> Write:
        """Of a title alone: where a series is cut, everything else of it is told again."""
        series = self._random.choice(list(self._cuts))
        day = self._cuts[series]
        if kind == "cut" and day >= CUT_DAYS[0]:
            self._cuts[series] = day - 1
            return _edit(mark, series, f"?scope=following&occurrence={_occurrence(day)}")
        if kind == "occurrence":
            day = self._random.randrange(CHANGED_DAYS)
            return _edit(mark, series, f"?scope=this&occurrence={_occurrence(day)}")
        return _edit(mark, self._random.choice(self.events))


def _event(mark: str, start: datetime) -> JSON:
    end = start + timedelta(minutes=15)
    return {
        "id": new_id(),
        "title": mark,
        "start": f"{start:%Y-%m-%dT%H:%M:%S}",
        "end": f"{end:%Y-%m-%dT%H:%M:%S}",
    }


def _edit(mark: str, event: str, part: str = "") -> Write:
    return Write(mark, "PATCH", f"/api/events/{event}{part}", {"title": mark})


def _occurrence(day: int) -> str:
    return (FIRST + timedelta(days=day)).isoformat()
