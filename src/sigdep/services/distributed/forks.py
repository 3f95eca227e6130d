"""Processes from a fork server: one that has loaded the code of every role, and forks itself into any of them.

To load that code is nearly all that a service does at its start. A fork has it, and shares the memory that it takes.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from sigdep.services.distributed.supervisor import Process, Program, execute

LENGTH_BYTES: Final = 4
"""Before each request: how long it is, the highest byte first."""

FILES_OF_A_FORK: Final = 2
"""That come with each request: its standard input, and its log."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A request to the fork server."""

    number: int
    name: str
    """By which people shall find the process."""
    arguments: Sequence[str]
    """Of the command `sigdep`."""
    environment: Mapping[str, str]


class Started(Struct, frozen=True, kw_only=True, tag=True):
    """The answer to a request."""

    number: int
    process_id: int


class Ended(Struct, frozen=True, kw_only=True, tag=True):
    """A fork has ended. Below zero: by that signal."""

    process_id: int
    status: int


Told = Started | Ended
"""What the fork server says, each in a line."""


class _Fork:
    """A process as the supervisor keeps it."""

    def __init__(self, process_id: int, ended: asyncio.Future[int]) -> None:
        self.pid = process_id
        self._ended = ended

    def when_ended(self, do: Callable[[], None]) -> None:
        self._ended.add_done_callback(lambda _: do())

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        if self._ended.done():
            raise ProcessLookupError(self.pid)
        os.kill(self.pid, number)


class _Server:
    """A fork server that runs, and its forks: these end with it."""

    def __init__(self, process: asyncio.subprocess.Process, asking: socket.socket) -> None:
        self._process = process
        self._asking = asking
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[_Fork]] = {}
        self._running: dict[int, asyncio.Future[int]] = {}
        self._hearing = asyncio.create_task(self._hear(), name="fork server")

    @property
    def has_ended(self) -> bool:
        return self._hearing.done()

    async def fork(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], *files: int) -> _Fork:
        """
        Raises:
            OSError: the server has ended, or hears nothing.
        """
        if self.has_ended:
            raise BrokenPipeError
        number = next(self._numbers)
        wanted = Wanted(number=number, name=name, arguments=arguments, environment=environment)
        message = msgspec.json.encode(wanted)
        message = len(message).to_bytes(LENGTH_BYTES) + message
        answer: asyncio.Future[_Fork] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            if socket.send_fds(self._asking, [message], files) < len(message):
                raise BlockingIOError
            return await answer
        except BlockingIOError:  # What has arrived in part makes all that follows unreadable.
            self._process.kill()
            raise
        finally:
            self._asked.pop(number, None)

    async def close(self) -> None:
        self._asking.close()
        await self._hearing

    async def _hear(self) -> None:
        try:
            assert self._process.stdout is not None
            async for line in self._process.stdout:
                self._take(msgspec.json.decode(line, type=Told))
        finally:
            self._asking.close()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(BrokenPipeError())
            # Nobody says when they end, and their places are needed.
            for process_id, ended in self._running.items():
                with suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGKILL)
                ended.set_result(-signal.SIGKILL)
            await self._process.wait()

    def _take(self, told: Told) -> None:
        if isinstance(told, Started):
            ended = self._running[told.process_id] = asyncio.get_running_loop().create_future()
            answer = self._asked.get(told.number)
            if answer is not None and not answer.done():
                answer.set_result(_Fork(told.process_id, ended))
        else:
            self._running.pop(told.process_id).set_result(told.status)


class Forks:
    """`start` is for programs of ours that are given to a Supervisor. Close it when they have been stopped."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """
        Args:
            command: of the fork server.
        """
        self._command = command
        self._environment = environment
        self._log = log
        self._server: _Server | None = None
        self._one_at_a_time = asyncio.Lock()

    async def begin(self) -> None:
        """Start the server, if none runs. It loads the code while other things are done."""
        async with self._one_at_a_time:
            if self._server is None or self._server.has_ended:
                self._server = await self._serve()

    async def start(self, program: Program, arguments: Sequence[str], log: BinaryIO) -> Process:
        """A fork. While there can be none, the program's own command."""
        reading, writing = os.pipe()
        try:
            await self.begin()
            assert self._server is not None
            fork = await self._server.fork(program.name, arguments, program.environment, reading, log.fileno())
        except OSError:
            os.close(writing)
            return await execute(program, log)
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        # It ends when nobody can write to it: we hold that end, and it is closed with us however we end.
        fork.when_ended(lambda: os.close(writing))
        return fork

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _serve(self) -> _Server:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs, self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=dict(self._environment),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        return _Server(process, ours)
