"""`sigdep up`, or `sigdep cluster`, as a process of its own: started, killed, started again on the same data."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from re import compile as pattern
from typing import Any, Final, Literal
from urllib.parse import urlsplit

HOST: Final = "127.0.0.1"

PREFIX: Final = "SIGDEP_"
"""Of the variables that are settings."""

READY_TIMEOUT_SECONDS: Final = {"up": 30.0, "cluster": 120.0}
"""Far over what a start takes: a machine that is busy with other tests must not fail one."""

STOP_TIMEOUT_SECONDS: Final = 30.0
COMMAND_TIMEOUT_SECONDS: Final = 60.0
LOOK_AGAIN_SECONDS: Final = 0.005
END_CHARACTERS: Final = 4_000

_URL: Final = pattern(r"https?://[^\s\x1b]+")


Mode = Literal["up", "cluster"]


class StartFailed(Exception):
    """The server ended, or said nothing, before it was ready. The text holds its exit code and what it printed."""


class RunningServer:
    """One server on a free port of the loopback, and its data, which outlive the process."""

    def __init__(
        self,
        data: Path,
        output: Path,
        *,
        options: tuple[str, ...],
        variables: Mapping[str, str],
        mode: Mode = "up",
        program: tuple[str, ...] | None = None,
    ) -> None:
        """
        Args:
            mode: `up` is one process, `cluster` a process for each service and PostgreSQL and NATS beside them.
            data: the data folder. May be empty, absent, or left behind by another server.
            output: an existing folder, for what the processes print.
            options: for that command, beside those that name the folder and the address.
            variables: `SIGDEP_*` settings. Those of the caller's own environment do not count.
            program: in place of `sigdep`.
        """
        self.mode = mode
        self.data = data
        self.output = output
        self.options = options
        self.url = ""
        """Where it listens, as it said itself. The same after each start: tokens name it as their issuer."""
        self.ready_seconds = 0.0
        """From the start of the process to the line that says that it is ready."""
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._environment |= variables
        self.program = program or (_program(),)
        """What the next start runs."""
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._port = 0

    @property
    def process_id(self) -> int:
        assert self._process is not None, "The server has not been started."
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and return once it says that it is ready.

        Raises:
            StartFailed: it ended instead, or took longer than READY_TIMEOUT_SECONDS.
        """
        assert not self.is_running, "The server is running."
        self._starts += 1
        said, complained = self.output / f"{self._starts}.stdout", self.output / f"{self._starts}.stderr"
        folder = ("--data-dir", str(self.data))
        started = time.perf_counter()
        # Files, not pipes: nobody needs to empty them, and they are there after a kill.
        with said.open("wb") as stdout, complained.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*self.program, self.mode, "--host", HOST, "--port", str(self._port), *folder, *self.options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        while (url := _url_in(said)) is None:
            waited = time.perf_counter() - started
            if self._process.poll() is not None or waited > READY_TIMEOUT_SECONDS[self.mode]:
                code = self._process.poll()
                self.kill()
                ending = "still running" if code is None else f"exit code {code}"
                raise StartFailed(f"No URL after {waited:.1f} s ({ending}).\n{self.printed[-END_CHARACTERS:]}")
            time.sleep(LOOK_AGAIN_SECONDS)
        self.ready_seconds = time.perf_counter() - started
        self.url, self._port = url, urlsplit(url).port or 0

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), and do not wait."""
        assert self._process is not None, "The server has not been started."
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> int:
        """The exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it is still running.
        """
        assert self._process is not None, "The server has not been started."
        return self._process.wait(timeout_seconds)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it at once, as a power cut does for a process (SIGKILL). Safe to repeat."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_SECONDS)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of `sigdep` on the same data, as an operator types it: `run("verify")`."""
        return self.command(*arguments, "--data-dir", str(self.data))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of `sigdep` with the settings of this server, but for its data."""
        return subprocess.run(
            [_program(), *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )

    @property
    def printed(self) -> str:
        """All that its processes have ever printed, oldest first."""
        files = sorted(self.output.iterdir(), key=lambda path: (int(path.stem), path.suffix))
        files += sorted((self.data / "logs").glob("*.log"))  # Of the services, where there are several.
        return "".join(path.read_text(errors="replace") for path in files)

    @property
    def resident_bytes(self) -> int:
        """Memory that the process holds at present (Linux only)."""
        pages = int(Path(f"/proc/{self.process_id}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu_seconds(self) -> float:
        """What the process has worked so far, of user and system together (Linux only)."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running_server(
    *,
    data: Path | None = None,
    mode: Mode = "up",
    options: tuple[str, ...] = ("--no-limits",),
    program: tuple[str, ...] | None = None,
    **settings: Any,
) -> Iterator[RunningServer]:
    """A server that is ready, killed and erased at the end, also after a failure.

    Args:
        data: its data folder, which the caller erases. None: one of its own.
        program: in place of `sigdep`.
        settings: as environment variables, in lower case and without their prefix: `erase_grace_days=0`.

    Raises:
        StartFailed: it did not become ready.
    """
    variables = {PREFIX + name.upper(): str(value) for name, value in settings.items()}
    with tempfile.TemporaryDirectory(prefix="sigdep-server-") as name:
        output = Path(name) / "output"
        output.mkdir()
        Path(name).chmod(0o711)  # PostgreSQL may have to run as somebody else.
        server = RunningServer(
            data or Path(name) / "data", output, options=options, variables=variables, mode=mode, program=program
        )
        try:
            server.start()
            yield server
        finally:
            if mode == "cluster" and server.is_running:
                server.stop()  # Killed, it would leave PostgreSQL behind.
            server.kill()


def _program() -> str:
    """The command beside this very interpreter, not one that PATH happens to find."""
    return str(Path(sys.executable).with_name("sigdep"))


def _url_in(said: Path) -> str | None:
    """The URL in the first whole line that has one."""
    lines = said.read_text(errors="replace").split("\n")[:-1]
    return next((found[0].rstrip("/.") for line in lines if (found := _URL.search(line))), None)
