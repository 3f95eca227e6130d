"""Keeps processes running: starts them, starts again what dies, and stops them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Protocol

RESTART_SECONDS: Final = 0.2
RESTART_SECONDS_MAX: Final = 10.0
"""Before a process that died soon is started again: the first time, doubled each time, and the longest."""

STEADY_SECONDS: Final = 5.0
"""A process that has run for so long did not die soon, and is started again at once."""

STOP_SECONDS_MAX: Final = 8.0
"""So long a process may take to stop; then it is killed."""


class Process(Protocol):
    """One that runs, or has ended."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None:
        """None: it runs. Below zero: the signal that has ended it."""
        ...

    async def wait(self) -> int: ...

    def send_signal(self, signal: int) -> None:
        """
        Raises:
            ProcessLookupError: it has ended.
        """
        ...


@dataclass(kw_only=True)
class Program:
    """One process to keep."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path | None = None
    """Of its data; made before each start where it is missing."""
    ends_with_us: bool = False
    """It ends when its standard input does, so that it does not outlive a supervisor that was killed."""
    start: "Start" = field(default_factory=lambda: execute)
    state: str = field(default="not started", init=False)
    restarts: int = field(default=0, init=False)
    process_id: int | None = field(default=None, init=False)


Start = Callable[[Program, BinaryIO], Awaitable[Process]]
"""Makes a process of a program that writes into that log."""


async def execute(program: Program, log: BinaryIO) -> Process:
    """In a new interpreter, or whatever its command names."""
    return await asyncio.create_subprocess_exec(
        *program.command,
        env=dict(program.environment),
        stdin=asyncio.subprocess.PIPE if program.ends_with_us else asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for us: we stop them in their order.
    )


class Supervisor:
    """`start` each program, and `stop` all of them in the end, those first that lean on others."""

    def __init__(self, changed: Callable[[Program], None]) -> None:
        """
        Args:
            changed: told whenever a program's state has changed.
        """
        self._changed = changed
        self._keeping: list[tuple[Program, asyncio.Task[None]]] = []

    @property
    def programs(self) -> Sequence[Program]:
        return [program for program, _ in self._keeping]

    def start(self, program: Program) -> None:
        self._keeping.append((program, asyncio.create_task(self._keep(program), name=program.name)))

    async def stop(self, names: Collection[str]) -> None:
        """These at once, each until it has ended. Safe to repeat."""
        stopping = [keeping for program, keeping in self._keeping if program.name in names]
        for keeping in stopping:
            keeping.cancel()
        await asyncio.gather(*stopping, return_exceptions=True)
        self._keeping = [(program, keeping) for program, keeping in self._keeping if program.name not in names]

    async def _keep(self, program: Program) -> None:
        pause = 0.0
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            status = await self._run(program)
            if loop.time() - begun > STEADY_SECONDS:
                pause = 0.0
            self._say(program, f"ended with {status}; it is started again")
            program.restarts += 1
            await asyncio.sleep(pause)
            pause = min(max(pause * 2, RESTART_SECONDS), RESTART_SECONDS_MAX)

    async def _run(self, program: Program) -> int:
        """Until it ends. Cancelled: until it has been stopped."""
        if program.folder is not None:
            program.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            process = await program.start(program, log)
        program.process_id = process.pid
        self._say(program, f"runs as process {process.pid}")
        try:
            return await process.wait()
        finally:
            await asyncio.shield(_stop(process))
            program.process_id = None

    def _say(self, program: Program, state: str) -> None:
        program.state = state
        self._changed(program)


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
