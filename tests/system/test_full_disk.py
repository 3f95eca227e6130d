"""A disk that is full: writes are refused in good order, what was acknowledged stays, and life goes on afterwards."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sigdep.testing.running_server import running_server
from tests.system.person import JSON, Person, problem, signed_up

DISK_MEGABYTES = 16
WRITES_MAX = 5_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of DISK_MEGABYTES, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m,mode=700", "none", str(place))
    if mounted.returncode != 0:
        pytest.skip("a small disk: needs the right to mount one (root)")
    try:
        yield place
    finally:
        assert _run("umount", "--lazy", str(place)).returncode == 0


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)


async def test_writes_are_refused_until_there_is_room_again_and_nothing_is_lost(small_disk: Path) -> None:
    with running_server(data=small_disk / "data") as server:
        async with signed_up(server.url) as ada:
            acknowledged = [(await ada.add_task(f"Early {number}"))["id"] for number in range(20)]
            ballast = small_disk / "ballast"
            _fill(small_disk, ballast)
            refusal = await _write_until_refused(ada, acknowledged)
            assert problem(refusal, 503)["type"].endswith("/unavailable")
            assert int(refusal.headers["Retry-After"]) >= 1

            # Reading goes on, and so does saying that writing does not.
            assert (await ada.client.get(f"/api/tasks/{acknowledged[0]}")).status_code == 200
            for _ in range(5):
                answer = await ada.client.post("/api/tasks", json={"title": "Late"})
                assert answer.status_code in (201, 503), answer.text
                if answer.status_code == 201:
                    acknowledged.append(answer.json()["id"])

            ballast.unlink()
            acknowledged.append((await _write_when_possible(ada))["id"])
            assert {task["id"] for task in await ada.items("/api/tasks")} == set(acknowledged)
            assert "Traceback" not in server.printed

            assert server.stop() == 0
            verified = server.run("verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_killed_on_a_full_disk_it_starts_again_once_there_is_room(small_disk: Path) -> None:
    with running_server(data=small_disk / "data") as server:
        async with signed_up(server.url) as ada:
            acknowledged = [(await ada.add_task(f"Early {number}"))["id"] for number in range(20)]
            ballast = small_disk / "ballast"
            _fill(small_disk, ballast)
            await _write_until_refused(ada, acknowledged)
            server.kill()
            ballast.unlink()
            server.start()
            assert set(acknowledged) <= {task["id"] for task in await ada.items("/api/tasks")}
            server.stop()
            verified = server.run("verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr


def _fill(disk: Path, ballast: Path) -> None:
    """Leave less than one page of a database."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4_096))
        except OSError:
            pass
    assert shutil.disk_usage(disk).free < 4_096


async def _write_until_refused(person: Person, acknowledged: list[str]) -> httpx.Response:
    """What there is room for in the files as they are still succeeds."""
    for _ in range(WRITES_MAX):
        answer = await person.client.post("/api/tasks", json={"title": "x", "description": os.urandom(400).hex()})
        if answer.status_code != 201:
            return answer
        acknowledged.append(answer.json()["id"])
    raise AssertionError("The disk was never full.")


async def _write_when_possible(person: Person) -> JSON:
    for _ in range(50):
        answer = await person.client.post("/api/tasks", json={"title": "Room again"})
        if answer.status_code == 201:
            person.position = answer.headers["Sigdep-Position"]
            written: JSON = answer.json()
            return written
        assert answer.status_code == 503, answer.text
    raise AssertionError("There is room, and still it refuses.")
