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
    """One at which nobody listens, and that the system gives to nobody else within the next minute."""
    return hold(0)


def free_ports(count: int) -> int:
    """The first of several in a row.

    Raises:
        EngineFailed: there are none.
    """
    for _ in range(ROWS_TRIED_MAX):
        first = free_port()
        with suppress(OSError, OverflowError):  # Somebody listens there; there are no such ports.
            for number in range(1, count):
                hold(first + number)
            return first
    raise EngineFailed(f"There are no {count} free ports in a row on {HOST}.")


def hold(port: int) -> int:
    """Keep a port for a server of ours that will listen there within a minute. 0: any.

    A connection to it is made and ended, which the system remembers for so long (TIME_WAIT). Meanwhile it gives the
    port neither to another cluster that looks for one, nor to a connection on its way out. A server that names it may
    listen there, as all of ours may that are started again at once.

    Raises:
        OSError: somebody listens there.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(1)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            accepted.close()  # Before the other side: who ends it is who remembers.
        held: int = listening.getsockname()[1]
        return held


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
