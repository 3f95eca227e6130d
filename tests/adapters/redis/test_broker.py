"""Redis streams keep the broker's contract."""

import pytest

from sigdep.adapters.redis.broker import RedisBroker
from sigdep.kernel.broker import AWAY_SECONDS_MAX
from sigdep.testing.broker import BrokerContract, BrokerFaultsContract, Opener
from sigdep.testing.broker_servers import HOST, RedisServer


class TestRedisBroker(BrokerContract, BrokerFaultsContract):
    @pytest.fixture
    def opener(self, server: RedisServer) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> RedisBroker:
            return RedisBroker(f"redis://{HOST}:{port or server.port}/0", away_seconds_max=away_seconds_max)

        return open_broker
