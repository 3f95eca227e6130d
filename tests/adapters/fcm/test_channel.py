"""Pushes to phones keep the contract of channels, and Google's own description finds nothing wrong with them."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import time

import pytest
from msgspec.structs import replace

from sigdep.adapters.fcm.account import FcmAccount
from sigdep.adapters.fcm.channel import FcmChannel
from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.kernel.channel import Postponed, Sent, Undeliverable
from sigdep.testing.channel import ChannelContract, OpenChannel, message
from sigdep.testing.fcm_sink import EMAIL, FcmSink
from sigdep.testing.google_schemas import fcm_requests

DEVICE = "cW8:APA91b-token_of-a-device"
TARGET = json.dumps({"token": DEVICE}).encode()


class Clock:
    """Stands where it is put."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def sink() -> AsyncIterator[FcmSink]:
    sink = FcmSink()
    await sink.start()
    yield sink
    await sink.stop()


def opened(sink: FcmSink, seconds: float = 60.0) -> FcmChannel:
    outgoing = Outgoing(AddressRules.anywhere())
    return FcmChannel(outgoing, FcmAccount.parse(sink.account), endpoint=sink.url, seconds=seconds)


@pytest.fixture
async def channel(sink: FcmSink) -> AsyncIterator[FcmChannel]:
    channel = opened(sink)
    yield channel
    await channel.close()


class TestFcmChannel(ChannelContract):
    secrets = (DEVICE, "PRIVATE KEY", "ya29.")

    @pytest.fixture
    def sink(self, sink: FcmSink) -> FcmSink:
        return sink

    @pytest.fixture
    def open_channel(self, sink: FcmSink) -> OpenChannel:
        return lambda seconds: opened(sink, seconds)

    @pytest.fixture
    def target(self) -> bytes:
        return TARGET

    @pytest.fixture
    def impossible_targets(self) -> list[bytes]:
        tokens = ["", "x" * 2_049, "a\r\nb", "é"]
        return [json.dumps({"token": token}).encode() for token in tokens] + [b'{"token": "a", "more": 1}']


async def test_a_repeat_takes_the_place_of_what_is_shown(sink: FcmSink, channel: FcmChannel) -> None:
    await channel.send(TARGET, replace(message(), urgent=True, keep_seconds=600))
    await channel.send(TARGET, message("k" * 80))
    first, second = (one.raw for one in sink.records.arrived)
    assert first["android"]["notification"]["tag"] == first["apns"]["headers"]["apns-collapse-id"] == "0192f3a8-key"
    assert (first["android"]["priority"], first["android"]["ttl"]) == ("HIGH", "600s")
    assert len(second["apns"]["headers"]["apns-collapse-id"]) == 64
    assert second["android"]["priority"] == "NORMAL"


async def test_one_token_serves_many(sink: FcmSink, channel: FcmChannel) -> None:
    await asyncio.gather(*(channel.send(TARGET, message(f"key-{number}")) for number in range(30)))
    assert len(sink.granted) == 1
    assert len(sink.records.arrived) == 30


async def test_a_token_is_renewed_before_it_ends(sink: FcmSink) -> None:
    clock, began = Clock(), time() - 715  # What is signed later than now is not believed.
    channel = FcmChannel(
        Outgoing(AddressRules.anywhere()), FcmAccount.parse(sink.account), endpoint=sink.url, now=clock
    )
    sink.lasts_seconds = 1_000
    for after, granted in ((0, 1), (690, 1), (710, 2), (715, 2)):
        clock.now = began + after
        assert isinstance(await channel.send(TARGET, message()), Sent)
        assert len(sink.granted) == granted, after
    await channel.close()


async def test_a_token_that_is_withdrawn_is_replaced_at_once(sink: FcmSink, channel: FcmChannel) -> None:
    await channel.send(TARGET, message())
    sink.good.clear()
    assert isinstance(await channel.send(TARGET, message()), Sent)
    assert len(sink.granted) == 2


async def test_an_account_that_is_not_let_in_is_the_operators_to_mend(sink: FcmSink, channel: FcmChannel) -> None:
    sink.grants = False
    outcome = await channel.send(TARGET, message())
    assert isinstance(outcome, Postponed)
    assert "SIGDEP_FCM_ACCOUNT" in outcome.reason
    sink.grants = True
    assert isinstance(await channel.send(TARGET, message()), Sent)


@pytest.mark.parametrize("status, waits", [(429, 60), (500, 10), (503, 10)])
async def test_google_is_given_time_also_where_it_does_not_say_how_much(
    sink: FcmSink, channel: FcmChannel, status: int, waits: int
) -> None:
    sink.answer_status = status
    outcome = await channel.send(TARGET, message())
    assert isinstance(outcome, Postponed)
    assert outcome.after_seconds == waits
    sink.answer_headers = {"Retry-After": "300"}
    outcome = await channel.send(TARGET, message())
    assert isinstance(outcome, Postponed)
    assert outcome.after_seconds == 300


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_device_is_forgotten_only_where_google_says_that_it_is_gone(
    sink: FcmSink, channel: FcmChannel, status: int
) -> None:
    sink.answer_status = status
    outcome = await channel.send(TARGET, message())
    assert isinstance(outcome, Undeliverable)
    assert not outcome.target_is_gone


@pytest.mark.parametrize("file", [b"", b"{}", b'{"project_id": "p", "client_email": "e", "private_key": "k"}', b"\xff"])
def test_what_is_no_account_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match="service account"):
        FcmAccount.parse(file)


async def test_a_key_that_cannot_be_read_is_said_to_be(sink: FcmSink) -> None:
    broken = {
        **json.loads(sink.account),
        "private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----",
    }
    account = FcmAccount.parse(json.dumps(broken).encode())
    assert "secret" not in repr(account)
    assert EMAIL in repr(account)
    channel = FcmChannel(Outgoing(AddressRules.anywhere()), account, endpoint=sink.url)
    outcome = await channel.send(TARGET, message())
    await channel.close()
    assert isinstance(outcome, Postponed)
    assert "private key" in outcome.reason
    assert "secret" not in outcome.reason


def test_googles_description_catches_what_it_does_not_know() -> None:
    good = {"message": {"token": "t", "notification": {"title": "Tea"}}}
    assert not list(fcm_requests().iter_errors(good))
    for wrong in ({"titel": "Tea"}, {"title": 7}):
        assert list(fcm_requests().iter_errors({"message": {"token": "t", "notification": wrong}}))
    assert list(fcm_requests().iter_errors({"message": {"token": "t", "android": {"priority": "LOUD"}}}))
