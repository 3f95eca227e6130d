"""What a service of the distributed system keeps, opened by a command beside the processes of that service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sigdep.kernel.codec import Codec
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.sealed_log import SealedLog, UnsealedLog
from sigdep.kernel.store import EventLog, EventStore
from sigdep.rpc.channel import open_channel
from sigdep.rpc.log import RemoteLog
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import check_database, open_keys, open_log, open_passports, open_views
from sigdep.services.menus import MENUS, Menu
from sigdep.services.server_secrets import load_key_encryption_key, passport_key_path
from sigdep.services.settings import BadSetting

OWN_READ_MODEL: Final = frozenset({"users.write"})
"""Writing services that keep their context's read model too: what they decide by must not be another's to answer."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A log, a read model, or both: in the database of that service alone."""

    service: str
    context: str
    log: EventStore | None
    """None: it keeps none, and follows its context's by gRPC, as `followed`."""
    followed: EventLog
    views: ReadStore
    read_model: ReadModel | None
    """None: it keeps none."""


@asynccontextmanager
async def open_kept(service: str, settings: ServiceSettings) -> AsyncIterator[Kept]:
    """
    Args:
        service: a role behind the gateway, such as tasks.read.
        settings: those with which that service runs.

    Raises:
        BadSetting: they are not.
        SecretsExposed: others can read a secret.
        Unavailable: a database is away.
    """
    context, _, side = service.partition(".")
    menu, writes = MENUS[context], side == "write"
    if not passport_key_path(settings.secrets_path).exists():
        raise BadSetting(f"SIGDEP_SECRETS_DIR: {settings.secrets_path} holds no secrets of a distributed system.")
    await check_database(settings, has_log=writes)
    async with AsyncExitStack() as stack:
        keys = await open_keys(settings, load_key_encryption_key(settings.secrets_path), stack)
        log = await open_log(settings, menu.events, keys, stack) if writes else None
        yield Kept(
            service=service,
            context=context,
            log=log,
            followed=log or UnsealedLog(_log_of(menu, settings, stack), Codec(menu.events, keys)),
            views=await open_views(settings, stack),
            read_model=menu.read_model() if not writes or service in OWN_READ_MODEL else None,
        )


def _log_of(menu: Menu, settings: ServiceSettings, stack: AsyncExitStack) -> SealedLog:
    """As the reading side has it: its owner answers, nobody opens another service's database."""
    owner = menu.write.name
    channel = open_channel(settings.required(owner.replace(".", "_")), settings.tls)
    stack.push_async_callback(channel.close)
    return RemoteLog(channel, open_passports(settings, menu.read.name).signer(owner))
