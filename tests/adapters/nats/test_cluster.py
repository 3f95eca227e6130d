"""A cluster of NATS goes on without one of its servers, and has all that it was given."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import nats
import pytest

from sigdep.adapters.nats.broker import NatsBroker
from sigdep.adapters.outages import OutOfOrder
from sigdep.kernel.broker import AWAY_SECONDS_MAX
from sigdep.testing.broker import BrokerContract, Opener
from sigdep.testing.broker_servers import running
from sigdep.testing.broker_setup import in_parts, messages, said, take
from sigdep.testing.nats_server import NatsServer
from sigdep.testing.ports import HOST
from tests.adapters.nats.cluster import Member, cluster
from tests.conftest import missing_servers_skip

pytestmark = pytest.mark.timeout(400)  # Seconds.

ELECTION_SECONDS_MAX: Final = 60.0
"""Servers choose who leads a stream in some seconds, and in more where other tests run."""


@pytest.fixture(scope="module")
def members() -> Iterator[Sequence[Member]]:
    with missing_servers_skip(), cluster() as members:
        yield members


class TestNatsBrokerOnCluster(BrokerContract):
    """With three replicas, which take messages in other ways than one does."""

    @pytest.fixture
    def opener(self, members: Sequence[Member]) -> Opener:
        def open_broker(*, port: int | None = None, away_seconds_max: float = AWAY_SECONDS_MAX) -> NatsBroker:
            servers = [one.url for one in members] if port is None else [f"nats://{HOST}:{port}"]
            return NatsBroker(servers, replicas=3, away_seconds_max=away_seconds_max)

        return open_broker


async def test_a_stream_is_kept_by_three_servers_of_which_one_may_be_killed(members: Sequence[Member]) -> None:
    broker = NatsBroker([one.url for one in members], replicas=3, away_seconds_max=ELECTION_SECONDS_MAX)
    before, after = messages(range(1, 201)), messages(range(201, 401))
    for part in in_parts(before, 150):  # A window, and an atomic batch.
        await broker.publish("kept", part)
    reading = asyncio.create_task(take(broker, "kept", 400))
    (await leader_of(members)).kill()
    for part in in_parts(after, 150):
        await broker.publish("kept", part)
    assert said(await reading) == [*before, *after]
    await broker.close()


async def leader_of(members: Sequence[Member]) -> Member:
    client = await nats.connect(members[0].url)
    info = await client.jetstream().stream_info("sigdep_kept")
    await client.close()
    assert info.config.num_replicas == 3
    assert info.cluster is not None
    return next(member for member in members if member.folder.name == info.cluster.leader)


async def test_more_replicas_than_there_can_be_are_refused_in_a_sentence() -> None:
    with missing_servers_skip(), running(NatsServer) as alone:
        broker = NatsBroker([alone.url], replicas=3)
        with pytest.raises(OutOfOrder, match="has no cluster for several replicas"):
            await broker.publish("kept", messages([1]))
        await broker.close()
