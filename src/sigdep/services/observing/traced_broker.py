"""Records what is published, by the trace that each event brings along from its append."""

from collections.abc import Sequence
from time import time_ns
from typing import Final

import msgspec

from sigdep.kernel.broker import Broker, BrokerPosition, Message, Reading
from sigdep.kernel.ids import Partition
from sigdep.kernel.signed_rows import rows_unchecked
from sigdep.kernel.store import Metadata
from sigdep.telemetry.outcomes import is_failure, outcome_of
from sigdep.telemetry.spans import Span, Spans, Value
from sigdep.telemetry.trace import Trace, sampled_trace

_MARK: Final = b'"trace":"'
"""Stands in the bytes of a message that may be traced: to look for it costs far less than to decode the message."""

_metadata: Final = msgspec.json.Decoder(Metadata).decode


class TracedBroker:
    """A Broker. Its messages are rows, as the relay tells them."""

    def __init__(self, broker: Broker, spans: Spans, *, system: str) -> None:
        """
        Args:
            system: which broker, as OpenTelemetry calls it.
        """
        self._broker = broker
        self._spans = spans
        self._system = system

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        traced = [message for message in messages if _MARK in message.body]
        if not traced:
            await self._broker.publish(topic, messages)
            return
        begun, error = time_ns(), None
        try:
            await self._broker.publish(topic, messages)
        except BaseException as failure:
            error = outcome_of(failure) if is_failure(failure) else None
            raise
        finally:
            self._record(topic, traced, len(messages), begun, error)

    def _record(self, topic: str, traced: Sequence[Message], size: int, begun: int, error: str | None) -> None:
        ended = time_ns()
        for message in traced:
            above = _trace_of(message)
            if above is None:
                continue
            attributes: dict[str, Value] = {
                "messaging.system": self._system,
                "messaging.operation.name": "publish",
                "messaging.operation.type": "send",
                "messaging.destination.name": topic,
                "messaging.destination.partition.id": str(message.partition),
                "messaging.message.id": message.id,
                "messaging.batch.message_count": size,
            }
            self._spans.take(
                Span(
                    trace=above.child(),
                    name=f"publish {topic}",
                    kind="producer",
                    started_ns=begun,
                    ended_ns=ended,
                    attributes=attributes,
                    error=error,
                )
            )

    def read(self, topic: str, partition: Partition, after: BrokerPosition | None) -> Reading:
        return self._broker.read(topic, partition, after)

    async def last(self, topic: str, partition: Partition) -> BrokerPosition | None:
        return await self._broker.last(topic, partition)

    async def close(self) -> None:
        await self._broker.close()


def _trace_of(message: Message) -> Trace | None:
    for row in rows_unchecked(message.body):
        return sampled_trace(_metadata(row.metadata).trace)
    return None
