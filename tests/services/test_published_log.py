"""What a context tells others, told in one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sigdep.contracts.public_log import PublicLog
from sigdep.kernel.store import EventLog
from sigdep.services.published_log import PublishedLog
from sigdep.testing.public_log import OpenPublic, PublicLogContract, publish_notes


@asynccontextmanager
async def published_here(log: EventLog) -> AsyncIterator[PublicLog]:
    yield PublishedLog(log, publish_notes)


class TestPublishedLog(PublicLogContract):
    @pytest.fixture
    def open_public(self) -> OpenPublic:
        return published_here
