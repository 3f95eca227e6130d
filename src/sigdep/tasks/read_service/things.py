"""The kinds of things of this context that have a stream of their own."""

from typing import Final

from sigdep.reading.things import Thing
from sigdep.tasks.domain import label, project, task
from sigdep.tasks.events.labels import LabelCreated
from sigdep.tasks.events.projects import ProjectCreated
from sigdep.tasks.events.tasks import TaskCreated
from sigdep.tasks.read_models.labels import LABELS
from sigdep.tasks.read_models.projects import PROJECTS
from sigdep.tasks.read_models.task_rows import TASKS

CONTEXT: Final = "tasks"

TASK: Final = Thing(
    name="This task",
    table=TASKS,
    category=task.CATEGORY,
    absent=task.ABSENT,
    begins=TaskCreated,
    evolve=task.evolve,
)
PROJECT: Final = Thing(
    name="This project",
    table=PROJECTS,
    category=project.CATEGORY,
    absent=project.ABSENT,
    begins=ProjectCreated,
    evolve=project.evolve,
)
LABEL: Final = Thing(
    name="This label",
    table=LABELS,
    category=label.CATEGORY,
    absent=label.ABSENT,
    begins=LabelCreated,
    evolve=label.evolve,
)

THINGS: Final = {"task": TASK, "project": PROJECT, "label": LABEL}
