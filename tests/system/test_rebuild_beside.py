"""`sigdep rebuild` beside a running server: nobody who reads notices, and what is written meanwhile is there."""

import asyncio

from sigdep.testing.running_server import running_server
from tests.system.person import signed_up


async def test_a_rebuild_beside_the_server_is_not_noticed_by_those_who_read() -> None:
    with running_server() as server:
        async with signed_up(server.url) as ada:
            tasks = [await ada.add_task(f"Task {number}") for number in range(50)]
            statuses: set[int] = set()
            rebuilt = asyncio.Event()

            async def read() -> None:
                while not rebuilt.is_set():
                    statuses.add((await ada.client.get(f"/api/tasks/{tasks[0]['id']}")).status_code)

            reading = asyncio.create_task(read())
            finished = await asyncio.to_thread(server.run, "rebuild", "all")
            assert finished.returncode == 0, finished.stdout + finished.stderr
            await asyncio.sleep(0.5)
            rebuilt.set()
            await reading
            assert statuses == {200}
            await ada.add_task("After the switch")
            titles = {task["title"] for task in await ada.items("/api/tasks", after=ada.position)}
            assert titles == {"After the switch", *(task["title"] for task in tasks)}
            verified = server.run("verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr
