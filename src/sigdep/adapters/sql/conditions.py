"""Conditions as SQL that means what `kernel.conditions` says."""

from collections.abc import Sequence
from typing import Any as Anything
from typing import Final, Protocol

from sigdep.kernel.read_store import (
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
    Table,
    Value,
)
from sigdep.kernel.words import question_words

_OPPOSITE: Final = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", "<=": ">", ">": "<="}


class Dialect(Protocol):
    """What differs between SQL databases."""

    def parameter(self, number: int) -> str:
        """How the SQL names a parameter, from 1."""
        ...

    def encode(self, value: Value, kind: Kind) -> Anything:
        """A value, not null, as the driver takes it."""
        ...

    def unindexed(self, column: str) -> str:
        """A quoted column such that no index is used for it, where the database must be told."""
        ...

    def contains(self, compiler: "Compiler", column: str, value: str | None) -> str:
        """A set column holds a value, or anything. Never NULL."""
        ...

    def matches(self, compiler: "Compiler", words: Sequence[str]) -> str:
        """Each of the words, of which there is one at least, begins a word of the row. Never NULL."""
        ...


class Compiler:
    """Collects the parameters of one statement while its parts are written."""

    def __init__(self, dialect: Dialect, table: Table) -> None:
        self.dialect = dialect
        self.table = table
        self.parameters: list[Anything] = []
        self.steer = False
        """True: indexes may be used for `indexable` columns only."""
        self.indexable: frozenset[str] = frozenset()
        self.by_key = False
        """True: the question names the keys of all rows that it may find."""

    def bind(self, encoded: Anything) -> str:
        self.parameters.append(encoded)
        return self.dialect.parameter(len(self.parameters))

    def bind_value(self, value: Value, column: str) -> str:
        kind = self.table.kind(column)
        assert kind is not None
        return self.bind(self.dialect.encode(value, kind))

    def column(self, name: str) -> str:
        if self.steer and name not in self.indexable:
            return self.dialect.unindexed(name)
        return quoted(name)

    def nullable(self, column: str) -> bool:
        return column not in self.table.key

    def condition(self, condition: Condition, wanted: bool = True) -> str:
        """SQL that is true exactly where the condition is `wanted`; elsewhere it may be NULL."""
        match condition:
            case Compare(column, op, value):
                return self._compare(column, op if wanted else _OPPOSITE[op], value, wanted)
            case IsNull(column):
                if self.table.kind(column) == "set":
                    return _truth(not wanted)
                return f"{self.column(column)} IS {'' if wanted else 'NOT '}NULL"
            case OneOf(column, values):
                return self._one_of(column, values, wanted)
            case Contains(column, value):
                return _negated(self.dialect.contains(self, column, value), wanted)
            case Matches(text):
                words = question_words(text)
                return _negated(self.dialect.matches(self, words), wanted) if words else _truth(not wanted)
            case All(parts):
                return self._joined(parts, wanted, "AND" if wanted else "OR")
            case Any(parts):
                return self._joined(parts, wanted, "OR" if wanted else "AND")
            case Not(part):
                return self.condition(part, not wanted)

    def _compare(self, column: str, op: str, value: Value, wanted: bool) -> str:
        name = self.column(column)
        comparison = f"{name} {op} {self.bind_value(value, column)}"
        return comparison if wanted or not self.nullable(column) else f"({name} IS NULL OR {comparison})"

    def _one_of(self, column: str, values: Sequence[Value], wanted: bool) -> str:
        if not values:
            return _truth(not wanted)
        name = self.column(column)
        listed = ", ".join(self.bind_value(value, column) for value in values)
        if wanted:
            return f"{name} IN ({listed})"
        outside = f"{name} NOT IN ({listed})"
        return f"({name} IS NULL OR {outside})" if self.nullable(column) else outside

    def _joined(self, parts: Sequence[Condition], wanted: bool, word: str) -> str:
        if not parts:
            return _truth(word == "AND")
        return "(" + f" {word} ".join(self.condition(part, wanted) for part in parts) + ")"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _truth(true: bool) -> str:
    return "TRUE" if true else "FALSE"


def _negated(sql: str, wanted: bool) -> str:
    return sql if wanted else f"NOT ({sql})"
