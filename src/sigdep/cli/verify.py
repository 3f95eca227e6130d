"""`sigdep verify`: proves that the log is what was written, and that every read model is what the log says."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping

import click

from sigdep.cli.options import FAILED, data_dir_option, fail, folder_of
from sigdep.cli.services import OpenKept, services_named, services_options
from sigdep.kernel.errors import LogDamaged, SigdepError, with_cause
from sigdep.kernel.ids import PARTITIONS, Partition
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventLog, EventStore
from sigdep.services.data_folder import DataFolder
from sigdep.services.projecting import tables_of
from sigdep.services.secret_files import SecretsExposed
from sigdep.services.settings import BadSetting
from sigdep.services.verifying import verify_read_model
from sigdep.services.wiring import open_embedded, scratch_read_store

Finding = tuple[str, bool]
"""A line, and whether it is a fault."""


@click.command()
@data_dir_option
@services_options
@click.option("--heads", is_flag=True, help="Print the last link of each partition, to be kept elsewhere.")
def verify(data_dir: str | None, service: str | None, in_cluster: bool, heads: bool) -> None:
    """Recompute the hash chain of every log, and compare every read model with a replay.

    Exit 1 if anything is not what it should be. The server, or the services, may run meanwhile.
    """
    services = services_named(service, in_cluster=in_cluster, data_dir=data_dir)
    try:
        findings = _folder(folder_of(data_dir), heads=heads) if services is None else _services(services, heads=heads)
        sound = asyncio.run(_tell(findings))
    except (SigdepError, LogDamaged, SecretsExposed, BadSetting) as error:
        fail(with_cause(error))
    sys.exit(0 if sound else FAILED)


async def _tell(findings: AsyncIterator[Finding]) -> bool:
    faults = 0
    async for line, is_fault in findings:
        click.echo(line)
        faults += is_fault
    click.echo("Everything holds." if not faults else f"{faults} faults.")
    return not faults


async def _folder(folder: DataFolder, *, heads: bool) -> AsyncIterator[Finding]:
    async with open_embedded(folder, read_only=True) as stores:
        for context in stores.contexts.values():
            async for finding in _chain(context.name, context.log, heads=heads):
                yield finding
            async with scratch_read_store() as scratch:
                async for finding in _rows(context.name, context.log, context.views, context.read_model, scratch):
                    yield finding


async def _services(services: Mapping[str, OpenKept], *, heads: bool) -> AsyncIterator[Finding]:
    """Each by itself, so that a log that cannot be read hides no fault of another."""
    for name, open_kept in services.items():
        async with open_kept() as kept:
            if kept.log is not None:
                async for finding in _chain(name, kept.log, heads=heads):
                    yield finding
            if kept.read_model is not None:
                # Replayed in the service's own database: what a container may write elsewhere is small.
                async for finding in _rows(name, kept.followed, kept.views, kept.read_model, None):
                    yield finding


async def _chain(name: str, log: EventStore, *, heads: bool) -> AsyncIterator[Finding]:
    events = 0
    sound = True
    for number in range(PARTITIONS):
        report = await log.verify(Partition(number))
        events += report.events
        for fault in report.faults:
            sound = False
            where = f"{fault.first_position}-{fault.last_position}"
            yield f"✗ {name} log, partition {number}, positions {where}: {fault.detail}", True
        if heads and report.events:
            yield f"  {name} log, partition {number}, {report.events:,} events: {report.head.hex()}", False
    if sound:
        yield f"✓ {name} log: {events:,} events, every link of the hash chain", False


async def _rows(
    name: str, log: EventLog, views: ReadStore, read_model: ReadModel, scratch: ReadStore | None
) -> AsyncIterator[Finding]:
    """After a restore, and after an upgrade, there is no read model to be wrong: it is made at the next start."""
    if await views.live(read_model.name, tables_of(read_model), read_model.fingerprint) is None:
        yield f"- {name} read model: not made yet by this release; the next start makes it", False
        return
    try:
        differences = await verify_read_model(log, views, read_model, scratch=scratch)
    except LogDamaged as damage:
        yield f"✗ {name} read model: it cannot be replayed. {damage}", True
        return
    for difference in differences:
        yield f"✗ {name} read model, {difference.table} {difference.key}: {difference.detail}", True
    if not differences:
        yield f"✓ {name} read model: every row is what a replay gives", False
