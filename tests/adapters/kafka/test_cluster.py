"""A cluster of Kafka goes on without one of its servers, and has all that it was given."""

import asyncio
from collections.abc import Sequence
from typing import Final

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from sigdep.adapters.kafka.broker import KafkaBroker
from sigdep.kernel.ids import PARTITIONS
from sigdep.testing.broker_setup import PARTITION, in_parts, messages, said, take
from sigdep.testing.ports import HOST
from tests.adapters.kafka.cluster import Member, cluster
from tests.conftest import missing_servers_skip

pytestmark = pytest.mark.timeout(500)  # Seconds. The first test of all fetches Kafka.

ELECTION_SECONDS_MAX: Final = 90.0
"""Servers choose who leads a partition in some seconds, and in more where other tests run."""


async def test_a_topic_is_kept_by_three_servers_of_which_one_may_be_killed() -> None:
    """The one that leads the partition which is written and read."""
    with missing_servers_skip(), cluster() as members:
        broker = KafkaBroker([(HOST, one.port) for one in members], replicas=3, away_seconds_max=ELECTION_SECONDS_MAX)
        before, after = messages(range(1, 201)), messages(range(201, 401))
        for part in in_parts(before, 150):
            await broker.publish("kept", part)
        reading = asyncio.create_task(take(broker, "kept", 400))
        leader = await leader_among(members)
        leader.kill()
        for part in in_parts(after, 150):
            await broker.publish("kept", part)
        assert said(await reading) == [*before, *after]
        await broker.close()


async def leader_among(members: Sequence[Member]) -> Member:
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{members[0].port}")
    await admin.start()
    (topic,) = await admin.describe_topics(["sigdep_kept"])
    await admin.close()
    assert [len(one["replicas"]) for one in topic["partitions"]] == [3] * PARTITIONS
    (led,) = (one["leader"] for one in topic["partitions"] if one["partition"] == PARTITION)
    return next(member for member in members if member.number == led)
