"""The distributed system with lists kept in Redis: clients see no difference, whether it answers, is empty or away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from sigdep.services.distributed.cluster import Cluster, running_cluster
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.plan import Plan
from sigdep.testing.broker_servers import running
from sigdep.testing.redis_server import RedisServer
from tests.conftest import missing_servers_skip
from tests.system.person import Person, signed_up

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

SECONDS_MAX: Final = 60.0


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with missing_servers_skip(), running(RedisServer) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(redis_server: RedisServer) -> AsyncIterator[Cluster]:
    with TemporaryDirectory(prefix="sigdep-hot-") as folder:
        settings = {
            "SIGDEP_LIMITS": "false",
            "SIGDEP_ERASE_GRACE_DAYS": "0",
            "SIGDEP_REDIS_URL": redis_server.url,
        }
        plan = Plan(data=Path(folder), port=free_port(), redis=False, settings=settings, replicas={"tasks.read": 2})
        with missing_servers_skip():
            async with running_cluster(plan, lambda _: None) as cluster:
                yield cluster
        printed = "".join(path.read_text(errors="replace") for path in (Path(folder) / "logs").glob("*.log"))
        assert "Traceback" not in printed
        assert "redis is away" in printed


@pytest_asyncio.fixture(loop_scope="module")
async def ada(cluster: Cluster) -> AsyncIterator[Person]:
    async with signed_up(cluster.url, "Ada") as ada:
        yield ada


async def mine(person: Person) -> list[str]:
    return [task["title"] for task in await person.items("/api/tasks", assignee_id="me", open="true", limit=3)]


async def pages_given(server: RedisServer) -> int:
    """How many the server has given: each reads one range of a sorted set."""
    async with Redis.from_url(server.url) as client:
        calls = (await client.info("commandstats")).get("cmdstat_zrangebylex", {"calls": 0})
        return int(calls["calls"])


async def until_given(person: Person, server: RedisServer, expected: list[str]) -> None:
    before = await pages_given(server)
    async with asyncio.timeout(SECONDS_MAX):
        while await pages_given(server) == before:
            assert await mine(person) == expected
            await asyncio.sleep(0.05)


async def add(person: Person, title: str, day: int) -> str:
    task = await person.add_task(title, assignee_ids=[person.id], due_on=f"2027-01-{day:02}")
    identity: str = task["id"]
    return identity


async def test_what_was_written_is_listed_at_once(ada: Person, redis_server: RedisServer) -> None:
    await until_given(ada, redis_server, [])
    expected: list[str] = []
    identities = []
    before = await pages_given(redis_server)
    for day in range(1, 25):
        identities.append(await add(ada, f"Day {day}", day))
        expected.append(f"Day {day}")
        assert await mine(ada) == expected
    for identity in identities[:10]:
        await ada.write("POST", f"/api/tasks/{identity}/complete")
        expected.pop(0)
        assert await mine(ada) == expected
    assert await pages_given(redis_server) > before
    await until_given(ada, redis_server, expected)


async def test_a_server_that_is_emptied_is_filled_again(ada: Person, redis_server: RedisServer) -> None:
    await add(ada, "Still here", 1)
    await until_given(ada, redis_server, ["Still here"])
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()
    assert await mine(ada) == ["Still here"]
    await until_given(ada, redis_server, ["Still here"])


async def test_while_the_server_is_away_everything_is_answered(ada: Person, redis_server: RedisServer) -> None:
    first = await add(ada, "Before", 1)
    await until_given(ada, redis_server, ["Before"])
    redis_server.kill()
    try:
        assert await mine(ada) == ["Before"]
        await add(ada, "Meanwhile", 2)
        await ada.write("POST", f"/api/tasks/{first}/complete")
        assert await mine(ada) == ["Meanwhile"]
    finally:
        redis_server.start()
    for day in range(3, 8):  # What Redis has kept is of before: it must not come again.
        await add(ada, f"Day {day}", day)
        assert await mine(ada) == ["Meanwhile", *(f"Day {one}" for one in range(3, day + 1))]
    await until_given(ada, redis_server, ["Meanwhile", *(f"Day {one}" for one in range(3, 8))])


async def test_nothing_is_left_of_who_is_forgotten(cluster: Cluster, redis_server: RedisServer) -> None:
    async with signed_up(cluster.url, "Eve") as eve:
        await add(eve, "Wrytz", 1)
        await until_given(eve, redis_server, ["Wrytz"])
        assert await _holds(redis_server, b"Wrytz")
        await eve.write("DELETE", "/api/users/me", {})
    async with asyncio.timeout(SECONDS_MAX):
        while await _holds(redis_server, b"Wrytz"):
            await asyncio.sleep(0.1)


async def _holds(server: RedisServer, text: bytes) -> bool:
    async with Redis.from_url(server.url) as client:
        async for key in client.scan_iter("sigdep:hot*:rows:*", count=1_000):
            if any(text in value for value in await client.hvals(key)):
                return True
    return False
