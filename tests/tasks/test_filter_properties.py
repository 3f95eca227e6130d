"""Random filters: none of them crashes, each can be printed and read again, and all mean what they say."""

from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sigdep.kernel.conditions import check, holds
from sigdep.kernel.errors import Invalid
from sigdep.tasks.domain.task import Task
from sigdep.tasks.filter.compile import compile_filter, references
from sigdep.tasks.filter.fields import FIELDS
from sigdep.tasks.filter.parser import parse
from sigdep.tasks.filter.syntax import FLAGS, THINGS, Filter, print_filter
from sigdep.tasks.read_models.task_rows import TASKS, task_row
from tests.tasks.filters import ZONES, Meaning, every_term, filters, scope_in, some_tasks

PIECES = [*FIELDS, *FLAGS, *THINGS, "and", "or", "not", "in", "has", ":", "=", "!=", "<", ">=", "(", ")", ",", '"']
PIECES += [
    "\\",
    "this",
    "next",
    "end",
    "of",
    "week",
    "+3d",
    "-99999y",
    "T-1",
    "2026-13-45",
    "2026-12-01T09:00:00Z",
    "me",
]


@given(st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map(" ".join))
@example("due < 9999-12-31 and due > 0001-01-01")
@example("due = end of")
@example("\ud800")
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    refusal: Invalid | None = None
    try:
        check(compile_filter(parse(text), scope_in(ZONES[0])), TASKS)
    except Invalid as error:
        refusal = error
    if refusal is not None:
        assert refusal.detail.startswith("filter, column ")
        assert refusal.faults[0].pointer == "filter"


@given(filters)
@settings(max_examples=150, deadline=None)
def test_a_printed_filter_reads_back_as_the_same_tree(tree: Filter) -> None:
    text = print_filter(tree)
    assert parse(text) == tree
    assert print_filter(parse(text)) == text


def expect_the_tasks_meant(tree: Filter, tasks: list[Task], zone: ZoneInfo) -> None:
    meaning = Meaning(zone, tasks)
    condition = compile_filter(tree, scope_in(zone))
    check(condition, TASKS)
    for task in tasks:
        row = task_row(task, version=1, document=b"", blocked=meaning.is_blocked(task))
        assert holds(condition, row, TASKS) == meaning.holds(tree, task), (print_filter(tree), task)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_every_term_finds_the_tasks_that_it_means(zone: ZoneInfo) -> None:
    random = Random(str(zone))
    for tree in every_term():
        for _ in range(3):
            expect_the_tasks_meant(tree, some_tasks(random), zone)


@given(filters, st.integers(0, 999), st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_terms_join_as_they_should(tree: Filter, seed: int, zone: ZoneInfo) -> None:
    expect_the_tasks_meant(tree, some_tasks(Random(seed)), zone)


@given(filters)
@settings(max_examples=100, deadline=None)
def test_what_has_to_be_looked_up_is_all_that_compiling_needs(tree: Filter) -> None:
    needed = references(tree)
    scope = scope_in(ZONES[0])
    known = {
        "labels": {name: ids for name, ids in scope.labels.items() if name in needed.labels},
        "projects": {name: ids for name, ids in scope.projects.items() if name in needed.projects},
        "numbers": {number: task for number, task in scope.numbers.items() if number in needed.numbers},
    }
    narrow = type(scope)(clock=scope.clock, me=scope.me, archived=scope.archived, **known)  # type: ignore[arg-type]
    assert compile_filter(tree, narrow) == compile_filter(tree, scope)
