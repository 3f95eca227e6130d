"""Fetches rows of a read model in SQLite by their keys."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from sigdep.adapters.sql.conditions import quoted
from sigdep.adapters.sqlite.read_tables import StoredTable
from sigdep.adapters.sqlite.read_values import row_decoder, rows_encoder
from sigdep.kernel.conditions import only
from sigdep.kernel.read_store import Key, Row

KEYS_AT_ONCE: Final = 250
"""In one statement."""


class Getter:
    """Of one table of one build, with the same columns each time."""

    def __init__(self, stored: StoredTable, columns: tuple[str, ...] | None) -> None:
        table = stored.table
        wanted = columns if columns is not None else tuple(column.name for column in table.columns)
        fetched = tuple(dict.fromkeys((*table.key, *wanted)))
        self._table = table
        self._key = table.key
        self._wanted = wanted
        self._encode_keys = rows_encoder(table, table.key)
        self._decode = row_decoder(table, wanted)
        self._decode_fetched = row_decoder(table, fetched)
        relation, key = stored.relation, ", ".join(map(quoted, table.key))
        places = ", ".join("?" * len(table.key))
        self._get_one = f"SELECT {', '.join(map(quoted, wanted))} FROM {relation} WHERE ({key}) = ({places})"
        self._get_some = f"SELECT {', '.join(map(quoted, fetched))} FROM {relation} WHERE ({key}) IN "
        self._place = f"({places})"

    def one(self, connection: sqlite3.Connection, key: Key) -> Row | None:
        found = connection.execute(self._get_one, self._encoded([key])[0]).fetchone()
        return None if found is None else self._decode(found)

    def many(self, connection: sqlite3.Connection, keys: Collection[Key]) -> Mapping[Key, Row]:
        """All as they were at one moment, in however many statements."""
        rows: dict[Key, Row] = {}
        remaining = iter(keys)
        with _one_moment(connection):
            while some := list(islice(remaining, KEYS_AT_ONCE)):
                places = ", ".join([self._place] * len(some))
                listed = f"({places})" if len(self._key) == 1 else f"(VALUES {places})"
                values = [value for key in self._encoded(some) for value in key]
                for found in connection.execute(self._get_some + listed, values):
                    row = self._decode_fetched(found)
                    rows[tuple(row[column] for column in self._key)] = only(row, self._wanted)
        return rows

    def _encoded(self, keys: Sequence[Key]) -> list[tuple[Any, ...]]:
        return self._encode_keys([dict(zip(self._key, key, strict=True)) for key in keys])


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Statements inside see the same state, whatever is written meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
