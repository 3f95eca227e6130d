"""The way to another process: one channel for each target, made at start-up and never at import."""

from collections.abc import AsyncGenerator
from typing import Any, Final, Protocol

import grpc
import msgspec
from google.protobuf.message import DecodeError

from sigdep.kernel.errors import Invalid, Unavailable
from sigdep.rpc.contract import ServiceContract
from sigdep.rpc.describing import BATCH_METHOD
from sigdep.rpc.envelopes import AnswerMessage, OutcomesMessage, Questions
from sigdep.rpc.failures import DETAILS, RemoteBug, error_of, problem_in
from sigdep.rpc.server import METADATA_BYTES_MAX
from sigdep.rpc.tls import Tls

ANSWER_BYTES_MAX: Final = 64 * 1_048_576
"""Of one answer. Lists have pages, so that none comes near."""

RETRY_AFTER_SECONDS: Final = 1.0
"""What a caller is told to wait for a service that is away."""

_BALANCE: Final = msgspec.json.encode({"loadBalancingConfig": [{"round_robin": {}}]}).decode()

_OPTIONS: Final = (
    # Every address of a `dns:///` name takes its turn; one that is away is left out until it is back.
    ("grpc.service_config", _BALANCE),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # So long one attempt may take, whatever its name says: a machine that is busy needs more than a moment to answer.
    ("grpc.min_reconnect_backoff_ms", 2_000),
    # One that has died is back within a second or two: nobody shall wait for the next attempt as long again.
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    # A machine that vanishes closes no connection: only a question without an answer tells.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES_MAX),
    ("grpc.enable_http_proxy", 0),
)


def open_channel(target: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """
    Args:
        target: `host:port`, or `dns:///name:port` for all replicas behind a name.
        tls: None: in the clear, for a network of our own.
    """
    if tls is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    return grpc.aio.secure_channel(target, tls.for_client(), options=_OPTIONS)


class Transport(Protocol):
    """Carries the messages of one contract. Raises what the other side raised, Unavailable when it is away."""

    async def ask(self, method: str, asked: Any, seconds: float) -> Any:
        """The answer to one message."""
        ...

    def ask_batch(self, batch: Any, seconds: float) -> AsyncGenerator[Any, None]:
        """The outcomes of all items, several at once. Closing it before the end gives up the rest."""
        ...


class ChannelTransport:
    """Over a channel, which belongs to whoever made it."""

    def __init__(self, questions: Questions, channel: grpc.aio.Channel) -> None:
        contract = questions.contract
        self._contract = contract
        self._methods: dict[str, Any] = {
            kind.__name__: channel.unary_unary(
                f"/{contract.full_name}/{kind.__name__}",
                request_serializer=message.SerializeToString,
                response_deserializer=AnswerMessage.FromString,
            )
            for kind, message in questions.classes.items()
        }
        self._batch: Any = channel.unary_stream(
            f"/{contract.full_name}/{BATCH_METHOD}",
            request_serializer=questions.Batch.SerializeToString,
            response_deserializer=OutcomesMessage.FromString,
        )

    async def ask(self, method: str, asked: Any, seconds: float) -> Any:
        try:
            return await self._methods[method](asked, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            raise raised_by(error, self._contract) from None

    async def ask_batch(self, batch: Any, seconds: float) -> AsyncGenerator[Any, None]:
        asking = self._batch(batch, timeout=seconds)
        try:
            async for outcomes in asking:
                yield outcomes
        except grpc.aio.AioRpcError as error:
            raise raised_by(error, self._contract) from None
        finally:
            asking.cancel()


_AWAY: Final = frozenset(
    (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,  # By a server that stops: when we cancel ourselves, no error is raised.
        grpc.StatusCode.UNIMPLEMENTED,  # By a replica that is older than we are, while a release is rolled out.
    )
)


def raised_by(error: grpc.aio.AioRpcError, contract: ServiceContract) -> Exception:
    """What the other side raised, or what it means that it said nothing."""
    for name, value in error.trailing_metadata() or ():
        if name == DETAILS:
            try:
                problem = problem_in(value if isinstance(value, bytes) else value.encode())
            except (DecodeError, Invalid):
                problem = None
            if problem is not None:
                return error_of(problem)
    if error.code() in _AWAY:
        return Unavailable(f"The service {contract.name} does not answer.", RETRY_AFTER_SECONDS)
    return RemoteBug(f"{contract.name}: {error.code().name}: {error.details()}")
