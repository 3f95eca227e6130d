"""Records what a service is asked, where it is asked on behalf of a traced request."""

from typing import Any, Final

from msgspec.structs import replace

from sigdep.kernel.messages import Command, Query
from sigdep.rpc.call import Answer, Call, Service
from sigdep.telemetry.current import begin_work
from sigdep.telemetry.spans import Kind, Spans, Value, recording
from sigdep.telemetry.trace import sampled_trace

GRPC: Final = "grpc"
IN_PROCESS: Final = "sigdep"
"""What carries the messages (`rpc.system.name`)."""


class TracedService:
    """A Service. What is asked without a trace passes through it at the price of one look."""

    def __init__(self, name: str, service: Service, spans: Spans, kind: Kind, *, system: str) -> None:
        """
        Args:
            name: as its `.proto` file has it: sigdep.tasks.v1.Write.
            kind: the side that this is.
        """
        self._name = name
        self._service = service
        self._spans = spans
        self._kind = kind
        self._system = system

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        above = sampled_trace(call.traceparent)
        if above is None:
            return await self._service.ask(message, call)
        method = f"{self._name}/{type(message).__name__}"
        attributes: dict[str, Value] = {"rpc.system.name": self._system, "rpc.method": method}
        with recording(self._spans, above.child(), method, self._kind, attributes) as traceparent:
            if self._kind != "client":  # What it asks of others meanwhile belongs to it.
                begin_work(call.request_id, traceparent)
            return await self._service.ask(message, replace(call, traceparent=traceparent))
