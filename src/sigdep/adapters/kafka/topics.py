"""How a topic lies in Kafka: a topic of the same 64 partitions."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeAlias

from aiokafka.protocol.admin import CreateTopicsRequest

from sigdep.adapters.kafka.connecting import ANSWER_SECONDS_MAX, Connections, Server
from sigdep.adapters.kafka.errors import NO_SUCH_TOPIC, TOPIC_IS_THERE, check
from sigdep.adapters.kafka.partitions import check_led
from sigdep.adapters.outages import Away, OutOfOrder
from sigdep.kernel.ids import PARTITIONS, Partition

NO_LEADER: Final = -1

MAKE_SECONDS_MAX: Final = 30.0
"""For a topic to be there that was missing. That is work, not an outage."""

LOOK_SECONDS: Final = 0.05
LOOK_SECONDS_MAX: Final = 0.5
"""Between looks at a topic that was just made: the first pause, doubled each time, and the longest."""

Leaders: TypeAlias = Mapping[Partition, Server]


class Topics:
    """Topics that are made where they are missing. One that is there stays as its operator has configured it."""

    def __init__(self, prefix: str, *, replicas: int, kept: timedelta) -> None:
        self._prefix, self._replicas, self._kept = prefix, replicas, kept

    def name(self, topic: str) -> str:
        return f"{self._prefix}_{topic}"

    async def leader(self, connections: Connections, topic: str, partition: Partition) -> Server:
        """The server that a partition is written to and read from.

        Raises:
            Away: there is none just now.
            OutOfOrder: the topic has not 64 partitions.
        """
        name = self.name(topic)
        failure = connections.failures.get(name)
        async with connections.finding[name]:
            if name not in connections.leaders:
                if connections.failures.get(name) is not failure:
                    raise Away(f"The servers of {name} have been asked for in vain.")  # On our behalf, just now.
                connections.leaders[name] = await self._find(connections, name)
        return connections.leaders[name][partition]

    @contextmanager
    def doubted(self, connections: Connections, topic: str) -> Iterator[None]:
        """Who leads its partitions is asked again once a server has refused to."""
        try:
            yield
        except Away:
            connections.leaders.pop(self.name(topic), None)
            raise

    async def _find(self, connections: Connections, name: str) -> Leaders:
        try:
            leaders = await _described(connections, name)
            if leaders is None:
                await self._make(connections, name)
                return await _made(connections, name)
            await _check_served(connections, name, leaders)
        except Away as error:
            connections.failures[name] = error
            raise
        return leaders

    async def _make(self, connections: Connections, name: str) -> None:
        configuration = {
            "cleanup.policy": "delete",
            "retention.ms": str(int(self._kept.total_seconds() * 1_000)),
            "retention.bytes": "-1",
            "message.timestamp.type": "LogAppendTime",  # Retention by the servers' clock, not by the publisher's.
            "min.insync.replicas": str(min(2, self._replicas)),
        }
        wanted: Any = (name, PARTITIONS, self._replicas, [], list(configuration.items()))
        request = CreateTopicsRequest([wanted], int(ANSWER_SECONDS_MAX * 1_000), False)
        _, error_code, _ = (await connections.ask(request)).topic_errors[0]
        if error_code != TOPIC_IS_THERE:
            check(error_code, name)


async def _described(connections: Connections, name: str) -> Leaders | None:
    """Who leads each partition, as the cluster says. None: there is no such topic, or not everybody knows of it yet.

    Raises:
        Away: some have no leader just now.
        OutOfOrder: the topic has not 64 partitions.
    """
    error_code, _, _, partitions = (await connections.describe([name]))[0]
    if error_code == NO_SUCH_TOPIC:
        return None
    check(error_code, name)
    if len(partitions) != PARTITIONS:
        raise OutOfOrder(f"The topic {name} has {len(partitions)} partitions, and must have {PARTITIONS}.")
    leaders = {Partition(partition): Server(leader) for _, partition, leader, *_ in partitions}
    if NO_LEADER in leaders.values():
        raise Away(f"The topic {name} has partitions that no server leads.")
    return leaders


async def _made(connections: Connections, name: str) -> Leaders:
    """Wait until each partition of a topic that was just made is there. Its leader makes files for each.

    Looks seldom, and asks for little: what a server does to answer it does not do to get ready, and when the services
    of a new system start, all of them wait here.
    """
    end = asyncio.get_running_loop().time() + MAKE_SECONDS_MAX
    pause = LOOK_SECONDS
    while True:
        try:
            leaders = await _described(connections, name)
            if leaders is not None:
                await _check_served(connections, name, leaders)
                return leaders
            away = Away(f"The topic {name} was made, and is not there yet.")
        except Away as error:
            away = error
        if connections.lost or asyncio.get_running_loop().time() > end:
            raise away
        await asyncio.sleep(pause)
        pause = min(pause * 2, LOOK_SECONDS_MAX)


async def _check_served(connections: Connections, name: str, leaders: Leaders) -> None:
    led: dict[Server, list[Partition]] = defaultdict(list)
    for partition, server in leaders.items():
        led[server].append(partition)
    for server, partitions in led.items():
        await check_led(await connections.to(server), name, partitions)
