"""NATS JetStream keeps the broker's contract."""

import pytest

from sigdep.adapters.nats.broker import NatsBroker
from sigdep.kernel.broker import AWAY_SECONDS_MAX
from sigdep.testing.broker import BrokerContract, BrokerFaultsContract, Opener
from sigdep.testing.broker_faults import LARGE
from sigdep.testing.broker_servers import HOST, NatsServer


class TestNatsBroker(BrokerContract, BrokerFaultsContract):
    atomic_batches = (LARGE,)  # Small ones go by a window.

    @pytest.fixture
    def opener(self, server: NatsServer) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> NatsBroker:
            return NatsBroker([f"nats://{HOST}:{port or server.port}"], away_seconds_max=away_seconds_max)

        return open_broker
