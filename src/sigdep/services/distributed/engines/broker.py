"""A broker that a cluster starts for itself, or a Redis for what its gateways share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class BrokerEngine:
    """How it is started, and where it is then."""

    name: str
    program: str
    """Of its process."""
    url: str
    command: Sequence[str]
    folder: Path
    """Of what it stores."""
    pid_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those of the cluster's own process."""
