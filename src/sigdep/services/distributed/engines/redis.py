"""Redis for a cluster on one machine."""

import shutil
from pathlib import Path

from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.processes import HOST, EngineMissing


def redis_engine(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    program = shutil.which("redis-server") or shutil.which("redis-server", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise EngineMissing("Redis is not on this machine. On Debian: apt-get install redis-server.")
    options = ("--bind", HOST, "--port", str(port), "--dir", str(folder), "--pidfile", str(pid_file))
    kept = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    return BrokerEngine(
        name="redis",
        program="redis-server",
        url=f"redis://{HOST}:{port}/0",
        command=(program, *options, *kept),
        folder=folder,
        pid_file=pid_file,
    )
