"""Each service starts, answers and ends by itself, whatever of the others is there."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from uuid_utils.compat import uuid7

import sigdep
from sigdep.contracts.membership import FindStrangers
from sigdep.http.stamps import internal_call
from sigdep.kernel.errors import Unavailable
from sigdep.rpc.call import Service
from sigdep.rpc.channel import open_channel
from sigdep.rpc.client import RemoteService
from sigdep.rpc.passports import Passports
from sigdep.rpc.tls import Tls
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.roles import ROLES
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.server_secrets import load_passport_key
from sigdep.services.settings import BadSetting
from sigdep.testing.broker_proxy import proxied
from sigdep.testing.servers import PostgreSQL
from sigdep.users.contract import WRITE
from tests.rpc.certificates import Authority

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 5
WORK_SECONDS = 1.0
"""Long enough for each of its jobs to have begun."""

CONTEXTS = {package.parent.name for package in Path(sigdep.__file__).parent.glob("*/context.py")}


@contextmanager
def service(
    role: str, dsn: str, folder: Path, stderr: Path | None = None, /, **settings: str
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    variables = {
        "SIGDEP_DATABASE_URL": dsn,
        "SIGDEP_KEYS_URL": dsn,
        "SIGDEP_SECRETS_DIR": str(folder / "secrets"),
        "SIGDEP_PUBLIC_URL": "http://127.0.0.1:1",
        "SIGDEP_RPC_PORT": str(port),
        **{f"SIGDEP_{other.replace('.', '_').upper()}": "127.0.0.1:1" for other in ROLES},
        **settings,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGDEP_")} | variables
    with ExitStack() as stack:
        complaints = None if stderr is None else stack.enter_context(stderr.open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "sigdep.cli", "run", role], env=environment, stderr=complaints
        )
        try:
            yield process, port
        finally:
            process.kill()
            process.wait()


async def _answers(port: int, tls: Tls | None = None) -> None:
    """Until its health says anything at all."""
    until = time.monotonic() + START_SECONDS_MAX
    async with open_channel(f"127.0.0.1:{port}", tls) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            try:
                await stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=1)  # type: ignore[attr-defined]
                return
            except grpc.aio.AioRpcError:
                assert time.monotonic() < until


@pytest.mark.parametrize("role", ROLES)
async def test_a_service_starts_and_ends_without_any_other(role: str, postgresql_dsn: str, tmp_path: Path) -> None:
    with service(role, postgresql_dsn, tmp_path) as (process, port):
        await _answers(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS_MAX) == 0


@pytest.mark.parametrize("role", ROLES)
async def test_a_service_loads_nothing_of_another_context(role: str, postgresql_dsn: str, tmp_path: Path) -> None:
    """From its first line to its last: Python itself lists all that is ever imported."""
    context, listing = role.partition(".")[0], tmp_path / "imported"
    with service(role, postgresql_dsn, tmp_path, listing, PYTHONPROFILEIMPORTTIME="1") as (process, port):
        await _answers(port)
        await asyncio.sleep(WORK_SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS_MAX) == 0
    loaded = {line.rpartition("|")[2].strip() for line in listing.read_text().splitlines() if "import time:" in line}
    assert f"sigdep.{context}.context" in loaded
    assert {name.split(".")[1] for name in loaded if name.startswith("sigdep.")} & CONTEXTS == {context}


@pytest.mark.parametrize("role", ["tasks.write", "tasks.read", "gateway"])
async def test_a_service_whose_database_is_away_says_so_and_goes_on_once_it_is_there(
    role: str, postgresql_server: PostgreSQL, postgresql_dsn: str, tmp_path: Path
) -> None:
    away, pages = free_port(), free_port()
    dsn = postgresql_dsn.replace(f":{postgresql_server.port}/", f":{away}/")
    shown = {
        "SIGDEP_METRICS_PORT": str(pages),
        "SIGDEP_PORT": str(pages),
    }  # The gateway has its health among its pages.
    with service(role, dsn, tmp_path, **shown) as (process, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{pages}") as client:
            waiting = await _health(client, lambda said: "waits" in said["parts"]["start"])
            assert waiting == {"status": "unavailable", "parts": {"start": waiting["parts"]["start"]}}
            assert "database" in waiting["parts"]["start"], "It names what it waits for."
            if role == "gateway":
                for page in ("/api/me", "/health/live"):  # By the latter, balancers choose whom requests go to.
                    assert (await client.get(page)).status_code == 503
            else:
                assert (await client.get("/health/live")).status_code == 200
                assert (await client.get("/metrics")).status_code == 200
                with pytest.raises(ConnectionRefusedError):  # Or callers would take it for a replica that answers.
                    await asyncio.open_connection("127.0.0.1", port)
            async with proxied(postgresql_server.port, at=away):
                serving = await _health(client, lambda said: "start" not in said["parts"])
                assert serving["parts"]
                if role != "gateway":
                    await _answers(port)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, STOP_SECONDS_MAX) == 0


async def _health(client: httpx.AsyncClient, is_wanted: Callable[[Any], bool]) -> Any:
    """What it says once it is what is wanted."""
    until = time.monotonic() + START_SECONDS_MAX
    while True:
        with suppress(httpx.TransportError):
            said = (await client.get("/health/ready")).json()
            if is_wanted(said):
                return said
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_a_service_with_certificates_answers_nobody_without(postgresql_dsn: str, tmp_path: Path) -> None:
    authority = Authority("ours")
    papers = authority.papers()
    files = {}
    for name in ("authority", "certificate", "key"):
        path = tmp_path / f"{name}.pem"
        path.write_bytes(getattr(papers, name))
        files[f"SIGDEP_TLS_{name.upper()}"] = str(path)
    with service("users.write", postgresql_dsn, tmp_path, **files) as (_, port):
        await _answers(port, authority.papers())
        sign = Passports(load_passport_key(tmp_path / "secrets"), issuer="test", now=time.time).signer(WRITE.name)
        async with open_channel(f"127.0.0.1:{port}", authority.papers()) as channel:
            await _ask(RemoteService.over(channel, WRITE, sign=sign))
        for strangers in (None, Authority("theirs").papers()):
            async with open_channel(f"127.0.0.1:{port}", strangers) as channel:
                with pytest.raises(Unavailable):
                    await _ask(RemoteService.over(channel, WRITE, seconds=2.0, sign=sign))


async def _ask(users: Service) -> None:
    """Of a workspace that does not exist nobody is a member."""
    stranger = uuid7()
    answer = await users.ask(FindStrangers(workspace_id=uuid7(), user_ids=(stranger,)), internal_call())  # type: ignore[arg-type]
    assert answer.value == (stranger,)


def test_half_of_the_certificates_is_a_mistake() -> None:
    with pytest.raises(BadSetting, match="SIGDEP_TLS_"):
        _ = ServiceSettings(tls_key="/nowhere").tls
    with pytest.raises(BadSetting, match="no such file"):
        _ = ServiceSettings(tls_authority="/nowhere", tls_certificate="/nowhere", tls_key="/nowhere").tls


def test_what_a_service_cannot_do_without_is_named() -> None:
    with pytest.raises(BadSetting, match="SIGDEP_DATABASE_URL is not set"):
        ServiceSettings().required("database_url")
