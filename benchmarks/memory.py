"""How much memory does each service take, as a container of its own, when it has had a little to do?

    python -m benchmarks.memory

The whole system on this machine, each service an interpreter of its own. Somebody signs up, writes tasks, and reads
lists. Resident memory is what the kernel counts for each process, the libraries included that containers may share.
"""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from benchmarks.figures import Figure, keep_figures, print_figures
from benchmarks.starts import temporary_folder
from sigdep.services.distributed.cluster import Cluster, running_cluster
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.plan import Plan
from sigdep.services.distributed.process import NAMES

TASKS: Final = 50
WHO: Final = {"email": "ada@example.org", "password": "correct horse battery"}
LISTS: Final = ("/api/tasks", "/api/calendars", "/api/notifications", "/api/users/me")


async def measure() -> Mapping[str, float]:
    """Megabytes of each role."""
    with temporary_folder() as folder:
        plan = Plan(data=folder / "data", port=free_port(), forked=False)
        async with running_cluster(plan, lambda _line: None) as cluster:
            await _use(cluster)
            return {name: _resident_megabytes(cluster, name) for name in NAMES}


async def _use(cluster: Cluster) -> None:
    async with httpx.AsyncClient(base_url=cluster.url, timeout=60, trust_env=False) as client:
        (await client.post("/api/users", json=WHO | {"name": "Ada"})).raise_for_status()
        session = (await client.post("/api/sessions", json=WHO)).raise_for_status().json()
        client.headers["authorization"] = f"Bearer {session['access_token']}"
        for number in range(TASKS):
            (await client.post("/api/tasks", json={"title": f"Task {number}"})).raise_for_status()
        for path in LISTS:
            (await client.get(path)).raise_for_status()


def _resident_megabytes(cluster: Cluster, name: str) -> float:
    process_id = cluster.programs[name].process_id
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{process_id}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1_000


def main() -> None:
    title = "memory"
    figures = [Figure(name=name, value=value, unit="MB") for name, value in asyncio.run(measure()).items()]
    print_figures(f"{title}: resident in each service", figures)
    print(f"  kept in {keep_figures(title, figures)}")


if __name__ == "__main__":
    main()
