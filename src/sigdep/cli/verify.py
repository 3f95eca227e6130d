"""`sigdep verify`: proves that the log is what was written, and that every read model is what the log says."""

import asyncio
import sys
from collections.abc import AsyncIterator

import click

from sigdep.cli.options import FAILED, data_dir_option, fail, settings_from
from sigdep.kernel.errors import LogDamaged, SigdepError
from sigdep.kernel.ids import PARTITIONS, Partition
from sigdep.services.data_folder import DataFolder
from sigdep.services.projecting import tables_of
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.verifying import verify_read_model
from sigdep.services.wiring import ContextStores, open_embedded, scratch_read_store


@click.command()
@data_dir_option
@click.option("--heads", is_flag=True, help="Print the last link of each partition, to be kept elsewhere.")
def verify(data_dir: str | None, heads: bool) -> None:
    """Recompute the hash chain of every log, and compare every read model with a replay.

    Exit 1 if anything is not what it should be. The server may run meanwhile.
    """
    settings, _ = settings_from({"data_dir": data_dir})
    folder = DataFolder(settings.data_path)
    if not folder.exists:
        fail(f"{folder.path} holds no data. Name the folder with --data-dir.")
    try:
        sound = asyncio.run(_verify(folder, heads=heads))
    except (SigdepError, LogDamaged, SecretsExposed) as error:
        fail(str(error))
    sys.exit(0 if sound else FAILED)


async def _verify(folder: DataFolder, *, heads: bool) -> bool:
    faults = 0
    async with open_embedded(folder, read_only=True) as stores:
        for context in stores.contexts.values():
            async for line, is_fault in _chain(context, heads=heads):
                click.echo(line)
                faults += is_fault
            async for line, is_fault in _rows(context):
                click.echo(line)
                faults += is_fault
    click.echo("Everything holds." if not faults else f"{faults} faults.")
    return not faults


async def _chain(context: ContextStores, *, heads: bool) -> AsyncIterator[tuple[str, bool]]:
    events = 0
    sound = True
    for number in range(PARTITIONS):
        report = await context.log.verify(Partition(number))
        events += report.events
        for fault in report.faults:
            sound = False
            where = f"{fault.first_position}-{fault.last_position}"
            yield f"✗ {context.name} log, partition {number}, positions {where}: {fault.detail}", True
        if heads and report.events:
            yield f"  {context.name} log, partition {number}, {report.events:,} events: {report.head.hex()}", False
    if sound:
        yield f"✓ {context.name} log: {events:,} events, every link of the hash chain", False


async def _rows(context: ContextStores) -> AsyncIterator[tuple[str, bool]]:
    """After a restore, and after an upgrade, there is no read model to be wrong: it is made at the next start."""
    read_model = context.read_model
    if await context.views.live(read_model.name, tables_of(read_model), read_model.fingerprint) is None:
        yield f"- {context.name} read model: not made yet; the next `sigdep up` makes it", False
        return
    async with scratch_read_store() as scratch:
        differences = await verify_read_model(context.log, context.views, context.read_model, scratch=scratch)
    for difference in differences:
        yield f"✗ {context.name} read model, {difference.table} {difference.key}: {difference.detail}", True
    if not differences:
        yield f"✓ {context.name} read model: every row is what a replay gives", False
