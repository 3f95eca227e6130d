"""What a caller sees of a service that is slow, away, killed, or there several times."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import CommandId
from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call
from sigdep.rpc.client import RemoteService
from sigdep.rpc.server import RpcServer
from sigdep.rpc.servicer import BATCH_ITEMS_MAX
from sigdep.tasks.commands.tasks import CreateTask
from sigdep.tasks.contract import READ, WRITE
from sigdep.tasks.events.tasks import TaskCreated
from sigdep.tasks.queries import GetLabel, GetTask
from sigdep.testing.ports import free_port
from tests.patience import patience
from tests.rpc.serving_process import open_log
from tests.rpc.ways import channel_to, over_loopback, serving
from tests.tasks.stories import ADA, ERRAND, NOON
from tests.tasks.write_side import World

ROOT = Path(__file__).parents[2]
READY_SECONDS_MAX = 3.0
"""From a start until calls are answered again."""
HANDSHAKE_SECONDS = 0.6


def create(title: str) -> CreateTask:
    return CreateTask(by=ADA, at=NOON, title=title)


class Waiting:
    """Answers with the title; one that is a number only so many seconds later."""

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        assert isinstance(message, CreateTask)
        if message.title[0].isdigit():
            await asyncio.sleep(float(message.title))
        return Answer(value=message.title)


# ── slow ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("gather", [True, False], ids=["gathered", "one by one"])
async def test_a_call_ends_at_its_deadline(gather: bool) -> None:
    world = World()
    async with over_loopback(WRITE, Waiting(), gather=gather, seconds=0.3) as remote:
        begun = monotonic()
        with pytest.raises(Unavailable) as refusal:
            await remote.ask(create("30"), world.call())
        assert 0.25 < monotonic() - begun < patience(2)
        assert refusal.value.retry_after_seconds > 0
        assert (await remote.ask(create("quick"), world.call())).value is not None


async def test_the_slow_hold_up_nobody_who_came_with_them_or_after_them() -> None:
    world = World()
    async with over_loopback(WRITE, Waiting()) as remote:
        slow = [asyncio.ensure_future(remote.ask(create("3"), world.call())) for _ in range(2 * BATCH_ITEMS_MAX - 5)]
        begun = monotonic()
        await asyncio.gather(*(remote.ask(create("quick"), world.call()) for _ in range(100)))
        assert monotonic() - begun < patience(2)
        assert not any(job.done() for job in slow)
        await asyncio.gather(*slow)


async def test_a_caller_who_gives_up_leaves_the_others_their_answers() -> None:
    world = World()
    async with over_loopback(WRITE, Waiting()) as remote:
        jobs = [asyncio.ensure_future(remote.ask(create("0.2"), world.call())) for _ in range(10)]
        await asyncio.sleep(0.05)
        for job in jobs[::2]:
            job.cancel()
        results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, Answer] * 5


async def test_a_client_that_is_closed_tells_whoever_still_waits() -> None:
    world = World()
    async with serving({WRITE: Waiting()}) as address, channel_to(address) as channel:
        remote = RemoteService.over(channel, WRITE)
        jobs = [asyncio.ensure_future(remote.ask(create("30"), world.call())) for _ in range(200)]
        await asyncio.sleep(0.05)
        await remote.close()
        for result in await asyncio.gather(*jobs, return_exceptions=True):
            assert type(result) is Unavailable
        with pytest.raises(Unavailable):
            await remote.ask(create("quick"), world.call())


async def test_what_a_service_does_not_answer_is_a_bug_of_the_caller() -> None:
    async with over_loopback(WRITE, Waiting()) as remote:
        with pytest.raises(TypeError, match=r"tasks\.write answers no GetTask"):
            await remote.ask(GetTask(), World().call())


# ── away ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("gather", [True, False], ids=["gathered", "one by one"])
async def test_a_service_that_is_away_is_told_at_once_and_found_when_it_is_back(gather: bool) -> None:
    port, world = free_port(), World()
    async with channel_to(f"127.0.0.1:{port}") as channel:
        remote = RemoteService.over(channel, WRITE, gather=gather)
        for _ in range(3):
            begun = monotonic()
            with pytest.raises(Unavailable):
                await remote.ask(create("quick"), world.call())
            assert monotonic() - begun < patience(1)
        server = RpcServer({WRITE: Waiting()})
        await server.start(f"127.0.0.1:{port}")
        await answered_again(remote, world)
        await remote.close()
        await server.close(0)


async def answered_again(remote: RemoteService, world: World, seconds_max: float = READY_SECONDS_MAX) -> float:
    """Seconds until a call is answered."""
    begun = monotonic()
    async with asyncio.timeout(seconds_max):
        while True:
            try:
                await remote.ask(create("quick"), world.call())
                return monotonic() - begun
            except Unavailable:
                await asyncio.sleep(0.02)


async def test_a_service_that_is_slow_to_shake_hands_is_reached() -> None:
    """As where every core is busy. An attempt to connect must not be given up as soon as the next one is due."""
    server = RpcServer({WRITE: Waiting()})
    port = await server.start("127.0.0.1:0")
    async with slow_way_to(port) as slow, channel_to(f"127.0.0.1:{slow}") as channel:
        remote = RemoteService.over(channel, WRITE)
        await answered_again(remote, World(), patience(15))
        await remote.close()
    await server.close(0)


@asynccontextmanager
async def slow_way_to(port: int) -> AsyncIterator[int]:
    """A port behind which the server answers nothing for HANDSHAKE_SECONDS, each time that somebody connects."""
    open_ends: list[asyncio.StreamWriter] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65_536):
            writer.write(octets)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ends.append(writer)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        open_ends.append(back)
        with suppress(ConnectionError):
            await asyncio.gather(carry(reader, back), carry(there, writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as proxy:
        yield proxy.sockets[0].getsockname()[1]
        proxy.close()
        for end in open_ends:
            end.close()
        await asyncio.sleep(HANDSHAKE_SECONDS)  # Whoever was just being connected.
        for end in open_ends:
            end.close()


# ── several ─────────────────────────────────────────────────────────────────────────────────────────────


class Named:
    """Tells its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        return Answer(value=self.name)


