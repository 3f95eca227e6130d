"""RabbitMQ with streams for a cluster on one machine: a node of its own, which knows of no other."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.processes import HOST, EngineMissing, free_port

INSTALLATIONS: Final = ("/usr/lib/rabbitmq", "/opt/rabbitmq")

SCRIPT: Final = "lib/rabbitmq_server-*/sbin/rabbitmq-server"
"""In an installation. What Debian has in /usr/sbin becomes another user, and is for the system's own server."""

USER: Final = "sigdep"

CONFIGURATION: Final = """
listeners.tcp = none
stream.listeners.tcp.1 = {host}:{port}
stream.advertised_host = {host}
stream.advertised_port = {port}
default_user = {user}
default_pass = {password}
log.console = true
log.console.level = warning
log.file = false
"""
"""RabbitMQ makes the user when it starts without data."""

START: Final = 'setpriv --pdeathsig KILL epmd -address "$ERL_EPMD_ADDRESS" -port "$ERL_EPMD_PORT" & exec "$0"'
"""The directory of nodes, without which Erlang does not work, and which would outlive it; and then the server."""


def rabbitmq_engine(folder: Path, pid_file: Path, port: int) -> BrokerEngine:
    script = _script()
    beside = folder.with_name("rabbitmq.d")
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = _password(beside / "password")
    configuration = CONFIGURATION.format(host=HOST, port=port, user=USER, password=password)
    _write_privately(beside / "rabbitmq.conf", configuration)
    (beside / "plugins").write_text("[rabbitmq_stream].\n")
    return BrokerEngine(
        name="rabbitmq",
        program="beam",
        url=f"rabbitmq-stream://{USER}:{password}@{HOST}:{port}",
        command=("/bin/sh", "-c", START, script),
        folder=folder,
        pid_file=pid_file,
        environment={
            "HOME": str(beside),  # Erlang's cookie is made there.
            "RUNNING_UNDER_SYSTEMD": "true",  # The script becomes the server, and not its parent.
            "ERL_FLAGS": "-start_epmd false",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": "sigdep@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(folder),
            "RABBITMQ_LOG_BASE": str(beside / "logs"),
            "RABBITMQ_PID_FILE": str(pid_file),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(beside / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(beside / "plugins"),
        },
    )


def _script() -> str:
    found = [str(script) for place in INSTALLATIONS for script in sorted(Path(place).glob(SCRIPT))]
    if not found or shutil.which("epmd") is None or shutil.which("setpriv") is None:
        raise EngineMissing("RabbitMQ is not on this machine. On Debian: apt-get install rabbitmq-server.")
    return found[-1]


def _password(kept: Path) -> str:
    """The same at each start: the server keeps its users with its data."""
    if not kept.exists():
        _write_privately(kept, secrets.token_urlsafe(32))
    return kept.read_text()


def _write_privately(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
