"""The whole distributed system on one machine: each service its own process, with PostgreSQL and a broker."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import msgspec
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sigdep.services.data_folder import DataFolder
from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.brokers import broker_engine
from sigdep.services.distributed.engines.postgresql import PostgreSQL
from sigdep.services.distributed.engines.processes import HOST, EngineMissing, end_leftover, free_port
from sigdep.services.distributed.engines.redis import shared_redis_engine
from sigdep.services.distributed.forks import Forks
from sigdep.services.distributed.places import Place, forget_places, variable_of, write_places, writer_of
from sigdep.services.distributed.plan import NO_BROKER, REDIS, Plan
from sigdep.services.distributed.process import GATEWAY
from sigdep.services.distributed.roles import ROLES
from sigdep.services.distributed.supervisor import Program, Supervisor

READY_SECONDS_MAX: Final = 120.0
LOOK_SECONDS: Final = 0.1
ASK_SECONDS: Final = 1.0

SIGDEP: Final = (sys.executable, "-m", "sigdep.cli")
FORK_SERVER: Final = (sys.executable, "-m", "sigdep.cli.fork_server")

TARGETS: Final = "prometheus-targets.json"


class ClusterFailed(Exception):
    """The cluster did not become ready. The text says what waits, and where its log is."""


class Cluster:
    """`async with running_cluster(plan, say) as cluster:`"""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._postgresql = PostgreSQL(plan.data / "postgresql")
        self._roles = plan.programs()
        self._ports = {name: free_port() for name in self._roles}
        self._metrics_ports = {name: free_port() for name in self._roles}
        self._say = say
        self._broker = None if plan.broker == NO_BROKER else broker_engine(plan.broker, plan.data)
        self._redis = self._broker if plan.broker == REDIS and plan.redis else _own_redis(plan)
        self._supervisor = Supervisor(lambda program: say(f"{program.name:<12} {program.state}"))
        self._forks: Forks | None = None

    @property
    def url(self) -> str:
        """Of the first gateway."""
        return self.urls[0]

    @property
    def urls(self) -> Sequence[str]:
        """Of each gateway."""
        return [f"http://{self._plan.host}:{port}" for port in self._plan.gateways().values()]

    @property
    def programs(self) -> Mapping[str, Program]:
        return {program.name: program for program in self._supervisor.programs}

    @property
    def data(self) -> Path:
        return self._plan.data

    def address(self, name: str) -> str:
        """Where a process of a service answers by gRPC."""
        return f"{HOST}:{self._ports[name]}"

    def metrics_address(self, name: str) -> str:
        """Where a process shows its figures and its health by HTTP."""
        gateway = self._plan.gateways().get(name)
        return f"{HOST}:{self._metrics_ports[name]}" if gateway is None else f"{self._plan.host}:{gateway}"

    @property
    def broker(self) -> BrokerEngine | None:
        return self._broker

    @property
    def redis(self) -> BrokerEngine | None:
        """What the gateways share. None: there is none on this machine, or none was wanted."""
        return self._redis

    @property
    def postgresql(self) -> PostgreSQL:
        return self._postgresql

    async def start(self) -> None:
        """
        Raises:
            ClusterFailed: something is not ready after READY_SECONDS_MAX.
            EngineFailed: PostgreSQL does not start.
        """
        data = self._plan.data
        if os.geteuid() == 0:
            data.chmod(0o711)  # PostgreSQL runs as somebody else, and must reach its own folder.
        (data / "logs").mkdir(mode=0o700, exist_ok=True)
        if self._plan.forked:
            self._forks = Forks(FORK_SERVER, self._shared_environment(), data / "logs" / "fork-server.log")
            await self._forks.begin()  # It loads while the others start.
        await self._postgresql.start((*(_database(role) for role in ROLES), "keys"))
        await self._start_engine(self._broker)
        if self._redis is not self._broker:
            await self._start_engine(self._redis)
        for name, role in self._roles.items():
            self._start_service(name, role)
        await asyncio.gather(*(self._until(name, lambda name=name: self._serves(name)) for name in self._roles))  # type: ignore[misc]
        for name, port in self._plan.gateways().items():
            self._start_service(name, GATEWAY)
            await self._until(name, lambda port=port: _listens(port, self._plan.host))  # type: ignore[misc]
        self._tell_prometheus()
        self._tell_commands()

    def _tell_commands(self) -> None:
        places = {
            role: Place(
                database_url=self._postgresql.url(_database(role)),
                keys_url=self._postgresql.url("keys"),
                secrets_dir=str((self._plan.data / "secrets").absolute()),
                log=self._target(writer_of(role)),
            )
            for role in ROLES
        }
        write_places(self._plan.data, places)

    def _tell_prometheus(self) -> None:
        """Where the figures of all processes are, in a file as Prometheus reads it (`file_sd_configs`)."""
        names = (*self._plan.gateways(), *self._roles)
        targets = [{"targets": [self.metrics_address(name)], "labels": {"process": name}} for name in names]
        (self._plan.data / TARGETS).write_bytes(msgspec.json.format(msgspec.json.encode(targets)))
        for name in names:
            self._say(f"{name:<12} figures at {self.metrics_address(name)}/metrics")

    async def _start_engine(self, engine: BrokerEngine | None) -> None:
        if engine is not None:
            end_leftover(engine.pid_file, engine.program)
            environment = {**os.environ, **engine.environment}
            program = Program(
                name=engine.name,
                command=engine.command,
                environment=environment,
                log=self._log(engine.name),
                folder=engine.folder,
            )
            self._supervisor.start(program)
            await self._until(engine.name, lambda: _listens(urlsplit(engine.url).port or 0))

    async def stop(self) -> None:
        """Those first who take something from outside, then those who may owe them an answer, then the engines."""
        forget_places(self._plan.data)
        await self._supervisor.stop(self._plan.gateways())
        await self._supervisor.stop(self._roles)
        if self._forks is not None:
            await self._forks.close()
        engines = [engine.name for engine in (self._broker, self._redis) if engine is not None]
        stopping = asyncio.create_task(self._postgresql.stop())
        await self._supervisor.stop(engines)
        await stopping

    async def end(self, name: str) -> None:
        """One process for good, as a rollout ends those of the former release."""
        await self._supervisor.stop((name,))

    def _start_service(self, name: str, role: str) -> None:
        arguments = ("run", role, "--end-with-input")
        program = Program(
            name=name,
            command=(*SIGDEP, *arguments),
            environment=self._environment(role, name),
            log=self._log(name),
            ends_with_us=True,
        )
        if (forks := self._forks) is not None:
            program.start = lambda program, log: forks.start(program, arguments, log)
        self._supervisor.start(program)

    def _log(self, name: str) -> Path:
        return self._plan.data / "logs" / f"{name}.log"

    def _environment(self, role: str, name: str) -> dict[str, str]:
        ours = self._shared_environment()
        if role == GATEWAY:
            return ours | {"SIGDEP_HOST": self._plan.host, "SIGDEP_PORT": str(self._plan.gateways()[name])}
        return ours | {
            "SIGDEP_DATABASE_URL": self._postgresql.url(_database(role)),
            "SIGDEP_INSTANCE": name,
            "SIGDEP_RPC_HOST": HOST,
            "SIGDEP_RPC_PORT": str(self._ports[name]),
            "SIGDEP_METRICS_HOST": HOST,
            "SIGDEP_METRICS_PORT": str(self._metrics_ports[name]),
        }

    def _shared_environment(self) -> dict[str, str]:
        """What every service of ours is told."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SIGDEP_")}
        ours |= {
            "SIGDEP_PUBLIC_URL": self.url,
            "SIGDEP_KEYS_URL": self._postgresql.url("keys"),
            "SIGDEP_SECRETS_DIR": str(self._plan.data / "secrets"),
            **self._plan.settings,
        }
        for other in ROLES:
            ours[variable_of(other)] = self._target(other)
        if self._broker is not None:
            ours["SIGDEP_BROKER_URL"] = self._broker.url
        if self._redis is not None:
            ours["SIGDEP_REDIS_URL"] = self._redis.url
        return ours

    def _target(self, role: str) -> str:
        """All replicas of a role, as gRPC takes it."""
        addresses = [self.address(name) for name, one in self._roles.items() if one == role]
        return addresses[0] if len(addresses) == 1 else f"ipv4:{','.join(addresses)}"

    async def _serves(self, name: str) -> bool:
        """What the process's own health says."""
        async with grpc.aio.insecure_channel(self.address(name)) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            try:
                said = await stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=ASK_SECONDS)
            except grpc.aio.AioRpcError:
                return False
            return bool(said.status == health_pb2.HealthCheckResponse.SERVING)

    async def _until(self, name: str, ready: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                while not await ready():  # type: ignore[misc]  # noqa: ASYNC110  Other processes tell nobody.
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            waited = f"{name} is not ready after {READY_SECONDS_MAX:g} seconds"
            raise ClusterFailed(f"{waited}. Look into {self._log(name)}.") from None


@asynccontextmanager
async def running_cluster(plan: Plan, say: Callable[[str], None]) -> AsyncIterator[Cluster]:
    """A cluster that is ready, and stopped at the end of the block.

    Raises:
        DataInUse: another process has this folder.
        ClusterFailed, EngineFailed: something does not become ready.
    """
    with DataFolder(plan.data).hold():
        cluster = Cluster(plan, say)
        try:
            await cluster.start()
            yield cluster
        finally:
            await cluster.stop()


def _own_redis(plan: Plan) -> BrokerEngine | None:
    """None: none is wanted, or none is here, and gateways go on alone."""
    if not plan.redis:
        return None
    with suppress(EngineMissing):
        return shared_redis_engine(plan.data / REDIS, plan.data / f"{REDIS}.pid", free_port())
    return None


def _database(role: str) -> str:
    return role.replace(".", "_")


async def _listens(port: int, host: str = HOST) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
