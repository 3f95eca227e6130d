"""Random lives of a workspace: tasks that come, change, wait for each other, and go."""

from datetime import timedelta
from random import Random
from typing import Any

from sigdep.contracts.ids import CommentId, ProjectId, TaskId
from sigdep.kernel.messages import Event
from sigdep.tasks.events.projects import (
    ProjectArchived,
    ProjectCreated,
    ProjectRestored,
    ProjectTrashed,
    ProjectUnarchived,
)
from sigdep.tasks.events.tasks import (
    CommentDeleted,
    CommentEdited,
    TaskCancelled,
    TaskCommented,
    TaskCompleted,
    TaskCreated,
    TaskEdited,
    TaskMoved,
    TaskRecurrence,
    TaskReminder,
    TaskReopened,
    TaskRepeated,
    TaskRepetitionWithdrawn,
    TaskRestored,
    TaskSchedule,
    TaskSkipped,
    TaskSnoozed,
    TaskStarted,
    TaskTrashed,
)
from tests.tasks.filters import ME, OTHER, WORKSPACE
from tests.tasks.read_world import World

KINDS: list[Any] = [TaskEdited, TaskEdited, TaskMoved, TaskStarted, TaskCompleted, TaskCompleted, TaskCancelled]
KINDS += [TaskSkipped, TaskRepeated, TaskRepetitionWithdrawn]
KINDS += [TaskReopened, TaskSnoozed, TaskTrashed, TaskRestored, TaskCommented, CommentEdited, CommentDeleted]

RECURRING: dict[str, Any] = {
    "recurrence": TaskRecurrence(rule="FREQ=DAILY"),
    "schedule": TaskSchedule(start="2026-11-22", original="2026-11-22"),
}


class Story:
    """Tells a world what happens to it, one append at a time."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.projects: list[ProjectId] = []
        self.comments: list[tuple[TaskId, CommentId]] = []

    async def tell(self, appends: int) -> None:
        for _ in range(appends):
            await self.world.append(*self._events(self.random.choice([1, 1, 1, 2, 4])))

    def _events(self, count: int) -> list[Event]:
        """Several at once are the operations of one batch: of any streams, in any order."""
        known = list(self.world.tasks)
        events: list[Event] = []
        for _ in range(count):
            draw = self.random.random()
            if not known or draw < 0.25:
                created = self._created(known)
                known.append(created.task_id)
                events.append(created)
            elif draw < 0.32:
                events.append(self._of_project())
            else:
                events.append(self._of_task(self.random.choice(known), known))
        # The blocker that a task names may come to be in a later stream of the same append.
        return sorted(events, key=lambda event: not isinstance(event, TaskEdited)) if self._is_safe(events) else events

    def _is_safe(self, events: list[Event]) -> bool:
        """Whether edits can be stored first: each of a task that was there before."""
        return all(event.task_id in self.world.tasks for event in events if isinstance(event, TaskEdited))

    def _created(self, known: list[TaskId]) -> TaskCreated:
        return TaskCreated(
            task_id=TaskId(self.world.new_id()),
            workspace_id=WORKSPACE,
            title=self.random.choice(["Write the report", "Water the plants", "Reply"]),
            rank=self.random.choice("abcAZ"),
            by=ME,
            at=self.world.tick(),
            project_id=self.random.choice([None, *self.projects]),
            parent_id=self.random.choice([None, None, *known]),
            **self._fields(known),
        )

    def _fields(self, known: list[TaskId]) -> dict[str, Any]:
        due: dict[str, Any] = self.random.choice(
            [
                {},
                {"due_at": self.world.clock + timedelta(hours=self.random.randint(-50, 50)), "due_on": None},
                {"due_at": None, "due_on": (self.world.clock + timedelta(days=self.random.randint(-3, 3))).date()},
            ]
        )
        return {
            "priority": self.random.choice(["none", "low", "urgent"]),
            "assignee_ids": tuple(self.random.sample([ME, OTHER], self.random.randint(0, 2))),
            "blocked_by": tuple(self.random.sample(known, min(len(known), self.random.choice([0, 0, 1, 2])))),
            "custom": {"points": self.random.randint(1, 3)},
            "reminders": self.random.choice([(), (TaskReminder(before="PT10M"),)]),
            **self.random.choice([RECURRING, {"recurrence": None, "schedule": None}]),
            **due,
        }

    def _of_task(self, task: TaskId, known: list[TaskId]) -> Event:
        said: dict[str, Any] = {"task_id": task, "by": ME, "at": self.world.tick()}
        kind = self.random.choice(KINDS)
        if kind is TaskEdited:
            return TaskEdited(**said, **self._fields([one for one in known if one != task]))
        if kind is TaskMoved:
            return TaskMoved(
                **said, rank=self.random.choice("xyz"), project_id=self.random.choice([None, *self.projects])
            )
        if kind in (TaskRepeated, TaskRepetitionWithdrawn):
            said["next_id"] = self.random.choice(known)
        if kind is TaskSnoozed:
            return TaskSnoozed(**said, until=self.world.clock + timedelta(days=1))
        if kind is TaskCommented:
            comment = CommentId(self.world.new_id())
            self.comments.append((task, comment))
            return TaskCommented(**said, comment_id=comment, text="Well said")
        if kind in (CommentEdited, CommentDeleted):
            mine = [comment for one, comment in self.comments if one == task]
            if not mine:
                return TaskStarted(**said)
            said["comment_id"] = self.random.choice(mine)
            return CommentEdited(**said, text="Better said") if kind is CommentEdited else CommentDeleted(**said)
        event: Event = kind(**said)
        return event

    def _of_project(self) -> Event:
        at = self.world.tick()
        if not self.projects or self.random.random() < 0.3:
            return self._new_project()
        kind = self.random.choice([ProjectArchived, ProjectUnarchived, ProjectTrashed, ProjectRestored])
        return kind(project_id=self.random.choice(self.projects), by=ME, at=at)

    def _new_project(self) -> Event:
        project = ProjectId(self.world.new_id())
        self.projects.append(project)
        return ProjectCreated(
            project_id=project,
            workspace_id=WORKSPACE,
            name=f"P{len(self.projects)}",
            rank="a",
            by=ME,
            at=self.world.clock,
        )
