"""Two gateways, and what they share by Redis: one allowance, tickets, who is here, and what has been revoked."""

import asyncio
import contextlib
import json
import os
import signal
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sigdep.services.distributed.cluster import Cluster, running_cluster
from sigdep.services.distributed.engines.processes import free_ports
from sigdep.services.distributed.plan import Plan
from tests.conftest import missing_servers_skip
from tests.system.conftest import LONG, Say
from tests.system.person import Person, signed_up
from tests.system.test_live import SECONDS_MAX, Memory, hear, subscribe

REVOCATIONS: Final = 50 if LONG else 10
WITHIN_SECONDS_MAX: Final = 1.0
"""Whatever becomes of Redis: the bound of a revocation. No request that begins later is let in, however slow the
machine is: what each process remembers it counts from when it asked."""

BUSY_SECONDS_MAX: Final = 5.0
"""For news to arrive by a connection, where the whole system has two cores together with other tests."""

HELD_SECONDS: Final = 3.0

READY_SECONDS_MAX: Final = 60.0
SHORT_BURST: Final = 40


@asynccontextmanager
async def two_gateways(broker: str = "nats", **settings: str) -> AsyncIterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="sigdep-gateways-") as name:
        Path(name).chmod(0o711)  # PostgreSQL may have to run as somebody else.
        plan = Plan(
            data=Path(name) / "data",
            port=free_ports(2),
            broker=broker,
            replicas={"gateway": 2, "users.read": 2},
            settings={f"SIGDEP_{setting.upper()}": value for setting, value in settings.items()},
        )
        with missing_servers_skip():
            async with running_cluster(plan, lambda _line: None) as cluster:
                assert cluster.redis is not None or os.environ.get("CI") != "true", "Redis is not installed."
                if cluster.redis is None:
                    pytest.skip("Redis is not on this machine.")
                yield cluster


class Elsewhere:
    """The same person at the other gateway, signed in by the same session."""

    def __init__(self, person: Person, url: str) -> None:
        self.url = url
        self.client = httpx.AsyncClient(base_url=url, headers=person.client.headers, timeout=30, trust_env=False)

    def live(self, **headers: str) -> connect:
        given = {"Authorization": self.client.headers["Authorization"]} | headers
        return live_at(self.url, **given)


def live_at(url: str, query: str = "", **headers: str) -> connect:
    return connect(f"{url.replace('http://', 'ws://')}/api/live{query}", additional_headers=headers, max_queue=None)


@asynccontextmanager
async def at(person: Person, url: str) -> AsyncIterator[Elsewhere]:
    elsewhere = Elsewhere(person, url)
    try:
        yield elsewhere
    finally:
        await elsewhere.client.aclose()


def fault(cluster: Cluster, number: int) -> None:
    process_id = cluster.programs["redis"].process_id
    assert process_id is not None
    os.kill(process_id, number)


async def flush(cluster: Cluster) -> None:
    assert cluster.redis is not None
    async with Redis.from_url(cluster.redis.url) as redis:
        await redis.flushall()


async def redis_is_up(url: str) -> bool:
    """For every purpose, as the gateway's figures say."""
    async with httpx.AsyncClient(trust_env=False) as client:
        figures = (await client.get(f"{url}/metrics")).text.splitlines()
    ups = [line for line in figures if line.startswith("sigdep_redis_up")]
    assert ups
    return all(line.endswith(" 1.0") for line in ups)


async def until_redis_is_up(cluster: Cluster) -> None:
    async with asyncio.timeout(READY_SECONDS_MAX):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if all([await redis_is_up(url) for url in cluster.urls]):
                    return
            await asyncio.sleep(0.1)


