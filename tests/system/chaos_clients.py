"""Clients that go on whatever dies: each repeats what was not acknowledged, and looks whether it was told the truth."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import httpx

from tests.system.ledger import Write, Writer
from tests.system.person import Person, new_id

PAUSE_SECONDS: Final = 0.2
"""Of each client between two writes: some 50 to 100 commands a second of twenty of them."""

RETRY_SECONDS: Final = 0.05
TRIES_MAX: Final = 4_000

READS_EVERY: Final = 3
"""After so many writes a client reads one of them back."""

COUNTS_EVERY: Final = 8
"""After so many writes a client increments the number that all clients of a person count with."""


class Insistent:
    """Asks again until there is an answer, as a good client does. Nothing but an answer and 503 may come."""

    def __init__(self) -> None:
        self.refusals: Counter[int] = Counter()

    async def insist(
        self, person: Person, method: str, path: str, *, expected: Sequence[int] = (200, 201), **options: Any
    ) -> httpx.Response:
        for _ in range(TRIES_MAX):
            try:
                answer = await person.client.request(method, path, **options)
            except httpx.TransportError:  # The gateway itself has died.
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if answer.status_code in expected:
                return answer
            self.refusals[answer.status_code] += 1
            assert answer.status_code == 503, f"{method} {path} → {answer.status_code}: {answer.text}"
            assert int(answer.headers["Retry-After"]) >= 1
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError(f"{method} {path} was never answered.")


class Client(Writer, Insistent):
    """Writes tasks of its own, reads them back, and counts with others."""

    def __init__(self, name: str, seed: int, counting: Write | None = None) -> None:
        """
        Args:
            counting: the creation of the task by whose description all clients of a person count.
        """
        Writer.__init__(self, name, seed)
        Insistent.__init__(self)
        self.increments = 0
        self._counting = counting

    async def write_until(self, person: Person, over: asyncio.Event) -> None:
        for number in count(1):
            if over.is_set():
                return
            write = self._next()
            self.writes.append(write)
            await self._insist(write, person)
            if write.path == "/api/tasks":
                self._tasks.append(write.body["id"])
            if number % READS_EVERY == 0:
                await self._read_back(write, person)
            if self._counting is not None and number % COUNTS_EVERY == 0:
                await self._increment(self._counting.body["id"], person)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _insist(self, write: Write, person: Person) -> None:
        headers = {"Idempotency-Key": write.key}
        write.answer = await self.insist(person, write.method, write.path, json=write.body, headers=headers)

    async def _read_back(self, write: Write, person: Person) -> None:
        """What it has written last: nobody else writes to its tasks."""
        if write.path.endswith("/comments"):
            return
        assert write.answer is not None
        written = write.answer.json()
        headers = {"Sigdep-Min-Position": write.answer.headers["Sigdep-Position"]}
        read = (await self.insist(person, "GET", f"/api/tasks/{written['id']}", headers=headers)).json()
        differing = {name for name in write.body if read[name] != write.body[name]}
        assert not differing, f"{write}: {differing} was not read back."
        assert read["version"] >= written["version"], f"{write}: read back as of {read['version']}."

    async def _increment(self, task_id: str, person: Person) -> None:
        """Read, add one, write if nobody was faster: else again, with another key, since it is another request."""
        path = f"/api/tasks/{task_id}"
        while True:
            read = await self.insist(person, "GET", path)
            headers = {"Idempotency-Key": new_id(), "If-Match": read.headers["ETag"]}
            body = {"description": str(int(read.json()["description"]) + 1)}
            answer = await self.insist(person, "PATCH", path, json=body, headers=headers, expected=(200, 412))
            if answer.status_code == 200:
                self.increments += 1
                return
            await asyncio.sleep(RETRY_SECONDS)


class Eraser(Insistent):
    """Opens workspaces, puts a task into each and has them erased: another context must hear of each, once."""

    def __init__(self) -> None:
        super().__init__()
        self.erased: list[str] = []

    async def erase_until(self, person: Person, over: asyncio.Event) -> None:
        while not over.is_set():
            opened = await self._write(person, "POST", "/api/workspaces", {"name": "Soon gone"})
            workspace = opened.json()["id"]
            await self._write(person, "POST", "/api/tasks", {"title": "Soon gone", "workspace_id": workspace})
            await self._write(person, "DELETE", f"/api/workspaces/{workspace}", None)
            self.erased.append(workspace)
            await asyncio.sleep(10 * PAUSE_SECONDS)

    async def _write(self, person: Person, method: str, path: str, body: object) -> httpx.Response:
        headers = {"Idempotency-Key": new_id()}
        return await self.insist(person, method, path, json=body, headers=headers, expected=(200, 201, 202, 204))


async def start_counting(person: Person, client: Writer) -> Write:
    """The task by whose description clients count, as a write of one of them."""
    mark = f"<{client.name}.0>"
    write = Write(mark, "POST", "/api/tasks", {"id": new_id(), "title": mark, "description": "0"})
    await write.send(person)
    client.writes.append(write)
    return write
