"""Webhooks keep the contract of channels, and are what Standard Webhooks says."""

import json
from collections.abc import AsyncIterator
from time import time

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError

from sigdep.adapters.outgoing.addresses import AddressRules
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.webhook.channel import WebhookChannel
from sigdep.adapters.webhook.signing import key_of, signatures
from sigdep.kernel.channel import Postponed, Sent, Undeliverable
from sigdep.testing.channel import ChannelContract, OpenChannel, message
from sigdep.testing.webhook_sink import WebhookSink

LOOPBACK = AddressRules.parse("127.0.0.0/8")
OTHER_SECRET = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgb3Igc28="


def aimed(sink: WebhookSink, *secrets: str, path: str = "/hooks?of=ada") -> bytes:
    return json.dumps({"url": f"{sink.url}{path}", "secrets": secrets or [sink.secret]}).encode()


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    sink = WebhookSink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def channel() -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel(Outgoing(LOOPBACK))
    yield channel
    await channel.close()


class TestWebhookChannel(ChannelContract):
    secrets = (WebhookSink.secret, WebhookSink.secret[6:], "of=ada")

    @pytest.fixture
    def sink(self, sink: WebhookSink) -> WebhookSink:
        return sink

    @pytest.fixture
    def open_channel(self) -> OpenChannel:
        return lambda seconds: WebhookChannel(Outgoing(LOOPBACK), seconds=seconds)

    @pytest.fixture
    def target(self, sink: WebhookSink) -> bytes:
        return aimed(sink)

    @pytest.fixture
    def impossible_targets(self, sink: WebhookSink) -> list[bytes]:
        url, secret = sink.url, sink.secret
        impossible = [
            {"url": url, "secrets": []},
            {"url": url, "secrets": [secret] * 4},
            {"url": url, "secrets": ["whsec_c2hvcnQ="]},
            {"url": url, "secrets": [secret.removeprefix("whsec_")]},
            {"url": url, "secrets": [secret], "more": 1},
            {"url": "http://192.168.1.1/", "secrets": [secret]},
        ]
        return [json.dumps(target).encode() for target in impossible]


async def test_the_document_is_sent_byte_for_byte(sink: WebhookSink, channel: WebhookChannel) -> None:
    document = '{"type": "task.completed",\r\n "data": {"title": "Größe 🍵"}}'.encode()
    assert isinstance(await channel.send(aimed(sink), replace(message(), document=document)), Sent)
    headers, body = sink.records.arrived[0].raw
    assert body == document
    assert headers["Content-Type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time()) < 60


async def test_while_a_secret_is_replaced_receivers_may_know_either(sink: WebhookSink, channel: WebhookChannel) -> None:
    for sink.secret in (WebhookSink.secret, OTHER_SECRET):
        assert isinstance(await channel.send(aimed(sink, OTHER_SECRET, WebhookSink.secret), message()), Sent)
    sink.secret = "whsec_" + "dGhlIHNlY3JldCBvZiBzb21lYm9keSBlbHNlIGFsdG9nZXRoZXI="
    outcome = await channel.send(aimed(sink, OTHER_SECRET, WebhookSink.secret), message())
    assert isinstance(outcome, Postponed)
    assert len(sink.records.arrived) == 2


def test_who_changes_anything_is_not_believed() -> None:
    now = int(time())
    signature = signatures([key_of(WebhookSink.secret)], "key", now, b"{}")

    def verify(key: str = "key", at: int = now, body: str = "{}") -> None:
        headers = {"webhook-id": key, "webhook-timestamp": str(at), "webhook-signature": signature}
        Webhook(WebhookSink.secret).verify(body, headers)

    verify()
    for changed in ({"key": "other"}, {"at": now - 1}, {"at": now - 400}, {"body": "{ }"}):
        with pytest.raises(WebhookVerificationError):
            verify(**changed)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(sink: WebhookSink, channel: WebhookChannel, status: int) -> None:
    sink.answer_status, sink.answer_headers = status, {"Location": f"{sink.url}/elsewhere"}
    outcome = await channel.send(aimed(sink), message())
    assert isinstance(outcome, Postponed)
    assert str(status) in outcome.reason
    assert sink.records.asked == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 502, 503, 504])
async def test_what_its_owner_may_mend_is_tried_again_when_they_say(
    sink: WebhookSink, channel: WebhookChannel, status: int
) -> None:
    sink.answer_status, sink.answer_headers = status, {"Retry-After": "120"}
    outcome = await channel.send(aimed(sink), message())
    assert outcome == Postponed(reason=f"The receiver answered {status}.", after_seconds=120)


async def test_a_receiver_inside_is_not_reached_unless_the_operator_allows_it(sink: WebhookSink) -> None:
    channel = WebhookChannel(Outgoing(AddressRules()))
    try:
        outcome = await channel.send(aimed(sink), message())
    finally:
        await channel.close()
    assert isinstance(outcome, Undeliverable)
    assert sink.records.asked == 0
