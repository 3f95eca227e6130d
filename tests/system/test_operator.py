"""What an operator does with the data: backs it up while it is in use, restores it elsewhere, rebuilds, verifies."""

import asyncio
import sqlite3
import subprocess
from pathlib import Path

import pytest

from sigdep.testing.running_server import RunningServer, running_server
from tests.system.feed import read_feed
from tests.system.ledger import Writer
from tests.system.person import JSON, Person, signed_up


async def test_a_backup_taken_under_writers_verifies_and_answers_elsewhere(tmp_path: Path) -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            finished = [await ada.add_task(f"Before {number}") for number in range(20)]
            writers = [Writer(f"w{number}", number) for number in range(8)]
            writing = [asyncio.ensure_future(writer.write_until_cut_off(ada)) for writer in writers]
            await asyncio.sleep(0.3)
            held = {write.mark for writer in writers for write in writer.acknowledged}
            succeeded(await asyncio.to_thread(server.run, "backup", str(tmp_path / "backup")))
            await asyncio.sleep(0.2)
            server.kill()
            await asyncio.gather(*writing)
            server.start()
            everything, _ = await read_feed(ada)

            restored = tmp_path / "restored"
            succeeded(server.command("restore", str(tmp_path / "backup"), "--data-dir", str(restored)))
            succeeded(server.command("verify", "--data-dir", str(restored)))
            with running_server(data=restored) as other:
                await ada.move_to(other.url)
                part, _ = await read_feed(ada)
                assert _events(part) == _events(everything)[: len(part)], "The backup is no prefix of the log."
                assert held <= {mark for item in part for mark in _marks(item)}
                shown = {task["id"]: task for task in await ada.items("/api/tasks")}
                assert {task["id"] for task in finished} <= shown.keys()
                assert all(shown[task["id"]] == task for task in finished)
                added = await ada.add_task("Life goes on")
                assert added["number"] > max(task["number"] for task in shown.values())


def _events(items: list[JSON]) -> list[JSON]:
    return [item["event"] for item in items]


def _marks(item: JSON) -> list[str]:
    return [text for text in item["event"]["data"].values() if isinstance(text, str) and text.startswith("<w")]


async def test_a_rebuild_gives_the_same_answers_and_verifies() -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            await _live(ada)
            before = await _answers(ada)
            server.stop()
            succeeded(server.run("rebuild", "all"))
            succeeded(server.run("verify"))
            server.start()
            assert await _answers(ada) == before


async def test_views_that_were_thrown_away_come_back() -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            await _live(ada)
            before = await _answers(ada)
            server.kill()
            for path in server.data.glob("*.views.db*"):
                path.unlink()
            server.start()
            assert await _answers(ada) == before
            assert server.stop() == 0
            succeeded(server.run("verify"))


async def _live(person: Person) -> None:
    project = await person.write("POST", "/api/projects", {"name": "House"})
    tasks = [await person.add_task(f"Task {number}", project_id=project["id"]) for number in range(30)]
    for task in tasks[::2]:
        await person.edit_task(task["id"], priority="high", due_on="2026-12-24")
    for task in tasks[::3]:
        await person.write("POST", f"/api/tasks/{task['id']}/complete")
    await person.write("DELETE", f"/api/tasks/{tasks[-1]['id']}")
    await person.add_task("Child", parent_id=tasks[1]["id"])


async def _answers(person: Person) -> list[object]:
    return [
        await person.items("/api/tasks", sort="-due_at"),
        await person.items("/api/tasks", trashed="true"),
        await person.items("/api/tasks", filter="priority >= high and not status:done"),
        await person.items("/api/tasks", q="task"),
        await person.items("/api/projects"),
        await person.items("/api/workspaces"),
        await person.read("/api/users/me"),
    ]


async def test_verify_names_the_place_where_the_past_was_changed() -> None:
    """Somebody with access to the files, and with the triggers out of the way."""
    with running_server() as server:
        async with signed_up(server.url) as ada:
            for number in range(5):
                await ada.add_task(f"Task {number}")
        server.stop()
        succeeded(server.run("verify"))
        _flip_one_bit(server.data / "tasks.log.db")
        verified = server.run("verify")
        assert verified.returncode == 1, verified.stdout + verified.stderr
        assert "tasks" in verified.stdout + verified.stderr
        assert "Traceback" not in verified.stderr


async def test_verify_notices_a_view_that_does_not_follow_from_the_log() -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            await ada.add_task("Buy milk")
            await ada.items("/api/tasks", after=ada.position)
        server.stop()
        _spoil_view(server.data / "tasks.views.db", "Buy milk", "Buy silk")
        verified = server.run("verify")
        assert verified.returncode == 1, verified.stdout + verified.stderr
        succeeded(server.run("rebuild", "tasks"))
        succeeded(server.run("verify"))


def test_restore_does_not_overwrite_data(tmp_path: Path, embedded: RunningServer) -> None:
    succeeded(embedded.run("backup", str(tmp_path / "backup")))
    refused = embedded.run("restore", str(tmp_path / "backup"))
    assert refused.returncode not in (0, None)
    assert "Traceback" not in refused.stderr
    assert refused.stderr.strip()


@pytest.mark.parametrize("command", ["verify", "rebuild", "backup", "restore"])
def test_a_folder_without_data_is_refused_with_a_sentence(
    command: str, tmp_path: Path, embedded: RunningServer
) -> None:
    arguments = {"rebuild": ["tasks"], "backup": [str(tmp_path / "to")], "restore": [str(tmp_path / "from")]}
    refused = embedded.command(command, *arguments.get(command, []), "--data-dir", str(tmp_path / "nothing"))
    assert refused.returncode not in (0, None)
    assert "Traceback" not in refused.stderr
    assert refused.stderr.strip()
    assert not (tmp_path / "nothing" / "tasks.log.db").exists()


def _flip_one_bit(log: Path) -> None:
    with sqlite3.connect(log) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        (rowid, payload) = connection.execute(
            "SELECT rowid, payload FROM event ORDER BY rowid LIMIT 1 OFFSET 2"
        ).fetchone()
        spoilt = bytes([payload[0] ^ 1]) + payload[1:]
        connection.execute("UPDATE event SET payload = ? WHERE rowid = ?", (spoilt, rowid))
    connection.close()


def _spoil_view(views: Path, text: str, other: str) -> None:
    """Change every text column of every table that holds the text."""
    connection = sqlite3.connect(views)
    changed = 0
    with connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                if kind.upper().startswith(("TEXT", "BLOB")):
                    statement = f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE "{column}" = ?'
                    changed += connection.execute(statement, (text, other, text)).rowcount
    connection.close()
    assert changed, "The view holds no such text: nothing was spoilt."


def succeeded(finished: subprocess.CompletedProcess[str]) -> None:
    assert finished.returncode == 0, finished.stdout + finished.stderr
