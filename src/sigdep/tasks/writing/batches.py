"""Many commands as one: each sees what those before it have done, and the fault of one is the fault of all."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from sigdep.kernel.errors import Fault, Invalid, SigdepError
from sigdep.tasks.commands.tasks import ChangeTasks
from sigdep.tasks.writing.attempt import Attempt
from sigdep.tasks.writing.tasks import change_task

OPERATIONS_MAX: Final = 500


async def change_tasks(attempt: Attempt, batch: ChangeTasks) -> None:
    """
    Raises:
        Invalid: it holds nothing, too much, or is to be guarded by one version.
        Whatever one of the commands is refused with, saying which one it was.
    """
    if attempt.call.if_match is not None:
        raise Invalid.at("If-Match", "If-Match guards one thing; a batch changes several.")
    if not 0 < len(batch.commands) <= OPERATIONS_MAX:
        raise Invalid.at("/operations", f"A batch holds 1 to {OPERATIONS_MAX} operations.")
    for index, command in enumerate(batch.commands):
        with pointing_at(index):
            attempt.unit.show(attempt.around.tasks, await change_task(attempt, command))


@contextmanager
def pointing_at(index: int) -> Iterator[None]:
    """Names the operation in whatever it raises."""
    pointer = f"/operations/{index}"
    try:
        yield
    except SigdepError as error:
        if isinstance(error, Invalid):
            error.faults = tuple(replace(fault, pointer=pointer + fault.pointer) for fault in error.faults)
            error.faults = error.faults or (Fault(pointer, error.detail),)
        error.detail = f"Operation {index}: {error.detail}"
        raise
