"""The servers that other tests stand on: the right version, safe after a crash, named when missing."""

import socket

import asyncpg
import pytest

from sigdep.testing import servers
from sigdep.testing.servers import PostgreSQL, ServerMissing
from tests.conftest import missing_servers_skip


def test_the_server_has_the_version_it_is_named_for(postgresql_server: PostgreSQL) -> None:
    assert postgresql_server.query("SHOW server_version").startswith(f"{postgresql_server.major}.")


def test_the_server_syncs_what_it_promises(postgresql_server: PostgreSQL) -> None:
    assert postgresql_server.query("SHOW fsync") == "on"


async def test_the_dsn_leads_a_driver_to_a_database_of_its_own(postgresql_dsn: str) -> None:
    connection = await asyncpg.connect(postgresql_dsn)
    try:
        assert (await connection.fetchval("SELECT current_database()")).startswith("test_")
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    finally:
        await connection.close()


def test_a_database_is_a_copy_of_its_template(postgresql_server: PostgreSQL) -> None:
    template = postgresql_server.create_database()
    postgresql_server.query("CREATE TABLE greeting AS SELECT 'hello' AS word", template)

    copy = postgresql_server.create_database(template)

    assert postgresql_server.query("SELECT word FROM greeting", copy) == "hello"
    for name in (copy, template):
        postgresql_server.drop_database(name)


def test_what_was_committed_survives_a_crash(postgresql_server: PostgreSQL) -> None:
    database = postgresql_server.create_database()
    postgresql_server.query("CREATE TABLE kept AS SELECT 1 AS number", database)

    postgresql_server.crash()
    assert not postgresql_server.is_running()
    postgresql_server.start()

    assert postgresql_server.query("SELECT number FROM kept", database) == "1"
    postgresql_server.drop_database(database)


def test_the_folder_and_the_server_are_gone_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), missing_servers_skip(), servers.postgresql(18) as server:
        raise ZeroDivisionError
    assert not server.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_missing_server_is_skipped_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find_spec", lambda _name: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL 18"), missing_servers_skip():
        servers._installation(18)


def test_a_missing_server_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="PostgreSQL 16"), missing_servers_skip():
        raise ServerMissing("PostgreSQL 16")
