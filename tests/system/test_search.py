"""The distributed system with a search index: clients see no difference, whether it answers, sleeps or has lost all."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio

from sigdep.services.distributed.cluster import Cluster, running_cluster
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.plan import Plan
from sigdep.testing.opensearch_server import FIRST_START_SECONDS_MAX, OpenSearchServer
from tests.conftest import missing_servers_skip
from tests.system.person import Person, signed_up

pytestmark = [pytest.mark.timeout(FIRST_START_SECONDS_MAX), pytest.mark.asyncio(loop_scope="module")]

NAME: Final = "cluster"
LIVE: Final = f"{NAME}-task_texts"
SECONDS_MAX: Final = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def searching(opensearch_server: OpenSearchServer) -> AsyncIterator[Cluster]:
    with TemporaryDirectory(prefix="sigdep-search-") as folder:
        settings = {
            "SIGDEP_LIMITS": "false",
            "SIGDEP_ERASE_GRACE_DAYS": "0",
            "SIGDEP_SEARCH_URL": f"{opensearch_server.url}/{NAME}",
        }
        plan = Plan(data=Path(folder), port=free_port(), settings=settings, replicas={"tasks.read": 2})
        with missing_servers_skip():
            async with running_cluster(plan, lambda _: None) as cluster:
                yield cluster
        assert "Traceback" not in printed(Path(folder))


@pytest_asyncio.fixture(loop_scope="module")
async def ada(searching: Cluster) -> AsyncIterator[Person]:
    async with signed_up(searching.url, "Ada") as ada:
        yield ada


def printed(data: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in (data / "logs").glob("*.log"))


def ask(server: OpenSearchServer, method: str, path: str) -> dict[str, Any]:
    with urlopen(Request(f"{server.url}/{path}", method=method), timeout=SECONDS_MAX) as response:
        said: dict[str, Any] = json.loads(response.read())
        return said


def questions(server: OpenSearchServer) -> int:
    """How many the live index has answered."""
    found: int = ask(server, "GET", f"{LIVE}/_stats/search")["_all"]["total"]["search"]["query_total"]
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.1)


async def titles(person: Person, q: str, limit: int = 200) -> list[str]:
    return [task["title"] for task in await person.items("/api/tasks", q=q, sort="number", limit=limit)]


async def asked_of_the_index(person: Person, server: OpenSearchServer, q: str, hits: int) -> None:
    """On a busy machine it may be behind for a while: until then the answers come from PostgreSQL."""
    before = questions(server)
    async with asyncio.timeout(SECONDS_MAX):
        while questions(server) == before:
            assert len(await titles(person, q)) == hits
            await asyncio.sleep(0.2)


async def test_what_was_written_is_found_by_the_index_at_once(ada: Person, opensearch_server: OpenSearchServer) -> None:
    for number in range(20):
        task = await ada.add_task(f"Straße {number}", description="wöchentlicher Bericht")
        assert await titles(ada, f"STRASSE {number}") == [f"Straße {number}"]
        await ada.edit_task(task["id"], title=f"Weg {number}")
        assert await titles(ada, f"strasse {number}") == []
    assert len(await titles(ada, "wochentl weg", limit=7)) == 20
    await asked_of_the_index(ada, opensearch_server, "wochentl", 20)


async def test_nobody_finds_what_is_anothers(searching: Cluster, ada: Person) -> None:
    await ada.add_task("Mzxqtitle")
    async with signed_up(searching.url, "Bob") as bob:
        await bob.add_task("Mzxqother")
        assert await titles(bob, "mzxq") == ["Mzxqother"]
        assert (
            await bob.client.get("/api/tasks", params={"q": "mzxq", "workspace_id": ada.workspace})
        ).status_code == 404


async def test_who_is_forgotten_is_forgotten_in_the_index(
    searching: Cluster, opensearch_server: OpenSearchServer
) -> None:
    def texts() -> str:
        ask(opensearch_server, "POST", f"{LIVE}/_refresh")
        return json.dumps(ask(opensearch_server, "GET", f"{LIVE}/_search?size=10000"))

    async with signed_up(searching.url, "Eve") as eve:
        await eve.add_task("Wrytztitle", description="Wrytzdescription")
        assert await titles(eve, "wrytz") == ["Wrytztitle"]
        assert "Wrytz" in texts()
        await eve.write("DELETE", "/api/users/me", {})
    await until(lambda: "Wrytz" not in texts())


async def test_while_the_index_sleeps_everything_is_answered(
    searching: Cluster, ada: Person, opensearch_server: OpenSearchServer
) -> None:
    await ada.add_task("Here before")
    assert await titles(ada, "here") == ["Here before"]
    opensearch_server.stop()
    try:
        assert await titles(ada, "here") == ["Here before"]
        for number in range(5):
            await ada.add_task(f"Here meanwhile {number}")
            assert len(await titles(ada, "here")) == number + 2
    finally:
        opensearch_server.go_on()
    assert "the read store searches" in printed(searching.data)
    await asked_of_the_index(ada, opensearch_server, "here", 6)


async def test_an_index_that_has_lost_all_is_filled_again(ada: Person, opensearch_server: OpenSearchServer) -> None:
    await ada.add_task("Still here")
    assert await titles(ada, "still") == ["Still here"]
    lost = set(ask(opensearch_server, "GET", f"_alias/{LIVE}"))
    for index in lost:
        ask(opensearch_server, "DELETE", index)
    assert await titles(ada, "still") == ["Still here"]

    def is_made_anew() -> bool:
        found = set(ask(opensearch_server, "GET", "_alias"))
        return any(index.startswith(f"{LIVE}-") for index in found - lost)

    await until(is_made_anew)
    await until(lambda: bool(set(ask(opensearch_server, "GET", f"_alias/{LIVE}*")) - lost))
    assert await titles(ada, "still") == ["Still here"]
