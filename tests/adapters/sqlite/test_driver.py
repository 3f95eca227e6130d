"""The driver's errors are translated, every one; statements over many rows do what one over each would."""

import sqlite3

import pytest

from sigdep.adapters.sqlite.driver import ROWS_PER_STATEMENT, find_rows, pieces, translated_errors, write_rows
from sigdep.kernel.errors import LogDamaged, Unavailable


def subclasses(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(subclasses(one) for one in kind.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(subclasses(sqlite3.Error), key=str))
def test_every_error_of_the_driver_becomes_one_of_ours(kind: type[Exception]) -> None:
    with pytest.raises(Unavailable, match=r"Trying failed: something\."), translated_errors("Trying"):
        raise kind("something")


@pytest.mark.parametrize(
    "code, ours, sentence",
    [
        (sqlite3.SQLITE_CORRUPT, LogDamaged, "Restore it from a backup"),
        (sqlite3.SQLITE_CORRUPT_INDEX, LogDamaged, "Restore it from a backup"),
        (sqlite3.SQLITE_NOTADB, LogDamaged, "the file is damaged"),
        (sqlite3.SQLITE_FULL, Unavailable, "the disk is full"),
        (sqlite3.SQLITE_IOERR_FSYNC, Unavailable, "something"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Unavailable, "something"),
    ],
)
def test_the_code_decides_which(code: int, ours: type[Exception], sentence: str) -> None:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorcode = code
    with pytest.raises(ours, match=sentence), translated_errors("Trying"):
        raise error


def test_a_count_is_divided_into_few_different_pieces() -> None:
    for count in range(1_000):
        assert sum(pieces(count)) == count
    assert {piece for count in range(1_000) for piece in pieces(count)} == {1, 2, 4, 8, 16, 32, ROWS_PER_STATEMENT}


@pytest.mark.parametrize("count", [0, 1, 3, 63, 64, 65, 127, 500])
def test_many_rows_are_written_and_found(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b)")
    write_rows(connection, "INSERT INTO t VALUES {}", 2, [value for n in range(count) for value in (n, n * n)])
    assert connection.execute("SELECT a, b FROM t ORDER BY a").fetchall() == [(n, n * n) for n in range(count)]
    wanted = [(n, n * n) for n in range(0, count + 10, 3)]
    found = find_rows(
        connection, "WITH wanted (a, b) AS (VALUES {}) SELECT a, b FROM wanted CROSS JOIN t USING (a, b)", wanted
    )
    assert sorted(found) == [(n, n * n) for n in range(0, count, 3)]
    connection.close()
