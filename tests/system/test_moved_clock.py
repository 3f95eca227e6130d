"""The wall clock of a running server jumps, ahead and back: nothing is lost, and order does not depend on it."""

import shutil
import struct
import subprocess
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from sigdep.testing.running_server import running_server
from tests.system.feed import read_feed
from tests.system.person import signed_up

HOUR: Final = 3_600
JUMPS: Final = (HOUR, -2 * HOUR, 0, 30 * 24 * HOUR, -HOUR)
"""Seconds that the clock is wrong by, one after the other."""


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says how wrong the clock of a server is that is started in this test."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a moved clock: needs a C compiler (cc)")
    library, offset = tmp_path / "moved_clock.so", tmp_path / "offset"
    source = Path(__file__).with_name("moved_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True, timeout=60)
    offset.write_bytes(struct.pack("l", 0))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_OFFSET_FILE", str(offset))
    return offset


def move(clock: Path, seconds: int) -> None:
    with clock.open("r+b") as file:  # In place: the server has it mapped.
        file.write(struct.pack("l", seconds))


async def test_order_and_versions_do_not_depend_on_the_clock(clock: Path) -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            shared = await ada.add_task("Shared")
            added = [shared]
            recorded_wrong = False
            for number, seconds in enumerate(JUMPS):
                move(clock, seconds)
                await ada.sign_in()  # Their session ended when the clock jumped, or has not begun.
                added.append(await ada.add_task(f"Task {number}"))
                await ada.edit_task(shared["id"], title=f"Shared {number}")
                off_by = datetime.fromisoformat(added[-1]["created_at"]).timestamp() - _now()
                recorded_wrong |= abs(off_by - seconds) < 60 and seconds != 0
                assert (await ada.task(shared["id"]))["title"] == f"Shared {number}"
            assert recorded_wrong, "The clock of the server was never wrong: nothing was tested."
            assert [task["number"] for task in added] == list(range(1, len(JUMPS) + 2))

            items, _ = await read_feed(ada)
            events = [item["event"] for item in items if item["event"]["source"].endswith("tasks")]
            versions = [event["streamversion"] for event in events if event["subject"].endswith(shared["id"])]
            assert versions == list(range(1, len(JUMPS) + 2))
            times = [datetime.fromisoformat(event["time"]) for event in events]
            assert all(earlier <= later for earlier, later in pairwise(times)), "The log's own time went back."
            before = await ada.items("/api/tasks")

            move(clock, 0)
            assert server.stop() == 0
            verified = server.run("verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr
            server.start()
            await ada.sign_in()
            assert await ada.items("/api/tasks") == before


def _now() -> float:
    """By the clock of the test, which is right."""
    return time.time()
