"""The filter language does what its page in the documentation says."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigdep.kernel.conditions import CONDITION_DEPTH_MAX, check
from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import All, Compare, Condition, Matches
from sigdep.tasks.filter.compile import Scope, compile_filter
from sigdep.tasks.filter.fields import FIELDS
from sigdep.tasks.filter.parser import parse
from sigdep.tasks.filter.syntax import (
    FILTER_CHARACTERS_MAX,
    FILTER_DEPTH_MAX,
    FILTER_TERMS_MAX,
    FLAGS,
    THINGS,
    print_filter,
)
from sigdep.tasks.read_models.task_rows import TASKS
from tests.tasks.filters import ZONES, scope_in

PAGE = (Path(__file__).parents[2] / "docs/reference/filter-language.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


EXAMPLES = [line for block in blocks("filter") for line in block.splitlines()]
REFUSALS = [tuple(pair.strip().split("\n")) for block in blocks("refused") for pair in block.split("\n\n")]


def scope() -> Scope:
    known = scope_in(ZONES[0])
    return Scope(
        clock=known.clock,
        me=known.me,
        labels=known.labels,
        projects=known.projects,
        numbers={42: UUID(int=42)},
        names=known.names,
    )


def compiled(text: str) -> Condition:
    return compile_filter(parse(text), scope())


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as refused:
        compiled(text)
    assert [fault.pointer for fault in refused.value.faults] == ["filter"]
    return refused.value.detail


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_read_and_compiled(text: str) -> None:
    check(compiled(text), TASKS)


@pytest.mark.parametrize("text, sentence", REFUSALS)
def test_every_refusal_names_the_column_and_what_was_expected(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


def test_the_page_has_an_example_of_every_field_and_names_every_flag() -> None:
    assert len(EXAMPLES) >= 15
    assert len(REFUSALS) >= 12
    missing = [field for field in FIELDS if not any(re.search(rf"\b{field}\b", line) for line in EXAMPLES)]
    assert not missing
    assert not [word for word in (*FLAGS, *THINGS) if f"`{word}`" not in PAGE]


@pytest.mark.parametrize(
    "text, same",
    [
        ("OPEN AND Label:Work", "open and label = Work"),
        ("open or done and blocked", "open or (done and blocked)"),
        ("not open and done", "(not open) and done"),
        ("not not open", "not (not open)"),
        ("((open))", "open"),
        ("label not in (a)", "not label in (a)"),
        ("t-7", "number = 7"),
        ('"x"', 'text:"x"'),
        ("due<+3d", "due < +3d"),
        ("due = 2026-12-01T09:00Z", "due:2026-12-01t09:00z"),
        ("has:label", "has = labels"),
    ],
)
def test_two_ways_to_say_the_same(text: str, same: str) -> None:
    assert parse(text) == parse(same)


def test_quotes_tell_a_name_from_a_keyword() -> None:
    assert "none" not in scope().labels
    check(compiled("label:none"), TASKS)
    assert refusal('label:"none"') == 'filter, column 7: no label is called "none".'
    assert refusal("label:and") == 'filter, column 7: expected a label\'s name or id, or none, found "and".'
    assert compiled('title = "say \\"hi\\" \\\\"') == Compare("title_folded", "=", 'say "hi" \\')


def test_a_filter_of_the_greatest_size_is_accepted_and_one_more_is_not() -> None:
    most = " or ".join(["due = today"] * FILTER_TERMS_MAX)
    check(compiled(most), TASKS)
    assert refusal(f"{most} or open").endswith(f"a filter has at most {FILTER_TERMS_MAX} terms.")
    values = ", ".join(["T-1"] * FILTER_TERMS_MAX)
    check(compiled(f"number in ({values})"), TASKS)
    assert refusal(f"number in ({values}, T-1)").endswith(f"a filter has at most {FILTER_TERMS_MAX} terms.")
    check(compiled(f"number in ({values})"), TASKS)
    assert refusal('"' + "x" * (FILTER_CHARACTERS_MAX - 1) + '"').startswith(
        "filter, column 2001: a filter has at most"
    )


@pytest.mark.parametrize("opening, closing", [("(", ")"), ("not ", "")])
def test_a_filter_of_the_greatest_depth_is_accepted_and_one_more_is_not(opening: str, closing: str) -> None:
    inside = FILTER_DEPTH_MAX - 1
    check(compiled(opening * inside + "overdue" + closing * inside), TASKS)
    assert "stand at most 20 deep" in refusal(opening * (inside + 1) + "overdue" + closing * (inside + 1))
    assert "stand at most 20 deep" in refusal(opening * 400)
    assert CONDITION_DEPTH_MAX > FILTER_DEPTH_MAX


def test_control_characters_and_halves_of_characters_are_refused_where_they_stand() -> None:
    for character in ("\0", "\x1b", "\x7f", "\ud800"):
        assert refusal(f'title = "a{character}"').startswith("filter, column 11: control characters")


@given(st.sampled_from(EXAMPLES))
def test_the_examples_survive_printing(text: str) -> None:
    assert parse(print_filter(parse(text))) == parse(text)


def test_a_status_brings_the_column_that_the_indexes_begin_with() -> None:
    assert compiled("status = open") == All((Compare("open", "=", True), Compare("status", "=", "open")))
    assert compiled("done") == All((Compare("open", "=", False), Compare("status", "=", "done")))


def test_names_are_found_without_regard_to_case_and_accents() -> None:
    assert compiled("project:GARDEN") == compiled("project:garden")
    assert compiled('label:"A Faire"') == compiled('label:"à faire"')
    assert refusal('project:"two word"').endswith('Did you mean "two words"?')


def test_words_are_searched_as_they_stand() -> None:
    assert compiled('"a (b) or c"') == Matches("a (b) or c")
