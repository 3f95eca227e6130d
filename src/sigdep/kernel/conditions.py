"""What conditions, orders and pages mean, in plain Python: the definition that every read store must agree with."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cmp_to_key
from math import isnan
from operator import eq, ge, gt, le, lt, ne
from typing import Any as Anything
from typing import Final
from uuid import UUID

from sigdep.kernel.errors import Invalid
from sigdep.kernel.read_store import (
    PAGE_ROWS_MAX,
    All,
    Any,
    Compare,
    Condition,
    Contains,
    IsNull,
    Kind,
    Matches,
    Not,
    OneOf,
    Order,
    Page,
    Row,
    Select,
    Table,
    Value,
)
from sigdep.kernel.words import question_words, row_words

CONDITION_PARTS_MAX: Final = 950
"""Conditions in one question, all levels together. SQLite takes expressions up to a depth of 1,000, and a row of ORs
is as deep as it is long; a filter of 100 dates makes 900."""

CONDITION_DEPTH_MAX: Final = 50

ONE_OF_VALUES_MAX: Final = 1_000

INTEGER_MAX: Final = 2**63 - 1

_OPERATORS: Final[dict[str, Callable[[Anything, Anything], bool]]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


# ── meaning ──────────────────────────────────────────────────────────────────────────────────────────────


def holds(condition: Condition, row: Row, table: Table) -> bool:
    """Whether a row fulfils a condition that `check` has accepted. The row has every column that is asked about."""
    match condition:
        case Compare(column, op, value):
            found = row[column]
            return found is not None and _OPERATORS[op](found, value)
        case IsNull(column):
            return row[column] is None
        case OneOf(column, values):
            return row[column] in values
        case Contains(column, value):
            members = row[column]
            assert isinstance(members, frozenset)
            return bool(members) if value is None else value in members
        case Matches(text):
            return _matches(question_words(text), row, table)
        case All(parts):
            return all(holds(part, row, table) for part in parts)
        case Any(parts):
            return any(holds(part, row, table) for part in parts)
        case Not(part):
            return not holds(part, row, table)


def _matches(wanted: Sequence[str], row: Row, table: Table) -> bool:
    present = words_of(row, table)
    return bool(wanted) and all(any(word.startswith(start) for word in present) for start in wanted)


def words_of(row: Row, table: Table) -> list[str]:
    """The words by which full-text search finds a row."""
    return row_words(text for column in table.search if isinstance(text := row[column], str))


def full_order(table: Table, order: Iterable[Order]) -> tuple[Order, ...]:
    """The order with the key at its end, and no column twice."""
    named = {one.column: one for one in reversed(tuple(order))}
    given = [one for one in order if named.pop(one.column, None) is not None]
    descending = bool(given) and given[-1].descending
    rest = [Order(column, descending) for column in table.key if column not in {one.column for one in given}]
    return (*given, *rest)


def sort_values(row: Row, order: Sequence[Order]) -> tuple[Value, ...]:
    """A row's place in the order: what `Page.next` holds."""
    return tuple(row[one.column] for one in order)


def compare_places(left: Sequence[Value], right: Sequence[Value], order: Sequence[Order]) -> int:
    """Negative where `left` comes first, positive where `right` does, 0 for the same place."""
    for one, mine, other in zip(order, left, right, strict=True):
        if mine == other:
            continue
        if mine is None or other is None:
            return 1 if mine is None else -1
        return -1 if (mine < other) != one.descending else 1  # type: ignore[operator]  # Of one kind, by `check`.
    return 0


def page(select: Select, rows: Iterable[Row]) -> Page:
    """The page that a question asks for, among all rows of its table.

    Raises:
        Invalid: the question makes no sense.
    """
    check_select(select)
    order = full_order(select.table, select.order)
    found = [(sort_values(row, order), row) for row in rows if holds(select.where, row, select.table)]
    if select.after is not None:
        found = [one for one in found if compare_places(one[0], select.after, order) > 0]

    def in_order(left: tuple[Sequence[Value], Row], right: tuple[Sequence[Value], Row]) -> int:
        return compare_places(left[0], right[0], order)

    found.sort(key=cmp_to_key(in_order))
    shown = found[: select.limit]
    return Page(
        rows=[only(row, select.columns) for _, row in shown],
        next=shown[-1][0] if len(found) > len(shown) else None,
    )


