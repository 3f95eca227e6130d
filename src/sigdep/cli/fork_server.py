"""`python -m sigdep.cli.fork_server`: loads the code of every service, then forks into one whenever it is asked.

A fork takes only the thread that calls for it. So nothing is begun here that needs more than one: no event loop, no
gRPC. Requests come over a socket as standard input, see `forks`; what is said goes to standard output, a line each.
"""

import gc
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from sigdep.cli import main as sigdep
from sigdep.cli.run import start_sooner
from sigdep.services.distributed.forks import FILES_OF_A_FORK, LENGTH_BYTES, Ended, Started, Told, Wanted

STANDARD_INPUT: Final = 0
STANDARD_OUTPUT: Final = 1
STANDARD_ERROR: Final = 2
WOKEN_BYTES_MAX: Final = 4_096


def main() -> None:
    start_sooner()
    _load()
    gc.freeze()  # A collection would write to the memory that is shared.
    if (asked := _serve()) is not None:
        wanted, files = asked
        _be_like_new(wanted, files)
        sigdep(wanted.arguments)


def _load() -> None:
    import uvloop  # noqa: F401, PLC0415

    from sigdep.services.distributed.process import load_all  # noqa: PLC0415
    from sigdep.services.distributed.settings import ServiceSettings  # noqa: PLC0415
    from sigdep.services.settings import load_settings_of  # noqa: PLC0415

    settings, _ = load_settings_of(ServiceSettings, os.environ, {})
    load_all(settings)


def _serve() -> tuple[Wanted, list[int]] | None:
    """Until nobody asks any more: None. In each fork, what it shall be, and its files."""
    with socket.socket(fileno=os.dup(STANDARD_INPUT)) as asking, _woken_by_the_end_of_forks() as woken:
        while True:
            readable, _, _ = select.select([asking.fileno(), woken], [], [])
            if woken in readable:
                os.read(woken, WOKEN_BYTES_MAX)
                _tell_who_ended()
            if asking.fileno() in readable:
                asked = _request(asking)
                if asked is None:
                    return None
                wanted, files = asked
                process_id = os.fork()
                if process_id == 0:
                    return asked
                _tell(Started(number=wanted.number, process_id=process_id))
                for file in files:
                    os.close(file)


@contextmanager
def _woken_by_the_end_of_forks() -> Iterator[int]:
    """What can be read from when one has ended."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # By default it is nothing to wake for.
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(woken)
        os.close(wake)


def _request(asking: socket.socket) -> tuple[Wanted, list[int]] | None:
    """None: there will be none."""
    length, files, _, _ = socket.recv_fds(asking, LENGTH_BYTES, FILES_OF_A_FORK)
    if len(length) < LENGTH_BYTES:
        return None
    message = _exactly(int.from_bytes(length), asking.recv)
    return None if message is None else (msgspec.json.decode(message, type=Wanted), files)


def _exactly(size: int, read: Callable[[int], bytes]) -> bytes | None:
    message = b""
    while len(message) < size:
        if not (part := read(size - len(message))):
            return None
        message += part
    return message


def _be_like_new(wanted: Wanted, files: list[int]) -> None:
    """As if this process had been started with that environment, standard input and log."""
    os.setsid()
    given, log = files
    for file, standard in ((given, STANDARD_INPUT), (log, STANDARD_OUTPUT), (log, STANDARD_ERROR)):
        os.dup2(file, standard)
    os.close(given)
    os.close(log)
    os.environ.clear()
    os.environ.update(wanted.environment)
    with suppress(OSError):
        Path("/proc/self/comm").write_text(wanted.name)


def _tell_who_ended() -> None:
    with suppress(ChildProcessError):  # There is none at all.
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            _tell(Ended(process_id=ended[0], status=os.waitstatus_to_exitcode(ended[1])))


def _tell(told: Told) -> None:
    with suppress(BrokenPipeError):  # Whoever asked has gone: the next thing we read is the end.
        os.write(STANDARD_OUTPUT, msgspec.json.encode(told) + b"\n")


if __name__ == "__main__":
    main()
