"""The contract suite of the broker: every promise of `kernel/broker.py`, for every adapter.

An adapter's test file is a subclass with a fixture:

    class TestNatsBroker(BrokerContract, BrokerFaultsContract):
        @pytest.fixture
        def opener(self, server: NatsServer) -> Opener:
            def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> Broker: ...
            return open_broker
"""

from sigdep.testing.broker_faults import BrokerFaultsContract, Stranger
from sigdep.testing.broker_publishing import PublishingContract
from sigdep.testing.broker_reading import ReadingContract
from sigdep.testing.broker_setup import Opener

__all__ = ["BrokerContract", "BrokerFaultsContract", "Opener", "Stranger"]


class BrokerContract(PublishingContract, ReadingContract):
    """What every broker must do. BrokerFaultsContract adds what one with a server must survive."""
