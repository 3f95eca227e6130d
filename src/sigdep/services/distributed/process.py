"""The process of `sigdep run <role>`: serves one role until it is told to stop."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Final

import structlog

from sigdep.gateway.figures import Figures
from sigdep.gateway.health import Remark
from sigdep.gateway.logging import configure_logging
from sigdep.kernel.errors import LogDamaged, SigdepError, with_cause
from sigdep.rpc.server import CannotListen, RpcServer
from sigdep.services.collector import calm_collector
from sigdep.services.distributed.figures_server import figures_shown, health_shown
from sigdep.services.distributed.opening import Opening
from sigdep.services.distributed.role import Check, Role
from sigdep.services.distributed.roles import ROLES, opener
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import load_adapters
from sigdep.services.jobs import Jobs
from sigdep.services.observing.watch import Watch
from sigdep.services.observing.wiring import open_spans
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.settings import BadSetting

GATEWAY: Final = "gateway"
NAMES: Final = (GATEWAY, *ROLES)

OF_THE_GATEWAY: Final = ("sigdep.services.distributed.gateway", "sigdep.gateway.metrics", "sigdep.services.http_server")

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
DRAIN_SECONDS: Final = 3.0
"""How long what was accepted may take after the word to stop."""

LOOK_SECONDS: Final = 0.5
UNFIT_LOOK_SECONDS: Final = 0.05
"""How often the health service is told whether the parts are fit; more often while they are not, as after a start."""

_log = structlog.get_logger("sigdep.service")


class CannotStart(Exception):
    """The service did not start. The text says why, and what to do."""


def load_all(settings: ServiceSettings) -> None:
    """Load the code of every role, for a process that shall become any of them.

    Args:
        settings: those of which follow the adapters that are loaded too.
    """
    for role in ROLES:
        opener(role)
    for module in OF_THE_GATEWAY:
        import_module(module)
    load_adapters(settings)


async def run_role(
    name: str, settings: ServiceSettings, on_ready: Callable[[str], None], *, ends_with_input: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted and close everything.

    Args:
        name: one of NAMES.
        on_ready: called once with the address, when it answers.
        ends_with_input: the end of standard input is such a word too: whoever started us has ended.

    Raises:
        CannotStart: an address, a setting, a database or a secret cannot be used.
    """
    configure_logging(level=logging.getLevelNamesMapping()[settings.log_level.upper()])
    structlog.contextvars.bind_contextvars(service=name)

    def ready(address: str) -> None:
        _log.info("ready", address=address, version=version("sigdep"))
        on_ready(address)

    if ends_with_input:
        _watch_input()
    try:
        if name == GATEWAY:
            await _run_gateway(settings, ready)
        else:
            await _run_service(name, settings, ready)
    except (CannotListen, SecretsExposed, SigdepError, LogDamaged, BadSetting) as error:
        raise CannotStart(with_cause(error)) from error
    except OSError as error:
        raise CannotStart(f"{error.filename or name}: {(error.strerror or str(error)).lower()}.") from error
    _log.info("stopped")


async def _run_gateway(settings: ServiceSettings, ready: Callable[[str], None]) -> None:
    # Loaded by the gateway alone: it is the public edge of every context, and no other service sees more than its own.
    from sigdep.gateway.metrics import Metrics  # noqa: PLC0415
    from sigdep.services.distributed.gateway import open_gateway  # noqa: PLC0415
    from sigdep.services.gateway_settings import open_doors  # noqa: PLC0415
    from sigdep.services.http_server import CannotListen as CannotListenHere  # noqa: PLC0415
    from sigdep.services.http_server import listen, serve_http, url_of  # noqa: PLC0415

    metrics, opening = Metrics(), Opening()
    try:
        with listen(settings.host, settings.port) as listening:
            health = partial(health_shown, listening, opening.checks)
            async with (
                _watch(GATEWAY, settings, metrics) as watch,
                opening.opened(partial(open_gateway, settings, watch, metrics), health) as application,
            ):
                doors = open_doors(settings)
                metrics.add(doors)
                await serve_http(application, listening, lambda: ready(url_of(listening)), doors)
    except CannotListenHere as error:
        raise CannotStart(str(error)) from error


@asynccontextmanager
async def _watch(name: str, settings: ServiceSettings, figures: Figures) -> AsyncIterator[Watch]:
    async with AsyncExitStack() as stack:
        spans = await open_spans(settings, name, stack)
        yield await stack.enter_async_context(Watch(name, figures, spans))


async def _run_service(name: str, settings: ServiceSettings, ready: Callable[[str], None]) -> None:
    opening = Opening()
    async with (
        _watch(name, settings, Figures()) as watch,
        figures_shown(settings.metrics_host, settings.metrics_port, watch.figures, opening.checks),
        opening.opened(partial(opener(name), settings, watch)) as role,
        Jobs() as jobs,
    ):
        for job_name, job in role.jobs.items():
            jobs.start(job_name, job)
        services = {contract: watch.service(contract, service) for contract, service in role.services.items()}
        server = RpcServer(services, handlers=role.handlers, passports=role.passports)
        # Not before it can answer: whoever shares its calls among replicas takes one that listens for one that serves.
        port = await server.start(f"{settings.rpc_host}:{settings.rpc_port}", settings.tls)
        opening.is_over(role.checks)
        calm_collector()
        with _told_to_stop() as stop:
            ready(f"{settings.rpc_host}:{port}")
            telling = asyncio.create_task(_tell_health(server, role))
            try:
                await stop.wait()
            finally:
                telling.cancel()
                await server.close(DRAIN_SECONDS)


async def _tell_health(server: RpcServer, role: Role) -> None:
    while True:
        said = [await _fault(name, check) for name, check in role.checks.items()]
        is_fit = not any(said)
        await server.say_well(is_fit)
        await asyncio.sleep(LOOK_SECONDS if is_fit else UNFIT_LOOK_SECONDS)


async def _fault(name: str, check: Check) -> str | None:
    try:
        fault = await check()
        return None if isinstance(fault, Remark) else fault
    except SigdepError as error:
        return f"{name}: {error}"


def _watch_input() -> None:
    """Once nobody can write to our standard input any more, we are told to stop as if by a signal."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        if not os.read(0, 4_096):
            loop.remove_reader(0)
            os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(0, read)


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
