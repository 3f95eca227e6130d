"""A fork server gives processes that have loaded their code: each is like one that was started by its command."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest

from sigdep.services.distributed.cluster import FORK_SERVER
from sigdep.services.distributed.forks import Forks
from sigdep.services.distributed.roles import ROLES
from sigdep.services.distributed.supervisor import Process, Program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks only there")

SECONDS_MAX: Final = 60.0
INSTEAD: Final = (sys.executable, "-c", "print('instead of a fork')")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a service whose database is away: it waits for it."""
    away = "postgresql://nobody@127.0.0.1:1/nothing"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIGDEP_")}
    return ours | {
        "SIGDEP_DATABASE_URL": away,
        "SIGDEP_KEYS_URL": away,
        "SIGDEP_SECRETS_DIR": str(tmp_path / "secrets"),
        "SIGDEP_PUBLIC_URL": "http://127.0.0.1:1",
        "SIGDEP_BROKER_URL": "nats://127.0.0.1:1",
        "SIGDEP_REDIS_URL": "redis://127.0.0.1:1/0",
        **{f"SIGDEP_{role.replace('.', '_').upper()}": "127.0.0.1:1" for role in ROLES},
    }


@pytest.fixture
async def forks(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Forks]:
    forks = Forks(FORK_SERVER, environment, tmp_path / "fork-server.log")
    yield forks
    await forks.close()


class Starting:
    """Starts `sigdep run …` by forks, and shows what it has said."""

    def __init__(self, forks: Forks, environment: dict[str, str], log: Path) -> None:
        self._forks = forks
        self._environment = environment
        self._log = log

    async def run(self, role: str) -> Process:
        program = Program(name=role, command=INSTEAD, environment=self._environment, log=self._log, ends_with_us=True)
        with self._log.open("ab") as log:
            return await self._forks.start(program, ("run", role, "--end-with-input"), log)

    async def waiting(self, role: str) -> Process:
        """Until it has come so far that it waits for its database."""
        begun = self.said.count("waiting")
        process = await self.run(role)
        await _until(lambda: self.said.count("waiting") > begun)
        return process

    @property
    def said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@pytest.fixture
def starting(forks: Forks, environment: dict[str, str], tmp_path: Path) -> Starting:
    return Starting(forks, environment, tmp_path / "said.log")


async def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < until
        await asyncio.sleep(0.02)


def _is_there(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def _parent(process_id: int) -> int:
    return int(Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[1])


async def test_a_fork_runs_the_command_and_says_how_it_ended(starting: Starting) -> None:
    process = await starting.run("tasks.nonsense")
    assert await process.wait() == 1
    assert process.returncode == 1
    assert "There is no role tasks.nonsense." in starting.said
    with pytest.raises(ProcessLookupError):
        process.send_signal(signal.SIGTERM)


async def test_a_fork_has_the_environment_of_its_own(starting: Starting, environment: dict[str, str]) -> None:
    await (await starting.run("tasks.nonsense")).wait()
    environment["SIGDEP_LOG_LEVEL"] = "deafening"
    assert await (await starting.run("tasks.read")).wait() == 1
    assert "SIGDEP_LOG_LEVEL" in starting.said


async def test_a_fork_that_is_killed_is_told_of(starting: Starting) -> None:
    for role in ROLES:
        process = await starting.waiting(role)
        assert process.returncode is None
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL


async def test_people_find_a_fork_by_its_name(starting: Starting) -> None:
    process = await starting.waiting("tasks.read")
    assert Path(f"/proc/{process.pid}/comm").read_text().strip() == "tasks.read"


async def test_a_server_forks_while_it_has_one_thread(starting: Starting) -> None:
    """A fork takes the thread that calls for it. What others hold, as gRPC's, would be held there for ever."""
    process = await starting.waiting("tasks.read")
    server = _parent(process.pid)
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1


async def test_forks_end_with_whoever_has_asked_for_them(starting: Starting, forks: Forks) -> None:
    process = await starting.waiting("users.write")
    server = _parent(process.pid)
    await forks.close()
    await _until(lambda: not _is_there(process.pid) and not _is_there(server))


async def test_forks_end_with_their_server_and_there_is_a_next_one(starting: Starting) -> None:
    first, second = await starting.waiting("users.write"), await starting.waiting("tasks.write")
    os.kill(_parent(first.pid), signal.SIGKILL)
    assert [await first.wait(), await second.wait()] == [-signal.SIGKILL] * 2
    await _until(lambda: not _is_there(first.pid) and not _is_there(second.pid))
    again = await starting.waiting("users.write")
    assert again.returncode is None
    assert "instead of a fork" not in starting.said


async def test_without_a_server_the_command_is_started(environment: dict[str, str], tmp_path: Path) -> None:
    forks = Forks((sys.executable, "-c", "raise SystemExit('cannot')"), environment, tmp_path / "fork-server.log")
    starting = Starting(forks, environment, tmp_path / "said.log")
    assert await (await starting.run("tasks.write")).wait() == 0
    assert "instead of a fork" in starting.said
    await forks.close()


def test_forks_make_ids_of_their_own() -> None:
    """The generator of ids is one of a library, and a fork has its parent's memory."""
    made = subprocess.run([sys.executable, "-c", _TWO_FORKS], check=True, capture_output=True, text=True).stdout.split()
    assert len({one.rpartition("-")[2] for one in made}) == 3, made


_TWO_FORKS: Final = """
import os
from uuid_utils.compat import uuid7
print(uuid7(), flush=True)
for _ in range(2):
    if not os.fork():
        print(uuid7(), flush=True)
        os._exit(0)
    os.wait()
"""
