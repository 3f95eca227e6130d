"""Records how traced events reach those who listen: the last step of a request."""

from collections.abc import Sequence
from time import time_ns

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.telemetry.spans import Span, Spans, Value
from sigdep.telemetry.trace import sampled_trace


class PushSpans:
    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def told(self, events: Sequence[CloudEvent], listeners: int, seconds: float) -> None:
        """
        Args:
            listeners: connections that each of the events was written to.
            seconds: that writing all of them took, until now.
        """
        for event in events:
            above = sampled_trace(event.traceparent)
            if above is None:
                continue
            attributes: dict[str, Value] = {
                "messaging.system": "websocket",
                "messaging.operation.name": "push",
                "messaging.operation.type": "send",
                "messaging.destination.name": "live",
                "messaging.message.id": event.id,
                "messaging.batch.message_count": len(events),
                "sigdep.event": event.type,
                "sigdep.listeners": listeners,
            }
            ended = time_ns()
            self._spans.take(
                Span(
                    trace=above.child(),
                    name="push live",
                    kind="producer",
                    started_ns=ended - int(seconds * 1e9),
                    ended_ns=ended,
                    attributes=attributes,
                )
            )
