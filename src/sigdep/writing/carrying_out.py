"""A command goes to the log with all that its call says of it, and a repeat hears what the first one led to."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sigdep.contracts.ids import WorkspaceId
from sigdep.kernel.executor import Executor, Work
from sigdep.kernel.unit_of_work import Outcome
from sigdep.rpc.call import Call

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Done(Generic[A]):
    """A command that has been carried out, now or when it was asked for the first time."""

    outcome: Outcome
    attempt: A | None
    """The attempt that succeeded. None: the answer is that of an earlier request."""


async def answered_before(executor: Executor, call: Call) -> Outcome | None:
    """What an earlier request with the same idempotency key led to. Ask before looking at any state.

    Raises:
        KeyReused: that was another request.
    """
    return None if call.answer_key is None else await executor.answered(call.answer_key)


async def done_before(executor: Executor, call: Call) -> Done[A] | None:
    """The same, for those who may still see what it shows.

    Raises:
        NotFound: the caller is no member any more of the workspace where it was.
    """
    outcome = await answered_before(executor, call)
    if outcome is None:
        return None
    for state in outcome.states.values():
        call.caller.require(state.workspace_id, "viewer", "This")
    return Done(outcome, None)


async def execute(executor: Executor, workspace: WorkspaceId, work: Work, call: Call) -> Outcome:
    """Raises what `Executor.execute` does."""
    return await executor.execute(
        workspace,
        call.command_id,
        work,
        metadata=call.metadata,
        answer_key=call.answer_key,
        dry_run=call.dry_run,
    )
