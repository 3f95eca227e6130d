"""Who may share a transaction: first come, first served, unless two touch the same thing."""

from collections.abc import Iterable
from unittest.mock import Mock

import pytest

from sigdep.adapters.postgres import waiting
from sigdep.adapters.postgres.waiting import Queue, Waiting
from sigdep.kernel.codec import StoredEvent
from sigdep.kernel.errors import Unavailable
from sigdep.kernel.ids import StreamId, SubjectId
from sigdep.kernel.store import AnswerKey, EventTooLarge
from sigdep.testing.sample_events import answering, appending, new_workspace, write, written

WORKSPACE = new_workspace()


def request(*writes: str, guards: Iterable[str] = (), key: str | None = None, size: int = 10) -> Waiting:
    """An append that writes and guards the streams of those names."""
    append = appending(
        WORKSPACE,
        *(write(WORKSPACE, StreamId(stream), *written("a")) for stream in writes),
        unchanged={StreamId(stream): 0 for stream in guards},
        answer=_answer(key),
    )
    event = StoredEvent(StreamId(""), SubjectId(WORKSPACE), "", 1, bytes(size), b"", b"", False)
    return Waiting(append, [event] * len(writes), Mock())


def _answer(key: str | None) -> AnswerKey | None:
    return None if key is None else answering(WORKSPACE, key)


def batches(*requests: Waiting) -> list[list[int]]:
    """The batches that the requests are sent in, each by its place in the queue."""
    queue, found = Queue(), []
    for one in requests:
        queue.put(one)
    while taken := queue.take():
        found.append([requests.index(one) for one in taken])
    assert len(queue) == 0
    return found


def test_what_touches_different_streams_goes_together() -> None:
    assert batches(request("a"), request("b"), request("c", "d")) == [[0, 1, 2]]


def test_two_that_write_one_stream_go_one_after_the_other() -> None:
    assert batches(request("a"), request("a"), request("b"), request("a")) == [[0, 2], [1], [3]]


def test_nobody_overtakes_one_that_is_held_back() -> None:
    assert batches(request("a"), request("a", "b"), request("b"), request("c")) == [[0, 3], [1], [2]]


def test_a_guard_waits_for_a_write_and_a_write_for_a_guard() -> None:
    assert batches(request("a"), request("b", guards="a")) == [[0], [1]]
    assert batches(request("b", guards="a"), request("a")) == [[0], [1]]
    assert batches(request("a", guards="b"), request("b", guards="a")) == [[0], [1]]


def test_several_may_guard_one_stream() -> None:
    assert batches(request("a", guards="p"), request("b", guards="p")) == [[0, 1]]


def test_two_with_one_idempotency_key_go_one_after_the_other() -> None:
    assert batches(request("a", key="k"), request("b", key="k"), request("c", key="l")) == [[0, 2], [1]]


def test_a_batch_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "BATCH_EVENTS_MAX", 3)
    assert batches(*(request(f"{n}a", f"{n}b") for n in range(4))) == [[0, 1], [2, 3]]
    assert batches(request(), request(), request(), request()) == [[0, 1, 2], [3]]
    monkeypatch.setattr(waiting, "BATCH_BYTES_MAX", 100)
    assert batches(request("a", size=99), request("b", size=500), request("c")) == [[0, 1], [2]]


def test_looking_for_others_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SCANNED_APPENDS_MAX", 2)
    assert batches(request("a"), request("a"), request("b")) == [[0], [1, 2]]


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITING_APPENDS_MAX", 2)
    queue = Queue()
    queue.put(request("a"))
    queue.put(request("b"))
    with pytest.raises(Unavailable) as refusal:
        queue.put(request("c"))
    assert refusal.value.retry_after_seconds == waiting.RETRY_AFTER_SECONDS
    queue.take()
    queue.put(request("c"))


def test_an_append_too_large_to_be_written_in_time_is_refused() -> None:
    with pytest.raises(EventTooLarge):
        Queue().put(request("a", size=waiting.APPEND_BYTES_MAX + 1))


def test_a_queue_is_full_of_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITING_BYTES_MAX", 100)
    queue = Queue()
    queue.put(request("a", size=100))
    with pytest.raises(Unavailable):
        queue.put(request("b"))
    queue.take()
    queue.put(request("b"))
