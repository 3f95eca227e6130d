"""The gRPC server of a process: its services, whether they are well, and what they are called."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from sigdep.rpc.call import Service
from sigdep.rpc.contract import Message, ServiceContract
from sigdep.rpc.describing import BATCH_METHOD
from sigdep.rpc.envelopes import AnswerMessage, OutcomesMessage
from sigdep.rpc.failures import DETAILS, details_of, status_code_of
from sigdep.rpc.messages import POOL
from sigdep.rpc.passports import Passports
from sigdep.rpc.servicer import Failed, Servicer
from sigdep.rpc.streams import FollowedHandler
from sigdep.rpc.tls import Tls

REQUEST_BYTES_MAX: Final = 8 * 1_048_576
"""Of one request; a client of ours sends batches far below it."""

METADATA_BYTES_MAX: Final = 65_536
"""Of headers: a refusal with many faults has long ones."""

DRAIN_SECONDS: Final = 10.0
"""So long whatever is being carried out may take to end when the server stops."""

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_send_message_length", -1),  # An answer is as long as it is. The client has a bound.
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES_MAX),
    ("grpc.so_reuseport", 0),  # Two servers on one port would share its calls, and nobody would notice.
    # Clients ask every 20 s whether we are there (rpc/channel.py); that is no attack.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


class CannotListen(Exception):
    """The address is not to be had."""


class RpcServer:
    """Serves until it is closed. A process has one, and the event loop that it was started on."""

    def __init__(
        self,
        services: Mapping[ServiceContract, Service],
        *,
        handlers: Sequence[grpc.GenericRpcHandler] = (),
        passports: Passports | None = None,
    ) -> None:
        """
        Args:
            handlers: whatever else is to be answered, as `rpc/log.py` does it.
            passports: by which it is made sure who asks. None: the callers' word is believed.
        """
        self._server = grpc.aio.server(options=_OPTIONS)
        self._names = tuple(contract.full_name for contract in services)
        self._health = health.aio.HealthServicer()
        for contract, service in services.items():
            gate = None if passports is None else passports.gate(contract.name)
            self._server.add_generic_rpc_handlers((_handler(Servicer(contract, service, gate)),))
        self._server.add_generic_rpc_handlers(tuple(handlers))
        self._followings = [handler.following for handler in handlers if isinstance(handler, FollowedHandler)]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._reflect(handlers)

    def _reflect(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Tell everybody what there is to ask."""
        for file in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
            POOL.AddSerializedFile(file.serialized_pb)
        others = (health.SERVICE_NAME, reflection.SERVICE_NAME, *filter(None, map(_described_name, handlers)))
        reflection.enable_server_reflection((*self._names, *others), self._server, POOL)

    async def start(self, address: str, tls: Tls | None = None) -> int:
        """Listen.

        Args:
            address: `host:port`; port 0 takes a free one.
            tls: None: in the clear, for a network of our own.

        Returns: the port.

        Raises:
            CannotListen: somebody else does already, or the address is not ours.
        """
        try:
            if tls is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, tls.for_server())
        except RuntimeError as error:
            raise CannotListen(f"{address}: {error}") from None
        await self._server.start()
        await self.say_well(True)
        return port

    async def say_well(self, well: bool) -> None:
        """What the health service answers, for the process and for each of its services."""
        status = health_pb2.HealthCheckResponse.SERVING if well else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in (health.OVERALL_HEALTH, *self._names):
            await self._health.set(name, status)

    async def close(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Take nothing new, let what has begun come to its end, and cut off what has not by then.

        What goes on for ever is ended at once.
        """
        await self._health.enter_graceful_shutdown()
        for following in self._followings:
            following.end()
        await self._server.stop(drain_seconds)

    async def wait(self) -> None:
        """Until the server has been closed."""
        await self._server.wait_for_termination()


def _described_name(handler: grpc.GenericRpcHandler) -> str | None:
    """What the handler's service is called. None: there is no description of it."""
    name: str = handler.service_name() if isinstance(handler, grpc.ServiceRpcHandler) else ""
    try:
        POOL.FindServiceByName(name)
    except KeyError:
        return None
    return name


def _handler(servicer: Servicer) -> grpc.GenericRpcHandler:
    contract, questions = servicer.contract, servicer.questions
    methods: dict[str, Any] = {
        kind.__name__: grpc.unary_unary_rpc_method_handler(
            _unary(servicer, kind),
            request_deserializer=questions.classes[kind].FromString,
            response_serializer=AnswerMessage.SerializeToString,
        )
        for kind in contract.messages
    }
    methods[BATCH_METHOD] = grpc.unary_stream_rpc_method_handler(
        _batch(servicer),
        request_deserializer=questions.Batch.FromString,
        response_serializer=OutcomesMessage.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(contract.full_name, methods)


def _unary(servicer: Servicer, kind: Message) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        try:
            return await servicer.ask(kind, request)
        except Failed as failed:
            await _abort(failed, context)

    return answer


def _batch(servicer: Servicer) -> Any:
    async def answer(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            # Closed at once when the caller is gone, so that nothing is carried out for nobody.
            async with aclosing(servicer.ask_batch(request)) as parts:
                async for outcomes in parts:
                    yield outcomes
        except Failed as failed:
            await _abort(failed, context)

    return answer


async def _abort(failed: Failed, context: Any) -> None:
    problem = failed.problem
    await context.abort(status_code_of(problem), problem.detail, ((DETAILS, details_of(problem)),))
