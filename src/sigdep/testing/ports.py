"""Free ports for servers that must be told theirs, which nobody else is given meanwhile."""

import socket
from typing import Final

HOST: Final = "127.0.0.1"


def free_port() -> int:
    """A port of the loopback at which nobody listens.

    For a minute the system gives it to nobody who takes any port: neither to another suite that looks for one, nor to
    a connection on its way out. A server that names it may listen there, as all do that may be started again at once.
    """
    return hold(0)


def hold(port: int) -> int:
    """Keep a port for the server that will listen there within a minute. 0: any.

    A connection to it is made and ended, and the system remembers that end for so long (TIME_WAIT).

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
