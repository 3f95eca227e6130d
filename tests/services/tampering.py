"""What tests do to an installation behind its back."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from sigdep.kernel.ids import SubjectId
from sigdep.testing.log_copying import pages
from tests.services.installations import Database, Folder, Installation


async def somebody(place: Installation) -> SubjectId:
    """Whose key has not been destroyed."""
    source = await place.open_key_source()
    found = [key.subject for key in await pages(source.keys()) if key.wrapped is not None]
    await source.close()
    return found[0]


async def wrapped(place: Installation, subject: SubjectId) -> bytes:
    source = await place.open_key_source()
    [found] = [key.wrapped for key in await pages(source.keys()) if key.subject == subject]
    await source.close()
    assert found is not None
    return found


async def bytes_of_keys(place: Installation) -> bytes:
    """As they lie on the disk."""
    if isinstance(place, Folder):
        return b"".join(path.read_bytes() for path in sorted(place.path.glob("keys.db*")))
    assert isinstance(place, Database)
    connection = await asyncpg.connect(place.dsn)
    try:
        await connection.execute("CHECKPOINT")
        found: bytes = await connection.fetchval(
            "SELECT pg_read_binary_file(pg_relation_filepath($1::regclass))", f"{place.prefix}_keys.subject_key"
        )
        return found
    finally:
        await connection.close()


async def execute(place: Installation, name: str, statement: str, *values: Any) -> None:
    """Run a statement with nothing in its way, as somebody with all rights could."""
    if isinstance(place, Folder):
        _execute_in(place.path / f"{name}.db", statement, values)
        return
    assert isinstance(place, Database)
    connection = await asyncpg.connect(place.dsn, server_settings={"search_path": f"{place.prefix}_{name}"})
    try:
        if name != "keys":
            await connection.execute("ALTER TABLE event DISABLE TRIGGER append_only")
        await connection.execute(statement.format(*(f"${number}" for number, _ in enumerate(values, 1))), *values)
    finally:
        await connection.close()


def _execute_in(path: Path, statement: str, values: tuple[Any, ...]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        parameters = [value if isinstance(value, bytes) else value.bytes for value in values]
        connection.execute(statement.format(*(f"?{number}" for number, _ in enumerate(values, 1))), parameters)
