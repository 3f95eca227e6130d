"""Redis for a cluster on one machine: as its broker, or for what its gateways share."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.processes import HOST, EngineMissing

KEPT: Final = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
NOT_KEPT: Final = ("--appendonly", "no", "--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl")
"""What gateways share ends by itself within a minute, and is made again."""


def redis_engine(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    """As a broker: what was published outlives the process.

    Raises:
        EngineMissing: there is no Redis here.
    """
    return _engine(folder, pid_file, port, KEPT)


def shared_redis_engine(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    """For what gateways share: nothing is kept.

    Raises:
        EngineMissing: there is no Redis here.
    """
    return _engine(folder, pid_file, port, NOT_KEPT)


def _engine(folder: Path, pid_file: Path, port: int, kept: Sequence[str]) -> BrokerEngine:
    program = shutil.which("redis-server") or shutil.which("redis-server", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise EngineMissing("Redis is not on this machine. On Debian: apt-get install redis-server.")
    options = ("--bind", HOST, "--port", str(port), "--dir", str(folder), "--pidfile", str(pid_file))
    return BrokerEngine(
        name="redis",
        program="redis-server",
        url=f"redis://{HOST}:{port}/0",
        command=(program, *options, *kept),
        folder=folder,
        pid_file=pid_file,
    )
