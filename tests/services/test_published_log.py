"""What a context tells others, told in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.store import EventLog
from sigdep.services.published_log import PublishedLog
from sigdep.services.shared_public_log import SharedPublicLog
from sigdep.testing.public_log import OpenPublic, PublicLogContract, publish_notes


@asynccontextmanager
async def published_here(log: EventLog) -> AsyncIterator[PublicLog]:
    yield PublishedLog(log, publish_notes)


class TestPublishedLog(PublicLogContract):
    @pytest.fixture
    def open_public(self) -> OpenPublic:
        return published_here


@asynccontextmanager
async def shared_here(log: EventLog) -> AsyncIterator[PublicLog]:
    yield SharedPublicLog(PublishedLog(log, publish_notes))


class TestSharedPublicLog(PublicLogContract):
    @pytest.fixture
    def open_public(self) -> OpenPublic:
        return shared_here


@asynccontextmanager
async def shared_with_another(log: EventLog) -> AsyncIterator[PublicLog]:
    shared = SharedPublicLog(PublishedLog(log, publish_notes))

    async def listen() -> None:
        async for _ in shared.follow({}):
            pass

    other = asyncio.create_task(listen())
    yield shared
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


class TestSharedPublicLogWhileAnotherListens(PublicLogContract):
    @pytest.fixture
    def open_public(self) -> OpenPublic:
        return shared_with_another
