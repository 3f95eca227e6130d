"""Which way to take through the indexes of SQLite to answer a question in bounded work."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sigdep.adapters.sql.conditions import Compiler
from sigdep.adapters.sql.pages import Statement, Walk, choose_walk, conjuncts, page_statement
from sigdep.adapters.sqlite.read_tables import SqliteDialect, StoredTable
from sigdep.kernel.conditions import full_order
from sigdep.kernel.read_store import Compare, Condition, Contains, Matches, Select
from sigdep.kernel.words import question_words

SEED_ROWS_MAX: Final = 1_000
"""As many rows may be fetched and sorted; where more fulfil a condition, they are met soon on a walk in order."""

SEEDS_TRIED_MAX: Final = 4

COMMON_WORDS_MAX: Final = 10_000
"""Texts that are remembered to have been found in more than SEED_ROWS_MAX rows."""

WORD_CHARACTERS_MIN: Final = 3
"""The full-text index is not asked for shorter beginnings: it would have to merge too many words."""


@dataclass(frozen=True, slots=True)
class _Seed:
    """A condition that an index answers: begin with its rows when they are few."""

    count: str
    """SQL that counts them, as far as SEED_ROWS_MAX + 1."""
    parameters: Sequence[Any]
    relation: str | None = None
    """What to read from. None: the table itself, by its index on `columns`."""
    columns: frozenset[str] = frozenset()
    text: str | None = None
    """The words, where it is the full-text index."""


class Questions:
    """Chooses for all tables of a read store, and remembers which words are common."""

    def __init__(self) -> None:
        self._common: dict[tuple[str, str], None] = {}

    def page(self, connection: sqlite3.Connection, stored: StoredTable, indexed: bool, select: Select) -> Statement:
        """The statement for a page.

        Where an index answers the whole question in the order asked for, it is walked. Else we begin with the rarest
        condition that has an index, if few rows fulfil it; else we walk in order and skip what does not fit.
        """
        dialect = SqliteDialect(stored, indexed)
        if not indexed:
            return page_statement(dialect, stored.relation, select, None)
        walk = choose_walk(select)
        if walk is None or not walk.covered:
            seed = self._rarest(connection, _seeds(stored, select, walk), stored)
            if seed is not None:
                joined = None if seed.relation is None else (seed.relation, seed.parameters)
                return page_statement(dialect, stored.relation, select, None, steer=seed.columns, seed=joined)
        return page_statement(dialect, stored.relation, select, walk)

    def _rarest(self, connection: sqlite3.Connection, seeds: Iterator[_Seed], stored: StoredTable) -> _Seed | None:
        best, fewest = None, SEED_ROWS_MAX + 1
        for _, seed in zip(range(SEEDS_TRIED_MAX), seeds, strict=False):
            if seed.text is not None and (stored.words, seed.text) in self._common:
                continue
            found: int = connection.execute(seed.count, seed.parameters).fetchone()[0]
            if found < fewest:
                best, fewest = seed, found
            elif seed.text is not None and found > SEED_ROWS_MAX:
                self._remember_common(stored.words, seed.text)
        return best

    def _remember_common(self, index: str, text: str) -> None:
        if len(self._common) >= COMMON_WORDS_MAX:
            self._common.clear()
        self._common[index, text] = None


def _seeds(stored: StoredTable, select: Select, walk: Walk | None) -> Iterator[_Seed]:
    parts = conjuncts(select.where)
    for part in parts:
        if isinstance(part, Contains) and part.value is not None:
            yield _set_seed(stored, part.column, part.value)
        elif isinstance(part, Matches) and (words := _long_words(part)):
            yield _words_seed(stored, words)
    first = full_order(select.table, select.order)[0].column
    yield from _index_seeds(stored, parts, frozenset() if walk is None else walk.bound | {first})


def _long_words(part: Matches) -> list[str]:
    return [word for word in question_words(part.text) if len(word) >= WORD_CHARACTERS_MIN]


def _set_seed(stored: StoredTable, column: str, value: str) -> _Seed:
    field = stored.set_columns.index(column)
    rows = f'SELECT "#seed" FROM {stored.sets} WHERE "#field" = {field} AND "#value" = ?1'
    return _Seed(_capped(rows), (value,), _joined(rows, stored))


def _words_seed(stored: StoredTable, words: Sequence[str]) -> _Seed:
    # Words hold letters and digits only: nothing in them can leave the quotes.
    wanted = " AND ".join(f'"{word}" *' for word in words)
    rows = f'SELECT rowid AS "#seed" FROM {stored.words} WHERE {stored.words} MATCH ?1'
    return _Seed(_capped(rows), (wanted,), _joined(rows, stored), text=wanted)


def _index_seeds(stored: StoredTable, parts: Sequence[Condition], walked: frozenset[str]) -> Iterator[_Seed]:
    """The indexes that narrow the question down by other columns than the walk does, its first sort column included."""
    comparisons = [part for part in parts if isinstance(part, Compare) and part.op != "!="]
    exact = {part.column for part in comparisons if part.op == "="}
    compared = {part.column for part in comparisons}
    tried = {walked}
    for index in stored.table.indexes:
        columns: list[str] = []
        for column in index.columns:
            if column in compared:
                columns.append(column)
            if column not in exact:
                break
        narrowed = frozenset(columns)
        if not narrowed or any(narrowed <= other for other in tried):
            continue
        tried.add(narrowed)
        compiler = Compiler(SqliteDialect(stored, indexed=True), stored.table)
        where = " AND ".join(compiler.condition(part) for part in comparisons if part.column in narrowed)
        rows = f"SELECT 1 FROM {stored.relation} WHERE {where}"
        yield _Seed(_capped(rows), compiler.parameters, columns=narrowed)


def _capped(rows: str) -> str:
    return f"SELECT count(*) FROM ({rows} LIMIT {SEED_ROWS_MAX + 1})"


def _joined(rows: str, stored: StoredTable) -> str:
    """CROSS JOIN tells SQLite to keep this order: the few rows first, then each by its number."""
    return f'({rows}) AS seed CROSS JOIN {stored.relation} ON {stored.relation}."#row" = seed."#seed"'
