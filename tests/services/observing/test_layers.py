"""What the layers round the ports count and record, and that what passes through is what they were given."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sigdep.adapters.memory.broker import MemoryBroker, MemoryTopics
from sigdep.adapters.memory.event_store import MemoryEventStore, MemoryLog
from sigdep.adapters.memory.key_ring import MemoryKeyRing
from sigdep.gateway.figures import Figures
from sigdep.http.stamps import internal_call
from sigdep.kernel.codec import Codec
from sigdep.kernel.errors import NotFound, Unavailable, WrongExpectedVersion
from sigdep.kernel.ids import Partition
from sigdep.kernel.messages import Command, Query
from sigdep.kernel.store import EventStore, Metadata
from sigdep.rpc.call import Answer, Call
from sigdep.services.observing.traced_log import TracedLog, TracedStore
from sigdep.services.observing.watch import Watch
from sigdep.telemetry.current import current_work
from sigdep.telemetry.queue import SpanQueue
from sigdep.telemetry.spans import Span
from sigdep.telemetry.trace import new_trace
from sigdep.testing.event_store import EventStoreContract, Opener
from sigdep.testing.sample_events import (
    SAMPLE_EVENTS,
    NoteWritten,
    appending,
    new_stream,
    new_workspace,
    write,
    writing,
)

Shown = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def shown(watch: Watch) -> Shown:
    page = (await watch.figures.page()).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def value(figures: Shown, name: str, **labels: str) -> float | None:
    return figures.get((name, frozenset(labels.items())))


class Ask(Command):
    text: str = ""


class Answering:
    """A service that answers, or raises what it is told to."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.calls: list[Call] = []
        self.working_on: list[str | None] = []

    async def ask(self, message: Command | Query, call: Call) -> Answer[Any]:
        self.calls.append(call)
        self.working_on.append(current_work().traceparent)
        if self.failure is not None:
            raise self.failure
        return Answer(value=message)


class Nowhere:
    """A SpanExporter for tests that look at what is to be exported."""

    def export(self, spans: Sequence[Span]) -> bool:
        return True

    def close(self) -> None:
        """There is nothing under way."""


class Kept(SpanQueue):
    def __init__(self) -> None:
        super().__init__(Nowhere())
        self.taken: list[Span] = []

    def take(self, span: Span) -> None:
        self.taken.append(span)


def traced(traceparent: str | None) -> Call:
    call = internal_call()
    return Call(asked_at=call.asked_at, command_id=call.command_id, request_id="r", traceparent=traceparent)


async def test_messages_are_counted_by_how_they_ended() -> None:
    watch, service = Watch("tests", Figures()), Answering()
    measured = watch.inner("notes.write", service)
    for failure in (None, None, NotFound("x"), Unavailable("x"), KeyError("x"), asyncio.CancelledError()):
        service.failure = failure
        with nullcontext() if failure is None else pytest.raises(type(failure)):
            await measured.ask(Ask(), traced(None))
    figures = await shown(watch)
    labels = {"service": "notes.write", "message": "Ask"}
    counted = {outcome: value(figures, "sigdep_service_asks_total", **labels, outcome=outcome)
               for outcome in ("ok", "not_found", "unavailable", "bug", "cancelled")}  # fmt: skip
    assert counted == {"ok": 2, "not_found": 1, "unavailable": 1, "bug": 1, "cancelled": 1}
    assert value(figures, "sigdep_service_ask_seconds_count", **labels) == 6
    assert value(figures, "sigdep_service_asks_in_flight", service="notes.write") == 0


async def test_appends_are_counted_by_how_they_ended_and_by_how_many_share_a_commit() -> None:
    watch, store, workspace, stream = Watch("tests", Figures()), memory(), new_workspace(), new_stream()
    measured = watch.store("notes", store, system="memory")
    append = writing(workspace, stream, "a", "b")
    await measured.append(append)
    await measured.append(append)  # A repeat stores nothing.
    with pytest.raises(WrongExpectedVersion):
        await measured.append(writing(workspace, stream, "c"))
    figures = await shown(watch)
    assert value(figures, "sigdep_appends_total", log="notes", outcome="ok") == 2
    assert value(figures, "sigdep_appends_total", log="notes", outcome="conflict") == 1
    assert value(figures, "sigdep_appended_events_total", log="notes") == 2
    assert value(figures, "sigdep_append_seconds_count", log="notes") == 3
    assert value(figures, "sigdep_flush_appends_sum", log="notes") == 3
    assert value(figures, "sigdep_flush_events_bucket", log="notes", le="1") == 1
    assert value(figures, "sigdep_flush_events_bucket", log="notes", le="+Inf") == 3


