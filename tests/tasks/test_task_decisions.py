"""What a task decides by itself."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from sigdep.kernel.errors import Invalid
from sigdep.tasks.commands.tasks import (
    CommentOnTask,
    CompleteTask,
    MoveTask,
    ReopenTask,
    RestoreTask,
    SkipTask,
    SnoozeTask,
    TrashTask,
)
from sigdep.tasks.domain.task import Task
from sigdep.tasks.domain.task_content import DueTwice
from sigdep.tasks.domain.task_decisions import TASK, Finished, InTrash, TaskExists, TaskNotFound
from sigdep.tasks.events.tasks import (
    TaskCancelled,
    TaskCommented,
    TaskCompleted,
    TaskMoved,
    TaskReopened,
    TaskRestored,
    TaskSnoozed,
    TaskStarted,
    TaskTrashed,
)
from sigdep.testing.given import Given
from tests.tasks.stories import (
    ADA,
    BOB,
    BREAD,
    CAKE,
    ERRAND,
    HOME,
    HOUSE,
    LATER,
    MILK,
    NOON,
    NOTE,
    URGENT,
    create,
    created,
    edit,
    edited,
)

given = Given(TASK)

BY_ADA: dict[str, Any] = {"task_id": MILK, "by": ADA, "at": LATER}
complete = CompleteTask(**BY_ADA)
reopen = ReopenTask(**BY_ADA)
trash = TrashTask(**BY_ADA)
restore = RestoreTask(**BY_ADA)
done = TaskCompleted(**BY_ADA)
started = TaskStarted(**BY_ADA)
cancelled = TaskCancelled(**BY_ADA)
trashed = TaskTrashed(**BY_ADA)
TOMORROW = NOON + timedelta(days=1)
CHRISTMAS = date(2026, 12, 24)


def state_after(*events: Any) -> Task:
    return given(*events).state


# ── creating ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_is_created_with_what_it_was_given() -> None:
    fields: dict[str, Any] = {
        "description": "Two bottles",
        "priority": "high",
        "assignee_ids": (BOB,),
        "scheduled_at": LATER,
        "due_at": TOMORROW,
        "estimate": "PT15M",
        "blocked_by": (BREAD,),
        "custom": {"shop": {"name": "Corner"}},
    }
    given().when(create(labels=(str(ERRAND),), **fields)).then(created(labels=(ERRAND,), **fields))


def test_the_new_state_holds_every_field_and_the_number_that_the_store_gave() -> None:
    task = state_after(created(number=42, due_on=CHRISTMAS, labels=(ERRAND,)))
    assert (task.id, task.workspace_id, task.number, task.version) == (MILK, HOME, 42, 1)
    assert (task.status, task.due_on, task.labels) == ("open", CHRISTMAS, (ERRAND,))
    assert (task.created_by, task.created_at, task.updated_at) == (ADA, NOON, NOON)


def test_a_task_can_be_created_as_done() -> None:
    past = given().when(create(status="done")).then(created(), TaskCompleted(task_id=MILK, by=ADA, at=NOON))
    assert (past.state.status, past.state.completed_by, past.state.version) == ("done", ADA, 2)


def test_an_id_is_used_once() -> None:
    given(created()).when(create(title="Something else")).refused(TaskExists)


def test_white_space_around_a_title_is_taken_away() -> None:
    given().when(create(title="  Buy milk\t")).then(created())


@pytest.mark.parametrize(
    "title", ["", " \t ", "x" * 501, "a\x00b", "two\nlines", "a\x1b[31m", "a\x9bb", "a\u2028b"], ids=repr
)
def test_a_title_is_one_line_of_1_to_500_characters(title: str) -> None:
    given().when(create(title=title)).refused(Invalid, "title")
    given(created()).when(edit(title=title)).refused(Invalid, "title")


def test_a_title_of_500_characters_of_any_script_is_fine() -> None:
    given().when(create(title="買" * 500)).then(created(title="買" * 500))


@pytest.mark.parametrize(
    "fields, pointer",
    [
        ({"description": "x" * 65_537}, "/description"),
        ({"description": "a\x00"}, "/description"),
        ({"estimate": "soon"}, "/estimate"),
        ({"estimate": "P"}, "/estimate"),
        ({"estimate": "PT"}, "/estimate"),
        ({"estimate": "-PT5M"}, "/estimate"),
        ({"estimate": "P1Y"}, "/estimate"),
        ({"estimate": "P1D1W"}, "/estimate"),
        ({"estimate": "PT1H\n"}, "/estimate"),
        ({"estimate": "P999999999999D"}, "/estimate"),
        ({"labels": tuple(str(ERRAND) for _ in range(51))}, "/labels"),
        ({"assignee_ids": (ADA,) * 51}, "/assignee_ids"),
        ({"blocked_by": (BREAD,) * 101}, "/blocked_by"),
        ({"blocked_by": (BREAD, MILK)}, "/blocked_by/1"),
        ({"due_at": datetime(2026, 1, 1)}, "/due_at"),  # noqa: DTZ001
        ({"scheduled_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "/scheduled_at"),
        ({"due_at": LATER, "due_on": CHRISTMAS}, "/due_on"),
        ({"custom": {f"key {n}": n for n in range(51)}}, "/custom"),
        ({"custom": {"": 1}}, "/custom"),
        ({"custom": {"a\nb": 1}}, "/custom"),
        ({"custom": {"x" * 101: 1}}, "/custom"),
        ({"custom": {"a": "x" * 16_384}}, "/custom"),
        ({"custom": {"a": [[[[[]]]]]}}, "/custom"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(fields: dict[str, Any], pointer: str) -> None:
    for command, task in ((create(**fields), TASK.initial), (edit(**fields), _task())):
        with pytest.raises(Invalid) as refusal:
            TASK.decide(command, task)
        assert [fault.pointer for fault in refusal.value.faults] == [pointer]


def _task() -> Task:
    return state_after(created())


@pytest.mark.parametrize("estimate", ["PT15M", "P2W", "P1D", "P1DT2H", "PT36H", "PT1H30M15S", "PT90M"])
def test_an_estimate_is_a_duration(estimate: str) -> None:
    given(created()).when(edit(estimate=estimate)).then(edited(estimate=estimate))


def test_custom_fields_may_nest_five_deep() -> None:
    given(created()).when(edit(custom={"a": [[[[1]]]]})).then(edited(custom={"a": [[[[1]]]]}))


def test_instants_are_kept_in_utc() -> None:
    berlin = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    past = given().when(create(due_at=berlin)).then(created(due_at=datetime.fromisoformat("2026-11-22T09:00:00Z")))
    assert past.state.due_at is not None
    assert past.state.due_at.utcoffset() == timedelta(0)


def test_lists_hold_each_thing_once_in_the_order_given() -> None:
    given().when(create(blocked_by=(CAKE, BREAD, CAKE))).then(created(blocked_by=(CAKE, BREAD)))


# ── editing ─────────────────────────────────────────────────────────────────────────────────────────────

FULL: dict[str, Any] = {
    "description": "Two bottles",
    "priority": "high",
    "labels": (ERRAND,),
    "assignee_ids": (BOB,),
    "scheduled_at": LATER,
    "due_at": TOMORROW,
    "estimate": "PT15M",
    "blocked_by": (BREAD,),
    "custom": {"shop": "Corner", "aisle": 4},
    "project_id": HOUSE,
}
CHANGES: dict[str, Any] = {
    "title": "Buy oat milk",
    "description": "Three bottles",
    "priority": "low",
    "assignee_ids": (ADA, BOB),
    "scheduled_at": TOMORROW,
    "due_at": LATER,
    "estimate": "PT1H",
    "blocked_by": (CAKE,),
}


@pytest.mark.parametrize("field", CHANGES)
def test_an_edit_names_what_it_changes_and_leaves_the_rest_alone(field: str) -> None:
    before = state_after(created(**FULL))
    change = {field: CHANGES[field]}
    after = given(created(**FULL)).when(edit(**change)).then(edited(**change)).state
    for name in Task.__struct_fields__:
        expected = CHANGES[field] if name == field else getattr(before, name)
        if name not in ("version", "updated_at"):
            assert getattr(after, name) == expected, name
    assert (after.version, after.updated_at) == (2, LATER)


@pytest.mark.parametrize("field", ["description", "scheduled_at", "due_at", "estimate"])
def test_none_clears_a_field(field: str) -> None:
    past = given(created(**FULL)).when(edit(**{field: None})).then(edited(**{field: None}))
    assert getattr(past.state, field) is None


def test_an_empty_list_clears_a_list() -> None:
    past = given(created(**FULL)).when(edit(labels=())).then(edited(labels=()))
    assert past.state.labels == ()


def test_an_empty_description_is_none() -> None:
    given(created(**FULL)).when(edit(description="")).then(edited(description=None))


def test_an_edit_that_changes_nothing_is_no_event() -> None:
    same = {field: FULL[field] for field in ("description", "priority", "assignee_ids", "due_at", "custom")}
    given(created(**FULL)).when(edit(title=" Buy milk ", labels=(str(ERRAND),), **same)).then()
    given(created(**FULL)).when(edit()).then()


def test_of_what_an_edit_names_only_what_differs_is_recorded() -> None:
    given(created(**FULL)).when(edit(title="Buy milk", priority="low")).then(edited(priority="low"))


def test_labels_of_an_edit_become_ids() -> None:
    labels = (str(URGENT), str(ERRAND))
    given(created(**FULL)).when(edit(labels=labels)).then(edited(labels=(URGENT, ERRAND)))


def test_custom_fields_are_changed_key_by_key() -> None:
    past = (
        given(created(**FULL)).when(edit(custom={"aisle": 5, "list": []})).then(edited(custom={"aisle": 5, "list": []}))
    )
    assert past.state.custom == {"shop": "Corner", "aisle": 5, "list": []}


def test_none_takes_a_custom_field_away() -> None:
    past = (
        given(created(**FULL)).when(edit(custom={"aisle": None, "unknown": None})).then(edited(custom={"aisle": None}))
    )
    assert past.state.custom == {"shop": "Corner"}


def test_none_for_all_custom_fields_takes_all_away() -> None:
    past = given(created(**FULL)).when(edit(custom=None)).then(edited(custom={"shop": None, "aisle": None}))
    assert past.state.custom == {}


@pytest.mark.parametrize("value", [True, 4.0, [True], {"a": 1.0}])
def test_values_that_only_python_calls_equal_are_changes(value: Any) -> None:
    kept: Any = [1] if isinstance(value, list) else {"a": 1} if isinstance(value, dict) else 4 if value == 4 else 1
    past = given(created(custom={"n": kept})).when(edit(custom={"n": value})).then(edited(custom={"n": value}))
    assert repr(past.state.custom["n"]) == repr(value)


def test_the_limits_of_custom_fields_hold_for_all_of_them_together() -> None:
    many = {f"key {n}": n for n in range(50)}
    given(created(custom=many)).when(edit(custom={"one more": 1})).refused(Invalid, "50 custom fields")
    given(created(custom=many)).when(edit(custom={"key 0": None, "one more": 1})).then(
        edited(custom={"key 0": None, "one more": 1})
    )


def test_a_due_date_never_wipes_one_of_the_other_kind() -> None:
    given(created(due_at=LATER)).when(edit(due_on=CHRISTMAS)).refused(DueTwice, "send due_at: null")
    given(created(due_on=CHRISTMAS)).when(edit(due_at=LATER)).refused(DueTwice, "send due_on: null")
    given(created(due_on=CHRISTMAS)).when(edit(due_at=LATER, due_on=None)).then(edited(due_at=LATER, due_on=None))


def test_an_edit_may_do_several_things_each_with_its_own_event() -> None:
    given(created()).when(edit(title="Oat milk", rank="X", status="done")).then(
        edited(title="Oat milk"), TaskMoved(rank="X", **BY_ADA), done
    )


# ── status ──────────────────────────────────────────────────────────────────────────────────────────────


def test_completing_says_who_and_when_and_reopening_forgets_it() -> None:
    past = given(created()).when(complete).then(done)
    assert (past.state.status, past.state.completed_by, past.state.completed_at) == ("done", ADA, LATER)
    past = past.when(reopen).then(TaskReopened(**BY_ADA))
    assert (past.state.status, past.state.completed_by, past.state.completed_at) == ("open", None, None)


def test_what_is_asked_twice_is_done_once() -> None:
    given(created(), done).when(complete).then()
    given(created()).when(reopen).then()
    given(created(), started).when(reopen).then()
    given(created(), trashed).when(trash).then()
    given(created()).when(restore).then()


def test_what_was_cancelled_can_be_done_or_reopened() -> None:
    given(created(), cancelled).when(complete).then(done)
    given(created(), cancelled).when(reopen).then(TaskReopened(**BY_ADA))


@pytest.mark.parametrize(
    "status, event", [("in_progress", started), ("cancelled", cancelled), ("done", done), ("open", None)]
)
@pytest.mark.parametrize("before", [(), (started,), (cancelled,), (done,)])
def test_any_status_may_follow_any_other(status: Any, event: Any, before: tuple[Any, ...]) -> None:
    now = state_after(created(), *before).status
    expected = [] if now == status else [event or TaskReopened(**BY_ADA)]
    past = given(created(), *before).when(edit(status=status)).then(*expected)
    assert past.state.status == status
    assert (past.state.completed_at is not None) == (status == "done")


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_move_names_what_changes() -> None:
    move = MoveTask(project_id=HOUSE, parent_id=BREAD, rank="X", **BY_ADA)
    moved = TaskMoved(project_id=HOUSE, parent_id=BREAD, rank="X", **BY_ADA)
    past = given(created()).when(move).then(moved)
    assert (past.state.project_id, past.state.parent_id, past.state.rank) == (HOUSE, BREAD, "X")
    past.when(MoveTask(project_id=HOUSE, parent_id=None, rank="X", **BY_ADA)).then(TaskMoved(parent_id=None, **BY_ADA))
    past.when(move).then()


def test_a_rank_that_is_none_is_refused() -> None:
    given(created()).when(edit(rank="no rank")).refused(Invalid, "before_id or after_id")


def test_a_task_is_put_off_until_an_instant_in_the_future() -> None:
    past = given(created()).when(SnoozeTask(until=TOMORROW, **BY_ADA)).then(TaskSnoozed(until=TOMORROW, **BY_ADA))
    assert past.state.scheduled_at == TOMORROW
    past.when(SnoozeTask(until=TOMORROW, **BY_ADA)).then()
    given(created()).when(SnoozeTask(until=LATER, **BY_ADA)).refused(Invalid, "future")


@pytest.mark.parametrize("end", [done, cancelled])
def test_what_is_finished_cannot_be_put_off(end: Any) -> None:
    given(created(), end).when(SnoozeTask(until=TOMORROW, **BY_ADA)).refused(Finished, "Reopen it")


# ── trash ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_goes_into_the_trash_and_comes_back_as_it_was() -> None:
    before = state_after(created(**FULL), done)
    past = given(created(**FULL), done).when(trash).then(trashed)
    assert (past.state.trashed_at, past.state.trashed_by, past.state.trashed_with) == (LATER, ADA, None)
    after = past.when(restore).then(TaskRestored(**BY_ADA)).state
    for name in Task.__struct_fields__:
        if name not in ("version", "updated_at"):
            assert getattr(after, name) == getattr(before, name)


COMMENT = CommentOnTask(comment_id=NOTE, text="Lactose?", **BY_ADA)
CHANGING = [
    edit(title="x"),
    complete,
    SkipTask(**BY_ADA),
    reopen,
    COMMENT,
    MoveTask(rank="X", **BY_ADA),
    SnoozeTask(until=TOMORROW, **BY_ADA),
]


@pytest.mark.parametrize("command", CHANGING, ids=lambda command: type(command).__name__)
def test_what_is_in_the_trash_stays_as_it_is(command: Any) -> None:
    given(created(), trashed).when(command).refused(InTrash, "Restore it first")


@pytest.mark.parametrize("command", [*CHANGING, trash, restore], ids=lambda command: type(command).__name__)
def test_what_does_not_exist_is_not_found(command: Any) -> None:
    given().when(command).refused(TaskNotFound)


# ── comments ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_comment_is_counted() -> None:
    commented = TaskCommented(comment_id=NOTE, text="Lactose?", **BY_ADA)
    past = given(created()).when(COMMENT).then(commented)
    assert (past.state.comment_count, past.state.version) == (1, 2)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 16_385, "a\x00b"])
def test_a_comment_says_something_and_not_too_much(text: str) -> None:
    given(created()).when(CommentOnTask(comment_id=NOTE, text=text, **BY_ADA)).refused(Invalid, "comment")
