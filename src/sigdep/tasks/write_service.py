"""The commands of this context, carried out: who may ask, what is decided, what is stored, what is answered."""

from typing import Any, Final

from msgspec import Struct

from sigdep.contracts.things import FindThing
from sigdep.kernel.executor import Executor
from sigdep.kernel.ids import Version
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.store import EventStore
from sigdep.kernel.unit_of_work import UnitOfWork
from sigdep.rpc.call import Answer, Call, WorkspacePosition
from sigdep.tasks.commands.labels import CreateLabel, LabelCommand
from sigdep.tasks.commands.oblivion import ForgetWorkspace
from sigdep.tasks.commands.projects import CreateProject, ProjectCommand
from sigdep.tasks.commands.tasks import ChangeTasks, CommentOnTask, CreateTask, DeleteComment, EditComment, TaskCommand
from sigdep.tasks.domain.comment import Comment
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.workspace import decide as decide_workspace
from sigdep.tasks.writing.access import WriteCommand, things_of, workspace_of
from sigdep.tasks.writing.attempt import Attempt, Neighbours, Surroundings
from sigdep.tasks.writing.batches import change_tasks
from sigdep.tasks.writing.comments import change_comment, comment_then
from sigdep.tasks.writing.labels import change_label
from sigdep.tasks.writing.past import find_thing
from sigdep.tasks.writing.projects import change_project
from sigdep.tasks.writing.tasks import change_task
from sigdep.writing.carrying_out import Done, done_before, execute
from sigdep.writing.erased import KEPT, erased_is_not_found
from sigdep.writing.members import Members
from sigdep.writing.turns import Turns

CONTEXT: Final = "tasks"


class BatchResult(Struct, frozen=True, kw_only=True):
    """What a batch has led to."""

    results: tuple[Task, ...]
    """For each operation, in order, the task that it was about, as it is after the whole batch."""


class TasksWrite:
    """A Service (`rpc/call.py`) of every command in `commands.py`."""

    def __init__(self, store: EventStore, *, members: Members, neighbours: Neighbours, alone: bool) -> None:
        """
        Args:
            alone: no other process writes to this store.
        """
        self._around = Surroundings(store, members=members, neighbours=neighbours, alone=alone)
        self._executor = Executor(store, self._around.repositories)
        self._turns = Turns()

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        if isinstance(message, FindThing):
            with erased_is_not_found():
                return Answer(value=await find_thing(self._around, message, call))
        if not isinstance(message, WriteCommand):
            raise TypeError(f"tasks.write carries out no {type(message).__name__}.")
        with erased_is_not_found():
            done = await done_before(self._executor, call) or await self._carry_out(message, call)
            return await self._answer(message, done, new=not call.dry_run)

    async def _carry_out(self, command: WriteCommand, call: Call) -> Done[Attempt]:
        workspace = await workspace_of(self._around, command, call)
        attempt: Attempt | None = None

        async def work(unit: UnitOfWork) -> None:
            nonlocal attempt
            attempt = Attempt(self._around, unit, call)
            await self._perform(attempt, command)
            attempt.check_size()

        things = things_of(command)
        if things:
            async with self._turns.of(things):
                outcome = await execute(self._executor, workspace, work, call)
        else:
            outcome = await execute(self._executor, workspace, work, call)
        return Done(outcome, None if outcome.repeated else attempt)

    async def _perform(self, attempt: Attempt, command: WriteCommand) -> None:
        """Decide and record, and say which state the answer shows."""
        around, show = self._around, attempt.unit.show
        if isinstance(command, TaskCommand):
            show(around.tasks, await change_task(attempt, command))
        elif isinstance(command, EditComment | DeleteComment):
            await change_comment(attempt, command)
            show(around.tasks, command.task_id)
        elif isinstance(command, ChangeTasks):
            await change_tasks(attempt, command)
        elif isinstance(command, ProjectCommand):
            show(around.projects, await change_project(attempt, command))
        elif isinstance(command, LabelCommand):
            show(around.labels, await change_label(attempt, command))
        else:
            await self._forget(attempt, command)

    async def _forget(self, attempt: Attempt, command: ForgetWorkspace) -> None:
        around, workspace_id = self._around, command.workspace_id
        workspace = await attempt.unit.load(around.workspaces, workspace_id)
        attempt.unit.record(around.workspaces, workspace_id, KEPT, decide_workspace(command, workspace))
        attempt.unit.show(around.workspaces, workspace_id)
        for repository in (around.tasks, around.projects, around.labels):
            repository.forget_where(lambda state: state.workspace_id == workspace_id)

    async def _answer(self, command: WriteCommand, done: Done[Attempt], *, new: bool) -> Answer[Any]:
        outcome = done.outcome
        position = WorkspacePosition(CONTEXT, outcome.partition, outcome.position)
        new = new and (done.attempt is None or not done.attempt.repeated)
        match command:
            case CommentOnTask() | EditComment() | DeleteComment():
                return await self._answer_comment(command, done, position, new=new)
            case ChangeTasks():
                results = tuple(outcome.states[shown.stream] for shown in outcome.shown)
                return Answer(value=BatchResult(results=results), position=position)
            case ForgetWorkspace():
                return Answer(value=None, position=position)
            case _:
                new = new and isinstance(command, CreateTask | CreateProject | CreateLabel)
                return Answer(value=outcome.state, version=outcome.version, position=position, created=new)

    async def _answer_comment(
        self,
        command: CommentOnTask | EditComment | DeleteComment,
        done: Done[Attempt],
        position: WorkspacePosition,
        *,
        new: bool,
    ) -> Answer[Comment | None]:
        if done.attempt is not None:
            comment = done.attempt.comment
        else:
            outcome = done.outcome
            comment = await comment_then(self._around.store, outcome.state, outcome.shown[0], command)
        version = None if comment is None else Version(comment.version)
        return Answer(value=comment, version=version, position=position, created=new and type(command) is CommentOnTask)
