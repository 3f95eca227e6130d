"""The brokers that a cluster can start, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sigdep.services.distributed.engines.broker import BrokerEngine
from sigdep.services.distributed.engines.kafka import kafka_engine
from sigdep.services.distributed.engines.nats import nats_engine
from sigdep.services.distributed.engines.processes import free_port
from sigdep.services.distributed.engines.rabbitmq import rabbitmq_engine
from sigdep.services.distributed.engines.redis import redis_engine

BROKERS: Final[Mapping[str, Callable[[Path, Path, int], BrokerEngine]]] = {
    "nats": nats_engine,
    "kafka": kafka_engine,
    "rabbitmq": rabbitmq_engine,
    "redis": redis_engine,
}
"""Each is given the folder of its data, its file of its process id, and its port."""


def broker_engine(name: str, data: Path) -> BrokerEngine:
    """
    Args:
        name: one of BROKERS.
        data: the cluster's folder.

    Raises:
        EngineMissing: there is no such server here.
    """
    return BROKERS[name](data / name, data / f"{name}.pid", free_port())
