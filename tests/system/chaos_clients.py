"""Clients that go on whatever dies: each repeats what was not acknowledged, and looks whether it was told the truth."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx

from tests.system.ledger import Write, Writer
from tests.system.person import JSON, Person, new_id
from tests.system.planner import ALL, Planner

WRITE_SECONDS: Final = 0.65
"""From one write to the next, to tasks and to calendars each: with the counting 70 commands a second of twenty people's
clients. With 90 two cores have nothing left, and whatever is asked waits for seconds, also where nothing has died."""

READ_SECONDS: Final = 1.5
"""Between two looks at what was written last."""
WRITES_BACK: Final = 2
"""The last write may not be acknowledged yet: then the one before it is looked at."""

COUNT_SECONDS: Final = 2.0
"""After which a client increments the number that all clients of a person count with."""
COUNT_AGAIN_SECONDS: Final = 0.5
"""After somebody was faster. What is new is read a second later while a broker is away: in haste nothing is won."""

ERASE_SECONDS: Final = 2.0
INBOX_SECONDS: Final = 0.5

SIGN_IN_SECONDS: Final = 300.0
"""An access token ends after a quarter of an hour, and all rounds take longer."""

RETRY_SECONDS: Final = 0.05
"""Before a second try; twice as long before each further one, up to what `Retry-After` says. A hundred requests that
are repeated twenty times a second keep both processors from whoever is just starting."""
TRIES_MAX: Final = 400


class Insistent:
    """Asks again until there is an answer, as a good client does. Nothing but an answer and 503 may come."""

    def __init__(self) -> None:
        self.refusals: Counter[int] = Counter()

    async def insist(
        self, person: Person, method: str, path: str, *, expected: Sequence[int] = (200, 201), **options: Any
    ) -> httpx.Response:
        pause = RETRY_SECONDS
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
            asked_to_wait = int(answer.headers["Retry-After"])
            assert asked_to_wait >= 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, asked_to_wait)
        raise AssertionError(f"{method} {path} was never answered.")


class Client(Planner, Insistent):
    """Writes what is its own, reads it back, and counts with others, each at its own pace.

    Reading waits for what was written, and counting for the others. Writing goes on meanwhile, one after the other: so
    what goes to another service is another one's, that nothing waits for a service which does not concern it.
    """

    def __init__(self, name: str, seed: int, kinds: Mapping[str, float] = ALL, counting: Write | None = None) -> None:
        """
        Args:
            kinds: of what it writes, see Planner.
            counting: the creation of the task by whose description all clients of a person count. None: they do not.
        """
        Planner.__init__(self, name, seed, kinds)
        Insistent.__init__(self)
        self.increments = 0
        self._counting = counting

    @property
    def done(self) -> int:
        """Writes that were acknowledged."""
        return len(self.acknowledged) + self.increments

    async def work_until(self, person: Person, over: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as jobs:
            for work in (self._write_until, self._read_until, self._count_until):
                jobs.create_task(work(person, over))

    async def _write_until(self, person: Person, over: asyncio.Event) -> None:
        clock = asyncio.get_running_loop()
        due = clock.time()
        while not over.is_set():
            write = self._next()
            self.writes.append(write)
            await self._insist(write, person)
            self._remember(write)
            due = max(due + WRITE_SECONDS, clock.time())
            await asyncio.sleep(due - clock.time())

    async def _insist(self, write: Write, person: Person) -> None:
        headers = {"Idempotency-Key": write.key}
        write.answer = await self.insist(person, write.method, write.path, json=write.body, headers=headers)

    async def _read_until(self, person: Person, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(READ_SECONDS)
            if written := [write for write in self.writes[-WRITES_BACK:] if write.answer is not None]:
                await self._read_back(written[-1], person)

    async def _count_until(self, person: Person, over: asyncio.Event) -> None:
        while self._counting is not None and not over.is_set():
            await asyncio.sleep(COUNT_SECONDS)
            await self._increment(self._counting.body["id"], person)

    async def _read_back(self, write: Write, person: Person) -> None:
        """Nobody else writes there; but it may itself have gone on meanwhile."""
        if write.path.endswith("/comments"):
            return
        assert write.answer is not None
        written = write.answer.json()
        headers = {"Sigdep-Min-Position": write.answer.headers["Sigdep-Position"]}
        kind = "/".join(write.path.split("?")[0].split("/")[:3])
        answer = await self.insist(person, "GET", f"{kind}/{written['id']}", headers=headers)
        version = answer.json()["version"]
        assert version >= written["version"], f"{write}: read back as of {version}."
        assert version > written["version"] or write.mark in answer.text, f"{write} was not read back."

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
            await asyncio.sleep(COUNT_AGAIN_SECONDS)


class Eraser(Insistent):
    """Opens workspaces, puts something into each and has them erased: other contexts must hear of each, once."""

    def __init__(self) -> None:
        super().__init__()
        self.erased: list[str] = []

    async def erase_until(self, person: Person, over: asyncio.Event) -> None:
        while not over.is_set():
            opened = await self._write(person, "POST", "/api/workspaces", {"name": "Soon gone"})
            workspace = opened.json()["id"]
            await self._write(person, "POST", "/api/tasks", {"title": "Soon gone", "workspace_id": workspace})
            event = {"title": "Soon gone", "start": "2036-01-01", "workspace_id": workspace}
            await self._write(person, "POST", "/api/events", event)
            await self._write(person, "DELETE", f"/api/workspaces/{workspace}", None)
            self.erased.append(workspace)
            await asyncio.sleep(ERASE_SECONDS)

    async def _write(self, person: Person, method: str, path: str, body: object) -> httpx.Response:
        headers = {"Idempotency-Key": new_id()}
        return await self.insist(person, method, path, json=body, headers=headers, expected=(200, 201, 202, 204))


class InboxReader(Insistent):
    """Looks into a person's inbox, and marks what is new there as read, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        """Ids that were acknowledged as read."""

    async def read_until(self, person: Person, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(INBOX_SECONDS)
            unread = {"state": "unread", "limit": 200}
            shown = (await self.insist(person, "GET", "/api/notifications", params=unread)).json()["items"]
            for one in [one for one in shown if one["id"] not in self.read][:1]:
                await self._mark_read(person, one)

    async def _mark_read(self, person: Person, shown: JSON) -> None:
        path = f"/api/notifications/{shown['id']}"
        headers = {"Idempotency-Key": new_id()}
        marked = await self.insist(person, "POST", f"{path}/read", json={}, headers=headers)
        self.read.add(shown["id"])
        headers = {"Sigdep-Min-Position": marked.headers["Sigdep-Position"]}
        read = (await self.insist(person, "GET", path, headers=headers)).json()
        assert (read["state"], read["title"]) == ("read", shown["title"]), f"{path}: it was marked read."


async def start_counting(person: Person, client: Writer) -> Write:
    """The task by whose description clients count, as a write of one of them."""
    mark = f"<{client.name}.0>"
    write = Write(mark, "POST", "/api/tasks", {"id": new_id(), "title": mark, "description": "0"})
    await write.send(person)
    client.writes.append(write)
    return write


class Returner(Insistent):
    """Signs in again before the last session's token ends."""

    async def return_until(self, person: Person, over: asyncio.Event) -> None:
        credentials = {"email": person.email, "password": person.password}
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(SIGN_IN_SECONDS):
                    await over.wait()
            session = (await self.insist(person, "POST", "/api/sessions", json=credentials)).json()
            person.client.headers["Authorization"] = f"Bearer {session['access_token']}"
