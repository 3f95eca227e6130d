"""What one gateway does by itself keeps the same contracts as what gateways share."""

import pytest

from sigdep.gateway.gcra import LocalLimiters
from sigdep.gateway.live.presence import LocalPresence
from sigdep.gateway.live.tickets import MemoryTickets
from sigdep.http.limiting import Limiters
from sigdep.http.revocations import LocalRevocations
from sigdep.testing.limiting import LimiterContract
from sigdep.testing.presence import OpenPresence, PresenceContract
from sigdep.testing.revocations import OpenRevocations, RevocationsContract
from sigdep.testing.tickets import OpenTickets, TicketsContract


class TestLocalLimiters(LimiterContract):
    @pytest.fixture
    def limiters(self) -> Limiters:
        return LocalLimiters()


class TestMemoryTickets(TicketsContract):
    @pytest.fixture
    def open_tickets(self) -> OpenTickets:
        return MemoryTickets


class TestLocalPresence(PresenceContract):
    @pytest.fixture
    def open_presence(self) -> OpenPresence:
        async def open_presence() -> LocalPresence:
            return LocalPresence()

        return open_presence


class TestLocalRevocations(RevocationsContract):
    @pytest.fixture
    def open_revocations(self) -> OpenRevocations:
        async def open_revocations() -> LocalRevocations:
            return LocalRevocations()

        return open_revocations
