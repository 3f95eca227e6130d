"""Real brokers for tests, each a process of its own: started, killed, emptied and started again."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from sigdep.testing.ports import HOST, free_port, hold
from sigdep.testing.servers import ServerFailed, ServerMissing

START_SECONDS_MAX: Final = 60.0
"""Far over what a start takes: a machine that is busy with other tests must not fail one."""

LOOK_AGAIN_SECONDS: Final = 0.01

LOG_END_CHARACTERS: Final = 2_000


class BrokerServer(ABC):
    """One server on free loopback ports, the same at each start, and its data, which outlive its process."""

    name: str
    start_seconds_max: float = START_SECONDS_MAX

    home: Path | None = None
    """Where its folder is made. None: where the system keeps what is temporary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What starts it in the foreground."""

    def environment(self) -> Mapping[str, str] | None:
        """Its variables. None: ours."""
        return None

    def prepare(self) -> None:
        """Make whatever must be there before a start. Called before each."""
        self.data.mkdir(exist_ok=True)

    def start(self) -> None:
        """Start, and return once it answers.

        Raises:
            ServerFailed: it ended instead, or took longer than `start_seconds_max`.
        """
        assert self._process is None, "The server is running."
        self.prepare()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + self.start_seconds_max
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise ServerFailed(
                    f"{self.name}:\n{(self.folder / 'log').read_text(errors='replace')[-LOG_END_CHARACTERS:]}"
                )
            time.sleep(LOOK_AGAIN_SECONDS)

    def answers(self) -> bool:
        """Whether it serves clients already."""
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once (SIGKILL). Safe to repeat."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            with suppress(OSError):  # The end of its own connections may keep it already.
                hold(self.port)

    def freeze(self) -> None:
        """Let it stand still (SIGSTOP): its connections stay, and nothing is answered. `kill` ends it all the same."""
        assert self._process is not None, "The server is not running."
        self._process.send_signal(signal.SIGSTOP)
        _, how = os.waitpid(self._process.pid, os.WUNTRACED)  # Until all its threads do: they may be busy just now.
        assert os.WIFSTOPPED(how), "The server has ended instead."

    def thaw(self) -> None:
        """Let it go on. Safe to repeat."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def erase(self) -> None:
        """Remove all that it has stored. It must not be running."""
        assert self._process is None, "The server is running."
        shutil.rmtree(self.data)


Server = TypeVar("Server", bound=BrokerServer)


@contextmanager
def running(kind: type[Server]) -> Iterator[Server]:
    """A server that answers, killed and erased at the end, also after a failure.

    Raises:
        ServerMissing: this machine has none.
        ServerFailed: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="sigdep-broker-", dir=kind.home, ignore_cleanup_errors=True) as folder:
        server = kind(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


def installed(program: str, name: str) -> str:
    """The path of a program of the system.

    Raises:
        ServerMissing: it is not installed.
    """
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServerMissing(f"{name}: {program} is not installed (make services)")
    return found
