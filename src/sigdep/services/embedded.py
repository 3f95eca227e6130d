"""The process of `sigdep up`: every context, its projector, its reactions and the gateway, in one event loop."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import structlog

from sigdep.gateway.application import create_application
from sigdep.gateway.doors import Doors
from sigdep.gateway.feed_source import FeedSource
from sigdep.gateway.health import Check
from sigdep.gateway.live.hub import Hub
from sigdep.gateway.logging import configure_logging
from sigdep.gateway.metrics import Metrics
from sigdep.kernel.errors import LogDamaged, SigdepError
from sigdep.kernel.store import EventStore
from sigdep.services.contexts.house import House
from sigdep.services.contexts.opening import Contexts, open_contexts
from sigdep.services.data_folder import DataFolder, DataInUse
from sigdep.services.gateway_settings import gateway_settings, open_doors
from sigdep.services.http_server import CannotListen, listen, serve_http, url_of
from sigdep.services.jobs import Jobs
from sigdep.services.menus import all_told
from sigdep.services.observing.watch import Watch
from sigdep.services.observing.wiring import open_spans
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.settings import BadSetting, Settings
from sigdep.services.starting import Start
from sigdep.services.views_check import said_of_views
from sigdep.services.wiring import open_embedded

_log = structlog.get_logger("sigdep.embedded")


class CannotStart(Exception):
    """The server did not start. The text says why, and what to do."""


async def run_embedded(settings: Settings, on_ready: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was accepted and close everything.

    Args:
        on_ready: called once with the URL, when every part answers.
        say: is told now and then what is waited for until then.

    Raises:
        CannotStart: the address, the data or a secret cannot be used.
    """
    configure_logging(level=logging.getLevelNamesMapping()[settings.log_level.upper()])
    folder = DataFolder(settings.data_path)
    try:
        with folder.hold(), listen(settings.host, settings.port) as listening:
            doors, url = open_doors(settings), url_of(listening)
            async with open_embedded(folder) as stores, AsyncExitStack() as stack:
                spans, metrics = await open_spans(settings, "up", stack), Metrics()
                watch = await stack.enter_async_context(Watch("up", metrics, spans))
                jobs = await stack.enter_async_context(Jobs())
                house = House(settings=settings, stores=stores, watch=watch, issuer=settings.public_url or url)
                contexts = await stack.enter_async_context(open_contexts(house))
                start = Start(contexts, jobs, on_ready=partial(_announce, on_ready, url), say=say)
                await start.begin()
                application = await stack.enter_async_context(_application(house, contexts, metrics, jobs, doors))
                await serve_http(application, listening, start.listens.set, doors)
    except (BadSetting, CannotListen, DataInUse, SecretsExposed, SigdepError, LogDamaged) as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        where = error.filename or folder.path
        raise CannotStart(f"{where}: {(error.strerror or str(error)).lower()}.") from error
    _log.info("stopped")


def _announce(on_ready: Callable[[str], None], url: str) -> None:
    _log.info("ready", url=url, version=version("sigdep"))
    on_ready(url)


@asynccontextmanager
async def _application(
    house: House, contexts: Contexts, metrics: Metrics, jobs: Jobs, doors: Doors
) -> AsyncIterator[Any]:
    """The gateway over all contexts."""
    async with AsyncExitStack() as stack:
        spans = house.watch.spans
        feed = await stack.enter_async_context(FeedSource(contexts.published))
        live = await stack.enter_async_context(Hub(feed, contexts.identities, spans=spans))
        metrics.add(live.counts)
        metrics.add(doors)
        yield create_application(
            contexts.routes,
            identities=contexts.identities,
            settings=gateway_settings(house.settings, house.stores.secrets.fingerprint_key),
            feed=feed,
            told=all_told(),
            live=live,
            checks=_checks(contexts, jobs),
            metrics=metrics,
            spans=spans,
        )


def _checks(contexts: Contexts, jobs: Jobs) -> dict[str, Check]:
    def of(describe: Callable[[], str | None]) -> Check:
        async def check() -> str | None:
            return describe()

        return check

    checks = {f"{projector.name}.views": of(partial(said_of_views, projector)) for projector in contexts.projectors}
    for reactor in contexts.reactors:
        checks[reactor.name] = of(reactor.fault)
    checks["jobs"] = of(jobs.fault)
    for name, log in contexts.logs.items():
        checks[f"{name}.log"] = _log_check(log)
    return checks


def _log_check(log: EventStore) -> Check:
    async def check() -> str | None:
        await log.heads()
        return None

    return check
