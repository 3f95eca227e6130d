"""The channel to programs: a signed POST to a URL that somebody gave us."""

from collections.abc import Callable
from time import time
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from sigdep.adapters.outgoing.addresses import AddressRefused
from sigdep.adapters.outgoing.answers import Answer, NoAnswer
from sigdep.adapters.outgoing.client import Outgoing
from sigdep.adapters.webhook.signing import key_of, signatures
from sigdep.kernel.channel import Message, Outcome, Postponed, Sent, Undeliverable

SECONDS_MAX: Final = 15.0
"""For a receiver to answer. It shall take the message first, and work on it afterwards."""

GONE: Final = 410


class WebhookTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to, and what the receiver knows us by."""

    url: str
    secrets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=3)]
    """The one in force, and those before that still sign."""

    def __repr__(self) -> str:
        return "WebhookTarget(…)"


class _Event(Struct, frozen=True, kw_only=True):
    """What is told where a message has no document of its own."""

    type: str
    timestamp: str
    data: dict[str, str | None]


_decode: Final = msgspec.json.Decoder(WebhookTarget).decode


class WebhookChannel:
    """Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks, version 1.

    Whatever a receiver answers but success may be mended by its owner, and is worth another try; 410 says that nobody
    listens there any more.
    """

    def __init__(self, outgoing: Outgoing, *, seconds: float = SECONDS_MAX, now: Callable[[], float] = time) -> None:
        """
        Args:
            outgoing: closed with the channel.
            now: seconds since 1970. Receivers refuse what was signed long ago.
        """
        self._outgoing, self._seconds, self._now = outgoing, seconds, now

    def objection(self, target: bytes) -> str | None:
        try:
            aim = _decode(target)
            self._outgoing.rules.check(aim.url)
            for secret in aim.secrets:
                key_of(secret)
        except msgspec.MsgspecError:
            return "A webhook has a URL, and one to three secrets."
        except (AddressRefused, ValueError) as error:
            return str(error)
        return None

    async def send(self, target: bytes, message: Message) -> Outcome:
        if (objection := self.objection(target)) is not None:
            return Undeliverable(reason=objection)
        aim, body, timestamp = _decode(target), _body(message), int(self._now())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures([key_of(one) for one in aim.secrets], message.key, timestamp, body),
        }
        try:
            return _outcome(await self._outgoing.post(aim.url, body, headers, seconds=self._seconds))
        except AddressRefused as refused:
            return Undeliverable(reason=str(refused))
        except NoAnswer as error:
            return Postponed(reason=str(error))

    async def close(self) -> None:
        await self._outgoing.close()


def _body(message: Message) -> bytes:
    if message.document:
        return message.document
    told = {"title": message.title, "body": message.body, "link": message.link}
    return msgspec.json.encode(_Event(type=message.kind, timestamp=message.occurred_at.isoformat(), data=told))


def _outcome(answer: Answer) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Sent()
    if status == GONE:
        return Undeliverable(reason="The receiver says that nobody listens there any more (410).", target_is_gone=True)
    if 300 <= status < 400:
        reason = f"The receiver sends us elsewhere ({status}), where we do not follow: give that address itself."
        return Postponed(reason=reason)
    return Postponed(reason=f"The receiver answered {status}.", after_seconds=answer.retry_after_seconds)
