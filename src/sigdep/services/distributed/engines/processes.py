"""What all servers of a cluster share: an address of this machine, and an end for what a killed cluster left behind."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
COMMAND_SECONDS_MAX: Final = 60.0
ROWS_TRIED_MAX: Final = 100


class EngineMissing(Exception):
    """A server that a cluster needs is not on this machine. The text says how to get it."""


class EngineFailed(Exception):
    """A server's own command failed. The text holds what it printed."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of several in a row.

    Raises:
        EngineFailed: there are none.
    """
    for _ in range(ROWS_TRIED_MAX):
        first = free_port()
        if first + count <= 65_536 and all(is_free(first + number) for number in range(1, count)):
            return first
    raise EngineFailed(f"There are no {count} free ports in a row on {HOST}.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def end_leftover(pid_file: Path, program: str) -> None:
    """End a server of ours that a killed cluster has left behind, and return once it has gone."""
    try:
        process_id = int(pid_file.read_text().split()[0])
        named = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "comm=", "-p", str(process_id)], capture_output=True, text=True, check=False
        ).stdout
    except (FileNotFoundError, IndexError, ValueError):
        return
    if program not in named:
        return
    with suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGINT)  # To PostgreSQL: end every session and stop.
        until = time.monotonic() + COMMAND_SECONDS_MAX
        while time.monotonic() < until:
            os.kill(process_id, 0)
            time.sleep(0.05)
