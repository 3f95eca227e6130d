"""The whole context over memory, with its projector at work: what a test of a service needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.adapters.memory.read_store import MemoryReadStore
from sigdep.adapters.postgres.event_store import PostgresEventStore
from sigdep.adapters.postgres.key_ring import PostgresKeyRing
from sigdep.adapters.postgres.read_store import PostgresReadStore
from sigdep.adapters.sqlite.event_store import SqliteEventStore
from sigdep.adapters.sqlite.key_ring import SqliteKeyRing
from sigdep.adapters.sqlite.read_store import SqliteReadStore
from sigdep.contracts.ids import UserId, WorkspaceId
from sigdep.contracts.roles import Role
from sigdep.kernel.codec import Codec
from sigdep.kernel.ids import CommandId
from sigdep.kernel.keys import KeyRing
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.read_store import ReadStore
from sigdep.kernel.store import AnswerKey, EventStore
from sigdep.rpc.call import Call, Principal
from sigdep.services.projector import Projector
from sigdep.services.secret_files import signing_key
from sigdep.users.commands.requests import AnswerInvitation, Invite, OpenWorkspace, SignIn, SignUp
from sigdep.users.context import EVENTS, UsersContext, open_users, read_model
from sigdep.users.credentials.passwords import Passwords
from sigdep.users.queries import Profile, SessionTokens, WorkspaceView
from tests.users.people import NOON

ISSUER = "https://tasks.example.com"
PASSWORD = "correct horse battery"
SIGNING_KEY = signing_key()
GRACE = timedelta(days=14)


@dataclass
class Clock:
    """Both clocks of a process, moved by hand."""

    at: datetime = NOON

    def now(self) -> float:
        return self.at.timestamp()

    def forward(self, **time: float) -> None:
        self.at += timedelta(**time)


@dataclass
class World:
    """One server. `call` makes calls at the clock's time."""

    clock: Clock
    log: MemoryLog
    """What the store keeps, where it is one in memory."""
    store: EventStore
    keys: KeyRing
    views: ReadStore
    projector: Projector
    users: UsersContext
    addresses: dict[UserId, str] = field(default_factory=dict)

    def call(self, principal: Principal | None = None, **more: Any) -> Call:
        return Call(asked_at=self.clock.at, command_id=CommandId(uuid7()), principal=principal, **more)

    async def write(self, message: Command, principal: Principal | None = None, **more: Any) -> Any:
        """What the answer shows."""
        return (await self.users.writing.write.ask(message, self.call(principal, **more))).value

    async def read(self, query: Query, principal: Principal | None = None, **more: Any) -> Any:
        """What the answer shows, once reads reflect everything."""
        await self.caught_up()
        return (await self.users.reading.read.ask(query, self.call(principal, **more))).value

    async def caught_up(self) -> None:
        for partition, position in (await self.store.heads()).items():
            await self.projector.wait_for(partition, position)

    async def sign_up(self, name: str = "Ada") -> Profile:
        profile: Profile = await self.write(sign_up(name))
        self.addresses[profile.id] = profile.email
        return profile

    async def sign_in(self, name: str = "Ada", password: str = PASSWORD, **more: Any) -> SessionTokens:
        tokens: SessionTokens = await self.write(SignIn(email=f"{name}@example.com", password=password), **more)
        return tokens

    async def enter(self, name: str = "Ada") -> Principal:
        """A new person, signed in."""
        await self.sign_up(name)
        return await self.users.reading.identities.principal((await self.sign_in(name)).access_token)

    async def team(self, owner: Principal, **members: Role) -> tuple[WorkspaceId, dict[str, Principal]]:
        """A workspace of the owner's with new people in it, by name."""
        place: WorkspaceView = await self.write(OpenWorkspace(name="Team"), owner)
        people = {name: await self.enter(name) for name in members}
        for name, role in members.items():
            invite = Invite(workspace_id=place.id, email=f"{name}@example.com", role=role)
            invitation = await self.write(invite, owner)
            await self.write(AnswerInvitation(token=invitation.token, accept=True), people[name])
        return place.id, people


def sign_up(name: str = "Ada", **changes: Any) -> SignUp:
    wish = SignUp(email=f"{name}@example.com", password=PASSWORD, name=name, time_zone="UTC", locale="en")
    return replace(wish, **changes)


def answer_key(principal: Principal | None, key: str = "key-1", request: bytes = b"request") -> AnswerKey:
    caller = principal.user_id if principal is not None else UUID(int=7)
    return AnswerKey(caller=caller, key=key, fingerprint=request)


@asynccontextmanager
async def open_world(**options: Any) -> AsyncIterator[World]:
    """Over memory, where it is quick."""
    keys, log = MemoryKeyRing(), MemoryLog()
    stores = Stores(MemoryEventStore(Codec(EVENTS, keys), log), keys, MemoryReadStore())
    async with world_over(stores, log, **options) as world:
        yield world
    await stores.log.close()


@asynccontextmanager
async def open_world_on_disk(folder: Path, **options: Any) -> AsyncIterator[World]:
    """As on a laptop."""
    async with AsyncExitStack() as stack:
        keys = await SqliteKeyRing.open(folder / "keys.db", b"e" * 32)
        stack.push_async_callback(keys.close)
        log = await SqliteEventStore.open(folder / "users.log.db", Codec(EVENTS, keys))
        stack.push_async_callback(log.close)
        views = await SqliteReadStore.open(folder / "users.views.db")
        stack.push_async_callback(views.close)
        yield await stack.enter_async_context(world_over(Stores(log, keys, views), MemoryLog(), **options))


@asynccontextmanager
async def open_world_on_postgresql(dsn: str, **options: Any) -> AsyncIterator[World]:
    """As in a distributed system, all of it in one database."""
    async with AsyncExitStack() as stack:
        keys = await PostgresKeyRing.open(dsn, b"e" * 32)
        stack.push_async_callback(keys.close)
        log = await PostgresEventStore.open(dsn, Codec(EVENTS, keys), schema="log")
        stack.push_async_callback(log.close)
        views = await PostgresReadStore.open(dsn, schema="views")
        stack.push_async_callback(views.close)
        yield await stack.enter_async_context(world_over(Stores(log, keys, views), MemoryLog(), **options))


class Stores(NamedTuple):
    log: EventStore
    keys: KeyRing
    views: ReadStore


@asynccontextmanager
async def world_over(stores: Stores, log: MemoryLog, **options: Any) -> AsyncIterator[World]:
    clock, projector = Clock(), Projector(stores.log, stores.views, read_model())
    passwords = Passwords(memory_kib=64, passes=1, threads=1, waiting_max=50)
    defaults: dict[str, Any] = {"alone": True, "erase_grace": GRACE, "passwords": passwords}
    users = open_users(
        log=stores.log,
        views=stores.views,
        progress=projector,
        keys=stores.keys,
        token_key=b"k" * 32,
        signing_keys=[SIGNING_KEY],
        issuer=ISSUER,
        now=clock.now,
        **defaults | options,
    )
    users.reading.identities._steady = clock.now
    users.reading.identities._doubts._confirmation._steady = clock.now
    job = asyncio.create_task(projector.run())
    async with asyncio.timeout(5):
        while not projector.is_fit:
            await asyncio.sleep(0)
    try:
        yield World(clock, log, stores.log, stores.keys, stores.views, projector, users)
    finally:
        await users.close()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
