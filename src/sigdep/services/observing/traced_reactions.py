"""Records what a context does when another one speaks of something that was traced."""

from collections.abc import Collection

from msgspec.structs import replace

from sigdep.contracts.cloud_event import CloudEvent
from sigdep.services.reactor import Reactions
from sigdep.telemetry.current import begin_work
from sigdep.telemetry.spans import Spans, Value, recording
from sigdep.telemetry.trace import sampled_trace


class TracedReactions:
    """Reactions. What follows from a traced event belongs to its trace."""

    def __init__(self, name: str, reactions: Reactions, spans: Spans) -> None:
        """
        Args:
            name: of the reactor.
        """
        self._name = name
        self._reactions = reactions
        self._spans = spans

    @property
    def types(self) -> Collection[str]:
        return self._reactions.types

    async def react(self, event: CloudEvent) -> None:
        above = sampled_trace(event.traceparent)
        if above is None:
            await self._reactions.react(event)
            return
        attributes: dict[str, Value] = {
            "messaging.operation.name": "react",
            "messaging.operation.type": "process",
            "messaging.destination.name": event.source,
            "messaging.consumer.group.name": self._name,
            "messaging.message.id": event.id,
            "sigdep.event": event.type,
        }
        with recording(self._spans, above.child(), f"react {event.type}", "consumer", attributes) as traceparent:
            begin_work(None, traceparent)
            try:
                await self._reactions.react(replace(event, traceparent=traceparent))
            finally:
                begin_work(None, None)  # The job goes on with other events.
