"""`sigdep migrate`, as an operator calls it: between a data folder and real databases."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import Partition
from sigdep.services.data_folder import LOGS, DataFolder
from sigdep.services.distributed.wiring import LOG_SCHEMA
from sigdep.services.menus import MENUS
from sigdep.testing.running_server import running_server
from sigdep.testing.sample_events import SAMPLE_EVENTS, new_stream, workspace_in, writing
from sigdep.testing.servers import PostgreSQL
from tests.system.person import signed_up

KEY = bytes(range(32))
APPENDS = 40
"""Of APPEND_EVENTS events each: enough that a move takes longer than it takes to kill it."""
APPEND_EVENTS = 250


def sigdep(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("sigdep")), *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(sigdep(*arguments), capture_output=True, text=True, timeout=90)


def succeeded(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def refused(finished: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert finished.returncode == code, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stderr


@pytest.fixture
def databases(postgresql_server: PostgreSQL) -> Iterator[dict[str, str]]:
    """An address for the logs, with `{context}` in it, and one for the keys."""
    name = postgresql_server.create_database()
    names = [f"{name}_{each}" for each in (*LOGS, "keys")]
    for each in names:
        postgresql_server.query(f'CREATE DATABASE "{each}"')
    yield {"logs": postgresql_server.dsn(f"{name}_{{context}}"), "keys": postgresql_server.dsn(f"{name}_keys")}
    for each in [name, *names]:
        postgresql_server.drop_database(each)


@pytest.fixture
async def folder(tmp_path: Path) -> DataFolder:
    """A data folder with logs of sample events."""
    folder = DataFolder(tmp_path / "data")
    folder.secrets.mkdir(mode=0o700, parents=True)
    for name, content in (("key-encryption-key", KEY), ("token-key", b"token"), ("signing-key.pem", b"signing")):
        (folder.secrets / name).write_bytes(content)
        (folder.secrets / name).chmod(0o600)
    keys = await SqliteKeyRing.open(folder.keys, KEY)
    for name in LOGS:
        store = await SqliteEventStore.open(folder.log(name), Codec(SAMPLE_EVENTS, keys))
        await store.append(writing(workspace_in(3), new_stream(), "a", "b"))
        await store.close()
    await keys.close()
    return folder


async def test_a_server_moves_to_databases_and_back(databases: dict[str, str], tmp_path: Path) -> None:
    secrets, home = tmp_path / "secrets", tmp_path / "home"
    with running_server(erase_grace_days=0) as server:
        async with signed_up(server.url) as ada:
            tasks = [await ada.add_task(f"Task {number}") for number in range(20)]
            await ada.write("POST", "/api/events", {"title": "Party", "start": "2026-12-01"})
            async with signed_up(server.url, "Bob") as bob:
                await bob.add_task("Forget me")
                await bob.write("POST", "/api/events", {"title": "Forget me", "start": "2026-12-01"})
                for person in (ada, bob):
                    await person.write("PATCH", "/api/notification-preferences", {"digest_at": "07:30"})
                await bob.write("DELETE", "/api/users/me", {})
            in_use = run("migrate", "--from", str(server.data), "--to", str(home))
            assert "Stop it first" in refused(in_use)
            await _somebody_erased(server.data)
            assert server.stop() == 0
            there = ("--to", databases["logs"], "--to-keys", databases["keys"], "--secrets", str(secrets))
            said = succeeded(run("migrate", "--from", str(server.data), *there))
            assert "postgres@" not in said
            assert "0 of them destroyed" not in said
            assert {path.name: path.read_bytes() for path in secrets.iterdir()} == {
                path.name: path.read_bytes() for path in DataFolder(server.data).secrets.iterdir()
            }
            assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o600}
            await _check_services_can_read(databases, secrets)
            back = ("--from", databases["logs"], "--from-keys", databases["keys"], "--secrets", str(secrets))
            assert succeeded(run("migrate", *back, "--to", str(home))).splitlines()[:5] == said.splitlines()[:5]
            succeeded(run("verify", "--data-dir", str(home)))
            heads = [succeeded(run("verify", "--heads", "--data-dir", str(data))) for data in (server.data, home)]
            assert [line for line in heads[0].splitlines() if " log, " in line] == [
                line for line in heads[1].splitlines() if " log, " in line
            ]
            with running_server(data=home) as other:
                await ada.move_to(other.url)
                shown = {task["id"]: task for task in await ada.items("/api/tasks")}
                assert shown == {task["id"]: task for task in tasks}
                assert (await ada.add_task("Life goes on"))["number"] == tasks[-1]["number"] + 1


async def _somebody_erased(data: Path) -> None:
    with closing(sqlite3.connect(f"file:{DataFolder(data).keys}?mode=ro", uri=True)) as keys:
        for _ in range(1_500):
            if keys.execute("SELECT count(*) FROM subject_key WHERE wrapped IS NULL").fetchone()[0]:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("Nobody has been erased.")


async def _check_services_can_read(databases: dict[str, str], secrets: Path) -> None:
    """With the schemas and secrets that services use."""
    keys = await PostgresKeyRing.open(databases["keys"], (secrets / "key-encryption-key").read_bytes())
    for name, events in ((menu.name, menu.events) for menu in MENUS.values()):
        url = databases["logs"].replace("{context}", name)
        store = await PostgresEventStore.open(url, Codec(events, keys), schema=LOG_SCHEMA)
        found = await store.read_all({})
        assert {recorded.event is None for recorded in found} == {True, False}
        for partition in await store.heads():
            assert not (await store.verify(partition)).faults
        await store.close()
    await keys.close()


async def test_a_killed_move_goes_on(folder: DataFolder, databases: dict[str, str], tmp_path: Path) -> None:
    await _fill(folder)
    there = ("--to", databases["logs"], "--to-keys", databases["keys"], "--secrets", str(tmp_path / "secrets"))
    command = ("migrate", "--from", str(folder.path), *there)
    url = databases["logs"].replace("{context}", "tasks")
    process = subprocess.Popen(sigdep(*command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    killed_at = await _until_some_events(url)
    process.kill()
    process.wait(10)
    assert 0 < killed_at < APPENDS * APPEND_EVENTS
    keys = await PostgresKeyRing.open(databases["keys"], KEY, schema="other")
    with pytest.raises(Exception, match="interrupted"):
        await PostgresEventStore.open(url, Codec(SAMPLE_EVENTS, keys), schema="log")
    await keys.close()
    assert f"tasks: {APPENDS * APPEND_EVENTS + 2:,} events." in _repeated(command)
    keys = await PostgresKeyRing.open(databases["keys"], KEY)
    store = await PostgresEventStore.open(url, Codec(SAMPLE_EVENTS, keys), schema="log")
    assert not (await store.verify(Partition(3))).faults
    await store.append(writing(workspace_in(3), new_stream(), "on"))
    refusal = refused(run(*command))
    assert "Stop them first" in refusal
    await store.close()
    await keys.close()


def _repeated(command: tuple[str, ...]) -> str:
    """The server may take a moment to notice that the killed one has gone."""
    finished = run(*command)
    for _ in range(20):
        if "Another `sigdep migrate`" not in finished.stderr:
            break
        time.sleep(0.25)
        finished = run(*command)
    return succeeded(finished)


async def _fill(folder: DataFolder) -> None:
    keys = await SqliteKeyRing.open(folder.keys, KEY)
    store = await SqliteEventStore.open(folder.log("tasks"), Codec(SAMPLE_EVENTS, keys))
    workspace = workspace_in(3)
    for _ in range(APPENDS):
        await store.append(writing(workspace, new_stream(), *["text " * 20] * APPEND_EVENTS))
    await store.close()
    await keys.close()


async def _until_some_events(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        for _ in range(10_000):
            if await connection.fetchval("SELECT to_regclass('log.event')") is not None:
                stored: int = await connection.fetchval("SELECT count(*) FROM log.event")
                if stored:
                    return stored
            await asyncio.sleep(0.002)
    finally:
        await connection.close()
    raise AssertionError("The move has not begun.")


def test_all_logs_may_be_in_one_database(folder: DataFolder, postgresql_dsn: str, tmp_path: Path) -> None:
    secrets = ("--secrets", str(tmp_path / "secrets"))
    succeeded(run("migrate", "--from", str(folder.path), "--to", postgresql_dsn, *secrets))
    succeeded(run("migrate", "--from", postgresql_dsn, "--to", str(tmp_path / "home"), *secrets))
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "home").rglob("*")} == {0}
    assert not (tmp_path / ".home.migrating").exists()


def test_other_secrets_are_refused(folder: DataFolder, postgresql_dsn: str, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    succeeded(run("migrate", "--from", str(folder.path), "--to", postgresql_dsn, "--secrets", str(secrets)))
    (secrets / "key-encryption-key").write_bytes(bytes(32))
    back = ("migrate", "--from", postgresql_dsn, "--to", str(tmp_path / "home"), "--secrets", str(secrets))
    assert "another key-encryption key" in refused(run(*back))
    (secrets / "key-encryption-key").unlink()
    assert "has no key-encryption-key" in refused(run(*back))
    assert not (tmp_path / "home").exists()


def test_a_database_without_logs_is_refused(postgresql_dsn: str, folder: DataFolder, tmp_path: Path) -> None:
    empty = ("--from", postgresql_dsn, "--to", str(tmp_path / "home"), "--secrets", str(folder.secrets))
    assert "has no key ring in schema keys" in refused(run("migrate", *empty))


def test_what_makes_no_sense_is_refused_with_a_sentence(folder: DataFolder, tmp_path: Path) -> None:
    url, data = "postgresql://nowhere/x", str(folder.path)
    for arguments, sentence in [
        (("--from", data, "--to", url), "with --secrets"),
        (("--from", data, "--to", data), "the same place"),
        (("--from", data, "--to", "postgresql://nowhere/{context}", "--secrets", data), "--to-keys"),
        (("--from", data, "--to", str(tmp_path / "new"), "--from-keys", url), "has its keys in it"),
    ]:
        assert sentence in refused(run("migrate", *arguments), 2)
    assert "is not empty" in refused(run("migrate", "--from", data, "--to", str(tmp_path)))
    assert "holds no data" in refused(run("migrate", "--from", str(tmp_path / "no"), "--to", str(tmp_path / "new")))
    assert not (tmp_path / "new").exists()
