"""Ruff is watched catching a clock or an id made anywhere but at the edge."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def complaints(source: str, filename: str) -> str:
    result = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "--select=TID251", "--no-cache",
         "--output-format=concise", "--stdin-filename", filename, "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    return result.stdout


@pytest.mark.parametrize(
    "source",
    [
        "from uuid import uuid1\nuuid1()\n",
        "import uuid\nuuid.uuid4()\n",
        "import datetime\ndatetime.datetime.now(datetime.UTC)\n",
        "from datetime import datetime\ndatetime.utcnow()\n",
        "import time\ntime.time()\n",
    ],
)
@pytest.mark.parametrize(
    "filename", ["src/sigdep/kernel/stray.py", "src/sigdep/recurrence/stray.py", "src/sigdep/tasks/domain/stray.py"]
)
def test_a_clock_or_an_id_is_banned_inside(source: str, filename: str) -> None:
    assert "time and ids are stamped at the edge: sigdep.http.stamps" in complaints(source, filename)


@pytest.mark.parametrize("folder", ["adapters", "http", "services", "telemetry", "cli", "testing"])
def test_the_edge_may_read_the_clock(folder: str) -> None:
    assert "TID251" not in complaints("import time\ntime.time()\n", f"src/sigdep/{folder}/stray.py")
