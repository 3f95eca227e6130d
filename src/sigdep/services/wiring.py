"""Picks the adapters of a process: the only module that knows which ones exist."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventStore
from sigdep.services.data_folder import LOGS, DataFolder
from sigdep.services.menus import MENUS
from sigdep.services.server_secrets import Secrets, load_secrets


@dataclass(frozen=True, kw_only=True)
class ContextStores:
    """What one context keeps, and the read model that it keeps it in."""

    name: str
    log: EventStore
    views: ReadStore
    read_model: ReadModel


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Everything of a data folder, open."""

    secrets: Secrets
    keys: KeyRing
    contexts: Mapping[str, ContextStores]
    """By their names."""


@asynccontextmanager
async def open_embedded(folder: DataFolder, *, read_only: bool = False) -> AsyncIterator[Stores]:
    """Open a data folder; a fresh one is filled with what a first start needs.

    Args:
        read_only: the logs are only read, beside the server that writes them.

    Raises:
        Unavailable: a file cannot be opened, or another process writes it.
        SecretsExposed: others can read a secret.
    """
    secrets = load_secrets(folder.secrets)
    async with AsyncExitStack() as stack:
        keys = await SqliteKeyRing.open(folder.keys, secrets.key_encryption_key)
        stack.push_async_callback(keys.close)
        contexts: dict[str, ContextStores] = {}
        for name in LOGS:
            path, menu = folder.log(name), MENUS[name]
            # Data of a release that did not know a context yet has no log of it: that is made now.
            log = await SqliteEventStore.open(path, Codec(menu.events, keys), read_only=read_only and path.exists())
            stack.push_async_callback(log.close)
            views = await SqliteReadStore.open(folder.views(name))
            stack.push_async_callback(views.close)
            contexts[name] = ContextStores(name=name, log=log, views=views, read_model=menu.read_model())
        yield Stores(secrets=secrets, keys=keys, contexts=contexts)


@asynccontextmanager
async def scratch_read_store() -> AsyncIterator[ReadStore]:
    """For a replay that nobody will look at again."""
    with TemporaryDirectory(prefix="sigdep-replay-") as folder:
        store = await SqliteReadStore.open(Path(folder) / "replay.db")
        try:
            yield store
        finally:
            await store.close()
