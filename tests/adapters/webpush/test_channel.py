"""Pushes to browsers keep the contract of channels, and a strict push service takes them."""

import json
from collections.abc import AsyncIterator, Callable

import jwt
import pytest
from msgspec.structs import replace

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.webpush.channel import WebPushChannel, topic_of
from sigdep.adapters.webpush.vapid import Vapid
from sigdep.kernel.channel import Postponed, Sent, Undeliverable
from sigdep.services.secret_files import vapid_key
from sigdep.testing.channel import ChannelContract, OpenChannel, message
from sigdep.testing.push_sink import PushSink

LOOPBACK = AddressRules.parse("127.0.0.0/8")
KEY = vapid_key()
SUBJECT = "mailto:operator@example.com"


@pytest.fixture
async def sink() -> AsyncIterator[PushSink]:
    sink = PushSink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def channel(sink: PushSink) -> AsyncIterator[WebPushChannel]:
    channel = WebPushChannel(Outgoing(LOOPBACK), KEY, subject=SUBJECT)
    sink.subscribed_with = channel.vapid.public
    yield channel
    await channel.close()


class TestWebPushChannel(ChannelContract):
    secrets = ("/push/1", "PRIVATE KEY", *KEY.decode().splitlines()[1:-1])

    @pytest.fixture
    def sink(self, sink: PushSink) -> PushSink:
        return sink

    @pytest.fixture
    def open_channel(self) -> OpenChannel:
        return lambda seconds: WebPushChannel(Outgoing(LOOPBACK), KEY, subject=SUBJECT, seconds=seconds)

    @pytest.fixture
    def target(self, sink: PushSink) -> bytes:
        return sink.subscription

    @pytest.fixture
    def impossible_targets(self, sink: PushSink) -> list[bytes]:
        good = json.loads(sink.subscription)
        keys = good["keys"]
        impossible = [
            {**good, "endpoint": "http://10.0.0.1/push"},
            {**good, "endpoint": "file:///etc/passwd"},
            {**good, "keys": {**keys, "auth": "c2hvcnQ"}},
            {**good, "keys": {**keys, "p256dh": "BA" + "A" * 85}},
            {**good, "keys": {**keys, "p256dh": "é"}},
            {**good, "keys": {**keys, "p256dh": ""}},
        ]
        return [json.dumps(target).encode() for target in impossible]


async def test_a_push_says_how_long_it_is_kept_how_urgent_it_is_and_what_it_replaces(
    sink: PushSink, channel: WebPushChannel
) -> None:
    await channel.send(sink.subscription, replace(message(), urgent=True, keep_seconds=600))
    await channel.send(sink.subscription, message())
    (urgent, told), (normal, _) = (one.raw for one in sink.records.arrived)
    assert (urgent["Urgency"], urgent["TTL"], normal["Urgency"]) == ("high", "600", "normal")
    assert urgent["Topic"] == normal["Topic"] == topic_of(message().key) != topic_of("another")
    assert told["link"] == "https://tasks.example/t/42"
    assert told["occurred_at"] == "2026-11-22T09:30:00+00:00"


@pytest.mark.parametrize(
    "status, gone", [(404, True), (410, True), (400, False), (401, False), (403, False), (413, False), (301, False)]
)
async def test_only_a_subscription_that_has_ended_is_forgotten(
    sink: PushSink, channel: WebPushChannel, status: int, gone: bool
) -> None:
    sink.answer_status, sink.answer_headers = status, {"Location": sink.url}
    outcome = await channel.send(sink.subscription, message())
    assert isinstance(outcome, Undeliverable)
    assert outcome.target_is_gone == gone
    assert sink.records.asked == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_push_service_says_how_long_to_wait(sink: PushSink, channel: WebPushChannel, status: int) -> None:
    sink.answer_status, sink.answer_headers = status, {"Retry-After": "30"}
    outcome = await channel.send(sink.subscription, message())
    assert isinstance(outcome, Postponed)
    assert outcome.after_seconds == 30


async def test_without_anybody_to_write_to_it_is_signed_all_the_same(sink: PushSink) -> None:
    channel = WebPushChannel(Outgoing(LOOPBACK), KEY)
    assert isinstance(await channel.send(sink.subscription, message()), Sent)
    await channel.close()
    assert sink.records.faults == []


def claims(authorization: str) -> dict[str, object]:
    token = authorization.removeprefix("vapid t=").partition(",")[0]
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_token_is_used_until_it_is_old_and_each_service_has_its_own() -> None:
    now = 1_000_000.0
    clock: Callable[[], float] = lambda: now  # noqa: E731
    vapid = Vapid(KEY, SUBJECT, clock)
    first = vapid.authorization("https://push.example/1")
    now += 3_600
    assert vapid.authorization("https://push.example/2") == first
    assert claims(first) == {"aud": "https://push.example", "exp": 1_000_000 + 12 * 3_600, "sub": SUBJECT}
    assert claims(vapid.authorization("https://other.example:8443/2"))["aud"] == "https://other.example:8443"
    now += 11 * 3_600
    assert claims(vapid.authorization("https://push.example/1"))["exp"] == now + 12 * 3_600
    now -= 100_000
    assert claims(vapid.authorization("https://push.example/1"))["exp"] == now + 12 * 3_600


def test_tokens_are_bounded() -> None:
    vapid = Vapid(KEY, SUBJECT, lambda: 1_000_000.0)
    for number in range(300):
        vapid.authorization(f"https://push-{number}.example/")
    assert len(vapid._tokens) <= 128


@pytest.mark.parametrize("key", [b"", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Vapid(key, SUBJECT, lambda: 0.0)
