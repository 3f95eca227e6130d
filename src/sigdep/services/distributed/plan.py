"""What a cluster on one machine shall be: its broker, its settings, and how many processes of each role."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sigdep.services.distributed.engines.processes import HOST
from sigdep.services.distributed.process import GATEWAY
from sigdep.services.distributed.roles import ROLES

NO_BROKER: Final = "none"
REDIS: Final = "redis"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a cluster shall be."""

    data: Path
    host: str = HOST
    port: int = 8000
    broker: str = "nats"
    """One of BROKERS, or NO_BROKER: services follow each other's logs."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """`SIGDEP_…` variables for every service."""
    replicas: Mapping[str, int] = field(default_factory=dict)
    """How many processes of a role; 1 where nothing is said. Gateways listen one port after the other."""
    redis: bool = True
    """For what gateways share, where one is installed: the broker's, or one of its own."""
    forked: bool = sys.platform == "linux"
    """Whether services are forked from a process that has loaded their code: elsewhere, libraries of the system may
    not bear that."""

    def gateways(self) -> Mapping[str, int]:
        """The port of each gateway's process by its name: gateway, gateway.2, …"""
        return {
            GATEWAY if number == 1 else f"{GATEWAY}.{number}": self.port + number - 1
            for number in range(1, self.replicas.get(GATEWAY, 1) + 1)
        }

    def programs(self) -> Mapping[str, str]:
        """The role of each service's process by its name: tasks.read, tasks.read.2, …"""
        return {
            role if number == 1 else f"{role}.{number}": role
            for role in ROLES
            for number in range(1, self.replicas.get(role, 1) + 1)
        }