def only(row: Row, columns: tuple[str, ...] | None) -> Row:
    return dict(row) if columns is None else {column: row[column] for column in columns}


# ── sense ────────────────────────────────────────────────────────────────────────────────────────────────


def check_select(select: Select) -> None:
    """
    Raises:
        Invalid: a column does not exist or cannot be sorted by, a value does not fit, or a limit is passed.
    """
    table = select.table
    check(select.where, table)
    if not 1 <= select.limit <= PAGE_ROWS_MAX:
        raise Invalid(f"A page has 1 to {PAGE_ROWS_MAX} rows.")
    for column in select.columns or ():
        _kind(table, column)
    for one in select.order:
        if _kind(table, one.column) == "set":
            raise Invalid(f"{table.name} cannot be sorted by {one.column}, which holds several values.")
    if select.after is not None:
        _check_place(select.after, full_order(table, select.order), table)


def _check_place(after: Sequence[Value], order: Sequence[Order], table: Table) -> None:
    if len(after) != len(order):
        raise Invalid("The page follows a row of a question with another order.")
    for value, one in zip(after, order, strict=True):
        if value is not None or one.column in table.key:
            _check_value(value, one.column, table)


def check(condition: Condition, table: Table) -> None:
    """
    Raises:
        Invalid: a column does not exist, a value does not fit its kind, or the condition is too large.
    """
    _check(condition, table, 0, [0])


def _check(condition: Condition, table: Table, depth: int, seen: list[int]) -> None:
    seen[0] += 1
    if seen[0] > CONDITION_PARTS_MAX or depth > CONDITION_DEPTH_MAX:
        raise Invalid(
            f"The question is too large: at most {CONDITION_PARTS_MAX} conditions, {CONDITION_DEPTH_MAX} deep."
        )
    match condition:
        case Compare(column, _, value):
            _check_value(value, column, table)
        case IsNull(column):
            _kind(table, column)
        case OneOf(column, values):
            if len(values) > ONE_OF_VALUES_MAX:
                raise Invalid(f"{column} can be compared with at most {ONE_OF_VALUES_MAX} values at once.")
            _kind(table, column)
            for value in values:
                _check_value(value, column, table)
        case Contains(column, value):
            if _kind(table, column) != "set":
                raise Invalid(f"{column} holds one value: compare it instead.")
            if value is not None and not _is_text(value):
                raise Invalid(f"{value!r} is no text that {column} could hold.")
        case Matches(_):
            if not table.search:
                raise Invalid(f"{table.name} has no full-text search.")
        case All(parts) | Any(parts):
            for part in parts:
                _check(part, table, depth + 1, seen)
        case Not(part):
            _check(part, table, depth + 1, seen)


def _kind(table: Table, column: str) -> Kind:
    kind = table.kind(column)
    if kind is None:
        raise Invalid(f"{table.name} has no column {column!r}.")
    return kind


def _check_value(value: Value, column: str, table: Table) -> None:
    kind = _kind(table, column)
    if kind == "set":
        raise Invalid(f"{column} holds several values: ask what it contains.")
    if not fits(value, kind):
        raise Invalid(f"{column} cannot be compared with {value!r}: it holds values of the kind {kind}.")


def fits(value: Value, kind: Kind) -> bool:
    """Whether a value, not null, is of a kind."""
    match kind:
        case "text":
            return _is_text(value)
        case "integer":
            return type(value) is int and -INTEGER_MAX - 1 <= value <= INTEGER_MAX
        case "real":
            return fits(value, "integer") or (isinstance(value, float) and not isnan(value))
        case "boolean":
            return type(value) is bool
        case "bytes":
            return isinstance(value, bytes)
        case "uuid":
            return isinstance(value, UUID)
        case "instant":
            return isinstance(value, datetime) and value.tzinfo is not None and _is_representable(value)
        case "date":
            return isinstance(value, date) and not isinstance(value, datetime)
        case "set":
            return isinstance(value, frozenset) and all(_is_text(member) and "\0" not in member for member in value)


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_representable(instant: datetime) -> bool:
    try:
        instant.astimezone(UTC)
    except OverflowError:
        return False
    return True
