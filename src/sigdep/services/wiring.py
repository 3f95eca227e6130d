"""Picks the adapters of a process: the only module that knows which ones exist."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.kernel.codec import Codec
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.projection import ReadModel
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import EventStore
from sigdep.services.data_folder import LOGS, DataFolder
from sigdep.services.secret_files import random_key, read_or_make
from sigdep.tasks import context as tasks
from sigdep.users import context as users
from sigdep.users.credentials.signing import make_key

EVENTS: Final = {"tasks": tasks.EVENTS, "users": users.EVENTS}


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What the server alone may know. Made at the first start."""

    key_encryption_key: bytes
    """Wraps every key of the key ring."""
    signing_key: bytes
    """Ed25519, PEM: signs access tokens."""
    token_key: bytes
    """Everything that is derived and never stored comes from it: tokens, the ids of e-mail addresses."""
    fingerprint_key: bytes
    """Keys the digests by which a repeated request is recognised."""

    def __repr__(self) -> str:
        return "Secrets(…)"


def load_secrets(place: Path) -> Secrets:
    """
    Args:
        place: the folder that they are in, or shall be.

    Raises:
        SecretsExposed: others can read one of them.
    """
    return Secrets(
        key_encryption_key=read_or_make(place / "key-encryption-key", random_key),
        signing_key=read_or_make(place / "signing-key.pem", make_key),
        token_key=read_or_make(place / "token-key", random_key),
        fingerprint_key=read_or_make(place / "fingerprint-key", random_key),
    )


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
    tasks: ContextStores
    users: ContextStores

    @property
    def contexts(self) -> tuple[ContextStores, ...]:
        return (self.tasks, self.users)


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
            log = await SqliteEventStore.open(folder.log(name), Codec(EVENTS[name], keys), read_only=read_only)
            stack.push_async_callback(log.close)
            views = await SqliteReadStore.open(folder.views(name))
            stack.push_async_callback(views.close)
            contexts[name] = ContextStores(name=name, log=log, views=views, read_model=_read_model(name))
        yield Stores(secrets=secrets, keys=keys, tasks=contexts["tasks"], users=contexts["users"])


def _read_model(name: str) -> ReadModel:
    return tasks.read_model() if name == "tasks" else users.read_model()


@asynccontextmanager
async def scratch_read_store() -> AsyncIterator[ReadStore]:
    """For a replay that nobody will look at again."""
    with TemporaryDirectory(prefix="sigdep-replay-") as folder:
        store = await SqliteReadStore.open(Path(folder) / "replay.db")
        try:
            yield store
        finally:
            await store.close()
