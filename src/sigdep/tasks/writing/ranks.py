"""Where something stands among its neighbours, as a rank."""

from collections.abc import Awaitable, Callable

from sigdep.contracts.ids import ProjectId, TaskId
from sigdep.kernel.errors import Invalid
from sigdep.tasks.commands.projects import CreateProject, MoveProject
from sigdep.tasks.commands.tasks import CreateTask, MoveTask
from sigdep.tasks.domain import rank as ranks
from sigdep.tasks.domain.task_content import valid_rank
from sigdep.tasks.queries import Side
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.references import project_at, task_at

Beside = Callable[[str, Side], Awaitable[str | None]]


async def task_rank(
    attempt: Attempt, command: CreateTask | MoveTask, project_id: ProjectId | None, parent_id: TaskId | None
) -> str:
    """The rank that the command asks for; the last in every list where it does not say.

    Raises:
        Invalid: a neighbour does not exist here, or it says where in two ways.
        NoRoom: there is no rank left between two others.
    """
    low = high = None
    if command.after_id is not None:
        low = (await task_at(attempt, command.after_id, "/after_id")).rank
    if command.before_id is not None:
        high = (await task_at(attempt, command.before_id, "/before_id")).rank

    async def beside(rank: str, side: Side) -> str | None:
        return await attempt.around.neighbours.task_rank(attempt.workspace, project_id, parent_id, rank, side)

    return await _rank(attempt, command.rank, low, high, beside)


async def project_rank(attempt: Attempt, command: CreateProject | MoveProject) -> str:
    """The same among the workspace's projects."""
    low = high = None
    if command.after_id is not None:
        low = (await project_at(attempt, command.after_id, "/after_id")).rank
    if command.before_id is not None:
        high = (await project_at(attempt, command.before_id, "/before_id")).rank

    async def beside(rank: str, side: Side) -> str | None:
        return await attempt.around.neighbours.project_rank(attempt.workspace, rank, side)

    return await _rank(attempt, command.rank, low, high, beside)


async def _rank(attempt: Attempt, asked: str | None, low: str | None, high: str | None, beside: Beside) -> str:
    if asked is not None:
        if low is not None or high is not None:
            raise Invalid.at("/rank", "Say where it shall stand in one way: rank, or before_id and after_id.")
        return valid_rank(asked)
    if low is None and high is None:
        rank = ranks.of_instant(attempt.call.asked_at, len(attempt.ranks))
    else:
        if low is None and high is not None:
            low = _nearest(await beside(high, "before"), [r for r in attempt.ranks if r < high], max)
        elif high is None and low is not None:
            high = _nearest(await beside(low, "after"), [r for r in attempt.ranks if r > low], min)
        rank = ranks.between(low, high)
    attempt.ranks.append(rank)
    return rank


def _nearest(known: str | None, given_out: list[str], nearest: Callable[[list[str]], str]) -> str | None:
    """The nearer one of what the read side knows and what this very command has placed there."""
    candidates = given_out if known is None else [*given_out, known]
    return nearest(candidates) if candidates else None
