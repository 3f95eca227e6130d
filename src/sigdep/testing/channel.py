"""The contract suite of channels: every promise of `kernel/channel.py`, for every adapter."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from sigdep.kernel.channel import Channel, Message, Postponed, Sent, Undeliverable
from sigdep.testing.channel_sink import Sink

OpenChannel = Callable[[float], Channel]
"""To the sink, with a bound in seconds."""

GENEROUS_SECONDS: Final = 60.0
SHORT_SECONDS: Final = 0.5
AT_ONCE: Final = 40

DUE: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def message(key: str = "0192f3a8-key", *, title: str = "Tea with Grace", body: str = "In ten minutes.") -> Message:
    link = "https://tasks.example/t/42"
    return Message(key=key, kind="reminder", title=title, body=body, link=link, occurred_at=DUE)


class ChannelContract:
    """A subclass gives `sink`, `open_channel`, `target`, and `impossible_targets`."""

    secrets: tuple[str, ...] = ()
    """What must never be told: parts of targets and settings."""

    @pytest.fixture
    def sink(self) -> Sink:
        raise NotImplementedError("The subclass says what the other side is; it is started already.")

    @pytest.fixture
    def open_channel(self, sink: Sink) -> OpenChannel:
        raise NotImplementedError("The subclass says how its channel is opened.")

    @pytest.fixture
    def target(self, sink: Sink) -> bytes:
        raise NotImplementedError("The subclass says what the sink's target is.")

    @pytest.fixture
    def impossible_targets(self) -> list[bytes]:
        raise NotImplementedError("The subclass says which targets nothing will ever reach.")

    @pytest.fixture
    async def channel(self, open_channel: OpenChannel) -> AsyncIterator[Channel]:
        channel = open_channel(GENEROUS_SECONDS)
        yield channel
        await channel.close()

    @pytest.fixture
    async def hurried(self, open_channel: OpenChannel) -> AsyncIterator[Channel]:
        channel = open_channel(SHORT_SECONDS)
        yield channel
        await channel.close()

    async def test_a_message_arrives_with_its_key(self, channel: Channel, target: bytes, sink: Sink) -> None:
        assert channel.objection(target) is None
        assert isinstance(await channel.send(target, message()), Sent)
        (arrived,) = sink.records.arrived
        assert (arrived.key, arrived.title) == ("0192f3a8-key", "Tea with Grace")
        assert "In ten minutes." in arrived.body
        assert sink.records.faults == []

    async def test_sent_again_it_arrives_under_the_same_key(self, channel: Channel, target: bytes, sink: Sink) -> None:
        for _ in range(3):
            assert isinstance(await channel.send(target, message()), Sent)
        await channel.send(target, message("another"))
        assert sink.records.keys == ["0192f3a8-key"] * 3 + ["another"]

    @pytest.mark.parametrize(
        "title, body",
        [
            ("Größe 東京 🍵", "Zeile eins\nZeile zwei 🍵"),
            ("<b>&amp;</b> \"'", "<script>alert(1)</script>"),
            ("Tea\r\nBcc: all@example.com\r\n\r\nHello", "a\r\n.\r\nQUIT\r\n"),
            ("Tea\u2028Bcc: all@example.com\x85X: y\x0b\x0c\x1c\x00", "..\n.\n\x00\x1b[31m"),
            ("", ""),
        ],
        ids=["characters", "markup", "lines", "controls", "nothing"],
    )
    async def test_what_somebody_wrote_is_text_and_nothing_else(
        self, channel: Channel, target: bytes, sink: Sink, title: str, body: str
    ) -> None:
        assert isinstance(await channel.send(target, message(title=title, body=body)), Sent)
        (arrived,) = sink.records.arrived
        assert sink.records.faults == []
        assert arrived.key == "0192f3a8-key"
        assert _words(title) == _words(arrived.title)
        assert _words(body) in _words(arrived.body)

    @pytest.mark.parametrize("character", ["x", "é", "🍵", '"', "\n"])
    async def test_a_text_that_is_too_long_is_shortened(
        self, channel: Channel, target: bytes, sink: Sink, character: str
    ) -> None:
        long = message(title="Tea " + character * 10_000, body="Now " + character * 100_000)
        assert isinstance(await channel.send(target, long), Sent)
        (arrived,) = sink.records.arrived
        assert arrived.title.startswith("Tea")
        assert sink.records.faults == []

    async def test_many_at_once_arrive_once_each(self, channel: Channel, target: bytes, sink: Sink) -> None:
        keys = [f"key-{number}" for number in range(AT_ONCE)]
        outcomes = await asyncio.gather(*(channel.send(target, message(key)) for key in keys))
        assert {type(outcome) for outcome in outcomes} == {Sent}
        assert sorted(sink.records.keys) == sorted(keys)

    async def test_while_the_other_side_is_busy_it_is_postponed(
        self, channel: Channel, target: bytes, sink: Sink
    ) -> None:
        sink.records.trouble = "busy"
        self._is_postponed(await channel.send(target, message()))
        sink.records.trouble = "none"
        assert isinstance(await channel.send(target, message()), Sent)
        assert sink.records.keys == ["0192f3a8-key"]

    async def test_what_is_refused_is_not_sent(self, channel: Channel, target: bytes, sink: Sink) -> None:
        sink.records.trouble = "refusing"
        outcome = await channel.send(target, message())
        assert not isinstance(outcome, Sent)
        assert not (isinstance(outcome, Undeliverable) and outcome.target_is_gone)
        assert (sink.records.asked, sink.records.arrived) == (1, [])

    async def test_a_target_that_is_gone_is_said_to_be(self, channel: Channel, target: bytes, sink: Sink) -> None:
        sink.records.trouble = "gone"
        outcome = await channel.send(target, message())
        assert isinstance(outcome, Undeliverable)
        assert outcome.target_is_gone
        assert sink.records.asked == 1

    async def test_silence_ends_in_bounded_time(self, hurried: Channel, target: bytes, sink: Sink) -> None:
        sink.records.trouble = "silent"
        began = asyncio.get_running_loop().time()
        self._is_postponed(await hurried.send(target, message()))
        assert asyncio.get_running_loop().time() - began < GENEROUS_SECONDS

    async def test_a_lost_connection_is_postponed(self, channel: Channel, target: bytes, sink: Sink) -> None:
        sink.records.trouble = "cut"
        self._is_postponed(await channel.send(target, message()))
        sink.records.trouble = "none"
        assert isinstance(await channel.send(target, message()), Sent)

    async def test_where_nobody_listens_it_is_postponed_until_somebody_does(
        self, channel: Channel, target: bytes, sink: Sink
    ) -> None:
        await channel.send(target, message("before"))
        await sink.stop()
        self._is_postponed(await channel.send(target, message()))
        await sink.start()
        assert isinstance(await channel.send(target, message()), Sent)
        assert sink.records.keys == ["before", "0192f3a8-key"]

    async def test_an_impossible_target_is_objected_to_and_never_tried(
        self, channel: Channel, impossible_targets: list[bytes], sink: Sink
    ) -> None:
        for target in (b"", b"{}", b"[]", b"null", b'{"url": 7}', b"\xff", *impossible_targets):
            objection = channel.objection(target)
            assert objection is not None, target
            assert objection.endswith("."), objection
            outcome = await channel.send(target, message())
            assert isinstance(outcome, Undeliverable), target
            assert not outcome.target_is_gone
        assert sink.records.asked == 0

    async def test_a_closed_channel_postpones(self, open_channel: OpenChannel, target: bytes, sink: Sink) -> None:
        channel = open_channel(GENEROUS_SECONDS)
        await channel.send(target, message("before"))
        for _ in range(2):
            await channel.close()
        self._is_postponed(await channel.send(target, message()))
        assert sink.records.keys == ["before"]

    async def test_closing_gives_up_what_is_being_sent(
        self, open_channel: OpenChannel, target: bytes, sink: Sink
    ) -> None:
        sink.records.trouble = "silent"
        channel = open_channel(GENEROUS_SECONDS)
        sending = asyncio.ensure_future(channel.send(target, message()))
        await sink.records.was_asked.wait()
        await channel.close()
        self._is_postponed(await asyncio.wait_for(sending, GENEROUS_SECONDS / 2))

    async def test_neither_content_nor_secrets_are_told(
        self, channel: Channel, target: bytes, sink: Sink, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        said = [repr(channel)]
        for sink.records.trouble in ("none", "busy", "refusing", "gone", "cut"):
            said.append(repr(await channel.send(target, message())))
        told = "\n".join((*said, *(f"{record.getMessage()} {record.exc_text}" for record in _ours(caplog))))
        for secret in ("Tea with Grace", "In ten minutes.", *self.secrets):
            assert secret not in told

    def _is_postponed(self, outcome: object) -> None:
        assert isinstance(outcome, Postponed), outcome
        assert outcome.reason.endswith(".")


def _ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Without the sink's own lines."""
    return [record for record in caplog.records if not record.name.startswith(("mail.", "aiohttp.", "asyncio"))]


def _words(text: str) -> str:
    """What is left of a text where line ends and control characters need not survive."""
    return "".join(character for character in text if character.isprintable() and not character.isspace())
