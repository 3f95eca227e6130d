"""Where a request stands in its trace, and whether it is recorded."""

import pytest

from sigdep.telemetry.sampling import DEMANDED_PER_SECOND_MAX, Sampler
from sigdep.telemetry.trace import is_sampled, new_trace, parse_traceparent, sampled_trace

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = GIVEN[:-2] + "00"


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_what_is_written_is_read_again() -> None:
    made = new_trace(sampled=True)
    read = parse_traceparent(made.traceparent)
    assert read == made
    assert sampled_trace(made.traceparent) == made
    assert sampled_trace(new_trace(sampled=False).traceparent) is None


def test_a_step_within_a_step_has_an_id_of_its_own() -> None:
    above = new_trace(sampled=True)
    below = above.child()
    assert (below.trace_id, below.parent_id, below.sampled) == (above.trace_id, above.span_id, True)
    assert below.span_id != above.span_id


@pytest.mark.parametrize("flags, sampled", [("01", True), ("03", True), ("00", False), ("02", False), ("ff", True)])
def test_only_the_lowest_flag_decides(flags: str, sampled: bool) -> None:
    assert is_sampled(GIVEN[:-2] + flags) is sampled


def test_a_client_that_has_decided_is_followed() -> None:
    sampler = Sampler(0.0)
    trace = sampler.begin(GIVEN)
    assert (trace.trace_id, trace.parent_id, trace.sampled) == (GIVEN[3:35], GIVEN[36:52], True)
    assert trace.span_id != GIVEN[36:52]
    assert not Sampler(1.0).begin(UNSAMPLED).sampled


def test_where_nothing_is_recorded_the_trace_is_passed_on_as_it_came() -> None:
    assert Sampler().begin(GIVEN).traceparent == GIVEN
    assert not Sampler().begin(None).sampled
    assert Sampler().begin(None).trace_id != Sampler().begin(None).trace_id


@pytest.mark.parametrize("ratio", [0.0, 0.1, 1.0])
def test_of_the_undecided_as_many_are_recorded_as_the_operator_wants(ratio: float) -> None:
    sampler = Sampler(ratio)
    recorded = sum(sampler.begin(None).sampled for _ in range(4_000))
    assert abs(recorded / 4_000 - ratio) < 0.03  # Six standard deviations.


def test_clients_cannot_have_more_recorded_than_the_bound() -> None:
    clock = Clock()
    sampler = Sampler(0.0, steady=clock)
    demanded = [sampler.begin(GIVEN) for _ in range(DEMANDED_PER_SECOND_MAX + 5)]
    assert sum(trace.sampled for trace in demanded) == DEMANDED_PER_SECOND_MAX
    assert {trace.trace_id for trace in demanded} == {GIVEN[3:35]}
    clock.seconds += 1
    assert sampler.begin(GIVEN).sampled
