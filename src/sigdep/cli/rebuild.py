"""`sigdep rebuild`: makes read models anew from the log."""

import asyncio
import sys
from contextlib import ExitStack
from typing import Final

import click

from sigdep.cli.options import data_dir_option, fail, settings_from
from sigdep.kernel.errors import LogDamaged, SigdepError
from sigdep.services.collector import calm_collector
from sigdep.services.data_folder import LOGS, DataFolder, DataInUse
from sigdep.services.rebuilding import Progress, rebuild
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.wiring import ContextStores, open_embedded

BAR_CHARACTERS: Final = 24

RETIRED_KEPT_SECONDS: Final = 2.0
"""After the switch, until a server that runs meanwhile has noticed it."""


@click.command("rebuild")
@click.argument("read_model", type=click.Choice([*LOGS, "all"]))
@data_dir_option
def rebuild_command(read_model: str, data_dir: str | None) -> None:
    """Make the read model READ_MODEL anew from the log, beside the live one, and switch to it.

    The server may run meanwhile: it answers from the old one until the switch. Interrupted, it is
    taken up again by the next call.
    """
    settings, _ = settings_from({"data_dir": data_dir})
    folder = DataFolder(settings.data_path)
    if not folder.exists:
        fail(f"{folder.path} holds no data. Name the folder with --data-dir.")
    calm_collector()
    try:
        asyncio.run(_rebuild(folder, LOGS if read_model == "all" else (read_model,)))
    except (SigdepError, LogDamaged, SecretsExposed) as error:
        fail(str(error))


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
                    await _rebuild_one(context, kept_seconds)


async def _rebuild_one(context: ContextStores, kept_seconds: float) -> None:
    last = Progress(0, 0, 0.0)

    def show(progress: Progress) -> None:
        nonlocal last
        last = progress
        if sys.stderr.isatty():
            click.echo(f"\r{context.name}: {bar(progress)}", err=True, nl=False)

    await rebuild(context.log, context.views, context.read_model, show, retired_kept_seconds=kept_seconds)
    if sys.stderr.isatty():
        click.echo("", err=True)
    click.echo(f"{context.name}: made anew from {last.done:,} events, {last.events_per_second:,.0f} a second.")


def bar(progress: Progress) -> str:
    """`████████░░░░  71 % · 3,660/5,500 · 610/s`"""
    share = progress.done / progress.total if progress.total else 1.0
    full = round(share * BAR_CHARACTERS)
    counts = f"{progress.done:,}/{progress.total:,} · {progress.events_per_second:,.0f}/s"
    return f"{'█' * full}{'░' * (BAR_CHARACTERS - full)} {100 * share:3.0f} % · {counts} "
