"""What a process of one role offers, and what runs beside it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from sigdep.rpc.call import Service
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.passports import Passports
from sigdep.services.jobs import Job

Check = Callable[[], Awaitable[str | None]]
"""Says what is wrong with a part, unless it is a Remark; None: nothing."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """Open: its stores are connected, and nothing runs yet."""

    services: Mapping[ServiceContract, Service]
    passports: Passports
    """By which it is made sure who asks."""
    handlers: Sequence[grpc.GenericRpcHandler] = ()
    """Whatever else it answers by gRPC."""
    jobs: Mapping[str, Job] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    """Whether each part is fit, by its name."""
