"""Copying a database in use."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.copying import PAGES_A_STEP, copy_database
from sigdep.kernel.errors import LogDamaged, Unavailable


def test_a_copy_is_one_moment_of_a_database_that_is_being_written(tmp_path: Path) -> None:
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    stop, begun = threading.Event(), threading.Event()
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE pair (number INTEGER PRIMARY KEY, twice INTEGER, filler BLOB)")

    def write() -> None:
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            number = 0
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO pair VALUES (?, 0, zeroblob(3000))", (number,))
                connection.execute("UPDATE pair SET twice = number * 2 WHERE number = ?", (number,))
                connection.execute("COMMIT")
                number += 1
                if number == PAGES_A_STEP * 3:
                    begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    steps: list[tuple[int, int]] = []
    try:
        assert begun.wait(60)
        copy_database(source, target, lambda done, total: steps.append((done, total)))
    finally:
        stop.set()
        writer.join()
    assert len(steps) >= 3
    assert steps[-1][0] == steps[-1][1]
    assert len({total for _, total in steps}) == 1
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count, highest, wrong = copy.execute(
            "SELECT count(*), max(number), sum(twice <> number * 2) FROM pair"
        ).fetchone()
    assert count == highest + 1 >= PAGES_A_STEP * 3
    assert wrong == 0
    assert not target.with_name("target.db-wal").exists()


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    sqlite3.connect(source).close()
    target.write_text("precious")
    with pytest.raises(FileExistsError):
        copy_database(source, target, lambda done, total: None)
    assert target.read_text() == "precious"


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b", "a b", "ä"])
def test_a_copy_is_of_the_file_that_was_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    source, target = folder / "source.db", folder / "target.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE one (number INTEGER)")
        connection.execute("INSERT INTO one VALUES (7)")
    copy_database(source, target, lambda done, total: None)
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("SELECT number FROM one").fetchall() == [(7,)]
    assert [path.name for path in tmp_path.iterdir()] == [name]  # None has been made beside it.


def test_an_empty_file_and_one_that_is_no_database_are_not_copied(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"no database " * 1000)):
        source = tmp_path / f"source{number}.db"
        source.write_bytes(content)
        with pytest.raises(LogDamaged, match=source.name):
            copy_database(source, tmp_path / f"target{number}.db", lambda done, total: None)


def test_a_source_that_is_not_there_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"source\.db"):
        copy_database(tmp_path / "source.db", tmp_path / "target.db", lambda done, total: None)
