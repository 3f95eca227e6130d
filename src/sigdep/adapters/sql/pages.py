"""Pages as SQL: keyset paging that walks an index in order, nulls last, and stops at the limit."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any as Anything
from typing import Final

from sigdep.adapters.sql.conditions import Compiler, Dialect, quoted
from sigdep.kernel.conditions import full_order
from sigdep.kernel.read_store import All, Compare, Condition, OneOf, Order, Select, Table, Value

BRANCHES_MAX: Final = 8
"""Values of one column for each of which an index is walked of its own, to be merged."""


@dataclass(frozen=True, slots=True)
class Walk:
    """An index that gives the rows in the order asked for."""

    bound: frozenset[str]
    """Its leading columns, for which the question names one value (or the branching column's few)."""
    branches: OneOf | None
    covered: bool
    """True: the index answers the whole question. False: rows are skipped while it is walked."""


@dataclass(frozen=True, slots=True)
class Statement:
    text: str
    parameters: Sequence[Anything]
    columns: tuple[str, ...]
    """What each row holds, in order."""


def conjuncts(condition: Condition) -> list[Condition]:
    """What must all hold."""
    match condition:
        case All(parts):
            return [one for part in parts for one in conjuncts(part)]
        case _:
            return [condition]


def choose_walk(select: Select) -> Walk | None:
    """The index to walk: the one with most leading columns bound. None: none gives the order."""
    table, order = select.table, full_order(select.table, select.order)
    if len({one.descending for one in order}) > 1:
        return None
    if any(one.column not in table.key for one in order[1:]):
        return None  # Only the first sort column is split into its values and its nulls, below.
    parts = conjuncts(select.where)
    exact = {part.column for part in parts if isinstance(part, Compare) and part.op == "="}
    lists = {part.column: part for part in parts if isinstance(part, OneOf) and 0 < len(part.values) <= BRANCHES_MAX}
    walks = [
        walk
        for index in table.indexes
        if (walk := _walk(table, index.columns, [one.column for one in order], exact, lists, parts)) is not None
    ]
    return max(walks, key=lambda walk: (len(walk.bound), walk.branches is None), default=None)


def _walk(
    table: Table,
    columns: Sequence[str],
    order: Sequence[str],
    exact: set[str],
    lists: dict[str, OneOf],
    parts: Sequence[Condition],
) -> Walk | None:
    """The index as a walk in this order, where it is one: bound columns first, then exactly the order."""
    branches: OneOf | None = None
    for at in range(len(columns) + 1):
        rest = [*columns[at:], *(column for column in table.key if column not in columns)]
        if rest == list(order):
            bound = frozenset(columns[:at])
            return Walk(bound, branches, _covers(bound, order[0], branches, parts))
        if at == len(columns):
            break
        if columns[at] in exact:
            continue
        if branches is not None or columns[at] not in lists:
            break
        branches = lists[columns[at]]
    return None


def _covers(bound: frozenset[str], first: str, branches: OneOf | None, parts: Sequence[Condition]) -> bool:
    return all(
        part == branches or (isinstance(part, Compare) and (part.column in bound or part.column == first))
        for part in parts
    )


def page_statement(
    dialect: Dialect,
    relation: str,
    select: Select,
    walk: Walk | None,
    *,
    steer: frozenset[str] | None = None,
    seed: tuple[str, Sequence[Anything]] | None = None,
) -> Statement:
    """The statement for a page and one row more, by which one sees whether another page follows.

    Args:
        relation: the table, quoted.
        steer: the only columns for which indexes may be used. None: the database chooses.
        seed: what to read from in place of the relation alone, with its parameters, which are the first.
    """
    order = full_order(select.table, select.order)
    columns = _fetched(select, order)
    compiler = Compiler(dialect, select.table)
    compiler.by_key = any(
        isinstance(part, OneOf) and (part.column,) == select.table.key for part in conjuncts(select.where)
    )
    if seed is not None:
        compiler.parameters.extend(seed[1])
        relation = seed[0]
    if walk is not None:
        compiler.steer, compiler.indexable = True, walk.bound | {one.column for one in order}
    elif steer is not None:
        compiler.steer, compiler.indexable = True, steer
    listed = ", ".join(quoted(column) for column in columns)
    rows_max = select.limit + 1
    ranges = []
    for place, sort in _ranges(compiler, select, order):
        branches = [
            f"SELECT {listed} FROM {relation} WHERE {' AND '.join([where, *place])} ORDER BY {sort} LIMIT {rows_max}"
            for where in _branches(compiler, select, walk)
        ]
        ranges.append(_merged(branches, listed, order, select, rows_max))
    return Statement(_one_after_the_other(ranges, listed, rows_max), compiler.parameters, columns)


def _fetched(select: Select, order: Sequence[Order]) -> tuple[str, ...]:
    wanted = select.columns or tuple(column.name for column in select.table.columns)
    return tuple(dict.fromkeys((*wanted, *(one.column for one in order))))


def _merged(branches: Sequence[str], listed: str, order: Sequence[Order], select: Select, rows_max: int) -> str:
    """The first rows of several sorted queries together."""
    if len(branches) == 1:
        return branches[0]
    sort = ", ".join(_sort(quoted(one.column), one, one.column not in select.table.key) for one in order)
    return f"SELECT {listed} FROM ({_united(branches)}) AS branches ORDER BY {sort} LIMIT {rows_max}"


def _one_after_the_other(ranges: Sequence[str], listed: str, rows_max: int) -> str:
    """The second range is only begun where the first has too few rows.

    SQLite and PostgreSQL both give the parts of a UNION ALL in their order, as long as nobody makes them work in
    parallel; no SQL says so, and the contract suite watches it.
    """
    if len(ranges) == 1:
        return ranges[0]
    return f"SELECT {listed} FROM ({_united(ranges)}) AS ranges LIMIT {rows_max}"


def _united(selects: Sequence[str]) -> str:
    return " UNION ALL ".join(f"SELECT * FROM ({one}) AS part{n}" for n, one in enumerate(selects))


def _branches(compiler: Compiler, select: Select, walk: Walk | None) -> Iterator[str]:
    """The WHERE of each branch: one, or one for each value that the walk branches over."""
    if walk is None or walk.branches is None:
        yield compiler.condition(select.where)
        return
    others = [part for part in conjuncts(select.where) if part != walk.branches]
    for value in dict.fromkeys(walk.branches.values):
        yield compiler.condition(All((*others, Compare(walk.branches.column, "=", value))))


def _ranges(compiler: Compiler, select: Select, order: Sequence[Order]) -> Iterator[tuple[list[str], str]]:
    """Where rows follow the last page, and how they are sorted there: values of the first sort column, then its nulls.

    An index holds the nulls at one end, which is the wrong one for one of the two directions: so they are asked for
    apart, and the index still gives both parts in order.
    """
    first, after = order[0], select.after
    column = compiler.column(first.column)
    # What is compared with something is not null, which the database would find out row by row.
    compared = {part.column for part in conjuncts(select.where) if isinstance(part, Compare)}
    sorts = [_sort(compiler.column(one.column), one, _may_be_null(compiler, one, compared)) for one in order[1:]]
    whole = ", ".join([_sort(column, first, nullable=False), *sorts])
    if not compiler.nullable(first.column):
        yield ([] if after is None else [_beyond(compiler, order, after)]), whole
        return
    if after is None or after[0] is not None:
        place = [] if after is None else [_beyond(compiler, order, after, first_is_null_free=True)]
        yield [f"{column} IS NOT NULL", *place], whole
        if first.column in compared:
            return
    place = [] if after is None or after[0] is not None else [_beyond(compiler, order[1:], after[1:])]
    yield [f"{column} IS NULL", *place], ", ".join(sorts)


def _may_be_null(compiler: Compiler, one: Order, compared: Collection[str]) -> bool:
    return one.column not in compared and compiler.nullable(one.column)


def _sort(name: str, one: Order, nullable: bool) -> str:
    direction = f"{name} DESC" if one.descending else name
    return f"{name} IS NULL, {direction}" if nullable else direction


def _beyond(
    compiler: Compiler, order: Sequence[Order], after: Sequence[Value], *, first_is_null_free: bool = False
) -> str:
    """True for the rows behind a place."""
    uniform = len({one.descending for one in order}) == 1
    if uniform and not any(compiler.nullable(one.column) for one in order[first_is_null_free:]):
        sign = "<" if order[0].descending else ">"
        names = ", ".join(compiler.column(one.column) for one in order)
        values = ", ".join(compiler.bind_value(v, one.column) for one, v in zip(order, after, strict=True))
        return f"({names}) {sign} ({values})"
    ways, same = [], []
    for one, value in zip(order, after, strict=True):
        name, nullable = compiler.column(one.column), compiler.nullable(one.column)
        if value is None:
            same.append(f"{name} IS NULL")
            continue
        bound = compiler.bind_value(value, one.column)
        further = f"{name} {'<' if one.descending else '>'} {bound}"
        ways.append(" AND ".join([*same, f"({further} OR {name} IS NULL)" if nullable else further]))
        same.append(f"{name} = {bound}")
    return "(" + " OR ".join(f"({way})" for way in ways) + ")"