async def test_a_broker_that_is_away_is_counted() -> None:
    watch, broker = Watch("tests", Figures()), MemoryBroker(MemoryTopics())
    measured = watch.broker(broker, system="memory")
    assert measured is not None
    await measured.publish("notes", [])
    await broker.close()
    with pytest.raises(Unavailable):
        await measured.publish("notes", [])
    with pytest.raises(Unavailable):
        await measured.last("notes", Partition(0))
    figures = await shown(watch)
    for operation in ("publish", "last"):
        labels = {"topic": "notes", "operation": operation, "outcome": "unavailable"}
        assert value(figures, "sigdep_broker_failures_total", **labels) == 1


@pytest.mark.parametrize("sampled", [True, False])
async def test_only_what_is_sampled_is_recorded_and_whoever_is_asked_goes_on_from_there(sampled: bool) -> None:
    spans, service, above = Kept(), Answering(), new_trace(sampled)
    watch = Watch("tests", Figures(), spans)
    await watch.inner("notes.write", service).ask(Ask(), traced(above.traceparent))
    if not sampled:
        assert (spans.taken, service.calls[0].traceparent) == ([], above.traceparent)
        return
    (span,) = spans.taken
    assert span.trace.parent_id == above.span_id
    assert service.calls[0].traceparent == span.trace.traceparent
    assert service.working_on == [span.trace.traceparent]  # What it asks by itself belongs to it.
    assert span.name == "sigdep.notes.write/Ask"


async def test_what_follows_an_append_goes_on_from_it_and_nothing_else_of_the_event_is_changed() -> None:
    spans, inner, above = Kept(), memory(), new_trace(sampled=True)
    store = TracedStore("notes", inner, spans, system="memory")
    workspace, stream = new_workspace(), new_stream()
    metadata = Metadata(request="r-1", trace=above.traceparent)
    await store.append(appending(workspace, write(workspace, stream, NoteWritten(text="a")), metadata=metadata))
    await store.append(writing(workspace, new_stream(), "not traced"))
    (append,) = spans.taken
    assert append.trace.parent_id == above.span_id
    (stored,) = (await inner.read(stream)).events
    assert stored.metadata == Metadata(request="r-1", trace=append.trace.traceparent)

    following = TracedLog("notes", "tests", store, spans, system="memory").follow({})
    batch: Sequence[Any] = await anext(following)
    assert len(spans.taken) == 1  # It is being worked off.
    await following.aclose()  # type: ignore[attr-defined]
    assert [event.metadata.request for event in batch] == ["r-1", None]
    step = spans.taken[1]
    assert (step.name, step.kind, step.error) == ("process notes", "consumer", "unfinished")
    assert step.trace.parent_id == append.trace.span_id
    assert batch[0].metadata.trace == step.trace.traceparent


def memory() -> MemoryEventStore:
    return MemoryEventStore(Codec(SAMPLE_EVENTS, MemoryKeyRing()))


class TestObservedStore(EventStoreContract):
    """With all of its layers a store is a store."""

    @pytest.fixture
    def opener(self) -> Opener:
        self.log = log = MemoryLog()
        watch = Watch("tests", Figures(), Kept())

        async def open_store(codec: Codec, *, read_only: bool = False) -> EventStore:
            return watch.store("notes", MemoryEventStore(codec, log), system="memory")

        return open_store

    async def age_answers(self, hours: float) -> None:
        age_us = int(hours * 3_600_000_000)
        for key, (kept_us, kept) in self.log.answers.items():
            self.log.answers[key] = kept_us - age_us, kept
