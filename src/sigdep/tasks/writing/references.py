"""Finds what a command refers to, and sees to it that it is there, in the same workspace, and stays so."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sigdep.contracts.ids import LabelId, ProjectId, TaskId, UserId
from sigdep.kernel.errors import Fault, Invalid
from sigdep.tasks.domain import fields
from sigdep.tasks.domain.label_name import label_name_id
from sigdep.tasks.domain.project import Project
from sigdep.tasks.domain.project_decisions import changeable as project_changeable
from sigdep.tasks.domain.subtasks import TooManySubtasks, WouldCycle
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_decisions import TaskNotFound, present
from sigdep.tasks.writing.attempt import Attempt

BLOCKERS_WALKED_MAX: Final = 1_000
"""Tasks that may be in the way of one task, directly and through others."""


async def matching_task(attempt: Attempt, task_id: TaskId) -> Task:
    """The task that a command is about, at the version that the caller expects.

    Raises:
        TaskNotFound: it does not exist in the attempt's workspace.
        ProjectReadOnly: its project is archived or in the trash.
        Stale: If-Match names another version.
    """
    task = await task_to_change(attempt, task_id)
    attempt.match(attempt.around.tasks, task_id, task.version)
    return task


async def task_to_change(attempt: Attempt, task_id: TaskId) -> Task:
    """The same at any version."""
    task = await attempt.unit.load(attempt.around.tasks, task_id)
    present(task)
    if task.workspace_id != attempt.workspace:
        raise TaskNotFound
    if task.project_id is not None:
        project_changeable(await attempt.unit.load(attempt.around.projects, task.project_id, guard=True))
    return task


async def task_at(attempt: Attempt, task_id: TaskId, pointer: str) -> Task:
    """A task that a field refers to.

    Raises:
        Invalid: it does not exist in this workspace, or is in the trash.
    """
    task = await attempt.unit.load(attempt.around.tasks, task_id, guard=True)
    if task.version == 0 or task.workspace_id != attempt.workspace:
        raise _elsewhere(attempt, task, pointer, "task")
    if task.trashed_at is not None:
        raise Invalid.at(pointer, "This task is in the trash.")
    return task


async def project_at(attempt: Attempt, project_id: ProjectId, pointer: str) -> Project:
    """A project that a field refers to, fit to take tasks.

    Raises:
        Invalid: it does not exist in this workspace.
        ProjectReadOnly: it is archived or in the trash.
    """
    project = await attempt.unit.load(attempt.around.projects, project_id, guard=True)
    if project.version == 0 or project.workspace_id != attempt.workspace:
        raise _elsewhere(attempt, project, pointer, "project")
    project_changeable(project)
    return project


def _elsewhere(attempt: Attempt, found: Task | Project, pointer: str, what: str) -> Invalid:
    """Says that a thing is in another workspace only to those who may see that one."""
    if found.version > 0 and found.workspace_id in attempt.call.caller.roles:
        return Invalid.at(pointer, f"This {what} is in another workspace, and tasks cannot leave theirs.")
    return Invalid.at(pointer, f"There is no such {what} in this workspace.")


async def label_ids(attempt: Attempt, asked: Sequence[str], present: Collection[LabelId] = ()) -> tuple[str, ...]:
    """The ids of labels that were given by id or by name.

    Args:
        present: labels that the task has already; it may keep them even from the trash.

    Raises:
        Invalid: there is no such label, or too many.
    """
    if not asked:
        return ()
    fields.each_once(asked, fields.LABELS_MAX, "/labels", "labels")
    return tuple([str(await _label_id(attempt, label, i, present)) for i, label in enumerate(asked)])


async def _label_id(attempt: Attempt, asked: str, index: int, present: Collection[LabelId]) -> LabelId:
    label_id = await _label_of(attempt, asked)
    if label_id is not None and label_id in present:
        return label_id
    if label_id is not None:
        label = await attempt.unit.load(attempt.around.labels, label_id, guard=True)
        if label.version > 0 and label.workspace_id == attempt.workspace and label.trashed_at is None:
            return label_id
    raise Invalid.at(f"/labels/{index}", f"There is no label {asked[: fields.LABEL_LENGTH_MAX]!r} in this workspace.")


async def _label_of(attempt: Attempt, asked: str) -> LabelId | None:
    if len(asked) == 36:
        try:
            return LabelId(UUID(asked))
        except ValueError:
            pass  # A name of 36 characters.
    name = await attempt.unit.load(attempt.around.label_names, label_name_id(attempt.workspace, asked.strip()))
    return name.label_id


async def check_assignees(attempt: Attempt, asked: Sequence[UserId], present: Collection[UserId] = ()) -> None:
    """
    Raises:
        Invalid: somebody who is new to the task is no member of the workspace, or there are too many.
    """
    if not asked:
        return
    fields.each_once(asked, fields.ASSIGNEES_MAX, "/assignee_ids", "assignees")
    new = [user_id for user_id in asked if user_id not in present]
    if not new:
        return
    strangers = set(await attempt.around.members.are_members(attempt.workspace, new))
    if strangers:
        detail = "This user is no member of the workspace."
        faults = [Fault(f"/assignee_ids/{i}", detail) for i, user_id in enumerate(asked) if user_id in strangers]
        raise Invalid(detail, faults)


async def check_blockers(
    attempt: Attempt, asked: Sequence[TaskId], task_id: TaskId, present: Collection[TaskId] = ()
) -> None:
    """
    Raises:
        Invalid: a new blocker does not exist here, is in the trash, or is the task itself; or there are too many.
        WouldCycle: the task is itself in the way of a new blocker.
    """
    if not asked:
        return
    fields.each_once(asked, fields.BLOCKERS_MAX, "/blocked_by", "blockers")
    if task_id in asked:
        raise Invalid.at(f"/blocked_by/{asked.index(task_id)}", "A task cannot block itself.")
    new = [
        await task_at(attempt, blocker, f"/blocked_by/{i}") for i, blocker in enumerate(asked) if blocker not in present
    ]
    walked = {task.id for task in new}
    waiting = new
    while waiting:
        blockers = [blocker for blocker in waiting.pop().blocked_by if blocker not in walked]
        if task_id in blockers:
            raise WouldCycle("These tasks would wait for each other in a circle.")
        walked.update(blockers)
        if len(walked) > BLOCKERS_WALKED_MAX:
            raise TooManySubtasks(f"At most {BLOCKERS_WALKED_MAX:,} tasks may be in the way of one task.")
        waiting += [await attempt.unit.load(attempt.around.tasks, blocker, guard=True) for blocker in blockers]
