"""Google's push service as far as it matters who got what when: a sink that is quick enough for thousands a minute."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from sigdep.testing.fcm_sink import FcmSink
from tests.system.person import Person

BATCH: Final = 200
LOOK_SECONDS: Final = 0.1


class ReminderSink(FcmSink):
    """What it takes has been checked elsewhere: here it is counted. It lets in whoever has a wrong clock."""

    async def aside(self, request: web.Request, body: bytes) -> web.Response | None:
        if request.path != "/token":
            return None
        return web.json_response({"access_token": "token", "expires_in": self.lasts_seconds, "token_type": "Bearer"})

    async def take(self, request: web.Request, body: bytes) -> web.Response:
        message: Any = msgspec.json.decode(body)["message"]
        self.records.take(message["data"]["key"], message["notification"]["title"], "")
        return web.json_response({"name": "taken"})

    def keys_by_title(self) -> Mapping[str, set[str]]:
        """A reminder that came twice under two keys was told twice."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.records.arrived:
            found[one.title].add(one.key)
        return found

    def first_at(self) -> Mapping[str, datetime]:
        """When each title came first, by the clock of the wall."""
        loop, now = asyncio.get_running_loop().time(), datetime.now(UTC)
        first: dict[str, datetime] = {}
        for one in self.records.arrived:
            first.setdefault(one.title, now - timedelta(seconds=loop - one.at))
        return first

    @property
    def repeats(self) -> int:
        """Messages that came again under the same key: receivers that know it show them once."""
        return sum(count - 1 for count in Counter(self.records.keys).values())

    async def until(self, count: int, seconds: float) -> None:
        """Wait until so many different messages have come.

        Raises:
            TimeoutError: they have not.
        """
        async with asyncio.timeout(seconds):
            while len(set(self.records.keys)) < count:
                await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True)
class Lateness:
    """Seconds from when reminders were due to their arrival."""

    seconds: Sequence[float]

    def __str__(self) -> str:
        if not self.seconds:
            return "none"
        ordered = sorted(self.seconds)
        median, p99 = ordered[len(ordered) // 2], ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
        return f"{len(ordered)}: median {median:.3f} s, p99 {p99:.3f} s, longest {ordered[-1]:.3f} s"


@asynccontextmanager
async def reminder_sink(folder: Path) -> AsyncIterator[tuple[ReminderSink, dict[str, Any]]]:
    """The sink, and the settings by which a server sends to it."""
    sink = ReminderSink()
    await sink.start()
    account = folder / "firebase.json"
    account.write_bytes(sink.account)
    account.chmod(0o600)
    try:
        yield sink, {"fcm_account": str(account), "fcm_endpoint": sink.url}
    finally:
        await sink.stop()


async def wants_pushes(person: Person) -> None:
    await person.write("POST", "/api/devices", {"channel": "fcm", "token": f"token-of-{person.id}"})


async def remind(person: Person, due: Mapping[str, datetime]) -> None:
    """A task for each title, with a reminder at its time."""
    tasks = [{"method": "create", "title": title, "reminders": [{"at": at.isoformat()}]} for title, at in due.items()]
    for start in range(0, len(tasks), BATCH):
        await person.write("POST", "/api/batch", {"operations": tasks[start : start + BATCH]})
    await scheduled(person, len(due))


async def scheduled(person: Person, count: int) -> None:
    """Wait until so many of their reminders are known, whatever has become of them."""
    async with asyncio.timeout(120):
        while len(await person.items("/api/reminders", after="")) < count:
            await asyncio.sleep(LOOK_SECONDS)
