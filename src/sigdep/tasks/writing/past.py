"""What a task was at one version, for contexts that tell people of it."""

from typing import Final

from sigdep.contracts.ids import TaskId
from sigdep.contracts.things import FindThing, ThingThen
from sigdep.kernel.errors import Forbidden
from sigdep.kernel.ids import Version
from sigdep.rpc.call import Call
from sigdep.tasks.domain.task_decisions import TaskNotFound
from sigdep.tasks.writing.attempt import Surroundings

FIRST: Final = 1


async def find_thing(around: Surroundings, query: FindThing, call: Call) -> ThingThen:
    """From the log: what has been projected may lie behind the event that is asked about, or before it.

    Raises:
        Forbidden: somebody has signed in. Only services ask this, by themselves.
        TaskNotFound: there was no such task at that version, or it has been erased.
    """
    if call.principal is not None:
        raise Forbidden("Nobody may ask for this: services ask it by themselves.")
    tasks = around.tasks
    stream = tasks.decider.stream(TaskId(query.thing_id))
    then = await tasks.load_at(stream, Version(query.version))
    if then.version == 0:
        raise TaskNotFound
    before = await tasks.load_at(stream, Version(query.version - 1)) if query.version > FIRST else tasks.decider.initial
    return ThingThen(
        workspace_id=then.workspace_id,
        title=then.title,
        created_by=then.created_by,
        people=then.assignee_ids,
        people_before=before.assignee_ids,
    )
