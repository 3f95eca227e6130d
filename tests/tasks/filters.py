"""Random tasks and filters, and what a filter means, said a second time in plain Python."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from msgspec.structs import replace

from sigdep.contracts.ids import LabelId, ProjectId, TaskId, UserId, WorkspaceId
from sigdep.tasks.domain.task import ABSENT, Task
from sigdep.tasks.events.tasks import TaskRecurrence, TaskReminder
from sigdep.tasks.filter.compile import Scope
from sigdep.tasks.filter.dates import Clock
from sigdep.tasks.filter.fields import FIELDS, PRIORITIES, STATUSES
from sigdep.tasks.filter.syntax import (
    FLAGS,
    THINGS,
    And,
    Comparison,
    Filter,
    FlagIs,
    Has,
    Membership,
    Not,
    Or,
    Value,
    both,
    either,
)

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)  # A Wednesday.
ME = UserId(UUID(int=1))
OTHER = UserId(UUID(int=2))
WORKSPACE = WorkspaceId(UUID(int=100))
LABELS = {"work": LabelId(UUID(int=11)), "home": LabelId(UUID(int=12)), "à faire": LabelId(UUID(int=13))}
PROJECTS = {"garden": ProjectId(UUID(int=21)), "two words": ProjectId(UUID(int=22)), "old": ProjectId(UUID(int=23))}
ARCHIVED = (PROJECTS["old"],)
TASK_IDS = [TaskId(UUID(int=31 + n)) for n in range(8)]
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata")]
WORDS = ["report", "weekly", "reply", "water", "Wäsche"]


def scope_in(zone: ZoneInfo, tasks: Sequence[Task] = ()) -> Scope:
    return Scope(
        clock=Clock(NOW, zone),
        me=ME,
        labels={"work": [str(LABELS["work"])], "home": [str(LABELS["home"])], "a faire": [str(LABELS["à faire"])]},
        projects={name: [identity] for name, identity in PROJECTS.items()},
        numbers={n + 1: identity for n, identity in enumerate(TASK_IDS)},
        archived=ARCHIVED,
        names={"label": list(LABELS), "project": list(PROJECTS)},
    )


# ── random tasks ────────────────────────────────────────────────────────────────────────────────────────

INSTANTS = [
    NOW,
    NOW - timedelta(microseconds=1),
    datetime(2026, 11, 26, tzinfo=UTC),
    datetime(2026, 11, 25, 23, tzinfo=UTC),
    datetime(2026, 11, 25, 22, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 11, 26, 7, 15, tzinfo=UTC),
]


def some_instant(random: Random) -> datetime:
    if random.random() < 0.3:
        return random.choice(INSTANTS)
    return datetime(2026, 11, 8, tzinfo=UTC) + timedelta(minutes=random.randrange(30 * 24 * 60))


def some_text(random: Random) -> str:
    return " ".join(random.choices(WORDS, k=random.randint(1, 3)))


def some_task(random: Random, identity: TaskId = TASK_IDS[0], number: int = 1) -> Task:
    """A task as its events could have made it."""
    kind = random.choice(["no date", "instant", "day", "day"])
    status = random.choice(STATUSES)
    return replace(
        ABSENT,
        id=identity,
        workspace_id=WORKSPACE,
        number=number,
        title=some_text(random),
        description=random.choice([None, some_text(random)]),
        status=status,
        priority=random.choice(PRIORITIES),
        project_id=random.choice([None, *PROJECTS.values()]),
        parent_id=random.choice([None, *TASK_IDS[:4]]),
        labels=tuple(random.sample(list(LABELS.values()), random.randint(0, 3))),
        assignee_ids=tuple(random.sample([ME, OTHER], random.randint(0, 2))),
        due_at=some_instant(random) if kind == "instant" else None,
        due_on=some_instant(random).date() if kind == "day" else None,
        scheduled_at=random.choice([None, some_instant(random)]),
        estimate=random.choice([None, "PT1H"]),
        recurrence=random.choice([None, TaskRecurrence(rule="FREQ=DAILY")]),
        reminders=random.choice([(), (TaskReminder(before="PT10M"),)]),
        blocked_by=tuple(one for one in random.sample(TASK_IDS, random.randint(0, 2)) if one != identity),
        rank=random.choice(["a", "b", "B", "z"]),
        created_at=some_instant(random),
        updated_at=some_instant(random),
        completed_at=some_instant(random) if status == "done" else None,
        trashed_at=random.choice([None, None, some_instant(random)]),
        version=1,
    )


def some_tasks(random: Random) -> list[Task]:
    return [some_task(random, identity, number) for number, identity in enumerate(TASK_IDS, 1)]


# ── random filters ──────────────────────────────────────────────────────────────────────────────────────

NONE = Value("none")
RELATIVE = ["today", "tomorrow", "yesterday", "monday", "friday", "now", "+3d", "-2w", "+1m", "-1y", "+36h", "-90min"]
ABSOLUTE = [
    "2026-11-27",
    "2026-11-25t23:00:00z",
    "2026-11-25t22:59:59.999999z",
    "2026-11-26t00:00:00+01:00",
    "2026-11-26t08:15",
]
UNITS = ["this week", "next week", "last month", "end of month", "start of next week", "this year"]
VALUES: dict[str, list[Value]] = {
    "status": [Value(status) for status in STATUSES],
    "priority": [Value(priority) for priority in PRIORITIES],
    "time": [Value(text) for text in (*RELATIVE, *ABSOLUTE, *UNITS)],
    "title": [Value(text, True) for text in (*WORDS, "weekly report", "REPLY", "")],
    "text": [Value(text, True) for text in (*WORDS, "rep", "we re", "eport", "report weekly")],
    "label": [Value("work"), Value("A Faire", True), Value(str(LABELS["home"])), NONE],
    "project": [Value("Garden"), Value("two words", True), Value(str(PROJECTS["old"])), NONE],
    "person": [Value("me"), Value(str(OTHER)), NONE],
    "task": [Value("T-3"), Value(str(TASK_IDS[1])), NONE],
    "number": [Value(f"T-{number}") for number in range(1, 10)],
}


def every_term() -> Iterator[Filter]:
    """Each field with each operator and each value that is known here, each flag and each thing."""
    for field in FIELDS.values():
        for value in VALUES[field.kind]:
            for operator in field.operators:
                yield Comparison(field.name, operator, value)
        if field.kind == "time":
            yield Comparison(field.name, "=", NONE)
            yield Comparison(field.name, "!=", NONE)
        yield Membership(field.name, tuple(VALUES[field.kind][:2]))
    yield from map(FlagIs, FLAGS)
    yield from map(Has, THINGS)


@st.composite
def comparisons(draw: st.DrawFn) -> Filter:
    field = draw(st.sampled_from(list(FIELDS.values())))
    operator = draw(st.sampled_from(field.operators))
    value = draw(st.sampled_from(VALUES[field.kind]))
    return Comparison(field.name, operator, value)


@st.composite
def memberships(draw: st.DrawFn) -> Filter:
    field = draw(st.sampled_from(list(FIELDS.values())))
    return Membership(field.name, tuple(draw(st.lists(st.sampled_from(VALUES[field.kind]), min_size=1, max_size=3))))


terms: st.SearchStrategy[Filter] = st.one_of(
    comparisons(), comparisons(), memberships(), st.sampled_from(FLAGS).map(FlagIs), st.sampled_from(THINGS).map(Has)
)
filters: st.SearchStrategy[Filter] = st.recursive(
    terms,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(both),
        st.lists(inner, min_size=2, max_size=3).map(either),
    ),
    max_leaves=8,
)


# ── meaning ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Meaning:
    """Evaluates filters on tasks, in the time zone of somebody called ME. Knows nothing of conditions and columns."""

    zone: ZoneInfo
    tasks: Sequence[Task]

    def holds(self, tree: Filter, task: Task) -> bool:
        match tree:
            case Not(part):
                return not self.holds(part, task)
            case And(parts):
                return all(self.holds(part, task) for part in parts)
            case Or(parts):
                return any(self.holds(part, task) for part in parts)
            case Membership(field, values):
                return any(self._equal(field, value, task) for value in values)
            case Comparison(field, "=", value):
                return self._equal(field, value, task)
            case Comparison(field, "!=", value):
                return not self._equal(field, value, task)
            case Comparison(field, operator, value):
                return self._ordered(field, operator, value.text, task)
            case FlagIs(flag):
                return self._flag(flag, task)
            case Has(thing):
                names = {"due": ("due_at", "due_on"), "labels": ("labels",), "assignees": ("assignee_ids",)}
                names |= {"scheduled": ("scheduled_at",), "project": ("project_id",), "parent": ("parent_id",)}
                return any(bool(getattr(task, name)) for name in names.get(thing, (thing,)))

    def _flag(self, flag: str, task: Task) -> bool:
        is_open = task.status in ("open", "in_progress")
        due = self._instant("due", task)
        return {
            "open": is_open,
            "done": task.status == "done",
            "blocked": self.is_blocked(task),
            "overdue": is_open and due is not None and due < NOW,
            "assigned": bool(task.assignee_ids),
            "trashed": task.trashed_at is not None,
            "archived": task.project_id in ARCHIVED,
        }[flag]

    def is_blocked(self, task: Task) -> bool:
        others = {other.id: other for other in self.tasks}
        return any(
            one in others and others[one].status in ("open", "in_progress") and others[one].trashed_at is None
            for one in task.blocked_by
        )

    def _equal(self, field: str, value: Value, task: Task) -> bool:
        text = value.text.lower()
        match field:
            case "status":
                return task.status == text
            case "priority":
                return task.priority == text
            case "title":
                return task.title.lower() == text
            case "text":
                found = f"{task.title} {task.description or ''}".lower().split()
                return all(any(word.startswith(start) for word in found) for start in text.split())
            case "label":
                ids = {"work": LABELS["work"], "a faire": LABELS["à faire"], str(LABELS["home"]): LABELS["home"]}
                return not task.labels if text == "none" else ids[text] in task.labels
            case "project":
                return task.project_id == ({**PROJECTS, str(PROJECTS["old"]): PROJECTS["old"], "none": None})[text]
            case "assignee":
                return not task.assignee_ids if text == "none" else {"me": ME}.get(text, OTHER) in task.assignee_ids
            case "parent":
                return task.parent_id == {"none": None, "t-3": TASK_IDS[2]}.get(text, TASK_IDS[1])
            case "number":
                return task.number == int(text[2:])
            case _:
                instant = self._instant(field, task)
                if text == "none":
                    return instant is None
                start, end = self._span(text)
                return instant is not None and start <= instant < end

    def _ordered(self, field: str, operator: str, text: str, task: Task) -> bool:
        mine: Any
        if field == "number":
            mine, start, end = task.number, int(text[2:]), int(text[2:]) + 1
        elif field == "priority":
            mine, start, end = PRIORITIES.index(task.priority), PRIORITIES.index(text), PRIORITIES.index(text) + 1
        else:
            mine = self._instant(field, task)
            start, end = self._span(text)  # type: ignore[assignment]  # Numbers above, instants here.
        if mine is None:
            return False
        return bool({"<": mine < start, "<=": mine < end, ">": mine >= end, ">=": mine >= start}[operator])

    def _instant(self, field: str, task: Task) -> datetime | None:
        if field == "due" and task.due_on is not None:
            return self._midnight(task.due_on + timedelta(days=1)) - timedelta(microseconds=1)
        found = getattr(task, f"{field}_at")
        assert found is None or isinstance(found, datetime)
        return found

    def _span(self, text: str) -> tuple[datetime, datetime]:
        """A table by hand, for the Wednesday of NOW; the date may be another one in this zone."""
        today = NOW.astimezone(self.zone).date()
        assert today in (date(2026, 11, 25), date(2026, 11, 24))
        one = timedelta(days=1)
        monday = date(2026, 11, 23)
        spans = {
            "today": (today, today + one),
            "tomorrow": (today + one, today + 2 * one),
            "yesterday": (today - one, today),
            "monday": (monday + 7 * one, monday + 8 * one),
            "friday": (monday + 4 * one, monday + 5 * one),
            "+3d": (today + 3 * one, today + 4 * one),
            "-2w": (today - 14 * one, today - 13 * one),
            "+1m": (today.replace(month=12), today.replace(month=12) + one),
            "-1y": (today.replace(year=2025), today.replace(year=2025) + one),
            "2026-11-27": (date(2026, 11, 27), date(2026, 11, 28)),
            "this week": (monday, monday + 7 * one),
            "next week": (monday + 7 * one, monday + 14 * one),
            "last month": (date(2026, 10, 1), date(2026, 11, 1)),
            "end of month": (date(2026, 11, 30), date(2026, 12, 1)),
            "start of next week": (monday + 7 * one, monday + 8 * one),
            "this year": (date(2026, 1, 1), date(2027, 1, 1)),
        }
        if text in spans:
            return self._midnight(spans[text][0]), self._midnight(spans[text][1])
        points = {
            "now": NOW,
            "+36h": NOW + timedelta(hours=36),
            "-90min": NOW - timedelta(minutes=90),
            "2026-11-25t23:00:00z": datetime(2026, 11, 25, 23, tzinfo=UTC),
            "2026-11-25t22:59:59.999999z": datetime(2026, 11, 25, 22, 59, 59, 999999, tzinfo=UTC),
            "2026-11-26t00:00:00+01:00": datetime(2026, 11, 25, 23, tzinfo=UTC),
            "2026-11-26t08:15": datetime(2026, 11, 26, 8, 15, tzinfo=self.zone).astimezone(UTC),
        }
        return points[text], points[text] + timedelta(microseconds=1)

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)
