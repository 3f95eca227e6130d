"""The distributed system does its work with every broker that a cluster can start, also while that starts again."""

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sigdep.contracts.ids import WorkspaceId
from sigdep.gateway.figures import Figures
from sigdep.kernel.broker import BrokerPosition, log_position
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import Partition, Position, partition_of
from sigdep.services.distributed.broker_wiring import open_broker
from sigdep.services.distributed.cluster import TARGETS, Cluster, running_cluster
from sigdep.services.distributed.engines.brokers import BROKERS
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.plan import Plan
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.observing.watch import Watch
from sigdep.testing.running_server import RunningServer
from tests.conftest import missing_servers_skip
from tests.system.installations import need_broker
from tests.system.person import Person, signed_up

FOLLOWED: Final = ("tasks", "calendar", "users", "notifications")
"""The topics, all of which somebody else reads than who publishes."""

HEARD_SECONDS_MAX: Final = 75.0
"""Until every topic was heard. Under the limit of a test, so that it is this one that says what is missing."""

TELL_AGAIN_SECONDS: Final = 1.0

METRICS_SECONDS_MAX: Final = 15.0

CARRIED_SECONDS_MAX: Final = 150.0
"""Until the broker has what is in the log, also when it has to start for that, on a busy machine."""


@asynccontextmanager
async def cluster_with(broker: str) -> AsyncIterator[Cluster]:
    need_broker(broker)
    with tempfile.TemporaryDirectory(prefix="sigdep-brokers-") as name:
        Path(name).chmod(0o711)  # PostgreSQL may have to run as somebody else.
        plan = Plan(data=Path(name) / "data", port=free_port(), broker=broker, settings={"SIGDEP_LIMITS": "false"})
        with missing_servers_skip():
            async with running_cluster(plan, lambda _line: None) as cluster:
                yield cluster


@pytest.mark.every_broker
async def test_what_one_service_tells_the_others_hear_by_the_broker(
    server: RunningServer, ada: Person, bob: Person
) -> None:
    """Without this, all else would be right as well, by way of the logs."""
    if server.mode == "up":
        return  # It needs no broker.
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "member")
    expected = {(operation, topic) for operation in ("publish", "read") for topic in FOLLOWED}
    carried = set[tuple[str, str]]()
    end = time.monotonic() + HEARD_SECONDS_MAX
    number = 0
    while not expected <= carried:
        missing = ", ".join(f"{operation} {topic}" for operation, topic in sorted(expected - carried))
        assert time.monotonic() < end, f"The broker has not carried this: {missing}."
        # Again and again: what was told before somebody began to listen, they have from the log.
        number += 1
        await _tell(ada, bob, workspace, number)
        await asyncio.sleep(TELL_AGAIN_SECONDS)
        carried |= await _carried(server)


async def _tell(ada: Person, bob: Person, workspace: str, number: int) -> None:
    """Something of every topic, in the same partitions each time."""
    await ada.add_task(f"Number {number}", workspace_id=workspace, assignee_ids=[bob.id])
    await ada.write("POST", "/api/calendars", {"name": f"Number {number}", "workspace_id": workspace})
    await ada.write("PATCH", "/api/users/me", {"name": f"Ada {number}"})


async def _carried(server: RunningServer) -> set[tuple[str, str]]:
    """What the processes say that they have published and read, of which topics."""
    targets = json.loads((server.data / TARGETS).read_bytes())
    found = set[tuple[str, str]]()
    async with httpx.AsyncClient(timeout=METRICS_SECONDS_MAX) as client:
        for target in targets:
            page = (await client.get(f"http://{target['targets'][0]}/metrics")).text
            samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
            found |= {
                (sample.labels["operation"], sample.labels["topic"])
                for sample in samples
                if sample.name == "sigdep_broker_messages_total" and sample.value > 0
            }
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BROKERS)
async def test_everything_is_carried_and_a_broker_that_starts_again_costs_nothing(name: str) -> None:
    async with cluster_with(name) as cluster, signed_up(cluster.url) as ada:
        titles = [await _add(ada, number) for number in range(5)]
        await _until_carried(cluster, ada)
        _start_again(cluster, name)
        titles += [await _add(ada, number) for number in range(5, 10)]  # It may be away still.
        await _until_carried(cluster, ada)
        titles += [await _add(ada, number) for number in range(10, 15)]
        await _until_carried(cluster, ada)
        assert [task["title"] for task in await ada.items("/api/tasks", sort="number")] == titles
        assert cluster.programs[name].restarts == 1
        _no_password_is_shown(cluster)


async def _add(person: Person, number: int) -> str:
    """Write, and read it at the other side."""
    task = await person.add_task(f"Number {number}")
    shown = await person.read(f"/api/tasks/{task['id']}")
    return str(shown["title"])


def _start_again(cluster: Cluster, name: str) -> None:
    process_id = cluster.programs[name].process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGTERM)


async def _until_carried(cluster: Cluster, person: Person) -> None:
    """Until the broker has what the log holds last of a person's tasks."""
    assert cluster.broker is not None
    partition = partition_of(WorkspaceId(UUID(person.workspace)))
    head = await _head(cluster, partition)
    async with AsyncExitStack() as stack:
        broker = open_broker(ServiceSettings(broker_url=cluster.broker.url), Watch("tests", Figures()), stack)
        assert broker is not None
        last: BrokerPosition | None = None
        async with asyncio.timeout(CARRIED_SECONDS_MAX):
            while last is None or log_position(last) < head:
                await asyncio.sleep(0.05)
                with suppress(
                    Unavailable
                ):  # Where much else runs, a broker may take longer to start than it may be away.
                    last = await broker.last("tasks", partition)


async def _head(cluster: Cluster, partition: Partition) -> Position:
    connection = await asyncpg.connect(cluster.postgresql.url("tasks_write"))
    try:
        return Position(
            await connection.fetchval("SELECT max(position) FROM log.event WHERE partition = $1", partition)
        )
    finally:
        await connection.close()


def _no_password_is_shown(cluster: Cluster) -> None:
    """In a log, or to whoever lists the processes of this machine."""
    assert cluster.broker is not None
    _, _, secret = cluster.broker.url.rpartition("@")[0].rpartition(":")
    if not secret:
        return
    logs = cluster.postgresql.folder.parent / "logs"
    for log in logs.glob("*.log"):
        assert secret not in log.read_text(errors="replace"), f"{log.name} shows the password."
    for program in cluster.programs.values():
        assert secret not in Path(f"/proc/{program.process_id}/cmdline").read_text()
