"""Brokers side by side, by the adapters that services use. Each has its turn in every round, so that whatever else
the machine does meets all of them; the median of the rounds counts.

python -m benchmarks.brokers [name …]
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager
from itertools import count
from statistics import median
from typing import Final, TypeAlias

import uvloop

from benchmarks.figures import Figure, keep_figures, print_figures
from sigdep.kernel.broker import READ_MESSAGES_MAX, Broker, Message
from sigdep.kernel.ids import PARTITIONS, Partition, Position, StreamId
from sigdep.services.distributed.settings import ServiceSettings
from sigdep.services.distributed.wiring import open_broker
from sigdep.testing.broker_servers import BrokerServer, running
from sigdep.testing.kafka_server import KafkaServer
from sigdep.testing.nats_server import NatsServer
from sigdep.testing.rabbitmq_server import RabbitMQServer
from sigdep.testing.redis_server import RedisServer
from sigdep.testing.servers import ServerMissing


class MeasuredKafka(KafkaServer):
    """On the disk, like the others, and with the compiler that makes its code quick once it has run for a while."""

    home = None
    java_options = ("-Xms256m", "-Xmx512m", "-Dlog4j2.level=WARN")


SERVERS: Final[Mapping[str, type[BrokerServer]]] = {
    "nats": NatsServer,
    "kafka": MeasuredKafka,
    "rabbitmq": RabbitMQServer,
    "redis": RedisServer,
}
"""A broker that the wiring knows is measured once its server stands here. The first is what the others are held
against."""

BODY: Final = b"\x00" * 600
"""About what an event takes, sealed."""

ALONE: Final = 500
BATCHES: Final = 40
BATCH: Final = 500
"""Messages; in batches they are spread over all partitions, as the workspaces of many people are."""

ROUNDS: Final = 3

LATENCY_MESSAGES: Final = 500
LATENCY_A_SECOND: Final = 100

WARM_UP: Final = 500
"""Messages before the first that counts, in each round."""

ANSWER_SECONDS_MAX: Final = 30.0


Measured: TypeAlias = Mapping[str, tuple[float, str]]
"""Value and unit of each figure."""


class Log:
    """Makes messages of which each follows on the one before it in its partition."""

    def __init__(self) -> None:
        self._ends: dict[int, int] = {}
        self._numbers = count(1)

    def next(self, partition: int) -> Message:
        end = self._ends.get(partition, 0)
        self._ends[partition] = end + 1
        return Message(
            id=f"{partition}-{end + 1}",
            partition=Partition(partition),
            position=Position(end + 1),
            follows=Position(end),
            key=StreamId(f"task-{next(self._numbers) % 97}"),
            body=BODY,
        )

    def spread(self, number: int) -> Sequence[Message]:
        return [self.next(one % PARTITIONS) for one in range(number)]


@asynccontextmanager
async def opened(server: BrokerServer) -> AsyncIterator[Callable[[], Broker]]:
    """Opens brokers, as the services do it, and closes them."""
    async with AsyncExitStack() as stack:

        def another() -> Broker:
            broker = open_broker(ServiceSettings(broker_url=server.url), stack)
            assert broker is not None
            return broker

        yield another


async def publishing_alone(broker: Broker, turn: int, log: Log) -> float:
    """Messages a second, each published when the one before it has been stored."""
    for _ in range(WARM_UP):
        await broker.publish(f"alone_{turn}", [log.next(1)])
    begun = time.perf_counter()
    for _ in range(ALONE):
        await broker.publish(f"alone_{turn}", [log.next(1)])
    return ALONE / (time.perf_counter() - begun)


async def publishing_batches(broker: Broker, turn: int, log: Log) -> float:
    await broker.publish(f"batches_{turn}", log.spread(BATCH))
    begun = time.perf_counter()
    for _ in range(BATCHES):
        await broker.publish(f"batches_{turn}", log.spread(BATCH))
    return BATCHES * BATCH / (time.perf_counter() - begun)


async def reading(broker: Broker, turn: int) -> float:
    """Messages a second of a follower that begins anew and reads all partitions at once."""
    begun = time.perf_counter()
    shares = await asyncio.gather(*(_read_share(broker, turn, Partition(number)) for number in range(PARTITIONS)))
    return sum(shares) / (time.perf_counter() - begun)


async def _read_share(broker: Broker, turn: int, partition: Partition) -> int:
    taken, share = 0, sum(len(range(partition, BATCH, PARTITIONS)) for _ in range(BATCHES + 1))
    async with aclosing(broker.read(f"batches_{turn}", partition, None)) as batches:
        async for batch in batches:
            assert len(batch) <= READ_MESSAGES_MAX
            taken += len(batch)
            if taken == share:
                return taken
    raise AssertionError("The reading ended.")


async def latencies(publisher: Broker, follower: Broker, turn: int, log: Log) -> Sequence[float]:
    """Milliseconds from before a message is published until a follower of all partitions has it, at a steady rate."""
    begun: dict[str, float] = {}
    took: list[float] = []
    heard = asyncio.Event()
    await publisher.publish(f"latency_{turn}", log.spread(PARTITIONS))
    followers = [
        asyncio.create_task(_hear(follower, turn, Partition(number), begun, took, heard))
        for number in range(PARTITIONS)
    ]
    await asyncio.sleep(1)  # Each has its request at the server.
    started = time.perf_counter()
    for number in range(LATENCY_MESSAGES):
        await asyncio.sleep(max(0.0, started + number / LATENCY_A_SECOND - time.perf_counter()))
        message = log.next(number * 7 % PARTITIONS)
        begun[message.id] = time.perf_counter()
        await publisher.publish(f"latency_{turn}", [message])
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        await heard.wait()
    for one in followers:
        one.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    return sorted(took)


async def _hear(
    follower: Broker,
    turn: int,
    partition: Partition,
    begun: Mapping[str, float],
    took: list[float],
    heard: asyncio.Event,
) -> None:
    async with aclosing(follower.read(f"latency_{turn}", partition, None)) as batches:
        async for batch in batches:
            now = time.perf_counter()
            took += [(now - begun[one.message.id]) * 1_000 for one in batch if one.message.id in begun]
            if len(took) == LATENCY_MESSAGES:
                heard.set()


async def measure(server: BrokerServer, turn: int) -> Measured:
    async with opened(server) as another:
        publisher, follower = another(), another()
        alone = await publishing_alone(publisher, turn, Log())
        batches = await publishing_batches(publisher, turn, Log())
        read = await reading(follower, turn)
        took = await latencies(publisher, follower, turn, Log())
    return {
        "publish one by one": (alone, "/s"),
        f"publish in batches of {BATCH}": (batches, "/s"),
        "read all partitions": (read, "/s"),
        f"publish to follower at {LATENCY_A_SECOND}/s, p50": (took[len(took) // 2], "ms"),
        "publish to follower, p99": (took[len(took) * 99 // 100], "ms"),
    }


def run(names: Iterable[str]) -> list[Figure]:
    measured = {name: _medians(rounds) for name, rounds in _rounds(names).items()}
    first = next(iter(measured), "")
    return [
        Figure(
            name=f"{name}: {what}",
            value=value,
            unit=unit,
            against="" if name == first else first,
            other=None if name == first else measured[first][what][0],
        )
        for name, figures in measured.items()
        for what, (value, unit) in figures.items()
    ]


def _rounds(names: Iterable[str]) -> Mapping[str, Sequence[Measured]]:
    with ExitStack() as stack:
        servers: dict[str, BrokerServer] = {}
        for name in names:
            try:
                servers[name] = stack.enter_context(running(SERVERS[name]))
            except ServerMissing as missing:
                print(f"Left out: {missing}")
        rounds: dict[str, list[Measured]] = {name: [] for name in servers}
        for turn in range(ROUNDS):
            for name, server in servers.items():
                rounds[name].append(uvloop.run(measure(server, turn)))
        return rounds


def _medians(rounds: Sequence[Measured]) -> Measured:
    return {what: (median(one[what][0] for one in rounds), unit) for what, (_, unit) in rounds[0].items()}


def main(names: Iterable[str] = tuple(SERVERS)) -> None:
    figures = run(names)
    print_figures("Brokers", figures)
    print(f"\nKept in {keep_figures('brokers', figures)}")


if __name__ == "__main__":
    main(sys.argv[1:] or tuple(SERVERS))
