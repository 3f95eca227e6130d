"""`sigdep cluster`: the whole distributed system on this machine."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

import click

from sigdep.cli.options import USAGE, data_dir_option, fail
from sigdep.services.settings import PREFIX, BadSetting, Settings, default_data_dir, load_settings

OF_THE_CLUSTER: Final = frozenset({"host", "port", "data_dir", "public_url"})
"""Settings that follow from the options."""

SHARED: Final = frozenset(PREFIX + name.upper() for name in {*Settings.__struct_fields__} - OF_THE_CLUSTER)

REPLICAS_MAX: Final = 16
"""Of one service on one machine."""


def _replicas(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    replicas = {}
    for one in given:
        role, _, number = one.partition("=")
        if not number.isdecimal() or not 1 <= int(number) <= REPLICAS_MAX:
            raise click.BadParameter(f"{one} is not like tasks.read=2, with at most {REPLICAS_MAX}.")
        replicas[role] = int(number)
    return replicas


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the gateway.")
@click.option("--port", type=int, default=8000, show_default=True, help="Port of the gateway; 0 takes a free one.")
@data_dir_option
@click.option("--broker", type=click.Choice(["nats", "kafka", "rabbitmq", "redis", "none"]), default="nats",
              show_default=True,
              help="What carries events between services; none: they follow each other's logs.")  # fmt: skip
@click.option("--replicas", metavar="ROLE=NUMBER", multiple=True, callback=_replicas,
              help="Processes of a service, as in tasks.read=2. May be given for several services.")  # fmt: skip
@click.option("--no-redis", is_flag=True, help="Gateways share nothing, also where Redis is installed.")
@click.option("--search", metavar="URL", help="OpenSearch, asked beside PostgreSQL.")
@click.option("--no-limits", is_flag=True, help="Rate limits off, for load tests; passwords are guarded all the same.")
def cluster(
    host: str,
    port: int,
    data_dir: str | None,
    broker: str,
    replicas: dict[str, int],
    no_redis: bool,
    search: str | None,
    no_limits: bool,
) -> None:
    """Run every service as a process of its own, with PostgreSQL, a broker and Redis beside them.

    Says in a line whenever a service changes its state; what dies is started again. Logs are in DATA-DIR/logs, and
    DATA-DIR/prometheus-targets.json names where each process shows its figures. Other settings come from the
    environment and hold for every service.
    """
    try:
        from sigdep.services.data_folder import DataInUse  # noqa: PLC0415
        from sigdep.services.distributed.cluster import ClusterFailed, running_cluster  # noqa: PLC0415
        from sigdep.services.distributed.engines.processes import EngineFailed, EngineMissing, free_ports  # noqa: PLC0415
        from sigdep.services.distributed.plan import Plan  # noqa: PLC0415
        from sigdep.services.distributed.process import NAMES  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        fail(f"{missing.name} is not installed. Install what services need: pip install 'sigdep[distributed]'.")
    if unknown := set(replicas) - set(NAMES):
        fail(f"There is no service {min(unknown)} of which there could be several: {', '.join(NAMES)}.")
    try:
        first_port = port or free_ports(replicas.get("gateway", 1))
    except EngineFailed as failed:
        fail(str(failed))
    plan = Plan(
        data=Path(data_dir).expanduser() if data_dir else default_data_dir() / "cluster",
        host=host,
        port=first_port,
        broker=broker,
        replicas=replicas,
        redis=not no_redis,
        settings=_shared_settings()
        | ({"SIGDEP_LIMITS": "false"} if no_limits else {})
        | ({"SIGDEP_SEARCH_URL": search} if search else {}),
    )

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with running_cluster(plan, _say) as running:
            _say(f"SigDep is ready: {' '.join(running.urls)}")
            await stop.wait()

    try:
        asyncio.run(serve())
    except (ClusterFailed, DataInUse, EngineFailed, EngineMissing) as error:
        fail(str(error))


def _shared_settings() -> dict[str, str]:
    """Those of our own environment that every service of a cluster shall have. A bad one ends the command."""
    given = {name: value for name, value in os.environ.items() if name in SHARED}
    try:
        load_settings(given, {})
    except BadSetting as error:
        fail(str(error), USAGE)
    return given


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