async def test_replicas_take_turns_and_one_that_stops_is_left_out() -> None:
    servers = {name: RpcServer({READ: Named(name)}) for name in ("one", "two", "three")}
    async with AsyncExitStack() as stack:
        ports = [await server.start("127.0.0.1:0") for server in servers.values()]
        for server in servers.values():
            stack.push_async_callback(server.close, 0)
        addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
        channel = await stack.enter_async_context(channel_to(f"ipv4:{addresses}"))
        remote = RemoteService.over(channel, READ)
        stack.push_async_callback(remote.close)

        async def heard(calls: int) -> Counter[bytes]:
            world = World()
            asked = [await remote.ask(GetLabel(label_id=ERRAND), world.call()) for _ in range(calls)]
            return Counter(answer.value.json for answer in asked)

        await settled(heard, 3)
        turns = await heard(30)
        assert set(turns.values()) == {10}
        await servers["two"].close(1)
        await settled(heard, 2)
        assert set(await heard(20)) == {b'"one"', b'"three"'}


async def settled(heard: Any, voices: int) -> None:
    """Until so many replicas take part."""
    async with asyncio.timeout(5):
        while True:
            try:
                if len(await heard(6)) == voices:
                    return
            except Unavailable:
                pass
            await asyncio.sleep(0.05)


async def test_a_name_stands_for_whoever_has_it() -> None:
    async with serving({WRITE: Waiting()}) as address:
        port = address.rpartition(":")[2]
        async with channel_to(f"dns:///localhost:{port}") as channel:
            remote = RemoteService.over(channel, WRITE)
            assert (await remote.ask(create("quick"), World().call())).value is not None
            await remote.close()


# ── killed ──────────────────────────────────────────────────────────────────────────────────────────────


class Process:
    """The service in a process of its own, always on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.rpc.serving_process",
            str(self._folder),
            str(self.port),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert int(await asyncio.wait_for(self._process.stdout.readline(), 20)) == self.port

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def process_in(folder: Path) -> AsyncIterator[Process]:
    process = Process(folder)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


async def test_a_service_that_is_killed_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    world, acknowledged, faults = World(), dict[str, Any](), Counter[str]()
    stopped = asyncio.Event()

    async def create_tasks(worker: int, remote: RemoteService) -> None:
        number = 0
        while not stopped.is_set():
            title = f"{worker}-{number}"
            call = replace(world.call(), command_id=CommandId(uuid7()))
            acknowledged[title] = await insist(remote, create(title), call)
            number += 1

    async def insist(remote: RemoteService, message: CreateTask, call: Call) -> Answer[Any]:
        """As a client does that was told to come again: with the same command."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await remote.ask(message, call)
                except Unavailable as error:
                    faults[error.detail] += 1
                    await asyncio.sleep(0.05)

    async with process_in(tmp_path) as process, channel_to(f"127.0.0.1:{process.port}") as channel:
        remote = RemoteService.over(channel, WRITE)
        workers = [asyncio.ensure_future(create_tasks(worker, remote)) for worker in range(20)]
        for _ in range(3):
            await asyncio.sleep(0.7)
            await process.kill()
            before = len(acknowledged)
            await process.start()
            async with asyncio.timeout(READY_SECONDS_MAX):
                while len(acknowledged) < before + 40:
                    await asyncio.sleep(0.02)
        stopped.set()
        await asyncio.gather(*workers)
        await remote.close()

    log = await open_log(tmp_path)
    stored = Counter[str]()
    after: dict[Any, Any] = {}
    while batch := await log.read_all(after, limit=1_000):
        for recorded in batch:
            after[recorded.partition] = recorded.position
            if isinstance(recorded.event, TaskCreated):
                stored[recorded.event.title] += 1
    await log.close()
    assert faults, "Nobody noticed that it was killed."
    assert set(stored) == set(acknowledged)
    assert set(stored.values()) == {1}
