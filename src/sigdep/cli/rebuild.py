"""`sigdep rebuild`: makes read models anew from the log."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

import click

from sigdep.cli.options import data_dir_option, fail, folder_of
from sigdep.cli.services import OpenKept, services_named, services_options
from sigdep.kernel.errors import LogDamaged, SigdepError, with_cause
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog
from sigdep.services import renewing
from sigdep.services.collector import calm_collector
from sigdep.services.data_folder import LOGS, DataFolder, DataInUse
from sigdep.services.rebuilding import Progress, now_and_then, rebuild
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.settings import BadSetting
from sigdep.services.wiring import open_embedded

BAR_CHARACTERS: Final = 24

RETIRED_KEPT_SECONDS: Final = 2.0
"""After the switch, until a server that runs meanwhile has noticed it."""

SERVICE_RETIRED_KEPT_SECONDS: Final = renewing.RETIRED_KEPT_SECONDS
"""The same for services: several replicas, each of which has to notice, and to finish what it reads."""


@click.command("rebuild")
@click.argument("read_model", type=click.Choice([*LOGS, "all"]))
@data_dir_option
@services_options
def rebuild_command(read_model: str, data_dir: str | None, service: str | None, in_cluster: bool) -> None:
    """Make the read model READ_MODEL anew from the log, beside the live one, and switch to it.

    The server, or the services, may run meanwhile: they answer from the old one until the switch. Interrupted, it is
    taken up again by the next call.
    """
    services = services_named(service, in_cluster=in_cluster, data_dir=data_dir)
    names = LOGS if read_model == "all" else (read_model,)
    calm_collector()
    try:
        asyncio.run(_rebuild(folder_of(data_dir), names) if services is None else _rebuild_services(services, names))
    except (SigdepError, LogDamaged, SecretsExposed, BadSetting) as error:
        fail(with_cause(error))


async def _rebuild(folder: DataFolder, names: tuple[str, ...]) -> None:
    """Alone in the folder, or beside the server that holds it."""
    with ExitStack() as stack:
        kept_seconds = 0.0
        try:
            stack.enter_context(folder.hold())
        except DataInUse:
            kept_seconds = RETIRED_KEPT_SECONDS
        async with open_embedded(folder, read_only=True) as stores:
            for context in stores.contexts.values():
                if context.name in names:
                    await _rebuild_one(context.name, context.log, context.views, context.read_model, kept_seconds)


async def _rebuild_services(services: Mapping[str, OpenKept], names: tuple[str, ...]) -> None:
    """Each read model of these names in every service that keeps one, whether its processes run or not."""
    made = False
    for service, open_kept in services.items():
        async with open_kept() as kept:
            if kept.read_model is not None and kept.context in names:
                await _rebuild_one(service, kept.followed, kept.views, kept.read_model, SERVICE_RETIRED_KEPT_SECONDS)
                made = True
    if not made:
        fail(f"{', '.join(services)} keeps no read model {' or '.join(names)}.")


async def _rebuild_one(
    name: str, log: EventLog, views: ReadStore, read_model: ReadModel, retired_kept_seconds: float
) -> None:
    last = Progress(0, 0, 0.0)
    say = now_and_then(lambda progress: click.echo(f"{name}: {progress}", err=True))

    def show(progress: Progress) -> None:
        nonlocal last
        last = progress
        if sys.stderr.isatty():
            click.echo(f"\r{name}: {bar(progress)}", err=True, nl=False)
        else:
            say(progress)

    await rebuild(log, views, read_model, show, retired_kept_seconds=retired_kept_seconds)
    if sys.stderr.isatty():
        click.echo("", err=True)
    click.echo(f"{name}: made anew from {last.done:,} events, {last.events_per_second:,.0f} a second.")


def bar(progress: Progress) -> str:
    """`████████░░░░  71 % · 3,660/5,500 · 610/s`"""
    share = progress.done / progress.total if progress.total else 1.0
    full = round(share * BAR_CHARACTERS)
    counts = f"{progress.done:,}/{progress.total:,} · {progress.events_per_second:,.0f}/s"
    return f"{'█' * full}{'░' * (BAR_CHARACTERS - full)} {100 * share:3.0f} % · {counts} "
