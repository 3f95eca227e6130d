"""The contract suite of the event store: every promise of `kernel/store.py`, for every adapter.

An adapter's test file is a subclass with a fixture:

    class TestSqliteEventStore(EventStoreContract, SqlChainContract):
        several_writers = False

        @pytest.fixture
        def opener(self, tmp_path: Path) -> Opener:
            async def open(codec: Codec, *, read_only: bool = False) -> EventStore: ...
            return open

        async def age_answers(self, hours: float) -> None: ...
"""

from sigdep.testing.event_store_appending import AppendingContract
from sigdep.testing.event_store_chain import ChainContract, SqlChainContract
from sigdep.testing.event_store_following import FollowingContract
from sigdep.testing.event_store_reading import ReadingContract
from sigdep.testing.event_store_repeating import RepeatingContract
from sigdep.testing.event_store_setup import Opener
from sigdep.testing.event_store_tailing import TailingContract

__all__ = ["EventStoreContract", "Opener", "SqlChainContract"]


class EventStoreContract(
    AppendingContract, RepeatingContract, ReadingContract, FollowingContract, ChainContract, TailingContract
):
    """What every event store must do. SqlChainContract adds what a database must refuse and find."""
