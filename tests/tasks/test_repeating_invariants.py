"""Whatever people do with a task that recurs, in whatever order and at the same time: some things always hold."""

import asyncio
import os
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from sigdep.contracts.ids import TaskId
from sigdep.kernel.errors import SigdepError
from sigdep.tasks.commands.tasks import (
    ChangeTasks,
    CommentOnTask,
    CompleteTask,
    EditTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    TrashTask,
)
from sigdep.tasks.domain.task import Task
from sigdep.tasks.events.tasks import TaskRecurrence
from tests.tasks.stories import ADA, NOON, identity
from tests.tasks.write_side import World

EXAMPLES = 400 if os.environ.get("SIGDEP_LONG") == "1" else 40
FIRST, PART = TaskId(identity(99)), TaskId(identity(98))

RULES = [
    TaskRecurrence(rule="FREQ=DAILY"),
    TaskRecurrence(rule="FREQ=WEEKLY;BYDAY=FR;COUNT=4"),
    TaskRecurrence(rule="FREQ=DAILY;INTERVAL=2", anchor="completion"),
]
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(("a", "b")),
        "status": st.sampled_from(("open", "in_progress", "done", "cancelled")),
        "due_on": st.dates(date(2026, 11, 1), date(2026, 12, 31)),
        "recurrence": st.none() | st.sampled_from(RULES),
    },
)
Done = tuple[type[Any], int, dict[str, Any]]
"""A kind of command, which of the tasks there are at that time (the earliest are drawn most), and its fields."""

places = st.integers(0, 5)
plain: st.SearchStrategy[Done] = st.tuples(
    st.sampled_from(
        (CompleteTask, CompleteTask, CompleteTask, ReopenTask, ReopenTask, SkipTask, TrashTask, RestoreTask)
    ),
    places,
    st.just({}),
)
changes = st.one_of(
    plain,
    plain,
    st.tuples(st.just(EditTask), places, EDITS),
    st.tuples(st.just(CommentOnTask), places, st.just({"text": "c"})),
)
rounds = st.lists(st.lists(changes, min_size=1, max_size=4), min_size=4, max_size=20)


@given(rounds, st.sampled_from(RULES), st.booleans())
@settings(max_examples=EXAMPLES, deadline=None)
def test_of_one_place_in_a_series_there_are_never_two(
    done: list[list[Done]], rule: TaskRecurrence, batched: bool
) -> None:
    """Each round is asked at once of three processes, or as one batch. The same again leads to the same."""
    first, second = (asyncio.run(_play(done, rule, batched=batched)) for _ in range(2))
    assert first == second


async def _play(done: list[list[Done]], rule: TaskRecurrence, *, batched: bool) -> dict[UUID, tuple[Any, ...]]:
    world = World()
    services = [world.process()[1] for _ in range(3)]
    await world.create(task_id=FIRST, recurrence=rule, due_on=date(2026, 11, 22))
    await world.create("Part", task_id=PART, parent_id=FIRST)
    for one_round in done:
        known = sorted((await world.tasks()).values(), key=lambda task: task.number)
        asked = [(kind, known[place % len(known)].id, fields) for kind, place, fields in one_round]
        if batched:
            commands = tuple(kind(by=ADA, at=NOON, task_id=task_id, **fields) for kind, task_id, fields in asked)
            requests = [world.ask(ChangeTasks, commands=commands)]
        else:
            requests = [
                world.ask(kind, task_id=task_id, service=services[place % 3], **fields)
                for place, (kind, task_id, fields) in enumerate(asked)
            ]
        answers: list[Any] = await asyncio.gather(*requests, return_exceptions=True)
        for answer in answers:
            assert isinstance(answer, SigdepError) or answer.position is not None, answer
        _check(await world.tasks())
    return {
        task.id: (task.status, task.due_on, task.next_id, task.trashed_at) for task in (await world.tasks()).values()
    }


def _check(stored: dict[UUID, Task]) -> None:
    places = [(task.series_id, task.occurrence) for task in stored.values() if task.series_id is not None]
    assert len(places) == len(set(places)), "Two occurrences have one place."
    for task in stored.values():
        if task.next_id is not None:
            following = stored[task.next_id]
            assert (following.previous_id, following.series_id) == (task.id, task.series_id)
            assert following.occurrence == (task.occurrence or 0) + 1
        if task.parent_id is not None:
            parent = stored[task.parent_id]
            assert parent.trashed_at is None or task.trashed_at is not None
        assert (task.recurrence is None) == (task.schedule is None)