async def present(client: ClientConnection, count: int, users: set[str]) -> None:
    """Return when that many are said to be here, and these of them."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            told = (await hear(client, "present"))["present"]
            if told["count"] == count and set(told["user_ids"]) == users:
                return


@pytest.mark.timeout(300)
async def test_two_gateways_are_one_to_whoever_comes(say: Say) -> None:
    async with (
        two_gateways(limits="false") as cluster,
        signed_up(cluster.url, "Ada") as ada,
        signed_up(cluster.url, "Bob") as bob,
    ):
        assert len(cluster.urls) == 2
        await until_redis_is_up(cluster)
        await _a_ticket_crosses_once(cluster, ada)
        await _who_is_here_is_told_of_both(cluster, ada, bob)
        await _who_changes_the_gateway_misses_nothing(cluster, ada)
        await _revocations_are_quick(cluster, ada, bob, say)
        await _the_removed_are_refused_while_nothing_is_projected(cluster, ada, bob)
        await _who_listens_is_told_when_their_session_ends_at_the_other(cluster, bob, say)


async def _a_ticket_crosses_once(cluster: Cluster, ada: Person) -> None:
    ticket = (await ada.write("POST", "/api/live/tickets"))["ticket"]
    async with live_at(cluster.urls[1], f"?ticket={ticket}") as client:
        await subscribe(client, ada.workspace, "latest")
        await hear(client, "subscribed")
    for url in cluster.urls:
        with pytest.raises(InvalidStatus) as refused:
            async with live_at(url, f"?ticket={ticket}"):
                pass
        assert refused.value.response.status_code == 401


async def _who_is_here_is_told_of_both(cluster: Cluster, ada: Person, bob: Person) -> None:
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "viewer")
    asked = {"subscribe": {"workspace_id": workspace, "from": "latest", "presence": True}}
    async with AsyncExitStack() as stack, at(bob, cluster.urls[1]) as bob_there, at(ada, cluster.urls[1]) as ada_there:
        here = await stack.enter_async_context(live_at(cluster.urls[0], Authorization=f"Bearer {ada.token}"))
        await here.send(json.dumps(asked))
        await present(here, 1, {ada.id})
        async with bob_there.live() as there, ada_there.live() as again:
            for client in (there, again):
                await client.send(json.dumps(asked))
            await present(there, 2, {ada.id, bob.id})
            await present(here, 2, {ada.id, bob.id})
            await flush(cluster)
            await asyncio.sleep(6)  # Longer than a heartbeat.
        await present(here, 1, {ada.id})
        async with bob_there.live() as there:
            await there.send(json.dumps(asked))
            await present(here, 2, {ada.id, bob.id})
            process_id = cluster.programs["gateway.2"].process_id
            assert process_id is not None
            os.kill(process_id, signal.SIGKILL)
            await present(here, 1, {ada.id})
    await _until_both_answer(cluster)


async def _until_both_answer(cluster: Cluster) -> None:
    async with asyncio.timeout(READY_SECONDS_MAX), httpx.AsyncClient(trust_env=False) as client:
        for url in cluster.urls:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/health/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.1)


async def _who_changes_the_gateway_misses_nothing(cluster: Cluster, ada: Person) -> None:
    memory, titles = Memory(), [f"Number {number}" for number in range(60)]

    async def write() -> None:
        for title in titles:
            await ada.add_task(title)

    async def listen() -> None:
        turn = 0
        while len(memory.titles) < len(titles):
            url = cluster.urls[turn % 2]
            async with live_at(url, Authorization=f"Bearer {ada.token}") as client:
                await subscribe(client, ada.workspace, memory.position)
                await memory.listen(client, min(5 + turn % 4, len(titles) - len(memory.titles)))
            turn += 1

    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(write(), listen())
    assert memory.titles == titles


async def _revocations_are_quick(cluster: Cluster, ada: Person, bob: Person, say: Say) -> None:
    """Told at one gateway, known at the other, where the credential has just been used."""
    took: dict[str, list[float]] = {"token": [], "session": [], "membership": [], "live connection": []}
    async with at(ada, cluster.urls[1]) as there, at(bob, cluster.urls[1]) as bob_there:
        for _ in range(REVOCATIONS):
            token = await ada.write("POST", "/api/tokens", {"name": "x", "scopes": ["tasks:read"]})
            bearer = {"Authorization": f"Bearer {token['token']}"}
            await _used(there.client, "/api/tasks", bearer)
            await ada.write("DELETE", f"/api/tokens/{token['id']}")
            took["token"].append(await _refused(there.client, "/api/tasks", bearer, 401))

            workspace = await ada.open_workspace()
            await ada.invite(bob, workspace, "viewer")
            path = f"/api/tasks?workspace_id={workspace}"
            await _used(bob_there.client, path, {})
            async with bob_there.live() as client:
                await subscribe(client, workspace, "latest")
                await hear(client, "subscribed")
                await ada.write("DELETE", f"/api/workspaces/{workspace}/members/{bob.id}")
                refused, ended = await asyncio.gather(_refused(bob_there.client, path, {}, 404), _ended(client))
                took["membership"].append(refused)
                took["live connection"].append(ended)

            session = await ada.write("POST", "/api/sessions", {"email": ada.email, "password": ada.password})
            bearer = {"Authorization": f"Bearer {session['access_token']}"}
            await _used(there.client, "/api/users/me", bearer)
            await ada.client.delete("/api/sessions/current", headers=bearer)
            took["session"].append(await _refused(there.client, "/api/users/me", bearer, 401))
    for what, seconds in took.items():
        say(f"revoked {what}: p50 {statistics.median(seconds) * 1e3:.0f} ms, worst {max(seconds) * 1e3:.0f} ms")
        assert statistics.median(seconds) < WITHIN_SECONDS_MAX
        assert max(seconds) < (BUSY_SECONDS_MAX if what == "live connection" else WITHIN_SECONDS_MAX)


async def _the_removed_are_refused_while_nothing_is_projected(cluster: Cluster, ada: Person, bob: Person) -> None:
    """No replica of `users.read` gets on with its rows; Bob comes by both gateways and by a connection of his."""
    workspace = await ada.open_workspace()
    await ada.invite(bob, workspace, "viewer")
    path = f"/api/tasks?workspace_id={workspace}"
    async with at(bob, cluster.urls[1]) as there, there.live() as client:
        for one in (bob.client, there.client, ada.client):
            await _used(one, path, {})
        await subscribe(client, workspace, "latest")
        await hear(client, "subscribed")
        async with _no_row_changes(cluster):
            await ada.write("DELETE", f"/api/workspaces/{workspace}/members/{bob.id}")
            begun = time.monotonic()
            until = begun + HELD_SECONDS
            hearing = asyncio.create_task(_heard_by_who_insists(client, workspace, until))
            trying = [_let_in(one, path, until) for one in (bob.client, there.client, ada.client)]
            here_at, there_at, adas = await asyncio.gather(*trying)
            assert max(here_at, there_at) < begun + WITHIN_SECONDS_MAX
            assert adas > begun + WITHIN_SECONDS_MAX, "Others are answered."
            assert await hearing == []
        for one in (bob.client, there.client):
            await _refused(one, path, {}, 404)


async def _heard_by_who_insists(client: ClientConnection, workspace: str, until: float) -> list[str]:
    """What a client hears that subscribes again whenever it is told that it may not: no event, and nothing new."""
    heard: list[str] = []
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(until - time.monotonic()):
            while True:
                message = json.loads(await client.recv())
                heard += [kind for kind in message if kind in ("event", "subscribed")]
                if "unsubscribed" in message:
                    await subscribe(client, workspace, "latest")
    return heard


@asynccontextmanager
async def _no_row_changes(cluster: Cluster) -> AsyncIterator[None]:
    """Whoever projects people waits for a lock in the database of their read model."""
    connection = await asyncpg.connect(cluster.postgresql.url("users_read"))
    try:
        schema = await connection.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'checkpoint'")
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {schema}.checkpoint IN SHARE ROW EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def _let_in(client: httpx.AsyncClient, path: str, until: float) -> float:
    """When the last request began that was let in."""
    last = 0.0
    while (begun := time.monotonic()) < until:
        status = (await client.get(path)).status_code
        assert status in (200, 404, 503)
        if status == 200:
            last = begun
        await asyncio.sleep(0.01)
    return last


async def _who_listens_is_told_when_their_session_ends_at_the_other(cluster: Cluster, bob: Person, say: Say) -> None:
    async with live_at(cluster.urls[1], Authorization=f"Bearer {bob.token}") as client:
        await subscribe(client, bob.workspace)
        await hear(client, "subscribed")
        await bob.client.delete("/api/sessions/current")
        begun = time.monotonic()
        async with asyncio.timeout(SECONDS_MAX):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await client.recv()
        say(f"the connection of an ended session: closed after {(time.monotonic() - begun) * 1e3:.0f} ms")
        assert (client.close_code, time.monotonic() - begun < BUSY_SECONDS_MAX) == (4401, True)


async def _ended(client: ClientConnection) -> float:
    """Seconds until a subscription ends, from now on."""
    begun = time.monotonic()
    await hear(client, "unsubscribed")
    return time.monotonic() - begun


async def _used(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    for _ in range(5):
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text


async def _refused(client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int) -> float:
    """Seconds from now until the last request began that was let in. The end is this status, for good."""
    begun = let_in = time.monotonic()
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            asked = time.monotonic()
            answer = await client.get(path, headers=headers)
            if answer.status_code == status:
                break
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 200:
                let_in = asked
    for _ in range(20):
        assert (await client.get(path, headers=headers)).status_code == status
        await asyncio.sleep(0.01)
    return let_in - begun


async def _killed(cluster: Cluster) -> None:
    fault(cluster, signal.SIGKILL)


async def _stopped(cluster: Cluster) -> None:
    fault(cluster, signal.SIGSTOP)


FAULTS: Final[dict[str, Callable[[Cluster], Awaitable[None]]]] = {
    "flushed": flush,
    "killed": _killed,
    "stopped": _stopped,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("broker", ["nats", "redis"])
async def test_limits_are_one_and_hold_and_nobody_is_let_in_whatever_becomes_of_redis(broker: str, say: Say) -> None:
    limits = {"limit_per_second": "1", "limit_burst": str(SHORT_BURST)}
    limits |= {"address_limit_per_second": "1000", "address_limit_burst": "5000"}
    async with two_gateways(broker, **limits) as cluster:
        assert cluster.redis is not None
        assert (cluster.redis is cluster.broker) == (broker == "redis")
        await until_redis_is_up(cluster)
        await _one_allowance(cluster)
        if broker == "redis":
            return  # What happens when a broker dies is another test's.
        for name, becomes in FAULTS.items():
            await _while_redis_is_away(cluster, becomes, name, say)
            await until_redis_is_up(cluster)
        await _one_allowance(cluster)


async def _one_allowance(cluster: Cluster) -> None:
    async with signed_up(cluster.url) as person, at(person, cluster.urls[1]) as there:
        left = int((await person.client.get("/api/users/me")).headers["RateLimit-Remaining"])
        begun = time.monotonic()
        statuses = Counter[int]()
        for _ in range(SHORT_BURST):
            for client in (person.client, there.client):
                statuses[(await client.get("/api/users/me")).status_code] += 1
        took = time.monotonic() - begun
        assert set(statuses) == {200, 429}
        assert left <= statuses[200] <= left + took + 2, "Each gateway has counted for itself."


async def _while_redis_is_away(
    cluster: Cluster, becomes: Callable[[Cluster], Awaitable[None]], name: str, say: Say
) -> None:
    over, statuses = asyncio.Event(), Counter[int]()
    async with (
        signed_up(cluster.url) as ada,
        at(ada, cluster.urls[1]) as ada_there,
        signed_up(cluster.url, "Bob") as bob,
        at(bob, cluster.urls[1]) as bob_there,
    ):
        begun = time.monotonic()
        asking = asyncio.create_task(_ask(over, statuses, bob.client, bob_there.client))
        try:
            await _nobody_is_let_in(cluster, ada, ada_there, becomes)
            if name == "stopped":
                assert not any([await redis_is_up(url) for url in cluster.urls])
            await _what_one_gateway_can_do_alone(cluster, ada)
        finally:
            if name == "stopped":
                fault(cluster, signal.SIGCONT)
            over.set()
            await asking
        say(f"Redis {name}: {dict(statuses)}")
        assert set(statuses) == {200, 429}
        # A burst and the rate by each of three that count: Redis does not know what has passed without it.
        assert statuses[200] <= 3 * (SHORT_BURST + time.monotonic() - begun) + 2


async def _nobody_is_let_in(
    cluster: Cluster, ada: Person, there: Elsewhere, becomes: Callable[[Cluster], Awaitable[None]]
) -> None:
    """With a token that was revoked while Redis was away, and that both gateways remember."""
    token = await ada.write("POST", "/api/tokens", {"name": "x", "scopes": ["tasks:read"]})
    bearer = {"Authorization": f"Bearer {token['token']}"}
    for client in (ada.client, there.client):
        assert (await client.get("/api/tasks", headers=bearer)).status_code == 200
    await becomes(cluster)
    await ada.write("DELETE", f"/api/tokens/{token['id']}")
    await asyncio.sleep(2 * WITHIN_SECONDS_MAX)  # The projector may be late where a machine is busy.
    for client in (ada.client, there.client):
        assert (await client.get("/api/tasks", headers=bearer)).status_code == 401


async def _what_one_gateway_can_do_alone(cluster: Cluster, ada: Person) -> None:
    ticket = (await ada.write("POST", "/api/live/tickets"))["ticket"]
    async with live_at(cluster.url, f"?ticket={ticket}") as client:
        await subscribe(client, ada.workspace, "latest")
        await hear(client, "subscribed")
        await ada.add_task("Meanwhile")
        await hear(client, "event")
    async with httpx.AsyncClient(trust_env=False) as stranger:
        for url in cluster.urls:
            assert (await stranger.get(f"{url}/health/ready")).status_code == 200


async def _ask(over: asyncio.Event, statuses: "Counter[int]", *clients: httpx.AsyncClient) -> None:
    while not over.is_set():
        for client in clients:
            statuses[(await client.get("/api/users/me")).status_code] += 1
