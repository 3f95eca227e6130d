"""A real Prometheus scrapes every process, and what it has then makes sense."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from sigdep.services.distributed.cluster import TARGETS
from sigdep.services.distributed.roles import ROLES
from sigdep.testing.broker_servers import running
from sigdep.testing.prometheus_server import PrometheusServer
from sigdep.testing.running_server import RunningServer, running_server
from sigdep.testing.webhook_sink import WebhookSink
from tests.conftest import missing_servers_skip
from tests.system.person import Person, signed_up

TASKS: Final = 20
SECONDS_MAX: Final = 60.0
PROCESSES: Final = {"gateway", *ROLES}
LEASES: Final = {
    ("tasks.write", "tasks relay"),
    ("tasks.write", "tasks reactions"),
    ("tasks.read", "tasks projector"),
    ("users.write", "users relay"),
    ("users.write", "users projector"),
    ("users.write", "erasures"),
    ("users.read", "users projector"),
    ("users.read", "users reactions"),
    ("calendar.write", "calendar relay"),
    ("calendar.read", "calendar projector"),
    ("notifications.write", "notifications relay"),
    ("notifications.write", "reminders of tasks"),
    ("notifications.write", "reminders of calendar"),
    ("notifications.write", "webhook deliveries"),
    ("notifications.write", "webhook records"),
    ("notifications.read", "notifications projector"),
}
"""Some of them."""


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    with missing_servers_skip(), running(PrometheusServer) as server:
        yield server


@pytest.fixture(scope="module", params=["up", "cluster"])
def observed(request: pytest.FixtureRequest, prometheus: PrometheusServer) -> Iterator[RunningServer]:
    """A server that Prometheus scrapes."""
    with running_server(mode=request.param, outgoing_allow="127.0.0.0/8") as server:
        prometheus.scrape(targets_of(server))
        yield server
        prometheus.scrape([])
        server.stop()


def targets_of(server: RunningServer) -> list[dict[str, Any]]:
    if server.mode == "cluster":
        targets: list[dict[str, Any]] = json.loads((server.data / TARGETS).read_bytes())
        return targets
    return [{"targets": [urlsplit(server.url).netloc], "labels": {"process": "up"}}]


async def until(prometheus: PrometheusServer, question: str, right: Callable[[list[float]], bool]) -> list[float]:
    """The values, once they are right."""
    values: list[float] = []
    try:
        async with asyncio.timeout(SECONDS_MAX):
            while not right(values := list(prometheus.query(question).values())):
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"{question} is {values}")
    return values


def by(prometheus: PrometheusServer, question: str, label: str) -> dict[str, float]:
    return {dict(labels)[label]: value for labels, value in prometheus.query(question).items()}


async def test_prometheus_has_of_every_process_what_it_did(
    observed: RunningServer, prometheus: PrometheusServer
) -> None:
    several = observed.mode == "cluster"
    async with signed_up(observed.url) as ada:
        await until(prometheus, "sum(up)", lambda values: values == [len(PROCESSES) if several else 1])
        for number in range(TASKS):
            await ada.add_task(f"Task {number}")
        await ada.read("/api/tasks")
        missing = await ada.client.get("/api/tasks/0199a000-0000-7000-8000-00000000ffff")
        assert missing.status_code == 404
    for question, number in {
        'sigdep_service_asks_total{service="tasks.write", message="CreateTask", outcome="ok"}': TASKS,
        'sigdep_http_requests_total{route="/api/tasks", status="201"}': TASKS,
        'sum(sigdep_service_asks_total{service="tasks.read", outcome="not_found"})': 1,
        'sigdep_appends_total{log="tasks", outcome="ok"}': TASKS,
        'sigdep_flush_appends_sum{log="tasks"}': TASKS,
        "max(sigdep_follower_lag_events)": 0,
        "max(sigdep_follower_lag_seconds)": 0,
        "min(sigdep_follower_fit)": 1,
    }.items():
        await until(prometheus, question, lambda values, number=number: values == [number])  # type: ignore[misc]
    (stored,) = prometheus.query('sigdep_appended_events_total{log="tasks"}').values()
    assert stored >= TASKS
    (took,) = prometheus.query('sigdep_append_seconds_sum{log="tasks"} / sigdep_append_seconds_count').values()
    assert 0 < took < 10
    followers = set(by(prometheus, "max by (follower) (sigdep_follower_lag_seconds)", "follower"))
    assert followers >= {"tasks projector", "users projector", "tasks reactions"}
    assert set(by(prometheus, "sigdep_build_info", "service")) == (PROCESSES if several else {"up"})
    assert all(10e6 < size < 1e9 for size in prometheus.query("process_resident_memory_bytes").values())
    if several:
        await _has_what_only_services_have(prometheus)


async def _has_what_only_services_have(prometheus: PrometheusServer) -> None:
    held = "sum by (service, lease) (sigdep_lease_held)"
    await until(prometheus, held, lambda values: len(values) >= len(LEASES) and set(values) == {1})
    found = [dict(labels) for labels in prometheus.query(held)]
    assert {(labels["service"], labels["lease"]) for labels in found} >= LEASES
    assert {"tasks relay", "users relay"} <= set(by(prometheus, "sigdep_follower_lag_seconds", "follower"))
    published = 'sum(sigdep_broker_messages_total{topic="tasks", operation="publish"})'
    await until(prometheus, published, lambda values: len(values) == 1 and values[0] >= TASKS)
    assert sum(prometheus.query("sigdep_broker_failures_total").values()) == 0
    asked = 'sum(sigdep_peer_asks_total{service="tasks.write", process="gateway"})'
    await until(prometheus, asked, lambda values: values == [TASKS])


async def test_what_webhooks_are_told_is_counted(observed: RunningServer, prometheus: PrometheusServer) -> None:
    sink = WebhookSink()
    await sink.start()
    try:
        async with signed_up(observed.url) as ada:
            webhook = await ada.write("POST", "/api/webhooks", {"url": sink.url})
            sink.secret = webhook["secret"]
            await ada.add_task("Heard")
            sent = 'sum(sigdep_deliveries_total{channel="webhook", outcome="sent"})'
            await until(prometheus, sent, lambda values: values == [1])
            sink.answer_status = 410
            await ada.add_task("Gone")
            await until(prometheus, "sum(sigdep_webhooks_disabled_total)", lambda values: values == [1])
    finally:
        await sink.stop()
    failed = 'sum(sigdep_deliveries_total{channel="webhook", outcome="failed"})'
    await until(prometheus, failed, lambda values: values == [1])
    (calls,) = prometheus.query('sum(sigdep_delivery_seconds_count{channel="webhook"})').values()
    assert calls == 2
    for waiting in ("sigdep_deliveries_due", "sigdep_delivery_overdue_seconds"):
        await until(prometheus, f'max({waiting}{{channel="webhook"}})', lambda values: values == [0])


async def test_health_of_a_role_names_its_parts_by_http(observed: RunningServer) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        for target in targets_of(observed):
            address = target["targets"][0]
            assert (await client.get(f"http://{address}/health/live")).status_code == 200
            ready = (await client.get(f"http://{address}/health/ready")).json()
            assert ready["status"] == "ok"
            assert set(ready["parts"].values()) == {"ok"}
            if target["labels"]["process"] in ROLES:
                assert (await client.get(f"http://{address}/api/tasks")).status_code == 404


async def test_lag_grows_while_a_broker_is_asleep_and_ends_when_it_wakes(prometheus: PrometheusServer) -> None:
    """The relay is held up; followers ask the log themselves, and are not."""
    with running_server(mode="cluster") as server:
        prometheus.scrape(targets_of(server))
        async with signed_up(server.url) as ada:
            await ada.add_task()
            await until(prometheus, 'max(sigdep_follower_lag_seconds{follower="tasks relay"})', lambda v: v == [0])
            broker = int((server.data / "nats.pid").read_text())
            os.kill(broker, signal.SIGSTOP)
            try:
                await _write(ada)
                relay = 'sigdep_follower_lag_seconds{follower="tasks relay"}'
                (early,) = await until(prometheus, relay, lambda values: len(values) == 1 and values[0] > 1)
                await until(prometheus, relay, lambda values: len(values) == 1 and values[0] > early + 3)
                projector = 'max(sigdep_follower_lag_seconds{follower="tasks projector"})'
                await until(prometheus, projector, lambda values: len(values) == 1 and values[0] < 3)
            finally:
                os.kill(broker, signal.SIGCONT)
            await until(prometheus, relay, lambda values: values == [0])
        prometheus.scrape([])
        server.stop()


async def _write(ada: Person) -> None:
    for number in range(3):
        await ada.add_task(f"While the broker sleeps {number}")


def test_every_process_of_a_cluster_is_said_where_its_figures_are(observed: RunningServer) -> None:
    if observed.mode == "up":
        return
    said = dict(re.findall(r"^(\S+) +figures at ([\d.:]+)/metrics$", observed.printed, re.MULTILINE))
    assert said == {target["labels"]["process"]: target["targets"][0] for target in targets_of(observed)}
    assert Path(observed.data / TARGETS).exists()
