"""How late are reminders, with many of them due in a minute and the server killed in it?

    python -m benchmarks.reminders [reminders] [kills]

One process, `sigdep up`. Each reminder is pushed to a sink on this machine: what is late is late there.
Held against what is allowed: a second, and five for those that are due while the server is down or has just come back.
"""

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import uvloop
from aiohttp import web

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.testing.fcm_sink import FcmSink
from sigdep.testing.running_server import RunningServer, running_server

REMINDERS: Final = 10_000
KILLS: Final = 10
SPAN: Final = timedelta(minutes=1)
AHEAD: Final = timedelta(seconds=45)
BATCH: Final = 200
WAIT_SECONDS_MAX: Final = 300.0
PASSWORD: Final = "correct horse battery staple"

LATE_SECONDS_MAX: Final = 1.0
LATE_IN_OUTAGES_SECONDS_MAX: Final = 5.0

Outages = Sequence[tuple[datetime, datetime]]


class Counting(FcmSink):
    """Checks nothing: that is for tests, and takes longer than the server does."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, datetime] = {}
        self.keys: dict[str, set[str]] = {}
        self.repeats = 0

    async def take(self, request: web.Request, body: bytes) -> web.Response:
        message: Any = msgspec.json.decode(body)["message"]
        key, title = message["data"]["key"], message["notification"]["title"]
        known = self.keys.setdefault(title, set())
        self.repeats += key in known
        known.add(key)
        self.first.setdefault(title, datetime.now(UTC))
        return web.json_response({"name": "taken"})


@asynccontextmanager
async def signed_in(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        who = {"email": "ada@example.org", "password": PASSWORD}
        (await client.post("/api/users", json={**who, "name": "Ada"})).raise_for_status()
        session = (await client.post("/api/sessions", json=who)).raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        (await client.post("/api/devices", json={"channel": "fcm", "token": "token"})).raise_for_status()
        yield client


async def remind(client: httpx.AsyncClient, due: Mapping[str, datetime]) -> None:
    tasks = [{"method": "create", "title": title, "reminders": [{"at": at.isoformat()}]} for title, at in due.items()]
    for start in range(0, len(tasks), BATCH):
        operations = {"operations": tasks[start : start + BATCH]}
        (await client.post("/api/batch", json=operations)).raise_for_status()


async def killed(server: RunningServer, due: Mapping[str, datetime], kills: int) -> Outages:
    """Kill it at random moments while reminders are due, and start it again."""
    chance, first, outages = random.Random(7), min(due.values()), list[tuple[datetime, datetime]]()
    for at in sorted(first + SPAN * chance.uniform(0.05, 0.95) for _ in range(kills)):
        await asyncio.sleep(_until(at))
        down = _now()
        server.kill()
        await asyncio.to_thread(server.start)
        outages.append((down - timedelta(seconds=1), _now()))
    return outages


async def measure(reminders: int, kills: int) -> list[Figure]:
    sink = Counting()
    await sink.start()
    with tempfile.TemporaryDirectory(prefix="sigdep-bench-") as folder:
        account = Path(folder) / "firebase.json"
        account.write_bytes(sink.account)
        account.chmod(0o600)
        with running_server(fcm_account=str(account), fcm_endpoint=sink.url) as server:
            async with signed_in(server.url) as client:
                begin = _now() + AHEAD
                due = {f"Reminder {number}": begin + SPAN * number / reminders for number in range(reminders)}
                await remind(client, due)
                outages = await killed(server, due, kills)
                async with asyncio.timeout(_until(begin + SPAN) + WAIT_SECONDS_MAX):
                    while len(sink.first) < reminders:  # noqa: ASYNC110  The sink says nothing.
                        await asyncio.sleep(0.2)
                await asyncio.sleep(1)
    await sink.stop()
    return _figures(sink, due, outages)


def _figures(sink: Counting, due: Mapping[str, datetime], outages: Outages) -> list[Figure]:
    late = {title: (sink.first[title] - at).total_seconds() for title, at in due.items()}
    within = [title for title, at in due.items() if any(down <= at <= up for down, up in outages)]
    outside = sorted(seconds for title, seconds in late.items() if title not in set(within))
    doubled = sum(len(keys) > 1 for keys in sink.keys.values())
    limit = {"against": "of what is allowed", "other": LATE_SECONDS_MAX}
    figures = [
        Figure(name="reminders", value=len(due), unit="arrived"),
        Figure(name="under a second key", value=doubled, unit="doubled"),
        Figure(name="under their own key again", value=sink.repeats, unit="repeats"),
        Figure(name="late, median", value=_part(outside, 0.5), unit="s"),
        Figure(name="late, 99 in a hundred", value=_part(outside, 0.99), unit="s", **limit),
    ]
    if within:
        waited = sorted(late[title] for title in within)
        limit = {"against": "of what is allowed", "other": LATE_IN_OUTAGES_SECONDS_MAX}
        figures.append(Figure(name="the same in outages", value=_part(waited, 0.99), unit="s", **limit))
    return figures


def _part(ordered: Sequence[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def _now() -> datetime:
    return datetime.now(UTC)


def _until(at: datetime) -> float:
    return max((at - _now()).total_seconds(), 0.0)


def main() -> None:
    numbers = [int(text) for text in sys.argv[1:]] if __name__ == "__main__" else []
    reminders, kills = (*numbers, *(REMINDERS, KILLS)[len(numbers) :])
    title = f"{reminders:,} reminders due in a minute, {kills} kills in it"
    figures = uvloop.run(measure(reminders, kills))
    print_figures(title, figures)
    keep_figures(title, figures)


if __name__ == "__main__":
    main()
